"""Rendered objects laid over a real image, for a drill at a site whose ground we did not draw."""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.drill.catalogue import plan_of
from edge.drill.look import Look, light_of
from edge.drill.noise import Raster, generator
from edge.drill.scene import SceneObject
from edge.drill.stamp import pose_of, shade, shadow_mask, stamp_all


def lay_over(
    pixels: NDArray[np.uint8], gsd_m: float, objects: Iterable[SceneObject], look: Look
) -> NDArray[np.uint8]:
    """The image with the objects and their shadows on it, blurred and grained like a rendered look.

    pixels   (H, W, 3) uint8 RGB
    objects  x_m, y_m count from the top-left corner of the image
    returns  (H, W, 3) uint8 RGB; where nothing was laid, the pixels as they were
    """
    height, width = pixels.shape[:2]
    raster = Raster(width * gsd_m, height * gsd_m, gsd_m)
    margin, light = raster.margin_px, light_of(look)
    solids = [(plan_of(thing.kind, thing.paint, thing.state), pose_of(thing)) for thing in objects]
    before = cv2.copyMakeBorder(pixels, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
    under = before.astype(np.float32) / np.float32(255)
    canvas = under.copy()
    shade(canvas, shadow_mask(solids, (), light, raster), light)
    stamp_all(canvas, solids, light, raster)
    added = cv2.GaussianBlur(canvas - under, (0, 0), max(look.blur_px, 0.3))
    grain = look.noise_fraction * generator(look.seed, "noise").standard_normal(added.shape, dtype=np.float32)
    touched = np.abs(added).max(axis=2, keepdims=True) > 0.004
    drawn = np.clip(np.round((under + added + grain) * 255), 0, 255).astype(np.uint8)
    laid = np.where(touched, drawn, before)
    return np.ascontiguousarray(laid[margin:-margin, margin:-margin])
