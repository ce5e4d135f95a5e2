"""How an image is cut into windows of a model's size, and which window answers for which object. Pure.

Windows overlap by at least the longest object. Each owns the ground up to the middle of its overlaps, so an
object whose centre it owns lies wholly inside it: what a border cuts is the neighbour's, and whole there.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.acquire.tile import Mask, Rgb
from edge.detect.manifest import Boxes

# Two windows place the same object a little differently, so each answers for a strip beyond its own ground,
# and what both then report is merged. An eighth of the box's side: two views whose middles differ by less
# than a quarter of the object never lose it at a seam, and where both report it their IoU is at least 0.6.
# A border may cut what lies in the strip, but never more than a fifth of it.
STRIP_FRACTION = 1 / 8


@dataclass(frozen=True, slots=True)
class Span:
    """A window along one axis, in pixels; stop is exclusive and, at a small image, beyond its end.

    own_start, own_stop  the part for which it answers
    """

    start: int
    stop: int
    own_start: float
    own_stop: float

    def owns(self, low: Boxes, high: Boxes) -> NDArray[np.bool_]:
        """(N,) bool; True where the middle of low and high, pixels of the image, is this span's to report."""
        middle, strip = (low + high) / 2, (high - low) * STRIP_FRACTION
        return (middle >= self.own_start - strip) & (middle <= self.own_stop + strip)


@dataclass(frozen=True, slots=True)
class Window:
    """A part of an image, of exactly the model's input size."""

    columns: Span
    rows: Span

    def owns(self, boxes: Boxes) -> NDArray[np.bool_]:
        """(N,) bool; True where a box, in pixels of the image, is this window's to report."""
        return self.columns.owns(boxes[:, 0], boxes[:, 2]) & self.rows.owns(boxes[:, 1], boxes[:, 3])

    def inside(self, width: int, height: int) -> tuple[slice, slice]:
        """The rows and columns of an image of that size that lie in the window."""
        rows, columns = self.rows, self.columns
        return slice(rows.start, min(rows.stop, height)), slice(columns.start, min(columns.stop, width))


def windows(width: int, height: int, size: tuple[int, int], overlap: int) -> list[Window]:
    """The fewest windows that cover an image, evenly spread, row by row from the top left.

    size     width and height of a window in pixels
    overlap  pixels that neighbours share at least
    """
    columns = spans(width, size[0], overlap)
    return [Window(column, row) for row in spans(height, size[1], overlap) for column in columns]


def spans(length: int, size: int, overlap: int) -> list[Span]:
    """The fewest spans of one size that cover a length, evenly spread; one where the length is no longer."""
    n_steps = max(0, -(-(length - size) // (size - overlap)))
    starts = [step * (length - size) // n_steps for step in range(n_steps + 1)] if n_steps else [0]
    seams = [(left + size + right) / 2 for left, right in pairwise(starts)]
    return [
        Span(start, start + size, own_start, own_stop)
        for start, own_start, own_stop in zip(starts, [0.0, *seams], [*seams, float(length)], strict=True)
    ]


def crop(pixels: Rgb, window: Window) -> Rgb:
    """The window's pixels; where the image ends before it, its last row and column go on.

    hrplanesv2, 360 rows in windows of 512, AP50: so 0.935, as with windows of the image's size; mirrored
    0.934, black 0.931, grey 0.928.
    """
    rows, columns = window.inside(pixels.shape[1], pixels.shape[0])
    return filled(pixels[rows, columns], window)


def filled(part: Rgb, window: Window) -> Rgb:
    """What an image holds of a window, its last row and column repeated to the window's size."""
    below = window.rows.stop - window.rows.start - part.shape[0]
    right = window.columns.stop - window.columns.start - part.shape[1]
    if not (below or right):
        return part
    return np.asarray(cv2.copyMakeBorder(part, 0, below, 0, right, cv2.BORDER_REPLICATE), np.uint8)


def has_any(mask: Mask, window: Window, width: int, height: int) -> bool:
    """True if a mask over the whole image, of any size, is True somewhere on the window's own ground."""
    rows = _share(window.rows, height, mask.shape[0])
    columns = _share(window.columns, width, mask.shape[1])
    return bool(mask[rows, columns].any())


def _share(span: Span, length: int, n_cells: int) -> slice:
    """The cells of a mask that a span's own ground touches."""
    return slice(int(span.own_start * n_cells / length), -int(-span.own_stop * n_cells // length))
