"""Is a place filling up or emptying: a sequential test of the days of a count against what was normal. Pure.

Every day each day of the last weeks is tried as the one at which the mean stepped, or began to slope. Counts
of parked objects remember: whoever stood there yesterday mostly stands there today. So the days are not taken
for independent, but for a process that draws back to its mean, with the spread and the memory that the site
itself has shown.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from edge.monitor.activity import MIN_DAYS, Series, Values

# Tests in a year that count as independent: 365 days, two directions, and the steps that are tried, most of
# whose data are the same; so many at the standard errors of half an alarm a year. Lower ones are crossed by
# several tests at once, so fewer count there, by this rate. Simulated sites alarm about as often as is stated
# so: the busiest of six kinds did 6.2, 3.8, 1.8 and 0.6 times a year at 2.3, 2.65, 3 and 3.48.
TESTS_A_YEAR, AT_ERRORS, FEWER = 2000.0, 3.48, 0.9
# Days of history that weigh as much as what is assumed of a site beforehand: Poisson spread, and the memory
# that the turnover of the inventory gives.
PRIOR_DAYS = 3.0
# The part of the Poisson spread that even a site of perfect order keeps.
MIN_DISPERSION = 0.05
# A mean below this spreads like this one: a first object at an empty place is an arrival, not a trend.
MIN_LEVEL = 0.5

Rows = NDArray[np.float64]
"""(K, N) float64: K steps tried, N days."""


@dataclass(frozen=True, slots=True)
class Trend:
    """The likeliest change of the mean in the last days.

    first_day  number of the first day of the change
    normal, now  mean of a day before it and after it, both for the newest day of the week and season
    z          how many standard errors the change has; positive is a build-up
    n_days     days since then that were seen
    baseline_days  days before it that were seen
    """

    first_day: int
    normal: float
    now: float
    z: float
    n_days: int
    baseline_days: int

    @property
    def false_alarms_per_year(self) -> float:
        """How often a year such a step, or a larger one, comes by chance at a site where nothing changes."""
        return _alarms_at(abs(self.z))


@functools.lru_cache(maxsize=64)
def limit_of(false_alarms_per_year: float) -> float:
    """The standard errors from which a step is a trend, for so many false alarms a year."""
    low, high = 0.0, 8.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if _alarms_at(middle) > false_alarms_per_year else (low, middle)
    return high


def _alarms_at(errors: float) -> float:
    """False alarms a year of a test that asks for so many standard errors."""
    n_tests = TESTS_A_YEAR * math.exp(FEWER * min(0.0, errors - AT_ERRORS))
    return n_tests * NormalDist().cdf(-errors)


def likeliest_change(series: Series, *, over_days: int, turnover_per_day: float) -> Trend | None:
    """The change of the last over_days that stands out most, or None while there is too little history."""
    days = series.days
    numbers = np.array([day.number for day in days])
    recent = np.flatnonzero(numbers > (numbers[-1] if len(days) else 0) - over_days)
    steps = recent[recent >= MIN_DAYS]
    if not len(steps):
        return None
    factors = series.factors(int(number) for number in numbers)
    values = np.array([day.mean for day in days]) / factors
    doubts = np.array([day.variance for day in days]) / factors**2
    shapes = np.concatenate([_stepped(numbers, steps), _sloping(numbers, steps)])
    # Twice: a site is learnt from the days before the last weeks, then from all before the likeliest change.
    learnt = max(MIN_DAYS, int(recent[0]))
    first = _likeliest(_Days(values, doubts, numbers), shapes, learnt, turnover_per_day)
    learnt = int(steps[first.row % len(steps)])
    best = _likeliest(_Days(values, doubts, numbers), shapes, learnt, turnover_per_day)
    learnt = int(steps[best.row % len(steps)])
    factor, now = float(factors[-1]), max(0.0, best.level + best.change)
    return Trend(
        first_day=int(numbers[learnt]),
        normal=best.level * factor,
        now=now * factor,
        z=best.z,
        n_days=len(days) - learnt,
        baseline_days=learnt,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Days:
    """(N,) each: the counts without their habits, their variances, the numbers of the days."""

    values: Values
    doubts: Values
    numbers: Values


@dataclass(frozen=True, slots=True)
class _Fit:
    """The shape that fits best, by its row: its standard errors, the mean before it, and the change."""

    row: int
    z: float
    level: float
    change: float


def _likeliest(days: _Days, shapes: Rows, n_learnt: int, turnover_per_day: float) -> _Fit:
    """The best of all shapes, where the first so many days tell what the site is like."""
    past = _Days(days.values[:n_learnt], days.doubts[:n_learnt], days.numbers[:n_learnt])
    memory = _memory(past, turnover_per_day)
    whitening = _Whitening.of(days.doubts, days.numbers, memory)
    z, level, change = _fitted(days.values, shapes, whitening, memory)
    row = int(np.argmax(np.abs(z)))
    return _Fit(row, float(z[row]), float(level[row]), float(change[row]))


@dataclass(frozen=True, slots=True)
class _Memory:
    """How a count wanders about its mean: its variance, the rate at which it forgets, what that rests on."""

    level: float
    variance: float
    forgets_per_day: float
    freedom: float


def _memory(days: _Days, turnover_per_day: float) -> _Memory:
    """Both from days of the past, and from what is assumed where these are few."""
    values, doubts, numbers = days.values, days.doubts, days.numbers
    level = max(float(values.mean()), MIN_LEVEL)
    off = values - values.mean()
    freedom = len(values) - 1 + PRIOR_DAYS
    variance = (float((off**2 - doubts).sum()) + PRIOR_DAYS * level) / freedom
    variance = max(variance, MIN_DISPERSION * level)
    gaps = np.diff(numbers)
    near = gaps <= 3
    usual = math.exp(-turnover_per_day * float(gaps[near].mean())) if near.any() else 0.0
    alike = float((off[1:] * off[:-1])[near].sum()) + PRIOR_DAYS * variance * usual
    alone = float((off[:-1] ** 2)[near].sum()) + PRIOR_DAYS * variance
    kept = min(0.98, max(0.02, alike / alone))
    gap = float(gaps[near].mean()) if near.any() else 1.0
    return _Memory(level, variance, -math.log(kept) / gap, freedom)


def _stepped(numbers: Values, steps: NDArray[np.intp]) -> Rows:
    """(K, N): 0 before each step, 1 from it on."""
    after: Rows = np.where(numbers >= numbers[steps][:, None], 1.0, 0.0)
    return after


def _sloping(numbers: Values, steps: NDArray[np.intp]) -> Rows:
    """(K, N): 0 before each step, from then on evenly up to 1 today: those who leave one by one."""
    start = numbers[steps - 1][:, None]
    slope: Rows = np.maximum(numbers - start, 0.0) / (numbers[-1] - start)
    return slope


@dataclass(frozen=True, slots=True)
class _Whitening:
    """Takes the memory out of the days: what is left of each is new, in units of its own spread.

    kept    (N,) share of the day before that a day still shows
    spread  (N,) of what is new
    """

    kept: Values
    spread: Values

    @classmethod
    def of(cls, doubts: Values, numbers: Values, memory: _Memory) -> _Whitening:
        kept = np.concatenate([[0.0], np.exp(-memory.forgets_per_day * np.diff(numbers))])
        last_doubt = np.concatenate([[0.0], doubts[:-1]])
        return cls(kept, np.sqrt(memory.variance * (1.0 - kept**2) + doubts + kept**2 * last_doubt))

    def __call__(self, rows: Rows) -> Rows:
        last: Rows = np.concatenate([np.zeros_like(rows[..., :1]), rows[..., :-1]], axis=-1)
        new: Rows = (rows - self.kept * last) / self.spread
        return new


def _fitted(
    values: Values, shapes: Rows, whitening: _Whitening, memory: _Memory
) -> tuple[Values, Values, Values]:
    """For each shape of a change: its standard errors, the mean before it, what it adds (least squares)."""
    constant, changed, new = whitening(np.ones_like(values)), whitening(shapes), whitening(values)
    s00 = float(constant @ constant)
    s01, s11 = changed @ constant, (changed**2).sum(axis=1)
    b0, b1 = float(constant @ new), changed @ new
    determinant = s00 * s11 - s01**2
    change = (s00 * b1 - s01 * b0) / determinant
    level = (b0 - s01 * change) / s00
    errors = change / np.sqrt(s00 / determinant)
    # More objects spread more: a build-up is judged by the spread half way up.
    wider = np.sqrt(np.maximum(1.0, (memory.level + change / 2.0) / memory.level))
    return _normal_errors(errors / wider, memory.freedom), level, change


def _normal_errors(t: Values, freedom: float) -> Values:
    """Student's t as the normal deviate of the same chance (D. L. Wallace, 1959).

    A spread that is known from few days makes large steps less rare.
    """
    scale = (8.0 * freedom + 1.0) / (8.0 * freedom + 3.0)
    return np.sign(t) * scale * np.sqrt(freedom * np.log1p(t**2 / freedom))
