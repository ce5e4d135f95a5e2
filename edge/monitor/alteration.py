"""Whether an object that stays is still what it was: looked at again at each look that finds it. Pure.

One look is often not enough: a cart beside it and a shadow across it are gone at the next, what was opened
or taken off is not. So a first doubt makes a suspicion, and the next look that shows the object is weighed
together with the one that gave rise to it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from edge.monitor.album import Album
from edge.monitor.inventory import Inventory
from edge.monitor.likeness import Crop, Unlike, unlike
from edge.monitor.likeness_weights import altered_log_odds, other_log_odds
from edge.monitor.state import PastLook
from edge.monitor.track import Alteration, GroundBox, Status, Suspicion, Track

# Looks on each side that are compared: more say little more and cost as much each.
MAX_BEFORE, MAX_AFTER = 2, 2
# Shorter objects show too few pixels of their parts.
MIN_LENGTH_PX = 12.0
# From these log-odds on an alteration is sure, and one is suspected: chosen on rendered scenes.
SURE, SURE_AGAIN, SUSPECTED = 2.5, 1.0, 0.0
# From these on another object stands there: it came and the one before left, which other rules tell.
ANOTHER = 0.0
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
    tracks = tuple(
        _examined(track, boxes[track.track_id], album) if _is_shown(track, album, boxes) else track
        for track in after.tracks
    )
    known = {track.track_id: track.alterations for track in after.tracks}
    altered = tuple(track for track in tracks if track.alterations != known[track.track_id])
    return replace(after, tracks=tracks), altered


def _is_shown(track: Track, album: Album, boxes: Collection[str]) -> bool:
    """True for an object that stood there before and that this very look detects."""
    now = album.sight.seen_at
    is_new = track.track_id not in boxes or track.status is not Status.PRESENT
    return not is_new and track.last_seen == now and track.box.length_m >= MIN_LENGTH_PX * album.tile.gsd_m


def _examined(track: Track, box: GroundBox, album: Album) -> Track:
    """The track after a comparison with the looks that show it as it was."""
    looks = album.before(box)
    earlier, doubtful = _sides(track, looks)
    was = _crops(album, box, earlier)
    doubts = _crops(album, box, doubtful)
    now = album.crop(box)
    if not was or now is None:
        return replace(track, suspicion=None)
    later = [*doubts, now]
    found = unlike(was, later)
    log_odds = altered_log_odds(found.features, len(was), len(later))
    if log_odds < SUSPECTED:
        return replace(track, suspicion=None)
    if other_log_odds(found.features) >= ANOTHER or track.moved_at == album.sight.seen_at:
        return replace(track, same_since=album.sight.seen_at, suspicion=None)
    if log_odds >= (SURE_AGAIN if doubts else SURE):
        return _altered(track, album, earlier, found, log_odds)
    doubt = track.suspicion if doubts and track.suspicion else Suspicion(album.sight.seen_at, ())
    return replace(track, suspicion=replace(doubt, tile_ids=(*doubt.tile_ids, album.sight.tile_id)))


def _sides(track: Track, looks: list[PastLook]) -> tuple[list[PastLook], list[PastLook]]:
    """The looks that show it as it was, and those that gave rise to a suspicion; the newest of both."""
    since = track.same_since or track.first_seen
    doubt = track.suspicion
    known = [one for one in looks if one.sight.seen_at >= since]
    was = [one for one in known if doubt is None or one.sight.seen_at < doubt.seen_at]
    later = [one for one in known if doubt is not None and one.sight.tile_id in doubt.tile_ids]
    return was[-MAX_BEFORE:], later[-(MAX_AFTER - 1) :]


def _crops(album: Album, box: GroundBox, looks: list[PastLook]) -> list[Crop]:
    crops = (album.crop(box, one) for one in looks)
    return [one for one in crops if one is not None]


def _altered(track: Track, album: Album, earlier: list[PastLook], found: Unlike, log_odds: float) -> Track:
    """The track with one more alteration; from here on it is what it is now."""
    now = album.sight.seen_at
    seen_at = now if track.suspicion is None else track.suspicion.seen_at
    east_m, north_m = (round(value, 1) for value in found.part)
    one = Alteration(
        seen_at, earlier[-1].sight.seen_at, now,
        round(found.fraction, 3), round(found.lost_m2, 1), round(found.gained_m2, 1),
        round(log_odds, 2), east_m, north_m,
    )  # fmt: skip
    known = (*track.alterations, one)[-MAX_REMEMBERED:]
    return replace(track, same_since=seen_at, suspicion=None, alterations=known)
