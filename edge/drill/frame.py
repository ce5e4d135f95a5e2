"""A frame of its own for a layout, turned into the scene: u to the right, v down, metres from its middle."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import cos, radians, sin

from edge.drill.scene import Building, Colour, Point, SceneObject, Stand

Block = tuple[float, float, float, float, float, Colour, bool]
"""Left, right, from and to in metres of the frame; height, colour, whether its roof is of sheet metal."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the own frame of a layout lies in the scene."""

    x_m: float
    y_m: float
    turn_deg: float

    def point(self, u: float, v: float) -> Point:
        """A point of the frame, in scene metres."""
        c, s = cos(radians(self.turn_deg)), sin(radians(self.turn_deg))
        return self.x_m + u * c - v * s, self.y_m + u * s + v * c

    def points(self, *pairs: Point) -> tuple[Point, ...]:
        """Points of the frame, in scene metres."""
        return tuple(self.point(u, v) for u, v in pairs)

    def block(self, u0: float, u1: float, v0: float, v1: float) -> tuple[Point, ...]:
        """A rectangle of the frame as an outline."""
        return self.points((u0, v0), (u1, v0), (u1, v1), (u0, v1))

    def buildings(self, blocks: Iterable[Block]) -> tuple[Building, ...]:
        """Buildings on rectangles of the frame."""
        return tuple(
            Building(self.block(u0, u1, v0, v1), up, colour, ribbed)
            for u0, u1, v0, v1, up, colour, ribbed in blocks
        )

    def stand(self, u: float, v: float, heading_deg: float, length_m: float) -> Stand:
        """A stand; its heading in the frame is clockwise from -v."""
        x, y = self.point(u, v)
        return Stand(x, y, (heading_deg + self.turn_deg) % 360, length_m)

    def berth(self, u: float, v: float, heading_deg: float, length_m: float, quay_deg: float) -> Stand:
        """A place at a quay; u, v lies on its edge, and the quay lies at quay_deg from there."""
        stand = self.stand(u, v, heading_deg, length_m)
        return replace(stand, quay_deg=(quay_deg + self.turn_deg) % 360)

    def put(
        self,
        name: str,
        kind: str,
        at: Point,
        heading_deg: float,
        *,
        paint: str = "white",
        state: str = "whole",
    ) -> SceneObject:
        """An object at a point of the frame."""
        x, y = self.point(*at)
        return SceneObject(name, kind, x, y, (heading_deg + self.turn_deg) % 360, paint, state)
