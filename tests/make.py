"""Builders for tiles and the ground they show: a test names only what matters to it."""

from __future__ import annotations

from datetime import UTC, datetime

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.acquire.quality import CELL_PX, Look
from edge.acquire.tile import Mask, Rgb, Tile
from edge.geo import GeoBounds, LngLat, Site, metres_per_degree, wrap_lng

NORTH_WEST = LngLat(27.0, 17.0)
SEEN_AT = datetime(2024, 12, 1, 8, 30, tzinfo=UTC)


def make_bounds(
    width_px: int, height_px: int, gsd_m: float = 0.5, north_west: LngLat = NORTH_WEST
) -> GeoBounds:
    """The ground under an image of that size."""
    middle = max(-90.0, north_west.lat - height_px * gsd_m / 2 / metres_per_degree(0.0)[1])
    per_lng, per_lat = metres_per_degree(middle)
    east = wrap_lng(north_west.lng + width_px * gsd_m / per_lng)
    return GeoBounds(north_west.lng, north_west.lat - height_px * gsd_m / per_lat, east, north_west.lat)


def make_tile(
    pixels: Rgb,
    *,
    gsd_m: float = 0.5,
    north_west: LngLat = NORTH_WEST,
    valid: Mask | None = None,
    cloud_fraction: float | None = None,
    acquired_at: datetime = SEEN_AT,
    tile_id: str = "t-1",
) -> Tile:
    """A tile of these pixels."""
    height_px, width_px = pixels.shape[:2]
    return Tile(
        tile_id=tile_id,
        pixels=pixels,
        bounds=make_bounds(width_px, height_px, gsd_m, north_west),
        gsd_m=gsd_m,
        acquired_at=acquired_at,
        sha256="0" * 64,
        valid=valid,
        cloud_fraction=cloud_fraction,
    )


def make_site(tile: Tile) -> Site:
    """A site of exactly the ground of a tile."""
    return Site("north-airfield", tile.bounds)


def make_look(tile: Tile, usable: Mask | None = None) -> Look:
    """A look that sees the whole tile, or these cells of it."""
    shape = -(-tile.height_px // CELL_PX), -(-tile.width_px // CELL_PX)
    cells = np.ones(shape, bool) if usable is None else usable
    return Look(
        usable=cells, width_px=tile.width_px, height_px=tile.height_px, usable_fraction=float(cells.mean())
    )


def ground(width_px: int = 512, height_px: int = 512, seed: int = 1) -> Rgb:
    """Fields, roads and sheds with hard edges and a little texture: always the same for one seed and size."""
    rng = np.random.default_rng(seed)
    image = np.full((height_px, width_px, 3), (96, 104, 72), np.uint8)
    for _ in range(width_px * height_px // 2500):
        x, y = (int(v) for v in rng.integers(0, (width_px, height_px)))
        size = tuple(float(v) for v in rng.uniform(8, 60, 2))
        colour = tuple(int(v) for v in rng.integers(40, 190, 3))
        corners = cv2.boxPoints(((x, y), size, float(rng.uniform(0, 90)))).astype(np.int32)
        cv2.fillPoly(image, [corners], colour)
    noise = rng.normal(0, 4, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def with_cloud(pixels: Rgb, left_px: int, right_px: int) -> Rgb:
    """The image under a billowing cloud over the columns from left to right, with a soft rim."""
    height_px, width_px = pixels.shape[:2]
    cover = np.zeros((height_px, width_px), np.float32)
    cover[:, left_px:right_px] = 1.0
    cover = np.asarray(cv2.GaussianBlur(cover, (0, 0), 8), np.float32)
    billows = np.random.default_rng(2).normal(0, 12, (height_px // 64 + 2, width_px // 64 + 2))
    top = 220 + cv2.resize(billows.astype(np.float32), (width_px, height_px), interpolation=cv2.INTER_CUBIC)
    return np.clip(pixels * (1 - cover[..., None]) + (top * cover)[..., None], 0, 255).astype(np.uint8)


def moved(
    pixels: Rgb, east_px: float, south_px: float, turn_deg: float = 0.0
) -> tuple[Rgb, NDArray[np.float64]]:
    """The image with its content moved and turned about the middle, and the (2, 3) map that puts it back.

    The map is between positions that count from the outer corner of the top-left pixel.
    """
    height_px, width_px = pixels.shape[:2]
    middle = width_px / 2, height_px / 2
    there = np.asarray(cv2.getRotationMatrix2D(middle, turn_deg, 1.0), np.float64)
    there[:, 2] += np.array([east_px, south_px])
    centred = there.copy()
    centred[:, 2] += there[:, :2] @ np.array([0.5, 0.5]) - 0.5
    image = cv2.warpAffine(pixels, centred, (width_px, height_px), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(image, np.uint8), np.asarray(cv2.invertAffineTransform(there), np.float64)
