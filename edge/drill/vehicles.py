"""Plan views of what drives."""

from edge.drill.paint import DARK, GLASS
from edge.drill.parts import Part, Plan, box, plate
from edge.drill.scene import Colour


def car(colour: Colour, _state: str) -> Plan:
    """A car of 4.6 m: bonnet, windscreens, roof."""
    screens = plate(((-0.78, 0.95), (0.78, 0.95), (0.72, -1.75), (-0.72, -1.75)), 1.3, GLASS)
    roof = plate(((-0.68, 0.3), (0.68, 0.3), (0.66, -1.25), (-0.66, -1.25)), 1.45, colour, thick_m=0.3)
    return _shell(1.85, 2.3, 0.9, colour), screens, roof


def van(colour: Colour, _state: str) -> Plan:
    """A van of 5.6 m."""
    screen = plate(((-0.85, 1.9), (0.85, 1.9), (0.8, 1.3), (-0.8, 1.3)), 1.9, GLASS)
    return _shell(2.0, 2.8, 1.1, colour), box(1.95, 1.3, -2.8, 2.2, colour), screen


def truck(colour: Colour, _state: str) -> Plan:
    """A lorry of 9 m: cab, gap, box body."""
    return (
        box(2.1, 3.4, -4.4, 0.9, DARK),
        *_cab(4.5, 2.4, colour),
        box(2.5, 2.1, -4.5, 3.4, (0.80, 0.80, 0.78)),
    )


def military_truck(colour: Colour, _state: str) -> Plan:
    """A lorry of 8 m under canvas."""
    canvas = (colour[0] * 0.92, colour[1] * 0.95, colour[2] * 0.9)
    ridge = plate(
        ((-0.2, 1.0), (0.2, 1.0), (0.2, -3.9), (-0.2, -3.9)),
        3.3,
        (canvas[0] * 1.25, canvas[1] * 1.25, canvas[2] * 1.25),
    )
    return box(2.0, 3.2, -3.9, 0.9, DARK), *_cab(4.0, 2.3, colour), box(2.5, 1.2, -4.0, 3.1, canvas), ridge


def tanker(colour: Colour, _state: str) -> Plan:
    """A fuel bowser of 12 m."""
    tank = plate(
        (
            (-1.1, 2.9),
            (1.1, 2.9),
            (1.25, 2.4),
            (1.25, -5.5),
            (1.1, -6.0),
            (-1.1, -6.0),
            (-1.25, -5.5),
            (-1.25, 2.4),
        ),
        3.2,
        (0.84, 0.84, 0.82),
        thick_m=2.4,
    )
    ridge = plate(((-0.25, 2.6), (0.25, 2.6), (0.25, -5.7), (-0.25, -5.7)), 3.3, (0.95, 0.95, 0.93))
    return box(2.1, 5.0, -5.9, 0.9, DARK), *_cab(6.0, 2.4, colour), tank, ridge


def bus(colour: Colour, _state: str) -> Plan:
    """An apron bus of 12 m with its roof units."""
    units = (0.55, 0.56, 0.57)
    return box(2.9, 6.0, -6.0, 3.0, colour), box(1.7, 3.2, 1.0, 3.3, units), box(1.7, -2.2, -4.4, 3.3, units)


def tug(colour: Colour, _state: str) -> Plan:
    """A low push-back tractor of 6 m."""
    return _shell(2.7, 3.0, 1.4, colour), box(1.3, 1.6, -0.1, 2.0, DARK)


def carts(colour: Colour, _state: str) -> Plan:
    """A tractor with three baggage carts."""
    loads = ((0.50, 0.46, 0.40), (0.30, 0.34, 0.42), (0.62, 0.60, 0.58))
    bodies = tuple(box(1.6, 2.0 - 3.2 * i, -0.6 - 3.2 * i, 1.7, load) for i, load in enumerate(loads))
    return box(1.4, 5.4, 2.8, 1.4, colour), *bodies


def _shell(width_m: float, half_length_m: float, up_m: float, colour: Colour) -> Part:
    """A body with rounded corners."""
    side, cut = width_m / 2, 0.35
    corners = (
        (-side + cut, half_length_m), (side - cut, half_length_m), (side, half_length_m - cut),
        (side, cut - half_length_m), (side - cut, -half_length_m), (cut - side, -half_length_m),
        (-side, cut - half_length_m), (-side, half_length_m - cut),
    )  # fmt: skip
    return plate(corners, up_m, colour, thick_m=up_m)


def _cab(front_m: float, length_m: float, colour: Colour) -> Plan:
    screen = plate(
        ((-1.05, front_m - 0.15), (1.05, front_m - 0.15), (0.95, front_m - 0.75), (-0.95, front_m - 0.75)),
        2.6,
        GLASS,
    )
    return box(2.4, front_m, front_m - length_m, 2.6, colour), screen
