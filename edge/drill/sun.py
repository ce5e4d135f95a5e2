"""Where the sun stands, to about a degree: enough for shadows, not for navigation."""

from dataclasses import dataclass
from datetime import datetime
from math import asin, atan2, cos, degrees, pi, radians, sin, tan


@dataclass(frozen=True, slots=True)
class Sun:
    """Azimuth clockwise from north, elevation above the horizon; negative is night."""

    azimuth_deg: float
    elevation_deg: float

    @property
    def toward(self) -> tuple[float, float, float]:
        """Unit vector to the sun: east, south, up."""
        azimuth, elevation = radians(self.azimuth_deg), radians(self.elevation_deg)
        return sin(azimuth) * cos(elevation), -cos(azimuth) * cos(elevation), sin(elevation)

    @property
    def shadow_per_m(self) -> tuple[float, float]:
        """Metres east and south that a shadow falls for each metre of height."""
        length = 1 / tan(radians(max(self.elevation_deg, 4.0)))
        azimuth = radians(self.azimuth_deg)
        return -sin(azimuth) * length, cos(azimuth) * length


def sun_at(at: datetime, lng: float, lat: float) -> Sun:
    """The sun over a place at a UTC instant, by declination and the equation of time."""
    year = 2 * pi * (at.timetuple().tm_yday - 1 + (at.hour - 12) / 24) / 365.25
    declination = radians(
        0.396 - 22.913 * cos(year) + 4.025 * sin(year) - 0.387 * cos(2 * year) + 0.052 * sin(2 * year)
    )
    equation_min = (
        0.017 + 0.428 * cos(year) - 7.351 * sin(year) - 3.349 * cos(2 * year) - 9.371 * sin(2 * year)
    )
    hours = at.hour + at.minute / 60 + at.second / 3600 + lng / 15 + equation_min / 60
    angle, place = radians(15 * (hours - 12)), radians(lat)
    elevation = asin(sin(place) * sin(declination) + cos(place) * cos(declination) * cos(angle))
    azimuth = atan2(-sin(angle), tan(declination) * cos(place) - sin(place) * cos(angle))
    return Sun(degrees(azimuth) % 360, degrees(elevation))
