"""python -m benchmarks.differencing ARCHIVE OBSERVATIONS.jsonl: beside plain differencing of the detections.

ARCHIVE       folder of sequences, each with truth.json and pass-N.json, as `edge drill --scenario` makes it
OBSERVATIONS  what `edge replay ARCHIVE --observations OBSERVATIONS.jsonl` wrote

Plain differencing holds the detections of a look against those of the look before: what has no counterpart on
its footprint arrived or departed. Its thresholds are the best for this very archive, which favours it; ours
were not chosen on it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.table import Row, table
from edge.geo import LngLat
from edge.monitor.kinds import USUAL, is_a

# As long as of two boxes the smaller share is common ground they are one object (edge.monitor.match).
SAME_FROM = 0.2
# A point is right within half the longer side of a true box, and at least so many metres.
MIN_REACH_M = 6.0
# Of a tile's pixels along its border, where nothing is asked and nothing is counted.
BORDER_PX = 40.0
THRESHOLDS = np.round(np.arange(0.1, 0.96, 0.05), 2)
AIM = 0.7

Points = NDArray[np.float64]
"""(N, 2) float64, x and y in pixels of the reference."""

Boxes = NDArray[np.float64]
"""(N, 4) float64, left top right bottom in pixels of the reference."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """The detections of one look on the frame of the reference: (N, 4) boxes and (N,) scores."""

    boxes: Boxes
    scores: NDArray[np.float64]

    def from_score(self, threshold: float) -> Boxes:
        """The boxes of this score and better."""
        return self.boxes[self.scores >= threshold]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """Two looks, one after the other, with what happened between them and what we said of it.

    arrived, departed            true boxes
    told_arrived, told_departed  our points, (N, 3): x, y, confidence
    """

    before: Seen
    after: Seen
    arrived: Boxes
    departed: Boxes
    told_arrived: Points
    told_departed: Points
    size: tuple[float, float]
    gsd_m: float


@dataclass(frozen=True, slots=True)
class Tally:
    """Events found, told falsely, and missed."""

    found: int = 0
    false: int = 0
    missed: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.found + other.found, self.false + other.false, self.missed + other.missed)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.found / max(1, 2 * self.found + self.false + self.missed)

    def __str__(self) -> str:
        """F1 with what it is made of."""
        precision = self.found / max(1, self.found + self.false)
        recall = self.found / max(1, self.found + self.missed)
        return f"F1 {self.f1:.3f} (precision {precision:.2f}, recall {recall:.2f})"


Tell = Callable[[Step], tuple[Points, Points]]
"""A step -> the points of what arrived and of what departed."""


def main() -> None:
    """Print plain differencing at its best beside ours."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.differencing", description=__doc__)
    parser.add_argument("archive", type=Path, metavar="ARCHIVE")
    parser.add_argument("observations", type=Path, metavar="OBSERVATIONS.jsonl")
    parser.add_argument("--label", default="aircraft", help="of what (default: %(default)s)")
    arguments = parser.parse_args()
    lines = arguments.observations.read_text(encoding="utf-8").splitlines()
    records = {record["tile"]: record for record in map(json.loads, lines)}
    print(table(compared(list(steps(arguments.archive, records, arguments.label)))))


def compared(found: Sequence[Step]) -> list[Row]:
    """The table: the best single threshold, the best two, ours, and the ratio of the errors."""
    single = max(((_tallied(found, differenced(one, one)), one) for one in THRESHOLDS), key=_by_f1)
    double = max(
        (
            (_tallied(found, differenced(counts, denies)), counts, denies)
            for counts in THRESHOLDS
            for denies in THRESHOLDS[counts >= THRESHOLDS]
        ),
        key=_by_f1,
    )
    ours = _tallied(found, told_from(0.0))
    chosen = max(((_tallied(found, told_from(one)), one) for one in THRESHOLDS), key=_by_f1)
    best = max(single[0].f1, double[0].f1)
    ratio, alike = ((1.0 - f1) / max(1.0 - best, 1e-9) for f1 in (ours.f1, chosen[0].f1))
    return [
        Row(f"Plain differencing, one threshold of {single[1]:g}", str(single[0]), ""),
        Row(f"Plain differencing, counts from {double[1]:g}, denies from {double[2]:g}", str(double[0]), ""),
        Row("Ours", str(ours), ""),
        Row(f"Ours from a confidence of {chosen[1]:g}, chosen here as theirs", str(chosen[0]), ""),
        Row("Errors (1 - F1), ours of the best differencing's", f"{ratio:.2f}", f"<= {AIM}"),
        Row("The same with the confidence chosen here", f"{alike:.2f}", ""),
    ]


def _by_f1(one: tuple[Any, ...]) -> float:
    return float(one[0].f1)


def differenced(counts_from: float, denies_from: float) -> Tell:
    """Plain differencing: a detection counts from one score and denies an event from another."""

    def tell(step: Step) -> tuple[Points, Points]:
        return (
            _unmatched(step.after.from_score(counts_from), step.before.from_score(denies_from)),
            _unmatched(step.before.from_score(counts_from), step.after.from_score(denies_from)),
        )

    return tell


