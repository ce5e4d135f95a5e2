"""An earlier tile laid onto a later one, by how both lie on the reference of their site. Pure."""

from __future__ import annotations

import cv2
import numpy as np

from edge.acquire.registration import Affine, Alignment, for_centres
from edge.acquire.tile import Mask, Rgb


def laid_on(earlier: Rgb, earlier_usable: Mask, *, before: Alignment, after: Alignment) -> tuple[Rgb, Mask]:
    """The earlier tile in the pixels of the later one.

    earlier         (H, W, 3) uint8 RGB
    earlier_usable  (H, W) bool
    before, after   how each lies on the reference
    returns         (h, w, 3) uint8 of the size of the later tile, and (h, w) bool, False where the earlier
                    one shows nothing of the ground that is of use
    """
    size = after.grid.width_px, after.grid.height_px
    matrix = for_centres(_from_after(before, after))
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    pixels = cv2.warpAffine(earlier, matrix, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
    shown = cv2.warpAffine(earlier_usable.astype(np.uint8) * 255, matrix, size, flags=how) > 250
    return np.asarray(pixels, np.uint8), np.asarray(shown, np.bool_)


def part_laid_on(earlier: Rgb, square: tuple[int, int, int], *, before: Alignment, after: Alignment) -> Rgb:
    """The earlier tile in the pixels of a square of the later one, beyond its rim as at the rim.

    square   left, top and side in whole pixels of the later tile
    returns  (side, side, 3) uint8
    """
    left, top, side = square
    matrix = _from_after(before, after)
    matrix[:, 2] += matrix[:, :2] @ (left, top)
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    part = cv2.warpAffine(
        earlier, for_centres(matrix), (side, side), flags=how, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(part, np.uint8)


def _from_after(before: Alignment, after: Alignment) -> Affine:
    """Pixel positions of the later tile -> of the earlier one, from three corners: both maps are affine."""
    width, height = after.grid.width_px, after.grid.height_px
    corners = [(0.0, 0.0), (float(width), 0.0), (0.0, float(height))]
    there = [before.pixel_at(after.ground_at(x, y)) for x, y in corners]
    return np.asarray(
        cv2.getAffineTransform(np.array(corners, np.float32), np.array(there, np.float32)), np.float64
    )
