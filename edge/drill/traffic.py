"""What is about on an ordinary day: parked cars, carts, vans, traffic; other ones at every look. Pure."""

from math import cos, hypot, radians, sin

import numpy as np

from edge.drill.catalogue import KINDS, label_of
from edge.drill.columns import PRIVATE, vehicle_on
from edge.drill.noise import generator
from edge.drill.scene import Scene, SceneObject, Stand
from edge.drill.way import Way, ways_of

_SERVICE = (
    ("van", "white"),
    ("carts", "white"),
    ("tug", "yellow"),
    ("bus", "white"),
    ("truck", "white"),
    ("tanker", "white"),
)
_BAY_M = 6.0
_ROAD_KINDS = ("car", "car", "car", "van", "truck")
# Between two vehicles that have nothing to do with each other: the length of two lorries.
_CLEAR_M = 18.0


def ordinary(
    scene: Scene, seed: int, present: tuple[SceneObject, ...] = (), *, full_fraction: float = 0.5
) -> tuple[SceneObject, ...]:
    """Vehicles for one look: a share of the slots, and carts around the aircraft that are present."""
    rng = generator(seed, "traffic")
    parked = [
        _parked(slot, index, rng) for index, slot in enumerate(scene.slots) if rng.random() < full_fraction
    ]
    served = [_served(thing, side, rng) for thing in present for side in (-1, 1) if _is_served(thing, rng)]
    driving = (one for way in ways_of(scene) for one in _driving(scene, way, present, rng, full_fraction))
    return (*parked, *served, *driving)


def _driving(
    scene: Scene, way: Way, present: tuple[SceneObject, ...], rng: np.random.Generator, full_fraction: float
) -> list[SceneObject]:
    """Single vehicles here and there on a road, none on another and none where the story put one."""
    mean = scene.roads[way.name].vehicles_per_km * way.length_m / 1000 * full_fraction
    found: list[SceneObject] = []
    for number in range(rng.poisson(mean)):
        kind = _ROAD_KINDS[rng.integers(len(_ROAD_KINDS))]
        along_m, toward_end = float(rng.uniform(0, way.length_m)), bool(rng.random() < 0.5)
        paint = PRIVATE[rng.integers(len(PRIVATE))]
        one = vehicle_on(way, f"{way.name}-{number}", kind, paint, along_m=along_m, toward_end=toward_end)
        if all(hypot(one.x_m - other.x_m, one.y_m - other.y_m) > _CLEAR_M for other in (*present, *found)):
            found.append(one)
    return found


def _parked(slot: Stand, index: int, rng: np.random.Generator) -> SceneObject:
    if slot.length_m > _BAY_M:
        kind, paint = _SERVICE[rng.integers(len(_SERVICE))]
        return SceneObject(
            f"slot-{index}", kind, slot.x_m, slot.y_m, slot.heading_deg + rng.normal(0, 2), paint
        )
    kind = "van" if rng.random() < 0.12 else "car"
    heading = slot.heading_deg + 180.0 * rng.integers(2) + rng.normal(0, 2)
    x, y = slot.x_m + rng.normal(0, 0.12), slot.y_m + rng.normal(0, 0.3)
    return SceneObject(f"slot-{index}", kind, x, y, heading, PRIVATE[rng.integers(len(PRIVATE))])


def _is_served(thing: SceneObject, rng: np.random.Generator) -> bool:
    return label_of(thing) == "aircraft" and thing.kind.startswith("airliner") and rng.random() < 0.6


def _served(thing: SceneObject, side: int, rng: np.random.Generator) -> SceneObject:
    """A vehicle beside the fuselage, ahead of or behind the wing."""
    length_m = KINDS[thing.kind].length_m
    right, forward = side * (0.12 * length_m + rng.uniform(4, 6)), float(rng.choice((0.33, -0.30))) * length_m
    angle = radians(thing.heading_deg)
    x = thing.x_m + right * cos(angle) + forward * sin(angle)
    y = thing.y_m + right * sin(angle) - forward * cos(angle)
    kind, paint = _SERVICE[rng.integers(3)]
    return SceneObject(
        f"{thing.object_id}-cart{side:+d}", kind, x, y, thing.heading_deg + 90.0 * rng.integers(4), paint
    )
