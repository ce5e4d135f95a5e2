"""What changed between two looks at the same ground: a score for each pixel, and the regions it makes. Pure.

The looks lie on each other already. The change model sees windows of both at its own ground sample distance;
only the windows that somebody asks about are run.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import cv2
import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from edge.acquire.tile import Mask, Rgb
from edge.detect.manifest import ChangeModel, ChangeScore
from edge.detect.windows import Window, crop, filled, has_any, windows
from edge.geo import PixelBox

EarlierPart = Callable[[slice, slice], Rgb]
"""Rows and columns of the later image -> (h, w, 3) uint8, what the earlier one shows there."""

# What a window is turned by for each view: not at all, upside down, mirrored, and both. Strides and padding
# favour one corner, so half a turn tells most that is new.
_VIEWS = ((1, 1), (-1, -1), (1, -1), (-1, 1))
# Of a box, the share of each side that is looked at: the rim of a box is ground.
_CORE = 0.8


class ChangeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How scores become regions."""

    # Score from which a pixel counts as changed; None: the threshold of the model's manifest.
    min_score: Annotated[float, Meta(gt=0, le=1)] | None = None
    # Regions with less ground are left out, in square metres: a small car has 7.
    min_area_m2: Annotated[float, Meta(ge=0)] = 4.0
    # Regions without a pixel of this score are left out: it keeps faint, wide differences of season out and
    # leaves the rims of real changes. Of the false regions that change-5 shows on held-out pairs from 0.9 on
    # a half have one of 0.95, which costs 0.013 of the F1 of levir-val, and a tenth one of 0.98.
    min_peak: Annotated[float, Meta(ge=0, le=1)] = 0.95
    # Of how many views of a window, turned and mirrored, the score is the mean; each costs as much again.
    n_views: Annotated[int, Meta(ge=1, le=4)] = 2


@dataclass(frozen=True, slots=True)
class ChangeRegion:
    """Ground that came, went or was altered, as one piece.

    box    in pixels of the later image
    score  mean over its pixels, in [0, 1]
    """

    box: PixelBox
    score: float
    area_m2: float


class Comparison:
    """Two looks at the same ground, compared where it is asked for, each window once."""

    def __init__(
        self,
        before: Rgb | EarlierPart,
        after: Rgb,
        gsd_m: float | None,
        *,
        model: ChangeModel,
        comparable: Mask | None = None,
        n_views: int = 1,
    ) -> None:
        """Nothing is run yet.

        before, after  (H, W, 3) uint8 RGB, on each other; before may be made part by part, as it is asked for
        gsd_m          metres per pixel; finer images are reduced to the model's, None: used as they are
        comparable     (H, W) bool, False where a look does not show the ground: there nothing changed
        n_views        of how many views of a window, turned and mirrored, the score is the mean: 1 to 4
        """
        if not callable(before) and before.shape != after.shape:
            raise ValueError(f"expected two images of one size, got {before.shape} and {after.shape}")
        working = model.manifest.gsd_m.working
        share = 1.0 if gsd_m is None or gsd_m >= working else gsd_m / working
        self._size_px = after.shape[1], after.shape[0]
        self._before, self._after = _parts(before, share, after.shape), _reduced(after, share)
        self._comparable = comparable
        self._model, self._views = model, _VIEWS[:n_views]
        height, width = self._after.shape[:2]
        wanted = model.manifest.input
        self._windows = windows(width, height, (wanted.width, wanted.height), model.manifest.max_object_px)
        self._scores: dict[int, ChangeScore] = {}

    def score_of(self, box: PixelBox) -> float:
        """How surely what a box of the later image holds has changed: the mean of its core, in [0, 1]."""
        core = self._core(box)
        index = self._owner(core)
        window = self._windows[index]
        score = self._score(index)
        rows = _within(core.top, core.bottom, window.rows.start, score.shape[0])
        columns = _within(core.left, core.right, window.columns.start, score.shape[1])
        part = score[rows, columns]
        return float(part.mean()) if part.size else 0.0

    def score_map(self) -> ChangeScore:
        """(H, W) float32 in [0, 1] over the later image; 0 where the looks cannot be compared."""
        height, width = self._after.shape[:2]
        whole = np.zeros((height, width), np.float32)
        for index, window in enumerate(self._windows):
            if self._comparable is not None and not has_any(self._comparable, window, width, height):
                continue
            rows, columns = (
                _owned(window.rows.own_start, window.rows.own_stop),
                _owned(window.columns.own_start, window.columns.own_stop),
            )
            score = self._score(index)
            top, left = window.rows.start, window.columns.start
            whole[rows, columns] = score[
                rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
            ]
        full = cv2.resize(whole, self._size_px, interpolation=cv2.INTER_LINEAR)
        if self._comparable is not None:
            full[~self._comparable] = 0.0
        return np.asarray(full, np.float32)

    def _core(self, box: PixelBox) -> PixelBox:
        """The middle of a box, in pixels of the reduced image, at least one of them."""
        across = self._after.shape[1] / self._size_px[0]
        down = self._after.shape[0] / self._size_px[1]
        x, y = (box.left + box.right) / 2 * across, (box.top + box.bottom) / 2 * down
        half_x = max((box.right - box.left) * across * _CORE, 1.0) / 2
        half_y = max((box.bottom - box.top) * down * _CORE, 1.0) / 2
        return PixelBox(x - half_x, y - half_y, x + half_x, y + half_y)

    def _owner(self, core: PixelBox) -> int:
        """The window whose own ground holds the middle, or the nearest."""
        x, y = core.centre

        def beyond(window: Window) -> float:
            return max(window.columns.own_start - x, x - window.columns.own_stop, 0.0) + max(
                window.rows.own_start - y, y - window.rows.own_stop, 0.0
            )

        return min(range(len(self._windows)), key=lambda index: beyond(self._windows[index]))

    def _score(self, index: int) -> ChangeScore:
        if index not in self._scores:
            window = self._windows[index]
            inside = window.inside(self._after.shape[1], self._after.shape[0])
            before = filled(self._before(*inside), window)
            self._scores[index] = self._seen(before, crop(self._after, window))
        return self._scores[index]

    def _seen(self, before: Rgb, after: Rgb) -> ChangeScore:
        """The mean of all views, each turned back."""
        scores = [
            self._model.infer(*(np.ascontiguousarray(look[::down, ::across]) for look in (before, after)))[
                ::down, ::across
            ]
            for down, across in self._views
        ]
        return np.asarray(np.mean(scores, axis=0, dtype=np.float32) if len(scores) > 1 else scores[0])


