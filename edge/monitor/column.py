"""A column of vehicles on a road: how many, how long, how far apart, which way. Pure.

What stands is no column: vehicles that a look before saw on the same spots, a run whose vehicles are so close
that they cannot be driving (a queue, a car park), a run that has not moved between two looks. One of a column
may by chance be where another vehicle was: that costs it something, and it is not left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edge.geo import LngLat, Zone, offset_m
from edge.monitor.chain import Chain, Points, best_chain

# Who drives keeps at least this many of its own lengths from the middle of the next one.
MIN_SPACING_LENGTHS = 1.75
# A vehicle's width as a share of its length: turns a box, which lies north up, into a length.
WIDTH_SHARE = 0.4
# Nats against a column before anything is seen: most runs of vehicles are none. Set on simulated roads.
PRIOR = 1.8
# Nats for each e-fold of points among which the run was searched.
SEARCH = 1.5
# Ground that no look saw before may be a car park: more must speak for a column there.
UNKNOWN_GROUND = 1.0
# Vehicles that a common speed brings from the look before: what each beyond two tells, in nats, and all.
MOTION, MAX_MOTION = 1.0, 4.0
MAX_SPEED_M_PER_S = 35.0
# How well a vehicle keeps its place in the column between two looks; in a close one a quarter of the gap.
PLACE_M = 4.0
# Chance that a vehicle which drives is seen where a look before saw one: some ten on a kilometre, each in the
# way of ten metres; what stands always is. At most this share of a column may be so.
COINCIDENCE, MAX_COINCIDING = 0.08, 1 / 3
# A column among fewer vehicles than this is only two or three cars.
MIN_MEMBERS = 4
# Beyond this the road is one jam, and more would only cost time: the surest detections are taken.
MAX_VEHICLES = 150


@dataclass(frozen=True, slots=True)
class Road:
    """The middle of a road as a line in metres from its first point: where along it and how far aside.

    corners  (K, 2) float64, metres east and north of origin
    """

    origin: LngLat
    corners: tuple[tuple[float, float], ...]
    width_m: float

    @classmethod
    def of(cls, zone: Zone) -> Road:
        """The road of a zone that is a line."""
        origin = zone.line[0]
        return cls(origin, tuple(offset_m(origin, point) for point in zone.line), zone.width_m)

    def place(self, position: LngLat) -> tuple[float, float]:
        """Metres along the road, and metres left of its middle (right is negative)."""
        x, y = offset_m(self.origin, position)
        best, start_m = (math.inf, 0.0, 0.0), 0.0
        for (ax, ay), (bx, by) in pairwise(self.corners):
            length_m = math.hypot(bx - ax, by - ay) or 1e-9
            ux, uy = (bx - ax) / length_m, (by - ay) / length_m
            along_m = min(length_m, max(0.0, (x - ax) * ux + (y - ay) * uy))
            off_m = math.hypot(x - ax - along_m * ux, y - ay - along_m * uy)
            left_m = (y - ay) * ux - (x - ax) * uy
            best = min(best, (off_m, start_m + along_m, left_m))
            start_m += length_m
        return best[1], best[2]

    def bearing_deg(self, along_m: float) -> float:
        """Direction of the road at a place along it, clockwise from north."""
        start_m = 0.0
        for (ax, ay), (bx, by) in pairwise(self.corners):
            start_m += math.hypot(bx - ax, by - ay)
            if along_m <= start_m:
                break
        return math.degrees(math.atan2(bx - ax, by - ay)) % 360.0


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle on a road at one look.

    name      of its track
    along_m   metres along the road; aside_m: left of its middle
    length_m  as its box tells
    stands    a look before saw one on the same spot
    unknown   no look before saw its ground at all
    """

    name: str
    along_m: float
    aside_m: float
    length_m: float
    score: float
    stands: bool = False
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """The vehicles of the look before.

    age_s  seconds between the two looks
    """

    age_s: float
    along_m: tuple[float, ...]
    aside_m: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a column drives; positive is along the road's line.

    n_matched  vehicles that it brings from one look to the next
    low, high  speeds that explain the two looks nearly as well
    """

    m_per_s: float
    n_matched: int
    low: float
    high: float

    @property
    def has_direction(self) -> bool:
        """True where all speeds that fit go the same way."""
        return self.low * self.high > 0.0


@dataclass(frozen=True, slots=True)
class Column:
    """A column that was found.

    names        of its vehicles, in order along the road
    count        those seen and those that were missed between them
    length_m     from the first to the last; spacing_m: from middle to middle
    bearing_deg  of the road at its middle, where it drives if that is known, else along the line
    """

    names: tuple[str, ...]
    count: int
    length_m: float
    spacing_m: float
    bearing_deg: float
    confidence: float
    speed: Speed | None = None


def length_of(width_m: float, height_m: float, bearing_deg: float) -> float:
    """Length of a vehicle along a bearing from its box, which lies north up."""
    turn = math.radians(bearing_deg)
    return (width_m + height_m) / ((abs(math.sin(turn)) + abs(math.cos(turn))) * (1.0 + WIDTH_SHARE))


def find_column(
    vehicles: Sequence[Vehicle], road: Road, *, recall: float, past: Past | None = None
) -> Column | None:
    """The likeliest column among the vehicles of one look, or None where nothing drives in one.

    past  the look before where it was minutes ago: it tells direction and speed, and what stands
    """
    surest = sorted(vehicles, key=lambda one: (-one.score, one.along_m, one.name))[:MAX_VEHICLES]
    surest.sort(key=lambda one: (one.along_m, one.name))
    if len(surest) < MIN_MEMBERS:
        return None
    free = np.array([not one.stands for one in surest])
    found = [_column_of(surest, free, road, recall, past)]
    if not free.all():
        found.append(_with_coinciding(surest, road, recall, past))
    if past is not None and not free.all():
        # Who drives may by chance have come to where another one was: then motion alone can tell.
        moving = _column_of(surest, np.ones_like(free), road, recall, past)
        found.append(moving if moving is not None and moving.speed is not None else None)
    return max(filter(None, found), key=lambda one: one.confidence, default=None)


def _with_coinciding(
    vehicles: Sequence[Vehicle], road: Road, recall: float, past: Past | None
) -> Column | None:
    """The column with those that are where another one was, where they are few."""
    cost = np.array([math.log(COINCIDENCE) if one.stands else 0.0 for one in vehicles])
    column = _column_of(vehicles, np.ones(len(vehicles), dtype=bool), road, recall, past, cost)
    if column is None:
        return None
    n_standing = sum(one.stands for one in vehicles if one.name in column.names)
    return column if n_standing <= MAX_COINCIDING * len(column.names) else None


def _column_of(  # noqa: PLR0917 - what a column is judged by
    vehicles: Sequence[Vehicle],
    may_join: NDArray[np.bool_],
    road: Road,
    recall: float,
    past: Past | None,
    cost: Points | None = None,
) -> Column | None:
    along = np.array([one.along_m for one in vehicles])
    aside = np.array([one.aside_m for one in vehicles])
    chain = best_chain(along, aside, may_join=may_join, recall=recall, width_m=road.width_m, cost=cost)
    if chain is None or len(chain.members) < MIN_MEMBERS:
        return None
    members = [vehicles[i] for i in chain.members]
    if chain.spacing_m < MIN_SPACING_LENGTHS * float(np.median([one.length_m for one in members])):
        return None
    speed = None if past is None else _speed(members, past, min(PLACE_M, 0.25 * chain.spacing_m))
    return _told(members, chain, road, speed, _evidence(members, chain, len(vehicles), speed))


def _evidence(members: Sequence[Vehicle], chain: Chain, n_vehicles: int, speed: Speed | None) -> float:
    """Log-odds of a column."""
    unknown = sum(one.unknown for one in members) / len(members)
    motion = 0.0 if speed is None else min(MAX_MOTION, MOTION * (speed.n_matched - 2))
    return chain.score - PRIOR - SEARCH * math.log(n_vehicles) - UNKNOWN_GROUND * unknown + motion


def _told(
    members: Sequence[Vehicle], chain: Chain, road: Road, speed: Speed | None, log_odds: float
) -> Column:
    along = [one.along_m for one in members]
    bearing_deg = road.bearing_deg((along[0] + along[-1]) / 2)
    backwards = speed is not None and speed.has_direction and speed.m_per_s < 0.0
    return Column(
        tuple(one.name for one in members),
        len(members) + chain.n_missed,
        along[-1] - along[0],
        chain.spacing_m,
        (bearing_deg + 180.0) % 360.0 if backwards else bearing_deg,
        1.0 / (1.0 + math.exp(-max(-50.0, log_odds))),
        speed,
    )


def _speed(members: Sequence[Vehicle], past: Past, place_m: float) -> Speed | None:
    """The common speed that brings most vehicles of the look before to where they are now.

    None where standing still explains as much, or nothing does.

    place_m  how well a vehicle keeps its place in the column
    """
    aside = float(np.median([one.aside_m for one in members]))
    near = np.abs(np.array(past.aside_m) - aside) <= PLACE_M
    before = np.sort(np.array(past.along_m)[near])
    now = np.array([one.along_m for one in members])
    if len(before) < MIN_MEMBERS:
        return None
    shifts = (now[:, None] - before).ravel()
    shifts = np.unique(np.round(shifts[np.abs(shifts) <= MAX_SPEED_M_PER_S * past.age_s]))
    moved = shifts[np.abs(shifts) > 2.0 * place_m]
    if not len(moved):
        return None
    matched = _matched(now, before, moved, place_m)
    best = int(matched.max())
    still = int(_matched(now, before, np.zeros(1), place_m)[0])
    if best < max(MIN_MEMBERS - 1, (min(len(now), len(before)) + 1) // 2) or best < still + 2:
        return None
    fitting = moved[matched == best]
    chosen = float(np.median(fitting[np.sign(fitting) == np.sign(fitting[len(fitting) // 2])]))
    near_best = moved[matched >= best - 1]
    low, high = float(near_best.min()), float(near_best.max())
    return replace(
        Speed(chosen, best, low, high),
        m_per_s=chosen / past.age_s, low=low / past.age_s, high=high / past.age_s,
    )  # fmt: skip


def _matched(now: Points, before: Points, shifts: Points, place_m: float) -> NDArray[np.intp]:
    """For each shift how many of before it brings to within place_m of one of now."""
    moved = before + shifts[:, None]
    at = np.searchsorted(now, moved)
    left, right = now[np.maximum(at - 1, 0)], now[np.minimum(at, len(now) - 1)]
    near = np.minimum(np.abs(moved - left), np.abs(moved - right)) <= place_m
    return np.asarray(near.sum(axis=1))
