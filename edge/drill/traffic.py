"""What stands about on an ordinary day: parked cars, carts and vans, other ones at every look."""

from math import cos, radians, sin

import numpy as np

from edge.drill.catalogue import KINDS, label_of
from edge.drill.noise import generator
from edge.drill.scene import Scene, SceneObject, Stand

_PRIVATE = ("white", "white", "silver", "silver", "grey", "black", "black", "blue", "red")
_SERVICE = (
    ("van", "white"),
    ("carts", "white"),
    ("tug", "yellow"),
    ("bus", "white"),
    ("truck", "white"),
    ("tanker", "white"),
)
_BAY_M = 6.0


def ordinary(
    scene: Scene, seed: int, present: tuple[SceneObject, ...] = (), *, full_fraction: float = 0.5
) -> tuple[SceneObject, ...]:
    """Vehicles for one look: a share of the slots, and carts around the aircraft that are present."""
    rng = generator(seed, "traffic")
    parked = [
        _parked(slot, index, rng) for index, slot in enumerate(scene.slots) if rng.random() < full_fraction
    ]
    served = [_served(thing, side, rng) for thing in present for side in (-1, 1) if _is_served(thing, rng)]
    return (*parked, *served)


def _parked(slot: Stand, index: int, rng: np.random.Generator) -> SceneObject:
    if slot.length_m > _BAY_M:
        kind, paint = _SERVICE[rng.integers(len(_SERVICE))]
        return SceneObject(
            f"slot-{index}", kind, slot.x_m, slot.y_m, slot.heading_deg + rng.normal(0, 2), paint
        )
    kind = "van" if rng.random() < 0.12 else "car"
    heading = slot.heading_deg + 180.0 * rng.integers(2) + rng.normal(0, 2)
    x, y = slot.x_m + rng.normal(0, 0.12), slot.y_m + rng.normal(0, 0.3)
    return SceneObject(f"slot-{index}", kind, x, y, heading, _PRIVATE[rng.integers(len(_PRIVATE))])


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
