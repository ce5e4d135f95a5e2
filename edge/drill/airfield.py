"""The layout of a small airfield: a runway, a taxiway, an apron of twelve stands, hangars, a road.

u runs along the runway and v across it.
"""

import numpy as np

from edge.drill.airfield_paint import (
    APRON,
    COLUMNS,
    LENGTHS,
    NORTH_V,
    RAMP,
    RUNWAY_V,
    SOUTH_V,
    TAXI_V,
    stripes,
)
from edge.drill.frame import Frame
from edge.drill.noise import generator
from edge.drill.scene import (
    Area,
    Building,
    Layout,
    Material,
    Plant,
    Point,
    Road,
    Scene,
    SceneObject,
    Stand,
    Surface,
)

# Clockwise, so that nothing lies along the rows of pixels.
_TURN_DEG = 9.0
_PALE, _GREY, _BLUE, _CREAM = (0.80, 0.80, 0.78), (0.60, 0.61, 0.61), (0.50, 0.58, 0.64), (0.78, 0.74, 0.66)
_BLOCKS = (
    (-226, -28, -206, -171, 13.0, _PALE, False),
    (-150, -92, -222, -206, 10.0, _GREY, False),
    (-186, -170, -200, -180, 16.5, _GREY, False),
    (84, 142, -226, -164, 17.0, _CREAM, True),
    (152, 190, -216, -166, 13.0, _BLUE, True),
    (212, 236, -182, -166, 7.0, _PALE, False),
    (252, 290, -190, -168, 8.0, _GREY, True),
    (10, 24, -214, -196, 8.0, _PALE, False),
    (30, 38, -208, -200, 24.0, (0.70, 0.70, 0.70), False),
    (-24, 2, -238, -226, 5.0, _CREAM, True),
    (110, 150, -318, -296, 7.0, _BLUE, True),
    (168, 240, -326, -298, 8.0, _PALE, True),
    (-300, -276, -238, -222, 5.0, _GREY, False),
)


def airfield(
    site_id: str,
    *,
    west: float,
    north: float,
    size_m: float = 614.4,
    seed: int = 1,
    turn_deg: float | None = None,
) -> Scene:
    """An airfield of size_m x size_m, its north-west corner at west, north."""
    frame = Frame(size_m / 2, size_m / 2, _TURN_DEG if turn_deg is None else turn_deg)
    rng = generator(seed, "airfield")
    layout = Layout(
        Material.GRASS,
        surfaces=_surfaces(frame),
        stripes=stripes(frame, rng),
        buildings=_buildings(frame),
        plants=_plants(frame, rng),
    )
    zones = {
        "apron": Area("parking", frame.block(*APRON)),
        "ramp": Area("parking", frame.block(*RAMP)),
        "car-park": Area("parking", frame.block(-190, -40, -302, -273)),
    }
    roads = {
        "gate-road": Road(frame.points((-700, -263.5), (700, -263.5)), 9.0, 9.0),
        "perimeter": Road(frame.points((-251, -259), (-251, 92)), 9.0, 2.0),
    }
    return Scene(
        site_id,
        size_m,
        size_m,
        west,
        north,
        seed,
        layout,
        _stands(frame),
        slots=_slots(frame),
        fixed=_fixed(frame),
        zones=zones,
        roads=roads,
        subjects=("aircraft",),
    )


def _stands(frame: Frame) -> dict[str, Stand]:
    places = zip(COLUMNS, LENGTHS, strict=True)
    stands: dict[str, Stand] = {}
    for index, (u, length) in enumerate(places, 1):
        stands[f"N{index}"] = frame.stand(u, NORTH_V, 0.0, length)
        stands[f"S{index}"] = frame.stand(u, SOUTH_V, 180.0, length)
    for index, v in enumerate((-130.0, -105.0, -80.0, -40.0), 1):
        stands[f"G{index}"] = frame.stand(262.0, v, 270.0, 22.0)
    for index in range(8):
        # Cargo waits on the service strip in front of the hangars.
        stands[f"C{index + 1}"] = frame.stand(92.0 + 14.0 * index, -156.0, 90.0, 12.5)
    return stands


