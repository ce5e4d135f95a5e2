"""How one image lies on another, by the orientation of their edges. Pure.

Each pixel becomes the doubled angle of its gradient, weighted down where there is none (orientation
correlation, Fitch, Kadyrov, Christmas and Kittler 2002; doubled, so that a light edge matches a dark one).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.acquire.tile import Mask

Grey = NDArray[np.uint8] | NDArray[np.float32]
"""(h, w), grey levels in [0, 255]."""

Features = NDArray[np.float32]
"""(h, w, 2) float32, doubled gradient angle as cosine and sine times its weight; 0 where nothing is known."""

Surface = NDArray[np.float32]
"""(h, w) float32, one a shift, shift 0 first and negative ones last, as a Fourier transform has them."""

# Squared gradient, in squared grey levels a pixel, at which an edge has half its weight; noise is below.
_EDGE_ENERGY = 16.0


# Rows that are worked on at once: larger images leave the cache between two sums over them, which then take
# twice as long.
_STRIP_ROWS = 128
# Pixels beside a part that reach into its gradients: four of the blur, one of the difference.
_HALO_PX = 5


def features(grey: Grey, mask: Mask | None = None) -> Features:
    """The doubled angle of the gradient: (gx + i gy)^2 over its energy.

    mask  (h, w) bool, where the ground is seen; None: all over
    """
    height, width = grey.shape
    inner = None if mask is None else inner_of(mask)
    angles = np.empty((height, width, 2), np.float32)
    for top in range(0, height, _STRIP_ROWS):
        rows = slice(top, min(height, top + _STRIP_ROWS))
        _features_into(angles[rows], grey, inner, rows, slice(0, width))
    return angles


def features_at(grey: Grey, inner: NDArray[np.uint8] | None, rows: slice, columns: slice) -> Features:
    """The same of a part of an image, as it is within the whole.

    inner  of the image's mask, see inner_of
    """
    angles = np.empty((rows.stop - rows.start, columns.stop - columns.start, 2), np.float32)
    _features_into(angles, grey, inner, rows, columns)
    return angles


def inner_of(mask: Mask) -> NDArray[np.uint8] | None:
    """(h, w), 1 where a gradient is one of the ground, 0 at the edge of the mask and beyond; None: all 1."""
    return None if mask.all() else np.asarray(cv2.erode(mask.astype(np.uint8), _FIVE), np.uint8)


_FIVE = np.ones((5, 5), np.uint8)


def _features_into(
    angles: Features, grey: Grey, inner: NDArray[np.uint8] | None, rows: slice, columns: slice
) -> None:
    """Write the features of some rows and columns."""
    height, width = grey.shape
    around = _widened(rows, height), _widened(columns, width)
    part = np.s_[
        rows.start - around[0].start : rows.stop - around[0].start,
        columns.start - around[1].start : columns.stop - around[1].start,
    ]
    seen = None if inner is None else inner[around]
    cv2.merge([plane[part] for plane in _angles(grey[around], seen)], dst=angles)


def _widened(span: slice, length: int) -> slice:
    return slice(max(0, span.start - _HALO_PX), min(length, span.stop + _HALO_PX))


def _angles(grey: Grey, seen: NDArray[np.uint8] | None) -> tuple[Surface, Surface]:
    """Cosine and sine of a part; seen: (h, w), 1 where the ground is seen, else 0."""
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 1.0)
    gx, gy = (
        np.asarray(cv2.Sobel(smooth, cv2.CV_32F, across, 1 - across, scale=1 / 4), np.float32)
        for across in (1, 0)
    )
    difference, down = gx * gx, gy * gy
    energy = difference + down
    energy += _EDGE_ENERGY
    share = np.reciprocal(energy, out=energy)
    if seen is not None:
        share *= seen
    # In place: what is new each time leaves the cache.
    difference -= down
    difference *= share
    gx *= gy
    gx *= 2
    gx *= share
    return difference, gx


def spectrum(angles: Features) -> Features:
    """The Fourier transform of features, (h, w, 2) as real and imaginary parts."""
    return np.asarray(cv2.dft(angles), np.float32)


def correlated(reference: Features, tile: Features) -> Surface:
    """How well two images of equal size match at each shift, from their spectra (h, w, 2)."""
    both = cv2.mulSpectrums(reference, tile, 0, conjB=True)
    return np.asarray(cv2.idft(both, flags=cv2.DFT_SCALE)[..., 0], np.float32)


def peaks(surfaces: Sequence[Surface], reach: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How each tile must be moved to lie on its reference.

    surfaces  n of (h, w), as correlated gives them
    returns   (n, 2) dx, dy, at most reach pixels, and (n,) how clear each peak is, in standard deviations
    """
    reach_y, reach_x = (min(reach, length // 2 - 1) for length in surfaces[0].shape)
    near = np.stack([_near(surface, reach_y, reach_x) for surface in surfaces])
    flat = near.reshape(len(near), -1)
    best = flat.argmax(axis=1)
    clear = (flat.max(axis=1) - flat.mean(axis=1)) / (flat.std(axis=1) + 1e-9)
    y, x = np.divmod(best, 2 * reach_x + 1)
    n = np.arange(len(near))
    shifts = x - reach_x + _vertex(near[n, y], x), y - reach_y + _vertex(near[n, :, x], y)
    return np.stack(shifts, axis=1), clear.astype(np.float64)


def _near(surface: Surface, reach_y: int, reach_x: int) -> Surface:
    """The shifts of at most so many pixels, the most negative first; those stand at the end of a surface."""
    near = np.empty((2 * reach_y + 1, 2 * reach_x + 1), np.float32)
    near[:reach_y, :reach_x] = surface[-reach_y:, -reach_x:]
    near[:reach_y, reach_x:] = surface[-reach_y:, : reach_x + 1]
    near[reach_y:, :reach_x] = surface[: reach_y + 1, -reach_x:]
    near[reach_y:, reach_x:] = surface[: reach_y + 1, : reach_x + 1]
    return near


def _vertex(lines: Surface, i: NDArray[np.intp]) -> NDArray[np.float64]:
    """(n,) where between the pixels of each line the parabola through its peak has its top."""
    n, last = np.arange(len(lines)), lines.shape[1] - 1
    left, top, right = (lines[n, np.clip(i + step, 0, last)].astype(np.float64) for step in (-1, 0, 1))
    bend = left - 2 * top + right
    is_peak = (i > 0) & (i < last) & (bend < 0)
    return np.where(is_peak, 0.5 * (left - right) / np.where(is_peak, bend, 1.0), 0.0)
