"""NMEA 0183: bytes off a serial line -> sentences -> what RMC, GGA and ZDA say. Pure.

The line may carry anything: half a sentence, another protocol, noise at the wrong baud rate. Only a sentence
with the right checksum is read, and of it only fields of the right form; nothing here ever raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from edge.geo import LngLat

# NMEA 0183 allows 82 characters; receivers with more decimal places need some more.
MAX_SENTENCE_BYTES = 120

# What a two-digit year means: GPS began in 1980. A year that lies further on is no year of a receiver's life.
_FIRST_YEAR, _LAST_YEAR = 1980, 2179

_SENTENCE = re.compile(rb"\$([ -~]*)\*([0-9A-Fa-f]{2})", re.ASCII)
_ADDRESS = re.compile(r"[A-Z]{2}(RMC|GGA|ZDA)", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,10}(\.\d{0,10})?", re.ASCII)
_CLOCK_TIME = re.compile(r"(\d\d)(\d\d)(\d\d(?:\.\d{0,9})?)", re.ASCII)
_DATE = re.compile(r"(\d\d)(\d\d)(\d\d)", re.ASCII)
_LAT = re.compile(r"(\d\d)(\d\d(?:\.\d{0,10})?)", re.ASCII)
_LNG = re.compile(r"(\d\d\d)(\d\d(?:\.\d{0,10})?)", re.ASCII)


class Mode(StrEnum):
    """How a receiver came to its position."""

    AUTONOMOUS = "autonomous"
    DIFFERENTIAL = "differential"
    PRECISE = "precise"
    ESTIMATED = "estimated"
    MANUAL = "manual"
    SIMULATED = "simulated"


# Field 12 of RMC, from NMEA 2.3 on, and field 6 of GGA; what is missing there is no position.
_RMC_MODES = {
    "A": Mode.AUTONOMOUS, "D": Mode.DIFFERENTIAL, "P": Mode.PRECISE, "R": Mode.PRECISE, "F": Mode.PRECISE,
    "E": Mode.ESTIMATED, "M": Mode.MANUAL, "S": Mode.SIMULATED,
}  # fmt: skip
_GGA_MODES = {
    "1": Mode.AUTONOMOUS, "2": Mode.DIFFERENTIAL, "3": Mode.PRECISE, "4": Mode.PRECISE, "5": Mode.PRECISE,
    "6": Mode.ESTIMATED, "7": Mode.MANUAL, "8": Mode.SIMULATED, "9": Mode.DIFFERENTIAL,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rmc:
    """Recommended minimum: date, time, position.

    time_s    seconds since midnight UTC; 86,400 and more in a leap second; None where the field is empty
    position  None where the receiver has none, or marks it as void
    mode      None where position is
    """

    time_s: float | None
    date: date | None
    position: LngLat | None
    mode: Mode | None


@dataclass(frozen=True, slots=True)
class Gga:
    """The position and how good it is; it knows no date.

    n_satellites  that were used
    hdop          horizontal dilution of precision: below 2 is good, above 10 useless
    altitude_m    above mean sea level
    """

    time_s: float | None
    position: LngLat | None
    mode: Mode | None
    n_satellites: int | None
    hdop: float | None
    altitude_m: float | None


@dataclass(frozen=True, slots=True)
class Zda:
    """Date and time, the year in four digits; it says nothing of a position."""

    time_s: float | None
    date: date | None


Sentence = Rmc | Gga | Zda


class Framer:
    """Cuts a stream of bytes into lines; keeps at most MAX_SENTENCE_BYTES between two calls."""

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that these bytes complete, each from its last "$" on; what has none is no line."""
        *ended, rest = (self._kept + data).replace(b"\r", b"\n").split(b"\n")
        self._kept = _from_dollar(rest)
        return [line for line in map(_from_dollar, ended) if line]


