"""Comparisons of rendered aircraft with known truth, from which the weights of a likeness are fitted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from benchmarks.aprons import Chances, Day, Stood, days
from edge.monitor.album import Album
from edge.monitor.likeness import unlike
from edge.monitor.state import PastLook

GSD_M = 0.5
_LOOKS, _HAPPENS_AT, _CHANCES = 4, (2,), Chances(altered=0.35, exchanged=0.08)
# Of the looks before and after, by number, what is compared.
_GROUPS = (
    ((0,), (1,)), ((0,), (2,)), ((1,), (2,)), ((0, 1), (2,)), ((0,), (1, 2)),
    ((1,), (3,)), ((2,), (3,)), ((1,), (2, 3)), ((0, 1), (2, 3)), ((0, 1), (3,)), ((1, 2), (3,)),
)  # fmt: skip
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
    """All comparisons of one scene."""
    seen = {int(one.tile.tile_id.split("-")[1]): one for one in _days(seed)}
    groups = [group for group in _GROUPS if all(number in seen for side in group for number in side)]
    return [row for group in groups for row in _rows(seed, seen, *group)]


def _days(seed: int) -> Iterator[Day]:
    return days(seed, GSD_M, n_looks=_LOOKS, happens_at=_HAPPENS_AT, chances=_CHANCES)


def _rows(seed: int, seen: dict[int, Day], before: Sequence[int], after: Sequence[int]) -> Iterator[Row]:
    earlier, later = [seen[number] for number in before], [seen[number] for number in after]
    past = {day.tile.tile_id: PastLook(day.sight, day.tile.sha256) for day in (*earlier, *later[:-1])}
    kept = {day.tile.sha256: day.tile.pixels for day in (*earlier, *later)}
    album = Album(later[-1].tile, later[-1].sight, tuple(past.values()), kept.get)
    for name in later[-1].stood:
        was, is_now = ([day.stood[name] for day in side if name in day.stood] for side in (earlier, later))
        if len(was) < len(before) or len(is_now) < len(after) or not (_is_one(was) and _is_one(is_now)):
            continue
        sides = (
            [album.crop(was[0].box, past.get(day.tile.tile_id)) for day in side] for side in (earlier, later)
        )
        found = unlike(*([crop for crop in side if crop is not None] for side in sides))
        yield Row(
            seed, (len(before) > 1) + 2 * (len(after) > 1), was[0].thing.kind,
            was[0].thing.state, is_now[0].thing.state, was[0].n_exchanged != is_now[0].n_exchanged,
            found.fraction, found.lost_m2, found.gained_m2, found.features,
        )  # fmt: skip


def _is_one(looks: Sequence[Stood]) -> bool:
    """True if the looks show one object in one state."""
    return len({(one.thing.state, one.n_exchanged) for one in looks}) == 1
