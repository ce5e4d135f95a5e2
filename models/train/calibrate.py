"""From scores to chances: a scale and a bias of the logit for each label (Platt's scaling).

Fitted on candidates of the validation images, right or wrong at IoU 0.5, that came through edge.detect; a
score of 0.7 then means that seven of ten such boxes are right. The order of the scores stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.train.matching import Floats, Judged, calibration_error

# Candidates below this carry no more news, and there are very many of them.
MIN_SCORE = 0.1
# A scale of nothing, or a negative one, would turn the order of the scores round.
_MIN_SCALE = 0.1
_NEWTON_STEPS = 30


@dataclass(frozen=True, slots=True)
class Calibration:
    """chance = sigmoid(scale * logit(score) + bias)."""

    scale: float = 1.0
    bias: float = 0.0

    def __call__(self, scores: Floats) -> Floats:
        """(N,) scores -> (N,) chances."""
        return np.asarray(_sigmoid(self.scale * _logit(scores) + self.bias), np.float64)

    def of(self, judged: Sequence[Judged]) -> list[Judged]:
        """The same detections by their chances."""
        return [Judged(self(one.scores), one.is_right, one.n_true, one.area_km2) for one in judged]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A calibration and how far off the scores are: as they came, calibrated, calibrated on other images."""

    calibration: Calibration
    n_candidates: int
    error_before: float
    error_after: float
    error_elsewhere: float


def fitted(judged: Sequence[Judged]) -> Fitted:
    """The calibration from all images; what it would be worth elsewhere from two halves of them."""
    scores, is_right = _joined(judged)
    calibration = fit(judged)
    halves = judged[::2], judged[1::2]
    chances = [fit(other)(_joined(half)[0]) for half, other in zip(halves, halves[::-1], strict=True)]
    elsewhere = np.concatenate(chances), np.concatenate([_joined(half)[1] for half in halves])
    return Fitted(
        calibration,
        len(scores),
        calibration_error(scores, is_right),
        calibration_error(calibration(scores), is_right),
        calibration_error(*elsewhere),
    )


def fit(judged: Sequence[Judged]) -> Calibration:
    """Logistic regression of right on logit, by Newton's method.

    It is pulled a little towards leaving the scores alone, so that a handful of candidates does not decide.
    """
    scores, is_right = _joined(judged)
    inputs = np.stack([_logit(scores), np.ones_like(scores)], 1)
    unchanged = np.array([1.0, 0.0])
    weights = unchanged.copy()
    for _ in range(_NEWTON_STEPS):
        chance = _sigmoid(inputs @ weights)
        slope = inputs.T @ (chance - is_right) + (weights - unchanged)
        bend = (inputs * (chance * (1 - chance))[:, None]).T @ inputs + np.eye(2)
        weights = weights - np.linalg.solve(bend, slope)
    return Calibration(float(max(weights[0], _MIN_SCALE)), float(weights[1]))


def _joined(judged: Sequence[Judged]) -> tuple[Floats, np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]:
    return np.concatenate([one.scores for one in judged]), np.concatenate([one.is_right for one in judged])


def _logit(scores: Floats) -> Floats:
    inside = scores.clip(1e-6, 1 - 1e-6)
    return np.asarray(np.log(inside / (1 - inside)), np.float64)


def _sigmoid(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-logits)), np.float64)
