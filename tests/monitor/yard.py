"""Rendered looks at a place on which something is built, and what the survey makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache

from edge.acquire.registration import Alignment
from edge.acquire.tile import Rgb, Tile
from edge.detect.manifest import ChangeModel
from edge.drill.airfield import airfield
from edge.drill.look import Look
from edge.drill.render import Stage, prepare, render
from edge.drill.scene import Building, SceneObject
from edge.drill.sun import Sun
from edge.geo import Site
from edge.monitor.changed_ground import ChangedGround
from edge.monitor.coverage import Sight
from edge.monitor.rules import GroundChangeRule
from edge.monitor.state import MAX_RECENT, PastLook
from edge.monitor.survey import Survey
from edge.monitor.track import Track
from tests.make import make_look

GSD_M = 0.5
FIRST_AT = datetime(2024, 6, 1, 9, 30, tzinfo=UTC)
RULE = GroundChangeRule(ground_change=True)
# 30 by 22 m of roof on the grass.
HALL = Building(((60.0, 60.0), (90.0, 60.0), (90.0, 82.0), (60.0, 82.0)), 7.0, (0.75, 0.74, 0.72))


@cache
def stage(*, is_built: bool) -> Stage:
    """The place with or without the hall."""
    scene = airfield("yard", west=27.0, north=44.0, size_m=256.0, seed=3)
    if is_built:
        layout = replace(scene.layout, buildings=(*scene.layout.buildings, HALL))
        scene = replace(scene, layout=layout)
    return prepare(scene, GSD_M)


@dataclass(slots=True)
class Yard:
    """A place over several days, asked of a change model."""

    model: ChangeModel | None
    rule: GroundChangeRule = RULE
    recent: tuple[PastLook, ...] = ()
    kept: dict[str, Rgb] = field(default_factory=dict)
    ground: dict[str, tuple[ChangedGround, ...]] = field(default_factory=dict)
    tracks: tuple[Track, ...] = ()
    days: int = 0

    def show(
        self, *things: SceneObject, is_built: bool = False, hidden: bool = False, sun: Sun | None = None
    ) -> tuple[ChangedGround, ...]:
        """One more day: the places after it."""
        self.days += 1
        place = stage(is_built=is_built)
        view = render(place, things, Look(seed=self.days, sun=sun or Sun(140.0, 48.0)))
        at = FIRST_AT + timedelta(days=self.days)
        tile = Tile(f"day-{self.days}", view.pixels, place.bounds, GSD_M, at, f"{self.days:064}")
        look = make_look(tile)
        if hidden:
            look = replace(look, usable=look.usable & False, usable_fraction=0.0)
        sight = Sight(tile.tile_id, at, GSD_M, look, Alignment.identity(tile.grid))
        site = Site("yard", place.bounds)
        survey = Survey(site, tile, sight, self.recent, self.tracks, self.model, self.kept.get)
        self.ground = survey.after(self.ground, [self.rule])
        self.recent = (*self.recent, PastLook(sight, tile.sha256))[-MAX_RECENT:]
        self.kept[tile.sha256] = tile.pixels
        return self.ground[self.rule.rule_id]
