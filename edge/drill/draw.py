"""Polygons in metres to anti-aliased coverage in pixels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.drill.noise import Image, Raster

Polygon = NDArray[np.float64]
_SHIFT = 4


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a raster, in whole pixels."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def empty(self) -> bool:
        """True where nothing of it lies on the raster."""
        return self.left >= self.right or self.top >= self.bottom

    @property
    def slices(self) -> tuple[slice, slice]:
        """Its rows and columns."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


def to_pixels(points_m: Polygon, raster: Raster) -> Polygon:
    """Scene metres to raster pixels, both (N, 2)."""
    return points_m / raster.gsd_m + raster.margin_px


def window_of(polygons: Sequence[Polygon], raster: Raster, rim_px: int = 2) -> Window:
    """The pixels that polygons in raster pixels may touch."""
    corners = np.concatenate(polygons)
    low = np.floor(corners.min(axis=0)).astype(int) - rim_px
    high = np.ceil(corners.max(axis=0)).astype(int) + rim_px
    width, height = raster.size_px
    return Window(
        max(0, int(low[0])), max(0, int(low[1])), min(width, int(high[0])), min(height, int(high[1]))
    )


def fill(
    mask: NDArray[np.uint8] | Image,
    polygons: Iterable[Polygon],
    window: Window,
    scale: int,
    value: float | Sequence[float] | NDArray[np.float32] = 255,
) -> None:
    """Fill polygons in raster pixels into a mask that is `scale` times as fine as the window.

    value  of a pixel inside: a number, or one for each channel
    """
    ink = [float(one) for one in np.atleast_1d(value)]
    for polygon in polygons:
        fine = (polygon - (window.left, window.top)) * scale - 0.5
        cv2.fillPoly(mask, [np.round(fine * 2**_SHIFT).astype(np.int32)], ink, cv2.LINE_8, _SHIFT)


def coverage(
    polygons: Sequence[Polygon], raster: Raster, *, scale: int = 3, soft_m: float = 0.0
) -> tuple[Window, Image]:
    """The window that polygons in scene metres touch, and its covered share as (h, w) float32 in [0, 1]."""
    pixels = [to_pixels(polygon, raster) for polygon in polygons]
    window = window_of(pixels, raster, rim_px=2 + round(2 * soft_m / raster.gsd_m))
    if window.empty:
        return window, np.zeros((0, 0), np.float32)
    width, height = window.right - window.left, window.bottom - window.top
    fine = np.zeros((height * scale, width * scale), np.uint8)
    fill(fine, pixels, window, scale)
    mask = cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(
        255
    )
    if soft_m > 0:
        mask = cv2.GaussianBlur(mask, (0, 0), max(0.3, soft_m / 2 / raster.gsd_m)).astype(np.float32)
    return window, np.asarray(mask, np.float32)


def ribbon(points: Sequence[tuple[float, float]], width_m: float) -> list[Polygon]:
    """A polyline of a width as one quadrilateral a segment, a little lengthened so that bends close."""
    polygons = []
    for start, end in pairwise(points):
        a, b = np.array(start, np.float64), np.array(end, np.float64)
        along = (b - a) / max(float(np.hypot(*(b - a))), 1e-9)
        side = np.array([-along[1], along[0]]) * width_m / 2
        a, b = a - 0.2 * width_m * along, b + 0.2 * width_m * along
        polygons.append(np.array([a + side, b + side, b - side, a - side]))
    return polygons


def dashes(
    points: Sequence[tuple[float, float]], on_m: float, off_m: float
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """The painted pieces of a dashed polyline; each segment starts anew."""
    pieces = []
    for start, end in pairwise(points):
        a, b = np.array(start, np.float64), np.array(end, np.float64)
        length = float(np.hypot(*(b - a)))
        for at in np.arange(0.0, max(length - on_m, 0.0) + 1e-6, on_m + off_m):
            first, last = a + (b - a) * at / length, a + (b - a) * min(length, at + on_m) / length
            pieces.append(((float(first[0]), float(first[1])), (float(last[0]), float(last[1]))))
    return pieces
