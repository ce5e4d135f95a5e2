"""Rendered looks at one aircraft, and the track of it: for the tests of what becomes of objects that stay."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace as renewed

from edge.acquire.registration import Alignment
from edge.acquire.tile import Rgb, Tile
from edge.drill.airfield import airfield
from edge.drill.look import Look
from edge.drill.render import View, prepare, render
from edge.drill.scene import SceneObject
from edge.drill.sun import Sun
from edge.monitor import alteration
from edge.monitor.album import Album
from edge.monitor.coverage import Sight
from edge.monitor.inventory import Inventory
from edge.monitor.state import PastLook
from edge.monitor.track import Status, Track
from tests.make import make_look

GSD_M = 0.5
FIRST_AT = datetime(2024, 6, 1, 9, 30, tzinfo=UTC)
STAGE = prepare(airfield("north-airfield", west=27.0, north=44.0, size_m=240.0, seed=3), GSD_M)
TRANSPORT = SceneObject("t1", "transport", 120.0, 120.0, 20.0, "white")
HELICOPTER = SceneObject("h1", "helicopter", 120.0, 120.0, 20.0, "white")
CART = SceneObject("c1", "carts", 108.0, 96.0, 20.0, "white")


@dataclass(slots=True)
class Apron:
    """One aircraft over several days, found by a detector that never misses it."""

    thing: SceneObject = TRANSPORT
    track: Track | None = None
    recent: tuple[PastLook, ...] = ()
    kept: dict[str, Rgb] = field(default_factory=dict)
    days: int = 0

    def show(self, state: str = "whole", *beside: SceneObject, look: Look | None = None) -> Track:
        """One more day: the aircraft in a state, with others beside it, under some light."""
        self.days += 1
        thing = replace(self.thing, state=state)
        view = render(STAGE, (thing, *beside), replace(look or Look(), seed=self.days))
        return self.take(view)

    def take(self, view: View) -> Track:
        """One more day, as a view shows it."""
        tile = self._tile(view)
        sight = Sight(tile.tile_id, tile.acquired_at, GSD_M, make_look(tile), Alignment.identity(tile.grid))
        (placed,) = (one for one in view.placed if one.thing.object_id == self.thing.object_id)
        before = Inventory(() if self.track is None else (self.track,))
        now = tile.acquired_at
        if self.track is None:
            box = sight.ground_of(placed.scene_box)
            self.track = Track("a1", "aircraft", box, 0.9, 4.0, Status.PRESENT, now, now, now)
        self.track = renewed(self.track, last_seen=now, looked_at=now)
        album = Album(tile, sight, self.recent, self.kept.get)
        after, _ = alteration.examined(before, Inventory((self.track,)), {"aircraft"}, album)
        (self.track,) = after.tracks
        self.recent = (*self.recent, PastLook(sight, tile.sha256))[-6:]
        self.kept[tile.sha256] = tile.pixels
        return self.track

    def _tile(self, view: View) -> Tile:
        at = FIRST_AT + timedelta(days=self.days)
        return Tile(f"day-{self.days}", view.pixels, STAGE.bounds, GSD_M, at, f"{self.days:064}")


def afternoon(**more: float) -> Look:
    """The light of another hour, with whatever else is other."""
    return replace(Look(sun=Sun(200.0, 50.0)), **more)  # type: ignore[arg-type]
