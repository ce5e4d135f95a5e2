"""What was told against what was rendered. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edge.geo import Grid, LngLat, Zone, distance_m
from edge.report.facts import Event

# Stands lie 60 m apart; a box that holds only a part of an aircraft is still nearer than half of that.
MATCH_M = 30.0

_KINDS = {"arrived": "arrival", "departed": "departure"}


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened, or was said to have happened.

    number  of the look at which it could first be seen, from 1
    kind    arrival or departure
    """

    number: int
    kind: str
    position: LngLat


@dataclass(frozen=True, slots=True)
class Verdict:
    """How what was told compares with the truth."""

    found: tuple[Happening, ...]
    missed: tuple[Happening, ...]
    false: tuple[Happening, ...]

    @property
    def n_true(self) -> int:
        """How many things happened."""
        return len(self.found) + len(self.missed)


def verdict(truth: Sequence[Happening], told: Sequence[Happening]) -> Verdict:
    """Each happening is found once, at its look or a later one; what is left over is false."""
    left = sorted(told, key=lambda one: one.number)
    found, missed = [], []
    for happening in truth:
        match = next((one for one in left if _is_same(happening, one)), None)
        if match is None:
            missed.append(happening)
        else:
            left.remove(match)
            found.append(happening)
    return Verdict(tuple(found), tuple(missed), tuple(left))


def _is_same(truth: Happening, told: Happening) -> bool:
    is_near = distance_m(truth.position, told.position) <= MATCH_M
    return truth.kind == told.kind and told.number >= truth.number and is_near


def happened(truth: Mapping[str, Any], grid: Grid, zone: Zone) -> list[Happening]:
    """What a watcher of a zone should tell, from the truth that the renderer wrote; a move is both kinds.

    grid  of the first look
    """
    found = []
    for number, look in enumerate(truth["passes"], 1):
        for key, kind in _KINDS.items():
            places = [_ground(box, grid) for box in look[key] or ()]
            found += [Happening(number, kind, place) for place in places if zone.contains(place)]
    return found


def _ground(box: Sequence[float], grid: Grid) -> LngLat:
    left, top, right, bottom = box
    return grid.to_ground((left + right) / 2, (top + bottom) / 2)


def told(events: Iterable[Event], numbers: Mapping[str, int]) -> list[Happening]:
    """What alerts said, one happening an object.

    numbers  of the looks, by tile
    """
    found = []
    for event in events:
        said = event.data.properties
        if said.kind in _KINDS.values() and said.look is not None and event.data.geometry is not None:
            number = numbers[said.look.tile]
            places = event.data.geometry.coordinates
            found += [Happening(number, said.kind, LngLat(lng, lat)) for lng, lat in places]
    return found
