"""Pairs to learn from: real ones years apart and single images seen twice, with objects laid onto them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from models.train.change.data import UNSURE, Ground, Pair, Place
from models.train.change.looks import Plane, bent, looked_at, pointed, tone_of
from models.train.change.staging import Model, Placed, Stage, models

SIZE_PX = 256
N_MODELS = 1200
_MARGIN_PX = 6
# Of what is shown: pairs years apart, rendered places; the rest are single images seen twice.
_REAL_FRACTION, _PLACE_FRACTION = 0.4, 0.25
# Most of a place is empty ground.
_BUSY_FRACTION = 0.75
_STAGED_FRACTION = 0.85
# Bits of a layer that says what is known of a pixel of a real pair.
_CHANGED, _UNSURE = 1, 2
_TRANSPLANTED_FRACTION = 0.35
_BENT_FRACTION = 0.4
_MAX_SHIFT_PX = 3.0

_Kind = TypeVar("_Kind", bound=np.generic)

Example = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]
"""before, after (H, W, 3); changed, weight (H, W)."""


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A pair as it is shown to the network, and the objects laid onto it that changed.

    placed  in the order of their numbers in owner
    owner   (H, W) uint16, the object that a changed pixel belongs to, from 1; 0 for none
    """

    before: NDArray[np.uint8]
    after: NDArray[np.uint8]
    changed: NDArray[np.uint8]
    weight: NDArray[np.float32]
    placed: tuple[Placed, ...]
    owner: NDArray[np.uint16]


class Pairs(torch.utils.data.IterableDataset[Example]):
    """Pairs without end, the same ones for the same seed."""

    def __init__(
        self,
        real: Sequence[Pair],
        single: Sequence[Ground],
        seed: int | list[int],
        places: Sequence[Place] = (),
        *,
        n_models: int = N_MODELS,
    ) -> None:
        self._rng = np.random.default_rng(seed)
        self._real, self._single, self._places = real, single, places
        self._n_models = n_models
        self._stock: list[Model] = []
        # Two of three real pairs show no change; those that do are drawn as often.
        n_changed = sum(bool(pair.changed.any()) for pair in real)
        share = 0.5 / max(n_changed, 1), 0.5 / max(len(real) - n_changed, 1)
        chances = np.array([share[0] if pair.changed.any() else share[1] for pair in real])
        self._chances = chances / chances.sum()
        self._built = [pair for pair in real if pair.changed.any()]
        self._tones = [tone_of(pair.before) for pair in real] + [tone_of(ground.pixels) for ground in single]

    def __iter__(self) -> Iterator[Example]:
        while True:
            made = self.made()
            yield made.before, made.after, made.changed.astype(np.float32), made.weight

    def made(self) -> Made:
        """The next pair."""
        rng = self._rng
        # Made by the process that uses it, and the same for the same seed.
        self._stock = self._stock or models(self._n_models, 0)
        kind = rng.random()
        if self._places and kind > 1 - _PLACE_FRACTION:
            return _seen(self._place_stage(), self._tones, rng)
        is_real = kind < _REAL_FRACTION
        stage, boxes = self._real_stage() if is_real else self._single_stage()
        if not is_real and len(boxes) and rng.random() < 0.5:
            stage.take_away(boxes, rng)
        if self._built and rng.random() < _TRANSPLANTED_FRACTION:
            donor = self._built[rng.integers(len(self._built))]
            _, pixels, mask = _window_of(donor, rng)
            stage.transplant(pixels, np.asarray(mask & _CHANGED, np.uint8), rng)
        if rng.random() < _STAGED_FRACTION:
            stage.populate(self._stock, rng, int(rng.integers(0, 4)), int(rng.integers(0, 5)))
        return _seen(stage, self._tones, rng)

    def _real_stage(self) -> tuple[Stage, NDArray[np.float32]]:
        rng = self._rng
        before, after, mask = _window_of(self._real[rng.choice(len(self._real), p=self._chances)], rng)
        stage = Stage(before, after, (mask & _CHANGED) > 0)
        stage.weight[(mask & _UNSURE) > 0] = 0
        return stage, np.zeros((0, 5), np.float32)

    def _place_stage(self) -> Stage:
        rng, side = self._rng, SIZE_PX + 2 * _MARGIN_PX
        place = self._places[int(rng.integers(len(self._places)))]
        room = np.array(place.owner.shape) - side
        corner = rng.integers(0, room + 1)
        if len(place.areas) and rng.random() < _BUSY_FRACTION:
            # By its root, or cars would be all that is shown.
            roots = np.sqrt(place.areas)
            middle = place.middles[rng.choice(len(roots), p=roots / roots.sum())]
            corner = np.asarray(middle - rng.uniform(0.1, 0.9, 2) * side, np.int64)
        top, left = (int(one) for one in np.clip(corner, 0, room))
        here = slice(top, top + side), slice(left, left + side)
        owner = place.owner[here]
        stage = Stage(place.before[here], place.after[here], (owner > 0) & (owner < UNSURE))
        stage.weigh(owner)
        return stage

    def _single_stage(self) -> tuple[Stage, NDArray[np.float32]]:
        rng = self._rng
        ground = self._single[int(rng.integers(len(self._single)))]
        side = SIZE_PX + 2 * _MARGIN_PX
        least = side / min(ground.pixels.shape[:2])
        scale = max(least, math.exp(rng.uniform(-0.7, 0.5)))
        height, width = (round(length * scale) for length in ground.pixels.shape[:2])
        x, y = rng.integers(0, width - side + 1), rng.integers(0, height - side + 1)
        matrix = np.array([[scale, 0, -x], [0, scale, -y]], np.float64)
        source = cv2.GaussianBlur(ground.pixels, (0, 0), 0.45 / scale) if scale < 0.7 else ground.pixels
        pixels = np.asarray(
            cv2.warpAffine(source, matrix, (side, side), borderMode=cv2.BORDER_REFLECT), np.uint8
        )
        boxes = ground.boxes * np.array([scale, scale, scale, scale, 1], np.float32)
        boxes -= np.array([x, y, x, y, 0], np.float32)
        boxes = boxes[(boxes[:, :2].min(1) > 4) & (boxes[:, 2:4].max(1) < side - 4)]
        nothing = np.zeros((side, side), np.bool_)
        return Stage(pixels, pixels, nothing), boxes


