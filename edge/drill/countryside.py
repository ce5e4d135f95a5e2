"""The layout of a road through fields: verges, a junction, a lay-by, a car park, hedges and a farm.

u runs along the main road and v across it, away from the side road for v < 0.
"""

import numpy as np

from edge.drill.draw import Polygon
from edge.drill.frame import Frame
from edge.drill.noise import generator
from edge.drill.scene import (
    Area,
    Layout,
    Material,
    Plant,
    Point,
    Road,
    Scene,
    Stand,
    Stripe,
    Surface,
)

# Clockwise, so that nothing lies along the rows of pixels.
_TURN_DEG = 4.0
_WHITE, _DARK, _EARTH = (0.86, 0.86, 0.84), (0.16, 0.16, 0.16), (0.38, 0.31, 0.22)
_MAIN: tuple[Point, ...] = (
    (-700, 36), (-320, 30), (-160, 20), (-60, 8), (40, -6), (140, -16), (320, -26), (700, -34),
)  # fmt: skip
_SIDE: tuple[Point, ...] = ((-34, 4), (-40, 60), (-58, 130), (-92, 220), (-120, 340), (-140, 700))
MAIN_M, SIDE_M = 9.5, 6.5
_CAR_PARK = (84.0, 176.0, 22.0, 64.0)
_BLOCKS = (
    (104, 158, 76, 100, 7.0, (0.72, 0.70, 0.66), False),
    (188, 204, 26, 42, 5.0, (0.80, 0.80, 0.78), True),
    (-262, -222, 170, 190, 8.0, (0.55, 0.35, 0.28), True),
    (-210, -176, 164, 178, 7.0, (0.52, 0.53, 0.54), True),
    (-250, -232, 204, 216, 6.0, (0.60, 0.40, 0.32), False),
)
# Four corners of each field, its ground, its tone, and the direction of its furrows in degrees from u.
_FIELDS = (
    (((-700, 52), (-330, 46), (-300, 250), (-700, 260)), Material.CROP, 0.98, 84.0),
    (((-200, 40), (-70, 24), (-104, 140), (-190, 150)), Material.SOIL, 0.92, 12.0),
    (((-40, 120), (250, 116), (260, 250), (-70, 240)), Material.CROP, 1.06, 4.0),
    (((-100, 252), (700, 262), (700, 700), (-130, 700)), Material.SOIL, 0.84, 30.0),
    (((270, 12), (700, 4), (700, 252), (280, 250)), Material.CROP, 0.86, 90.0),
    (((-700, 12), (-330, 10), (-310, -240), (-700, -230)), Material.SOIL, 1.0, 88.0),
    (((-290, 6), (-80, -12), (-70, -220), (-290, -230)), Material.CROP, 1.1, 2.0),
    (((-50, -22), (180, -40), (200, -236), (-50, -220)), Material.CROP, 0.9, 70.0),
    (((200, -46), (700, -60), (700, -240), (216, -238)), Material.SOIL, 0.9, 8.0),
    (((-700, -250), (700, -252), (700, -700), (-700, -700)), Material.CROP, 1.0, 40.0),
)


def countryside(
    site_id: str,
    *,
    west: float,
    north: float,
    size_m: float = 614.4,
    seed: int = 1,
    turn_deg: float | None = None,
) -> Scene:
    """A road through fields of size_m x size_m, its north-west corner at west, north."""
    frame = Frame(size_m / 2, size_m / 2, _TURN_DEG if turn_deg is None else turn_deg)
    rng = generator(seed, "countryside")
    buildings = frame.buildings(_BLOCKS)
    layout = Layout(
        Material.GRASS, _surfaces(frame), _stripes(frame, rng), buildings, tuple(_plants(frame, rng))
    )
    return Scene(
        site_id, size_m, size_m, west, north, seed, layout, _stands(frame),
        slots=tuple(
            frame.stand(u, v, 180.0 * (v > 45), 5.0) for v in (30.0, 56.0) for u in np.arange(88, 174, 2.8)
        ),
        zones={"car-park": Area("parking", frame.block(*_CAR_PARK))},
        roads={
            "main-road": Road(frame.points(*_MAIN), MAIN_M, 11.0),
            "side-road": Road(frame.points(*_SIDE), SIDE_M, 4.0),
        },
    )  # fmt: skip


