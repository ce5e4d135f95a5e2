"""Detections against the truth: which are right, the curve they make, how sure its area is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MIN_IOU = 0.5
N_RESAMPLES = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One label in one image.

    scores    (N,) of the detections
    is_right  (N,) bool
    n_true    how many objects there are
    area_km2  of the ground in the image
    """

    scores: Floats
    is_right: NDArray[np.bool_]
    n_true: int
    area_km2: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What a threshold gives."""

    threshold: float
    precision: float
    recall: float
    false_alarms_per_km2: float

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


@dataclass(frozen=True, slots=True)
class Matches:
    """Which detections are right, (N,) bool, and which objects were found, (M,) bool."""

    is_right: NDArray[np.bool_]
    is_found: NDArray[np.bool_]


def match(boxes: Floats, scores: Floats, truth: Floats) -> Matches:
    """Best score first, each takes the object it overlaps most; a second one on the same object is wrong.

    boxes (N, 4) and truth (M, 4): left top right bottom
    """
    is_right, is_found = np.zeros(len(boxes), np.bool_), np.zeros(len(truth), np.bool_)
    overlaps = iou(boxes, truth)
    for one in np.argsort(-scores, kind="stable") if len(truth) else ():
        best = int(overlaps[one].argmax())
        if overlaps[one, best] >= MIN_IOU and not is_found[best]:
            is_right[one] = is_found[best] = True
    return Matches(is_right, is_found)


def iou(some: Floats, others: Floats) -> Floats:
    """(N, 4) and (M, 4) boxes -> (N, M) intersection over union."""
    low = np.maximum(some[:, None, :2], others[None, :, :2])
    high = np.minimum(some[:, None, 2:], others[None, :, 2:])
    inner = np.prod((high - low).clip(0), axis=2)
    area, other_area = (np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (some, others))
    return np.asarray(inner / (area[:, None] + other_area - inner), np.float64)


def average_precision(judged: Sequence[Judged]) -> float:
    """Area under the interpolated precision-recall curve."""
    return float(_Ranked(judged).average_precision(np.ones(len(judged))))


def interval(judged: Sequence[Judged], seed: int = 0) -> tuple[float, float]:
    """Where the average precision of as many other images would lie nine times of ten (bootstrap)."""
    rng, ranked, n = np.random.default_rng(seed), _Ranked(judged), len(judged)
    draws = (np.bincount(rng.integers(n, size=n), minlength=n) for _ in range(N_RESAMPLES))
    low, high = np.nanquantile(
        [ranked.average_precision(times.astype(float)) for times in draws], (0.05, 0.95)
    )
    return float(low), float(high)


def at(judged: Sequence[Judged], threshold: float) -> Figures:
    """What a threshold gives over some images."""
    chosen = np.concatenate([one.is_right[one.scores >= threshold] for one in judged])
    n_right, n_true = int(chosen.sum()), sum(one.n_true for one in judged)
    return Figures(
        threshold,
        precision=n_right / max(len(chosen), 1),
        recall=n_right / max(n_true, 1),
        false_alarms_per_km2=(len(chosen) - n_right) / sum(one.area_km2 for one in judged),
    )


def best(judged: Sequence[Judged]) -> Figures:
    """The threshold of two decimals that gives the best F1, or a half where none finds anything.

    edge.detect keeps nothing below 0.1, so none is sought there.
    """
    found = max((at(judged, hundredth / 100) for hundredth in range(10, 100)), key=lambda one: one.f1)
    return found if found.f1 else at(judged, 0.5)


def calibration_error(scores: Floats, is_right: NDArray[np.bool_], n_bins: int = 10) -> float:
    """Mean distance of score and share of right ones, over bins of equal width, weighed by their number."""
    which = np.minimum((scores * n_bins).astype(int), n_bins - 1)
    sums = [np.bincount(which, weights, n_bins) for weights in (scores, is_right.astype(float))]
    return float(np.abs(sums[0] - sums[1]).sum() / max(len(scores), 1))


class _Ranked:
    """All detections of some images, best first."""

    def __init__(self, judged: Sequence[Judged]) -> None:
        scores = np.concatenate([one.scores for one in judged])
        order = np.argsort(-scores, kind="stable")
        self._image = np.repeat(np.arange(len(judged)), [len(one.scores) for one in judged])[order]
        self._is_right = np.concatenate([one.is_right for one in judged])[order]
        self._n_true = np.array([one.n_true for one in judged], float)

    def average_precision(self, times: Floats) -> float:
        """With each image taken so many times; NaN where no object is left."""
        n_true = float(self._n_true @ times)
        if not n_true:
            return float("nan")
        weight = times[self._image]
        right = np.cumsum(weight * self._is_right)
        precision = right / np.maximum(np.cumsum(weight), 1e-9)
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        return float((np.diff(right, prepend=0.0) * envelope).sum() / n_true)
