"""An earlier tile laid onto a later one, by how both lie on the reference of their site. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from edge.acquire.registration import Affine, Alignment, for_centres
from edge.acquire.tile import Mask, Rgb

_HOW = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
# Of 255: a pixel between usable and unusable ones is not usable.
_WHOLLY = 250


def laid_on(earlier: Rgb, *, before: Alignment, after: Alignment) -> Rgb:
    """The earlier tile in the pixels of the later one; its rim is repeated where it shows nothing.

    earlier         (H, W, 3) uint8 RGB
    before, after   how each lies on the reference
    returns         (h, w, 3) uint8 of the size of the later tile
    """
    width, height = _size(after)
    return Laid(earlier, before, after).part(slice(0, height), slice(0, width))


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """The same, made only where it is looked at: most of a tile is never asked about."""

    earlier: Rgb
    before: Alignment
    after: Alignment

    def part(self, rows: slice, columns: slice) -> Rgb:
        """(h, w, 3) uint8, some rows and columns of the later tile, or beyond its rim."""
        matrix = _matrix(self.before, self.after)
        matrix[:, 2] += matrix[:, :2] @ (columns.start, rows.start)
        size = columns.stop - columns.start, rows.stop - rows.start
        pixels = cv2.warpAffine(self.earlier, matrix, size, flags=_HOW, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(pixels, np.uint8)


def shown_on(usable: Mask, *, before: Alignment, after: Alignment) -> Mask:
    """Where the earlier tile shows ground that is of use, in the pixels of the later one, (h, w) bool.

    usable  (H, W) bool, of the earlier tile
    """
    shown = cv2.warpAffine(usable.astype(np.uint8) * 255, _matrix(before, after), _size(after), flags=_HOW)
    return np.asarray(shown > _WHOLLY, np.bool_)


def _matrix(before: Alignment, after: Alignment) -> Affine:
    return for_centres(_from_after(before, after))


def _size(after: Alignment) -> tuple[int, int]:
    return after.grid.width_px, after.grid.height_px


def _from_after(before: Alignment, after: Alignment) -> Affine:
    """Pixel positions of the later tile -> of the earlier one, from three corners: both maps are affine."""
    width, height = after.grid.width_px, after.grid.height_px
    corners = [(0.0, 0.0), (float(width), 0.0), (0.0, float(height))]
    there = [before.pixel_at(after.ground_at(x, y)) for x, y in corners]
    return np.asarray(
        cv2.getAffineTransform(np.array(corners, np.float32), np.array(there, np.float32)), np.float64
    )