def _surfaces(frame: Frame) -> tuple[Surface, ...]:
    asphalt, concrete, soil = Material.ASPHALT, Material.CONCRETE, Material.SOIL
    runway, taxi = (RUNWAY_V - 22.5, RUNWAY_V + 22.5), (TAXI_V - 11.5, TAXI_V + 11.5)
    return (
        Surface(frame.block(-330, 700, runway[0] - 7.5, runway[1] + 7.5), asphalt, 0.86),
        Surface(frame.block(-700, 700, taxi[0] - 6, taxi[1] + 6), asphalt, 0.90),
        Surface(frame.points((-244, 112), (-208, 112), (-208, 196), (-244, 196)), asphalt, 1.02),
        Surface(frame.points((60, 112), (96, 112), (196, 196), (150, 196)), asphalt, 0.98),
        *(Surface(_exit(frame, u), asphalt, 1.0) for u in (-160.0, 128.0)),
        Surface(frame.block(-300, 700, *runway), asphalt, 0.98),
        Surface(frame.block(-236, -150, *runway), concrete, 0.92, 7.5),
        Surface(frame.block(-700, 700, *taxi), asphalt, 1.06),
        Surface(frame.block(APRON[0] - 5, APRON[1] + 5, APRON[2] - 5, APRON[3] + 5), asphalt, 0.95),
        Surface(frame.block(*APRON), concrete, 1.0, 7.5),
        Surface(frame.block(-88, 46, -66, -18), concrete, 0.93, 5.0),
        Surface(frame.block(*RAMP), asphalt, 1.12),
        Surface(frame.block(-232, -20, -172, -150), asphalt, 0.92),
        Surface(frame.block(70, 300, -164, -150), concrete, 0.94, 6.0),
        Surface(frame.block(-700, 700, -268, -259), asphalt, 0.94),
        Surface(frame.block(-256, -247, -268, 92), asphalt, 1.08),
        Surface(frame.block(-190, -40, -302, -273), asphalt, 0.90),
        Surface(frame.block(-122, -114, -275, -264), asphalt, 0.92),
        Surface(frame.block(196, 300, -252, -236), soil, 0.95),
        Surface(frame.points((-700, -320), (-210, -330), (-216, -290), (-700, -280)), soil, 0.82),
        Surface(frame.points((60, -285), (330, -280), (700, -292), (700, -700), (40, -700)), soil, 0.92),
    )  # fmt: skip


def _exit(frame: Frame, u: float) -> tuple[Point, ...]:
    """The way from the apron to the taxiway, narrowing in its middle."""
    right = ((u + 26, 60), (u + 15, 76), (u + 15, 88), (u + 26, 100))
    return frame.points(*right, *((2 * u - at, v) for at, v in reversed(right)))


def _buildings(frame: Frame) -> tuple[Building, ...]:
    bridges = (
        frame.points((u - 17, -172), (u - 13.5, -172), (u - 5.5, -134), (u - 8.5, -133)) for u in COLUMNS[:2]
    )
    return (*(Building(outline, 5.0, _GREY) for outline in bridges), *frame.buildings(_BLOCKS))


def _plants(frame: Frame, rng: np.random.Generator) -> tuple[Plant, ...]:
    plants = [
        _plant(frame, u + rng.normal(0, 1.5), -254 + rng.normal(0, 1.0), rng.uniform(1.6, 3.4))
        for u in range(-236, 60, 11)
    ]
    plants += [
        _plant(frame, rng.uniform(-320, -215), rng.uniform(-345, -274), rng.uniform(1.5, 4.2))
        for _ in range(46)
    ]
    plants += [
        _plant(frame, rng.uniform(-30, 105), rng.uniform(-340, -276), rng.uniform(1.4, 3.8))
        for _ in range(34)
    ]
    plants += [
        _plant(frame, rng.uniform(-345, 345), 252 + abs(rng.normal(0, 26)), rng.uniform(0.7, 2.2))
        for _ in range(44)
    ]
    plants += [
        _plant(frame, rng.uniform(-345, -262), rng.uniform(-210, 80), rng.uniform(0.6, 1.8))
        for _ in range(26)
    ]
    return tuple(plants)


def _plant(frame: Frame, u: float, v: float, radius_m: float) -> Plant:
    return Plant(*frame.point(u, v), radius_m)


def _slots(frame: Frame) -> tuple[Stand, ...]:
    """Parking bays, then places for carts and vans beside the stands."""
    bays = [
        frame.stand(u + 1.35, v + 2.5, 180.0 * (v < -290), 5.0)
        for v in (-301.0, -291.0, -279.0)
        for u in np.arange(-188, -44, 2.7)
    ]
    carts = [frame.stand(u + side, -146.5, 90.0, 12.0) for u in COLUMNS for side in (-20.0, 20.0)]
    return tuple(bays + carts)


def _fixed(frame: Frame) -> tuple[SceneObject, ...]:
    tanks = [frame.put(f"tank-{i}", "storage_tank", (190.0 + 24 * i, -222), 30.0 * i) for i in (1, 2, 3)]
    colours = ("rust", "blue", "grey", "rust", "green", "white")
    boxes = [
        frame.put(f"box-{i}", "container", (216 + 14 * (i % 3), -240 - 3.0 * (i // 3)), 90.0, paint=colour)
        for i, colour in enumerate(colours)
    ]
    pallets = [
        frame.put(f"pallet-{i}", "pallet", (66 + 4 * (i % 2), -156 + 4.2 * (i // 2)), 0.0, paint="sand")
        for i in range(4)
    ]
    return (*tanks, *boxes, *pallets)
