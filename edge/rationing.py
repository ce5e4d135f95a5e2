"""What was found, through the alarm budgets of its sites: told at once, held back, or in a digest. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from edge.monitor.budget import BudgetSettings, ruled
from edge.monitor.digest import digest_due_at, digest_until
from edge.monitor.quiet import Quiet
from edge.monitor.state import SiteState
from edge.pipeline import WatchedSite
from edge.tell import Told
from edge.transmit.alert import alert_id


@dataclass(frozen=True, slots=True)
class Rationed:
    """What is told and what is held back, each in order, and the states of the sites whose budgets moved."""

    told: tuple[Told, ...]
    held: tuple[Told, ...]
    states: Mapping[str, SiteState]


def rationed(
    watched: Mapping[str, WatchedSite],
    states: Mapping[str, SiteState],
    found: Sequence[Told],
    at: datetime,
    *,
    device_id: str,
    quiet_of: Callable[[str], Quiet],
) -> Rationed:
    """First the digests that are due, then what was found.

    states  of all sites, as what was found left them
    at      the instant at which it was: of a tile when it was seen
    """
    budgets = {name: states[name].budget for name, one in watched.items() if one.budget is not None}
    told: list[Told] = []
    held: list[Told] = []
    for name, settings in _by_hour(watched, states):
        budgets[name], digest = digest_until(
            name, budgets[name], at, settings,
            alert_id_of=partial(alert_id, device_id, name), quiet=quiet_of(name),
        )  # fmt: skip
        told += [] if digest is None else [Told(digest, None)]
    for one in found:
        name = one.finding.site_id
        limits = watched[name].budget
        if limits is None:
            told.append(one)
            continue
        budgets[name], ruling = ruled(budgets[name], one.finding, at, limits)
        (told if ruling.is_told else held).append(replace(one, finding=ruling.finding))
    moved = {
        name: replace(states[name], budget=budget)
        for name, budget in budgets.items()
        if budget != states[name].budget
    }
    return Rationed(tuple(told), tuple(held), moved)


def _by_hour(
    watched: Mapping[str, WatchedSite], states: Mapping[str, SiteState]
) -> list[tuple[str, BudgetSettings]]:
    """The sites of which something is held back, in the order in which their digests are due."""
    due = [
        (hour, name, one.budget)
        for name, one in watched.items()
        if one.budget is not None and (hour := digest_due_at(states[name].budget, one.budget)) is not None
    ]
    return [(name, settings) for _, name, settings in sorted(due, key=lambda one: one[:2])]
