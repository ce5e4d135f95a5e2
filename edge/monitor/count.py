"""How many objects of a label are there, with the interval that the looks allow. Pure."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import numpy as np
from numpy.typing import NDArray

from edge.geo import Zone
from edge.monitor import presence
from edge.monitor.coverage import NEVER, Coverage, minutes
from edge.monitor.finding import Count
from edge.monitor.presence import PresenceSettings
from edge.monitor.track import Status, Track

# The interval holds this much of the distribution, and is the shortest that does.
HELD = 0.9
# Of a place that was never seen everything is possible; this share of it keeps the count finite.
MAX_UNFOUND = 0.95
_MINUTES_A_DAY = 1440.0

Distribution = NDArray[np.float64]
"""(n + 1,) float64, the chance of each number of objects from 0 to n."""


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """The objects that are counted together.

    chances   (N,) float64, of each that it is there at the instant
    presumed  (N,) bool, True where it is believed to be there
    """

    chances: Distribution
    presumed: NDArray[np.bool_]

    @classmethod
    def of(cls, tracks: Sequence[Track], at: datetime, settings: PresenceSettings) -> Self:
        """The objects of these tracks: each was there at its latest clear view; it may have left since."""
        log_odds = np.array([track.log_odds for track in tracks], dtype=np.float64)
        looked_at = [track.looked_at for track in tracks]
        days_since = {one: max(0.0, (at - one).total_seconds() / 86_400.0) for one in set(looked_at)}
        days = np.array([days_since[one] for one in looked_at], dtype=np.float64)
        present = Status.PRESENT
        presumed = np.array([track.status is present for track in tracks], dtype=bool)
        return cls(np.exp(-settings.turnover_per_day * days) / (1.0 + np.exp(-log_odds)), presumed)

    def only(self, which: NDArray[np.bool_]) -> Standing:
        """Some of them; which is (N,) bool."""
        return Standing(self.chances[which], self.presumed[which])


NOBODY = Standing(np.zeros(0), np.zeros(0, dtype=bool))


def counted(tracks: Iterable[Track], at: datetime, *, unfound: float, settings: PresenceSettings) -> Count:
    """The count of these tracks at an instant, with its 90 % interval.

    unfound  chance in [0, 1] that an object which stands there now is in no track, see `unfound_fraction`
    """
    return count_of(Standing.of(tuple(tracks), at, settings), unfound)


def count_of(standing: Standing, unfound: float) -> Count:
    """The same of objects whose chances are known."""
    value = int(standing.presumed.sum())
    low, high = interval(distribution(standing, unfound))
    return Count(value, min(low, value), max(high, value))


def distribution(standing: Standing, unfound: float) -> Distribution:
    """The chance of each number of objects: those in tracks that still stand there, and those in none.

    A track that was reported as gone counts with what is left of its presence: the report may be wrong.
    """
    chances = standing.chances
    return np.convolve(poisson_binomial(chances), hidden(float(chances.sum()), min(unfound, MAX_UNFOUND)))


def moments(standing: Standing, unfound: float) -> tuple[float, float]:
    """Mean and variance of the distribution, without working it out."""
    chances = standing.chances
    odds = min(unfound, MAX_UNFOUND) / (1.0 - min(unfound, MAX_UNFOUND))
    size = float(chances.sum()) + 0.5
    spread = float((chances * (1.0 - chances)).sum())
    # Without the half object of the prior: day after day it would be a trend of its own in an empty zone.
    return float(chances.sum()) * (1.0 + odds), spread + size * odds * (1.0 + odds)


def unfound_fraction(
    coverage: Coverage,
    zone: Zone | None,
    at: datetime,
    *,
    recall: float,
    every_days: float,
    settings: PresenceSettings,
) -> float:
    """Chance in [0, 1] that an object that stands in a zone (None: the site) at an instant is in no track.

    One look misses it with 1 - recall; of two looks the first also had to miss it, or it came in between.
    Ground that was not seen for a while holds what came since, ground that was never seen holds anything.

    every_days  usual time between two looks
    """
    cells = coverage.cells_of(zone)
    first, latest = coverage.first_at[cells], coverage.latest_at[cells]
    stays = 1.0 - presence.turnover(every_days, settings)
    after = np.where(latest > first, (1.0 - recall) * (1.0 - stays * recall), 1.0 - recall)
    days = np.maximum(int(minutes(at)) - latest.astype(np.int64), 0) / _MINUTES_A_DAY
    since = 1.0 - np.exp(-settings.turnover_per_day * days) * (1.0 - after)
    return float(np.where(latest == NEVER, 1.0, since).mean())


def poisson_binomial(chances: Sequence[float] | Distribution) -> Distribution:
    """The distribution of how many of independent things with these chances are true.

    In groups, all of which take in their next chance at a time; then the groups are added up.
    """
    size = math.isqrt(len(chances)) + 1
    grouped = np.zeros((math.ceil(len(chances) / size), size))
    grouped.flat[: len(chances)] = chances
    groups = np.zeros((len(grouped), size + 1))
    groups[:, 0] = 1.0
    for chance in grouped.T[:, :, None]:
        one_more = groups[:, :-1] * chance
        groups *= 1.0 - chance
        groups[:, 1:] += one_more
    return functools.reduce(np.convolve, groups, np.ones(1))[: len(chances) + 1]


def hidden(found: float, unfound: float) -> Distribution:
    """How many are there besides those found, where each was left out with this chance.

    Negative binomial: what Jeffreys' prior on the number of all leaves of it once so many were found. It is
    not zero where none was found on ground that was hardly seen.
    """
    if unfound <= 0.0:
        return np.ones(1)
    size = found + 0.5
    mean = size * unfound / (1.0 - unfound)
    n_terms = math.ceil(mean + 6.0 * math.sqrt(mean / (1.0 - unfound)) + 4.0)
    k = np.arange(1, n_terms + 1)
    logs = np.cumsum(np.log((size + k - 1.0) / k) + math.log(unfound))
    return np.exp(size * math.log1p(-unfound) + np.concatenate([[0.0], logs]))


def interval(chances: Distribution) -> tuple[int, int]:
    """The shortest run of numbers that holds HELD of the distribution; of equally long ones the likeliest."""
    cumulative = np.concatenate([[0.0], np.cumsum(chances) / chances.sum()])
    # For each low end the nearest high end that is enough; a rounding error is no reason to go one further.
    ends = np.searchsorted(cumulative, cumulative[:-1] + HELD - 1e-9, side="left")
    starts = np.flatnonzero(ends < len(cumulative))
    lengths = ends[starts] - starts
    held = cumulative[ends[starts]] - cumulative[starts]
    best = starts[np.lexsort((-held, lengths))[0]]
    return int(best), int(ends[best]) - 1
