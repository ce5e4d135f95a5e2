"""Small stages and objects on them; each builder names only what matters."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from edge.drill.airfield import airfield
from edge.drill.look import Look
from edge.drill.render import Stage, prepare
from edge.drill.scene import SceneObject
from edge.drill.sun import Sun
from edge.geo import PixelBox


@cache
def make_stage(gsd_m: float = 0.6, size_m: float = 240.0) -> Stage:
    return prepare(airfield("field", west=27.0, north=17.0, size_m=size_m), gsd_m)


def make_object(
    kind: str = "airliner_narrow", *, stand: str = "S4", paint: str = "white", state: str = "whole"
) -> SceneObject:
    place = make_stage().scene.stands[stand]
    return SceneObject("one", kind, place.x_m, place.y_m, place.heading_deg, paint, state)


def make_look(
    *, shift_px: tuple[float, float] = (0.0, 0.0), azimuth_deg: float = 140.0, seed: int = 1
) -> Look:
    return Look(sun=Sun(azimuth_deg, 40.0), seed=seed, shift_px=shift_px, noise_fraction=0.0)


def inside(box: PixelBox, shape: tuple[int, int], rim_px: int = 0) -> NDArray[np.bool_]:
    mask = np.zeros(shape, bool)
    top, left = max(0, int(box.top) - rim_px), max(0, int(box.left) - rim_px)
    mask[top : int(box.bottom) + 1 + rim_px, left : int(box.right) + 1 + rim_px] = True
    return mask
