"""Paints by name: the colours of the parts of an object, RGB in [0, 1]."""

from dataclasses import dataclass

from edge.drill.scene import Colour


@dataclass(frozen=True, slots=True)
class Paint:
    """What each part of an object is painted with."""

    body: Colour
    wing: Colour
    accent: Colour
    engine: Colour


WHITE = (0.97, 0.97, 0.96)
WING_GREY = (0.83, 0.85, 0.84)
DARK = (0.13, 0.14, 0.16)
# Seen from above, a windscreen mirrors the sky.
GLASS = (0.34, 0.38, 0.42)
METAL = (0.70, 0.71, 0.71)
RUBBER = (0.20, 0.20, 0.20)

AIRCRAFT_PAINTS = {
    "white": Paint(WHITE, WING_GREY, WHITE, METAL),
    "white_blue": Paint(WHITE, WING_GREY, (0.16, 0.25, 0.48), (0.20, 0.28, 0.50)),
    "white_red": Paint(WHITE, (0.80, 0.81, 0.81), (0.66, 0.15, 0.16), (0.70, 0.30, 0.30)),
    "white_green": Paint(WHITE, WING_GREY, (0.15, 0.42, 0.30), WHITE),
    "light_grey": Paint((0.84, 0.85, 0.86), (0.76, 0.77, 0.78), (0.77, 0.78, 0.80), (0.64, 0.65, 0.66)),
    "military_grey": Paint((0.55, 0.57, 0.59), (0.52, 0.54, 0.56), (0.49, 0.51, 0.53), (0.44, 0.45, 0.47)),
    "pale_grey": Paint((0.74, 0.76, 0.78), (0.70, 0.72, 0.74), (0.67, 0.69, 0.71), (0.57, 0.58, 0.60)),
    "olive": Paint((0.37, 0.38, 0.29), (0.35, 0.36, 0.28), (0.34, 0.35, 0.27), (0.28, 0.28, 0.24)),
}
VEHICLE_COLOURS: dict[str, Colour] = {
    "white": (0.90, 0.90, 0.88),
    "silver": (0.66, 0.67, 0.68),
    "grey": (0.42, 0.43, 0.44),
    "black": (0.14, 0.14, 0.15),
    "red": (0.58, 0.16, 0.14),
    "blue": (0.18, 0.28, 0.46),
    "yellow": (0.80, 0.66, 0.22),
    "green": (0.22, 0.36, 0.26),
    "sand": (0.68, 0.60, 0.46),
    "olive": (0.34, 0.35, 0.26),
    "rust": (0.48, 0.27, 0.18),
}


def toned(colour: Colour, factor: float) -> Colour:
    """The same colour, lighter or darker."""
    red, green, blue = (min(1.0, channel * factor) for channel in colour)
    return red, green, blue