def _from_dollar(line: bytes) -> bytes:
    start = line.rfind(b"$")
    found = line[start:] if start >= 0 else b""
    return found if len(found) <= MAX_SENTENCE_BYTES else b""


def checked(line: bytes) -> list[str] | None:
    """The fields of a sentence, its address first; None where the checksum is missing or wrong."""
    found = _SENTENCE.fullmatch(line.strip())
    if found is None or checksum(found[1]) != int(found[2], 16):
        return None
    return found[1].decode("ascii").split(",")


def checksum(body: bytes) -> int:
    """All bytes between "$" and "*", one XORed with the next."""
    value = 0
    for byte in body:
        value ^= byte
    return value


def read(fields: list[str]) -> Sentence | None:
    """What a checked sentence says, from whatever talker; None for another sentence, or one cut short."""
    found = _ADDRESS.fullmatch(fields[0])
    if found is None:
        return None
    n_fields, reader = _READERS[found[1]]
    return reader(fields) if len(fields) >= n_fields else None


def _rmc(fields: list[str]) -> Rmc:
    # NMEA 2.3 added the mode; a receiver from before says A or V and nothing else.
    mode = _RMC_MODES.get(fields[12]) if len(fields) > 12 and fields[12] else Mode.AUTONOMOUS
    position = _position(fields[3:7]) if fields[2] == "A" and mode else None
    return Rmc(_time_s(fields[1]), _date(fields[9]), position, mode if position else None)


def _gga(fields: list[str]) -> Gga:
    mode = _GGA_MODES.get(fields[6])
    position = _position(fields[2:6]) if mode else None
    n_satellites = _number(fields[7])
    return Gga(
        time_s=_time_s(fields[1]),
        position=position,
        mode=mode if position else None,
        n_satellites=None if n_satellites is None else int(n_satellites),
        hdop=_number(fields[8]),
        altitude_m=_number(fields[9]),
    )


def _zda(fields: list[str]) -> Zda:
    parts = [int(part) if part.isascii() and part.isdigit() else 0 for part in fields[2:5]]
    return Zda(_time_s(fields[1]), _real_date(year=parts[2], month=parts[1], day=parts[0]))


# How many fields each must have, its address included.
_READERS: dict[str, tuple[int, Callable[[list[str]], Sentence]]] = {
    "RMC": (10, _rmc),
    "GGA": (10, _gga),
    "ZDA": (5, _zda),
}


def _time_s(text: str) -> float | None:
    found = _CLOCK_TIME.fullmatch(text)
    if found is None:
        return None
    hours, minutes, seconds = int(found[1]), int(found[2]), float(found[3])
    # 60.x is a leap second.
    return hours * 3600 + minutes * 60 + seconds if hours < 24 and minutes < 60 and seconds < 61 else None


def _date(text: str) -> date | None:
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    years_on = (int(found[3]) - _FIRST_YEAR) % 100
    return _real_date(year=_FIRST_YEAR + years_on, month=int(found[2]), day=int(found[1]))


def _real_date(*, year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day) if _FIRST_YEAR <= year <= _LAST_YEAR else None
    except ValueError:
        return None


def _position(fields: list[str]) -> LngLat | None:
    lat, north_south, lng, east_west = fields
    lat_deg, lng_deg = _degrees(_LAT, lat), _degrees(_LNG, lng)
    if lat_deg is None or lng_deg is None or north_south not in ("N", "S") or east_west not in ("E", "W"):
        return None
    if lat_deg > 90 or lng_deg > 180:
        return None
    return LngLat(-lng_deg if east_west == "W" else lng_deg, -lat_deg if north_south == "S" else lat_deg)


def _degrees(form: re.Pattern[str], text: str) -> float | None:
    found = form.fullmatch(text)
    if found is None or float(found[2]) >= 60:
        return None
    return int(found[1]) + float(found[2]) / 60


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def instant(day: date, time_s: float) -> datetime:
    """Date and time together, UTC; a leap second is the first of the next day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=time_s)
