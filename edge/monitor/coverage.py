"""Which ground of a site was clearly seen, and when: not seen is not gone. Pure."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self

import numpy as np
from numpy.typing import NDArray

from edge.acquire.quality import Look
from edge.acquire.registration import Alignment
from edge.acquire.tile import Mask
from edge.geo import GeoBounds, Grid, PixelBox, Site, Zone
from edge.monitor.places import Column, Places
from edge.monitor.track import GroundBox

# Cells are small against a stand and large against the residual of an alignment.
CELL_M = 20.0
# A larger site gets larger cells: the ledger stays within 2 x 4 x 40,000 bytes.
MAX_CELLS = 40_000
NEVER = np.int32(np.iinfo(np.int32).min)
_NEVER = int(NEVER)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

Minutes = NDArray[np.int32]
"""(h, w) int32, minutes since 2000-01-01 UTC, NEVER where there was no look."""


def minutes(at: datetime) -> np.int32:
    """An instant in whole minutes since 2000-01-01, the time scale of the ledger."""
    return np.int32((at - _EPOCH) // timedelta(minutes=1))


@dataclass(frozen=True, slots=True)
class Sight:
    """What one tile shows of a site: which ground is usable, in the frame of the reference."""

    tile_id: str
    seen_at: datetime
    gsd_m: float
    look: Look
    alignment: Alignment

    def share(self, box: GroundBox) -> float:
        """Share in [0, 1] of a box on the ground that was clearly seen; outside the tile is not seen."""
        return self.look.sees(self.pixels_of(box))

    def shares(self, places: Places) -> Column:
        """(N,) float64, the same of many boxes."""
        x, y = self.alignment.pixels_at(places.lng, places.lat)
        half_w, half_h = places.width_m / self.gsd_m / 2, places.height_m / self.gsd_m / 2
        return self.look.shares(np.stack([x - half_w, y - half_h, x + half_w, y + half_h], axis=1))

    def pixels_of(self, box: GroundBox) -> PixelBox:
        """The box in the tile's own pixels."""
        x, y = self.alignment.pixel_at(box.position)
        half_w, half_h = box.width_m / self.gsd_m / 2, box.height_m / self.gsd_m / 2
        return PixelBox(x - half_w, y - half_h, x + half_w, y + half_h)

    def ground_of(self, pixels: PixelBox) -> GroundBox:
        """The box on the ground under pixels of the tile."""
        x, y = pixels.centre
        return GroundBox(
            self.alignment.ground_at(x, y), pixels.width * self.gsd_m, pixels.height * self.gsd_m
        )


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """The ledger of a site: for each cell of its ground the first and the latest clear view.

    first_at, latest_at  (h, w) int32 minutes since 2000, NEVER where it was not seen yet; read-only
    """

    bounds: GeoBounds
    first_at: Minutes
    latest_at: Minutes

    @classmethod
    def empty(cls, site: Site) -> Self:
        """Nothing seen yet."""
        width_m, height_m = site.bounds.size_m
        cell_m = max(CELL_M, math.sqrt(width_m * height_m / MAX_CELLS))
        shape = (max(1, math.ceil(height_m / cell_m)), max(1, math.ceil(width_m / cell_m)))
        return cls(site.bounds, np.full(shape, NEVER), np.full(shape, NEVER))

    def __post_init__(self) -> None:
        self.first_at.setflags(write=False)
        self.latest_at.setflags(write=False)

    @property
    def grid(self) -> Grid:
        """Where the cells lie."""
        return Grid(self.bounds, self.latest_at.shape[1], self.latest_at.shape[0])

    @property
    def fraction(self) -> float:
        """Share of the site that was ever seen."""
        return float((self.latest_at != NEVER).mean())

    def cells_of(self, zone: Zone | None) -> Mask:
        """(h, w) bool, read-only: the cells whose middle lies in a zone; all of them for None.

        A zone smaller than a cell stands for the whole site.
        """
        return _cells_of(self.bounds, self.latest_at.shape[0], self.latest_at.shape[1], zone)

    def fraction_of(self, zone: Zone | None) -> float:
        """Share of a zone (None: the site) that was ever seen."""
        return float((self.latest_at[self.cells_of(zone)] != NEVER).mean())

    def seen_fraction(self, sight: Sight, zone: Zone | None) -> float:
        """Share of a zone (None: the site) that one tile clearly shows."""
        return next(self.seen_fractions(sight, [zone]))

    def seen_fractions(self, sight: Sight, zones: Iterable[Zone | None]) -> Iterator[float]:
        """The same of many zones, in their order."""
        seen = self.seen_cells(sight)
        return (float(seen[self.cells_of(zone)].mean()) for zone in zones)

    def after(self, sight: Sight) -> Coverage:
        """The ledger with one more look."""
        seen = self.seen_cells(sight)
        now = minutes(sight.seen_at)
        first = np.where(seen & ((self.first_at == NEVER) | (self.first_at > now)), now, self.first_at)
        latest = np.where(seen, np.maximum(self.latest_at, now), self.latest_at)
        return replace(self, first_at=first, latest_at=latest)

    def seen_cells(self, sight: Sight) -> Mask:
        """(h, w) bool, the cells whose middle the tile clearly shows."""
        i, j, inside = self._cells_on(sight)
        seen = np.zeros(self.latest_at.shape, dtype=bool)
        seen[inside] = sight.look.usable[i[inside], j[inside]]
        return seen

    def cells_on_tile(self, sight: Sight) -> Mask:
        """(h, w) bool, the cells whose middle lies on the tile, usable or not."""
        return self._cells_on(sight)[2]

    def _cells_on(self, sight: Sight) -> tuple[NDArray[np.intp], NDArray[np.intp], Mask]:
        """Row and column in the look of each cell's middle, and whether it is on the tile at all."""
        usable, cell_px = sight.look.usable, sight.look.cell_px
        x, y = self._middles_on(sight.alignment)
        i, j = np.floor(y / cell_px).astype(np.intp), np.floor(x / cell_px).astype(np.intp)
        return i, j, (i >= 0) & (i < usable.shape[0]) & (j >= 0) & (j < usable.shape[1])

    def _middles_on(self, alignment: Alignment) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """x, y in tile pixels of the middle of each cell: three corners give the affine map of all."""
        grid, height, width = self.grid, *self.latest_at.shape
        x0, y0 = alignment.pixel_at(grid.to_ground(0, 0))
        x1, y1 = alignment.pixel_at(grid.to_ground(width, 0))
        x2, y2 = alignment.pixel_at(grid.to_ground(0, height))
        across, down = (np.arange(width) + 0.5) / width, (np.arange(height)[:, None] + 0.5) / height
        return x0 + across * (x1 - x0) + down * (x2 - x0), y0 + across * (y1 - y0) + down * (y2 - y0)

    def views(self, places: Places, at: datetime) -> Views:
        """What was seen of many places before an instant, and whether anything was after it.

        The ledger keeps two instants a cell: where the latest is not before, the first stands in for it.
        """
        x, y = self.grid.to_pixels(places.lng, places.lat)
        rows, columns = np.floor(y).astype(np.intp), np.floor(x).astype(np.intp)
        height, width = self.latest_at.shape
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        first, latest = (
            np.where(inside, cells[rows * inside, columns * inside], NEVER)
            for cells in (self.first_at, self.latest_at)
        )
        now = minutes(at)
        before = np.where(latest < now, latest, np.where(first < now, first, NEVER))
        is_late = latest - (at - _EPOCH) / timedelta(minutes=1) >= 1.0
        return Views(tuple(map(_instant, before.tolist())), tuple(is_late.tolist()))


@dataclass(frozen=True, slots=True)
class Views:
    """What the ledger knows of some places, in their order.

    before   the latest clear view before an instant, None where there was none
    is_late  True where a clear view came a minute or more after it
    """

    before: tuple[datetime | None, ...]
    is_late: tuple[bool, ...]


def _instant(value: int) -> datetime | None:
    return None if value == _NEVER else _EPOCH + timedelta(minutes=value)


@functools.lru_cache(maxsize=512)
def _cells_of(bounds: GeoBounds, rows: int, columns: int, zone: Zone | None) -> Mask:
    """The cells of a zone: a walk over up to MAX_CELLS positions, made once for each zone."""
    inside = np.ones((rows, columns), dtype=bool)
    if zone is not None:
        grid = Grid(bounds, columns, rows)
        for row, column in np.ndindex(inside.shape):
            inside[row, column] = zone.contains(grid.to_ground(column + 0.5, row + 0.5))
        if not inside.any():
            inside[:] = True
    inside.setflags(write=False)
    return inside
