"""How a rendered site is watched: its zones on the ground, and a configuration for it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import yaml

from edge.drill.render import bounds_of, position_of
from edge.drill.scene import Point, Scene
from edge.drill.way import ways_of
from edge.geo import LngLat, Site, Zone, ZoneKind
from edge.monitor.rules import RULES

BLIND_HOURS = 72
# The truth calls visible what chance does at one look in a hundred; of daily looks that is four times a year.
# No dinghies; white-caps and lorries on the quay are shorter too.
_LEAST_SHIP_M = 15.0
_TRENDS = MappingProxyType({"over_days": 14, "false_alarms_per_year": 4.0})
# What is watched for at each kind of place. A rule that this version does not know yet is left out.
_WATCHED: Mapping[str, tuple[Mapping[str, Any], ...]] = MappingProxyType(
    {
        "aircraft": (
            {"arrival": "aircraft"},
            {"departure": "aircraft"},
            {"moved": "aircraft", "severity": "minor"},
            {"altered": "aircraft", "severity": "severe"},
            {"trend": "aircraft", **_TRENDS},
        ),
        "ship": (
            {"arrival": "ship", "min_length_m": _LEAST_SHIP_M},
            {"departure": "ship", "min_length_m": _LEAST_SHIP_M},
            {"trend": "ship", **_TRENDS},
        ),
    }
)
_LEAST_VEHICLES = 5


def site_of(scene: Scene) -> Site:
    """The site under a scene, with its zones and its roads."""
    areas = [
        Zone(name, ZoneKind(area.kind), _ground(scene, area.outline)) for name, area in scene.zones.items()
    ]
    roads = [
        Zone(way.name, ZoneKind.ROAD, line=_ground(scene, way.corners()), width_m=way.width_m + 4.0)
        for way in ways_of(scene)
    ]
    return Site(scene.site_id, bounds_of(scene), (*areas, *roads))


def _ground(scene: Scene, points: Sequence[Point]) -> tuple[LngLat, ...]:
    return tuple(position_of(scene, x_m, y_m) for x_m, y_m in points)


def config_text(scenes: Sequence[Scene]) -> str:
    """A configuration that watches these scenes; its folders lie beside it."""
    return yaml.safe_dump(
        {
            "device": {"id": "drill"},
            "spool": {"folder": "spool"},
            "state": {"folder": "state"},
            "sites": {scene.site_id: _site(scene) for scene in scenes},
        },
        sort_keys=False,
    )


def _site(scene: Scene) -> dict[str, Any]:
    site = site_of(scene)
    bounds = {key: getattr(site.bounds, key) for key in ("west", "south", "east", "north")}
    zones = {zone.name: zone_keys(zone) for zone in site.zones}
    return {"bounds": bounds, "zones": zones, "rules": rules_of(scene)}


def zone_keys(zone: Zone) -> dict[str, Any]:
    """A zone as the configuration writes it."""
    if zone.polygon:
        return {"kind": str(zone.kind), "polygon": _pairs(zone.polygon)}
    return {"kind": str(zone.kind), "line": _pairs(zone.line), "width_m": zone.width_m}


def _pairs(positions: Sequence[LngLat]) -> list[list[float]]:
    return [[round(one.lng, 7), round(one.lat, 7)] for one in positions]


def rules_of(scene: Scene) -> list[dict[str, Any]]:
    """Rules on what such a place is watched for, as far as this version knows them."""
    wanted = [dict(rule) for label in scene.subjects for rule in _WATCHED[label]]
    wanted += [{"convoy": "vehicle", "zone": way.name, "at_least": _LEAST_VEHICLES} for way in ways_of(scene)]
    wanted.append({"blind_hours": BLIND_HOURS})
    return [rule for rule in wanted if next(iter(rule)) in RULES]