def changed(score: ChangeScore, *, model: ChangeModel, settings: ChangeSettings, gsd_m: float) -> Mask:
    """(H, W) bool: pixels of regions that are large and sure enough."""
    mask, kept, _ = _labelled(score, _level(model, settings), settings, gsd_m)
    return np.asarray(np.isin(mask, list(kept)), np.bool_)


def regions(
    score: ChangeScore, *, model: ChangeModel, settings: ChangeSettings, gsd_m: float
) -> list[ChangeRegion]:
    """The regions of a score map, the largest first.

    score  (H, W) float32 in [0, 1]
    gsd_m  metres per pixel of the map
    """
    mask, kept, stats = _labelled(score, _level(model, settings), settings, gsd_m)
    found = []
    for index in kept:
        left, top, width, height, area = (int(v) for v in stats[index])
        inside = mask[top : top + height, left : left + width] == index
        mean = float(score[top : top + height, left : left + width][inside].mean())
        box = PixelBox(float(left), float(top), float(left + width), float(top + height))
        found.append(ChangeRegion(box, mean, area * gsd_m**2))
    return sorted(found, key=lambda region: (-region.area_m2, region.box.top, region.box.left))


def _level(model: ChangeModel, settings: ChangeSettings) -> float:
    return (
        model.manifest.thresholds[model.manifest.labels[0]]
        if settings.min_score is None
        else settings.min_score
    )


def _labelled(
    score: ChangeScore, level: float, settings: ChangeSettings, gsd_m: float
) -> tuple[NDArray[np.int32], tuple[int, ...], NDArray[np.int32]]:
    """Index of the region of each pixel, the indices that are kept, and the statistics of all (OpenCV's)."""
    _, found, stats, _ = cv2.connectedComponentsWithStats((score >= level).astype(np.uint8), connectivity=8)
    labels = np.asarray(found, np.int32)
    is_kept = stats[:, cv2.CC_STAT_AREA] * gsd_m**2 >= settings.min_area_m2
    if settings.min_peak > level:
        peaks = np.zeros(len(stats), np.float32)
        np.maximum.at(peaks, labels.ravel(), score.ravel())
        is_kept &= peaks >= settings.min_peak
    kept = tuple(int(index) for index in np.flatnonzero(is_kept) if index != 0)
    return labels, kept, np.asarray(stats, np.int32)


def _parts(before: Rgb | EarlierPart, share: float, shape: tuple[int, ...]) -> EarlierPart:
    """The earlier image in the pixels of the reduced later one; it is made as a whole to be reduced."""
    if callable(before) and share >= 1:
        return before
    whole = before(slice(0, shape[0]), slice(0, shape[1])) if callable(before) else before
    reduced = _reduced(whole, share)
    return lambda rows, columns: reduced[rows, columns]


def _reduced(pixels: Rgb, share: float) -> Rgb:
    if share >= 1:
        return pixels
    width, height = (max(1, round(side * share)) for side in pixels.shape[1::-1])
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _owned(start: float, stop: float) -> slice:
    """The pixels of a span's own ground; where two spans meet within a pixel the later one has it."""
    return slice(math.floor(start), math.ceil(stop))


def _within(low: float, high: float, start: int, length: int) -> slice:
    """A part of a window's pixels, at least one of them."""
    first = min(max(0, math.floor(low) - start), length - 1)
    return slice(first, max(first + 1, min(length, math.ceil(high) - start)))
