"""The alarm budget of a site: so many alerts a week, the rest in a digest a day, severe ones always. Pure.

Nothing is lost by it: what a rule finds is told at once, or with the next repeat of the same thing, or it
stands in a digest. Time is that of the ground seen, so that a replay spends as the field does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from edge.geo import LngLat, distance_m
from edge.monitor import headline
from edge.monitor.finding import Finding, Kind, Phase, Severity
from edge.monitor.quiet import is_always_said

WEEK = timedelta(days=7)

# Stories that wait for a digest one by one; a device that finds more of them in a day is beyond listing.
MAX_HELD = 300
# Stories that are remembered for their repeats, updates and ends, and days after which one is forgotten that
# never ended: its rule has left the configuration.
MAX_THREADS = 300
_FORGET_AFTER = timedelta(days=90)


class BudgetSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How many alerts a site may send."""

    # New alerts, updates and digests within any seven days; a third of them, seven at most, is kept for the
    # digests. Severe and extreme ones do not count, nor does the end of what was told.
    alerts_per_week: Annotated[int, Meta(ge=2, le=1000)] = 28
    # Hour of the day, UTC, at which the digest tells what was held back.
    digest_hour_utc: Annotated[int, Meta(ge=0, le=23)] = 6
    # The same rule at the same place within so many hours of the last time is no news: it is told as an
    # update, the second, fourth, eighth ... time.
    repeat_hours: Annotated[float, Meta(gt=0, le=168)] = 24.0

    @property
    def n_digests(self) -> int:
        """Digests within seven days."""
        return min(7, max(1, self.alerts_per_week // 3))

    @property
    def n_at_once(self) -> int:
        """Alerts and updates within seven days that are told when they are found."""
        return self.alerts_per_week - self.n_digests


@dataclass(frozen=True, slots=True)
class Spot:
    """Where one object of a story stood, and how long it is."""

    position: LngLat
    length_m: float


@dataclass(frozen=True, slots=True)
class Thread:
    """A story with its repeats, under the id of the first.

    opened_by  of the first; also: of its repeats
    n_times    how often it came; n_told: how often it had come when it was last told, 0 where it never was
    latest_at  when it last came
    spots      its objects; empty where it is about none
    is_open    True where it was told and its end was not
    """

    rule_id: str
    opened_by: str
    latest_at: datetime
    first_at: datetime
    spots: tuple[Spot, ...]
    also: tuple[str, ...] = ()
    n_times: int = 0
    n_told: int = 0
    is_open: bool = False

    def is_of(self, finding: Finding) -> bool:
        """True if the finding goes on with this very story."""
        return finding.rule_id == self.rule_id and finding.opened_by in (self.opened_by, *self.also)

    def is_repeated_by(self, finding: Finding, at: datetime, within: timedelta) -> bool:
        """True if a new finding is the same thing again: its rule, each of its objects at a known spot."""
        if finding.rule_id != self.rule_id or abs(at - self.latest_at) > within:
            return False
        if not finding.objects:
            return not self.spots
        return all(self._knows(one.position, one.length_m) for one in finding.objects)

    def _knows(self, position: LngLat, length_m: float) -> bool:
        return any(distance_m(spot.position, position) <= min(spot.length_m, length_m) for spot in self.spots)


@dataclass(frozen=True, slots=True)
class Held:
    """A story, or what came of it since the last digest, that was not told.

    n_times  how often since then; latest_at: when last
    """

    rule_id: str
    opened_by: str
    kind: Kind
    severity: Severity
    label: str | None
    zone: str | None
    headline: str
    count: int
    first_at: datetime
    latest_at: datetime
    position: LngLat | None
    n_times: int = 1


@dataclass(frozen=True, slots=True)
class Budget:
    """What a site has spent, and what it holds back.

    spent       when alerts and updates were told; digests: when digests were, both in the order of telling
    n_unlisted  findings beyond MAX_HELD that wait for the digest
    n_held      findings held back since the state began
    """

    spent: tuple[datetime, ...] = ()
    digests: tuple[datetime, ...] = ()
    threads: tuple[Thread, ...] = ()
    held: tuple[Held, ...] = ()
    n_unlisted: int = 0
    n_held: int = 0

    @property
    def n_waiting(self) -> int:
        """Findings that wait for the digest."""
        return sum(one.n_times for one in self.held) + (self.n_unlisted if self.held else 0)

    def n_used(self, at: datetime) -> int:
        """Alerts, updates and digests within the seven days before an instant."""
        return sum(at - WEEK < one <= at for one in (*self.spent, *self.digests))


@dataclass(frozen=True, slots=True)
class Ruling:
    """What becomes of a finding: as it is told, under the id of the first of its kind, or held back."""

    finding: Finding
    is_told: bool


def ruled(budget: Budget, finding: Finding, at: datetime, settings: BudgetSettings) -> tuple[Budget, Ruling]:
    """Whether a finding is told, and the budget after it.

    at  the instant it was made: of a look when it was seen
    """
    if is_always_said(finding.severity):
        return budget, Ruling(finding, is_told=True)
    known = _thread_of(budget, finding, at, timedelta(hours=settings.repeat_hours))
    if finding.phase in (Phase.END, Phase.CANCEL):
        return _ended(budget, finding, known)
    thread = _continued(known, finding, at)
    is_news = finding.phase is Phase.UPDATE or thread.n_times >= 2 * thread.n_told
    is_told = is_news and near(budget.spent, at) < settings.n_at_once
    told = _as_told(thread, finding)
    if is_told:
        thread = replace(thread, n_told=thread.n_times, is_open=True)
        spent = (*budget.spent, at)[-4 * settings.n_at_once :]
        budget = replace(budget, spent=spent, held=_without(budget, told))
    else:
        budget = _holding(budget, told, at)
    return _with_thread(budget, known, thread), Ruling(told, is_told)


def near(instants: Sequence[datetime], at: datetime) -> int:
    """How many lie within seven days of an instant, on either side: a tile may come late."""
    return sum(abs(at - one) < WEEK for one in instants)


def _thread_of(budget: Budget, finding: Finding, at: datetime, within: timedelta) -> Thread | None:
    for thread in reversed(budget.threads):
        if thread.is_of(finding):
            return thread
    if finding.phase is not Phase.NEW:
        return None
    return next((one for one in reversed(budget.threads) if one.is_repeated_by(finding, at, within)), None)


def _continued(known: Thread | None, finding: Finding, at: datetime) -> Thread:
    """The thread with one more finding; an update of an unknown story is of one that was told."""
    spots = tuple(Spot(one.position, one.length_m) for one in finding.objects)
    if known is None:
        n_told = int(finding.phase is Phase.UPDATE)
        return Thread(finding.rule_id, finding.opened_by, at, at, spots, n_times=1, n_told=n_told)
    if known.is_of(finding):
        return replace(known, latest_at=at, spots=spots or known.spots)
    return replace(
        known, latest_at=at, also=(*known.also, finding.opened_by)[-16:], n_times=known.n_times + 1
    )


def _as_told(thread: Thread, finding: Finding) -> Finding:
    """The finding under the id of its thread: new where nothing was told of that yet, else an update."""
    phase = Phase.UPDATE if thread.n_told else Phase.NEW
    told = replace(finding, opened_by=thread.opened_by, phase=phase)
    if thread.n_times < 2 or finding.phase is not Phase.NEW:
        return told
    step = {"times": thread.n_times, "since": thread.first_at}
    again = headline.of_repeat(finding.headline, thread.n_times, thread.first_at.date())
    return replace(told, headline=again, why=(step, *told.why))


def _ended(budget: Budget, finding: Finding, known: Thread | None) -> tuple[Budget, Ruling]:
    """The end of what was told is told; of what was not, nobody waits for it."""
    if known is None:
        return budget, Ruling(finding, is_told=True)
    ended = replace(finding, opened_by=known.opened_by)
    return _with_thread(budget, known, replace(known, is_open=False)), Ruling(ended, known.is_open)


def _with_thread(budget: Budget, before: Thread | None, after: Thread) -> Budget:
    others = tuple(
        one
        for one in budget.threads
        if one is not before and abs(after.latest_at - one.latest_at) <= _FORGET_AFTER
    )
    return replace(budget, threads=(*others, after)[-MAX_THREADS:])


def _holding(budget: Budget, finding: Finding, at: datetime) -> Budget:
    budget = replace(budget, n_held=budget.n_held + 1)
    known = next((one for one in budget.held if _is_same(one, finding)), None)
    if known is None and len(budget.held) >= MAX_HELD:
        return replace(budget, n_unlisted=budget.n_unlisted + 1)
    held = _held(finding, at)
    if known is not None:
        held = replace(held, first_at=known.first_at, n_times=known.n_times + 1)
    return replace(budget, held=(*(one for one in budget.held if one is not known), held))


def _without(budget: Budget, told: Finding) -> tuple[Held, ...]:
    """What waits beside a story that is told now, with all that was held back of it."""
    return tuple(one for one in budget.held if not _is_same(one, told))


def _is_same(held: Held, finding: Finding) -> bool:
    return (held.rule_id, held.opened_by) == (finding.rule_id, finding.opened_by)


def _held(finding: Finding, at: datetime) -> Held:
    position = finding.objects[0].position if finding.objects else None
    return Held(
        finding.rule_id, finding.opened_by, finding.kind, finding.severity, finding.label, finding.zone,
        finding.headline, finding.count, at, at, position,
    )  # fmt: skip
