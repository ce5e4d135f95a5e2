"""Every kind of object the renderer knows: its label, its paints, its states, its plan."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from edge.drill import aircraft, helicopter, ships, vehicles, yard
from edge.drill.airframe import STRIPPED
from edge.drill.paint import AIRCRAFT_PAINTS, VEHICLE_COLOURS
from edge.drill.parts import Plan
from edge.drill.scene import SceneObject
from edge.monitor.kinds import USUAL, is_a

BuildPlan = Callable[[str, str], Plan]
_AIRFRAME = ("whole", *STRIPPED)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object; `build` takes the names of a paint and of a state.

    width_m  of a hull, which lies with its side against a quay; 0 where nobody asks
    """

    label: str
    length_m: float
    paints: tuple[str, ...]
    build: BuildPlan
    states: tuple[str, ...] = ("whole",)
    width_m: float = 0.0


def _flying(
    build: Callable[..., Plan],
    length_m: float,
    states: tuple[str, ...] = ("whole",),
    label: str = "aircraft",
) -> Kind:
    def plan(paint: str, state: str) -> Plan:
        return build(AIRCRAFT_PAINTS[paint], state)

    return Kind(label, length_m, tuple(AIRCRAFT_PAINTS), plan, states)


def _other(
    label: str, build: Callable[..., Plan], length_m: float, states: tuple[str, ...] = ("whole",)
) -> Kind:
    def plan(paint: str, state: str) -> Plan:
        return build(VEHICLE_COLOURS[paint], state)

    return Kind(label, length_m, tuple(VEHICLE_COLOURS), plan, states)


def _ship(build: Callable[..., Plan], hull: ships.Hull) -> Kind:
    one = _other("ship", build, hull.length_m, ("whole", "under_way"))
    return replace(one, width_m=hull.beam_m)


KINDS: dict[str, Kind] = {
    "airliner_narrow": _flying(aircraft.airliner_narrow, 37.6, _AIRFRAME),
    "airliner_wide": _flying(aircraft.airliner_wide, 62.0, _AIRFRAME),
    "transport": _flying(aircraft.transport, 51.5, ("whole", "nose_open", *STRIPPED)),
    "business_jet": _flying(aircraft.business_jet, 20.8, _AIRFRAME),
    "light": _flying(aircraft.light, 8.3),
    "fighter": _flying(aircraft.fighter, 15.7),
    "helicopter": _flying(helicopter.helicopter, 16.7, ("whole", "rotor_off", "tail_off"), "helicopter"),
    "car": _other("vehicle", vehicles.car, 4.6),
    "van": _other("vehicle", vehicles.van, 5.6),
    "truck": _other("vehicle", vehicles.truck, 9.0),
    "military_truck": _other("vehicle", vehicles.military_truck, 8.0),
    "tanker": _other("vehicle", vehicles.tanker, 12.0),
    "bus": _other("vehicle", vehicles.bus, 12.0),
    "tug": _other("vehicle", vehicles.tug, 6.0),
    "carts": _other("vehicle", vehicles.carts, 11.0),
    "storage_tank": _other("storage_tank", yard.storage_tank, 18.0),
    "container": _other("container", yard.container, 12.2, ("whole", "two_high", "three_high")),
    "pallet": _other("container", yard.pallet, 3.2),
    "quay_crane": _other("crane", yard.quay_crane, 74.0),
    "mobile_crane": _other("crane", yard.mobile_crane, 46.0),
    "container_ship": _ship(ships.container_ship, ships.CONTAINER_SHIP),
    "tanker_ship": _ship(ships.tanker_ship, ships.TANKER_SHIP),
    "frigate": _ship(ships.frigate, ships.FRIGATE),
    "coaster": _ship(ships.coaster, ships.COASTER),
    "patrol_boat": _ship(ships.patrol_boat, ships.PATROL),
    "harbour_tug": _ship(ships.harbour_tug, ships.HARBOUR_TUG),
    "fishing_boat": _ship(ships.fishing_boat, ships.FISHING),
}


@cache
def plan_of(kind: str, paint: str, state: str) -> Plan:
    """The solids of one kind, painted and in one state."""
    return KINDS[kind].build(paint, state)


def label_of(thing: SceneObject) -> str:
    """The label a detector should give it."""
    return KINDS[thing.kind].label


def is_aircraft(label: str) -> bool:
    """True for aircraft of any kind."""
    return is_a(label, "aircraft", USUAL)
