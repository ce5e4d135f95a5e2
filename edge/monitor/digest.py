"""The digest of a site: what its alarm budget held back, told once a day at a set hour. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from edge.monitor import headline
from edge.monitor.budget import Budget, BudgetSettings, Held, near
from edge.monitor.finding import Finding, Kind, Phase, Severity
from edge.monitor.quiet import NOTHING, Quiet

DIGEST_RULE = f"{Kind.DIGEST}:@*"
"""Stands where other alerts have the id of their rule."""

# What a digest lists; about 25 KiB. The others are counted.
MAX_LISTED = 100
_DAY = timedelta(days=1)


def digest_due_at(budget: Budget, settings: BudgetSettings) -> datetime | None:
    """When the next digest is to be told; None where nothing waits."""
    return next(_hours(budget, settings), None)


def _hours(budget: Budget, settings: BudgetSettings) -> Iterator[datetime]:
    """The hours at which what waits may be told, the earliest first, without an end."""
    if not budget.held:
        return
    after = max((min(one.first_at for one in budget.held), *budget.digests[-1:]))
    due = after.replace(hour=settings.digest_hour_utc, minute=0, second=0, microsecond=0)
    while True:
        if due > after and near(budget.digests, due) < settings.n_digests:
            yield due
        due += _DAY


def digest_until(
    site_id: str,
    budget: Budget,
    until: datetime,
    settings: BudgetSettings,
    *,
    alert_id_of: Callable[[str, str], str],
    quiet: Quiet = NOTHING,
) -> tuple[Budget, Finding | None]:
    """The digest that is due at an instant, if there is one, and the budget after it.

    alert_id_of  rule id and what opened the story -> the id of its alert
    quiet        what was called false meanwhile is left out; a snoozed site waits for the end of that
    """
    for due in _hours(budget, settings):
        if due > until:
            break
        held = tuple(one for one in budget.held if not _is_quiet(one, quiet, due))
        if not held:
            return replace(budget, held=(), n_unlisted=0), None
        finding = _digest(site_id, replace(budget, held=held), due, settings, alert_id_of)
        if not quiet.hides(finding, due):
            told = (*budget.digests, due)[-2 * settings.n_digests :]
            return replace(budget, digests=told, held=(), n_unlisted=0), finding
    return budget, None


def _is_quiet(one: Held, quiet: Quiet, at: datetime) -> bool:
    place, label = one.position, one.label
    return place is not None and label is not None and quiet.is_quiet_place(one.kind, label, place, at)


def _digest(
    site_id: str,
    budget: Budget,
    due: datetime,
    settings: BudgetSettings,
    alert_id_of: Callable[[str, str], str],
) -> Finding:
    first = sorted(budget.held, key=lambda one: (-one.severity.rank, one.first_at))
    kinds: dict[str, int] = {}
    for one in budget.held:
        kinds[one.kind] = kinds.get(one.kind, 0) + one.n_times
    n_listed = sum(one.n_times for one in first[:MAX_LISTED])
    summary = {
        "held": budget.n_waiting,
        "kinds": dict(sorted(kinds.items())),
        "since": min(one.first_at for one in budget.held),
        "alerts_per_week": settings.alerts_per_week,
        "told_this_week": budget.n_used(due),
        "omitted": budget.n_waiting - n_listed,
    }
    return Finding(
        site_id=site_id,
        rule_id=DIGEST_RULE,
        kind=Kind.DIGEST,
        severity=Severity.MINOR,
        phase=Phase.NEW,
        opened_by=f"digest {due.isoformat()}",
        seen_at=due,
        confidence=1.0,
        headline=headline.of_digest(kinds, budget.n_waiting),
        count=budget.n_waiting,
        why=(summary, *(_line(one, alert_id_of) for one in first[:MAX_LISTED])),
    )


def _line(one: Held, alert_id_of: Callable[[str, str], str]) -> dict[str, object]:
    place = {}
    if one.position is not None:
        place = {"lng": round(one.position.lng, 7), "lat": round(one.position.lat, 7)}
    return {
        "alert": alert_id_of(one.rule_id, one.opened_by),
        "kind": one.kind,
        "severity": one.severity,
        "label": one.label,
        "zone": one.zone,
        "look": one.latest_at,
        "times": one.n_times,
        "count": one.count,
        "headline": one.headline,
        **place,
    }
