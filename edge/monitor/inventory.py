"""The inventory of a site: detections of a look become arrivals, departures and moves of tracks. Pure.

Differencing two lists of detections reports its own misses. Here a track loses its presence by the chance
that the model would have shown it, and wins it by the score; a place that was not seen says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
import numpy as np
from msgspec.structs import replace as renewed

from edge.geo import LngLat, Site, distance_m
from edge.monitor import presence
from edge.monitor.coverage import Coverage, Sight
from edge.monitor.kinds import USUAL, elected, votes_after, wavers, widest
from edge.monitor.match import Pairs, pairs
from edge.monitor.places import Places, areas_m2, touching
from edge.monitor.presence import PresenceSettings
from edge.monitor.track import Delta, Evidence, GroundBox, Move, Sighting, Status, Track

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]

# Of a label that a model practically never finds nothing can be said; this keeps its counts finite.
MIN_RECALL = 0.05
# A doubtful track that a clear look did not show is given up below this.
MIN_PRESENCE = 0.1
# A label without a figure is trusted as little as a coin.
DOUBT = 0.5
# Looks kept in a track to explain it; an alert shows the latest of them.
MAX_HISTORY = 12
# A calibrated score below this is more likely to be no object than one.
WEAK = 0.5
# Share of the score that it had before below which a sight is a fainter one.
FAINTER = 0.5
# How much of the newest box enters the stored one: the jitter of single boxes averages out.
BOX_GAIN = 0.4
_DAY_S = 86_400.0
# Looked up by the hundred at each look: members of an enumeration are slow to name (Python 3.11).
_TENTATIVE, _PRESENT, _GONE = Status.TENTATIVE, Status.PRESENT, Status.GONE


class InventorySettings(PresenceSettings, frozen=True, kw_only=True):
    """When a track counts, and when it is reported."""

    # Both levels: the validation images of two sets, looked at twice under other light, with a third of the
    # objects taken out of one of the looks. 0.55 and 0.25 gave event F1 0.75 at a precision of 0.90; 0.5 and
    # 0.25 the same F1 with a third more false events, 0.55 and 0.35 the same with 0.87.
    # Presence from which an object counts and may be reported as arrived.
    present_from: Share = 0.55
    # Presence below which it is reported as departed.
    gone_below: Share = 0.25
    # Score from which a detection may begin a track, times the recall of its label: of what the model finds
    # poorly, weak sights are all there is. Weaker ones only support a track that exists. A calibrated quarter
    # is right one time in four: such a track waits as tentative and is not counted.
    min_score: Share = 0.25
    # Share of an object's ground that a look must clearly show before its absence counts.
    min_seen_fraction: Share = 0.85
    # A track that shifts on its own footprint is reported as moved from this distance; below it is the
    # error of registration and of the box.
    min_move_m: Annotated[float, msgspec.Meta(gt=0)] = 8.0
    # How long a departed track is kept, so that later looks can confirm its departure.
    forget_gone_after_days: Annotated[float, msgspec.Meta(gt=0)] = 14.0
    # Labels that are kinds of a wider one: what asks for aircraft is also asked of helicopters, and an object
    # that the model calls now this, now that is one object. {} keeps all labels apart.
    kinds: Mapping[Word, Word] = msgspec.field(default_factory=lambda: dict(USUAL))
    # Chance that what the model took for such an object by mistake is taken for one again, on the same spot,
    # at the next look. Rendered places: 0.03 of 235 false ships, which are waves, and 0.6 of 226 false
    # helicopters, which are bushes and heaps of snow. A label without a figure has 0.5: a faint sight that
    # comes again then says hardly more than its score.
    false_again: Mapping[Word, Annotated[float, msgspec.Meta(gt=0, le=1)]] = msgspec.field(
        default_factory=lambda: {"ship": 0.1}
    )

    def false_again_of(self, label: str) -> float:
        """The chance of a label; kinds of one wider label, between which a model wavers, share that one's."""
        return self.false_again.get(widest(label, self.kinds), DOUBT)

    def __post_init__(self) -> None:
        for label, wider in self.kinds.items():
            if wider in self.kinds:
                raise ValueError(f"kinds.{label}: expected a label that is no kind of another, got {wider}")


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
        """Recall in (0, 1] of a label."""
        return max(self.by_label.get(label, DOUBT), MIN_RECALL)


