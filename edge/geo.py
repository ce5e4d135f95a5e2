"""Ground positions, ground boxes and boxes on an image, and the ways between them.

Pure. Degrees are WGS84; over a tile (a few kilometres) degrees and metres are taken as proportional.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Degrees = TypeVar("Degrees", float, NDArray[np.float64])
"""One number, or (N,) float64 of them."""

# Mean length of one degree of latitude on the WGS84 ellipsoid; the error over a tile is far below a pixel.
METRES_PER_DEGREE = 111_320.0


def wrap_lng(lng: Degrees) -> Degrees:
    """The same meridian in [-180, 180)."""
    return (lng + 180.0) % 360.0 - 180.0


@dataclass(frozen=True, slots=True)
class LngLat:
    """A position on the ground, in degrees WGS84."""

    lng: float
    lat: float

    def __post_init__(self) -> None:
        if not (-180.0 <= self.lng <= 180.0 and -90.0 <= self.lat <= 90.0):  # also refuses NaN
            raise ValueError(
                f"position: expected lng in [-180, 180], lat in [-90, 90], got {self.lng}, {self.lat}"
            )


def metres_per_degree(lat: float) -> tuple[float, float]:
    """Metres per degree of longitude and of latitude at a latitude in degrees."""
    return METRES_PER_DEGREE * max(math.cos(math.radians(lat)), 1e-9), METRES_PER_DEGREE


def offset_m(start: LngLat, end: LngLat) -> tuple[float, float]:
    """Metres east and north from start to end, the short way round the globe."""
    per_lng, per_lat = metres_per_degree((start.lat + end.lat) / 2)
    return wrap_lng(end.lng - start.lng) * per_lng, (end.lat - start.lat) * per_lat


def distance_m(start: LngLat, end: LngLat) -> float:
    """Metres between two positions a few kilometres apart at most."""
    return math.hypot(*offset_m(start, end))


def moved_by(start: LngLat, east_m: float, north_m: float) -> LngLat:
    """The position that many metres east and north of start."""
    per_lng, per_lat = metres_per_degree(start.lat)
    lat = min(90.0, max(-90.0, start.lat + north_m / per_lat))
    return LngLat(wrap_lng(start.lng + east_m / per_lng), lat)


@dataclass(frozen=True, slots=True)
class GeoBounds:
    """A box on the ground in degrees; west > east means that it crosses the antimeridian."""

    west: float
    south: float
    east: float
    north: float

    def __post_init__(self) -> None:
        if not all(-180.0 <= lng <= 180.0 for lng in (self.west, self.east)) or self.west == self.east:
            raise ValueError(f"bounds: expected west and east in [-180, 180], got {self.west}, {self.east}")
        if not -90.0 <= self.south < self.north <= 90.0:
            raise ValueError(f"bounds: expected -90 <= south < north <= 90, got {self.south}, {self.north}")

    @property
    def width_deg(self) -> float:
        """Degrees of longitude from west to east, eastwards."""
        return (self.east - self.west) % 360.0

    @property
    def height_deg(self) -> float:
        """Degrees of latitude from south to north."""
        return self.north - self.south

    @property
    def centre(self) -> LngLat:
        """The middle of the box."""
        return LngLat(wrap_lng(self.west + self.width_deg / 2), (self.south + self.north) / 2)

    @property
    def size_m(self) -> tuple[float, float]:
        """Width and height in metres, at the middle latitude."""
        per_lng, per_lat = metres_per_degree(self.centre.lat)
        return self.width_deg * per_lng, self.height_deg * per_lat

    def contains(self, position: LngLat) -> bool:
        """True if the position lies in the box or on its edge."""
        east_deg = (position.lng - self.west) % 360.0
        return east_deg <= self.width_deg and self.south <= position.lat <= self.north

    def intersection(self, other: GeoBounds) -> GeoBounds | None:
        """The ground both boxes cover, or None; a shared edge is nothing."""
        start = wrap_lng(other.west - self.west)
        low, high = max(0.0, start), min(self.width_deg, start + other.width_deg)
        south, north = max(self.south, other.south), min(self.north, other.north)
        if low >= high or south >= north:
            return None
        return GeoBounds(wrap_lng(self.west + low), south, wrap_lng(self.west + high), north)


@dataclass(frozen=True, slots=True)
class PixelBox:
    """A box on one image, in pixels from the top-left corner.

    right and bottom are exclusive: width is right - left.
    """

    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        if not (self.left < self.right and self.top < self.bottom):
            raise ValueError(f"box: expected left < right and top < bottom, got {self}")

    @property
    def width(self) -> float:
        """Pixels from left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """Square pixels."""
        return self.width * self.height

    @property
    def centre(self) -> tuple[float, float]:
        """x, y of the middle."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def intersection_area(self, other: PixelBox) -> float:
        """Square pixels that both boxes cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0.0) * max(height, 0.0)

    def iou(self, other: PixelBox) -> float:
        """Intersection over union, in [0, 1]."""
        inner = self.intersection_area(other)
        return inner / (self.area + other.area - inner)


