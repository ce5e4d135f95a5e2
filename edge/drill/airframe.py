"""The plan view of a fixed-wing aircraft, from its measures."""

from dataclasses import dataclass
from math import radians, tan

from edge.drill.paint import DARK, Paint, toned
from edge.drill.parts import Part, Plan, decal, fin, pair, plate, tube
from edge.drill.scene import Point

STRIPPED = ("engines_off", "tail_off", "wings_off")
"""What an aircraft that is taken apart has lost; with the wings go their engines."""

_WITHOUT_ENGINES = frozenset({"engines_off", "wings_off"})


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine on each side: where its middle lies and how large it is, in metres."""

    right_m: float
    forward_m: float
    length_m: float
    width_m: float


@dataclass(frozen=True, slots=True)
class Airframe:
    """The measures of one type, in metres and degrees; `forward` counts from the middle of the length.

    wing_forward_m  the leading edge where the wing leaves the fuselage's axis
    kink_fraction   how far out the trailing edge turns, as a share of the half span
    """

    length_m: float
    span_m: float
    body_m: float
    wing_forward_m: float
    root_m: float
    tip_m: float
    sweep_deg: float
    tail_span_m: float
    tail_root_m: float
    tail_tip_m: float
    tail_sweep_deg: float
    height_m: float
    engines: tuple[Engine, ...] = ()
    kink_fraction: float = 0.36
    nose_bodies: float = 1.5
    tail_fraction: float = 0.34
    high_wing: bool = False
    t_tail: bool = False
    body_engines: bool = False


def plan_view(frame: Airframe, paint: Paint, state: str = "whole") -> Plan:
    """Everything of an aircraft, the lowest first; one of STRIPPED leaves that out."""
    axis_up = 0.28 * frame.height_m
    wing_up = axis_up + (0.5 if frame.high_wing else -0.25) * frame.body_m
    body = (_fuselage(frame, axis_up, paint), *_livery(frame, axis_up, paint))
    engines = () if state in _WITHOUT_ENGINES else _engines(frame, wing_up, paint)
    wings = () if state == "wings_off" else (*engines, *_wings(frame, wing_up, paint))
    tail = () if state == "tail_off" else _tailplane(frame, axis_up, paint)
    upright = () if state == "tail_off" else _fin(frame, axis_up, paint)
    if frame.high_wing:
        return (*(() if frame.t_tail else tail), *body, *wings, *upright, *(tail if frame.t_tail else ()))
    return (*wings, *(() if frame.t_tail else tail), *body, *upright, *(tail if frame.t_tail else ()))


def _fuselage(frame: Airframe, up_m: float, paint: Paint) -> Part:
    nose, half = frame.length_m / 2, frame.body_m / 2
    depth = frame.nose_bodies * frame.body_m
    front = tuple(
        (nose - depth * f, half * (1 - (1 - f) ** 2) ** 0.62) for f in (0.0, 0.04, 0.12, 0.25, 0.45, 0.7, 1.0)
    )
    taper = frame.tail_fraction * frame.length_m
    rear = tuple(
        (-nose + taper * (1 - f), half * (1 - 0.88 * f**1.7)) for f in (0.0, 0.25, 0.5, 0.75, 0.92, 1.0)
    )
    return tube((*front, *rear), up_m, paint.body)


def _livery(frame: Airframe, up_m: float, paint: Paint) -> Plan:
    """The cockpit's glass and the painted rear of the fuselage."""
    nose, half = frame.length_m / 2, frame.body_m / 2
    glass = nose - 0.42 * frame.body_m
    window = decal(
        ((-0.55 * half, glass - 0.4 * half), (0.0, glass), (0.55 * half, glass - 0.4 * half),
         (0.5 * half, glass - 0.85 * half), (0.0, glass - 0.45 * half), (-0.5 * half, glass - 0.85 * half)),
        up_m + half, DARK,
    )  # fmt: skip
    if paint.accent == paint.body:
        return (window,)
    rear = (
        (-nose * 0.70, half * 0.66),
        (-nose * 0.8, half * 0.52),
        (-nose * 0.93, half * 0.26),
        (-nose, half * 0.12),
    )
    return window, tube(rear, up_m, paint.accent)


def _swept(root_forward_m: float, half_span_m: float, chords_m: Point, drop_m: float) -> tuple[Point, ...]:
    root, tip = chords_m
    return (
        (0.0, root_forward_m),
        (half_span_m, root_forward_m - drop_m),
        (half_span_m, root_forward_m - drop_m - tip),
        (0.0, root_forward_m - root),
    )


def _drop(half_span_m: float, sweep_deg: float) -> float:
    return half_span_m * tan(radians(sweep_deg))


