"""python -m benchmarks.altered [--scenes N] [--gsd M ...]: what `altered` finds on rendered airfields.

Scenes that no weight was fitted to: eight looks each, at two of them something happens to some aircraft. An
alteration is found if it is told at the look that first shows it or at one of the next two; whatever else is
told is false, also of an aircraft that stands where another one stood. The boxes are those of a detector that
finds everything; `python -m benchmarks.scenarios` has the real one. The interval of F1 is over the
scenes, drawn anew with replacement.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from multiprocessing import Pool

import cv2
import numpy as np
from msgspec.structs import replace as renewed

from benchmarks.aprons import Chances, Day, Stood, days
from benchmarks.likeness_rows import PARTS, part_of
from edge.acquire.tile import Rgb
from edge.monitor import alteration
from edge.monitor.album import Album
from edge.monitor.inventory import Inventory
from edge.monitor.state import MAX_RECENT, PastLook
from edge.monitor.track import Status, Track

FIRST_SEED = 1
_LOOKS, _HAPPENS_AT, _CHANCES = 8, (2, 5), Chances(altered=0.15, exchanged=0.03)
_MAX_LATE_LOOKS = 2
# Draws of as many scenes, and the quantiles of F1 over them.
_DRAWS, _INTERVAL = 2000, (0.05, 0.95)


@dataclass(slots=True)
class Score:
    """Counts that add up over scenes.

    happened, found  alterations by the part that was altered
    of_same, of_other  what was told of objects to which nothing happened, and of those that took a place
    n_quiet          looks at objects to which nothing had happened for some looks
    """

    happened: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    of_same: int = 0
    of_other: int = 0
    n_quiet: int = 0
    n_examined: int = 0
    seconds: float = 0.0

    @property
    def false(self) -> int:
        """All that was told of what did not happen."""
        return self.of_same + self.of_other

    @property
    def f1(self) -> float:
        """Of precision and recall."""
        found = self.found.total()
        return 2 * found / max(1, self.happened.total() + found + self.false)

    def add(self, other: Score) -> None:
        """Another scene."""
        self.happened += other.happened
        self.found += other.found
        self.of_same += other.of_same
        self.of_other += other.of_other
        self.n_quiet += other.n_quiet
        self.n_examined += other.n_examined
        self.seconds += other.seconds


@dataclass(slots=True)
class Watch:
    """One apron under the monitor, with what is true of it.

    open_  of each object, the look and the part of an alteration that may still be told
    other  of each object, the look at which another took its place
    """

    score: Score = field(default_factory=Score)
    inventory: Inventory = field(default_factory=Inventory)
    recent: tuple[PastLook, ...] = ()
    kept: dict[str, Day] = field(default_factory=dict)
    last: dict[str, Stood] = field(default_factory=dict)
    open_: dict[str, tuple[int, str]] = field(default_factory=dict)
    other: dict[str, int] = field(default_factory=dict)

    def see(self, day: Day, number: int) -> None:
        """One more look."""
        self._happened(day, number)
        before = self.inventory
        tracks = tuple(_seen(name, one, before, day) for name, one in day.stood.items())
        album = Album(day.tile, day.sight, self.recent, self._pixels)
        start = time.process_time()
        self.inventory, altered = alteration.examined(before, Inventory(tracks), {"aircraft"}, album)
        self.score.seconds += time.process_time() - start
        self.score.n_examined += len(before.tracks)
        for track in altered:
            self._told(track.track_id, number)
        self.score.n_quiet += sum(not self._is_late(name, number) for name in day.stood)
        self.recent = (*self.recent, PastLook(day.sight, day.tile.sha256))[-MAX_RECENT:]
        self.kept[day.tile.sha256] = day
        self.last |= day.stood

    def _pixels(self, sha256: str) -> Rgb | None:
        return self.kept[sha256].tile.pixels if sha256 in self.kept else None

    def _happened(self, day: Day, number: int) -> None:
        for name, now in day.stood.items():
            was = self.last.get(name)
            if was is not None and was.n_exchanged != now.n_exchanged:
                self.other[name] = number
                self.open_.pop(name, None)
            elif was is not None and was.thing.state != now.thing.state:
                part = part_of(was.thing.state, now.thing.state)
                self.score.happened[part] += 1
                self.open_[name] = number, part

    def _told(self, name: str, number: int) -> None:
        since, part = self.open_.pop(name, (-_LOOKS, ""))
        if number - since <= _MAX_LATE_LOOKS:
            self.score.found[part] += 1
        elif number - self.other.get(name, -_LOOKS) <= _MAX_LATE_LOOKS:
            self.score.of_other += 1
        else:
            self.score.of_same += 1

    def _is_late(self, name: str, number: int) -> bool:
        """True if something just happened to an object."""
        since = max(self.open_.get(name, (-_LOOKS, ""))[0], self.other.get(name, -_LOOKS))
        return number - since <= _MAX_LATE_LOOKS


def _seen(name: str, stood: Stood, before: Inventory, day: Day) -> Track:
    """The track of an object that this look detects; its box is the first one."""
    now = day.sight.seen_at
    known = next((track for track in before.tracks if track.track_id == name), None)
    if known is not None:
        return renewed(known, last_seen=now, looked_at=now)
    return Track(name, "aircraft", stood.box, 0.9, 4.0, Status.PRESENT, now, now, now)


def scored(case: tuple[int, float]) -> Score:
    """One scene of a seed and a ground sample distance."""
    seed, gsd_m = case
    watch = Watch()
    for day in days(seed, gsd_m, n_looks=_LOOKS, happens_at=_HAPPENS_AT, chances=_CHANCES):
        watch.see(day, int(day.tile.tile_id.rpartition("-")[2]))
    return watch.score


def summed(scores: Iterable[Score]) -> Score:
    """All scenes as one."""
    total = Score()
    for one in scores:
        total.add(one)
    return total


def interval(scores: Sequence[Score]) -> tuple[float, float]:
    """The 90 % interval of F1 over scenes."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(scores), size=(_DRAWS, len(scores)))
    counts = np.array([(one.found.total(), one.happened.total() + one.false) for one in scores])
    found, others = counts[drawn].sum(axis=1).T
    low, high = np.quantile(2 * found / np.maximum(1, found + others), _INTERVAL)
    return float(low), float(high)


