"""The presence of one object, moved look by look as the inventory moved it, from what is kept. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from msgspec.structs import replace as renewed

from edge.explain.ledger import Looked
from edge.monitor import presence
from edge.monitor.inventory import InventorySettings
from edge.monitor.kinds import all_of, widest
from edge.monitor.presence import PresenceSettings
from edge.monitor.track import Evidence, Track

# Log-odds are kept to three digits, scores in full.
TOLERANCE = 0.01
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Step:
    """What one look did to the presence of a track, in log-odds.

    look       as it was kept: when, which tile, score or none, share of the ground seen, change or none
    by_time    the fading since the look before; by_sight: the detection or its absence
    by_change  the comparison with an earlier look
    miss       chance that the model misses an object that is there; None at a sure detection
    derived    presence after the look, worked out; None where what it follows from is not kept
    in_ledger  True if the ledger of looks says the same of this look; None where it is not kept any more
    """

    look: Evidence
    by_time: float | None
    by_sight: float | None
    by_change: float | None
    miss: float | None
    derived: float | None
    in_ledger: bool | None

    @property
    def agrees(self) -> bool:
        """False where what was kept is not what follows from it."""
        differs = self.derived is not None and abs(self.derived - self.look.log_odds) > TOLERANCE
        return not differs and self.in_ledger is not False


@dataclass(frozen=True, slots=True)
class Chain:
    """A track with its looks; what follows from its first look is derived where that is kept, else None."""

    track: Track
    steps: tuple[Step, ...]
    newness: float | None
    left_share: float | None

    def derived_track(self) -> Track:
        """The track with presence and newness as they were worked out, where they can be."""
        last = self.steps[-1].derived if self.steps else None
        return renewed(
            self.track,
            log_odds=self.track.log_odds if last is None else last,
            newness=self.track.newness if self.newness is None else self.newness,
            left_share=self.track.left_share if self.left_share is None else self.left_share,
        )

    @property
    def agrees(self) -> bool:
        """True if every look and the outcome are as they were kept."""
        newness = self.newness is None or abs(self.newness - self.track.newness) < TOLERANCE
        left = self.left_share is None or abs(self.left_share - self.track.left_share) < TOLERANCE
        return newness and left and all(step.agrees for step in self.steps)


def chain_of(track: Track, settings: InventorySettings, recall: float, looks: Mapping[str, Looked]) -> Chain:
    """Every look of a track again.

    recall  of the model for its label, as it was then; of another one it was called, its look keeps it
    looks   the ledger, by tile
    """
    steps: list[Step] = []
    newness = _newness(track, settings, recall)
    for step in track.history:
        before = steps[-1] if steps else None
        in_ledger = _in_ledger(track, step, settings, looks)
        steps.append(_step(track, step, before, settings, recall, in_ledger))
    return Chain(
        track, tuple(steps), _newness_compared(track, newness, settings), _left_share(steps, track, settings)
    )


def _step(  # noqa: PLR0917 - the whole of a look
    track: Track,
    look: Evidence,
    before: Step | None,
    settings: InventorySettings,
    recall: float,
    in_ledger: bool | None,  # noqa: FBT001
) -> Step:
    if before is None:
        # The first of all is worked out; where an older one was dropped, the kept figure is where we begin.
        is_first = look.seen_at == track.first_seen and look.score is not None
        start = presence.logit(look.score or 0.0) if is_first else look.log_odds
        return Step(look, None, start if is_first else None, None, None, start, in_ledger)
    if before.derived is None:
        return Step(look, None, None, None, None, look.log_odds, in_ledger)
    faded = presence.relaxed(before.derived, _days(before.look.seen_at, look.seen_at), settings)
    by_time = faded - before.derived
    if look.score is None and look.strength is None:
        return Step(look, by_time, None, None, None, None, in_ledger)
    of_then = look.recall or recall
    miss = None if look.strength is None else presence.miss_chance(look.strength, of_then, settings)
    if look.score is not None and look.strength is not None and miss is not None:
        after = presence.after_sight_again(
            faded,
            look.score,
            strength=look.strength,
            miss=miss,
            false_again=settings.false_again_of(track.label),
        )
    elif look.score is not None:
        after = presence.after_detection(faded, look.score)  # kept by a release that kept no more of it
    else:
        after = presence.after_miss(faded, miss or settings.min_miss)
    of_before = _is_of_before(track, look)
    compared = presence.after_comparison(
        after,
        presence.probability(before.derived),
        0.0 if look.since is None else _days(look.since, look.seen_at),
        changed=None if of_before else look.changed,
        settings=settings,
    )
    by_change = None if look.changed is None or of_before else compared - after
    return Step(look, by_time, after - faded, by_change, miss, compared, in_ledger)


def _is_of_before(track: Track, look: Evidence) -> bool:
    """True where its ground was compared with the time before the track."""
    return look.changed is not None and look.since is not None and look.since < track.first_seen


def _newness(track: Track, settings: PresenceSettings, recall: float) -> float | None:
    """How surely it came, by what was seen alone; None where its first look is not kept."""
    if not track.history or track.history[0].seen_at != track.first_seen:
        return None
    first = track.history[0]
    if first.score is None or (first.since is None and track.newness):
        return None  # kept by a release that did not keep since when
    if first.since is None:
        return 0.0
    miss = presence.miss_chance(first.score, first.recall or recall, settings)
    days = _days(first.since, first.seen_at)
    return presence.newness(days, miss, settings)


def _newness_compared(track: Track, newness: float | None, settings: PresenceSettings) -> float | None:
    if newness is None:
        return None
    for look in track.history:
        if _is_of_before(track, look):
            newness = presence.newness_compared(newness, changed=look.changed, settings=settings)
    return newness


def _left_share(steps: Sequence[Step], track: Track, settings: PresenceSettings) -> float | None:
    """How surely it left rather than never was there, look by look; None where a look is not kept."""
    if not steps or steps[0].look.seen_at != track.first_seen:
        return None
    share = 0.0
    for before, step in pairwise(steps):
        if before.derived is None:
            return None
        share = presence.left_share(
            share,
            presence.probability(before.derived),
            _days(before.look.seen_at, step.look.seen_at),
            settings,
            changed=None if _is_of_before(track, step.look) else step.look.changed,
        )
    return share


def _in_ledger(
    track: Track, step: Evidence, settings: InventorySettings, looks: Mapping[str, Looked]
) -> bool | None:
    look = looks.get(step.tile_id)
    if look is None:
        return None
    if step.score is None:
        return look.rejected is None
    labels = all_of(widest(track.label, settings.kinds), settings.kinds)
    return look.shows(labels, step.score, track.box)


def _days(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds() / _DAY_S
