"""What a look says of each zone: so many seen, none seen, or not seen and why not. Pure.

An empty zone and a zone under cloud are two things; a record that holds only detections mixes them up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from edge.geo import Site, Zone
from edge.monitor.activity import MIN_SEEN
from edge.monitor.coverage import Coverage, Sight
from edge.monitor.inventory import Inventory
from edge.monitor.places import Places

SITE = "*"
"""Stands for the whole site among the names of its zones."""


class Unseen(StrEnum):
    """Why ground was not seen although the tile was usable elsewhere."""

    OFF_TILE = "off_tile"
    CLOUDED = "clouded"  # or without data: the tile shows the ground there, and nothing can be told from it


@dataclass(frozen=True, slots=True)
class ZoneLook:
    """One zone at one look.

    seen_fraction  share of its ground that was clearly seen
    counts         objects that the look itself showed, by label; empty where it was not seen
    reason         why it was not seen, one word; None where it was
    """

    seen_fraction: float
    counts: Mapping[str, int] = field(default_factory=dict)
    reason: str | None = None

    @property
    def state(self) -> str:
        """In a word: seen-3, seen-0 or not-seen."""
        return f"seen-{sum(self.counts.values())}" if self.reason is None else "not-seen"


def of_look(site: Site, coverage: Coverage, sight: Sight, inventory: Inventory) -> Mapping[str, ZoneLook]:
    """Every zone, and the site, at a usable look."""
    zones: dict[str, Zone | None] = {SITE: None, **{zone.name: zone for zone in site.zones}}
    shown = [track for track in inventory.present() if track.last_seen == sight.seen_at]
    places = Places.of([track.box for track in shown])
    labels = np.array([track.label for track in shown], dtype=object)
    return {
        name: _zone_look(zone, coverage, sight, labels if zone is None else labels[places.within(zone)])
        for name, zone in zones.items()
    }


def of_reject(site: Site, reason: str) -> Mapping[str, ZoneLook]:
    """Every zone, and the site, of a tile that was of no use there."""
    return {name: ZoneLook(0.0, reason=reason) for name in (SITE, *(zone.name for zone in site.zones))}


def _zone_look(zone: Zone | None, coverage: Coverage, sight: Sight, labels: Iterable[str]) -> ZoneLook:
    fraction = coverage.seen_fraction(sight, zone)
    if fraction < MIN_SEEN:
        return ZoneLook(fraction, reason=_reason(zone, coverage, sight))
    return ZoneLook(fraction, dict(sorted(Counter(labels).items())))


def _reason(zone: Zone | None, coverage: Coverage, sight: Sight) -> Unseen:
    """What hid most of it."""
    cells = coverage.cells_of(zone)
    on_tile = coverage.cells_on_tile(sight)[cells]
    off = float(np.mean(~on_tile))
    unusable = float(np.mean(on_tile & ~coverage.seen_cells(sight)[cells]))
    return Unseen.OFF_TILE if off >= unusable else Unseen.CLOUDED
