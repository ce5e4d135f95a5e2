"""Rendered objects cut out with their shadows, to be laid onto real ground."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.drill.catalogue import KINDS, plan_of
from edge.drill.look import Light, Look, light_of
from edge.drill.noise import Raster
from edge.drill.parts import Plan
from edge.drill.stamp import Pose, seen_outline, shadow_mask, stamp
from edge.drill.sun import Sun

Rgb = NDArray[np.uint8]
Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Cutout:
    """An object as a picture of its own.

    colour  (H, W, 3) float32, 0..255, times alpha
    alpha   (H, W) float32, how much of the pixel the object covers
    shade   (H, W, 3) float32, what the ground beside it is multiplied by
    box     left top right bottom in its pixels, without the shadow
    """

    colour: NDArray[np.float32]
    alpha: Plane
    shade: NDArray[np.float32]
    box: tuple[float, float, float, float]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.alpha.shape[1], self.alpha.shape[0]


def a_light(rng: np.random.Generator) -> Light:
    """Daylight from anywhere, the sun between 18 and 75 degrees high."""
    sun = Sun(rng.uniform(0, 360), rng.uniform(18, 75))
    return light_of(Look(sun=sun, haze_fraction=rng.uniform(0, 0.5)))


def a_plan(kind: str, rng: np.random.Generator) -> Plan:
    """An object of the drill's catalogue in one of its paints and states."""
    about = KINDS[kind]
    return plan_of(kind, str(rng.choice(about.paints)), str(rng.choice(about.states)))


def cut_out(plan: Plan, heading_deg: float, light: Light, gsd_m: float, rng: np.random.Generator) -> Cutout:
    """Render one object at a ground sample distance, as sharp as a sensor would be and no sharper."""
    reach = max(float(np.abs(part.outline[:, :2]).max()) for part in plan)
    side = 2 * reach + 2
    raster = Raster(side, side, gsd_m)
    pose = Pose(side / 2, side / 2, heading_deg)
    width, height = raster.size_px
    on_black, on_white = np.zeros((height, width, 3), np.float32), np.ones((height, width, 3), np.float32)
    stamp(on_black, plan, pose, light, raster)
    stamp(on_white, plan, pose, light, raster)
    alpha = np.clip(1 - (on_white - on_black).mean(-1), 0, 1)
    shadow = shadow_mask([(plan, pose)], (), light, raster)
    shade = 1 - shadow[..., None] * (1 - np.array(light.shade, np.float32))
    gain = light.level * 255 * math.exp(rng.uniform(-0.3, 0.1))
    sharp = np.dstack([on_black * gain, alpha, shade]).astype(np.float32)
    layers = np.asarray(cv2.GaussianBlur(sharp, (0, 0), rng.uniform(0.35, 0.9)), np.float32)
    outline = seen_outline(plan, pose) / gsd_m + raster.margin_px
    (left, top), (right, bottom) = outline.min(0), outline.max(0)
    box = float(left), float(top), float(right), float(bottom)
    return _trimmed(Cutout(layers[..., :3], layers[..., 3], layers[..., 4:], box))


def _trimmed(cutout: Cutout) -> Cutout:
    """Without the ground around it that it leaves as it is."""
    changed = (cutout.alpha > 0.01) | (cutout.shade.min(-1) < 0.99)
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    down, across = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    x, y = int(columns[0]), int(rows[0])
    left, top, right, bottom = cutout.box
    box = (left - x, top - y, right - x, bottom - y)
    return Cutout(cutout.colour[down, across], cutout.alpha[down, across], cutout.shade[down, across], box)


def lay(pixels: Rgb, cutout: Cutout, left: int, top: int) -> tuple[float, float, float, float]:
    """Lay an object onto the pixels, changing them; returns its box there, which may reach beyond them."""
    width, height = cutout.size
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(pixels.shape[1], left + width), min(pixels.shape[0], top + height)
    if x0 < x1 and y0 < y1:
        own = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
        ground = pixels[y0:y1, x0:x1].astype(np.float32) * cutout.shade[own]
        mixed = ground * (1 - cutout.alpha[own][..., None]) + cutout.colour[own]
        pixels[y0:y1, x0:x1] = mixed.clip(0, 255).astype(np.uint8)
    a, b, c, d = cutout.box
    return a + left, b + top, c + left, d + top
