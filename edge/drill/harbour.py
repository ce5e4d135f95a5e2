"""The layout of a harbour: a quay with a container yard, a pier, a basin and the fairway beyond.

u runs along the quay and v from the land out over the water; the quay's edge is v = 0.
"""

import numpy as np

from edge.drill.frame import Frame
from edge.drill.noise import generator
from edge.drill.paint import RUBBER
from edge.drill.scene import (
    Area,
    Layout,
    Material,
    Plant,
    Road,
    Scene,
    SceneObject,
    Stand,
    Stripe,
    Surface,
)

# Clockwise, so that nothing lies along the rows of pixels.
_TURN_DEG = 6.0
# The pier: left, right, and how far it reaches out.
_PIER = (40.0, 66.0, 176.0)
_WHITE, _YELLOW, _STAIN = (0.86, 0.86, 0.84), (0.78, 0.64, 0.24), (0.30, 0.28, 0.26)
_GREY, _BLUE, _CREAM, _RED = (0.62, 0.63, 0.63), (0.48, 0.55, 0.62), (0.78, 0.74, 0.66), (0.58, 0.40, 0.35)
_BLOCKS = (
    (-296, -236, -262, -226, 11.0, _CREAM, True),
    (-214, -120, -266, -226, 12.0, _BLUE, True),
    (-96, -40, -260, -228, 9.0, _GREY, False),
    (86, 170, -196, -146, 12.0, _GREY, True),
    (190, 270, -196, -150, 11.0, _RED, True),
    (96, 128, -254, -230, 7.0, _CREAM, False),
    (160, 250, -262, -228, 9.0, _BLUE, True),
    (222, 246, -120, -98, 8.0, _CREAM, False),
)
# Where the container blocks begin along u, and the rows of each.
_BLOCK_U = (-288.0, -206.0, -124.0)
_ROWS_V = (-196.0, -170.0, -144.0, -118.0)
_COLOURS = ("rust", "blue", "grey", "green", "red", "white", "rust", "sand")


def harbour(
    site_id: str,
    *,
    west: float,
    north: float,
    size_m: float = 614.4,
    seed: int = 1,
    turn_deg: float | None = None,
) -> Scene:
    """A harbour of size_m x size_m, its north-west corner at west, north."""
    frame = Frame(size_m / 2, size_m / 2 - 10.0, _TURN_DEG if turn_deg is None else turn_deg)
    rng = generator(seed, "harbour")
    layout = Layout(
        Material.WATER,
        surfaces=_surfaces(frame),
        stripes=_stripes(frame, rng),
        buildings=frame.buildings(_BLOCKS),
        plants=_plants(frame, rng),
    )
    return Scene(
        site_id, size_m, size_m, west, north, seed, layout, _stands(frame),
        slots=_slots(frame), fixed=_fixed(frame, rng), zones=_zones(frame),
        roads={"dock-road": Road(frame.points((-700, -212), (700, -212)), 9.0, 14.0)},
        subjects=("ship",),
    )  # fmt: skip


def _zones(frame: Frame) -> dict[str, Area]:
    left, right, end = _PIER
    return {
        "quay": Area("berth", frame.points((-340, 0), (-340, 34), (left - 30, 34), (left - 30, 0))),
        "east-quay": Area("berth", frame.points((right + 26, 0), (right + 26, 30), (340, 30), (340, 0))),
        "pier": Area("berth", frame.block(left - 24, right + 24, 8, end + 16)),
        "yard": Area("yard", frame.block(-300, -30, -206, -108)),
        "fairway": Area("water", frame.block(-340, 340, 196, 340)),
    }


