"""A tile reduced to a picture for a page. Pure."""

from __future__ import annotations

from datetime import datetime

import cv2

from edge.acquire.tile import Rgb
from edge.geo import GeoBounds, Grid
from edge.report.facts import SitePicture

MAX_SIDE_PX = 900
_JPEG_QUALITY = 82


def site_picture(pixels: Rgb, bounds: GeoBounds, ground: GeoBounds, at: datetime) -> SitePicture | None:
    """The part of an image that shows some ground, at most MAX_SIDE_PX on a side; None where it shows none.

    pixels  (H, W, 3) uint8 RGB, over bounds
    """
    common = bounds.intersection(ground)
    if common is None:
        return None
    height, width = pixels.shape[:2]
    grid = Grid(bounds, width, height)
    box = grid.box_of(common)
    left, top = max(0, round(box.left)), max(0, round(box.top))
    right, bottom = min(width, max(left + 1, round(box.right))), min(height, max(top + 1, round(box.bottom)))
    part = pixels[top:bottom, left:right]
    if part.size == 0:
        return None
    north_west, south_east = grid.to_ground(left, top), grid.to_ground(right, bottom)
    shown = GeoBounds(north_west.lng, south_east.lat, south_east.lng, north_west.lat)
    return SitePicture(_jpeg(_reduced(part)), shown, at)


def _reduced(pixels: Rgb) -> Rgb:
    height, width = pixels.shape[:2]
    factor = min(1.0, MAX_SIDE_PX / max(height, width))
    if factor == 1.0:
        return pixels
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(pixels.dtype)


def _jpeg(pixels: Rgb) -> bytes:
    coded, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    assert coded, "an RGB image of some pixels can be coded"
    return data.tobytes()