@dataclass(frozen=True, slots=True)
class Grid:
    """An image of width x height pixels laid over ground bounds, north up: where its pixels lie."""

    bounds: GeoBounds
    width_px: int
    height_px: int

    def __post_init__(self) -> None:
        if self.width_px < 1 or self.height_px < 1:
            raise ValueError(f"grid: expected at least 1 x 1 pixels, got {self.width_px} x {self.height_px}")

    @property
    def gsd_m(self) -> tuple[float, float]:
        """Metres per pixel along x and along y."""
        width_m, height_m = self.bounds.size_m
        return width_m / self.width_px, height_m / self.height_px

    def to_ground(self, x: float, y: float) -> LngLat:
        """The ground under a pixel position; (0, 0) is the outer corner of the top-left pixel."""
        lng = self.bounds.west + x / self.width_px * self.bounds.width_deg
        lat = self.bounds.north - y / self.height_px * self.bounds.height_deg
        return LngLat(wrap_lng(lng), min(90.0, max(-90.0, lat)))

    def to_pixel(self, position: LngLat) -> tuple[float, float]:
        """x, y of a position; outside the image where the position is outside the bounds."""
        return self.to_pixels(position.lng, position.lat)

    def to_pixels(self, lng: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
        """The same of one position or of many, by their degrees."""
        width_deg = self.bounds.width_deg
        # East of the middle by the short way round, which may be west of it.
        east_deg = wrap_lng(lng - self.bounds.west - width_deg / 2) + width_deg / 2
        x = east_deg / width_deg * self.width_px
        y = (self.bounds.north - lat) / self.bounds.height_deg * self.height_px
        return x, y

    def box_of(self, bounds: GeoBounds) -> PixelBox:
        """The pixels that a ground box covers; may reach beyond the image."""
        left, top = self.to_pixel(LngLat(bounds.west, bounds.north))
        right, bottom = self.to_pixel(LngLat(bounds.east, bounds.south))
        return PixelBox(left, top, right, bottom)


class ZoneKind(StrEnum):
    """What a part of a site is for."""

    PARKING = "parking"
    BERTH = "berth"
    ROAD = "road"
    YARD = "yard"
    WATER = "water"


@dataclass(frozen=True, slots=True)
class Zone:
    """A named part of a site: the inside of a polygon, or the ground within width_m / 2 of a line.

    polygon   at least 3 positions, not closed, or empty where the zone is a line
    line      at least 2 positions, or empty where the zone is a polygon
    width_m   the whole width of a line zone in metres, 0 for a polygon
    """

    name: str
    kind: ZoneKind
    polygon: tuple[LngLat, ...] = ()
    line: tuple[LngLat, ...] = ()
    width_m: float = 0.0

    def __post_init__(self) -> None:
        if bool(self.polygon) == bool(self.line):
            raise ValueError(f"zone {self.name}: expected either polygon or line, got both or neither")
        if self.polygon and len(self.polygon) < 3:
            raise ValueError(
                f"zone {self.name}: polygon: expected at least 3 positions, got {len(self.polygon)}"
            )
        if self.line and (len(self.line) < 2 or not self.width_m > 0):
            raise ValueError(f"zone {self.name}: line: expected at least 2 positions and width_m > 0")

    def contains(self, position: LngLat) -> bool:
        """True if the position lies in the zone."""
        if self.polygon:
            return _inside(_local(self.polygon, position))
        return _distance_to_line(_local(self.line, position)) <= self.width_m / 2


Points = Sequence[tuple[float, float]]


def _local(positions: Iterable[LngLat], origin: LngLat) -> Points:
    """Metres east and north of the origin, for each position."""
    return [offset_m(origin, position) for position in positions]


def _inside(polygon: Points) -> bool:
    """True if (0, 0) is inside: an odd number of edges crosses the ray to the east (even-odd rule)."""
    crossings = False
    for (x1, y1), (x2, y2) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        if (y1 > 0) != (y2 > 0) and x1 - y1 * (x2 - x1) / (y2 - y1) > 0:
            crossings = not crossings
    return crossings


def _distance_to_line(line: Points) -> float:
    """Metres from (0, 0) to the nearest point of a polyline."""
    return min(_distance_to_segment(a, b) for a, b in pairwise(line))


def _distance_to_segment(a: tuple[float, float], b: tuple[float, float]) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    length2 = dx * dx + dy * dy
    share = 0.0 if length2 == 0 else min(1.0, max(0.0, -(a[0] * dx + a[1] * dy) / length2))
    return math.hypot(a[0] + share * dx, a[1] + share * dy)


@dataclass(frozen=True, slots=True)
class Site:
    """A place we watch: its id, its ground and its named parts."""

    site_id: str
    bounds: GeoBounds
    zones: tuple[Zone, ...] = field(default=())

    def zones_at(self, position: LngLat) -> tuple[str, ...]:
        """Names of the zones that hold the position, in the order of the configuration."""
        return tuple(zone.name for zone in self.zones if zone.contains(position))


def sites_under(bounds: GeoBounds, sites: Iterable[Site]) -> list[Site]:
    """The sites of which the bounds show some ground, in the order given."""
    return [site for site in sites if site.bounds.intersection(bounds) is not None]