def table(scores: dict[float, list[Score]]) -> list[str]:
    """Markdown, a line for each ground sample distance."""
    head = ["GSD", "scenes", "alterations", "precision", "recall", "F1", "90 % interval",
            "false per 1000 looks at an unaltered one",
            "false of exchanged ones", *(f"recall, {part}" for part in PARTS), "ms a track"]  # fmt: skip
    rows = [[f"{gsd_m:g} m", *_cells(scenes)] for gsd_m, scenes in scores.items()]
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def _cells(scenes: Sequence[Score]) -> Iterable[str]:
    score, (low, high) = summed(scenes), interval(scenes)
    happened, found = score.happened.total(), score.found.total()
    yield str(len(scenes))
    yield str(happened)
    yield f"{found / max(1, found + score.false):.2f}"
    yield f"{found / max(1, happened):.2f}"
    yield f"{score.f1:.2f}"
    yield f"{low:.2f} to {high:.2f}"
    yield f"{1000 * score.of_same / max(1, score.n_quiet):.1f} of {score.n_quiet}"
    yield str(score.of_other)
    for part in PARTS:
        yield f"{score.found[part]} of {score.happened[part]}"
    yield f"{1000 * score.seconds / max(1, score.n_examined):.1f}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.altered", description=__doc__)
    parser.add_argument("--scenes", type=int, default=24, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--gsd", type=float, nargs="+", default=[0.3, 0.5, 0.8, 1.2], metavar="M")
    arguments = parser.parse_args()
    scores: dict[float, list[Score]] = {}
    with Pool(initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        for gsd_m in arguments.gsd:
            print(f"measuring: {gsd_m:g} m", file=sys.stderr)
            seeds = range(FIRST_SEED, FIRST_SEED + arguments.scenes)
            scores[gsd_m] = list(pool.imap(scored, ((seed, gsd_m) for seed in seeds)))
    print("\n".join(table(scores)))


if __name__ == "__main__":
    main()
