"""Ground that is not what it was, followed over looks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from edge.geo import LngLat, distance_m
from edge.monitor.coverage import Sight
from edge.monitor.track import GroundBox

# Share of a place that a look must clearly show before what it does not find there counts.
MIN_SHOWN = 0.85


@dataclass(frozen=True, slots=True)
class ChangedGround:
    """One place whose ground differs from an earlier look.

    outline   its corners, not closed
    box       around it, on the ground
    score     of the change model, the mean over its pixels and its looks
    since     the latest look that it was compared with when it was first found
    first_at  the first look that shows it changed; seen_at: the latest
    n_looks   looks that show it changed
    """

    outline: tuple[LngLat, ...]
    box: GroundBox
    area_m2: float
    score: float
    since: datetime
    first_at: datetime
    seen_at: datetime
    n_looks: int = 1

    def is_at(self, other: ChangedGround) -> bool:
        """True if the middle of one lies on the other."""
        reach_m = max(self.box.length_m, other.box.length_m) / 2
        return distance_m(self.box.position, other.box.position) <= reach_m

    def again(self, found: ChangedGround) -> ChangedGround:
        """The same place after another look that shows it changed."""
        score = (self.score * self.n_looks + found.score) / (self.n_looks + 1)
        return replace(found, score=score, since=self.since, first_at=self.first_at, n_looks=self.n_looks + 1)


def followed(
    known: Sequence[ChangedGround],
    found: Sequence[ChangedGround],
    sight: Sight,
    *,
    compared_with: datetime,
    n_wanted: int,
) -> tuple[ChangedGround, ...]:
    """The places after one more look.

    A place that a look clearly shows as it was is forgotten. One that was told is remembered as long as it is
    compared with looks from before it changed, so that a look that misses it does not make it new.

    compared_with  when the ground was seen that this look was compared with
    n_wanted       looks after which a place is told
    """
    left, after = list(found), []
    for place in known:
        again = next((one for one in left if place.is_at(one)), None)
        if again is not None:
            left.remove(again)
            after.append(place.again(again))
        elif _stays(place, sight, compared_with, n_wanted):
            after.append(place)
    return (*after, *left)


def _stays(place: ChangedGround, sight: Sight, compared_with: datetime, n_wanted: int) -> bool:
    is_hidden = sight.share(place.box) < MIN_SHOWN
    was_told = place.n_looks >= n_wanted and compared_with < place.first_at
    return is_hidden or was_told
