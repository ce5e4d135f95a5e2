"""The demo's site and its configuration, from the scene that is rendered. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from edge.drill.events import Moment
from edge.drill.render import Stage
from edge.geo import Grid, Site, Zone, ZoneKind

DEVICE = "demo"
ZONE = "apron"

RULES: tuple[dict[str, Any], ...] = (
    {"arrival": "aircraft", "zone": ZONE},
    {"departure": "aircraft", "zone": ZONE, "severity": "severe"},
    {"moved": "aircraft", "zone": ZONE, "severity": "minor"},
    {"count": "aircraft", "zone": ZONE, "at_least": 7},
    {"dwell": "aircraft", "zone": ZONE, "hours": 144, "severity": "minor"},
    {"blind_hours": 36},
)


def site_of(stage: Stage) -> Site:
    """The site under a stage, with its apron."""
    grid = Grid(stage.bounds, *stage.raster.tile_px)
    gsd_m = stage.raster.gsd_m
    corners = tuple(grid.to_ground(x_m / gsd_m, y_m / gsd_m) for x_m, y_m in stage.scene.zones[ZONE].outline)
    return Site(stage.scene.site_id, stage.bounds, (Zone(ZONE, ZoneKind.PARKING, corners),))


def config_text(site: Site, folder: Path, url: str) -> str:
    """The configuration of the demo's daemon.

    folder  holds its spool and its state
    url     of its broker
    """
    bounds = site.bounds
    return yaml.safe_dump(
        {
            "device": {"id": DEVICE},
            # Our sender renames into place: a file is whole as soon as it is there.
            "spool": {"folder": str(folder / "spool"), "settle_s": 0},
            "state": {"folder": str(folder / "state")},
            "sites": {
                site.site_id: {
                    "bounds": {key: getattr(bounds, key) for key in ("west", "south", "east", "north")},
                    "zones": {zone.name: _zone(zone) for zone in site.zones},
                    "rules": list(RULES),
                }
            },
            "transmit": {"mqtt": {"url": url}, "observations": True},
        },
        sort_keys=False,
    )


def _zone(zone: Zone) -> dict[str, Any]:
    return {"kind": str(zone.kind), "polygon": [[corner.lng, corner.lat] for corner in zone.polygon]}


def sky(moment: Moment) -> str:
    """What the air was like at a look, in a word or two."""
    look = moment.look
    if look.cloud_fraction >= 0.9:
        return "overcast"
    if look.clouds or look.cloud_fraction > 0:
        return "a cloud"
    return "haze" if look.haze_fraction >= 0.2 else "clear"
