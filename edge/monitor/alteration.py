"""Whether an object that stays is still what it was: looked at again at each look that finds it. Pure.

One look is often not enough: a cart beside it and a shadow across it are gone at the next, what was opened
or taken off is not. So each look is weighed alone against those before, where it must be very clear, and
together with the one and the two before it against those before them all, where less will do. What another
season or another sun makes of an aircraft it makes of its neighbours too: so each is weighed against what the
other objects of the look have in common.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from msgspec.structs import replace as renewed

from edge.monitor.album import Album
from edge.monitor.inventory import Inventory
from edge.monitor.likeness import Looks, Unlike
from edge.monitor.likeness_weights import altered_log_odds, other_log_odds
from edge.monitor.track import Alteration, GroundBox, Status, Track

# Looks from before that are compared: more say little more and cost as much each.
MAX_BEFORE = 3
# Shorter objects show too few pixels of their parts.
MIN_LENGTH_PX = 12.0
# Log-odds from which one look shows an alteration, and from which two and three do. These and what the others
# have in common were chosen on rendered scenes that the table was not fitted to: seeds 2100 to 2129 of
# benchmarks.aprons with 0.15 of the aircraft altered at once, 10100 to 10138 with 0.4 of them.
SURE = (2.0, 2.5, 1.5)
# Of the other objects, the share whose log-odds are not above what they have in common: the rest may well be
# altered too. From so many on it is known, and from these log-odds on it is taken off; of fewer, this is.
_ALIKE_SHARE, _LEAST_ALIKE, _USUAL, _OF_FEW = 0.35, 4, -5.0, 0.5
# Log-odds from which an object looks other than before, and from which another one stands there: it came and
# the one before left, which other rules tell.
DOUBTFUL, ANOTHER = 0.0, -1.0
# Alterations of one object that are remembered.
MAX_REMEMBERED = 8


def examined(
    before: Inventory, after: Inventory, labels: Collection[str], album: Album
) -> tuple[Inventory, tuple[Track, ...]]:
    """The inventory with what this look says of the appearance of its objects, and those that were altered.

    before, after  the inventory as the look found it and as it left it
    labels         of the objects whose appearance a rule asks for; no other is looked at
    """
    boxes = {track.track_id: track.box for track in before.tracks if track.label in labels}
    shown = [track for track in after.tracks if _is_shown(track, album, boxes)]
    weighed = _set_off({track.track_id: _splits(track, boxes[track.track_id], album) for track in shown})
    now = album.sight.seen_at
    tracks = tuple(_judged(track, weighed.get(track.track_id, ()), now) for track in after.tracks)
    known = {track.track_id: track.alterations for track in after.tracks}
    altered = tuple(track for track in tracks if track.alterations != known[track.track_id])
    return replace(after, tracks=tracks), altered


def _is_shown(track: Track, album: Album, boxes: Collection[str]) -> bool:
    """True for an object that stood there before and that this very look detects."""
    now = album.sight.seen_at
    is_new = track.track_id not in boxes or track.status is not Status.PRESENT
    return not is_new and track.last_seen == now and track.box.length_m >= MIN_LENGTH_PX * album.tile.gsd_m


def _splits(track: Track, box: GroundBox, album: Album) -> list[_Split]:
    """This look and those that show the object as it was, parted in every way that is weighed."""
    now = album.sight.seen_at
    if track.moved_at == now:
        return []
    since = track.same_since or track.first_seen
    looks = [one for one in album.before(box) if one.sight.seen_at >= since][-MAX_BEFORE - len(SURE) + 1 :]
    past = [(look, crop) for look in looks if (crop := album.crop(box, look)) is not None]
    newest = album.crop(box)
    if newest is None:
        return []
    seen = [look.sight.seen_at for look, _ in past]
    pictures = Looks.of([*(crop for _, crop in past), newest])
    return [_Split.of(pictures, [*seen, now], n_after) for n_after in range(1, min(len(SURE), len(past)) + 1)]


def _set_off(weighed: Mapping[str, Sequence[_Split]]) -> dict[str, list[_Split]]:
    """The splits of each object, set off against those of the others with as many looks after."""
    return {
        name: [replace(one, log_odds=set_off(one.log_odds, _of_others(weighed, name, one))) for one in own]
        for name, own in weighed.items()
    }


def _of_others(weighed: Mapping[str, Sequence[_Split]], name: str, split: _Split) -> list[float]:
    """The log-odds of all other objects for looks parted alike."""
    others = [splits for other, splits in weighed.items() if other != name]
    return [one.log_odds for splits in others for one in splits if one.n_after == split.n_after]


def set_off(log_odds: float, others: Sequence[float]) -> float:
    """The log-odds of one object without what those of the others at this look have in common."""
    if len(others) < _LEAST_ALIKE:
        return log_odds - _OF_FEW
    return log_odds - max(0.0, float(np.quantile(others, _ALIKE_SHARE)) - _USUAL)


def _judged(track: Track, splits: Sequence[_Split], now: datetime) -> Track:
    """The track after its looks were weighed."""
    if track.moved_at == now:
        return renewed(track, same_since=now)
    if not splits:
        return track
    likeliest = max(splits, key=lambda one: one.log_odds - one.level)
    if likeliest.log_odds >= DOUBTFUL and likeliest.is_other:
        return renewed(track, same_since=likeliest.seen_at)
    return _altered(track, likeliest, now) if likeliest.log_odds >= likeliest.level else track


@dataclass(frozen=True, slots=True)
class _Split:
    """The looks at one object parted into those before something may have happened to it, and those since.

    since, seen_at  the last look before, and the first one after
    n_after         looks after, the newest among them
    """

    found: Unlike
    log_odds: float
    n_after: int
    since: datetime
    seen_at: datetime

    @classmethod
    def of(cls, pictures: Looks, seen: Sequence[datetime], n_after: int) -> _Split:
        """With so many looks after, the newest among them; seen: when each look was taken."""
        first = len(seen) - n_after
        n_before = min(MAX_BEFORE, first)
        found = pictures.unlike(n_before, n_after)
        log_odds = altered_log_odds(found.features, n_before, n_after)
        return cls(found, log_odds, n_after, seen[first - 1], seen[first])

    @property
    def level(self) -> float:
        """Log-odds from which something did happen."""
        return SURE[self.n_after - 1]

    @property
    def is_other(self) -> bool:
        """True if it is not the same object any more."""
        return other_log_odds(self.found.features) >= ANOTHER


def _altered(track: Track, split: _Split, now: datetime) -> Track:
    """The track with one more alteration; from here on it is what it is now."""
    found, (east_m, north_m) = split.found, split.found.part
    one = Alteration(
        split.seen_at, split.since, now,
        round(found.fraction, 3), round(found.lost_m2, 1), round(found.gained_m2, 1),
        round(split.log_odds, 2), round(east_m, 1), round(north_m, 1),
    )  # fmt: skip
    known = (*track.alterations, one)[-MAX_REMEMBERED:]
    return renewed(track, same_since=split.seen_at, alterations=known)