def _wings(frame: Airframe, up_m: float, paint: Paint) -> Plan:
    half = frame.span_m / 2
    drop = _drop(half, frame.sweep_deg)
    front = frame.wing_forward_m
    kink = frame.kink_fraction * half
    kink_rear = front - drop * frame.kink_fraction - _chord(frame, frame.kink_fraction)
    wing = (
        (0.0, front + 0.05 * frame.root_m),
        (0.62 * frame.body_m, front - _drop(0.5 * frame.body_m, frame.sweep_deg)),
        (half, front - drop),
        (half + 0.25, front - drop - 0.55 * frame.tip_m),
        (half, front - drop - frame.tip_m),
        (kink, kink_rear),
        (0.0, kink_rear - (0.02 if frame.sweep_deg > 10 else 0.0) * frame.root_m),
    )
    return (
        *pair(wing, up_m, paint.wing, tilt_deg=4.0),
        *_flaps(frame, up_m, paint),
        *_slats(frame, up_m, paint),
    )


def _chord(frame: Airframe, fraction: float) -> float:
    """The chord at a share of the half span: it falls fast to the kink, then slowly to the tip."""
    at_kink = frame.root_m * 0.56 if frame.sweep_deg > 10 else frame.root_m
    if fraction <= frame.kink_fraction:
        return frame.root_m + (at_kink - frame.root_m) * fraction / frame.kink_fraction
    return at_kink + (frame.tip_m - at_kink) * (fraction - frame.kink_fraction) / (1 - frame.kink_fraction)


def _along(frame: Airframe, fraction: float, chord_fraction: float) -> Point:
    """A point of the right wing: share of the half span out, share of the chord behind the leading edge."""
    right = fraction * frame.span_m / 2
    return right, frame.wing_forward_m - _drop(right, frame.sweep_deg) - chord_fraction * _chord(
        frame, fraction
    )


def _flaps(frame: Airframe, up_m: float, paint: Paint) -> Plan:
    """Flaps and ailerons: a darker hinge line, and a slightly other tone behind it."""
    shade = toned(paint.wing, 0.90)
    inner, outer = 0.16, 0.92
    kink = frame.kink_fraction
    flap = (
        _along(frame, inner, 0.80), _along(frame, kink, 0.72), _along(frame, outer, 0.72),
        _along(frame, outer, 0.98), _along(frame, kink, 0.98), _along(frame, inner, 0.97),
    )  # fmt: skip
    return pair(flap, up_m + 0.01, shade, tilt_deg=6.0)


def _slats(frame: Airframe, up_m: float, paint: Paint) -> Plan:
    """The bare metal of the leading edge, lighter than the wing."""
    slat = (
        _along(frame, 0.15, 0.0),
        _along(frame, 0.98, 0.0),
        _along(frame, 0.98, 0.12),
        _along(frame, 0.15, 0.06),
    )
    return pair(slat, up_m + 0.02, toned(paint.wing, 1.12))


def _tailplane(frame: Airframe, axis_up: float, paint: Paint) -> Plan:
    half = frame.tail_span_m / 2
    drop = _drop(half, frame.tail_sweep_deg)
    rear = -frame.length_m / 2 + (0.0 if frame.t_tail else 0.035 * frame.length_m)
    front = rear + frame.tail_root_m + (0.35 * drop if frame.t_tail else 0.6 * drop)
    up_m = frame.height_m if frame.t_tail else axis_up + 0.1 * frame.body_m
    corners = _swept(front, half, (frame.tail_root_m, frame.tail_tip_m), drop)
    return pair(corners, up_m, paint.wing, tilt_deg=3.0)


def _fin(frame: Airframe, axis_up: float, paint: Paint) -> Plan:
    rear = -frame.length_m / 2
    base, top = axis_up + 0.3 * frame.body_m, frame.height_m
    rise = top - base
    chord = 0.9 * rise
    corners = (
        (rear + 0.06 * frame.length_m + chord, base),
        (rear + 0.42 * chord, top),
        (rear, top),
        (rear + 0.05 * frame.length_m, base),
    )
    return fin(corners, paint.accent, width_m=0.10 * frame.body_m + 0.08)


def _engines(frame: Airframe, wing_up: float, paint: Paint) -> Plan:
    parts: list[Part] = []
    for engine in frame.engines:
        front, half, length = engine.forward_m + engine.length_m / 2, engine.width_m / 2, engine.length_m
        profile = (
            (front, 0.82 * half),
            (front - 0.12 * length, half),
            (front - 0.55 * length, half),
            (front - length, 0.55 * half),
        )
        for side in (-1, 1):
            parts.append(tube(profile, wing_up - 0.6, paint.engine, centre_m=side * engine.right_m))
            lip = side * engine.right_m
            rim = (
                (lip - 0.8 * half, front),
                (lip + 0.8 * half, front),
                (lip + 0.9 * half, front - 0.3),
                (lip - 0.9 * half, front - 0.3),
            )
            parts.append(plate(rim, wing_up - 0.6, toned(paint.engine, 1.35)))
    return tuple(parts)
