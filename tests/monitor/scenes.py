"""Builders of looks, sightings and sites for the tests of the monitor: only what matters is named."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from edge.acquire.quality import CELL_PX, Look
from edge.acquire.registration import Alignment
from edge.geo import GeoBounds, Grid, LngLat, PixelBox, Site, Zone, ZoneKind
from edge.monitor.coverage import Coverage, Sight
from edge.monitor.inventory import Inventory, InventorySettings, Recall, update
from edge.monitor.track import Delta, Sighting

SIDE_PX = 1024
GSD_M = 0.5
DAY_ONE = datetime(2024, 12, 1, 8, 30, tzinfo=UTC)
BOUNDS = GeoBounds(27.0, 17.0, 27.0 + 512 / 106_460.0, 17.0 + 512 / 111_320.0)
APRON = Zone(
    "apron",
    ZoneKind.PARKING,
    polygon=(
        LngLat(BOUNDS.west, BOUNDS.south),
        LngLat(BOUNDS.centre.lng, BOUNDS.south),
        LngLat(BOUNDS.centre.lng, BOUNDS.north),
        LngLat(BOUNDS.west, BOUNDS.north),
    ),
)
SITE = Site("north-airfield", BOUNDS, (APRON,))
RECALL = Recall({"aircraft": 0.9})
SETTINGS = InventorySettings()


def day(number: float) -> datetime:
    """The same hour of that day; day 1 is the first."""
    return DAY_ONE + timedelta(days=number - 1)


def make_sight(at: datetime, *, hidden: PixelBox | None = None) -> Sight:
    """A look at the whole site, all of it usable but for a hidden box."""
    cells = -(-SIDE_PX // CELL_PX)
    usable = np.ones((cells, cells), dtype=bool)
    if hidden is not None:
        rows = slice(int(hidden.top) // CELL_PX, -(-int(hidden.bottom) // CELL_PX))
        usable[rows, int(hidden.left) // CELL_PX : -(-int(hidden.right) // CELL_PX)] = False
    look = Look(usable=usable, width_px=SIDE_PX, height_px=SIDE_PX, usable_fraction=float(usable.mean()))
    return Sight(f"tile-{at:%d%H%M}", at, GSD_M, look, Alignment.identity(Grid(BOUNDS, SIDE_PX, SIDE_PX)))


def seen(sight: Sight, x: float, y: float, *, score: float = 0.95, side_px: float = 80.0) -> Sighting:
    """An aircraft with its middle at x, y of the tile."""
    half = side_px / 2
    pixels = PixelBox(x - half, y - half, x + half, y + half)
    return Sighting("aircraft", score, sight.ground_of(pixels), pixels)


class Watch:
    """A site over several looks."""

    def __init__(self, settings: InventorySettings = SETTINGS) -> None:
        self.settings = settings
        self.inventory = Inventory()
        self.coverage = Coverage.empty(SITE)

    def look(
        self, at: datetime, *places: tuple[float, float], score: float = 0.95, hidden: PixelBox | None = None
    ) -> Delta:
        """One look that shows an aircraft of this score at each of the places."""
        sight = make_sight(at, hidden=hidden)
        return self.show(sight, [seen(sight, x, y, score=score) for x, y in places])

    def show(self, sight: Sight, sightings: Sequence[Sighting], recall: Recall = RECALL) -> Delta:
        """One look with these sightings."""
        self.inventory, delta = update(
            self.inventory, sight, sightings, self.coverage, site=SITE, recall=recall, settings=self.settings
        )
        self.coverage = self.coverage.after(sight)
        return delta
