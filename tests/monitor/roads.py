"""A road with traffic, columns, queues and car parks, seen by a detector that misses and invents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.geo import LngLat, Zone, ZoneKind, moved_by
from edge.monitor.column import Past, Road, Vehicle, find_column

LENGTH_M = 1500.0
ROAD = Zone(
    "gate-road",
    ZoneKind.ROAD,
    line=(LngLat(27.0, 17.0), moved_by(LngLat(27.0, 17.0), 900.0, 1200.0)),
    width_m=20.0,
)
LANE_M = 2.5
NEGATIVES = ("free traffic", "bunched traffic", "queue", "parked along", "car park", "empty")


@dataclass(frozen=True, slots=True)
class Truth:
    """Vehicles on the road: along and aside in metres, and how fast each drives along the line."""

    along_m: NDArray[np.float64]
    aside_m: NDArray[np.float64]
    m_per_s: NDArray[np.float64]

    def after(self, seconds: float) -> Truth:
        """The same vehicles later, those that are still on the road."""
        along = self.along_m + self.m_per_s * seconds
        on = (along >= 0) & (along <= LENGTH_M)
        return Truth(along[on], self.aside_m[on], self.m_per_s[on])

    def __add__(self, other: Truth) -> Truth:
        pairs = ((self.along_m, other.along_m), (self.aside_m, other.aside_m), (self.m_per_s, other.m_per_s))
        return Truth(*(np.concatenate(pair) for pair in pairs))


class Roadside:
    """Makes roads and looks at them."""

    def __init__(self, seed: int, *, recall: float = 0.85, n_wrong: float = 1.0) -> None:
        self.rng = np.random.default_rng(seed)
        self.recall = recall
        self.n_wrong = n_wrong

    def scene(self, kind: str) -> Truth:
        """A road with what the kind says, among a little traffic."""
        makers = {
            "column": lambda: self._column() + self._traffic(4.0),
            "free traffic": lambda: self._traffic(14.0),
            "bunched traffic": lambda: self._bunch() + self._traffic(4.0),
            "queue": lambda: self._row(self._some(6, 25), self.rng.uniform(6.5, 8.0), LANE_M, 0.12),
            "parked along": lambda: self._parked() + self._traffic(4.0),
            "car park": lambda: self._rows() + self._traffic(4.0),
            "empty": lambda: self._traffic(0.0),
        }
        return makers[kind]()

    def _some(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high))

    def _parked(self) -> Truth:
        """A row along the kerb with gaps."""
        row = self._row(self._some(10, 30), self.rng.uniform(5.8, 6.6), 8.0, 0.04)
        keep = self.rng.random(len(row.along_m)) < self.rng.uniform(0.5, 1.0)
        return Truth(row.along_m[keep], row.aside_m[keep], row.m_per_s[keep])

    def _rows(self) -> Truth:
        """A car park beside the road."""
        return self._row(self._some(8, 20), 2.6, 4.0, 0.03) + self._row(self._some(8, 20), 2.6, 9.5, 0.03)

    def _column(self) -> Truth:
        n, spacing = int(self.rng.integers(6, 21)), self.rng.uniform(15.0, 60.0)
        gaps = spacing * np.clip(self.rng.normal(1.0, 0.15, n - 1), 0.6, 1.5)
        along = np.concatenate([[0.0], np.cumsum(gaps)])
        along = along[along < LENGTH_M - 100.0]
        along += self.rng.uniform(0.0, LENGTH_M - along[-1])
        way = 1.0 if self.rng.random() < 0.5 else -1.0
        speed = way * self.rng.uniform(6.0, 16.0)
        return Truth(along, np.full(len(along), -way * LANE_M), np.full(len(along), speed))

    def _traffic(self, mean: float) -> Truth:
        n = int(self.rng.poisson(mean))
        way = self.rng.choice([-1.0, 1.0], n)
        return Truth(self.rng.uniform(0, LENGTH_M, n), -way * LANE_M, way * self.rng.normal(15.0, 3.0, n))

    def _bunch(self) -> Truth:
        """Behind a slow lorry, or released by a light: single gaps as they come."""
        n = int(self.rng.integers(5, 12))
        gaps = np.maximum(8.0, self.rng.gamma(1.5, self.rng.uniform(12.0, 25.0), n - 1))
        along = self.rng.uniform(0, 700.0) + np.concatenate([[0.0], np.cumsum(gaps)])
        along = along[along < LENGTH_M]
        return Truth(along, np.full(len(along), -LANE_M), self.rng.normal(12.0, 1.5, len(along)))

    def _row(self, n: int, spacing: float, aside: float, jitter: float) -> Truth:
        along = self.rng.uniform(0, 900.0) + spacing * (np.arange(n) + self.rng.normal(0, jitter, n))
        return Truth(along, np.full(n, aside), np.zeros(n))

    def detections(self, truth: Truth) -> Truth:
        """What a look shows: some are missed, places are a little off, some are invented."""
        found = self.rng.random(len(truth.along_m)) < self.recall
        n, n_wrong = int(found.sum()), int(self.rng.poisson(self.n_wrong))
        wrong = Truth(
            self.rng.uniform(0, LENGTH_M, n_wrong), self.rng.uniform(-9, 9, n_wrong), np.zeros(n_wrong)
        )
        off = self.rng.normal(0, 0.6, (2, n))
        return (
            Truth(truth.along_m[found] + off[0], truth.aside_m[found] + off[1], truth.m_per_s[found]) + wrong
        )

    def vehicles(self, shown: Truth, earlier: Truth | None = None) -> list[Vehicle]:
        """The detections as the inventory hands them on; earlier: the detections of the look before."""
        return [
            Vehicle(
                f"v{n}", float(along), float(aside), float(self.rng.normal(5.0, 0.4)), 0.9,
                stands=earlier is not None and near(earlier, along, aside), unknown=earlier is None,
            )
            for n, (along, aside) in enumerate(zip(shown.along_m, shown.aside_m, strict=True))
        ]  # fmt: skip


def near(shown: Truth, along_m: float, aside_m: float) -> bool:
    """True where one of the detections is on the same spot, as the inventory's match would have it."""
    close = (np.abs(shown.along_m - along_m) < 3.0) & (np.abs(shown.aside_m - aside_m) < 1.5)
    return bool(close.any())