def told_from(confidence: float) -> Tell:
    """What we told with this confidence and more."""

    def tell(step: Step) -> tuple[Points, Points]:
        arrived, departed = (
            one[one[:, 2] >= confidence, :2] for one in (step.told_arrived, step.told_departed)
        )
        return arrived, departed

    return tell


def _unmatched(boxes: Boxes, others: Boxes) -> Points:
    """The middles of those boxes that lie on none of the others."""
    alone = boxes[~(_iou(boxes, others) >= SAME_FROM).any(axis=1)]
    return np.asarray((alone[:, :2] + alone[:, 2:]) / 2)


def _iou(boxes: Boxes, others: Boxes) -> NDArray[np.float64]:
    """(N, M) intersection over union."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    inner = np.maximum(high - low, 0.0).prod(axis=2)
    areas = [(one[:, 2:] - one[:, :2]).prod(axis=1) for one in (boxes, others)]
    return np.asarray(inner / np.maximum(areas[0][:, None] + areas[1][None] - inner, 1e-9))


def _tallied(found: Sequence[Step], tell: Tell) -> Tally:
    total = Tally()
    for step in found:
        for points, boxes in zip(tell(step), (step.arrived, step.departed), strict=True):
            total += matched(_within(points, step.size), boxes, step.gsd_m)
    return total


def matched(points: Points, boxes: Boxes, gsd_m: float) -> Tally:
    """One to one, the nearest first."""
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    reach = np.maximum((boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0.0) / 2, MIN_REACH_M / gsd_m)
    distances = np.linalg.norm(points[:, None] - middles[None], axis=2)
    rows, columns = np.nonzero(distances <= reach)
    used: tuple[set[int], set[int]] = (set(), set())
    for i in np.argsort(distances[rows, columns], kind="stable"):
        if rows[i] not in used[0] and columns[i] not in used[1]:
            used[0].add(int(rows[i]))
            used[1].add(int(columns[i]))
    n = len(used[0])
    return Tally(n, len(points) - n, len(boxes) - n)


def _within(points: Points, size: tuple[float, float]) -> Points:
    """Those that do not lie at the border, where the look before may not have seen the ground."""
    inside = (points >= BORDER_PX) & (points < np.array(size) - BORDER_PX)
    return points[inside.all(axis=1)]


def steps(archive: Path, records: Mapping[str, Mapping[str, Any]], label: str) -> Iterator[Step]:
    """The looks of every sequence that say something, each with the usable one before it."""
    for folder in sorted(path.parent for path in archive.glob("*/truth.json")):
        truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
        frame = _Frame.of(truth, json.loads((folder / "pass-1.json").read_text(encoding="utf-8")))
        before: Seen | None = None
        for number, one in enumerate(truth["passes"], 1):
            record = records.get(f"{truth['site']}-{number}")
            usable = record is not None and record["rejected"] is None
            after = frame.seen(record["detections"], label) if record is not None and usable else before
            if one["arrived"] is not None and before is not None and after is not None:
                delta = record["delta"] if record is not None else {"arrived": [], "departed": []}
                told = [frame.told(delta[kind], label) for kind in ("arrived", "departed")]
                true = [np.array(one[kind], float).reshape(-1, 4) for kind in ("arrived", "departed")]
                yield Step(before, after, true[0], true[1], told[0], told[1], frame.size, frame.gsd_m)
            before = after


@dataclass(frozen=True, slots=True)
class _Frame:
    """The reference of a sequence: its north-west corner, degrees a pixel, and its size in pixels."""

    corner: LngLat
    deg_per_px: tuple[float, float]
    size: tuple[float, float]
    gsd_m: float

    @classmethod
    def of(cls, truth: Mapping[str, Any], sidecar: Mapping[str, Any]) -> _Frame:
        west, south, east, north = sidecar["bbox"]
        width, height = truth["size"]
        step = ((east - west) / width, (north - south) / height)
        return cls(LngLat(west, north), step, (float(width), float(height)), float(truth["gsd_m"]))

    def points(self, items: Sequence[Mapping[str, Any]], label: str) -> Points:
        """Where the things of a label lie."""
        asked = [one for one in items if is_a(one.get("label", label), label, USUAL)]
        degrees = np.array([(one["lng"], one["lat"]) for one in asked], float).reshape(-1, 2)
        off = (degrees - (self.corner.lng, self.corner.lat)) * (1.0, -1.0)
        return np.asarray(off / self.deg_per_px)

    def told(self, items: Sequence[Mapping[str, Any]], label: str) -> Points:
        """(N, 3), the same with how sure we were."""
        sure = [one["confidence"] for one in items if is_a(one["label"], label, USUAL)]
        return np.column_stack([self.points(items, label), np.array(sure, float)])

    def seen(self, detections: Sequence[Mapping[str, Any]], label: str) -> Seen:
        """The detections of a label on the reference; their sides are those in their own tile."""
        asked = [one for one in detections if is_a(one["label"], label, USUAL)]
        boxes = np.array([one["box"] for one in asked], float).reshape(-1, 4)
        half = (boxes[:, 2:] - boxes[:, :2]) / 2
        middles = self.points(asked, label)
        scores = np.array([one["score"] for one in asked], float)
        return Seen(np.concatenate([middles - half, middles + half], axis=1), scores)


if __name__ == "__main__":
    main()
