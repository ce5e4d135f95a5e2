"""One look at a place through other light, air, season and optics: nothing on the ground changes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]
Plane = NDArray[np.float32]


def tone_of(pixels: Rgb) -> Plane:
    """Mean and deviation of each channel, (2, 3)."""
    return np.concatenate(cv2.meanStdDev(pixels), 1).T.astype(np.float32)


def looked_at(pixels: Rgb, tones: Sequence[Plane], rng: np.random.Generator) -> Rgb:
    """The same ground as another look may show it, (H, W, 3) uint8; tones are those of other images."""
    if rng.random() < 0.3:
        pixels = _toned_like(pixels, tones[int(rng.integers(len(tones)))], rng)
    image = _toned(pixels, rng).astype(np.float32)
    image *= np.float32(1 / 255)
    for step in (_seasoned, _shadowed, _lit, _hazed):
        image = step(image, rng)
    image *= np.float32(255)
    return _sensed(image.clip(0, 255).astype(np.uint8), rng)


def pointed(pixels: Rgb, rng: np.random.Generator, max_shift_px: float) -> Rgb:
    """The ground a little beside where it should be: what registration leaves."""
    height, width = pixels.shape[:2]
    reach, way = rng.uniform(0, max_shift_px), rng.uniform(0, 2 * math.pi)
    matrix = cv2.getRotationMatrix2D(
        (width / 2, height / 2), rng.normal(0, 0.15), math.exp(rng.normal(0, 0.002))
    )
    matrix[:, 2] += np.array([reach * math.cos(way), reach * math.sin(way)])
    flags = cv2.INTER_CUBIC if rng.random() < 0.5 else cv2.INTER_LINEAR
    return np.asarray(
        cv2.warpAffine(pixels, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT), np.uint8
    )


def bent(pixels: Rgb, rng: np.random.Generator) -> Rgb:
    """The ground as seen from another side: roofs and slopes lean a few pixels, each its own way."""
    height, width = pixels.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    cells, reach = int(rng.integers(4, 16)), rng.uniform(0.3, 1.6)
    lean_x, lean_y = (_field(pixels.shape, cells, rng) * reach for _ in range(2))
    return np.asarray(
        cv2.remap(pixels, x + lean_x, y + lean_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), np.uint8
    )


def _toned_like(pixels: Rgb, tone: Plane, rng: np.random.Generator) -> Rgb:
    """With the brightness, contrast and colour of another image, or some of it (Reinhard et al., 2001)."""
    own, share = tone_of(pixels), np.float32(rng.uniform(0.4, 1))
    gain = (tone[1] / np.maximum(own[1], 4)).clip(0.35, 2.5)
    curve = (np.arange(256, dtype=np.float32)[:, None] - own[0]) * gain + tone[0]
    curve = curve * share + np.arange(256, dtype=np.float32)[:, None] * (1 - share)
    return np.asarray(cv2.LUT(pixels, curve.clip(0, 255).astype(np.uint8)[None]), np.uint8)


def _field(shape: tuple[int, ...], cells: int, rng: np.random.Generator) -> Plane:
    """Smooth noise about 0, deviation about 1."""
    coarse = rng.standard_normal((cells, cells)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), np.float32)


def _seasoned(image: Plane, rng: np.random.Generator) -> Plane:
    """Green things greener, browner or paler, and nothing else."""
    if rng.random() >= 0.4:
        return image
    red, green, blue = image[..., 0], image[..., 1], image[..., 2]
    plants = np.clip((2 * green - red - blue) * rng.uniform(3, 8), 0, 1)[..., None]
    tint = np.exp(rng.normal(0, 0.15, 3)).astype(np.float32) * np.float32(math.exp(rng.normal(0, 0.2)))
    return np.asarray(image * (1 + plants * (tint - 1)), np.float32)


def _shadowed(image: Plane, rng: np.random.Generator) -> Plane:
    """Shadows of clouds, with soft rims: a hard dark shape could as well be a dark object that came."""
    shade = np.zeros(image.shape[:2], np.float32)
    if rng.random() < 0.2:
        shade = np.clip(_field(image.shape, int(rng.integers(3, 6)), rng) * rng.uniform(1, 2.5), 0, 1)
    light = 1 - shade[..., None] * rng.uniform(0.2, 0.6) * np.array([1, 0.97, 0.9], np.float32)
    return np.asarray(image * light, np.float32)


def _lit(image: Plane, rng: np.random.Generator) -> Plane:
    """Brighter on one side than on the other."""
    if rng.random() >= 0.4:
        return image
    return np.asarray(
        image * np.exp(_field(image.shape, 3, rng) * rng.uniform(0, 0.15))[..., None], np.float32
    )


def _toned(pixels: Rgb, rng: np.random.Generator) -> Rgb:
    """Other exposure, gamma, contrast, colour and saturation."""
    if rng.random() < 0.5:
        grey = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        share = rng.uniform(0.4, 1.3)
        pixels = np.asarray(cv2.addWeighted(pixels, share, grey, 1 - share, 0), np.uint8)
    curve = np.linspace(0, 1, 256, dtype=np.float32)[:, None].repeat(3, 1)
    curve **= np.float32(math.exp(rng.normal(0, 0.2)))
    middle = float(pixels.mean()) / 255
    curve = (curve - middle) * np.float32(math.exp(rng.normal(0, 0.18))) + middle
    curve *= np.exp(rng.normal(0, 0.06, 3)).astype(np.float32)
    table = ((curve + rng.normal(0, 0.05)) * 255).clip(0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(pixels, table[None]), np.uint8)


def _hazed(image: Plane, rng: np.random.Generator) -> Plane:
    if rng.random() >= 0.3:
        return image
    veil = np.clip(rng.uniform(0, 0.4) + 0.08 * _field(image.shape, 4, rng), 0, 0.65)[..., None]
    tint = np.float32(rng.uniform(0.6, 0.95)) * np.array([0.97, 0.98, 1.0], np.float32)
    return np.asarray(image * (1 - veil) + veil * tint, np.float32)


def _sensed(pixels: Rgb, rng: np.random.Generator) -> Rgb:
    """Optics, sampling, noise and compression."""
    if rng.random() < 0.35:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.4, 1.5)), np.uint8)
    if rng.random() < 0.2:
        share = rng.uniform(0.45, 0.85)
        small = cv2.resize(pixels, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        pixels = np.asarray(cv2.resize(small, pixels.shape[1::-1], interpolation=cv2.INTER_CUBIC), np.uint8)
    if rng.random() < 0.15:
        soft = cv2.GaussianBlur(pixels, (0, 0), 1.2)
        pixels = np.asarray(cv2.addWeighted(pixels, 1.7, soft, -0.7, 0), np.uint8)
    if rng.random() < 0.5:
        noise = np.empty(pixels.shape, np.int16)
        cv2.randn(noise, 0, rng.uniform(1, 10))  # type: ignore[call-overload]
        pixels = np.clip(pixels.astype(np.int16) + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.4:
        coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 92))])[1]
        pixels = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return pixels
