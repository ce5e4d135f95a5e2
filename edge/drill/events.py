"""A scenario played through: each look's circumstances and who is present; refuses what cannot be. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from edge.drill.airfield import airfield
from edge.drill.cast import Cast, Impossible, one_of
from edge.drill.columns import Line, line_of
from edge.drill.countryside import countryside
from edge.drill.harbour import harbour
from edge.drill.look import CloudBank, Look
from edge.drill.noise import generator
from edge.drill.scenario import CloudSettings, LookSettings, Scenario
from edge.drill.scene import Scene, SceneObject
from edge.drill.season import NAMED, season_at
from edge.drill.sun import sun_at

__all__ = ["Impossible", "Moment", "moments", "scene_of"]

# Turned further, a road near the rim would leave the picture too soon for a column.
_MAX_TURN_DEG = 8.0
_SCENES = {"airfield": airfield, "harbour": harbour, "road": countryside}


@dataclass(frozen=True, slots=True)
class Moment:
    """One look of a scenario, ready to render: its number from 1, its time, and what is there.

    present  every object of the story, without the vehicles of its lines
    lines    columns and queues on the roads, each with its vehicles
    """

    number: int
    at: datetime
    look: Look
    present: tuple[SceneObject, ...]
    traffic_fraction: float
    lines: tuple[Line, ...] = ()

    @property
    def things(self) -> tuple[SceneObject, ...]:
        """What the story has put there."""
        return (*self.present, *(vehicle for line in self.lines for vehicle in line.vehicles))


def scene_of(scenario: Scenario) -> Scene:
    """The scene of a scenario; a shuffled one is turned by its seed as well."""
    build = _SCENES[scenario.scene]
    turn = generator(scenario.seed, "turn").uniform(-_MAX_TURN_DEG, _MAX_TURN_DEG)
    return build(
        scenario.site,
        west=scenario.west,
        north=scenario.north,
        size_m=scenario.size_m,
        seed=scenario.seed,
        turn_deg=float(turn) if scenario.shuffled else None,
    )


def moments(scenario: Scenario) -> Iterator[Moment]:
    """The looks in order, each with everything that is present by then."""
    scene = scene_of(scenario)
    cast = Cast(scene, shuffled=scenario.shuffled)
    for index, arrival in enumerate(scenario.present):
        cast.arrive(arrival, ("present", index))
    before: datetime | None = None
    for index, settings in enumerate(scenario.looks):
        where = ("looks", index)
        if before is not None and settings.at <= before:
            wanted = (
                f"expected a time after {before:%Y-%m-%dT%H:%M:%SZ}, got {settings.at:%Y-%m-%dT%H:%M:%SZ}"
            )
            raise Impossible((*where, "at"), wanted)
        before = settings.at
        cast.after(settings, where)
        lines = (
            *(line_of(one, scene, index, (*where, "columns", i)) for i, one in enumerate(settings.columns)),
            *(line_of(one, scene, index, (*where, "queues", i)) for i, one in enumerate(settings.queues)),
        )
        look = _look(settings, index, scenario, cast)
        yield Moment(index + 1, settings.at, look, cast.present, settings.traffic_fraction, lines)


def _look(settings: LookSettings, index: int, scenario: Scenario, cast: Cast) -> Look:
    rng = generator(scenario.seed, "look", index)
    is_first = index == 0
    shift_x, shift_y = (0.0, 0.0) if is_first else rng.uniform(-6.0, 6.0, 2)
    turn = 0.0 if is_first else float(rng.uniform(-0.12, 0.12))
    named = settings.season or scenario.season
    gain, gamma = float(rng.uniform(0.97, 1.09)), float(rng.uniform(0.93, 1.05))
    blur_px, contrast = float(rng.uniform(0.4, 0.62)), float(rng.uniform(1.12, 1.28))
    noise = float(rng.uniform(0.005, 0.009))
    sun = sun_at(settings.at, scenario.west, scenario.north)
    clouds = tuple(
        _bank(cloud, sun.shadow_per_m, cast, ("looks", index, "clouds", number))
        for number, cloud in enumerate(settings.clouds)
    )
    return Look(
        sun=sun,
        seed=scenario.seed * 1000 + index,
        season=NAMED[named] if named else season_at(settings.at, scenario.north),
        haze_fraction=settings.haze_fraction,
        cloud_fraction=settings.cloud_fraction,
        clouds=clouds,
        gain=gain,
        gamma=gamma,
        blur_px=blur_px if settings.blur_px is None else settings.blur_px,
        contrast=contrast,
        noise_fraction=noise if settings.noise_fraction is None else settings.noise_fraction,
        shift_px=settings.shift_px if settings.shift_px is not None else (float(shift_x), float(shift_y)),
        rotation_deg=settings.rotation_deg if settings.rotation_deg is not None else turn,
    )


def _bank(
    cloud: CloudSettings, shadow_per_m: tuple[float, float], cast: Cast, where: tuple[str | int, ...]
) -> CloudBank:
    """A cloud over its object, or where the sun throws its shadow there."""
    key = "over" if cloud.over is not None else "shadow_over"
    thing = cast.thing(one_of(cloud.target, cast.ids, (*where, key)))
    if cloud.over is not None:
        return CloudBank(thing.x_m, thing.y_m, cloud.radius_m)
    east, south = (along * Look.CLOUD_HEIGHT_M for along in shadow_per_m)
    return CloudBank(thing.x_m - east, thing.y_m - south, cloud.radius_m)
