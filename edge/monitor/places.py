"""Boxes on the ground as columns of numbers: what a look asks of all tracks of a site at once. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from edge.geo import METRES_PER_DEGREE, LngLat, Zone, wrap_lng
from edge.monitor.track import GroundBox

Column = NDArray[np.float64]
"""(N,) float64, one value a box."""

Indices = NDArray[np.intp]
"""(K,) numbers of boxes in their lists."""

Sides = NDArray[np.float64]
"""(N, 4) float64, west south east north in metres from a common origin."""


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Boxes in the order in which they came: degrees WGS84 of their middles, and their sides in metres."""

    lng: Column
    lat: Column
    width_m: Column
    height_m: Column

    @classmethod
    def of(cls, boxes: Sequence[GroundBox]) -> Self:
        """The boxes as columns."""
        middles = [box.position for box in boxes]
        return cls(
            np.array([middle.lng for middle in middles], dtype=np.float64),
            np.array([middle.lat for middle in middles], dtype=np.float64),
            np.array([box.width_m for box in boxes], dtype=np.float64),
            np.array([box.height_m for box in boxes], dtype=np.float64),
        )

    def sides_m(self, origin: LngLat) -> Sides:
        """The boxes in metres from an origin near them."""
        east, north = self._offsets_m(origin)
        half_w, half_h = self.width_m / 2, self.height_m / 2
        return np.stack([east - half_w, north - half_h, east + half_w, north + half_h], axis=1)

    def within(self, zone: Zone) -> NDArray[np.bool_]:
        """(N,) bool, True where the middle of a box lies in a zone: `Zone.contains` of all at once."""
        corners = [self._corner(corner) for corner in zone.polygon or zone.line]
        if zone.polygon:
            return _inside(corners, len(self.lng))
        return _distance_to_line(corners) <= zone.width_m / 2

    def _offsets_m(self, origin: LngLat) -> tuple[Column, Column]:
        """Metres east and north from the origin to each middle (`geo.offset_m`)."""
        per_lng = METRES_PER_DEGREE * np.maximum(np.cos(np.radians((origin.lat + self.lat) / 2)), 1e-9)
        return wrap_lng(self.lng - origin.lng) * per_lng, (self.lat - origin.lat) * METRES_PER_DEGREE

    def _corner(self, corner: LngLat) -> tuple[Column, Column]:
        """Metres east and north from each middle to a corner of a zone."""
        east, north = self._offsets_m(corner)
        return -east, -north


def touching(some: Sides, others: Sides) -> tuple[Indices, Indices, Column]:
    """Every two boxes, one of each, that share ground: their numbers, and how much in square metres.

    From west to east a box has few neighbours, so that no table of all with all is made.
    """
    if not len(some) or not len(others):
        return np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0)
    eastwards = np.argsort(others[:, 0])
    west, widest_m = others[eastwards, 0], float((others[:, 2] - others[:, 0]).max())
    first = np.searchsorted(west, some[:, 0] - widest_m)
    n_near = np.searchsorted(west, some[:, 2]) - first
    i = np.repeat(np.arange(len(some)), n_near)
    nth = np.arange(len(i)) - np.repeat(np.cumsum(n_near) - n_near, n_near)
    j = eastwards[first[i] + nth]
    low = np.maximum(some[i, :2], others[j, :2])
    high = np.minimum(some[i, 2:], others[j, 2:])
    shared = np.maximum(high - low, 0.0).prod(axis=1)
    near = np.flatnonzero(shared)
    return i[near], j[near], shared[near]


def areas_m2(sides: Sides) -> Column:
    """The ground of each box."""
    return np.asarray((sides[:, 2] - sides[:, 0]) * (sides[:, 3] - sides[:, 1]))


Corners = Sequence[tuple[Column, Column]]
"""Of a zone, each (N,) metres east and north of each of N positions."""


def _inside(polygon: Corners, n: int) -> NDArray[np.bool_]:
    """True where an odd number of edges crosses the ray to the east (even-odd rule)."""
    crossings = np.zeros(n, dtype=bool)
    for (x1, y1), (x2, y2) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        crosses = (y1 > 0) != (y2 > 0)
        rise = np.where(crosses, y2 - y1, 1.0)
        crossings ^= crosses & (x1 - y1 * (x2 - x1) / rise > 0)
    return crossings


def _distance_to_line(line: Corners) -> Column:
    """Metres from each position to the nearest point of a polyline."""
    nearest = np.full(line[0][0].shape, np.inf)
    for (ax, ay), (bx, by) in pairwise(line):
        dx, dy = bx - ax, by - ay
        length2 = dx * dx + dy * dy
        along = np.clip(-(ax * dx + ay * dy) / np.where(length2 == 0, 1.0, length2), 0.0, 1.0)
        nearest = np.minimum(nearest, np.hypot(ax + along * dx, ay + along * dy))
    return nearest
