"""The inventory of a site: detections of a look become arrivals, departures and moves of tracks. Pure.

Differencing two lists of detections reports its own misses. Here a track loses its presence by the chance
that the model would have shown it, and wins it by the score; a place that was not seen says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.geo import Site, distance_m, offset_m
from edge.monitor import presence
from edge.monitor.coverage import Coverage, Sight
from edge.monitor.match import pairs, shared_m2
from edge.monitor.presence import PresenceSettings
from edge.monitor.track import Delta, Evidence, GroundBox, Move, Sighting, Status, Track

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]

# Of a label that a model practically never finds nothing can be said; this keeps its counts finite.
MIN_RECALL = 0.05
# Looks kept in a track to explain it; an alert shows the latest of them.
MAX_HISTORY = 12
# How much of the newest box enters the stored one: the jitter of single boxes averages out.
BOX_GAIN = 0.4
_DAY_S = 86_400.0


class InventorySettings(PresenceSettings, frozen=True, kw_only=True):
    """When a track counts, and when it is reported."""

    # Both levels: the validation images of two sets, looked at twice under other light, with a third of the
    # objects taken out of one of the looks. 0.55 and 0.25 gave event F1 0.75 at a precision of 0.90; 0.5 and
    # 0.25 the same F1 with a third more false events, 0.55 and 0.35 the same with 0.87.
    # Presence from which an object counts and may be reported as arrived.
    present_from: Share = 0.55
    # Presence below which it is reported as departed.
    gone_below: Share = 0.25
    # Score from which a detection may begin a track; weaker ones only support a track that exists. A
    # calibrated quarter is right one time in four: such a track waits as tentative and is not counted.
    min_score: Share = 0.25
    # Share of an object's ground that a look must clearly show before its absence counts.
    min_seen_fraction: Share = 0.85
    # A track that shifts on its own footprint is reported as moved from this distance; below it is the
    # error of registration and of the box.
    min_move_m: Annotated[float, msgspec.Meta(gt=0)] = 8.0
    # How long a departed track is kept, so that later looks can confirm its departure.
    forget_gone_after_days: Annotated[float, msgspec.Meta(gt=0)] = 14.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether the ground of a box changed since an earlier look at it."""

    changed: bool
    since: datetime


AskChange = Callable[[GroundBox, datetime], Answer | None]
"""A box and the instant of the look -> what a comparison says; None where there is none to make."""


def not_asked(_box: GroundBox, _seen_at: datetime) -> Answer | None:
    """No change model runs."""
    return None


@dataclass(frozen=True, slots=True)
class Recall:
    """How well the model finds each label: the measured recall at its threshold, by label."""

    by_label: Mapping[str, float]

    def of(self, label: str) -> float:
        """Recall in (0, 1]; a label without a figure is trusted as little as a coin."""
        return max(self.by_label.get(label, 0.5), MIN_RECALL)


@dataclass(frozen=True, slots=True)
class Inventory:
    """All tracks of a site, and the number of the next one."""

    tracks: tuple[Track, ...] = ()
    next_number: int = 1

    def present(self, label: str | None = None) -> tuple[Track, ...]:
        """The tracks believed to be there, of one label or of all."""
        return tuple(t for t in self.tracks if t.status is Status.PRESENT and label in (None, t.label))


def update(
    inventory: Inventory,
    sight: Sight,
    sightings: Sequence[Sighting],
    coverage: Coverage,
    *,
    site: Site,
    recall: Recall,
    settings: InventorySettings,
    changed: AskChange = not_asked,
) -> tuple[Inventory, Delta]:
    """The inventory after one look, and what changed in it.

    coverage  the ledger BEFORE this look: a place without an earlier view cannot have an arrival
    changed   whether the ground of a box differs from an earlier look; asked only where it decides something
    """
    found = pairs(inventory.tracks, sightings)
    step = _Step(sight, coverage, recall, settings, changed)
    stayed = [step.revisited(track, found.sighting_of(track)) for track in inventory.tracks]
    begun, number = _begin(step, site, found.unmatched, stayed, inventory.next_number)
    kept = tuple(track for track in [*stayed, *begun] if not step.is_forgotten(track))
    return Inventory(kept, number), _delta({track.track_id: track for track in inventory.tracks}, kept)