def _window_of(
    pair: Pair, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Both looks of a square of a pair at another scale, and what is known of its pixels."""
    known = np.where(pair.changed, _CHANGED, 0) | np.where(pair.unsure, _UNSURE, 0)
    layers = np.dstack([pair.before, pair.after, known.astype(np.uint8)])
    scale = math.exp(rng.uniform(-0.25, 0.45)) if rng.random() < 0.6 else 1.0
    layers = _window(layers, scale, rng)
    return tuple(np.ascontiguousarray(layers[..., part]) for part in (slice(3), slice(3, 6), 6))  # type: ignore[return-value]


def _window(layers: NDArray[np.uint8], scale: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A square of some layers, enlarged or reduced."""
    side, length = SIZE_PX + 2 * _MARGIN_PX, layers.shape[0]
    scale = max(scale, side / length)
    spare = length * scale - side
    x, y = rng.uniform(0, spare + 1e-6, 2)
    matrix = np.array([[scale, 0, -x], [0, scale, -y]], np.float64)
    images = cv2.warpAffine(layers[..., :4], matrix, (side, side), borderMode=cv2.BORDER_REFLECT)
    rest = cv2.warpAffine(
        np.ascontiguousarray(layers[..., 4:6]), matrix, (side, side), borderMode=cv2.BORDER_REFLECT
    )
    mask = cv2.warpAffine(
        np.ascontiguousarray(layers[..., 6]),
        matrix,
        (side, side),
        flags=cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_REFLECT,
    )
    return np.dstack([images, rest, mask]).astype(np.uint8)


def _seen(stage: Stage, tones: Sequence[Plane], rng: np.random.Generator) -> Made:
    """Each look through its own air, the first a little beside its place; turned, mirrored and swapped."""
    before = pointed(stage.before, rng, _MAX_SHIFT_PX)
    before = looked_at(bent(before, rng) if rng.random() < _BENT_FRACTION else before, tones, rng)
    after = looked_at(stage.after, tones, rng)
    if rng.random() < 0.5:
        before, after = after, before
    inner = slice(_MARGIN_PX, -_MARGIN_PX)
    quarters, is_mirrored = int(rng.integers(4)), rng.random() < 0.5

    def turned(layer: NDArray[_Kind]) -> NDArray[_Kind]:
        inside = np.rot90(layer[inner, inner], quarters)
        return np.ascontiguousarray(inside[:, ::-1] if is_mirrored else inside)

    return Made(
        turned(before),
        turned(after),
        turned(stage.changed),
        turned(stage.weight),
        tuple(stage.placed),
        turned(stage.owner),
    )
