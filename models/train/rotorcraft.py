"""Helicopters of any make: real ones are too scarce to learn from, so they are rendered.

Light ones on skids to heavy transports, two to seven blades at rest or turning, single and tandem rotors.
"""

from __future__ import annotations

import math

import numpy as np

from edge.drill.paint import AIRCRAFT_PAINTS, DARK, Paint
from edge.drill.parts import Part, Plan, decal, plate, tube
from edge.drill.scene import Colour

_MANY_COLOURS: tuple[Colour, ...] = (
    (0.85, 0.70, 0.15),
    (0.75, 0.16, 0.12),
    (0.15, 0.25, 0.50),
    (0.93, 0.45, 0.10),
    (0.20, 0.22, 0.20),
    (0.30, 0.34, 0.26),
)


def a_helicopter(rng: np.random.Generator) -> Plan:
    """One helicopter, whole, its nose forward."""
    paint, scale = _a_paint(rng), rng.uniform(0.55, 1.5)
    half, front = rng.uniform(0.8, 1.35) * scale, rng.uniform(3.2, 6.2) * scale
    back, boom = rng.uniform(1.5, 3.5) * scale, rng.uniform(6.0, 10.0) * scale
    radius = rng.uniform(0.80, 1.0) * (boom - 0.5 * scale)
    if rng.random() < 0.12:
        return _tandem(paint, half * 1.2, boom, radius, rng)
    cabin = tube(
        (
            (front, 0.25 * half),
            (front - 0.5 * scale, 0.7 * half),
            (0.6 * front, half),
            (0.0, half),
            (-back, 0.5 * half),
        ),
        2.6 * scale,
        paint.body,
    )
    nose, glass = front - 0.5 * scale, rng.uniform(0.45, 0.75) * front
    window = decal(
        ((-0.6 * half, glass), (-0.3 * half, nose), (0.3 * half, nose), (0.6 * half, glass)),
        2.9 * scale,
        DARK,
    )
    cowl = tube(
        ((0.45 * front, 0.3 * half), (0.2 * front, 0.65 * half), (-0.6 * back, 0.5 * half)),
        3.3 * scale,
        paint.accent,
    )
    hub = rng.uniform(0.0, 0.25) * front
    return (
        *_sides(paint, half, rng),
        *_tail(paint, half, back, boom, scale, rng),
        cabin,
        window,
        cowl,
        *_rotor(hub, radius, 4.1 * scale, rng),
    )


def _a_paint(rng: np.random.Generator) -> Paint:
    paint = AIRCRAFT_PAINTS[str(rng.choice(list(AIRCRAFT_PAINTS)))]
    if rng.random() < 0.5:
        return paint
    body = _MANY_COLOURS[rng.integers(len(_MANY_COLOURS))]
    accent = body if rng.random() < 0.5 else paint.accent
    return Paint(body, body, accent, paint.engine)


def _sides(paint: Paint, half: float, rng: np.random.Generator) -> Plan:
    """Skids, sponsons or stub wings."""
    reach = half * rng.choice([1.25, 1.6, 2.6])
    chord = rng.uniform(0.3, 1.2)
    return (plate(((-reach, chord), (reach, chord), (reach, -chord), (-reach, -chord)), 1.1, paint.wing),)


def _tail(
    paint: Paint, half: float, back: float, boom: float, scale: float, rng: np.random.Generator
) -> Plan:
    beam = tube(
        ((-0.8 * back, 0.42 * half), (-0.7 * boom, 0.26 * half), (-boom, 0.16 * half)),
        2.7 * scale,
        paint.body,
    )
    span, at, chord = (
        rng.uniform(1.0, 2.4) * scale,
        rng.uniform(0.75, 0.98) * boom,
        rng.uniform(0.35, 0.8) * scale,
    )
    corners = ((-span, -at), (span, -at), (span, -at - chord), (-span, -at - chord))
    side, disc = rng.choice([-1.0, 1.0]) * 0.5 * half, rng.uniform(0.9, 1.6) * scale
    tail_rotor = plate(
        (
            (side - 0.12, disc - boom),
            (side + 0.12, disc - boom),
            (side + 0.12, -disc - boom),
            (side - 0.12, -disc - boom),
        ),
        3.6 * scale,
        (0.3, 0.3, 0.3),
        thick_m=0.1,
    )
    return beam, plate(corners, 3.0 * scale, paint.wing), tail_rotor


def _tandem(paint: Paint, half: float, length: float, radius: float, rng: np.random.Generator) -> Plan:
    hull = tube(
        ((length, 0.4 * half), (0.85 * length, half), (-0.85 * length, half), (-length, 0.6 * half)),
        3.0,
        paint.body,
    )
    first, second = (_rotor(side * 0.8 * length, radius, 5.0, rng) for side in (1, -1))
    return hull, *first, *second


def _rotor(forward: float, radius: float, up: float, rng: np.random.Generator) -> Plan:
    n_blades, first = int(rng.integers(2, 8)), rng.uniform(0, 2 * math.pi)
    width = rng.uniform(0.18, 0.34)
    tone = rng.uniform(0.12, 0.5)
    return tuple(
        _blade(first + 2 * math.pi * index / n_blades, forward, radius, width, up, tone)
        for index in range(n_blades)
    )


def _blade(angle: float, forward: float, radius: float, width: float, up: float, tone: float) -> Part:
    across, ahead = (math.cos(angle), -math.sin(angle)), (math.sin(angle), math.cos(angle))
    corners = tuple(
        (out * ahead[0] + side * across[0], forward + out * ahead[1] + side * across[1])
        for out, side in ((0.4, width), (radius, width), (radius, -width), (0.4, -width))
    )
    return plate(corners, up, (tone, tone, tone), thick_m=0.1)
