"""From a labelled image to a crop as the field may show it: any size, turn, light, blur and so on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from models.train.data import LABELS, Boxes, Item, Part
from models.train.rendered import a_light, cut_out, lay
from models.train.rotorcraft import a_helicopter
from models.train.targets import CROP_PX, label_mask, targets

Rgb = NDArray[np.uint8]
Example = tuple[Rgb, NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
"""pixels (H, W, 3); heat, sides, weight as targets() gives them; in each cell the labels that count."""

# The median object of a crop is brought to between these sizes: at the working 0.7 m an airliner has 60 to
# 110 px, a light aircraft 15; at 0.35 m a car has 13.
_OBJECT_PX = {
    "aircraft": (9.0, 190.0),
    "ship": (9.0, 190.0),
    "vehicle": (6.0, 45.0),
    "storage_tank": (8.0, 110.0),
}
_ENLARGEMENT = (0.2, 3.2)
# Of an image whose ground sample distance is known the crop gets one of these, in metres; a vehicle shorter
# than so many pixels is served at a finer one, and here neither taught nor denied.
_CROP_GSD_M = (0.3, 1.6)
_MIN_VEHICLE_PX = 7.0
# A ship of more pixels is left to a coarser look, in which it is shorter; half of the crops of long ones are.
_LARGEST_SHIP_PX = 150.0
_COARSE_GSD_M, _COARSE_FRACTION = (1.0, 2.2), 0.5
_GREY = (114, 114, 114)
# An object that the border cuts to less than this share of its box is no longer one.
_MIN_LEFT_FRACTION = 0.35
_MIN_SIDE_PX = 3
# A crop of which an image covers less than this share of each side would be mostly padding.
_MIN_COVERED_FRACTION = 0.45
_MOSAIC_FRACTION = 0.2
_ROTATED_FRACTION = 0.3
# Elongated things of which the box tells the heading: those along an axis.
_ALONG_AXIS = 2.2
_ROUNDISH = (LABELS.index("aircraft"), LABELS.index("storage_tank"), LABELS.index("helicopter"))
_SHIP, _VEHICLE = LABELS.index("ship"), LABELS.index("vehicle")
_HELICOPTER = LABELS.index("helicopter")
_HELICOPTER_FRACTION = 0.15
_PAVED = ("hrplanesv2", "aerial-airport")
_HELICOPTER_GSD_M = (0.3, 1.0)


class Examples(torch.utils.data.IterableDataset[Example]):
    """Crops without end, the same ones for the same seed."""

    def __init__(self, parts: Sequence[Part], seed: int | list[int], *, is_learnt: bool = True) -> None:
        """is_learnt=False: for validation, in their own colours, nothing laid onto them."""
        self._rng = np.random.default_rng(seed)
        self._parts = parts
        self._is_learnt = is_learnt
        shares = np.array([part.source.share for part in parts])
        self._shares = shares / shares.sum()
        weights = (np.array([item.weight for item in part.items]) for part in parts)
        self._weights = [weight / weight.sum() for weight in weights]

    def __iter__(self) -> Iterator[Example]:
        while True:
            part = self._rng.choice(len(self._parts), p=self._shares)
            yield self._example(part, self._item(part))

    def _item(self, part: int) -> Item:
        return self._parts[part].items[self._rng.choice(len(self._parts[part].items), p=self._weights[part])]

    def _example(self, part: int, item: Item) -> Example:
        rng, known = self._rng, item.known + item.absent
        if not self._is_learnt:
            pixels, boxes = turned(*cut(item, rng), rng)
            return _example_of(pixels, boxes, known)
        pixels, boxes = self._mosaic(part, item) if rng.random() < _MOSAIC_FRACTION else cut(item, rng)
        if self._parts[part].source.name in _PAVED and rng.random() < _HELICOPTER_FRACTION:
            pixels, boxes = with_helicopters(pixels, boxes, rng)
            known = (*known, _HELICOPTER)
        if item.is_to_scale and _has_tiny_vehicles(boxes):
            known, boxes = tuple(one for one in known if one != _VEHICLE), boxes[boxes[:, 4] != _VEHICLE]
        pixels, boxes = turned(pixels, boxes, rng)
        return _example_of(recoloured(pixels, rng), boxes, known)

    def _mosaic(self, part: int, first: Item) -> tuple[Rgb, Boxes]:
        """Four crops of half the size, of images that know the same labels."""
        half = CROP_PX // 2
        pixels = np.empty((CROP_PX, CROP_PX, 3), np.uint8)
        found, items = [], [first]
        while len(items) < 4:
            item = self._item(part)
            items.append(item if item.known == first.known else first)
        for index, item in enumerate(items):
            left, top = index % 2 * half, index // 2 * half
            pixels[top : top + half, left : left + half], boxes = cut(item, self._rng, half)
            found.append(boxes + np.array([left, top, left, top, 0], np.float32))
        return pixels, np.concatenate(found)


def _example_of(pixels: Rgb, boxes: Boxes, known: Sequence[int]) -> Example:
    """What the crop should say; of a ship too large for it neither that it is there nor that it is not."""
    is_large = (boxes[:, 4] == _SHIP) & ((boxes[:, 2:4] - boxes[:, :2]).max(1, initial=0) > _LARGEST_SHIP_PX)
    return pixels, *targets(boxes[~is_large]), label_mask(known, boxes[is_large])


def _has_tiny_vehicles(boxes: Boxes) -> bool:
    vehicles = boxes[boxes[:, 4] == _VEHICLE]
    sides = vehicles[:, 2:4] - vehicles[:, :2]
    return bool(len(vehicles)) and float(np.median(sides.max(1))) < _MIN_VEHICLE_PX


def with_helicopters(pixels: Rgb, boxes: Boxes, rng: np.random.Generator) -> tuple[Rgb, Boxes]:
    """One to four rendered helicopters under one sun, none of them on another object."""
    pixels, light, gsd_m = pixels.copy(), a_light(rng), rng.uniform(*_HELICOPTER_GSD_M)
    height, width = pixels.shape[:2]
    for _ in range(rng.integers(1, 5)):
        one = cut_out(a_helicopter(rng), rng.uniform(0, 360), light, gsd_m, rng)
        room = width - one.size[0], height - one.size[1]
        left, top = (int(rng.integers(0, max(1, side))) for side in room)
        a, b, c, d = one.box
        box = np.array([[a + left, b + top, c + left, d + top, _HELICOPTER]], np.float32)
        is_inside = a + left >= 0 and b + top >= 0 and c + left <= width and d + top <= height
        if is_inside and not _overlapping(box, boxes).any():
            lay(pixels, one, left, top)
            boxes = np.concatenate([boxes, box])
    return pixels, boxes


def _overlapping(box: Boxes, others: Boxes) -> NDArray[np.bool_]:
    beside = (others[:, 0] > box[0, 2]) | (others[:, 2] < box[0, 0])
    return np.asarray(~(beside | (others[:, 1] > box[0, 3]) | (others[:, 3] < box[0, 1])), np.bool_)


def cut(item: Item, rng: np.random.Generator, size_px: int = CROP_PX) -> tuple[Rgb, Boxes]:
    """A square of the image, enlarged or reduced, some turned freely; four of five hold a random object."""
    height, width = item.pixels.shape[:2]
    least = _MIN_COVERED_FRACTION * size_px / min(height, width)
    scale = _scale_to(item, rng, least) if item.is_to_scale else _scale(item.boxes, rng, least)
    x, y = _middle(item, size_px / scale, rng)
    aspect = math.exp(rng.uniform(-0.12, 0.12))
    across, down = scale * aspect, scale / aspect
    left, top = _start(x, size_px / across, width), _start(y, size_px / down, height)
    matrix = np.array([[across, 0, -left * across], [0, down, -top * down]], np.float64)
    boxes = _moved(item.boxes, matrix)
    if rng.random() < _ROTATED_FRACTION and _may_turn(boxes[_meets(boxes, size_px)]):
        angle = rng.uniform(-45, 45)
        turn = np.asarray(cv2.getRotationMatrix2D((size_px / 2, size_px / 2), angle, 1.0), np.float64)
        matrix = turn @ np.vstack([matrix, [0, 0, 1]])
        boxes = _rotated(boxes, turn)
    # A reduced image is blurred first, or its finest detail would turn into noise.
    source = cv2.GaussianBlur(item.pixels, (0, 0), 0.45 / scale) if scale < 0.7 else item.pixels
    pixels = cv2.warpAffine(source, matrix, (size_px, size_px), borderValue=_GREY)
    return np.asarray(pixels, np.uint8), _clipped(boxes, size_px)


def _scale(boxes: Boxes, rng: np.random.Generator, least: float) -> float:
    sizes = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) if len(boxes) else [40.0]
    median = float(np.median(sizes))
    smallest, largest = _OBJECT_PX[LABELS[int(boxes[0, 4])] if len(boxes) else "aircraft"]
    low = max(_ENLARGEMENT[0], smallest / median, least)
    high = max(low, min(_ENLARGEMENT[1], largest / median))
    scale = math.exp(rng.uniform(math.log(low), math.log(max(high, low * 1.05))))
    if rng.random() < 0.35:  # about as it is
        scale = min(max(math.exp(rng.normal(0, 0.2)), low), high)
    return scale


def _scale_to(item: Item, rng: np.random.Generator, least: float) -> float:
    is_coarse = item.has_long_ships and rng.random() < _COARSE_FRACTION
    low, high = (math.log(one) for one in (_COARSE_GSD_M if is_coarse else _CROP_GSD_M))
    return max(item.gsd_m / math.exp(rng.uniform(low, high)), least)


def _middle(item: Item, side: float, rng: np.random.Generator) -> tuple[float, float]:
    if len(item.boxes) and rng.random() < 0.8:
        # A rare label in a crowd of another is drawn as often.
        label = rng.choice(np.unique(item.boxes[:, 4]))
        same = item.boxes[item.boxes[:, 4] == label]
        left, top, right, bottom, _ = same[rng.integers(len(same))]
        x = (left + right) / 2 + rng.uniform(-0.4, 0.4) * side
        return x, (top + bottom) / 2 + rng.uniform(-0.4, 0.4) * side
    height, width = item.pixels.shape[:2]
    x = rng.uniform(0, width)
    return x, rng.uniform(0, height)


def _start(middle: float, side: float, length: int) -> float:
    """Where the crop starts along an axis: within the image, or around it where it is smaller."""
    start: float = np.clip(middle - side / 2, min(0, length - side), max(0, length - side))
    return start


def _moved(boxes: Boxes, matrix: NDArray[np.float64]) -> Boxes:
    moved = boxes.copy()
    moved[:, [0, 2]] = boxes[:, [0, 2]] * matrix[0, 0] + matrix[0, 2]
    moved[:, [1, 3]] = boxes[:, [1, 3]] * matrix[1, 1] + matrix[1, 2]
    return moved


def _meets(boxes: Boxes, size_px: int) -> NDArray[np.bool_]:
    """Which may be in the crop, however it is turned."""
    reach = 0.25 * size_px
    after = (boxes[:, 2] > -reach) & (boxes[:, 3] > -reach)
    return np.asarray(after & (boxes[:, 0] < size_px + reach) & (boxes[:, 1] < size_px + reach), np.bool_)


def _may_turn(boxes: Boxes) -> bool:
    """Whether the boxes of the turned objects would be known: a ship's that lies askew is not."""
    sides = (boxes[:, 2:4] - boxes[:, :2]).clip(1e-3)
    aspect = sides.max(1) / sides.min(1)
    return bool((np.isin(boxes[:, 4], _ROUNDISH) | (aspect > _ALONG_AXIS)).all())


