"""What the name of a tile's file says: SITE_YYYYMMDDTHHMMSSZ.ext, and whether it is an image at all. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from edge.acquire.refusal import Refusal
from edge.errors import TileRefused

SIDECAR_SUFFIX = ".json"
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff"})

_PATTERN = re.compile(r"(?P<place>.+)_(?P<time>[0-9]{8}T[0-9]{6}Z)")


@dataclass(frozen=True, slots=True)
class TileName:
    """The place and the time in a name; the place may be a site or not."""

    place: str
    acquired_at: datetime


def is_image(name: str) -> bool:
    """True if the suffix is one of an image."""
    return suffix_of(name) in IMAGE_SUFFIXES


def sidecar_of(image: str) -> str:
    """The name of an image's sidecar."""
    return image.rpartition(".")[0] + SIDECAR_SUFFIX


def suffix_of(name: str) -> str:
    """What stands behind the last dot, with it, in lower case; empty where there is none."""
    _, dot, suffix = name.rpartition(".")
    return (dot + suffix).lower() if dot else ""


def parse(stem: str) -> TileName | None:
    """What a name without its suffix says, or None where it has another form.

    An impossible date is refused.
    """
    found = _PATTERN.fullmatch(stem)
    if found is None:
        return None
    try:
        at = datetime.strptime(found["time"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise TileRefused(
            Refusal.BAD_TIME, f"{stem}: name: expected a time YYYYMMDDTHHMMSSZ, got {found['time']}"
        ) from None
    return TileName(found["place"], at)