def _stands(frame: Frame) -> dict[str, Stand]:
    """L: along the lay-by of the main road; W: on the yard of the farm."""
    stands = {f"L{i + 1}": frame.stand(186 + 15.0 * i, -9.5 - 0.07 * i, 92.0, 13.0) for i in range(6)}
    return stands | {f"W{i + 1}": frame.stand(-250 + 6.0 * i, 196, 0.0, 13.0) for i in range(8)}


def _surfaces(frame: Frame) -> tuple[Surface, ...]:
    asphalt, soil = Material.ASPHALT, Material.SOIL
    fields = (Surface(frame.points(*corners), material, tone) for corners, material, tone, _ in _FIELDS)
    return (
        *fields,
        *_strip(frame, _MAIN, MAIN_M + 5.0, soil, 0.88),
        *_strip(frame, _SIDE, SIDE_M + 3.0, soil, 0.84),
        Surface(frame.block(-272, -166, 158, 222), soil, 0.98),
        Surface(frame.points((-172, 188), (-84, 196), (-86, 202), (-172, 194)), soil, 0.94),
        Surface(frame.points((178, -22), (276, -30), (272, -4), (182, -2)), asphalt, 0.92),
        Surface(frame.block(*_CAR_PARK), asphalt, 0.90),
        Surface(frame.block(100, 162, 72, 104), Material.CONCRETE, 0.92, 5.0),
        Surface(frame.points((124, -12), (134, -13), (134, 24), (124, 24)), asphalt, 0.94),
        *_strip(frame, _SIDE, SIDE_M, asphalt, 1.02),
        Surface(frame.points((-50, 12), (-34, 4), (-18, 10), (-34, 30)), asphalt, 1.0),
        *_strip(frame, _MAIN, MAIN_M, asphalt, 0.94),
    )


def _strip(
    frame: Frame, points: tuple[Point, ...], width_m: float, material: Material, tone: float
) -> list[Surface]:
    """A way as one outline: down its right side, back along its left."""
    line = np.array(points, np.float64)
    along = np.gradient(line, axis=0)
    along /= np.hypot(along[:, 0], along[:, 1])[:, None]
    side = np.column_stack([-along[:, 1], along[:, 0]]) * width_m / 2
    corners = [(float(u), float(v)) for u, v in np.concatenate([line + side, (line - side)[::-1]])]
    return [Surface(frame.points(*corners), material, tone)]


def _stripes(frame: Frame, rng: np.random.Generator) -> tuple[Stripe, ...]:
    wear = [
        Stripe(frame.points(*_beside(_MAIN, out)), 0.8, _DARK, 0.10, 0.6) for out in (-3.0, -1.4, 1.4, 3.0)
    ]
    patches = []
    for _ in range(14):
        u = float(rng.uniform(-300, 300))
        v = float(np.interp(u, *np.array(_MAIN).T)) + float(rng.choice((-2.4, 2.4)))
        run = frame.points((u, v), (u + float(rng.uniform(4, 26)), v - 0.05))
        patches.append(Stripe(run, float(rng.choice((1.6, 3.4))), (0.32, 0.32, 0.32), 0.4, 0.2))
    edges = [Stripe(frame.points(*_beside(_MAIN, out)), 0.25, _WHITE, 0.75) for out in (-4.3, 4.3)]
    middle = Stripe(frame.points(*_MAIN), 0.25, _WHITE, 0.75, dash_m=(6.0, 9.0))
    stop = Stripe(frame.points((-40.5, 22), (-34, 22)), 0.6, _WHITE, 0.75)
    bays = [
        Stripe(frame.points((u, v - 2.5), (u, v + 2.5)), 0.15, _WHITE, 0.65)
        for v in (30.0, 56.0)
        for u in np.arange(86.6, 175, 2.8)
    ]
    furrows = [one for field in _FIELDS for one in _furrows(frame, field[0], field[3], rng)]
    return (*furrows, *wear, *patches, *edges, middle, stop, *bays)