def _rotated(boxes: Boxes, turn: NDArray[np.float64]) -> Boxes:
    """Boxes around the turned objects: of round and crossed ones as of an ellipse, of long ones exactly."""
    middles = (boxes[:, :2] + boxes[:, 2:4]) / 2 @ turn[:, :2].T + turn[:, 2]
    half, c, s = (boxes[:, 2:4] - boxes[:, :2]) / 2, abs(turn[0, 0]), abs(turn[0, 1])
    parts = half @ np.array([[c, s], [s, c]])
    ellipse = np.sqrt(half**2 @ np.array([[c * c, s * s], [s * s, c * c]]))
    reach = np.where(np.isin(boxes[:, 4], _ROUNDISH)[:, None], ellipse, parts)
    return np.column_stack([middles - reach, middles + reach, boxes[:, 4]]).astype(np.float32)


def _clipped(boxes: Boxes, size_px: int) -> Boxes:
    whole = np.maximum((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), 1e-6)
    inside = boxes.copy()
    inside[:, :4] = boxes[:, :4].clip(0, size_px)
    widths, heights = inside[:, 2] - inside[:, 0], inside[:, 3] - inside[:, 1]
    is_left = widths * heights > _MIN_LEFT_FRACTION * whole
    return inside[is_left & (widths > _MIN_SIDE_PX) & (heights > _MIN_SIDE_PX)]


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
