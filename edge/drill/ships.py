"""Plan views of ships, from a hull's measures and what stands on its deck."""

from dataclasses import dataclass

from edge.drill.paint import DARK, METAL, toned
from edge.drill.parts import Part, Plan, box, disc, plate
from edge.drill.scene import Colour, Point

_CASTLE = (0.88, 0.88, 0.86)
_WINDOWS = (0.30, 0.33, 0.36)
_CARGO = ((0.48, 0.27, 0.18), (0.18, 0.28, 0.46), (0.42, 0.43, 0.44), (0.22, 0.36, 0.26), (0.78, 0.76, 0.72))


@dataclass(frozen=True, slots=True)
class Hull:
    """The measures of one hull in metres; bow_m is how long its pointed part is."""

    length_m: float
    beam_m: float
    bow_m: float
    deck_m: float
    transom_fraction: float = 0.8


CONTAINER_SHIP = Hull(178.0, 27.0, 30.0, 9.0)
TANKER_SHIP = Hull(126.0, 19.0, 18.0, 7.0)
COASTER = Hull(86.0, 12.8, 16.0, 4.5)
FRIGATE = Hull(105.0, 13.0, 42.0, 5.5, 0.7)
PATROL = Hull(44.0, 8.0, 18.0, 3.0, 0.75)
HARBOUR_TUG = Hull(28.0, 9.6, 8.0, 2.6, 0.7)
FISHING = Hull(19.0, 5.6, 6.5, 2.0)


def container_ship(colour: Colour, _state: str) -> Plan:
    """A feeder of 178 m, its deck under containers, the bridge aft."""
    bays = (_bay(front, index) for index, front in enumerate(range(52, -44, -13)))
    aft = _bay(-68.0, 2)
    return (*_hull(CONTAINER_SHIP, colour), *(part for bay in bays for part in bay), *aft,
            *_castle(-50.0, 12.0, 25.0, 24.0), box(6.0, -62.5, -66.5, 28.0, toned(colour, 1.2)))  # fmt: skip


def tanker_ship(colour: Colour, _state: str) -> Plan:
    """A products tanker of 126 m: pipes along and across the deck."""
    lines = tuple(box(0.7, 44.0, -30.0, 8.2, METAL, right_m=right) for right in (-1.4, 0.0, 1.4))
    across = tuple(box(15.0, at + 0.5, at - 0.5, 8.3, METAL) for at in (6.0, 2.5, -1.0))
    hatches = tuple(disc(1.4, 8.0, toned(colour, 1.3), right_m=side * 5.0, forward_m=at)
                    for side in (-1, 1) for at in (38.0, 24.0, -12.0, -24.0))  # fmt: skip
    deck = (0.46, 0.24, 0.19)
    return (*_hull(TANKER_SHIP, colour, deck), *hatches, *lines, *across,
            *_castle(-36.0, 15.0, 17.0, 19.0), box(4.0, -52.0, -56.0, 21.0, toned(colour, 1.2)))  # fmt: skip


def coaster(colour: Colour, _state: str) -> Plan:
    """A coaster of 86 m: hatches, bridge aft."""
    hatches = tuple(box(9.2, front, front - 15.0, 6.5, (0.46, 0.50, 0.48)) for front in (28.0, 10.0, -8.0))
    funnel = box(3.0, -35.0, -38.0, 15.0, toned(colour, 1.2))
    return (*_hull(COASTER, colour), *hatches, *_castle(-28.0, 10.0, 11.0, 12.4), funnel)


def frigate(_colour: Colour, _state: str) -> Plan:
    """A warship of 105 m in grey: gun, mast, hangar, a deck for a helicopter."""
    grey, light = (0.50, 0.53, 0.56), (0.58, 0.61, 0.63)
    pad = plate(((-4.6, -33.0), (4.6, -33.0), (4.6, -49.0), (-4.6, -49.0)), 5.7, (0.40, 0.43, 0.45))
    return (
        *_hull(FRIGATE, grey, (0.46, 0.49, 0.51)), disc(2.0, 7.0, light, forward_m=31.0),
        box(0.5, 36.0, 31.0, 7.2, light), box(8.4, 20.0, 2.0, 12.0, light), box(6.0, 17.5, 12.0, 15.0, grey),
        box(1.6, 9.0, 7.0, 24.0, grey), box(7.0, -2.0, -12.0, 11.0, light), box(3.4, -4.5, -9.0, 15.0, DARK),
        box(9.0, -18.0, -32.0, 11.0, light), pad,
        plate(((-0.3, -36.0), (0.3, -36.0), (0.3, -46.0), (-0.3, -46.0)), 5.8, _CASTLE),
    )  # fmt: skip


