"""The sidecar of a tile, a STAC Item (1.0.0): what it says, each value checked. Pure.

Bounds, times and numbers that are not fit for a tile are refused, never repaired.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from edge.acquire.refusal import Refusal
from edge.acquire.tile_name import IMAGE_SUFFIXES
from edge.errors import TileRefused
from edge.geo import GeoBounds

# RFC 3339, section 5.6: the offset is a must. What datetime reads beyond it (weeks, no seconds) is not meant.
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)

_SAID_MAX = 60

# The property that marks a rendered tile: what it shows is told as an exercise and changes nothing.
EXERCISE = "edge:exercise"


@dataclass(frozen=True, slots=True)
class Item:
    """What a sidecar says of its image.

    gsd_m           None where the bounds must tell
    cloud_fraction  in [0, 1], or None
    is_exercise     True for a rendered tile of `edge drill`
    """

    tile_id: str
    bounds: GeoBounds
    gsd_m: float | None
    acquired_at: datetime
    cloud_fraction: float | None
    is_exercise: bool = False


def parse(content: bytes, name: str, image_name: str) -> Item:
    """What the sidecar called name says of the image."""
    item = _object(_json(content, name), name)
    properties = _object(item.get("properties"), f"{name}: properties")
    _check_image(item, name, image_name)
    tile_id = item.get("id")
    if not isinstance(tile_id, str):
        raise _refusal(Refusal.BAD_TILE_ID, f"{name}: id", "text", tile_id)
    return Item(
        tile_id=tile_id,
        bounds=_bounds(item.get("bbox"), f"{name}: bbox"),
        gsd_m=_gsd_m(properties.get("gsd"), f"{name}: properties.gsd"),
        acquired_at=_acquired_at(properties, f"{name}: properties"),
        cloud_fraction=_cloud_fraction(properties, f"{name}: properties.eo:cloud_cover"),
        is_exercise=_is_exercise(properties.get(EXERCISE), f"{name}: properties.{EXERCISE}"),
    )


def acquired_at(content: bytes, name: str) -> datetime:
    """When the ground was seen, UTC, whatever else the sidecar says."""
    item = _object(_json(content, name), name)
    return _acquired_at(_object(item.get("properties"), f"{name}: properties"), f"{name}: properties")


def _refusal(reason: Refusal, where: str, expected: str, got: object) -> TileRefused:
    said = ascii(got) if isinstance(got, str) else json.dumps(got, default=ascii)
    short = said if len(said) <= _SAID_MAX else f"{said[:_SAID_MAX]}..."
    return TileRefused(reason, f"{where}: expected {expected}, got {short}")


def _json(content: bytes, name: str) -> object:
    """What the JSON says; NaN, which is no JSON but common, is left to the checks of the values."""
    try:
        return json.loads(content)
    except RecursionError:
        got = "lists or objects nested without end"
    except ValueError as error:  # not UTF-8, not JSON, a number of thousands of digits
        got = str(error)[:_SAID_MAX]
    raise TileRefused(Refusal.BAD_SIDECAR, f"{name}: expected JSON, got: {got}")


def _object(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TileRefused(Refusal.BAD_SIDECAR, f"{where}: expected an object, got {_kind(value)}")
    return value


def _kind(value: object) -> str:
    return "nothing" if value is None else "a list" if isinstance(value, list) else "a plain value"


def _number(value: object, where: str, reason: Refusal) -> float:
    """A finite number; a bool is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refusal(reason, where, "a number", value)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise TileRefused(reason, f"{where}: expected a finite number, got {number}")
    return number


def _bounds(value: object, where: str) -> GeoBounds:
    """West, south, east, north, without the heights that six numbers carry (RFC 7946, section 5)."""
    if not isinstance(value, list) or len(value) not in {4, 6}:
        raise _refusal(Refusal.BAD_BOUNDS, where, "4 or 6 numbers", value)
    numbers = [_number(one, where, Refusal.BAD_BOUNDS) for one in value]
    west, south, east, north = numbers if len(numbers) == 4 else (*numbers[:2], *numbers[3:5])
    try:
        bounds = GeoBounds(west, south, east, north)
    except ValueError as error:
        raise TileRefused(Refusal.BAD_BOUNDS, f"{where}: {error}") from None
    # West of east only at the antimeridian; a tile that goes round half the globe has them swapped.
    if bounds.width_deg > 180:
        raise _refusal(Refusal.BAD_BOUNDS, where, "west, south, east, north", value)
    return bounds


def _gsd_m(value: object, where: str) -> float | None:
    if value is None:
        return None
    gsd_m = _number(value, where, Refusal.BAD_GSD)
    if gsd_m <= 0:
        raise _refusal(Refusal.BAD_GSD, where, "a number > 0", value)
    return gsd_m


def _cloud_fraction(properties: Mapping[str, Any], where: str) -> float | None:
    """STAC gives percent."""
    value = properties.get("eo:cloud_cover")
    if value is None:
        return None
    percent = _number(value, where, Refusal.BAD_SIDECAR)
    if not 0 <= percent <= 100:
        raise _refusal(Refusal.BAD_SIDECAR, where, "a number in [0, 100]", value)
    return percent / 100


def _is_exercise(value: object, where: str) -> bool:
    """A tile that may be an exercise and may be none is refused: its alerts would be one or the other."""
    if value is not None and not isinstance(value, bool):
        raise _refusal(Refusal.BAD_SIDECAR, where, "true or false", value)
    return bool(value)


def _acquired_at(properties: Mapping[str, Any], where: str) -> datetime:
    """The datetime, or the middle of start_datetime and end_datetime where that is null, as STAC has it."""
    if properties.get("datetime") is not None:
        return _instant(properties["datetime"], f"{where}.datetime")
    start, end = (properties.get(key) for key in ("start_datetime", "end_datetime"))
    if start is None or end is None:
        expected = "a time, or start_datetime and end_datetime"
        raise _refusal(Refusal.BAD_TIME, f"{where}.datetime", expected, None)
    first, last = _instant(start, f"{where}.start_datetime"), _instant(end, f"{where}.end_datetime")
    if last < first:
        raise _refusal(Refusal.BAD_TIME, f"{where}.end_datetime", f"a time not before {start}", end)
    return first + (last - first) / 2


def _instant(value: object, where: str) -> datetime:
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise _refusal(Refusal.BAD_TIME, where, "RFC 3339 with an offset, as 2024-06-01T10:00:00Z", value)
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _refusal(Refusal.BAD_TIME, where, "a time that exists", value) from None


def _check_image(item: Mapping[str, Any], name: str, image_name: str) -> None:
    """Refuse the sidecar of another image: one whose assets name images, and not this one."""
    assets = _object(item.get("assets", {}), f"{name}: assets")
    images = [image for asset in assets.values() if (image := _image_of(asset)) is not None]
    if images and image_name not in images:
        raise _refusal(Refusal.OTHER_IMAGE, f"{name}: assets", f"{image_name} among them", images[0])


def _image_of(asset: object) -> str | None:
    """The file that an asset names, if it is a full image."""
    if not isinstance(asset, dict) or not isinstance(asset.get("href"), str):
        return None
    roles = asset.get("roles")
    if isinstance(roles, list) and ("thumbnail" in roles or "overview" in roles):
        return None
    try:
        file = unquote(urlsplit(asset["href"]).path).rpartition("/")[2]
    except ValueError:  # no URL at all
        return None
    return file if file.lower().endswith(tuple(IMAGE_SUFFIXES)) else None
