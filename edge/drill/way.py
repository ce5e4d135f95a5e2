"""The part of a road that lies on a tile, measured in metres from where it enters. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.drill.scene import Point, Road, Scene


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """A road from where it enters the scene to where it leaves it.

    line  (N, 2) float64, x and y in scene metres, a metre apart
    """

    name: str
    width_m: float
    line: NDArray[np.float64]

    @property
    def length_m(self) -> float:
        """How much of the road the scene shows."""
        return float(len(self.line) - 1)

    def at(self, along_m: float, right_m: float = 0.0) -> tuple[float, float, float]:
        """x, y and heading at a distance from its start, right_m to the right of its middle line."""
        index = int(np.clip(along_m, 0, len(self.line) - 2))
        ahead = self.line[index + 1] - self.line[index]
        ahead = ahead / np.hypot(*ahead)
        x, y = self.line[index] + ahead * (along_m - index) + right_m * np.array((-ahead[1], ahead[0]))
        return float(x), float(y), float(np.degrees(np.arctan2(ahead[0], -ahead[1])) % 360)

    def corners(self, step_m: float = 40.0) -> tuple[Point, ...]:
        """The line in few points."""
        places = (
            np.linspace(0, len(self.line) - 1, max(2, round(self.length_m / step_m) + 1)).round().astype(int)
        )
        return tuple((float(x), float(y)) for x, y in self.line[places])


def way_of(scene: Scene, name: str) -> Way | None:
    """A road of a scene, or None where none of it is in the picture."""
    road = scene.roads[name]
    line = _metre_by_metre(road)
    size_m = np.array((scene.width_m, scene.height_m))
    inside = np.all((line >= 0) & (line <= size_m), axis=1)
    first, last = int(np.argmax(inside)), len(inside) - int(np.argmax(inside[::-1]))
    if last - first < 2:
        return None
    return Way(name, road.width_m, line[first:last])


def ways_of(scene: Scene) -> list[Way]:
    """Every road that the scene shows."""
    return [way for name in scene.roads if (way := way_of(scene, name)) is not None]


def _metre_by_metre(road: Road) -> NDArray[np.float64]:
    points = np.array(road.points, np.float64)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    places = np.arange(0.0, along[-1], 1.0)
    return np.column_stack([np.interp(places, along, points[:, axis]) for axis in (0, 1)])