def patrol_boat(_colour: Colour, _state: str) -> Plan:
    """A patrol boat of 44 m in light grey."""
    grey = (0.62, 0.65, 0.68)
    return (
        *_hull(PATROL, grey, (0.50, 0.53, 0.55)), box(5.6, 6.0, -9.0, 6.0, toned(grey, 1.12)),
        box(4.4, 4.0, -2.0, 8.4, _CASTLE), box(0.9, -2.5, -3.5, 13.0, grey),
        box(2.2, -16.0, -20.0, 4.0, (0.72, 0.32, 0.16)),
    )  # fmt: skip


def harbour_tug(colour: Colour, _state: str) -> Plan:
    """A harbour tug of 28 m: a high wheelhouse forward, a long working deck."""
    return (*_hull(HARBOUR_TUG, colour, (0.40, 0.28, 0.22)), box(6.4, 7.5, -2.5, 5.2, _CASTLE),
            box(4.2, 6.0, 2.0, 8.4, _CASTLE), box(1.2, -0.5, -2.0, 9.5, DARK, right_m=-1.8),
            box(1.2, -0.5, -2.0, 9.5, DARK, right_m=1.8), box(1.6, -5.0, -6.6, 3.6, METAL))  # fmt: skip


def fishing_boat(colour: Colour, _state: str) -> Plan:
    """A trawler of 19 m."""
    return (*_hull(FISHING, colour, (0.55, 0.47, 0.36)), box(3.4, 4.0, -0.5, 5.0, _CASTLE),
            box(0.5, -1.0, -8.0, 5.2, METAL), box(3.0, -5.5, -8.0, 3.0, (0.30, 0.42, 0.40)))  # fmt: skip


def _hull(hull: Hull, colour: Colour, deck: Colour = (0.42, 0.30, 0.26)) -> Plan:
    """The side of the ship as a rim, and its deck inside."""
    rim = _outline(hull)
    inner = tuple((right * 0.91, forward * 0.978) for right, forward in rim)
    return (
        plate(rim, hull.deck_m, toned(colour, 0.85), thick_m=hull.deck_m),
        plate(inner, hull.deck_m + 0.1, deck, thick_m=0.1),
    )


def _outline(hull: Hull) -> tuple[Point, ...]:
    nose, half, taper = hull.length_m / 2, hull.beam_m / 2, hull.bow_m
    right = [(half * (1 - f**1.9), nose - taper * (1 - f)) for f in (1.0, 0.9, 0.75, 0.55, 0.3, 0.0)]
    right += [(half, -nose + 0.1 * hull.length_m), (half * hull.transom_fraction, -nose)]
    return (*right, *((-across, along) for across, along in reversed(right[1:])))


def _castle(front_m: float, depth_m: float, width_m: float, up_m: float) -> Plan:
    """Accommodation, with the bridge across its front."""
    return (
        box(0.86 * width_m, front_m, front_m - depth_m, 0.85 * up_m, _CASTLE),
        box(width_m, front_m - 0.4, front_m - 3.4, up_m, toned(_CASTLE, 1.06)),
        box(0.8 * width_m, front_m + 0.1, front_m - 0.5, up_m + 0.1, _WINDOWS),
        box(1.0, front_m - 5.0, front_m - 6.0, up_m + 5.0, METAL),
    )


def _bay(front_m: float, index: int) -> tuple[Part, ...]:
    """One bay of 40-foot containers, ten across, no two rows of one colour."""
    colours = (_CARGO[(index * 3 + row * 2 + row // 3) % len(_CARGO)] for row in range(10))
    up_m = 14.0 + 2.6 * (index % 3)
    return tuple(
        box(2.4, front_m, front_m - 12.2, up_m, colour, right_m=-11.1 + 2.46 * row)
        for row, colour in enumerate(colours)
    )
