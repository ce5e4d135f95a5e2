"""Solids an object is built of, in its own frame: metres right of and forward of its middle, and up."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge.drill.scene import Colour, Point

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One surface seen from above, and the shadow it throws.

    outline   (N, 3) float64, right, forward and up of each corner, in metres
    colour    None: not seen from above, it only throws a shadow
    thick_m   how far the solid reaches down from the outline
    profile   (M, 2) float64, forward and half width of a round part, or None for a flat one
    centre_m  how far right the axis of a round part lies
    tilt_deg  how far a flat part leans to the right
    casts     False: it lies on a part that throws the shadow of both
    """

    outline: Array
    colour: Colour | None
    thick_m: float = 0.0
    profile: Array | None = None
    centre_m: float = 0.0
    tilt_deg: float = 0.0
    casts: bool = True


Plan = tuple[Part, ...]


def _frozen(values: Array) -> Array:
    values.setflags(write=False)
    return values


def plate(
    corners: tuple[Point, ...],
    up_m: float,
    colour: Colour | None,
    *,
    thick_m: float = 0.2,
    tilt_deg: float = 0.0,
) -> Part:
    """A flat part at one height; corners are right, forward."""
    outline = np.column_stack([np.array(corners, np.float64), np.full(len(corners), up_m)])
    return Part(_frozen(outline), colour, thick_m=thick_m, tilt_deg=tilt_deg)


def pair(
    corners: tuple[Point, ...], up_m: float, colour: Colour, *, thick_m: float = 0.2, tilt_deg: float = 0.0
) -> Plan:
    """A flat part and its mirror image: wings, tailplanes."""
    mirrored = tuple((-right, forward) for right, forward in corners)
    return (
        plate(corners, up_m, colour, thick_m=thick_m, tilt_deg=tilt_deg),
        plate(mirrored, up_m, colour, thick_m=thick_m, tilt_deg=-tilt_deg),
    )


def tube(profile: tuple[Point, ...], up_m: float, colour: Colour, *, centre_m: float = 0.0) -> Part:
    """A round part along the axis; profile is forward, half width from its front to its rear."""
    shape = np.array(profile, np.float64)
    forward, half = shape[:, 0], shape[:, 1]
    right = np.concatenate([centre_m + half, centre_m - half[::-1]])
    outline = np.column_stack(
        [right, np.concatenate([forward, forward[::-1]]), np.full(2 * len(shape), up_m)]
    )
    thick_m = 1.6 * float(half.max())
    return Part(_frozen(outline), colour, thick_m=thick_m, profile=_frozen(shape), centre_m=centre_m)


def fin(corners: tuple[Point, ...], colour: Colour, *, width_m: float, right_m: float = 0.0) -> Plan:
    """An upright plate on the axis, a thin line from above; corners are forward, up."""
    upright = np.array([(right_m, forward, up) for forward, up in corners], np.float64)
    front, rear = float(upright[:, 1].max()), float(upright[:, 1].min())
    half = width_m / 2
    seen = (
        (right_m - half / 2, front),
        (right_m + half / 2, front),
        (right_m + half, rear),
        (right_m - half, rear),
    )
    return Part(_frozen(upright), None), decal(seen, float(upright[:, 2].max()), colour)


def decal(corners: tuple[Point, ...], up_m: float, colour: Colour) -> Part:
    """What is painted or set on another part: windows, stripes."""
    return replace(plate(corners, up_m, colour), casts=False)


def box(
    width_m: float, front_m: float, rear_m: float, up_m: float, colour: Colour, *, right_m: float = 0.0
) -> Part:
    """A block on the ground: cabs, containers, superstructures."""
    left, right = right_m - width_m / 2, right_m + width_m / 2
    corners = ((left, front_m), (right, front_m), (right, rear_m), (left, rear_m))
    return plate(corners, up_m, colour, thick_m=up_m)


def disc(
    radius_m: float, up_m: float, colour: Colour, *, right_m: float = 0.0, forward_m: float = 0.0
) -> Part:
    """A round block on the ground: tanks."""
    angles = np.linspace(0.0, 2 * np.pi, 40, endpoint=False)
    corners = tuple(
        (right_m + radius_m * float(np.cos(a)), forward_m + radius_m * float(np.sin(a))) for a in angles
    )
    return plate(corners, up_m, colour, thick_m=up_m)
