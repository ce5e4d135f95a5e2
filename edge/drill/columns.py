"""Vehicles in a line on a road: columns that drive and queues that stand. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from edge.drill.cast import Impossible, Path, one_of
from edge.drill.catalogue import KINDS
from edge.drill.noise import generator
from edge.drill.scenario import ColumnSettings, QueueSettings
from edge.drill.scene import Scene, SceneObject
from edge.drill.way import Way, way_of

PRIVATE = ("white", "white", "silver", "silver", "grey", "black", "black", "blue", "red")
_QUEUE_KINDS = ("car", "car", "car", "van", "truck")
_GAP_M = 2.2


@dataclass(frozen=True, slots=True)
class Line:
    """A column or a queue at one look.

    vehicles    its first one first
    along_m     where each is on its road
    is_driving  True for a column
    """

    line_id: str
    road: str
    vehicles: tuple[SceneObject, ...]
    along_m: tuple[float, ...]
    is_driving: bool

    @property
    def length_m(self) -> float:
        """From the middle of the first vehicle to the middle of the last, along the road."""
        return abs(self.along_m[0] - self.along_m[-1])


def line_of(settings: ColumnSettings | QueueSettings, scene: Scene, index: int, where: Path) -> Line:
    """The vehicles of a line at look `index`; a column keeps its vehicles and its gaps from look to look."""
    one_of(settings.road, tuple(scene.roads), (*where, "road"))
    way = way_of(scene, settings.road)
    if way is None:
        raise Impossible((*where, "road"), f"expected a road that the scene shows, got {settings.road}")
    is_driving = isinstance(settings, ColumnSettings)
    rng = generator(scene.seed, "line", settings.id, 0 if is_driving else index)
    if isinstance(settings, ColumnSettings):
        kinds, paints, gaps = _column(settings, rng, where)
    else:
        kinds, paints, gaps = _queue(settings, rng)
    sign = 1.0 if settings.toward == "end" else -1.0
    along = tuple(float(settings.at_m - sign * behind) for behind in np.concatenate([[0.0], np.cumsum(gaps)]))
    if min(along) < 0 or max(along) > way.length_m:
        wanted, got = f"0 to {way.length_m:.0f} m", f"{min(along):.0f} to {max(along):.0f} m"
        raise Impossible((*where, "at_m"), f"expected all of it within {wanted} of {way.name}, got {got}")
    vehicles = tuple(
        vehicle_on(way, f"{settings.id}/{number}", kind, paint, along_m=at, toward_end=sign > 0)
        for number, (kind, paint, at) in enumerate(zip(kinds, paints, along, strict=True), 1)
    )
    return Line(settings.id, settings.road, vehicles, along, is_driving)


def vehicle_on(
    way: Way, object_id: str, kind: str, paint: str, *, along_m: float, toward_end: bool
) -> SceneObject:
    """A vehicle in its own lane: traffic keeps to the right."""
    x, y, heading = way.at(along_m, (1 if toward_end else -1) * way.width_m * 0.24)
    return SceneObject(object_id, kind, x, y, heading if toward_end else (heading + 180) % 360, paint)


def _column(
    settings: ColumnSettings, rng: np.random.Generator, where: Path
) -> tuple[list[str], list[str], list[float]]:
    driven = tuple(name for name, kind in KINDS.items() if kind.label == "vehicle")
    for number, kind in enumerate(settings.kinds):
        one_of(kind, driven, (*where, "kinds", number))
    kinds = [settings.kinds[i % len(settings.kinds)] for i in range(settings.n_vehicles)]
    paint = one_of(settings.paint, KINDS[kinds[0]].paints, (*where, "paint"))
    gaps = settings.spacing_m * (1 + np.clip(rng.normal(0, 0.1, settings.n_vehicles - 1), -0.25, 0.25))
    return kinds, [paint] * len(kinds), [float(gap) for gap in gaps]


def _queue(settings: QueueSettings, rng: np.random.Generator) -> tuple[list[str], list[str], list[float]]:
    kinds = [_QUEUE_KINDS[rng.integers(len(_QUEUE_KINDS))] for _ in range(settings.n_vehicles)]
    paints = [PRIVATE[rng.integers(len(PRIVATE))] for _ in kinds]
    lengths = [KINDS[kind].length_m for kind in kinds]
    gaps = [(front + rear) / 2 + _GAP_M + float(rng.uniform(-0.6, 1.0)) for front, rear in pairwise(lengths)]
    return kinds, paints, gaps
