"""The pictures of an alert: the same ground before and after, small enough for a poor link. Pure."""

from __future__ import annotations

import cv2
import numpy as np

from edge.acquire.tile import Rgb
from edge.geo import PixelBox
from edge.transmit.alert import MAX_EVIDENCE_BYTES

# Ground shown around an object, as a multiple of its longer side, and never less than so many metres.
AROUND = 2.5
MIN_SIDE_M = 40.0
# A picture is this wide and high on the screen of whoever receives it.
SIDE_PX = 320
_QUALITIES = (85, 75, 65, 50, 35, 20)


def side_m(length_m: float) -> float:
    """Side in metres of the square of ground that is shown of an object of this length."""
    return max(MIN_SIDE_M, AROUND * length_m)


def crop(pixels: Rgb, centre: tuple[float, float], side_px: float) -> Rgb:
    """As `square`, resampled to at most SIDE_PX."""
    found = square(pixels, centre, side_px)
    if found.shape[0] <= SIDE_PX:
        return found
    return np.asarray(cv2.resize(found, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def square(pixels: Rgb, centre: tuple[float, float], side_px: float) -> Rgb:
    """A square around a point, pixel for pixel; grey where it reaches beyond the image.

    pixels   (H, W, 3) uint8 RGB
    centre   x, y in pixels
    side_px  of the square, in pixels of the image
    returns  (S, S, 3) uint8 RGB
    """
    half = max(1, round(side_px / 2))
    left, top = round(centre[0]) - half, round(centre[1]) - half
    box = (
        PixelBox(max(left, 0), max(top, 0), left + 2 * half, top + 2 * half) if left + 2 * half > 0 else None
    )
    found = np.full((2 * half, 2 * half, 3), 128, dtype=np.uint8)
    if box is not None and top + 2 * half > 0:
        part = pixels[int(box.top) : int(box.bottom), int(box.left) : int(box.right)]
        y, x = int(box.top) - top, int(box.left) - left
        found[y : y + part.shape[0], x : x + part.shape[1]] = part
    return found


def jpeg(pixels: Rgb, max_bytes: int = MAX_EVIDENCE_BYTES) -> bytes:
    """The picture as JPEG of at most so many bytes, at the best quality that fits, or at the lowest."""
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    data = b""
    for quality in _QUALITIES:
        data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        if len(data) <= max_bytes:
            break
    return data
