"""The plan view of a helicopter, which may lose its rotor and then its tail."""

from math import cos, pi, sin

from edge.drill.paint import DARK, Paint
from edge.drill.parts import Part, Plan, decal, fin, plate, tube

BLADES = 5
BLADE_M = 8.4
HUB_FORWARD_M = 1.6


def helicopter(paint: Paint, state: str) -> Plan:
    """About 17 m of fuselage under a rotor of 17 m; state: whole, rotor_off or tail_off (rotor gone too)."""
    cabin = tube(
        ((6.2, 0.3), (5.6, 0.85), (4.2, 1.2), (-0.5, 1.25), (-2.4, 0.8), (-3.2, 0.5)), 2.6, paint.body
    )
    glass = decal(((-0.75, 4.9), (-0.35, 5.7), (0.35, 5.7), (0.75, 4.9), (0.8, 4.3), (-0.8, 4.3)), 3.0, DARK)
    cowl = tube(((3.2, 0.5), (2.6, 0.8), (-0.8, 0.8), (-1.8, 0.4)), 3.6, paint.accent)
    sponsons = plate(((-2.0, 0.4), (2.0, 0.4), (2.0, -1.2), (-2.0, -1.2)), 1.2, paint.wing)
    tail = () if state == "tail_off" else _tail(paint)
    rotor = _rotor() if state == "whole" else ()
    return (sponsons, *tail, cabin, glass, cowl, *rotor)


def _tail(paint: Paint) -> Plan:
    boom = tube(((-2.6, 0.55), (-6.0, 0.36), (-9.6, 0.22)), 2.8, paint.body)
    stabiliser = plate(((-2.0, -8.4), (2.0, -8.4), (2.0, -9.2), (-2.0, -9.2)), 3.0, paint.wing)
    upright = fin(((-8.6, 3.0), (-9.8, 4.8), (-10.5, 4.8), (-9.7, 3.0)), paint.accent, width_m=0.3)
    return (boom, stabiliser, *upright)


def _rotor() -> Plan:
    """Blades at rest, the first a little off the axis as they are when nobody turned them."""
    return tuple(_blade(0.35 + 2 * pi * index / BLADES) for index in range(BLADES))


def _blade(angle: float) -> Part:
    across, ahead = (cos(angle), -sin(angle)), (sin(angle), cos(angle))
    corners = []
    for out, side in ((0.4, 0.28), (BLADE_M, 0.24), (BLADE_M, -0.24), (0.4, -0.28)):
        corners.append((out * ahead[0] + side * across[0], HUB_FORWARD_M + out * ahead[1] + side * across[1]))
    return plate(tuple(corners), 4.3, (0.20, 0.20, 0.21), thick_m=0.1)
