"""How a look is taken: light, air, sensor and pointing; and what they do to the pixels."""

from dataclasses import dataclass, field
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.drill.noise import Image, Raster, fractal, generator
from edge.drill.season import Season
from edge.drill.sun import Sun

_CLOUD_CELLS_M = (260.0, 120.0, 55.0, 26.0, 12.0)
# Haze and the faces of clouds have no detail finer than this.
_AIR_M = 2.4
# Contrast is stretched about the brightness of asphalt: providers stretch most of a tile's histogram.
_MIDDLE = 0.50
# Steps of brightness that the tone curve tells apart; 16 bits then reach to 8 times white.
_LEVELS = 8192.0
_MATRIX = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CloudBank:
    """A cloud put over one place, in scene metres."""

    x_m: float
    y_m: float
    radius_m: float


@dataclass(frozen=True, slots=True)
class Look:
    """The circumstances of one look; `seed` decides the shapes of clouds and haze, and the noise.

    shift_px      a point at p of this look lies at p + shift in an unshifted one; x, y
    rotation_deg  clockwise, about the middle of the image
    haze_fraction, cloud_fraction in [0, 1]
    """

    # Low for a cloud, so that its shadow lies on the same tile.
    CLOUD_HEIGHT_M: ClassVar[float] = 160.0

    sun: Sun = field(default_factory=lambda: Sun(140.0, 48.0))
    seed: int = 0
    season: Season = field(default_factory=Season)
    haze_fraction: float = 0.05
    cloud_fraction: float = 0.0
    clouds: tuple[CloudBank, ...] = ()
    gain: float = 1.0
    gamma: float = 1.0
    contrast: float = 1.2
    blur_px: float = 0.45
    noise_fraction: float = 0.007
    shift_px: tuple[float, float] = (0.0, 0.0)
    rotation_deg: float = 0.0


@dataclass(frozen=True, slots=True)
class Light:
    """Daylight on a flat ground is 1; `shade` is what remains of it in full shadow."""

    toward: tuple[float, float, float]
    per_m: tuple[float, float]
    shade: tuple[float, float, float]
    level: float


def light_of(look: Look) -> Light:
    """The light of a look: haze fills shadows, night leaves a hundredth."""
    elevation = look.sun.elevation_deg
    level = float(np.clip(0.035 + (elevation + 6) / 26, 0.035, 1.0))
    strength = (0.62 - 0.30 * look.haze_fraction) * float(np.clip(elevation / 8, 0.0, 1.0))
    shade = (1 - strength, 1 - 0.965 * strength, 1 - 0.90 * strength)
    return Light(look.sun.toward, look.sun.shadow_per_m, shade, level)


def cloud_cover(look: Look, raster: Raster) -> tuple[Image, Image]:
    """Opacity of the clouds, and their shadow on the ground; both (H, W) float32 in [0, 1]."""
    width, height = raster.size_px
    if look.cloud_fraction <= 0 and not look.clouds:
        clear = np.zeros((height, width), np.float32)
        return clear, clear
    coarse = Raster(raster.width_m, raster.height_m, max(raster.gsd_m, _AIR_M))
    opacity = _opacity(look, coarse)
    drift = np.array(look.sun.shadow_per_m) * Look.CLOUD_HEIGHT_M / coarse.gsd_m
    matrix = np.array([[1.0, 0.0, drift[0]], [0.0, 1.0, drift[1]]])
    shadow = cv2.warpAffine(opacity, matrix, coarse.size_px, borderMode=cv2.BORDER_REFLECT)
    soft = np.asarray(cv2.GaussianBlur(shadow, (0, 0), 3.0), np.float32)
    return _fitted(opacity, coarse, raster), _fitted(soft, coarse, raster)


def _opacity(look: Look, raster: Raster) -> Image:
    rng = generator(look.seed, "cloud")
    shapes = fractal(raster, _CLOUD_CELLS_M, rng, falloff=0.62)
    if look.cloud_fraction > 0:
        threshold = float(np.quantile(shapes, 1 - min(look.cloud_fraction, 1.0)))
        depth = (shapes - threshold) / 0.9 + (0.9 if look.cloud_fraction >= 0.9 else 0.0)
    else:
        depth = np.full_like(shapes, -3.0)
    width, height = raster.size_px
    x = (np.arange(width, dtype=np.float32) + 0.5 - raster.margin_px) * raster.gsd_m
    y = (np.arange(height, dtype=np.float32) + 0.5 - raster.margin_px) * raster.gsd_m
    for bank in look.clouds:
        distance = np.hypot(x - bank.x_m, (y - bank.y_m)[:, None]) / bank.radius_m
        depth = np.maximum(depth, (1.05 - distance) * 1.9 + 0.5 * shapes * np.clip(distance, 0.2, 1.2) + 0.2)
    return np.asarray(1 - np.exp(-np.clip(depth, 0.0, None) * 2.6), np.float32)


