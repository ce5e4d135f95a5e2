"""Image and sidecar -> Tile. The bytes are not trusted: limits first, then the header, then the decoder."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.acquire import geotiff, image_header, tile_name
from edge.acquire import sidecar as stac
from edge.acquire.image_header import ImageHeader
from edge.acquire.refusal import Refusal
from edge.acquire.regular_file import open_regular
from edge.acquire.tile import Mask, Rgb, Tile
from edge.errors import TileRefused
from edge.geo import GeoBounds, Grid, Site

# OpenCV's own messages name no file, and a GeoTIFF gives five in a log on an SD card; a refusal names it.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
# Its helpers spin while they wait for the next image: of the wall time of a 1024-pixel tile they spare a few
# milliseconds, and they burn more.
cv2.setNumThreads(1)

_MAX_TILE_ID = 128

# A scan that ends early leaves the rest of a JPEG at exactly this grey, its last block of 16 x 16 included.
_GREY, _BLOCK_PX = 128, 16

Samples = NDArray[np.integer[Any] | np.floating[Any]]
"""(H, W) or (H, W, B), as the decoder gives it."""

_TYPES = (np.dtype(np.uint8), np.dtype(np.uint16))
_TO_RGB = {1: cv2.COLOR_GRAY2RGB, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGB}

Limit = Annotated[int, msgspec.Meta(ge=1)]


class DecodeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is refused before the decoder sees a byte of it, and how values are read."""

    # A 4096-pixel tile has 2 to 20 MB as JPEG, 50 MB as TIFF without compression.
    max_file_bytes: Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)] = 64_000_000
    # A pixel takes 3 bytes of memory, and for a moment 6: a 6000 x 6000 tile peaks at 216 MB.
    max_pixels: Limit = 36_000_000
    # The longer side of a tile, in pixels.
    max_side_px: Limit = 20_000
    # A STAC Item has 2 KB, with many assets 100 KB.
    max_sidecar_bytes: Annotated[int, msgspec.Meta(ge=1, le=64_000_000)] = 1_000_000
    # How far a tile's time may lie beyond the device's own clock, in seconds: clocks differ by minutes.
    max_future_s: Annotated[float, msgspec.Meta(ge=0)] = 600.0
    # The value of a 16-bit sample that is white. Fixed, so that looks stay comparable and night stays dark:
    # 65535 is the whole range, a sensor of 11 bits in such a file has 2047.
    white_16bit: Annotated[int, msgspec.Meta(ge=255, le=65_535)] = 65_535


@dataclass(frozen=True, slots=True)
class _Described:
    """What was said of an image from outside its pixels."""

    tile_id: str
    bounds: GeoBounds
    acquired_at: datetime
    gsd_m: float | None = None
    site_id: str | None = None
    cloud_fraction: float | None = None
    is_exercise: bool = False


def read(
    image: Path,
    sidecar: Path | None,
    sites: Sequence[Site],
    settings: DecodeSettings,
    now: datetime | None,
    *,
    sha256: str | None = None,
) -> Tile:
    """The tile in an image file, or TileRefused.

    sidecar  its STAC Item, or None: then the name says site and time; a GeoTIFF may say the ground itself
    sites    those whose bounds a name may mean
    now      for the refusal of a time in the future, or None where the clock is not to be trusted
    sha256   of the image's bytes in hex, where it is known already
    """
    content = _content(image, settings.max_file_bytes)
    header = image_header.parse(content, image.name)
    _check_size(header, image.name, settings)
    said = _described(image, sidecar, sites, settings, header)
    _check_said(said, image.name, settings, now)
    pixels, valid = _decoded(content, header, image.name, settings)
    return Tile(
        tile_id=said.tile_id,
        pixels=pixels,
        valid=valid,
        bounds=said.bounds,
        gsd_m=said.gsd_m or _gsd_m(said.bounds, header),
        acquired_at=said.acquired_at,
        sha256=sha256 or hashlib.sha256(content).hexdigest(),
        site_id=said.site_id,
        cloud_fraction=said.cloud_fraction,
        is_exercise=said.is_exercise,
    )


def pixels_of(image: Path, settings: DecodeSettings) -> tuple[Rgb, Mask | None]:
    """Only the picture of an image file, under the same limits; its name need not have a suffix.

    returns  (H, W, 3) uint8 RGB and (H, W) bool, None where all pixels carry data

    Grey is repeated in all three. Of 16 bits settings.white_16bit is white. Alpha 0 is no data; a fourth band
    that does not call itself alpha (near infrared) is left out. The orientation in EXIF is ignored on
    purpose: a tile is north up by its bounds, whichever way the camera was held.
    """
    content = _content(image, settings.max_file_bytes)
    header = image_header.parse(content, image.name)
    _check_size(header, image.name, settings)
    return _decoded(content, header, image.name, settings)


def acquired_at(image: Path, sidecar: Path | None, settings: DecodeSettings) -> datetime:
    """When the ground was seen, from the sidecar or the name; nothing of the image is read."""
    if sidecar is not None:
        return stac.acquired_at(_content(sidecar, settings.max_sidecar_bytes), sidecar.name)
    named = tile_name.parse(image.stem)
    if named is None:
        raise _no_sidecar(image)
    return named.acquired_at


def _content(path: Path, max_bytes: int) -> bytes:
    """The bytes of a regular file, at most so many, even if it grows meanwhile.

    A link is followed: `edge detect` and `edge replay` read where the operator points, the spool has none.
    """
    with open_regular(path, max_bytes, follow_links=True) as file:
        return file.read(max_bytes)


