"""How many of a label stand in a zone from day to day, and what is usual there. Pure.

A day counts only where most of the zone was seen: a day under cloud is a gap, not an empty day.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from edge.monitor.count import HELD

# A season and a half of days; older ones live on in the profile. With them a series stays below 2.5 KB.
MAX_DAYS = 150
# Share of a zone that a look must show to count for the day.
MIN_SEEN = 0.5
# Days from which there is a normal: a week, so that it holds each weekday once.
MIN_DAYS = 7
# Days of the same weekday (month) that weigh as much as having no such habit at all.
PRIOR_DAYS = 4.0
# Weekdays tell after this many weeks, months after a year: before, a slow change would pass for a season.
MIN_WEEKS = 4
MIN_SEASON_DAYS = 365
# A profile forgets: beyond so many days in one of its slots old and new weigh alike.
MAX_WEIGHT = 60.0
# A habit makes a day at most this many times as busy or as quiet.
MAX_FACTOR = 5.0
# Two-sided limit of a normal distribution that holds HELD.
_Z = 1.645

Values = NDArray[np.float64]
"""(N,) float64, one value a day, oldest first."""


class Verdict(StrEnum):
    """What a count says beside what is usual; "usual" and "unknown" are answers too."""

    USUAL = "usual"
    MORE = "more"
    FEWER = "fewer"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Day:
    """One day: the mean of the counts of its looks.

    number    days since 1970-01-01, UTC
    mean      expected number of objects, what was missed or not seen allowed for
    variance  of that, from one look
    n_looks   looks behind it
    """

    number: int
    mean: float
    variance: float
    n_looks: int = 1

    def with_look(self, mean: float, variance: float) -> Day:
        """The day after one more look."""
        n = self.n_looks + 1
        return Day(self.number, self.mean + (mean - self.mean) / n, min(self.variance, variance), n)


@dataclass(frozen=True, slots=True)
class Slot:
    """Days of one weekday or of one month: how many, and the sum of their means."""

    days: float = 0.0
    total: float = 0.0

    def with_day(self, mean: float) -> Slot:
        """One more day; the oldest fade once there are many."""
        keep = min(1.0, (MAX_WEIGHT - 1.0) / max(self.days, 1.0))
        return Slot(self.days * keep + 1.0, self.total * keep + mean)


@dataclass(frozen=True, slots=True)
class Series:
    """The days of one label in one zone.

    days       oldest first, at most MAX_DAYS
    weekdays   Monday to Sunday; months: January to December; of days that are over
    first_day  number of the first day ever, None before it
    """

    days: tuple[Day, ...] = ()
    weekdays: tuple[Slot, ...] = field(default=(Slot(),) * 7)
    months: tuple[Slot, ...] = field(default=(Slot(),) * 12)
    first_day: int | None = None

    def with_look(self, at: datetime, mean: float, variance: float) -> Series:
        """The series after a look; a look at a day that is too old to be kept changes nothing."""
        number = day_number(at)
        known = next((day for day in reversed(self.days) if day.number == number), None)
        if known is not None:
            again = known.with_look(mean, variance)
            return replace(self, days=tuple(again if day is known else day for day in self.days))
        if len(self.days) >= MAX_DAYS and number < self.days[0].number:
            return self
        over = self._with_newest_over() if self.days and number > self.days[-1].number else self
        days = sorted((*over.days, Day(number, mean, variance)), key=lambda day: day.number)
        first = number if self.first_day is None else min(self.first_day, number)
        return replace(over, days=tuple(days[-MAX_DAYS:]), first_day=first)

    def _with_newest_over(self) -> Series:
        """The newest day is over: it enters the profile."""
        newest = self.days[-1]
        weekday, month = slots_of(newest.number)
        return replace(
            self,
            weekdays=_with(self.weekdays, weekday, newest.mean),
            months=_with(self.months, month, newest.mean),
        )

    def without(self, first_day: int, last_day: int) -> Series:
        """The series without some days, for a question that they would mislead; the profile stays."""
        days = tuple(day for day in self.days if not first_day <= day.number <= last_day)
        return replace(self, days=days)

    def factors(self, numbers: Iterable[int]) -> Values:
        """(N,) how many times as busy as the mean day these days usually are; 1 while that is not known."""
        weekdays = _factors(self.weekdays, known=min(slot.days for slot in self.weekdays) >= MIN_WEEKS)
        span = 0 if self.first_day is None or not self.days else self.days[-1].number - self.first_day
        months = _factors(self.months, known=span >= MIN_SEASON_DAYS)
        places = (slots_of(number) for number in numbers)
        return np.array([weekdays[weekday] * months[month] for weekday, month in places])


@dataclass(frozen=True, slots=True)
class Index:
    """A day beside what is usual for it.

    index   the number as a multiple of the usual one, None where that is not known or zero
    low, high  what 90 % of such days hold, None where it is not known
    """

    verdict: Verdict
    index: float | None = None
    low: float | None = None
    high: float | None = None


def index(series: Series) -> Index:
    """The newest day beside the days before it."""
    past, newest = series.days[:-1], series.days[-1:]
    if len(past) < MIN_DAYS:
        return Index(Verdict.UNKNOWN)
    level, variance = normal(series, past)
    (today,) = newest
    factor = float(series.factors([today.number])[0])
    usual, spread = level * factor, _Z * float(np.sqrt(variance * factor**2 * (1.0 + 1.0 / len(past))))
    low, high = max(0.0, usual - spread), usual + spread
    doubt = _Z * float(np.sqrt(today.variance))
    ratio = today.mean / usual if usual >= 0.5 else None
    return Index(_verdict(today.mean, doubt, low, high), ratio, low, high)


def _verdict(mean: float, doubt: float, low: float, high: float) -> Verdict:
    """More or fewer only where the whole interval of the count lies beyond what is usual."""
    if mean - doubt > high:
        return Verdict.MORE
    return Verdict.FEWER if mean + doubt < low else Verdict.USUAL


def normal(series: Series, days: Sequence[Day]) -> tuple[float, float]:
    """Level of these days without their habits, and the variance of a day around it.

    With few days the variance is taken for that of independent comings and goings (Poisson).
    """
    values = np.array([day.mean for day in days]) / series.factors(day.number for day in days)
    level = float(values.mean())
    seen = np.array([day.variance for day in days]).mean()
    spread = float(((values - level) ** 2).sum())
    variance = (spread + PRIOR_DAYS * max(level, 0.5)) / (len(days) - 1 + PRIOR_DAYS)
    return level, max(variance - float(seen), 0.1 * max(level, 0.5))


@dataclass(frozen=True, slots=True)
class Activity:
    """The series of a site, by label and zone ("aircraft@apron", "aircraft@*" for the whole site)."""

    series: Mapping[str, Series] = field(default_factory=dict)

    def of(self, label: str, zone: str | None) -> Series:
        """The days of a label in a zone, or on the whole site for None; empty where there are none."""
        return self.series.get(key_of(label, zone), Series())

    def with_counts(self, at: datetime, counts: Mapping[str, tuple[float, float]]) -> Activity:
        """After a look: mean and variance of the counts by key, of the zones that it showed."""
        after = {key: self.series.get(key, Series()).with_look(at, *told) for key, told in counts.items()}
        return Activity({**self.series, **after})

    def only(self, keys: Iterable[str]) -> Activity:
        """Without the series of labels and zones that are no longer watched."""
        wanted = set(keys)
        return Activity({key: series for key, series in self.series.items() if key in wanted})


def key_of(label: str, zone: str | None) -> str:
    """The name of a series."""
    return f"{label}@{zone or '*'}"


def day_number(at: datetime) -> int:
    """Days since 1970-01-01, UTC."""
    return int(at.timestamp() // 86_400)


def date_of(number: int) -> date:
    """The date of a day's number."""
    return datetime.fromtimestamp(number * 86_400, UTC).date()


@functools.lru_cache(maxsize=2048)
def slots_of(number: int) -> tuple[int, int]:
    """Weekday (Monday is 0) and month (January is 0) of a day's number."""
    day = date_of(number)
    return day.weekday(), day.month - 1


def _with(slots: tuple[Slot, ...], i: int, mean: float) -> tuple[Slot, ...]:
    return (*slots[:i], slots[i].with_day(mean), *slots[i + 1 :])


def _factors(slots: Sequence[Slot], *, known: bool) -> list[float]:
    """How busy each slot is beside the mean one, drawn towards 1 where it has few days."""
    filled = [slot for slot in slots if slot.days > 0]
    level = sum(slot.total / slot.days for slot in filled) / len(filled) if filled else 0.0
    if not known or level <= 0.0:
        return [1.0] * len(slots)
    drawn = [(slot.total / level + PRIOR_DAYS) / (slot.days + PRIOR_DAYS) for slot in slots]
    return [min(MAX_FACTOR, max(1.0 / MAX_FACTOR, factor)) for factor in drawn]


assert HELD == 0.9, "_Z belongs to it"
