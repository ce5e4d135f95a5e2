"""Comparisons of rendered aircraft with known truth, from which the weights of a likeness are fitted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from benchmarks.aprons import Chances, Day, Stood, days
from benchmarks.likeness_table import CASES
from edge.monitor.album import Album
from edge.monitor.likeness import Looks
from edge.monitor.state import PastLook

GSD_M = 0.5
_LOOKS, _HAPPENS_AT, _CHANCES = 6, (3,), Chances(altered=0.35, exchanged=0.08)

# Engines off are hardly seen; a model that tries hard to tell them tells much that is not so.
_ENGINES_WEIGHT = 0.15


# By the state that tells it, the first that is met: wings come off with their engines, a helicopter's tail
# after its rotor.
_PARTS = {
    "wings_off": "wings",
    "nose_open": "nose",
    "tail_off": "tail",
    "rotor_off": "rotor",
    "engines_off": "engines",
}
PARTS = tuple(_PARTS.values())


def part_of(before: str, after: str) -> str:
    """Which part of an object was altered between two states, "none" where they are the same."""
    states = {before, after} if before != after else set()
    return next((part for state, part in _PARTS.items() if state in states), "none")


class Row(msgspec.Struct, frozen=True):
    """One comparison: its measures, its truth, and the scene it is of."""

    seed: int
    case: int
    kind: str
    before: str
    after: str
    is_other: bool
    fraction: float
    lost_m2: float
    gained_m2: float
    features: dict[str, float]

    @property
    def is_altered(self) -> bool:
        """True if the object was altered in between."""
        return self.before != self.after

    @property
    def part(self) -> str:
        """Which part was altered, "none" where nothing was."""
        return part_of(self.before, self.after)

    @property
    def weight(self) -> float:
        """What the row weighs in the fit."""
        return _ENGINES_WEIGHT if self.part == "engines" else 1.0


def rows_of(seed: int) -> list[Row]:
    """All comparisons of one scene, as the rule makes them at each of its looks."""
    seen = list(_days(seed))
    return [row for number in range(1, len(seen)) for row in _rows(seed, seen[: number + 1])]


def _days(seed: int) -> Iterator[Day]:
    return days(seed, GSD_M, n_looks=_LOOKS, happens_at=_HAPPENS_AT, chances=_CHANCES)


def _rows(seed: int, seen: Sequence[Day]) -> Iterator[Row]:
    """Of each object of the newest look, against the looks before it."""
    now = seen[-1]
    recent = [PastLook(day.sight, day.tile.sha256) for day in seen[:-1]]
    kept = {day.tile.sha256: day.tile.pixels for day in seen}
    album = Album(now.tile, now.sight, recent, kept.get)
    for name in now.stood:
        stood = [day.stood[name] for day in seen if name in day.stood]
        crops = [album.crop(stood[0].box, past) for past in (*recent, None)]
        if len(stood) == len(seen):
            yield from _rows_of(seed, stood, Looks.of([crop for crop in crops if crop is not None]))


def _rows_of(seed: int, stood: Sequence[Stood], looks: Looks) -> Iterator[Row]:
    """Of one object, in every case in which it stayed the same before and after."""
    for case, (n_before, n_after) in enumerate(CASES):
        first = len(stood) - n_after
        before, after = stood[max(0, first - n_before) : first], stood[first:]
        if len(before) == n_before and _is_one(before) and _is_one(after):
            found, was, is_now = looks.unlike(n_before, n_after), before[0], after[0]
            yield Row(
                seed, case, was.thing.kind, was.thing.state, is_now.thing.state,
                was.n_exchanged != is_now.n_exchanged,
                found.fraction, found.lost_m2, found.gained_m2, found.features,
            )  # fmt: skip


def _is_one(looks: Sequence[Stood]) -> bool:
    """True if the looks show one object in one state."""
    return len({(one.thing.state, one.n_exchanged) for one in looks}) == 1