def _check_size(header: ImageHeader, name: str, settings: DecodeSettings) -> None:
    width, height = header.width_px, header.height_px
    if width < 1 or height < 1:
        raise _undecodable(name, "at least 1 x 1 pixels", f"{width} x {height}")
    if header.n_pixels > settings.max_pixels or max(width, height) > settings.max_side_px:
        expected = f"at most {settings.max_pixels} pixels and {settings.max_side_px} a side"
        raise TileRefused(Refusal.TOO_MANY_PIXELS, f"{name}: expected {expected}, got {width} x {height}")


def _described(
    image: Path, sidecar: Path | None, sites: Sequence[Site], settings: DecodeSettings, header: ImageHeader
) -> _Described:
    """What the sidecar says, else the name and the site, else the GeoTIFF itself."""
    if sidecar is not None:
        item = stac.parse(_content(sidecar, settings.max_sidecar_bytes), sidecar.name, image.name)
        site_id = _site_named(image, sites)
        return _Described(
            item.tile_id,
            item.bounds,
            item.acquired_at,
            item.gsd_m,
            site_id,
            item.cloud_fraction,
            item.is_exercise,
        )
    named = tile_name.parse(image.stem)
    if named is None:
        raise _no_sidecar(image)
    for site in sites:
        if site.site_id == named.place:
            return _Described(image.stem, site.bounds, named.acquired_at, site_id=site.site_id)
    if header.is_georeferenced:
        return _Described(image.stem, geotiff.bounds_of(image), named.acquired_at)
    known = ", ".join(site.site_id for site in sites) or "a site of the configuration"
    text = f"expected one of {known}, got {named.place!a}"
    raise TileRefused(Refusal.UNKNOWN_SITE, f"{image.name}: site in the name: {text}")


def _site_named(image: Path, sites: Sequence[Site]) -> str | None:
    """The site in the name of an image that has a sidecar too, which has the last word on place and time."""
    place = image.stem.rpartition("_")[0]
    return next((site.site_id for site in sites if site.site_id == place), None)


def _no_sidecar(image: Path) -> TileRefused:
    text = f"expected {image.stem}.json beside it or a name SITE_YYYYMMDDTHHMMSSZ{image.suffix}, got neither"
    return TileRefused(Refusal.NO_SIDECAR, f"{image.name}: {text}")


def _check_said(said: _Described, name: str, settings: DecodeSettings, now: datetime | None) -> None:
    tile_id = said.tile_id
    if not tile_id.isprintable() or "/" in tile_id or not 1 <= len(tile_id) <= _MAX_TILE_ID:
        text = f"expected 1 to {_MAX_TILE_ID} printable letters, no slash, got {tile_id[:_MAX_TILE_ID]!a}"
        raise TileRefused(Refusal.BAD_TILE_ID, f"{name}: tile id: {text}")
    if now is not None and (said.acquired_at - now).total_seconds() > settings.max_future_s:
        latest, got = f"{settings.max_future_s:g} s after {now.isoformat()}", said.acquired_at.isoformat()
        raise TileRefused(Refusal.FUTURE_TIME, f"{name}: time: expected at most {latest}, got {got}")


def _gsd_m(bounds: GeoBounds, header: ImageHeader) -> float:
    """Metres per pixel that the bounds imply; Tile refuses bounds that do not fit the image's shape."""
    return math.sqrt(math.prod(Grid(bounds, header.width_px, header.height_px).gsd_m))


def _decoded(
    content: bytes, header: ImageHeader, name: str, settings: DecodeSettings
) -> tuple[Rgb, Mask | None]:
    """The pixels, and which of them carry data."""
    is_jpeg = header.format == "JPEG"
    # A JPEG's decoder turns its colours round on the way, whatever their order is to be.
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION if is_jpeg else cv2.IMREAD_UNCHANGED
    try:
        image: Samples | None = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error as error:
        raise _undecodable(name, header.format, error.err) from None
    size = f"{header.width_px} x {header.height_px} pixels"
    if image is None:
        raise _undecodable(name, size, "nothing from the decoder")
    if image.shape[:2] != (header.height_px, header.width_px):
        raise _undecodable(name, size, f"{image.shape[1]} x {image.shape[0]}")
    if not is_jpeg:
        return _rgb(image, header, name, settings)
    pixels = np.asarray(image, np.uint8)
    if (pixels[-_BLOCK_PX:, -_BLOCK_PX:] == _GREY).all():
        text = "expected a picture down to its last block, got the bare grey of missing data"
        raise TileRefused(Refusal.TRUNCATED, f"{name}: {text}")
    return pixels, None


def _rgb(image: Samples, header: ImageHeader, name: str, settings: DecodeSettings) -> tuple[Rgb, Mask | None]:
    """(H, W[, B]) of 8 or 16 bits in the decoder's order (blue first) -> RGB and the valid mask."""
    n_bands = 1 if image.ndim == 2 else image.shape[2]
    if image.dtype not in _TYPES or n_bands not in _TO_RGB:
        raise _undecodable(name, "1, 3 or 4 bands of 8 or 16 bits", f"{n_bands} of {image.dtype}")
    if image.dtype == np.uint16:
        image = cv2.convertScaleAbs(image, alpha=255 / settings.white_16bit)
    valid = np.asarray(image[..., 3] > 0) if n_bands == 4 and header.has_alpha else None
    swapped = image if n_bands == 3 else None  # in place
    rgb = np.asarray(cv2.cvtColor(image, _TO_RGB[n_bands], dst=swapped), np.uint8)
    return rgb, None if valid is None or valid.all() else valid


def _undecodable(name: str, expected: str, got: str) -> TileRefused:
    return TileRefused(Refusal.UNDECODABLE, f"{name}: expected {expected}, got {got}")
