"""Sentences -> fixes: what a receiver says of one moment in several sentences, put together. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from edge.acquire.nmea import Gga, Mode, Rmc, Sentence, Zda, instant
from edge.geo import LngLat

_DAY_S = 86_400.0
# How long the quality that one GGA gave holds: receivers send GGA before or after RMC, some not each second.
_QUALITY_HOLDS_S = 10.0


@dataclass(frozen=True, slots=True)
class Fix:
    """One GNSS position with time and quality.

    at            of the position, aware, UTC
    mode          how the receiver came to it
    n_satellites  that were used, or None where no GGA told
    hdop          horizontal dilution of precision, or None likewise
    altitude_m    above mean sea level, or None likewise
    """

    at: datetime
    position: LngLat
    mode: Mode
    n_satellites: int | None = None
    hdop: float | None = None
    altitude_m: float | None = None

    def __post_init__(self) -> None:
        if self.at.utcoffset() != timedelta(0):
            raise ValueError(f"fix: at: expected UTC, got {self.at}")

    def to_plain(self) -> dict[str, object]:
        """As messages tell it: five decimals of a degree are a metre, more than a receiver knows."""
        return {
            "at": self.at,
            "lng": round(self.position.lng, 5),
            "lat": round(self.position.lat, 5),
            "mode": self.mode.value,
            "n_satellites": self.n_satellites,
            "hdop": self.hdop,
            "altitude_m": self.altitude_m,
        }


class Collector:
    """Takes sentences in whatever order a receiver sends them, and hands out one fix a moment."""

    def __init__(self) -> None:
        self._time_s: float | None = None
        self._date: date | None = None
        self._place: tuple[LngLat, Mode] | None = None
        self._is_told = False
        self._quality: Gga | None = None

    def take(self, sentence: Sentence) -> Fix | None:
        """The fix that this sentence completes: a date and a position of the same moment are known."""
        if sentence.time_s is None:
            return None
        if sentence.time_s != self._time_s:
            self._begin(sentence.time_s)
        if isinstance(sentence, Rmc | Zda):
            self._date = sentence.date or self._date
        if isinstance(sentence, Rmc | Gga) and sentence.position and sentence.mode:
            self._place = self._place or (sentence.position, sentence.mode)
        if isinstance(sentence, Gga):
            self._quality = sentence
        return self._fix(sentence.time_s)

    def _begin(self, time_s: float) -> None:
        self._time_s = time_s
        self._date = None
        self._place = None
        self._is_told = False

    def _fix(self, time_s: float) -> Fix | None:
        if self._is_told or self._date is None or self._place is None:
            return None
        self._is_told = True
        position, mode = self._place
        told = self._quality_at(time_s)
        return Fix(
            instant(self._date, time_s),
            position,
            mode,
            told.n_satellites if told else None,
            told.hdop if told else None,
            told.altitude_m if told else None,
        )

    def _quality_at(self, time_s: float) -> Gga | None:
        """The newest GGA, if it is of this moment or of shortly before; the day may have turned between."""
        quality = self._quality
        if quality is None or quality.time_s is None:
            return None
        return quality if (time_s - quality.time_s) % _DAY_S <= _QUALITY_HOLDS_S else None
