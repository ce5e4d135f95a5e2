"""Plan views of what lies about: tanks, containers, pallets, and ships at a berth."""

from edge.drill.paint import METAL, toned
from edge.drill.parts import Part, Plan, box, disc, plate
from edge.drill.scene import Colour


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


def container(colour: Colour, _state: str) -> Plan:
    """A 40-foot container."""
    return (box(2.44, 6.1, -6.1, 2.6, colour),)


def pallet(colour: Colour, _state: str) -> Plan:
    """A loaded air-cargo pallet."""
    return box(2.5, 1.6, -1.6, 0.2, METAL), box(2.2, 1.4, -1.4, 1.6, colour)


def ship(colour: Colour, _state: str) -> Plan:
    """A coaster of 86 m: hull, hatches, bridge aft."""
    hull = ((-6.4, 24.0), (-4.6, 34.0), (-1.8, 41.0), (0.0, 43.0), (1.8, 41.0), (4.6, 34.0), (6.4, 24.0),
            (6.4, -38.0), (5.2, -43.0), (-5.2, -43.0), (-6.4, -38.0))  # fmt: skip
    deck = tuple((right * 0.9, forward * 0.975) for right, forward in hull)
    hatches = tuple(_hatch(front) for front in (28.0, 10.0, -8.0))
    bridge = (
        box(11.0, -28.0, -38.0, 11.0, (0.88, 0.88, 0.86)),
        box(12.4, -28.5, -31.0, 14.0, (0.93, 0.93, 0.92)),
    )
    funnel = box(3.0, -35.0, -38.0, 15.0, toned(colour, 1.2))
    return (
        plate(hull, 4.5, toned(colour, 0.8), thick_m=4.5),
        plate(deck, 4.6, (0.42, 0.30, 0.26), thick_m=0.1),
        *hatches, *bridge, funnel,
    )  # fmt: skip


def _hatch(front_m: float) -> Part:
    return box(9.2, front_m, front_m - 15.0, 6.5, (0.46, 0.50, 0.48))