def past_of(shown: Truth, age_s: float) -> Past:
    """Detections as the look before."""
    return Past(age_s, tuple(shown.along_m.tolist()), tuple(shown.aside_m.tolist()))


def road() -> Road:
    """The road of the zone."""
    return Road.of(ROAD)


@dataclass(frozen=True, slots=True)
class Score:
    """How columns of at least 5 vehicles were told: found and missed ones, false ones by what they were.

    speed_right  share of the speeds told that are right to 1.5 m/s, None where no speed was told
    """

    n_found: int
    n_missed: int
    false_by_kind: Mapping[str, int]
    speed_right: float | None

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        wrong = self.n_missed + sum(self.false_by_kind.values())
        return 2 * self.n_found / (2 * self.n_found + wrong)

    @classmethod
    def of(cls, roadside: Callable[[int], Roadside], *, n_each: int, pair: bool = False) -> Score:
        """Half of the roads have a column, the others are what it may be mixed up with.

        pair  True: two looks minutes or less apart; else one look, and one on another day before it
        """
        told: list[bool] = []
        speeds: list[bool] = []
        for n in range(n_each * len(NEGATIVES)):
            hit, right = _watched(roadside(n), "column", pair=pair)
            told += [] if hit is None else [hit]
            speeds += [] if right is None else [right]
        wrong = {
            kind: sum(bool(_watched(roadside(n), kind, pair=pair)[0]) for n in range(n_each))
            for kind in NEGATIVES
        }
        right_fraction = float(np.mean(speeds)) if speeds else None
        return cls(sum(told), len(told) - sum(told), wrong, right_fraction)


def _watched(side: Roadside, kind: str, *, pair: bool) -> tuple[bool | None, bool | None]:
    """Whether a column was told, and whether its speed is right; None where there is nothing to tell."""
    truth = side.scene(kind)
    still = truth.m_per_s == 0
    age_s = float(side.rng.uniform(10.0, 60.0))
    before = truth if pair else Truth(truth.along_m[still], truth.aside_m[still], truth.m_per_s[still])
    earlier = side.detections(before)
    now = truth.after(age_s) if pair else truth
    speed = float(truth.m_per_s[0]) if kind == "column" else 0.0
    if kind == "column" and int((now.m_per_s == speed).sum()) < 6:
        return None, None  # it drove off the road between the looks
    past = past_of(earlier, age_s) if pair else None
    vehicles = side.vehicles(side.detections(now), earlier)
    column = find_column(vehicles, road(), recall=side.recall, past=past)
    hit = column is not None and column.count >= 5 and column.confidence >= 0.5
    if not hit or kind != "column" or column is None or column.speed is None:
        return hit, None
    return hit, abs(column.speed.m_per_s - speed) < 1.5
