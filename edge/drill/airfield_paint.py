"""What is painted, worn and spilt on the airfield, and the measures its layout shares."""

from math import cos, pi, sin

import numpy as np

from edge.drill.frame import Frame
from edge.drill.scene import Point, Stripe

YELLOW = (0.78, 0.64, 0.24)
PAINT_WHITE = (0.86, 0.86, 0.84)
RED = (0.66, 0.30, 0.26)
BLACK = (0.12, 0.12, 0.12)
OIL = (0.26, 0.25, 0.24)

COLUMNS = (-196.0, -124.0, -52.0, 20.0, 92.0, 164.0)
LENGTHS = (62.0, 62.0, 52.0, 52.0, 40.0, 40.0)
NORTH_V, SOUTH_V = -104.0, 20.0
APRON = (-240.0, 214.0, -150.0, 62.0)
RAMP = (206.0, 296.0, -150.0, -20.0)
TAXI_V, RUNWAY_V = 106.0, 212.0
THRESHOLD_U = -236.0


def stripes(frame: Frame, rng: np.random.Generator) -> tuple[Stripe, ...]:
    """Every stripe, wear below paint."""
    return (
        *_wear(frame, rng),
        *_runway_paint(frame),
        *_taxi_paint(frame),
        *_apron_paint(frame),
        *_road_paint(frame),
    )


def _wear(frame: Frame, rng: np.random.Generator) -> tuple[Stripe, ...]:
    """Rubber, oil, patches and tyre tracks; drawn below the paint."""
    worn: list[Stripe] = []
    for _ in range(60):
        u, v = rng.uniform(-140, 250), RUNWAY_V + rng.choice((-4.5, 4.5)) + rng.normal(0, 1.6)
        points = frame.points((u, v), (u + rng.uniform(25, 90), v + rng.normal(0, 0.5)))
        worn.append(Stripe(points, rng.uniform(0.6, 1.6), BLACK, 0.30, 0.9))
    worn += [
        Stripe(frame.points((-300, RUNWAY_V + v), (400, RUNWAY_V + v)), 0.5, BLACK, 0.10, 0.3)
        for v in (-15, -7.5, 7.5, 15)
    ]
    worn += _stand_wear(frame, rng)
    for _ in range(12):
        u, v = rng.uniform(-230, 200), rng.uniform(-145, 55)
        size_u, size_v = rng.choice((5.0, 7.5, 15.0)), rng.choice((3.5, 7.5))
        worn.append(Stripe(frame.points((u, v), (u + size_u, v)), size_v, (0.50, 0.50, 0.48), 0.55, 0.2))
    worn += [_crack(frame, rng) for _ in range(26)]
    return tuple(worn)


def _stand_wear(frame: Frame, rng: np.random.Generator) -> list[Stripe]:
    worn = []
    for u in COLUMNS:
        for v, away in ((NORTH_V, 1.0), (SOUTH_V, -1.0)):
            for side in (-3.0, 0.0, 3.0):
                arc = _lead_in(u + side + rng.normal(0, 0.3), v, away)
                worn.append(Stripe(frame.points(*arc), 0.9, BLACK, 0.13, 0.7))
            for _ in range(7):
                at = frame.point(u + rng.normal(0, 5), v + rng.normal(0, 9))
                end = (at[0] + rng.uniform(0.3, 1.6), at[1] + rng.uniform(-0.6, 0.6))
                worn.append(Stripe((at, end), rng.uniform(0.6, 2.2), OIL, 0.42, 0.8))
    lanes = [frame.points((-230, -41 + side), (205, -41 + side)) for side in (-4.0, 4.0)]
    return [*worn, *(Stripe(lane, 3.0, BLACK, 0.10, 1.6) for lane in lanes)]


def _crack(frame: Frame, rng: np.random.Generator) -> Stripe:
    """A sealed crack across the taxiway or along the runway."""
    u, v = rng.uniform(-320, 320), rng.choice((TAXI_V - 9, RUNWAY_V - 20))
    steps = np.cumsum(rng.normal((0.4, 4.0), (1.3, 1.0), (6, 2)), axis=0)
    points = [(u, v), *((u + float(du), v + float(dv)) for du, dv in steps)]
    return Stripe(frame.points(*points), 0.22, (0.24, 0.24, 0.24), 0.4)


def _lead_in(u: float, v: float, away: float) -> list[Point]:
    """From the stop position back to the taxilane between the rows, then a quarter turn along it."""
    lane, radius = -41.0, 22.0
    turn = [
        (u + radius * (1 - cos(a)), lane - away * radius * (1 - sin(a))) for a in np.linspace(0, pi / 2, 9)
    ]
    return [(u, v - away * 12.0), *((float(x), float(y)) for x, y in turn)]