def _fitted(values: Image, coarse: Raster, raster: Raster) -> Image:
    """A coarse raster brought to the pixels of a finer one over the same ground."""
    scale = coarse.gsd_m / raster.gsd_m
    start = raster.margin_px - (coarse.margin_px - 0.5) * scale - 0.5
    matrix = np.array([[scale, 0.0, start], [0.0, scale, start]])
    return np.asarray(
        cv2.warpAffine(values, matrix, raster.size_px, borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def atmosphere(colour: Image, opacity: Image, look: Look, light: Light, raster: Raster) -> Image:
    """The scene through haze and under clouds."""
    coarse = Raster(raster.width_m, raster.height_m, max(raster.gsd_m, _AIR_M))
    uneven = _fitted(fractal(coarse, (300.0, 120.0), generator(look.seed, "haze")), coarse, raster)
    veil = np.float32(0.82) * np.clip(look.haze_fraction * (1 + 0.12 * uneven), 0.0, 0.97)
    air = (0.74 * light.level, 0.76 * light.level, 0.79 * light.level)
    seen = _laid_over(colour, air, veil)
    if not opacity.any():
        return seen
    billow = _fitted(fractal(coarse, (70.0, 32.0, 15.0), generator(look.seed, "billow")), coarse, raster)
    bright = np.clip(0.84 + 0.05 * billow, 0.0, 1.0)[..., None] * np.array((0.985, 0.995, 1.0), np.float32)
    return np.asarray(seen + opacity[..., None] * (bright * light.level - seen), np.float32)


def _laid_over(colour: Image, ink: tuple[float, float, float], opacity: Image) -> Image:
    """An even colour over an image; band by band, for a band that lies together is quick to work on."""
    bands = [
        band + opacity * (np.float32(one) - band) for band, one in zip(cv2.split(colour), ink, strict=True)
    ]
    return np.asarray(cv2.merge(bands), np.float32)


def to_scene(look: Look, raster: Raster) -> _MATRIX:
    """The (2, 3) affine from a look's pixel positions to those of an unshifted, unturned look."""
    width, height = raster.tile_px
    angle = np.radians(look.rotation_deg)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    middle = np.array([width / 2, height / 2])
    return np.column_stack([turn, middle - turn @ middle + np.array(look.shift_px)])


def resample(values: Image, look: Look, raster: Raster) -> Image:
    """What the look sees of a raster: its tile, shifted and turned."""
    matrix = to_scene(look, raster)
    half = np.array([0.5, 0.5])
    offset = matrix[:, :2] @ half + matrix[:, 2] + raster.margin_px - half
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    drawn = cv2.warpAffine(
        values,
        np.column_stack([matrix[:, :2], offset]),
        raster.tile_px,
        flags=flags,
        borderMode=cv2.BORDER_REFLECT,
    )
    return np.asarray(drawn, np.float32)


def develop(colour: Image, look: Look) -> NDArray[np.uint8]:
    """The sensor: blur, noise that grows with the light, gain, contrast, gamma; (H, W, 3) uint8 RGB."""
    blurred = cv2.GaussianBlur(colour, (0, 0), look.blur_px) if look.blur_px > 0.2 else colour
    lit = np.maximum(np.asarray(blurred, np.float32), np.float32(0))
    grain = _grain(look, colour.shape)
    grain *= np.sqrt(lit + np.float32(0.05))
    grain *= np.float32(look.noise_fraction)
    levels = np.clip((lit + grain) * np.float32(_LEVELS), 0, 65535).astype(np.uint16)
    return np.asarray(_tone_curve(look)[levels], np.uint8)


def _grain(look: Look, shape: tuple[int, ...]) -> Image:
    """What the sensor adds: a share of its own in each band, and one that all bands have in common."""
    rng = generator(look.seed, "noise")
    grain = rng.standard_normal(shape, dtype=np.float32)
    return np.asarray(grain + rng.standard_normal((*shape[:2], 1), dtype=np.float32), np.float32)


def _tone_curve(look: Look) -> NDArray[np.uint8]:
    """Gain, contrast and gamma as a table over brightness in steps of 1 / _LEVELS; (65536,) uint8."""
    light = np.arange(65536) / _LEVELS
    stretched = (light * look.gain - _MIDDLE) * look.contrast + _MIDDLE
    return np.round(np.clip(stretched, 0.0, 1.0) ** look.gamma * 255).astype(np.uint8)