def _beside(points: tuple[Point, ...], out_m: float) -> tuple[Point, ...]:
    """A line beside another one that runs nearly along u."""
    return tuple((u, v + out_m) for u, v in points)


def _furrows(
    frame: Frame, corners: tuple[Point, ...], turn_deg: float, rng: np.random.Generator
) -> list[Stripe]:
    """Tramlines of the tractor, clipped to the field; each field has its own strength."""
    angle, outline = np.radians(turn_deg), np.clip(np.array(corners, np.float64), -345, 345)
    along, across = np.array((np.cos(angle), np.sin(angle))), np.array((-np.sin(angle), np.cos(angle)))
    strength = float(rng.uniform(0.2, 0.45))
    rows = np.arange(float((outline @ across).min()), float((outline @ across).max()), 12.0)
    lines = (_chord(outline, along, across * row) for row in rows)
    return [Stripe(frame.points(*line), 1.4, _EARTH, strength, 0.5) for line in lines if line is not None]


def _chord(outline: Polygon, along: Polygon, start: Polygon) -> tuple[Point, Point] | None:
    """Where the line from start along a direction runs inside a convex outline, or None."""
    across = np.array((-along[1], along[0]))
    offsets = (outline - start) @ across
    places = []
    for here, there, first, second in zip(
        outline, np.roll(outline, -1, axis=0), offsets, np.roll(offsets, -1), strict=True
    ):
        if (first > 0) != (second > 0):
            places.append(here + (there - here) * first / (first - second))
    if len(places) < 2:
        return None
    (u0, v0), (u1, v1) = places[:2]
    return (float(u0), float(v0)), (float(u1), float(v1))


def _plants(frame: Frame, rng: np.random.Generator) -> list[Plant]:
    """Hedges along the fields, single trees on the verge, an orchard by the farm."""
    hedges = (
        ((-318, 46), (-296, 250)), ((-300, 252), (260, 256)), ((264, 16), (270, 250)),
        ((-300, 4), (-298, -232)), ((-62, -14), (-60, -222)), ((190, -44), (208, -236)),
        ((-340, -244), (340, -246)), ((-196, 44), (-184, 152)),
    )  # fmt: skip
    plants = [one for start, end in hedges for one in _hedge(frame, start, end, rng)]
    for u in range(-320, 320, 34):
        if -70 < u < 0 or 90 < u < 290:  # the junction, the car park's entry and the lay-by
            continue
        v = float(np.interp(u, *np.array(_MAIN).T)) + float(rng.choice((-13.0, 13.0)))
        plants.append(_plant(frame, u + rng.normal(0, 6), v + rng.normal(0, 1), rng.uniform(2.0, 4.2)))
    plants += [
        _plant(frame, -252 + 9.0 * i + rng.normal(0, 0.6), 228 + 8.0 * j, rng.uniform(1.8, 2.6))
        for i in range(8) for j in range(2)
    ]  # fmt: skip
    return plants


def _hedge(frame: Frame, start: Point, end: Point, rng: np.random.Generator) -> list[Plant]:
    length = float(np.hypot(end[0] - start[0], end[1] - start[1]))
    shares = np.arange(0.0, 1.0, 4.2 / length)
    kept = shares[rng.random(len(shares)) > 0.22]
    return [
        _plant(
            frame,
            start[0] + (end[0] - start[0]) * at + rng.normal(0, 0.9),
            start[1] + (end[1] - start[1]) * at + rng.normal(0, 0.9),
            rng.uniform(1.2, 3.6),
        )
        for at in kept
    ]


def _plant(frame: Frame, u: float, v: float, radius_m: float) -> Plant:
    return Plant(*frame.point(u, v), radius_m)