@dataclass(frozen=True, slots=True)
class Inventory:
    """All tracks of a site, and the number of the next one."""

    tracks: tuple[Track, ...] = ()
    next_number: int = 1

    def present(self, label: str | None = None) -> tuple[Track, ...]:
        """The tracks believed to be there, of one label or of all."""
        present = Status.PRESENT
        return tuple(t for t in self.tracks if t.status is present and label in (None, t.label))


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
    found = pairs(inventory.tracks, sightings, settings.kinds)
    step = _Step(sight, coverage, recall, settings, changed)
    stayed = step.revisited(inventory.tracks, found)
    begun = step.begun(found.unmatched, stayed, site, inventory.next_number)
    kept_since = sight.seen_at - timedelta(days=settings.forget_gone_after_days)
    kept = tuple(t for t in [*stayed, *begun] if t.status is _PRESENT or not _is_forgotten(t, kept_since))
    return Inventory(kept, inventory.next_number + len(begun)), _delta(inventory.tracks, stayed, begun)


def _delta(before: Sequence[Track], stayed: Sequence[Track], begun: Sequence[Track]) -> Delta:
    """What this very look decided: instants that were not there before it."""
    news = [(old, new) for old, new in zip(before, stayed, strict=True) if new is not old]
    arrived = [new for old, new in news if new.arrived_at is not None and old.arrived_at is None]
    departed = [new for old, new in news if new.departed_at is not None and old.departed_at is None]
    moved = [
        Move(new, old.box.position, distance_m(old.box.position, new.box.position))
        for old, new in news
        if new.moved_at != old.moved_at
    ]
    came = [track for track in begun if track.arrived_at is not None]
    return Delta((*arrived, *came), tuple(departed), tuple(moved))


