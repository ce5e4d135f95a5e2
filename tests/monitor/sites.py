"""Sites over months: what stands there, what a count says of it, and when a change could be seen."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from edge.monitor.activity import Series, day_number
from edge.monitor.trend import likeliest_change, limit_of
from tests.monitor.scenes import day

OVER_DAYS = 14
TURNOVER = 0.3
RATE = 0.5
# Looks by which a trend may be late.
PROMPT = 3
_NO_DOUBT = 0.01


@dataclass(frozen=True, slots=True)
class SimulatedSite:
    """Objects that come and go.

    mean            number of objects
    leaves_per_day  how fast they turn over; the test always assumes TURNOVER
    group           so many come at once
    base            True for a fixed fleet of which a part is away each day
    clouded         share of days without a look
    """

    seed: int
    mean: float = 10.0
    leaves_per_day: float = 0.3
    group: int = 1
    base: bool = False
    clouded: float = 0.3

    def days(self, n_days: int, change: tuple[int, float] | None = None) -> Iterator[tuple[int, int]]:
        """Each day with a look and its true count; change: from which day on, and to which share."""
        rng = np.random.default_rng(self.seed)
        stay, there = math.exp(-self.leaves_per_day), int(rng.poisson(self.mean))
        for n in range(n_days):
            share = 1.0 if change is None or n < change[0] else change[1]
            if change is not None and n == change[0]:
                there = int(rng.binomial(there, min(1.0, share)))
                there += int(rng.poisson(self.mean * max(0.0, share - 1.0)))
            come = rng.poisson(self.mean * share * (1.0 - stay) / self.group) * self.group
            there = int(rng.binomial(there, stay)) + int(come)
            if self.base:
                there = int(rng.binomial(round(self.mean * share / 0.8), 0.8))
            if rng.random() >= self.clouded:
                yield n, there


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the test said of a site.

    n_false        alarms while nothing changed
    named_after, visible_after  looks after the change at which it was named, and at which the same test names
                   it from the true counts; None where it never was
    """

    n_false: int
    named_after: int | None
    visible_after: int | None

    @property
    def is_prompt(self) -> bool:
        """True where it was named within PROMPT looks of being visible."""
        if self.visible_after is None:
            return True
        return self.named_after is not None and self.named_after - self.visible_after <= PROMPT


def outcome_of(
    site: SimulatedSite, *, n_days: int, change: tuple[int, float] | None = None, rate: float = RATE
) -> Outcome:
    """Every look tested; after a false alarm the story goes on for twice the rule's days."""
    rng = np.random.default_rng(site.seed + 1_000_000)
    told, true = Series(), Series()
    n_false, quiet_until, n_after = 0, 0, 0
    named: int | None = None
    visible: int | None = None
    for n, there in site.days(n_days, change):
        # As measured on the simulated crowds: the variance of a count that was looked at once a day.
        variance = 0.4 + 0.04 * there
        at = day(1 + n)
        told = told.with_look(at, max(0.0, there + float(rng.normal(0.0, math.sqrt(variance)))), variance)
        true = true.with_look(at, float(there), _NO_DOUBT)
        if change is None or n < change[0]:
            if n >= quiet_until and _alarms(told, rate=rate):
                n_false, quiet_until = n_false + 1, n + 2 * OVER_DAYS
            continue
        since = day_number(day(1 + change[0]))
        named = n_after if named is None and _alarms(told, since, rate) else named
        visible = n_after if visible is None and _alarms(true, since, rate) else visible
        n_after += 1
    return Outcome(n_false, named, visible)


def _alarms(series: Series, since: int | None = None, rate: float = RATE) -> bool:
    """True if the newest day makes a trend; since: one that stepped at about that day."""
    found = likeliest_change(series, over_days=OVER_DAYS, turnover_per_day=TURNOVER)
    if found is None or abs(found.z) < limit_of(rate):
        return False
    return since is None or found.first_day >= since - OVER_DAYS
