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
    seen = None if inner is None or inner[rows, columns].all() else inner[rows, columns]
    cv2.merge(_angles(grey[around], part, seen), dst=angles)


def _widened(span: slice, length: int) -> slice:
    return slice(max(0, span.start - _HALO_PX), min(length, span.stop + _HALO_PX))


def _angles(grey: Grey, part: tuple[slice, slice], seen: NDArray[np.uint8] | None) -> tuple[Surface, Surface]:
    """Cosine and sine of a part of some pixels; seen: of the part, 1 where the ground is seen, else 0."""
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 1.0)
    gx, gy = (
        np.asarray(cv2.Sobel(smooth, cv2.CV_32F, across, 1 - across, scale=1 / 4), np.float32)[part]
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
    # In single precision: cv2.mulSpectrums goes by way of double and takes three times as long.
    both = np.conj(tile.view(np.complex64))
    both *= reference.view(np.complex64)
    return np.asarray(cv2.idft(both.view(np.float32), flags=cv2.DFT_SCALE)[..., 0], np.float32)


def peaks(surfaces: Sequence[Surface], reach: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How each tile must be moved to lie on its reference.

    surfaces  n of (h, w), as correlated gives them
    returns   (n, 2) dx, dy, at most reach pixels, and (n,) how clear each peak is, in standard deviations
    """
    reach_y, reach_x = (min(reach, length // 2 - 1) for length in surfaces[0].shape)
    found = [_peak(_near(surface, reach_y, reach_x)) for surface in surfaces]
    shifts = [(x - reach_x, y - reach_y) for x, y, _ in found]
    return np.array(shifts, np.float64), np.array([clear for _, _, clear in found], np.float64)


def _peak(near: Surface) -> tuple[float, float, float]:
    """The highest point of a surface, by x and y, and how clear it is."""
    mean, deviation = (float(one[0, 0]) for one in cv2.meanStdDev(near))
    _, top, _, (x, y) = cv2.minMaxLoc(near)
    clear = (top - mean) / (deviation + 1e-9)
    return x + _vertex(near[y], x), y + _vertex(near[:, x], y), clear


def _near(surface: Surface, reach_y: int, reach_x: int) -> Surface:
    """The shifts of at most so many pixels, the most negative first; those stand at the end of a surface."""
    near = np.empty((2 * reach_y + 1, 2 * reach_x + 1), np.float32)
    near[:reach_y, :reach_x] = surface[-reach_y:, -reach_x:]
    near[:reach_y, reach_x:] = surface[-reach_y:, : reach_x + 1]
    near[reach_y:, :reach_x] = surface[: reach_y + 1, -reach_x:]
    near[reach_y:, reach_x:] = surface[: reach_y + 1, : reach_x + 1]
    return near


def _vertex(line: Surface, at: int) -> float:
    """Where between the pixels of a line the parabola through its peak has its top, from that peak."""
    if not 0 < at < len(line) - 1:
        return 0.0
    left, top, right = line[at - 1 : at + 2].tolist()
    bend: float = left - 2 * top + right
    return 0.5 * (left - right) / bend if bend < 0 else 0.0
