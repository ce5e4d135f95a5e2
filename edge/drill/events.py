"""A scenario played through: for each look its circumstances and what is present; refuses what cannot be."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from edge.drill.airfield import airfield
from edge.drill.catalogue import KINDS
from edge.drill.look import CloudBank, Look
from edge.drill.noise import generator
from edge.drill.scenario import Arrival, LookSettings, Scenario, ScenarioFault
from edge.drill.scene import Scene, SceneObject
from edge.drill.sun import greenness_at, sun_at


@dataclass(frozen=True, slots=True)
class Moment:
    """One look of a scenario, ready to render: its number from 1, its time, and what is there."""

    number: int
    at: datetime
    look: Look
    present: tuple[SceneObject, ...]
    traffic_fraction: float


def scene_of(scenario: Scenario) -> Scene:
    """The scene of a scenario."""
    if scenario.scene != "airfield":
        raise ScenarioFault(f"scenario: scene: expected airfield, got {scenario.scene}")
    return airfield(
        scenario.site, west=scenario.west, north=scenario.north, size_m=scenario.size_m, seed=scenario.seed
    )


def moments(scenario: Scenario, name: str = "scenario") -> Iterator[Moment]:
    """The looks in order, each with everything that is present by then."""
    scene = scene_of(scenario)
    present: dict[str, SceneObject] = {}
    for index, arrival in enumerate(scenario.present):
        present[arrival.id] = _arrived(arrival, present, scene, f"{name}: present.{index}")
    before: datetime | None = None
    for index, settings in enumerate(scenario.looks):
        where = f"{name}: looks.{index}"
        before = _checked_time(settings.at, before, where)
        present = _after(settings, present, scene, where)
        look = _look(settings, index, scenario, present, where)
        yield Moment(index + 1, before, look, tuple(present.values()), settings.traffic_fraction)


def _checked_time(at: datetime, before: datetime | None, where: str) -> datetime:
    if at.tzinfo is None or at.utcoffset() != UTC.utcoffset(None):
        raise ScenarioFault(f"{where}.at: expected UTC, got {at.isoformat()}")
    if before is not None and at <= before:
        raise ScenarioFault(
            f"{where}.at: expected a time after {before:%Y-%m-%dT%H:%M:%SZ}, got {at:%Y-%m-%dT%H:%M:%SZ}"
        )
    return at.astimezone(UTC)


def _after(
    settings: LookSettings, before: dict[str, SceneObject], scene: Scene, where: str
) -> dict[str, SceneObject]:
    """What is present once the events of one look have happened: first who leaves, then who comes."""
    present = dict(before)
    for index, object_id in enumerate(settings.depart):
        _known(object_id, present, f"{where}.depart.{index}")
        del present[object_id]
    for object_id, stand in settings.move.items():
        at = f"{where}.move.{object_id}"
        thing = _known(object_id, present, at)
        place = scene.stands[_free(stand, present, scene, at)]
        present[object_id] = replace(thing, x_m=place.x_m, y_m=place.y_m, heading_deg=place.heading_deg)
    for object_id, state in settings.alter.items():
        at = f"{where}.alter.{object_id}"
        thing = _known(object_id, present, at)
        present[object_id] = replace(thing, state=_one_of(state, KINDS[thing.kind].states, at))
    for index, arrival in enumerate(settings.arrive):
        present[arrival.id] = _arrived(arrival, present, scene, f"{where}.arrive.{index}")
    return present


def _arrived(arrival: Arrival, present: dict[str, SceneObject], scene: Scene, where: str) -> SceneObject:
    if arrival.id in present:
        raise ScenarioFault(f"{where}.id: expected an id that is not present, got {arrival.id}")
    kind = KINDS[_one_of(arrival.kind, tuple(KINDS), f"{where}.kind")]
    place = scene.stands[_free(arrival.stand, present, scene, f"{where}.stand")]
    return SceneObject(
        arrival.id,
        arrival.kind,
        place.x_m,
        place.y_m,
        place.heading_deg,
        _one_of(arrival.paint, kind.paints, f"{where}.paint"),
        _one_of(arrival.state, kind.states, f"{where}.state"),
    )


def _known(object_id: str, present: dict[str, SceneObject], where: str) -> SceneObject:
    return present[_one_of(object_id, tuple(present), where)]


def _free(stand: str, present: dict[str, SceneObject], scene: Scene, where: str) -> str:
    taken = {(thing.x_m, thing.y_m) for thing in present.values()}
    free = tuple(name for name, place in scene.stands.items() if (place.x_m, place.y_m) not in taken)
    return _one_of(stand, free, where)


def _one_of(value: str, allowed: tuple[str, ...], where: str) -> str:
    if value not in allowed:
        raise ScenarioFault(f"{where}: expected one of {', '.join(allowed) or 'nothing'}, got {value}")
    return value


def _look(
    settings: LookSettings, index: int, scenario: Scenario, present: dict[str, SceneObject], where: str
) -> Look:
    rng = generator(scenario.seed, "look", index)
    is_first = index == 0
    shift_x, shift_y = (0.0, 0.0) if is_first else rng.uniform(-6.0, 6.0, 2)
    turn = 0.0 if is_first else float(rng.uniform(-0.12, 0.12))
    clouds = []
    for number, cloud in enumerate(settings.clouds):
        thing = _known(cloud.over, present, f"{where}.clouds.{number}.over")
        clouds.append(CloudBank(thing.x_m, thing.y_m, cloud.radius_m))
    return Look(
        sun=sun_at(settings.at, scenario.west, scenario.north),
        seed=scenario.seed * 1000 + index,
        greenness=greenness_at(settings.at, scenario.north),
        haze_fraction=settings.haze_fraction,
        cloud_fraction=settings.cloud_fraction,
        clouds=tuple(clouds),
        gain=float(rng.uniform(0.97, 1.09)),
        gamma=float(rng.uniform(0.93, 1.05)),
        blur_px=float(rng.uniform(0.4, 0.62)),
        contrast=float(rng.uniform(1.12, 1.28)),
        noise_fraction=float(rng.uniform(0.005, 0.009)),
        shift_px=settings.shift_px if settings.shift_px is not None else (float(shift_x), float(shift_y)),
        rotation_deg=settings.rotation_deg if settings.rotation_deg is not None else turn,
    )
