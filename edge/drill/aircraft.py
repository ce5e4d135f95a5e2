"""Plan views of fixed-wing aircraft, one function a type."""

from dataclasses import replace

from edge.drill.airframe import Airframe, Engine, plan_view
from edge.drill.paint import DARK, Paint, toned
from edge.drill.parts import Part, Plan, box, decal, fin, pair, plate, tube

NARROW = Airframe(
    37.6,
    34.5,
    3.9,
    5.6,
    7.6,
    1.6,
    28.0,
    13.2,
    4.9,
    1.7,
    32.0,
    11.8,
    (Engine(5.8, 4.4, 4.8, 2.4),),
    nose_bodies=1.35,
)
WIDE = Airframe(
    62.0,
    60.0,
    6.0,
    10.5,
    13.0,
    2.2,
    33.0,
    21.0,
    8.2,
    2.6,
    36.0,
    17.5,
    (Engine(9.8, 7.8, 7.4, 3.8),),
    nose_bodies=1.4,
)
TRANSPORT = Airframe(
    51.5, 50.5, 5.9, 6.6, 9.6, 3.2, 26.0, 20.0, 5.6, 3.2, 29.0, 15.2,
    (Engine(8.0, 5.4, 5.6, 2.3), Engine(14.6, 1.9, 5.6, 2.3)), nose_bodies=1.0, tail_fraction=0.40,
    high_wing=True, t_tail=True,
)  # fmt: skip
BUSINESS = Airframe(
    20.8, 19.8, 2.4, 1.6, 4.3, 1.3, 30.0, 8.2, 2.5, 1.1, 32.0, 6.3, (Engine(2.0, -4.2, 3.8, 1.25),),
    nose_bodies=1.9, t_tail=True, body_engines=True,
)  # fmt: skip
LIGHT = Airframe(
    8.3, 11.0, 1.25, 1.9, 1.65, 1.15, 1.5, 3.5, 1.1, 0.8, 6.0, 2.7,
    kink_fraction=0.6, nose_bodies=0.9, tail_fraction=0.58, high_wing=True,
)  # fmt: skip


def airliner_narrow(paint: Paint, state: str) -> Plan:
    """A twin of about 37 m."""
    return plan_view(NARROW, paint, state)


def airliner_wide(paint: Paint, state: str) -> Plan:
    """A wide twin of about 62 m."""
    return plan_view(WIDE, paint, state)


def business_jet(paint: Paint, state: str) -> Plan:
    """A jet of about 21 m with its engines at the rear."""
    return plan_view(BUSINESS, paint, state)


def light(paint: Paint, _state: str) -> Plan:
    """A single-engined high-wing aircraft of about 8 m."""
    nose = LIGHT.length_m / 2
    spinner = plate(
        ((-0.9, nose - 0.1), (0.9, nose - 0.1), (0.9, nose - 0.25), (-0.9, nose - 0.25)), 1.5, DARK
    )
    return (*plan_view(LIGHT, paint), spinner)


def transport(paint: Paint, state: str) -> Plan:
    """A four-engined high-wing transport of about 51 m; state: whole, nose_open, or what is missing."""
    whole = plan_view(TRANSPORT, paint, state)
    if state != "nose_open":
        return whole
    return (*_ramp(paint), *(_cut_nose(part) for part in whole), _visor(paint))


def fighter(paint: Paint, _state: str) -> Plan:
    """A delta-winged jet of about 16 m."""
    nose = 7.8
    delta = ((0.5, 3.4), (1.6, 2.2), (5.0, -4.4), (5.0, -5.4), (0.8, -5.9))
    tail = ((0.6, -4.6), (3.0, -6.6), (3.0, -7.6), (0.6, -7.0))
    body = ((nose, 0.08), (6.2, 0.45), (4.2, 0.75), (2.6, 1.05), (-5.8, 1.15), (-7.2, 0.8))
    canopy = ((-0.36, 4.9), (0.0, 5.7), (0.36, 4.9), (0.36, 3.2), (-0.36, 3.2))
    nozzle = ((-0.7, -6.9), (0.7, -6.9), (0.55, -7.9), (-0.55, -7.9))
    fins = ((-3.4, 1.8), (-5.6, 4.6), (-6.8, 4.6), (-6.9, 1.8))
    return (
        *pair(tail, 1.7, paint.wing),
        *pair(delta, 1.9, paint.wing, tilt_deg=3.0),
        plate(nozzle, 1.8, DARK),
        tube(body, 2.2, paint.body),
        decal(canopy, 2.9, (0.16, 0.18, 0.20)),
        *fin(fins, paint.accent, width_m=0.3, right_m=1.25),
        *fin(fins, paint.accent, width_m=0.3, right_m=-1.25),
    )


def _ramp(paint: Paint) -> Plan:
    nose = TRANSPORT.length_m / 2
    return (
        box(3.6, nose + 5.0, nose - 4.5, 0.8, toned(paint.body, 0.62)),
        box(3.9, nose - 4.2, nose - 6.0, 2.0, DARK),
    )


def _visor(paint: Paint) -> Part:
    """The nose, raised above the cockpit."""
    nose = TRANSPORT.length_m / 2
    return tube(
        ((nose - 4.6, 0.9), (nose - 5.6, 2.3), (nose - 8.2, 2.8), (nose - 9.4, 2.5)),
        8.5,
        toned(paint.body, 1.08),
    )


def _cut_nose(part: Part) -> Part:
    """The same part without what lies ahead of the opening."""
    cut = TRANSPORT.length_m / 2 - 5.0
    outline = part.outline.copy()
    outline[:, 1] = outline[:, 1].clip(max=cut)
    return replace(part, outline=outline)
