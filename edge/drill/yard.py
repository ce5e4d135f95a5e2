"""Plan views of what stands about: tanks, containers, pallets, cranes."""

from dataclasses import replace

from edge.drill.paint import DARK, METAL, toned
from edge.drill.parts import Plan, box, disc, plate
from edge.drill.scene import Colour, Point


def storage_tank(colour: Colour, _state: str) -> Plan:
    """A tank of 18 m across with its rim and its stair."""
    rim, roof = 9.0, 8.6
    stair = box(1.0, 9.6, 6.0, 10.0, METAL)
    return (
        disc(rim, 10.0, toned(colour, 0.86)),
        disc(roof, 10.01, colour),
        disc(1.0, 10.3, toned(colour, 0.9)),
        stair,
    )


_HIGH = {"whole": 1, "two_high": 2, "three_high": 3}


def container(colour: Colour, state: str) -> Plan:
    """A 40-foot container, or a stack of them; state: whole, two_high or three_high."""
    up_m = 2.6 * _HIGH[state]
    ribs = tuple(
        box(2.3, at + 0.12, at - 0.12, up_m + 0.01, toned(colour, 0.86)) for at in (-4.5, -1.5, 1.5, 4.5)
    )
    return (box(2.44, 6.1, -6.1, up_m, colour), *(replace(rib, casts=False) for rib in ribs))


def pallet(colour: Colour, _state: str) -> Plan:
    """A loaded air-cargo pallet."""
    return box(2.5, 1.6, -1.6, 0.2, METAL), box(2.2, 1.4, -1.4, 1.6, colour)


def quay_crane(colour: Colour, _state: str) -> Plan:
    """A container crane: its legs on the quay, its boom 40 m out over the water ahead."""
    steel = toned(colour, 0.9)
    legs = tuple(
        box(1.6, at + 0.8, at - 0.8, 38.0, steel, right_m=side * 9.0)
        for side in (-1, 1)
        for at in (8.0, -8.0)
    )
    sills = tuple(box(1.4, 8.0, -8.0, 12.0, steel, right_m=side * 9.0) for side in (-1, 1))
    girders = tuple(
        plate(_strip(side * 3.0, 0.9, 48.0, -26.0), 40.0, colour, thick_m=1.6) for side in (-1, 1)
    )
    ties = tuple(plate(_cross(3.4, at, 0.7), 40.2, steel) for at in range(-24, 48, 8))
    portal = plate(_cross(9.8, 8.0, 1.6), 38.0, steel), plate(_cross(9.8, -8.0, 1.6), 38.0, steel)
    house = box(8.0, -12.0, -22.0, 43.0, (0.86, 0.86, 0.84))
    trolley = plate(_cross(3.2, 26.0, 5.0), 40.6, DARK)
    return (*sills, *legs, *portal, *girders, *ties, house, trolley)


def mobile_crane(colour: Colour, _state: str) -> Plan:
    """A harbour crane on wheels, its jib slewed ahead."""
    jib = plate(((-0.5, 40.0), (0.5, 40.0), (1.3, 3.0), (-1.3, 3.0)), 26.0, colour, thick_m=1.2)
    return (
        box(11.0, 6.0, -6.0, 3.0, METAL), disc(3.6, 7.0, toned(colour, 0.85)), jib,
        box(4.4, 2.0, -9.0, 10.0, colour), box(1.6, 1.5, -0.5, 28.0, toned(colour, 0.9)),
    )  # fmt: skip


def _strip(right_m: float, width_m: float, front_m: float, rear_m: float) -> tuple[Point, ...]:
    left, right = right_m - width_m / 2, right_m + width_m / 2
    return (left, front_m), (right, front_m), (right, rear_m), (left, rear_m)


def _cross(half_m: float, forward_m: float, depth_m: float) -> tuple[Point, ...]:
    front, rear = forward_m + depth_m / 2, forward_m - depth_m / 2
    return (-half_m, front), (half_m, front), (half_m, rear), (-half_m, rear)
