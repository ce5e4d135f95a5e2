"""Labels that are kinds of a wider one: a helicopter is an aircraft. Pure.

Models waver between such labels: a fighter is a helicopter in one look and an aircraft in the next. It is one
object all the same, and who asks for aircraft hears of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from edge.monitor.places import Places, areas_m2, touching
from edge.monitor.track import Sighting

Kinds = Mapping[str, str]
"""A label -> the wider label that it is a kind of; none stands on both sides."""

USUAL: Kinds = MappingProxyType({"helicopter": "aircraft"})
# What two boxes of one label share when they are one object, `detect.objects`; so of labels of one kind.
_MAX_IOU, _MAX_INSIDE = 0.4, 0.7
# What an object was called weighs nine tenths at the next look that shows it.
_KEPT = 0.9

Votes = Mapping[str, float]
"""A label -> the scores with which an object was called so, the older ones faded."""


def widest(label: str, kinds: Kinds) -> str:
    """The wider label, or the label itself where it is no kind of another."""
    return kinds.get(label, label)


def is_a(label: str, wanted: str | None, kinds: Kinds) -> bool:
    """True if what is called so is what somebody asks for."""
    return label == wanted or kinds.get(label) == wanted is not None


def all_of(wanted: str, kinds: Kinds) -> frozenset[str]:
    """The labels of all that a wanted one may be called."""
    return frozenset({wanted, *(label for label, wider in kinds.items() if wider == wanted)})


def wavers(label: str, kinds: Kinds) -> bool:
    """True if a model may call the same object by another label."""
    return label in kinds or label in kinds.values()


def votes_after(votes: Votes, sighting: Sighting, kinds: Kinds) -> Votes:
    """The votes after one more look; none are kept where there is nothing to vote on."""
    if not wavers(sighting.label, kinds):
        return {}
    after = {label: round(weight * _KEPT, 4) for label, weight in votes.items()}
    after[sighting.label] = round(after.get(sighting.label, 0.0) + sighting.score, 4)
    return after


def elected(votes: Votes, label: str) -> str:
    """What an object is called: the label of most weight, the one it has (or the first) of equal ones."""
    if len(votes) < 2:
        return next(iter(votes), label)
    return max(votes, key=lambda one: (votes[one], one == label))


def fused(sightings: Sequence[Sighting], kinds: Kinds) -> list[Sighting]:
    """The detections of a look, those of one kind on one spot made one, in their order.

    The better one stays. That an object of the kind is there is more likely than either says alone; of two
    that exclude each other the sum would be right, taken for independent they say a little less.
    """
    numbers = [n for n, one in enumerate(sightings) if wavers(one.label, kinds)]
    if len({sightings[n].label for n in numbers}) < 2:
        return list(sightings)
    merged: dict[int, Sighting | None] = {}
    for better, worse in _same(sightings, sorted(numbers, key=lambda n: -sightings[n].score), kinds):
        kept, lost = merged.get(better, sightings[better]), merged.get(worse, sightings[worse])
        if kept is not None and lost is not None:
            merged[better] = replace(kept, score=1.0 - (1.0 - kept.score) * (1.0 - lost.score))
            merged[worse] = None
    made = (merged.get(n, one) for n, one in enumerate(sightings))
    return [one for one in made if one is not None]


def _same(sightings: Sequence[Sighting], ranked: Sequence[int], kinds: Kinds) -> list[tuple[int, int]]:
    """Pairs of detections that show one object under two labels, the better one first."""
    boxes = [sightings[n].box for n in ranked]
    sides = Places.of(boxes).sides_m(boxes[0].position)
    first, second, shared = touching(sides, sides)
    areas = areas_m2(sides)
    is_one = shared > _MAX_IOU * (areas[first] + areas[second] - shared)
    is_inside = shared > _MAX_INSIDE * np.minimum(areas[first], areas[second])
    chosen = (is_one | is_inside) & (first < second)
    pairs = [(ranked[i], ranked[j]) for i, j in zip(first[chosen], second[chosen], strict=True)]
    return [
        (better, worse)
        for better, worse in pairs
        if sightings[better].label != sightings[worse].label
        and widest(sightings[better].label, kinds) == widest(sightings[worse].label, kinds)
    ]
