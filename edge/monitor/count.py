"""How many objects of a label are there, with the interval that the looks allow. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from edge.monitor import presence
from edge.monitor.finding import Count
from edge.monitor.presence import PresenceSettings
from edge.monitor.track import Status, Track

# A 90 % interval: this much of the distribution lies outside it on either side.
TAIL = 0.05

Distribution = NDArray[np.float64]
"""(n + 1,) float64, the chance of each number of objects from 0 to n."""


def counted(
    tracks: Iterable[Track], at: datetime, *, recall: float, seen_fraction: float, settings: PresenceSettings
) -> Count:
    """The count of these tracks at an instant, with its 90 % interval.

    recall         of the model for the label, in (0, 1]: what it never showed may still be there
    seen_fraction  share of the ground that was ever seen, in [0, 1]; the rest may hold as many again
    """
    known = [track for track in tracks if track.status is not Status.GONE]
    value = sum(track.status is Status.PRESENT for track in known)
    hidden = value * (1.0 - recall) / recall + value * (1.0 - seen_fraction) / max(seen_fraction, 0.05)
    chances = np.convolve(poisson_binomial([_presence_at(t, at, settings) for t in known]), poisson(hidden))
    low, high = interval(chances)
    return Count(value, min(low, value), max(high, value))


def _presence_at(track: Track, at: datetime, settings: PresenceSettings) -> float:
    days = (at - track.looked_at).total_seconds() / 86_400.0
    return presence.probability(presence.relaxed(track.log_odds, days, settings))


def poisson_binomial(chances: Sequence[float]) -> Distribution:
    """The distribution of how many of independent things with these chances are true."""
    result = np.ones(1)
    for chance in chances:
        result = np.convolve(result, (1.0 - chance, chance))
    return result


def poisson(mean: float) -> Distribution:
    """The Poisson distribution of this mean, cut where nothing that matters is left."""
    size = math.ceil(mean + 6.0 * math.sqrt(mean) + 3.0) if mean > 0 else 0
    terms = [math.exp(-mean)]
    for k in range(1, size + 1):
        terms.append(terms[-1] * mean / k)
    return np.array(terms)


def interval(chances: Distribution) -> tuple[int, int]:
    """The smallest number with more than TAIL at or below it, and the same from above."""
    cumulative = np.cumsum(chances) / chances.sum()
    low = int(np.searchsorted(cumulative, TAIL, side="right"))
    high = int(np.searchsorted(cumulative, 1.0 - TAIL, side="left"))
    return low, min(high, len(chances) - 1)
