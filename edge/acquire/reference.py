"""The accepted reference image of each site: which look makes it, and its file, replaced atomically.

The first usable look of a site makes the reference, and with it the frame in which all positions of the site
are told. Later looks add ground that was not seen yet, and renew the picture when it is old; the frame stays.
"""

from __future__ import annotations

import math
import os
import zlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import cv2
import msgspec
import numpy as np

from edge.acquire.quality import Look
from edge.acquire.registration import (
    Affine,
    Alignment,
    Grey,
    Reference,
    usable_pixels,
    warped,
    working_scale,
)
from edge.acquire.tile import Mask, Tile
from edge.errors import StoreBroken
from edge.geo import GeoBounds, Grid, Site

# 16 million pixels of grey are 16 MB in memory: a site of 4 km at a metre. Larger sites get coarser ones.
MAX_PIXELS = 16_000_000
# A look that adds less of the site than this does not rewrite the file.
MIN_GROWTH = 0.01
# Below the state folder.
FOLDER = "references"
_VERSION = 1


class ReferenceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the reference of a site is kept up to date."""

    # From this age the newest look, laid onto the same frame, takes the place of the old picture: seasons and
    # building sites drift away from it. Half a season.
    max_age_days: Annotated[float, msgspec.Meta(gt=0)] = 45.0
    # Share of a tile's ground that must be usable before it may renew a reference: a half clouded one would
    # leave a patchwork of two seasons.
    min_usable_fraction: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.8


def following(
    reference: Reference | None,
    tile: Tile,
    look: Look,
    *,
    alignment: Alignment,
    site: Site,
    settings: ReferenceSettings,
) -> Reference | None:
    """The reference after a look, or None where the old one stays.

    alignment  of the tile on the old reference; the identity where there is none yet
    """
    if reference is None:
        return _pasted(_blank(tile, site), tile, look, alignment, over_old=False)
    age = tile.acquired_at - reference.acquired_at
    if age > timedelta(days=settings.max_age_days) and look.usable_fraction >= settings.min_usable_fraction:
        return _pasted(reference, tile, look, alignment, over_old=True)
    if reference.valid.all():
        return None
    grown = _pasted(reference, tile, look, alignment, over_old=False)
    gain = float(grown.valid.mean() - reference.valid.mean())
    return grown if gain >= MIN_GROWTH else None


def _blank(tile: Tile, site: Site) -> Reference:
    """A reference of a site that shows nothing yet, at the resolution at which such tiles are registered."""
    width_m, height_m = site.bounds.size_m
    gsd_m = max(tile.gsd_m / working_scale(tile), math.sqrt(width_m * height_m / MAX_PIXELS))
    grid = Grid(site.bounds, max(1, round(width_m / gsd_m)), max(1, round(height_m / gsd_m)))
    shape = grid.height_px, grid.width_px
    return Reference(
        site.site_id, tile.tile_id, tile.acquired_at, grid, np.zeros(shape, np.uint8), np.zeros(shape, bool)
    )


def _pasted(
    reference: Reference, tile: Tile, look: Look, alignment: Alignment, *, over_old: bool
) -> Reference:
    """The reference with the usable ground of a tile: all of it, or only where it showed nothing."""
    grid = reference.grid
    grey = np.asarray(cv2.cvtColor(tile.pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    onto = _tile_to_grid(tile, alignment, grid)
    picture, seen = warped(grey, usable_pixels(look), onto, (grid.width_px, grid.height_px))
    fresh: Mask = seen if over_old else seen & ~reference.valid
    merged: Grey = np.where(fresh, picture, reference.grey)
    acquired_at = tile.acquired_at if over_old else reference.acquired_at
    tile_id = tile.tile_id if over_old else reference.tile_id
    return Reference(reference.site_id, tile_id, acquired_at, grid, merged, reference.valid | fresh)


def _tile_to_grid(tile: Tile, alignment: Alignment, grid: Grid) -> Affine:
    """The affine map from tile pixels to pixels of the reference: three corners give it."""
    width, height = tile.width_px, tile.height_px
    x0, y0 = grid.to_pixel(alignment.ground_at(0.0, 0.0))
    x1, y1 = grid.to_pixel(alignment.ground_at(width, 0.0))
    x2, y2 = grid.to_pixel(alignment.ground_at(0.0, height))
    return np.array(
        [
            [(x1 - x0) / width, (x2 - x0) / height, x0],
            [(y1 - y0) / width, (y2 - y0) / height, y0],
        ]
    )


class _Stored(msgspec.Struct, frozen=True):
    """The file: msgpack of this, followed by the CRC-32 of all of it in four bytes."""

    version: int
    site_id: str
    tile_id: str
    acquired_at: datetime
    bounds: GeoBounds
    width_px: int
    height_px: int
    grey: bytes
    valid: bytes


def path_of(folder: Path, site_id: str) -> Path:
    """Where the reference of a site is kept."""
    return folder / f"{site_id}.reference"


def load(folder: Path, site: Site) -> Reference | None:
    """The reference of a site, or None where there is none for the bounds it has now.

    Raises StoreBroken where the file is not what `save` wrote.
    """
    path = path_of(folder, site.site_id)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreBroken(f"{path}: expected a readable file, got: {error.strerror}") from error
    try:
        reference = _unpacked(data)
    except (msgspec.DecodeError, ValueError, zlib.error) as error:
        raise StoreBroken(
            f"{path}: expected a reference of version {_VERSION}, got: {error}; "
            "delete the file to begin anew with the next look"
        ) from error
    return reference if reference.grid.bounds == site.bounds else None


def save(folder: Path, reference: Reference) -> None:
    """Write the reference of a site; after a power cut there is the old one or the new one, whole."""
    path = path_of(folder, reference.site_id)
    part = path.with_suffix(".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(_packed(reference))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _sync_folder(folder)
    except OSError as error:
        raise StoreBroken(f"{path}: expected to be writable, got: {error.strerror}") from error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _packed(reference: Reference) -> bytes:
    grid = reference.grid
    body = msgspec.msgpack.encode(
        _Stored(
            _VERSION,
            reference.site_id,
            reference.tile_id,
            reference.acquired_at,
            grid.bounds,
            grid.width_px,
            grid.height_px,
            zlib.compress(reference.grey.tobytes(), level=1),
            zlib.compress(np.packbits(reference.valid).tobytes(), level=1),
        )
    )
    return body + zlib.crc32(body).to_bytes(4, "big")


def _unpacked(data: bytes) -> Reference:
    body, crc = data[:-4], int.from_bytes(data[-4:], "big")
    if zlib.crc32(body) != crc:
        raise ValueError("a damaged file, its checksum does not match")
    stored = msgspec.msgpack.decode(body, type=_Stored)
    if stored.version != _VERSION:
        raise ValueError(f"version {stored.version}")
    shape = stored.height_px, stored.width_px
    grey = np.frombuffer(zlib.decompress(stored.grey), np.uint8).reshape(shape).copy()
    bits = np.frombuffer(zlib.decompress(stored.valid), np.uint8)
    valid = np.unpackbits(bits, count=shape[0] * shape[1]).astype(bool).reshape(shape)
    grid = Grid(stored.bounds, stored.width_px, stored.height_px)
    return Reference(stored.site_id, stored.tile_id, stored.acquired_at, grid, grey, valid)