def _runway_paint(frame: Frame) -> tuple[Stripe, ...]:
    v, u0 = RUNWAY_V, THRESHOLD_U

    def bar(u: float, length: float, offset: float, width: float) -> Stripe:
        return Stripe(frame.points((u, v + offset), (u + length, v + offset)), width, PAINT_WHITE, 0.82)

    bars = [bar(u0 + 6, 30, side * (3.0 + 3.6 * i), 1.8) for i in range(5) for side in (-1, 1)]
    edges = [bar(u0, 900, side * 21.5, 0.9) for side in (-1, 1)]
    aiming = [bar(u0 + 300, 45, side * 11.0, 6.0) for side in (-1, 1)]
    touch = [bar(u0 + 150, 22.5, side * (9.0 + 3.3 * i), 1.8) for i in range(3) for side in (-1, 1)]
    centre = Stripe(frame.points((u0 + 78, v), (700, v)), 0.9, PAINT_WHITE, 0.82, dash_m=(30.0, 20.0))
    across = Stripe(frame.points((u0, v - 21), (u0, v + 21)), 1.8, PAINT_WHITE, 0.82)
    digits = [bar(u0 + 46, 9.0, o, 0.9) for o in (-5.0, -2.0, 2.2)] + [
        bar(u0 + 46, 0.9, 3.6, 3.4),
        bar(u0 + 54, 0.9, 3.6, 3.4),
    ]
    chevrons = [
        Stripe(frame.points((u, v - 18), (u + 18, v), (u, v + 18)), 0.9, YELLOW, 0.75)
        for u in (-322.0, -298.0, -274.0)
    ]
    return (*bars, *edges, *aiming, *touch, across, *digits, centre, *chevrons)


def _taxi_paint(frame: Frame) -> tuple[Stripe, ...]:
    def line(*points: Point, width: float = 0.35, dash: tuple[float, float] | None = None) -> Stripe:
        return Stripe(frame.points(*points), width, YELLOW, 0.8, dash_m=dash)

    curve = [(-226 + 40 * (1 - cos(a)), TAXI_V + 40 * (1 - sin(a))) for a in np.linspace(0, pi / 2, 9)]
    entries = [line((u, -41), (u, TAXI_V)) for u in (-160.0, 128.0)]
    holding = [
        line((-242, 168 + o), (-210, 168 + o), dash=d) for o, d in ((0, None), (1.0, None), (2.4, (0.9, 0.9)))
    ]
    edges = [line((-700, TAXI_V + o), (700, TAXI_V + o), width=0.25) for o in (-11.2, 11.2)]
    return (
        line((-700, TAXI_V), (700, TAXI_V)),
        line(*((float(u), float(v)) for u, v in curve)), line((-226, 140), (-226, RUNWAY_V)),
        line((64, TAXI_V), (160, 190), (190, RUNWAY_V)),
        line((-232, -41), (205, -41)), *entries, *holding, *edges,
    )  # fmt: skip


def _apron_paint(frame: Frame) -> tuple[Stripe, ...]:
    lead_ins, bars, boxes = [], [], []
    for u, length in zip(COLUMNS, LENGTHS, strict=True):
        for v, away in ((NORTH_V, 1.0), (SOUTH_V, -1.0)):
            nose = v - away * (length / 2 - 4)
            lead_ins.append(Stripe(frame.points(*_lead_in(u, v, away)), 0.3, YELLOW, 0.8))
            bars.append(Stripe(frame.points((u - 4, nose), (u + 4, nose)), 0.5, YELLOW, 0.8))
            boxes.append(_safety_line(frame, u, v, away))
    service = [Stripe(frame.points((-238, v), (212, v)), 0.3, PAINT_WHITE, 0.75) for v in (-148.0, -141.0)]
    middle = Stripe(frame.points((-238, -144.5), (212, -144.5)), 0.25, PAINT_WHITE, 0.7, dash_m=(3.0, 4.5))
    ring = [(262 + 8 * cos(a), -40 + 8 * sin(a)) for a in np.linspace(0, 2 * pi, 25)]
    pad = Stripe(frame.points(*((float(x), float(y)) for x, y in ring)), 0.5, PAINT_WHITE, 0.8)
    ties = [Stripe(frame.points((248, v), (276, v)), 0.3, YELLOW, 0.7) for v in (-130.0, -105.0, -80.0)]
    return (*lead_ins, *bars, *ties, *boxes, *service, middle, pad)


def _safety_line(frame: Frame, u: float, v: float, away: float) -> Stripe:
    front, rear = v - away * 34, v + away * 33
    return Stripe(
        frame.points((u - 33, rear), (u - 33, front), (u + 33, front), (u + 33, rear)), 0.25, RED, 0.55
    )


def _road_paint(frame: Frame) -> tuple[Stripe, ...]:
    middle = Stripe(frame.points((-700, -263.5), (700, -263.5)), 0.2, PAINT_WHITE, 0.7, dash_m=(4.0, 6.0))
    rows = [
        Stripe(frame.points((u, v), (u, v + 5)), 0.15, PAINT_WHITE, 0.65)
        for v in (-301.0, -291.0, -279.0)
        for u in np.arange(-188, -42, 2.7)
    ]
    fence = Stripe(
        frame.points((-700, -245), (190, -245), (190, -256), (700, -256)), 0.3, (0.32, 0.31, 0.28), 0.5, 0.2
    )
    track = [
        Stripe(frame.points((-700, -248 + o), (190, -248 + o)), 0.7, (0.62, 0.55, 0.43), 0.45, 0.4)
        for o in (-1.0, 1.0)
    ]
    return (middle, *rows, *track, fence)
