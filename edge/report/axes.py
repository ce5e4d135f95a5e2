"""Where a value lies on an axis, and where the axis has its marks. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_HOUR_S = 3600
_DAY_S = 24 * _HOUR_S
# From one mark to the next: hours that divide the day, then days, then about months and years.
_STEPS_S = (
    *(hours * _HOUR_S for hours in (1, 2, 3, 6, 12)),
    *(days * _DAY_S for days in (1, 2, 4, 7, 14, 30, 60, 91, 182, 365)),
)
# A single look still needs some time around it.
_LEAST_SPAN = timedelta(hours=12)
_EPOCH = datetime(2001, 1, 1, tzinfo=UTC)  # a Monday: weekly marks fall on Mondays


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Instants from left to right.

    left_px, right_px  where start and end lie
    """

    start: datetime
    end: datetime
    left_px: float
    right_px: float

    def x(self, at: datetime) -> float:
        """Where an instant lies."""
        share = (at - self.start) / (self.end - self.start)
        return self.left_px + share * (self.right_px - self.left_px)

    def marks(self, most: int = 8) -> list[tuple[datetime, str]]:
        """At most so many round instants, each with its text."""
        span_s = (self.end - self.start).total_seconds()
        fitting = [step for step in _STEPS_S if span_s / step <= most]
        step_s = fitting[0] if fitting else math.ceil(span_s / most / _STEPS_S[-1]) * _STEPS_S[-1]
        first = math.ceil((self.start - _EPOCH).total_seconds() / step_s)
        last = math.floor((self.end - _EPOCH).total_seconds() / step_s)
        instants = [_EPOCH + timedelta(seconds=n * step_s) for n in range(first, last + 1)]
        return [(at, _mark_text(at, step_s)) for at in instants]


def time_axis(instants: Sequence[datetime], left_px: float, right_px: float) -> TimeAxis:
    """An axis that holds all instants, at least one, with a little room at both ends."""
    first, last = min(instants), max(instants)
    room = max((last - first) * 0.03, (_LEAST_SPAN - (last - first)) / 2)
    return TimeAxis(first - room, last + room, left_px, right_px)


def _mark_text(at: datetime, step_s: int) -> str:
    if step_s < _DAY_S and at.hour:
        return f"{at:%H:%M}"
    return f"{at.day} {at:%b}" if step_s < 91 * _DAY_S else f"{at:%b %Y}"


def count_marks(most: int, n_marks: int = 5) -> list[int]:
    """Round whole numbers from 0 to the first at or above most, about n_marks of them."""
    rough = max(1.0, most / n_marks)
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return [n * step for n in range(math.ceil(max(most, 1) / step) + 1)]


def said_time(at: datetime) -> str:
    """An instant for a reader: 3 Dec 2024, 08:10 UTC."""
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def said_period(first: datetime, last: datetime) -> str:
    """From one day to another."""
    if first.date() == last.date():
        return f"{first.day} {first:%b %Y}"
    start = f"{first.day} {first:%b}" if first.year == last.year else f"{first.day} {first:%b %Y}"
    return f"{start} to {last.day} {last:%b %Y}"
