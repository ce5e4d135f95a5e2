"""What is kept quiet: places that an operator called false, rules and sites that were snoozed. Pure.

Quiet is not blind: the inventory goes on as ever, only the telling stops, and what is hidden is counted.
Time is that of the ground seen, so that a replay with the same quiet gives the same alerts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta

from edge.geo import LngLat, distance_m
from edge.monitor.finding import Finding, Kind, Phase, Severity
from edge.monitor.kinds import USUAL, widest
from edge.monitor.track import Delta, Track

StoryT = TypeVar("StoryT")

# One wrong detection that flickers arrives and departs in turn: who calls one of them false means both.
_SAME_THING = frozenset({Kind.ARRIVAL, Kind.DEPARTURE})


class QuietSettings(msgspec.Struct, frozen=True, kw_only=True):
    """For how long an operator's word keeps something quiet."""

    # Days for which `feedback false` hides the same thing at the same place.
    feedback_days: Annotated[float, Meta(gt=0, le=366)] = 30.0
    # Quiet around a place, in lengths of the object called false. Below 2: a new object two lengths away is
    # never hidden.
    radius_lengths: Annotated[float, Meta(gt=0, lt=2)] = 1.0
    # The longest snooze, in days: a forgotten one must not silence a site for years.
    max_snooze_days: Annotated[float, Meta(gt=0, le=366)] = 31.0


@dataclass(frozen=True, slots=True)
class QuietPlace:
    """A place at which findings of one label, and of its kinds, are not told.

    alert_id  the alert that was called false
    until_at  ground seen from then on is told again
    """

    alert_id: str
    kind: Kind
    label: str
    position: LngLat
    radius_m: float
    until_at: datetime

    def hides(self, kind: Kind, label: str, position: LngLat, at: datetime) -> bool:
        """True if a finding of this kind about an object there, seen at that instant, is not told."""
        return (
            at < self.until_at
            and widest(label, USUAL) == widest(self.label, USUAL)
            and is_same_thing(kind, self.kind)
            and distance_m(position, self.position) <= self.radius_m
        )


@dataclass(frozen=True, slots=True)
class Snooze:
    """A rule, or with None the whole site, that says nothing below severe for a time.

    alert_id     the alert that it was asked for by
    is_feedback  True where it stands for a false alert without a place (a count)
    """

    alert_id: str
    rule_id: str | None
    until_at: datetime
    is_feedback: bool = False

    def hides(self, finding: Finding, at: datetime) -> bool:
        """True if this finding is not told at that instant."""
        return (
            at < self.until_at
            and self.rule_id in (None, finding.rule_id)
            and not is_always_said(finding.severity)
        )


@dataclass(frozen=True, slots=True)
class Quiet:
    """All that is kept quiet at one site."""

    places: tuple[QuietPlace, ...] = ()
    snoozes: tuple[Snooze, ...] = ()

    def is_quiet_place(self, kind: Kind, label: str, position: LngLat, at: datetime) -> bool:
        """True if a finding of this kind about an object there is not told."""
        return any(place.hides(kind, label, position, at) for place in self.places)

    def hides(self, finding: Finding, at: datetime) -> bool:
        """True if a finding is snoozed, or all of its objects stand at quiet places."""
        return any(snooze.hides(finding, at) for snooze in self.snoozes) or (
            bool(finding.objects)
            and all(
                self.is_quiet_place(finding.kind, found.label, found.position, at)
                for found in finding.objects
            )
        )

    def audible(self, kind: Kind, tracks: Iterable[Track], at: datetime) -> list[Track]:
        """The tracks of which a finding of this kind may be told."""
        return [one for one in tracks if not self.is_quiet_place(kind, one.label, one.box.position, at)]

    def n_hidden(self, delta: Delta, at: datetime) -> int:
        """How many changes of a look happened at quiet places."""
        changes = (
            *((Kind.ARRIVAL, track) for track in delta.arrived),
            *((Kind.DEPARTURE, track) for track in delta.departed),
            *((Kind.MOVED, move.track) for move in delta.moved),
            *((Kind.ALTERED, track) for track in delta.altered),
        )
        return sum(self.is_quiet_place(kind, one.label, one.box.position, at) for kind, one in changes)

    def at(self, instant: datetime) -> Quiet:
        """What of it still holds then."""
        return Quiet(
            tuple(place for place in self.places if instant < place.until_at),
            tuple(snooze for snooze in self.snoozes if instant < snooze.until_at),
        )


NOTHING = Quiet()


def is_same_thing(one: Kind, other: Kind) -> bool:
    """True if an operator who calls one of the kinds false at a place means the other one too."""
    return one is other or {one, other} <= _SAME_THING


def is_always_said(severity: Severity) -> bool:
    """True for what no snooze may hide."""
    return severity.rank >= Severity.SEVERE.rank


@dataclass(frozen=True, slots=True)
class Heard(Generic[StoryT]):
    """What is told of findings, the stories as they then stand, and how many findings were hidden."""

    findings: tuple[Finding, ...]
    stories: Mapping[str, StoryT]
    n_hidden: int


def heard(
    findings: Sequence[Finding],
    before: Mapping[str, StoryT],
    after: Mapping[str, StoryT],
    *,
    quiet: Quiet,
    at: datetime,
) -> Heard[StoryT]:
    """Leave out what is kept quiet.

    A story that would begin has not begun: if it is still so when the snooze is over, it begins then. One
    that was told before the snooze goes on in silence, and its end is told.

    before, after  the open stories by their keys, before and after the findings
    at             when the findings were made: of a look when it was seen; blindness may be much older
    """
    told: list[Finding] = []
    stories = dict(after)
    for finding in findings:
        if finding.phase is Phase.END or not quiet.hides(finding, at):
            told.append(finding)
        elif finding.story_key in before:
            stories[finding.story_key] = before[finding.story_key]
        else:
            stories.pop(finding.story_key, None)
    return Heard(tuple(told), stories, len(findings) - len(told))
