"""A place where objects come and go, seen by a detector that misses and invents: the truth is known.

The detector's scores are calibrated: of the detections of score s a share of s is right. Objects differ in
how easily they are found, and nobody tells the inventory which ones are hard.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from edge.geo import PixelBox
from edge.monitor import count
from edge.monitor.coverage import Sight
from edge.monitor.inventory import Recall
from edge.monitor.track import Sighting
from tests.monitor.scenes import SIDE_PX, Watch, day, make_sight, seen

# Stands on a grid, wide enough apart that no two objects share ground.
PITCH_PX = 64
N_STANDS = (SIDE_PX // PITCH_PX - 1) ** 2
OBJECT_PX = 40.0
_POOL = 20_000


@dataclass(frozen=True, slots=True)
class Detector:
    """recall: mean chance that an object is found; concentration: how alike the objects are in that."""

    recall: float = 0.88
    concentration: float = 12.0


def calibrated(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores of right and of wrong detections of a calibrated detector that says nothing below a quarter."""
    scores = 0.25 + 0.75 * rng.beta(4.0, 0.7, _POOL)
    right = rng.random(_POOL) < scores
    return scores[right], scores[~right]


class Crowd:
    """Objects on stands: each leaves with a chance a day, new ones come so that the mean stays."""

    def __init__(
        self,
        seed: int,
        *,
        mean: float,
        leaves_per_day: float = 0.3,
        detector: Detector | None = None,
    ) -> None:
        """Begin in balance."""
        self.rng = np.random.default_rng(seed)
        self.detector = detector or Detector()
        self.leaves_per_day = leaves_per_day
        self.mean = mean
        self.right, self.wrong = calibrated(self.rng)
        self.stands: dict[int, float] = {}
        self._come(int(self.rng.poisson(mean)))

    def pass_days(self, days: float) -> None:
        """Some leave, some come."""
        stay = math.exp(-self.leaves_per_day * days)
        self.stands = {stand: ease for stand, ease in self.stands.items() if self.rng.random() < stay}
        self._come(int(self.rng.poisson(self.mean * (1.0 - stay))))

    def _come(self, n: int) -> None:
        free = [stand for stand in range(N_STANDS) if stand not in self.stands]
        recall, alike = self.detector.recall, self.detector.concentration
        for stand in self.rng.permutation(free)[:n]:
            self.stands[int(stand)] = float(self.rng.beta(recall * alike, (1.0 - recall) * alike))

    def look(self, at: datetime, hidden: PixelBox | None = None) -> tuple[Sight, list[Sighting]]:
        """What a look shows: the sight, and the detections on ground that is not hidden."""

        sight = make_sight(at, hidden=hidden)
        found = {stand: ease for stand, ease in self.stands.items() if self.rng.random() < ease}
        scores = self.rng.choice(self.right, len(found))
        shown = [
            seen(sight, *place(stand), score=float(score), side_px=OBJECT_PX)
            for stand, score in zip(found, scores, strict=True)
        ]
        share = len(self.wrong) / len(self.right)
        n_wrong = int(self.rng.poisson(share * self.detector.recall * max(self.mean, 1.0)))
        for x, y in self.rng.uniform(40, SIDE_PX - 40, (n_wrong, 2)):
            shown.append(seen(sight, float(x), float(y), score=self._score(self.wrong), side_px=OBJECT_PX))
        return sight, [one for one in shown if sight.look.sees(one.pixels) >= 0.95]

    def _score(self, pool: NDArray[np.float64]) -> float:
        return float(self.rng.choice(pool))


def place(stand: int) -> tuple[float, float]:
    """x, y of a stand on the tile."""
    per_row = SIDE_PX // PITCH_PX - 1
    return PITCH_PX * (stand % per_row + 1.0), PITCH_PX * (stand // per_row + 1.0)


@dataclass(frozen=True, slots=True)
class Tally:
    """How well the counts of some looks held the truth.

    held_fraction  share of looks whose interval held it; width: mean of high - low
    """

    held_fraction: float
    width: float

    @classmethod
    def of(
        cls,
        crowd: Crowd,
        *,
        n_looks: int,
        every_days: float = 1.0,
        hidden: Sequence[PixelBox | None] = (None,),
    ) -> Tally:
        """Count a crowd over some looks but the first; the ground that is hidden takes turns."""
        watch, recall = Watch(), crowd.detector.recall
        held, widths = [], []
        for n in range(n_looks):
            at = day(1.0 + n * every_days)
            watch.show(*crowd.look(at, hidden[n % len(hidden)]), recall=Recall({"aircraft": recall}))
            unfound = count.unfound_fraction(
                watch.coverage, None, at, recall=recall, every_days=every_days, settings=watch.settings
            )
            told = count.counted(watch.inventory.tracks, at, unfound=unfound, settings=watch.settings)
            held.append(told.low <= len(crowd.stands) <= told.high)
            widths.append(told.high - told.low)
            crowd.pass_days(every_days)
        return cls(float(np.mean(held[1:])), float(np.mean(widths[1:])))
