"""From a labelled image to a crop as the field may show it: any size, turn, light, blur and so on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from models.train.data import Boxes, Item, Part
from models.train.targets import CROP_PX, label_mask, targets

Rgb = NDArray[np.uint8]
Example = tuple[Rgb, NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
"""pixels (H, W, 3); heat, sides, weight as targets() gives them; mask of the labels that count."""

# The median object of a crop is brought to between these sizes, within these enlargements.
_OBJECT_PX = (9.0, 190.0)
_ENLARGEMENT = (0.35, 3.2)
_GREY = (114, 114, 114)
# An object that the border cuts to less than this share of its box is no longer one.
_MIN_LEFT_FRACTION = 0.35
_MIN_SIDE_PX = 3


class Examples(torch.utils.data.IterableDataset[Example]):
    """Crops without end, the same ones for the same seed."""

    def __init__(self, parts: Sequence[Part], seed: int | list[int], *, recolour: bool = True) -> None:
        self._rng = np.random.default_rng(seed)
        self._parts = parts
        self._recolour = recolour
        shares = np.array([part.source.share for part in parts])
        self._shares = shares / shares.sum()
        weights = (np.array([item.weight for item in part.items]) for part in parts)
        self._weights = [weight / weight.sum() for weight in weights]

    def __iter__(self) -> Iterator[Example]:
        while True:
            part = self._rng.choice(len(self._parts), p=self._shares)
            item = self._rng.choice(len(self._parts[part].items), p=self._weights[part])
            yield self._example(self._parts[part].items[item])

    def _example(self, item: Item) -> Example:
        pixels, boxes = turned(*cut(item, self._rng), self._rng)
        pixels = recoloured(pixels, self._rng) if self._recolour else pixels
        return pixels, *targets(boxes), label_mask(item.known)


def cut(item: Item, rng: np.random.Generator) -> tuple[Rgb, Boxes]:
    """A square of the image, enlarged or reduced; four of five hold a random object."""
    height, width = item.pixels.shape[:2]
    scale = _scale(item.boxes, rng)
    x, y = _middle(item, CROP_PX / scale, rng)
    aspect = math.exp(rng.uniform(-0.12, 0.12))
    across, down = scale * aspect, scale / aspect
    left, top = _start(x, CROP_PX / across, width), _start(y, CROP_PX / down, height)
    matrix = np.array([[across, 0, -left * across], [0, down, -top * down]], np.float32)
    # A reduced image is blurred first, or its finest detail would turn into noise.
    source = cv2.GaussianBlur(item.pixels, (0, 0), 0.45 / scale) if scale < 0.7 else item.pixels
    pixels = cv2.warpAffine(source, matrix, (CROP_PX, CROP_PX), borderValue=_GREY)
    return np.asarray(pixels, np.uint8), _boxes_in(item.boxes, (left, top), (across, down))


def _scale(boxes: Boxes, rng: np.random.Generator) -> float:
    sizes = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) if len(boxes) else [40.0]
    median = float(np.median(sizes))
    low, high = max(_ENLARGEMENT[0], _OBJECT_PX[0] / median), min(_ENLARGEMENT[1], _OBJECT_PX[1] / median)
    scale = math.exp(rng.uniform(math.log(low), math.log(max(high, low * 1.05))))
    if rng.random() < 0.35:  # about as it is
        scale = min(max(math.exp(rng.normal(0, 0.2)), low), high)
    return scale


def _middle(item: Item, side: float, rng: np.random.Generator) -> tuple[float, float]:
    if len(item.boxes) and rng.random() < 0.8:
        left, top, right, bottom, _ = item.boxes[rng.integers(len(item.boxes))]
        x = (left + right) / 2 + rng.uniform(-0.4, 0.4) * side
        return x, (top + bottom) / 2 + rng.uniform(-0.4, 0.4) * side
    height, width = item.pixels.shape[:2]
    x = rng.uniform(0, width)
    return x, rng.uniform(0, height)


def _start(middle: float, side: float, length: int) -> float:
    """Where the crop starts along an axis: within the image, or around it where it is smaller."""
    start: float = np.clip(middle - side / 2, min(0, length - side), max(0, length - side))
    return start


def _boxes_in(boxes: Boxes, start: tuple[float, float], scale: tuple[float, float]) -> Boxes:
    (left, top), (across, down) = start, scale
    whole = np.maximum((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), 1e-6) * across * down
    moved = boxes.copy()
    moved[:, [0, 2]] = (moved[:, [0, 2]] - left) * across
    moved[:, [1, 3]] = (moved[:, [1, 3]] - top) * down
    moved[:, :4] = moved[:, :4].clip(0, CROP_PX)
    widths, heights = moved[:, 2] - moved[:, 0], moved[:, 3] - moved[:, 1]
    is_left = widths * heights > _MIN_LEFT_FRACTION * whole
    return moved[is_left & (widths > _MIN_SIDE_PX) & (heights > _MIN_SIDE_PX)]


def turned(pixels: Rgb, boxes: Boxes, rng: np.random.Generator) -> tuple[Rgb, Boxes]:
    """One of the eight ways in which a square can lie: from above there is no upright."""
    quarters = int(rng.integers(4))
    pixels = np.rot90(pixels, quarters)
    for _ in range(quarters):
        left, top, right, bottom, label = boxes.T
        boxes = np.stack([top, CROP_PX - right, bottom, CROP_PX - left, label], 1)
    if rng.random() < 0.5:
        pixels = pixels[:, ::-1]
        left, top, right, bottom, label = boxes.T
        boxes = np.stack([CROP_PX - right, top, CROP_PX - left, bottom, label], 1)
    return np.ascontiguousarray(pixels), boxes


def recoloured(pixels: Rgb, rng: np.random.Generator) -> Rgb:
    """The crop through other air, light, optics and compression."""
    for step in (_blurred, _coarse, _toned, _greyed, _noisy, _compressed):
        pixels = step(pixels, rng)
    return pixels


def _blurred(pixels: Rgb, rng: np.random.Generator) -> Rgb:
    if rng.random() >= 0.12:
        return pixels
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.5, 1.6)), np.uint8)


def _coarse(pixels: Rgb, rng: np.random.Generator) -> Rgb:
    """Reduced and enlarged again, as providers do."""
    if rng.random() >= 0.12:
        return pixels
    share = rng.uniform(0.35, 0.8)
    small = cv2.resize(pixels, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (CROP_PX, CROP_PX), interpolation=cv2.INTER_CUBIC), np.uint8)


def _toned(pixels: Rgb, rng: np.random.Generator) -> Rgb:
    """Other gamma, contrast, brightness and tint; sometimes a veil of haze."""
    curve = np.arange(256, dtype=np.float32)[:, None].repeat(3, 1) / 255
    if rng.random() < 0.8:
        curve **= math.exp(rng.uniform(-0.45, 0.45))
        curve = (curve - 0.45) * math.exp(rng.uniform(-0.45, 0.4)) + 0.45 + rng.uniform(-0.15, 0.15)
        curve *= np.exp(rng.uniform(-0.15, 0.15, 3)).astype(np.float32)
    if rng.random() < 0.15:
        veil = rng.uniform(0.1, 0.45)
        curve = curve * (1 - veil) + veil * rng.uniform(0.6, 0.95)
    table = (curve * 255).clip(0, 255).astype(np.uint8)
    return np.stack([cv2.LUT(pixels[..., band], table[:, band]) for band in range(3)], -1).astype(np.uint8)


def _greyed(pixels: Rgb, rng: np.random.Generator) -> Rgb:
    if rng.random() >= 0.2:
        return pixels
    grey, share = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., None], rng.uniform(0.4, 1)
    return (pixels * (1 - share) + grey * share).astype(np.uint8)


def _noisy(pixels: Rgb, rng: np.random.Generator) -> Rgb:
    if rng.random() >= 0.2:
        return pixels
    noise = np.empty(pixels.shape, np.int16)
    # OpenCV's own generator: several times as fast.
    cv2.randn(noise, 0, rng.uniform(2, 12))  # type: ignore[call-overload]
    return np.asarray(np.clip(pixels.astype(np.int16) + noise, 0, 255), np.uint8)


def _compressed(pixels: Rgb, rng: np.random.Generator) -> Rgb:
    if rng.random() >= 0.2:
        return pixels
    quality = int(rng.integers(30, 90))
    coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
