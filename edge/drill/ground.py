"""The ground of a scene without anything that throws a shadow: drawn once for each ground sample distance."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from edge.drill.draw import Polygon, Window, coverage, dashes, ribbon
from edge.drill.noise import Image, Raster, fractal, generator
from edge.drill.scene import Colour, Layout, Material, Stripe, Surface

_FULL_CELLS_M = (90.0, 40.0, 18.0, 8.0, 3.5, 1.6, 0.8)
_FINE_CELLS_M = (3.0, 1.3, 0.6)


@dataclass(frozen=True, slots=True)
class Texture:
    """How a material looks: its colour, and how strongly it varies at large and at small scales."""

    colour: Colour
    coarse: float
    fine: float


_TEXTURES = {
    Material.GRASS: Texture((0.42, 0.42, 0.315), 0.10, 0.07),
    Material.SOIL: Texture((0.63, 0.55, 0.43), 0.07, 0.05),
    Material.ASPHALT: Texture((0.43, 0.435, 0.43), 0.045, 0.025),
    Material.CONCRETE: Texture((0.60, 0.59, 0.555), 0.05, 0.022),
    Material.CROP: Texture((0.40, 0.45, 0.27), 0.06, 0.05),
    Material.WATER: Texture((0.20, 0.27, 0.29), 0.03, 0.0),
}
# How far the seasons tint a material, and how much snow stays on it once the ploughs have been out.
_GREEN = {Material.GRASS: 1.0, Material.CROP: 0.9, Material.SOIL: 0.12}
_HOLDS = {Material.GRASS: 1.0, Material.CROP: 1.0, Material.SOIL: 0.95, Material.ASPHALT: 0.16,
          Material.CONCRETE: 0.22, Material.WATER: 0.0}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """The ground in full daylight.

    colour  (H, W, 3) float32 RGB in [0, 1]
    green   (H, W) float32 in [0, 1]; how far the seasons tint it
    holds   (H, W) float32 in [0, 1]; how white it is when all of it is under snow
    water   (H, W) float32 in [0, 1]; the share of each pixel that is water
    """

    colour: Image
    green: Image
    holds: Image
    water: Image


def paint_ground(layout: Layout, raster: Raster, seed: int) -> Ground:
    """Draw every surface and stripe of a layout."""
    coarse = fractal(raster, _FULL_CELLS_M, generator(seed, "coarse"))
    fine = fractal(raster, _FINE_CELLS_M, generator(seed, "fine"), falloff=0.9)
    colour = _textured(layout.base, 1.0, coarse, fine)
    flat = (np.full(coarse.shape, value, np.float32) for value in _shares(layout.base))
    ground = Ground(colour, *flat)
    _bare_patches(colour, ground.green, raster, seed)
    for index, surface in enumerate(layout.surfaces):
        _lay(ground, surface, raster, (coarse, fine), generator(seed, "slabs", index))
    for window, mask, ink in _inked(layout.stripes, raster):
        part = colour[window.slices]
        part += mask[..., None] * (np.array(ink, np.float32) - part)
        # Paint and wear are swept clear: half of the snow stays on a fence or a line.
        ground.holds[window.slices] *= 1 - 0.5 * mask
    for image in (ground.colour, ground.green, ground.holds, ground.water):
        image.setflags(write=False)
    return ground


def _shares(material: Material) -> tuple[float, float, float]:
    """How green a material gets, how much snow it holds, and whether it is water."""
    return _GREEN.get(material, 0.0), _HOLDS[material], float(material is Material.WATER)


def _textured(material: Material, tone: float, coarse: Image, fine: Image) -> Image:
    texture = _TEXTURES[material]
    factor = tone * (1 + texture.coarse * coarse + texture.fine * fine)
    return np.asarray(np.array(texture.colour, np.float32) * factor[..., None], np.float32)


def _bare_patches(colour: Image, green: Image, raster: Raster, seed: int) -> None:
    """Dry, worn ground where the grass is thin."""
    wear = fractal(raster, (120.0, 45.0, 15.0, 5.0, 2.0), generator(seed, "bare"), falloff=0.8)
    bare = np.clip((wear - 0.25) / 1.6, 0.0, 0.75) * green
    soil = np.array(_TEXTURES[Material.SOIL].colour, np.float32) * 0.88
    colour += bare[..., None] * (soil - colour)
    green *= 1 - bare


def _lay(
    ground: Ground, surface: Surface, raster: Raster, noise: tuple[Image, Image], rng: np.random.Generator
) -> None:
    window, mask = coverage([np.array(surface.outline, np.float64)], raster)
    if window.empty:
        return
    part, coarse, fine = ground.colour[window.slices], noise[0][window.slices], noise[1][window.slices]
    new = _textured(surface.material, surface.tone, coarse, fine)
    if surface.slab_m > 0:
        new *= _slabs(surface, window, raster, rng)[..., None]
    part += mask[..., None] * (new - part)
    for image, share in zip(
        (ground.green, ground.holds, ground.water), _shares(surface.material), strict=True
    ):
        under = image[window.slices]
        under += mask * (np.float32(share) - under)


def _slabs(surface: Surface, window: Window, raster: Raster, rng: np.random.Generator) -> Image:
    """Brightness of concrete slabs along the first edge of the outline: each its own tone, joints dark."""
    (x0, y0), (x1, y1) = surface.outline[:2]
    angle = np.arctan2(y1 - y0, x1 - x0)
    x = (np.arange(window.left, window.right, dtype=np.float32) + 0.5 - raster.margin_px) * raster.gsd_m - x0
    y = (np.arange(window.top, window.bottom, dtype=np.float32) + 0.5 - raster.margin_px) * raster.gsd_m - y0
    along = (x * np.cos(angle) + (y * np.sin(angle))[:, None]) / surface.slab_m
    across = (-x * np.sin(angle) + (y * np.cos(angle))[:, None]) / surface.slab_m
    tones = 1 + 0.013 * rng.standard_normal((64, 64), dtype=np.float32)
    tones *= np.where(rng.random((64, 64)) < 0.008, 0.92, 1.0)
    tone = tones[np.floor(across).astype(int) % 64, np.floor(along).astype(int) % 64]
    joint = np.maximum(
        _joint(along, surface.slab_m, raster.gsd_m), _joint(across, surface.slab_m, raster.gsd_m)
    )
    return np.asarray(tone * (1 - 0.20 * joint), np.float32)


def _joint(position: Image, slab_m: float, gsd_m: float) -> Image:
    """Share of a pixel that a joint of 0.25 m covers; position counts in slabs."""
    distance_m = np.abs(position - np.round(position)) * slab_m
    width_m = 0.25
    reach = (width_m + gsd_m) / 2
    return np.asarray(np.clip((reach - distance_m) / gsd_m, 0.0, min(1.0, width_m / gsd_m)), np.float32)


def _inked(stripes: tuple[Stripe, ...], raster: Raster) -> Iterator[tuple[Window, Image, Colour]]:
    """Neighbouring stripes of one look are drawn as one."""
    for (ink, opacity, soft_m), group in groupby(stripes, key=lambda s: (s.colour, s.opacity, s.soft_m)):
        polygons = [polygon for stripe in group for polygon in _outlines(stripe)]
        window, mask = coverage(polygons, raster, soft_m=soft_m)
        if not window.empty:
            yield window, np.asarray(mask * opacity, np.float32), ink


def _outlines(stripe: Stripe) -> list[Polygon]:
    if stripe.dash_m is None:
        return ribbon(stripe.points, stripe.width_m)
    return [quad for piece in dashes(stripe.points, *stripe.dash_m) for quad in ribbon(piece, stripe.width_m)]