@dataclass(frozen=True, slots=True)
class _Step:
    """One look at all tracks: what does not change from track to track."""

    sight: Sight
    coverage: Coverage
    recall: Recall
    settings: InventorySettings
    changed: AskChange
    _turned: dict[datetime, float] = field(default_factory=dict)

    def revisited(self, tracks: Sequence[Track], found: Pairs) -> list[Track]:
        """The tracks after this look; those that it does not bear on are unchanged."""
        seen_at, sightings, surest = self.sight.seen_at, found.by_track, -presence.MAX_LOG_ODDS
        after, missing = list(tracks), []
        for n, track in enumerate(tracks):
            # No look could make a departure surer that is as sure as can be.
            if track.looked_at >= seen_at or (track.log_odds <= surest and track.status is _GONE):
                continue
            sighting = sightings.get(track.track_id)
            if sighting is None:
                missing.append(n)
            elif self._may_tell(track, sighting):
                after[n] = self._detected(track, sighting)
        shares = self.sight.shares(Places.of([tracks[n].box for n in missing])).tolist()
        for n, share in zip(missing, shares, strict=True):
            if share >= self.settings.min_seen_fraction:
                after[n] = self._missed(tracks[n], share)
        return after

    def _may_tell(self, track: Track, sighting: Sighting) -> bool:
        """False for a weak sight through cloud, or at the border: it would speak against what it hides."""
        return sighting.score >= WEAK or self.sight.share(track.box) >= self.settings.min_seen_fraction

    def _turned_since(self, at: datetime) -> float:
        """Chance of a turnover since a look: most tracks share their last one."""
        turned = self._turned.get(at)
        if turned is None:
            turned = self._turned[at] = presence.turnover(_days(at, self.sight.seen_at), self.settings)
        return turned

    def _detected(self, track: Track, sighting: Sighting) -> Track:
        was, turned = track.presence, self._turned_since(track.looked_at)
        detected = presence.after_sight_again(
            presence.faded(track.log_odds, turned), sighting.score,
            strength=track.strength, miss=self._miss(track),
            false_again=self.settings.false_again_of(track.label),
        )  # fmt: skip
        # A sight much weaker than those before speaks against the object: whether it left, or was misread
        # before, its ground may tell. What always was shown faintly is shown as it was.
        is_fainter = sighting.score < min(WEAK, FAINTER * track.strength)
        answer = self._asked(track) if is_fainter and self._may_become_doubtful(detected) else None
        came = self._whether_it_came(track, detected)
        log_odds = self._compared(detected, was, answer)
        step = Evidence(
            self.sight.seen_at, self.sight.tile_id, 1.0, sighting.score, round(log_odds, 3),
            strength=round(track.strength, 4), recall=self._recall_noted(track.label),
        )  # fmt: skip
        moved, box = self._placed(track, sighting)
        votes = votes_after(track.votes, sighting, self.settings.kinds)
        shown = renewed(
            track,
            label=elected(votes, track.label),
            votes=votes,
            box=box,
            strength=max(sighting.score, track.strength * 0.9),
            newness=self._newness_compared(track, came),
            left_share=self._left_share(track, was, turned, answer),
            last_seen=self.sight.seen_at,
            moved_at=self.sight.seen_at if moved else track.moved_at,
        )
        return self._decided(track, shown, log_odds, self._noted(step, came or answer))

    def _may_become_doubtful(self, log_odds: float) -> bool:
        """False where even changed ground would leave it counting: a question costs a run of a model."""
        least = log_odds - presence.weight_of_change(self.settings)
        return presence.probability(least) < self.settings.present_from

    def _placed(self, track: Track, sighting: Sighting) -> tuple[bool, GroundBox]:
        """Whether an object stands elsewhere on its footprint, and where it is after this sight."""
        if not sighting.whole:
            return False, track.box
        shifted_m = distance_m(track.box.position, sighting.box.position)
        moved = track.status is _PRESENT and shifted_m >= self._move_limit_m(track)
        return moved, sighting.box if moved else _blended(track.box, sighting.box)

    def _move_limit_m(self, track: Track) -> float:
        """Half a length or the setting: what shifts less is the box, not the object."""
        return max(self.settings.min_move_m, 0.3 * track.box.length_m)

    def _missed(self, track: Track, seen_fraction: float) -> Track:
        answer, seen_at = self._asked(track), self.sight.seen_at
        was, turned = track.presence, self._turned_since(track.looked_at)
        unseen = presence.after_miss(presence.faded(track.log_odds, turned), self._miss(track))
        log_odds = self._compared(unseen, was, answer)
        step = Evidence(
            seen_at, self.sight.tile_id, round(seen_fraction, 3), None, round(log_odds, 3),
            strength=round(track.strength, 4), recall=self._recall_noted(track.label),
        )  # fmt: skip
        missed = renewed(track, left_share=self._left_share(track, was, turned, answer))
        return self._decided(track, missed, log_odds, self._noted(step, answer))

    def _miss(self, track: Track) -> float:
        return presence.miss_chance(track.strength, self.recall.of(track.label), self.settings)

    def _recall_noted(self, label: str) -> float | None:
        """The recall that a look was weighed with, where the label may be another one later."""
        return self.recall.of(label) if wavers(label, self.settings.kinds) else None

    def _asked(self, track: Track) -> Answer | None:
        """What a comparison says of the ground of an object that is believed to be there."""
        answer = self.changed(track.box, self.sight.seen_at) if track.status is _PRESENT else None
        # Of a look before it was first seen nobody knows whether it was there.
        return None if answer is None or answer.since < track.first_seen else answer

    def _compared(self, log_odds: float, was: float, answer: Answer | None) -> float:
        """The log-odds with what a comparison says; was: the presence at the look before."""
        if answer is None:
            return log_odds
        days = _days(answer.since, self.sight.seen_at)
        return presence.after_comparison(log_odds, was, days, changed=answer.changed, settings=self.settings)

    def _noted(self, step: Evidence, answer: Answer | None) -> Evidence:
        return step if answer is None else renewed(step, changed=answer.changed, since=answer.since)

    def _left_share(self, track: Track, was: float, turned: float, answer: Answer | None) -> float:
        likelihoods = presence.likelihoods_of(None if answer is None else answer.changed, self.settings)
        return presence.share_left(track.left_share, was, turned, likelihoods=likelihoods)

    def _decided(self, before: Track, after: Track, log_odds: float, noted: Evidence) -> Track:
        """A track after this look, with what its presence makes of it: a status, and instants of news."""
        seen_at, status = self.sight.seen_at, before.status
        arrived_at, departed_at = before.arrived_at, before.departed_at
        present = presence.probability(log_odds)
        if status is _PRESENT and present <= self.settings.gone_below:
            status, departed_at = _GONE, seen_at
        elif status is _TENTATIVE and present >= self.settings.present_from:
            status = _PRESENT
        if arrived_at is None and status is _PRESENT:
            surely_new = present * after.newness >= self.settings.present_from
            arrived_at = seen_at if surely_new else None
        return renewed(
            after,
            log_odds=log_odds,
            status=status,
            arrived_at=arrived_at,
            departed_at=departed_at,
            looked_at=seen_at,
            history=(*before.history[1 - MAX_HISTORY :], noted),
        )

    def begun(
        self, unmatched: Sequence[Sighting], stayed: Sequence[Track], site: Site, number: int
    ) -> list[Track]:
        """New tracks, from this number on, of detections on free ground of the site."""
        fitting = [
            sighting
            for sighting in unmatched
            if sighting.whole
            and sighting.score >= self.settings.min_score * self.recall.of(sighting.label)
            and site.bounds.contains(sighting.box.position)
        ]
        views = self.coverage.views(Places.of([one.box for one in fitting]), self.sight.seen_at)
        # Where a later look than this one has told of the place nothing begins.
        fresh = [n for n, is_late in enumerate(views.is_late) if not is_late]
        fitting = [fitting[n] for n in fresh]
        begun: dict[int, Track] = {}
        for n, covering in enumerate(self._standing_under(fitting, stayed, site)):
            if not any(other == _A_TRACK or other in begun for other in covering):
                begun[n] = self._begun(number + len(begun), fitting[n], views.before[fresh[n]])
        return list(begun.values())

    def _standing_under(
        self, fitting: Sequence[Sighting], stayed: Sequence[Track], site: Site
    ) -> list[set[int]]:
        """On which others each detection mostly lies, of which it is a part where those count.

        Others are earlier detections, by their numbers, and tracks that were just seen, all of them _A_TRACK.
        """
        seen = [t for t in stayed if t.last_seen >= t.looked_at and t.status is not _GONE]
        under: list[set[int]] = [set() for _ in fitting]
        if not fitting:
            return under
        others: list[Track | Sighting] = [*seen, *fitting]
        wider = self.settings.kinds.get
        alike = [wider(one.label, one.label) for one in others]
        theirs = Places.of([one.box for one in others]).sides_m(site.bounds.centre)
        mine = theirs[len(seen) :]
        rows, columns, shared = touching(theirs, mine)
        part = shared > 0.5 * np.minimum(areas_m2(theirs)[rows], areas_m2(mine)[columns])
        for i, n in zip(rows[part].tolist(), columns[part].tolist(), strict=True):
            if alike[i] == alike[len(seen) + n]:
                under[n].add(max(i - len(seen), _A_TRACK))
        return under

    def _begun(self, number: int, sighting: Sighting, before: datetime | None) -> Track:
        """A new track, at once decided; before: when its ground was last seen."""
        seen_at = self.sight.seen_at
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
            newness=self._newness(sighting.label, sighting.score, before),
            votes=votes_after({}, sighting, self.settings.kinds),
        )
        came = self._whether_it_came(track, track.log_odds)
        noted = Evidence(
            seen_at, self.sight.tile_id, 1.0, sighting.score, round(track.log_odds, 3),
            changed=None if came is None else came.changed,
            since=before,
            recall=self._recall_noted(sighting.label),
        )  # fmt: skip
        shown = renewed(track, newness=self._newness_compared(track, came))
        return self._decided(track, shown, track.log_odds, noted)

    def _whether_it_came(self, track: Track, log_odds: float) -> Answer | None:
        """What its ground says of the time before a track, asked once, when it may make it an arrival.

        Asked no earlier: most of what the model shows once and faintly never counts.

        log_odds  after this look, all else taken in
        """
        if track.status is not _TENTATIVE or not track.newness or _was_compared(track):
            return None
        present = presence.probability(log_odds)
        if_so = self._newness_compared(track, Answer(changed=True, since=track.first_seen))
        if present * if_so < self.settings.present_from:
            return None
        return self.changed(track.box, track.first_seen)

    def _newness_compared(self, track: Track, answer: Answer | None) -> float:
        """The newness with what a comparison with the time before a track says."""
        changed = None if answer is None else answer.changed
        return presence.newness_compared(track.newness, changed=changed, settings=self.settings)

    def _newness(self, label: str, score: float, before: datetime | None) -> float:
        """How surely an object of which this look is the first came since its ground was last seen."""
        if before is None:
            return 0.0
        miss = presence.miss_chance(score, self.recall.of(label), self.settings)
        return presence.newness(_days(before, self.sight.seen_at), miss, self.settings)


def _was_compared(track: Track) -> bool:
    """True where its ground was compared with the time before it, or where its first look is not kept."""
    if not track.history:
        return False
    return track.history[0].seen_at != track.first_seen or any(
        step.changed is not None for step in track.history
    )


def _is_forgotten(track: Track, kept_since: datetime) -> bool:
    """True for a doubtful track that a clear look did not show, and for an old departure."""
    if track.departed_at is None:
        is_missed = track.status is _TENTATIVE and track.last_seen < track.looked_at
        return is_missed and track.presence < MIN_PRESENCE
    return track.departed_at < kept_since


_A_TRACK = -1


def _blended(old: GroundBox, new: GroundBox) -> GroundBox:
    """The stored box moved a part of the way to the newest one."""
    was, now = old.position, new.position
    lng_deg = math.remainder(now.lng - was.lng, 360.0)
    lng = math.remainder(was.lng + BOX_GAIN * lng_deg, 360.0)
    return GroundBox(
        LngLat(lng, was.lat + BOX_GAIN * (now.lat - was.lat)),
        old.width_m + BOX_GAIN * (new.width_m - old.width_m),
        old.height_m + BOX_GAIN * (new.height_m - old.height_m),
    )


def _days(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds() / _DAY_S
