"""Rendered airfields on which aircraft are opened, stripped or exchanged, or nothing happens to them.

Each is looked at day after day under other sun, season, haze, blur and noise, off its place by some pixels,
and put on its first look by the registration of the field. What is fitted and what is measured are made here,
from other seeds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import cos, radians, sin

import numpy as np

from edge.acquire import reference, registration
from edge.acquire.reference import ReferenceSettings
from edge.acquire.registration import Alignment, NotAligned, Reference, RegistrationSettings
from edge.acquire.tile import Tile
from edge.drill.airfield import airfield
from edge.drill.catalogue import KINDS
from edge.drill.look import Look
from edge.drill.noise import generator
from edge.drill.render import View, prepare, render
from edge.drill.scene import Scene, SceneObject, Stand
from edge.drill.season import NAMED, season_at
from edge.drill.sun import sun_at
from edge.drill.traffic import ordinary
from edge.geo import PixelBox, Site
from edge.monitor.coverage import Sight
from edge.monitor.track import GroundBox
from tests.make import make_look

_WEST = 27.0
# Of a stand, the length in metres from which it takes these kinds, the largest first.
_ON_STANDS: tuple[tuple[float, tuple[str, ...]], ...] = (
    (60.0, ("transport", "transport", "airliner_wide", "airliner_narrow")),
    (50.0, ("transport", "transport", "airliner_narrow")),
    (40.0, ("airliner_narrow", "airliner_narrow", "business_jet", "helicopter")),
    (0.0, ("helicopter", "helicopter", "business_jet", "fighter")),
)
# Share of the stands that are empty, and of the objects that are not whole from the start.
_EMPTY, _BEGUN = 0.15, 0.1
# Share of the scenes that are seen at any hour, and after weeks; of their looks, the share under snow.
_WILD, _SNOWY = 0.3, 0.1
# A transport is opened rather than stripped; engines off are seldom, and hardly seen from above.
_OPENED, _ENGINES_OFF = 0.75, 0.3
# Of a detector's box against its object: of its sides, and of its place in sides.
_SIDE_JITTER, _PLACE_JITTER = 0.04, 0.02


@dataclass(frozen=True, slots=True)
class Chances:
    """How likely an object is altered, or another one stands in its place, when something happens."""

    altered: float
    exchanged: float


@dataclass(frozen=True, slots=True)
class Stood:
    """One object at one look: what it was, how often another took its place, and its detected box."""

    thing: SceneObject
    n_exchanged: int
    box: GroundBox


@dataclass(frozen=True, slots=True, eq=False)
class Day:
    """One look at an apron, with its objects by their ids."""

    sight: Sight
    tile: Tile
    stood: dict[str, Stood]


def days(
    seed: int, gsd_m: float, *, n_looks: int, happens_at: Collection[int], chances: Chances
) -> Iterator[Day]:
    """The looks at one apron that lie on the first one.

    happens_at  the looks, the first is 0, before which something may happen to each object
    """
    rng = generator(seed, "aprons")
    apron = _Apron.made(seed, rng)
    stage = prepare(apron.scene, gsd_m)
    known: Reference | None = None
    for number in range(n_looks):
        apron.later(number in happens_at, chances)
        look = apron.look(seed * 100 + number, is_first=number == 0)
        things = tuple(apron.parked.values())
        view = render(stage, (*things, *ordinary(apron.scene, look.seed, things)), look)
        name = f"{seed}-{number}"
        tile = Tile(name, view.pixels, stage.bounds, gsd_m, apron.at, f"{seed:032}{number:032}")
        alignment = _alignment(tile, known)
        known = known or _reference(tile, apron.scene.site_id)
        if isinstance(alignment, Alignment):
            sight = Sight(name, apron.at, gsd_m, make_look(tile), alignment)
            yield Day(sight, tile, apron.stood(view, sight))


def _alignment(tile: Tile, known: Reference | None) -> Alignment | NotAligned:
    if known is None:
        return Alignment.identity(tile.grid)
    return registration.align(tile, make_look(tile), known, RegistrationSettings())


def _reference(tile: Tile, site_id: str) -> Reference | None:
    """The first look as the reference of all others."""
    return reference.following(
        None, tile, make_look(tile),
        alignment=Alignment.identity(tile.grid),
        site=Site(site_id, tile.bounds), settings=ReferenceSettings(),
    )  # fmt: skip


@dataclass(slots=True)
class _Apron:
    """An airfield on its way through the days."""

    scene: Scene
    rng: np.random.Generator
    is_wild: bool
    lat: float
    at: datetime
    parked: dict[str, SceneObject]
    n_exchanged: dict[str, int]

    @classmethod
    def made(cls, seed: int, rng: np.random.Generator) -> _Apron:
        """An airfield somewhere, on some day of the year, with its stands taken."""
        lat = float(rng.uniform(20, 50))
        scene = airfield("apron", west=_WEST, north=lat, seed=seed, turn_deg=float(rng.uniform(-8, 8)))
        stands = {
            name: one for name, one in scene.stands.items() if name[0] != "C" and rng.random() >= _EMPTY
        }
        parked = {name: _put(name, stand, rng) for name, stand in stands.items()}
        begun = {
            name: _other_state(one, rng) if rng.random() < _BEGUN else one for name, one in parked.items()
        }
        at = datetime(2024, 1, 1, 7, 45, tzinfo=UTC) + timedelta(days=int(rng.integers(360)))
        return cls(scene, rng, bool(rng.random() < _WILD), lat, at, begun, dict.fromkeys(begun, 0))

    def later(self, happens: bool, chances: Chances) -> None:  # noqa: FBT001  # one of two kinds of days
        """Some days go by, and things happen."""
        most = (20, 60) if self.is_wild and happens else (1, 4)
        self.at = self.at.replace(hour=7, minute=45) + timedelta(days=int(self.rng.integers(*most)))
        late_min = self.rng.uniform(-60, 330) if self.is_wild else self.rng.normal(0, 40)
        self.at += timedelta(minutes=float(late_min))
        for name in self.parked if happens else ():
            self._happens(name, float(self.rng.random()), chances)

    def _happens(self, name: str, chance: float, chances: Chances) -> None:
        if chance < chances.altered:
            self.parked[name] = _other_state(self.parked[name], self.rng)
        elif chance < chances.altered + chances.exchanged:
            stand = self.scene.stands[name]
            old, new = self.parked[name], _put(name, stand, self.rng)
            if new.kind != old.kind:
                self.parked[name] = new
                self.n_exchanged[name] += 1

    def look(self, seed: int, *, is_first: bool) -> Look:
        """The circumstances of today."""
        rng = self.rng
        is_snowy = self.is_wild and rng.random() < _SNOWY
        x, y = (0.0, 0.0) if is_first else rng.uniform(-6, 6, 2)
        return Look(
            sun=sun_at(self.at, _WEST, self.lat),
            seed=seed,
            season=NAMED["snow"] if is_snowy else season_at(self.at, self.lat),
            haze_fraction=float(rng.choice([0.05, 0.05, 0.1, 0.2, 0.25])),
            gain=float(rng.uniform(0.92, 1.1)),
            gamma=float(rng.uniform(0.9, 1.07)),
            contrast=float(rng.uniform(1.1, 1.3)),
            blur_px=float(rng.uniform(0.4, 0.75)),
            noise_fraction=float(rng.uniform(0.005, 0.012)),
            shift_px=(float(x), float(y)),
            rotation_deg=0.0 if is_first else float(rng.uniform(-0.12, 0.12)),
        )

    def stood(self, view: View, sight: Sight) -> dict[str, Stood]:
        """The objects that a look shows wholly, in boxes as a detector gives them."""
        placed = {one.thing.object_id: one for one in view.placed if not one.truncated}
        return {
            name: Stood(thing, self.n_exchanged[name], sight.ground_of(_jittered(placed[name].box, self.rng)))
            for name, thing in self.parked.items()
            if name in placed
        }


def _put(name: str, stand: Stand, rng: np.random.Generator) -> SceneObject:
    """An object on a stand, about as straight as they are parked."""
    kinds = next(kinds for length_m, kinds in _ON_STANDS if stand.length_m >= length_m)
    kind = kinds[rng.integers(len(kinds))]
    paint = KINDS[kind].paints[rng.integers(len(KINDS[kind].paints))]
    reach_m = min(8.0, 0.5 + 0.25 * max(0.0, stand.length_m - KINDS[kind].length_m))
    along_m, angle = float(rng.uniform(-reach_m, reach_m)), radians(stand.heading_deg)
    x_m, y_m = stand.x_m + along_m * sin(angle), stand.y_m - along_m * cos(angle)
    return SceneObject(name, kind, x_m, y_m, (stand.heading_deg + rng.normal(0, 1.6)) % 360, paint)


def _other_state(thing: SceneObject, rng: np.random.Generator) -> SceneObject:
    """The object opened, closed, stripped or made whole; itself where its kind has one state only."""
    states = [one for one in KINDS[thing.kind].states if one != thing.state]
    if thing.kind == "helicopter":
        states = ["tail_off" if thing.state == "rotor_off" else "rotor_off"]
    elif thing.kind == "transport" and thing.state == "whole" and rng.random() < _OPENED:
        states = ["nose_open"]
    states = [one for one in states if one != "engines_off" or rng.random() < _ENGINES_OFF]
    return replace(thing, state=states[rng.integers(len(states))]) if states else thing


def _jittered(box: PixelBox, rng: np.random.Generator) -> PixelBox:
    (x, y), longer = box.centre, max(box.width, box.height)
    half_w, half_h = (side / 2 * (1 + rng.normal(0, _SIDE_JITTER)) for side in (box.width, box.height))
    x, y = (value + rng.normal(0, _PLACE_JITTER) * longer for value in (x, y))
    return PixelBox(x - half_w, y - half_h, x + half_w, y + half_h)