def _stands(frame: Frame) -> dict[str, Stand]:
    """Berths, by where they are; F for the fairway, where nobody is moored."""
    left, right, end = _PIER
    return {
        "Q1": frame.berth(-186, 0, 90, 190, 0), "Q2": frame.berth(-42, 0, 90, 86, 0),
        "E1": frame.berth(150, 0, 90, 130, 0), "E2": frame.berth(254, 0, 270, 60, 0),
        "P1": frame.berth(left, 112, 0, 110, 90), "P2": frame.berth(right, 56, 180, 60, 270),
        "P3": frame.berth(right, 112, 180, 45, 270), "P4": frame.berth(right, 154, 180, 30, 270),
        "P5": frame.berth(left, 36, 0, 30, 90), "P6": frame.berth(53, end, 90, 30, 0),
        "F1": frame.stand(-190, 236, 90, 200), "F2": frame.stand(130, 222, 270, 200),
        "F3": frame.stand(-40, 264, 90, 60), "F4": frame.stand(236, 268, 270, 60),
        **{f"Y{i + 1}": frame.stand(-12 + 13 * (i % 3), -196 + 8 * (i // 3), 90, 12.5) for i in range(9)},
    }  # fmt: skip


def _surfaces(frame: Frame) -> tuple[Surface, ...]:
    asphalt, concrete, grass, soil = Material.ASPHALT, Material.CONCRETE, Material.GRASS, Material.SOIL
    left, right, end = _PIER
    return (
        Surface(frame.block(-700, 700, -700, 0), asphalt, 0.94),
        Surface(frame.block(-700, 700, -700, -270), grass, 0.94),
        Surface(frame.block(-700, 700, -272, -222), asphalt, 0.86),
        Surface(frame.block(-700, 700, -217, -207), asphalt, 1.06),
        Surface(frame.block(-700, 700, -58, 0), concrete, 0.96, 8.0),
        Surface(frame.block(-300, -30, -206, -108), concrete, 0.84, 12.0),
        Surface(frame.block(left, right, -4, end), concrete, 0.92, 6.5),
        Surface(frame.block(80, 280, -100, -64), soil, 0.86),
        Surface(frame.block(284, 700, -206, -64), grass, 0.9),
        Surface(frame.points((-700, -280), (-120, -292), (-140, -700), (-700, -700)), soil, 0.9),
    )


def _stripes(frame: Frame, rng: np.random.Generator) -> tuple[Stripe, ...]:
    """Stains, crane rails, the kerb and the fenders of the quay, lanes and the marks of the yard."""
    left, right, end = _PIER
    stains = []
    for _ in range(90):
        u, v = rng.uniform(-320, 320), rng.uniform(-200, -4)
        run = frame.points((u, v), (u + rng.uniform(0.5, 9.0), v + rng.normal(0, 1.5)))
        stains.append(Stripe(run, rng.uniform(0.6, 3.0), _STAIN, 0.22, 1.2))
    rails = [
        Stripe(frame.points((-700, v), (left - 4, v)), 0.5, (0.36, 0.34, 0.33), 0.7) for v in (-24.0, -40.0)
    ]
    edge = ((-700, -0.8), (left + 0.8, -0.8), (left + 0.8, end - 0.8), (right - 0.8, end - 0.8),
            (right - 0.8, -0.8), (700, -0.8))  # fmt: skip
    kerb = Stripe(frame.points(*edge), 0.9, _YELLOW, 0.55)
    fenders = [Stripe(frame.points((u, 0.6), (u + 2.2, 0.6)), 1.4, RUBBER, 0.9)
               for u in range(-340, 340, 15) if not left - 3 < u < right]  # fmt: skip
    fenders += [
        Stripe(frame.points((at, v), (at, v + 2.2)), 1.4, RUBBER, 0.9)
        for at in (left - 0.6, right + 0.6) for v in range(8, int(end) - 4, 15)
    ]  # fmt: skip
    lanes = [
        Stripe(frame.points((-700, v), (700, v)), 0.3, _WHITE, 0.6, dash_m=(4.0, 6.0))
        for v in (-212.0, -82.0)
    ]
    bays = [
        Stripe(frame.points((u, v - 7), (u, v + 13)), 0.2, _YELLOW, 0.5)
        for block in _BLOCK_U for u in np.arange(block, block + 70, 13.0) for v in _ROWS_V
    ]  # fmt: skip
    shore = Stripe(frame.points((-700, 3.0), (700, 3.0)), 5.0, (0.13, 0.18, 0.19), 0.4, 3.0)
    return (shore, *stains, *rails, *lanes, *bays, *fenders, kerb)


def _plants(frame: Frame, rng: np.random.Generator) -> tuple[Plant, ...]:
    row = [
        Plant(*frame.point(u + rng.normal(0, 1.5), -277 + rng.normal(0, 1.2)), rng.uniform(1.8, 3.6))
        for u in range(-330, 330, 9)
    ]
    wild = [
        Plant(*frame.point(rng.uniform(-340, 340), rng.uniform(-340, -284)), rng.uniform(1.2, 4.4))
        for _ in range(70)
    ]
    east = [
        Plant(*frame.point(rng.uniform(288, 345), rng.uniform(-200, -70)), rng.uniform(0.8, 2.6))
        for _ in range(26)
    ]
    return (*row, *wild, *east)


def _slots(frame: Frame) -> tuple[Stand, ...]:
    """Parking bays behind the sheds, then places where lorries wait."""
    bays = [
        frame.stand(u, v, 180.0 * (v > -245), 5.0) for v in (-252.0, -236.0) for u in np.arange(-28, 84, 2.8)
    ]
    lorries = [frame.stand(u, -70.0, 90.0, 12.0) for u in (-270, -232, -190, -150, -104, -66, 98, 190, 230)]
    return tuple(bays + lorries)


def _fixed(frame: Frame, rng: np.random.Generator) -> tuple[SceneObject, ...]:
    """What stays for the length of a scenario: cranes, the container blocks, tanks."""
    cranes = [frame.put(f"crane-{i}", "quay_crane", (u, -32.0), 180.0, paint="blue")
              for i, u in enumerate((-236.0, -152.0), 1)]  # fmt: skip
    cranes.append(frame.put("crane-3", "mobile_crane", (112.0, -16.0), 160.0, paint="yellow"))
    tanks = [frame.put(f"tank-{i}", "storage_tank", (94.0 + 25 * i, -82.0), 30.0 * i) for i in range(1, 6)]
    return (*cranes, *tanks, *_stacks(frame, rng))


def _stacks(frame: Frame, rng: np.random.Generator) -> list[SceneObject]:
    """Blocks of containers, one to three high, with gaps where some were fetched."""
    stacks = []
    for block in _BLOCK_U:
        for row, v in enumerate(_ROWS_V):
            for place in range(20):
                if rng.random() < 0.25:
                    continue
                at = (block + 7.0 + 13.0 * (place % 5), v + 2.7 * (place // 5))
                high = ("whole", "two_high", "three_high")[rng.integers(3)]
                colour = _COLOURS[rng.integers(len(_COLOURS))]
                name = f"stack-{block:.0f}-{row}-{place}"
                stacks.append(frame.put(name, "container", at, 90.0, paint=colour, state=high))
    return stacks