def _delta(before: Mapping[str, Track], after: Sequence[Track]) -> Delta:
    """What this very look decided: instants that were not there before it."""
    arrived, departed, moved = [], [], []
    for track in after:
        old = before.get(track.track_id)
        if track.arrived_at is not None and (old is None or old.arrived_at is None):
            arrived.append(track)
        if old is not None and track.departed_at is not None and old.departed_at is None:
            departed.append(track)
        if old is not None and track.moved_at != old.moved_at:
            moved.append(Move(track, old.box.position, distance_m(old.box.position, track.box.position)))
    return Delta(tuple(arrived), tuple(departed), tuple(moved))


@dataclass(frozen=True, slots=True)
class _Step:
    """One look at all tracks: what does not change from track to track."""

    sight: Sight
    coverage: Coverage
    recall: Recall
    settings: InventorySettings
    changed: AskChange

    def revisited(self, track: Track, sighting: Sighting | None) -> Track:
        """The track after this look; unchanged where the look does not bear on it."""
        if track.looked_at >= self.sight.seen_at:
            return track
        if sighting is not None:
            return self._decided(self._detected(track, sighting))
        if track.status is Status.GONE and track.log_odds <= -presence.MAX_LOG_ODDS:
            return track  # no look could make its departure surer
        seen_fraction = self.sight.share(track.box)
        if seen_fraction < self.settings.min_seen_fraction:
            return track
        return self._decided(self._missed(track, seen_fraction))

    def _relaxed(self, track: Track) -> float:
        return presence.relaxed(track.log_odds, _days(track.looked_at, self.sight.seen_at), self.settings)

    def _detected(self, track: Track, sighting: Sighting) -> Track:
        log_odds = presence.after_detection(self._relaxed(track), sighting.score)
        seen_at = self.sight.seen_at
        box = _blended(track.box, sighting.box) if sighting.whole else track.box
        shifted_m = distance_m(track.box.position, sighting.box.position)
        moved = sighting.whole and track.status is Status.PRESENT and shifted_m >= self._move_limit_m(track)
        return replace(
            track,
            box=sighting.box if moved else box,
            strength=max(sighting.score, track.strength * 0.9),
            log_odds=log_odds,
            last_seen=seen_at,
            looked_at=seen_at,
            moved_at=seen_at if moved else track.moved_at,
            history=_with(track.history, self._step(sighting.score, log_odds)),
        )

    def _move_limit_m(self, track: Track) -> float:
        """Half a length or the setting: what shifts less is the box, not the object."""
        return max(self.settings.min_move_m, 0.3 * track.box.length_m)

    def _missed(self, track: Track, seen_fraction: float) -> Track:
        miss = presence.miss_chance(track.strength, self.recall.of(track.label), self.settings)
        answer = self.changed(track.box, self.sight.seen_at) if track.status is Status.PRESENT else None
        changed = None if answer is None else answer.changed
        log_odds = presence.after_comparison(
            presence.after_miss(self._relaxed(track), miss),
            track.presence,
            0.0 if answer is None else _days(answer.since, self.sight.seen_at),
            changed=changed,
            settings=self.settings,
        )
        noted = replace(
            self._step(None, log_odds),
            seen_fraction=round(seen_fraction, 3),
            changed=changed,
            since=None if answer is None else answer.since,
            strength=round(track.strength, 4),
        )
        return replace(
            track, log_odds=log_odds, looked_at=self.sight.seen_at, history=_with(track.history, noted)
        )

    def _step(self, score: float | None, log_odds: float) -> Evidence:
        """What this look said of a track; a detection is proof of the whole ground."""
        return Evidence(self.sight.seen_at, self.sight.tile_id, 1.0, score, round(log_odds, 3))

    def _decided(self, track: Track) -> Track:
        """The track with the status that its presence gives it."""
        seen_at = self.sight.seen_at
        if track.status is Status.PRESENT and track.presence <= self.settings.gone_below:
            return replace(track, status=Status.GONE, departed_at=seen_at)
        if track.status is Status.TENTATIVE and track.presence >= self.settings.present_from:
            track = replace(track, status=Status.PRESENT)
        surely_new = track.arrival_confidence >= self.settings.present_from
        if track.status is Status.PRESENT and track.arrived_at is None and surely_new:
            return replace(track, arrived_at=seen_at)
        return track

    def begun(self, number: int, sighting: Sighting) -> Track:
        """A new track, at once decided."""
        seen_at = self.sight.seen_at
        newness, changed, since = self._newness(sighting)
        track = Track(
            track_id=f"{sighting.label[0]}{number}",
            label=sighting.label,
            box=sighting.box,
            strength=sighting.score,
            log_odds=presence.logit(sighting.score),
            status=Status.TENTATIVE,
            first_seen=seen_at,
            last_seen=seen_at,
            looked_at=seen_at,
            newness=newness,
        )
        noted = replace(self._step(sighting.score, track.log_odds), changed=changed, since=since)
        return self._decided(replace(track, history=(noted,)))

    def _newness(self, sighting: Sighting) -> tuple[float, bool | None, datetime | None]:
        """How surely it came since the ground was last seen, what a comparison says, and since when."""
        before = self.coverage.seen_before(sighting.box.position, self.sight.seen_at)
        if before is None:
            return 0.0, None, None
        miss = presence.miss_chance(sighting.score, self.recall.of(sighting.label), self.settings)
        answer = self.changed(sighting.box, self.sight.seen_at)
        changed = None if answer is None else answer.changed
        days = _days(before, self.sight.seen_at)
        return presence.newness(days, miss, self.settings, changed=changed), changed, before

    def is_outdated(self, box: GroundBox) -> bool:
        """True where a later look than this one has already told of the place."""
        newest = self.coverage.newest(box.position)
        return newest is not None and newest - self.sight.seen_at >= timedelta(minutes=1)

    def is_forgotten(self, track: Track) -> bool:
        """True for a doubtful track that a clear look did not show, and for an old departure."""
        if track.status is Status.TENTATIVE:
            return track.last_seen < track.looked_at
        gone_for = self.sight.seen_at - (track.departed_at or self.sight.seen_at)
        return gone_for > timedelta(days=self.settings.forget_gone_after_days)


