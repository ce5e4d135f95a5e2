"""The likeliest column among points along a road: same lane, even spacing. Pure, and nothing but numbers.

Two stories are weighed for every run of points. Column: each follows the one before in its lane at about one
spacing, or at a multiple of it where the detector missed some. Traffic: vehicles in any lane, alone or
bunched at random. What the run gains over traffic is its score in nats; the best run is found by dynamic
programming, for every spacing that is tried.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Spacings tried, from bumper to bumper to a convoy's open order.
SPACINGS_M = np.geomspace(5.0, 130.0, 30)
# How evenly a column drives: the spread of its gaps as a share of the spacing, and what the boxes add to it.
GAP_SPREAD = 0.16
PLACE_SPREAD_M = 1.0
# Vehicles of a column that may be missed one after the other.
MAX_MISSED = 2
# How far a vehicle may stand beside the track of the one before: driving, the box and the drawn line.
LANE_SPREAD_M = 1.3
# Half the width within which another point counts as being in the column's way.
LANE_HALF_M = 2.0
# Chance of such a point inside a column: a false detection, somebody who overtakes.
INTRUDER = 0.1
# Points that may stand between two vehicles of a column, on all lanes together.
MAX_BETWEEN = 8
# Share of traffic that drives bunched, and of that which keeps the lane from one vehicle to the next.
BUNCHED = 0.5
SAME_LANE = 0.5

Points = NDArray[np.float64]
"""(N,) float64 in metres, ordered along the road."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The best run.

    members    indices of its points, in order along the road
    spacing_m  its spacing; n_missed: vehicles that should stand in its gaps and were not detected
    score      in nats, for a column against traffic
    """

    members: tuple[int, ...]
    spacing_m: float
    n_missed: int
    score: float


def best_chain(
    along_m: Points,
    aside_m: Points,
    *,
    may_join: NDArray[np.bool_],
    recall: float,
    width_m: float,
    cost: Points | None = None,
) -> Chain | None:
    """The run of points that looks most like a column, or None where no two do.

    along_m  where each point stands along the road, ascending; aside_m: how far left of its middle
    may_join  (N,) bool, False for what cannot drive: it is only in the way
    recall   chance that a vehicle is detected; width_m: whole width of the road
    cost     (N,) nats at most 0, what each brings in against it when it joins
    """
    n = len(along_m)
    if n < 2:
        return None
    back = min(n - 1, MAX_BETWEEN + 1)
    gains = _gains(along_m, aside_m, back, recall, width_m)
    gains += _between(along_m, aside_m, back)[..., None]
    gains[~may_join] = -np.inf
    if cost is not None:
        gains += cost[:, None, None]
    total = np.zeros((n, len(SPACINGS_M)))
    spacings = np.arange(len(SPACINGS_M))
    came = np.full((n, len(SPACINGS_M)), -1)
    total[~may_join] = -np.inf
    for j in range(1, n):
        if not may_join[j]:
            continue
        first = max(0, j - back)
        options = total[first:j] + gains[j, : j - first][::-1]
        best = options.argmax(axis=0)
        value = options[best, spacings]
        total[j] = np.maximum(value, 0.0)
        came[j] = np.where(value > 0.0, first + best, -1)
    end, spacing = (int(i) for i in np.unravel_index(int(total.argmax()), total.shape))
    if total[end, spacing] <= 0.0:
        return None
    return _walked_back(came[:, spacing], end, along_m, float(total[end, spacing]))


def _walked_back(came: NDArray[np.intp], end: int, along_m: Points, score: float) -> Chain:
    members = [end]
    while came[members[-1]] >= 0:
        members.append(int(came[members[-1]]))
    gaps = np.diff(along_m[members[::-1]])
    spacing_m = _spacing(gaps)
    n_missed = int(np.maximum(np.rint(gaps / spacing_m) - 1, 0).clip(max=MAX_MISSED).sum())
    return Chain(tuple(members[::-1]), spacing_m, n_missed, score)


def _spacing(gaps: Points) -> float:
    """The spacing that explains the gaps best, as the gaps show it."""
    times = np.arange(1, MAX_MISSED + 2)
    fit = ((gaps[:, None, None] - times * SPACINGS_M[:, None]) / (SPACINGS_M[:, None] * np.sqrt(times))) ** 2
    # A vehicle missed is worth its own surprise: the widest spacing that still fits is preferred.
    cost = (fit / 0.2**2 + 2.0 * (times - 1) + 2.0 * np.log(SPACINGS_M[:, None])).min(axis=2).sum(axis=0)
    nearest = SPACINGS_M[int(cost.argmin())]
    return float((gaps / np.maximum(np.rint(gaps / nearest), 1.0)).mean())


def _gains(along_m: Points, aside_m: Points, back: int, recall: float, width_m: float) -> NDArray[np.float64]:
    """(N, back, spacings): what the step from the point before by 1, 2, ... gains for a column."""
    gaps, shifts = (_differences(values, back) for values in (along_m, aside_m))
    gaps = np.maximum(gaps, 0.1)
    times = np.arange(1, MAX_MISSED + 2)
    spread = np.hypot(GAP_SPREAD * SPACINGS_M[:, None] * np.sqrt(times), PLACE_SPREAD_M)
    off = (gaps[..., None, None] - SPACINGS_M[:, None] * times) / spread
    chance = recall * (1.0 - recall) ** (times - 1) * np.exp(-0.5 * off**2) / (spread * np.sqrt(2 * np.pi))
    column = np.log(chance.sum(axis=-1) + 1e-12)
    traffic = _traffic(gaps, float(along_m[-1] - along_m[0]), len(along_m))
    return np.asarray(column - np.log(traffic)[..., None] + _lane_gain(shifts, width_m)[..., None])


def _traffic(gaps: NDArray[np.float64], length_m: float, n: int) -> NDArray[np.float64]:
    """Density of a gap in traffic: alone as the points are spread over the road, or bunched at this distance.

    Bunched is given the mean that suits the gap best, so that only evenness can tell a column from it.
    """
    rate = n / max(length_m, 1.0)
    alone = rate * np.exp(-rate * gaps)
    bunched = 0.541 / gaps  # the density of a gamma distribution of shape 2 at its own mean, 4 e^-2 / gap
    return np.asarray((1.0 - BUNCHED) * alone + BUNCHED * bunched)


def _lane_gain(shifts: NDArray[np.float64], width_m: float) -> NDArray[np.float64]:
    """What keeping the lane gains: traffic keeps it too, but only so often."""
    spread = LANE_SPREAD_M * np.sqrt(2.0)
    kept = np.exp(-0.5 * (shifts / spread) ** 2) / (spread * np.sqrt(2 * np.pi))
    return np.asarray(np.log(kept + 1e-12) - np.log(SAME_LANE * kept + (1.0 - SAME_LANE) / width_m))


def _between(along_m: Points, aside_m: Points, back: int) -> NDArray[np.float64]:
    """(N, back): what the points between two members cost; those in other lanes cost nothing."""
    n = len(along_m)
    cost = np.zeros((n, back))
    for step in range(2, back + 1):
        for k in range(1, step):
            end = np.arange(step, n)
            middle = (aside_m[end] + aside_m[end - step]) / 2
            in_way = np.abs(aside_m[end - k] - middle) <= LANE_HALF_M
            cost[end, step - 1] += np.where(in_way, np.log(INTRUDER), 0.0)
    return cost


def _differences(values: Points, back: int) -> NDArray[np.float64]:
    """(N, back): each value minus the one 1, 2, ... before; large where there is none."""
    result = np.full((len(values), back), 1e6)
    for step in range(1, back + 1):
        result[step:, step - 1] = values[step:] - values[:-step]
    return result