def _begin(
    step: _Step, site: Site, unmatched: Sequence[Sighting], stayed: Sequence[Track], number: int
) -> tuple[list[Track], int]:
    """New tracks from detections on free ground of the site, and the next number."""
    begun: list[Track] = []
    taken = _Taken.of(stayed, site)
    for sighting in unmatched:
        fits = sighting.whole and sighting.score >= step.settings.min_score
        if not fits or not site.bounds.contains(sighting.box.position) or step.is_outdated(sighting.box):
            continue
        if _stands_on(sighting, [*taken.near(sighting, site), *begun]):
            continue
        begun.append(step.begun(number, sighting))
        number += 1
    return begun, number


@dataclass(frozen=True, slots=True, eq=False)
class _Taken:
    """The tracks that this look shows, and where: few of them are near any one detection.

    places_m  (N, 2) metres east and north of the site's middle; reach_m: (N,) half a length
    """

    tracks: tuple[Track, ...]
    places_m: NDArray[np.float64]
    reach_m: NDArray[np.float64]

    @classmethod
    def of(cls, stayed: Sequence[Track], site: Site) -> Self:
        seen = tuple(t for t in stayed if t.status is not Status.GONE and t.last_seen >= t.looked_at)
        places = [offset_m(site.bounds.centre, track.box.position) for track in seen]
        reach = [track.box.length_m / 2 for track in seen]
        return cls(seen, np.array(places, np.float64).reshape(-1, 2), np.array(reach, np.float64))

    def near(self, sighting: Sighting, site: Site) -> list[Track]:
        """Those whose boxes may touch that of a detection; a metre more for the shape of the earth."""
        place = np.array(offset_m(site.bounds.centre, sighting.box.position))
        off = np.abs(self.places_m - place).max(axis=1)
        touching = off <= self.reach_m + sighting.box.length_m / 2 + 1.0
        return [self.tracks[i] for i in np.flatnonzero(touching)]


def _stands_on(sighting: Sighting, tracks: Sequence[Track]) -> bool:
    """True where most of the detection lies on a track that was just seen: it is a part of that."""
    near = [
        track.box
        for track in tracks
        if track.label == sighting.label
        and track.status is not Status.GONE
        and track.last_seen >= track.looked_at
    ]
    if not near:
        return False
    inner, its, mine = shared_m2(near, [sighting.box], sighting.box.position)
    return bool((inner[:, 0] > 0.5 * np.minimum(its, mine[0])).any())


def _with(history: tuple[Evidence, ...], step: Evidence) -> tuple[Evidence, ...]:
    return (*history, step)[-MAX_HISTORY:]


def _blended(old: GroundBox, new: GroundBox) -> GroundBox:
    """The stored box moved a part of the way to the newest one."""

    def between(a: float, b: float) -> float:
        return a + BOX_GAIN * (b - a)

    lng_deg = math.remainder(new.position.lng - old.position.lng, 360.0)
    lng = math.remainder(old.position.lng + BOX_GAIN * lng_deg, 360.0)
    position = replace(old.position, lng=lng, lat=between(old.position.lat, new.position.lat))
    return GroundBox(position, between(old.width_m, new.width_m), between(old.height_m, new.height_m))


def _days(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds() / _DAY_S
