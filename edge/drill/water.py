"""Open water: waves that no two looks have in common, glint where it mirrors the sun, and wakes."""

from collections.abc import Iterable
from math import cos, radians, sin

import numpy as np

from edge.drill.catalogue import KINDS, label_of
from edge.drill.draw import Polygon, coverage
from edge.drill.look import Light, Look
from edge.drill.noise import Image, Raster, fractal, generator
from edge.drill.scene import SceneObject

UNDER_WAY = "under_way"
_SWELL_M = (34.0, 14.0, 6.0)
_CHOP_M = (5.0, 2.4, 1.2)
_FOAM = (0.74, 0.79, 0.80)
# The waves of a wake lie inside Kelvin's angle of 19.5 degrees, the bright part at about two thirds of it.
_ARM_DEG = 13.0


def ruffle(canvas: Image, water: Image, light: Light, look: Look, raster: Raster) -> None:
    """Waves and glint onto the canvas where there is water.

    water  (H, W) float32 in [0, 1], its share of each pixel
    """
    if not water.any():
        return
    rng = generator(look.seed, "waves")
    waves = fractal(raster, _SWELL_M, rng) * np.float32(0.035)
    chop = fractal(raster, _CHOP_M, rng, falloff=0.9)
    # A wave mirrors the sun to a camera overhead when its slope is half the sun's distance from the zenith:
    # a high sun glitters, a low one does not.
    height = float(np.clip(light.toward[2], 0.0, 1.0)) ** 4
    glint = np.maximum(chop - np.float32(1.5), np.float32(0)) ** np.float32(1.5)
    added = (waves + np.float32(0.03) * chop + np.float32(0.32 * height) * glint) * water
    for band in range(3):
        canvas[..., band] += added


def wakes(things: Iterable[SceneObject]) -> list[tuple[Polygon, float]]:
    """The foam behind each ship under way: quadrilaterals in scene metres, with their opacity."""
    return [
        patch
        for thing in things
        if label_of(thing) == "ship" and thing.state == UNDER_WAY
        for patch in _wake(thing)
    ]


def _wake(thing: SceneObject) -> list[tuple[Polygon, float]]:
    length_m, beam_m = KINDS[thing.kind].length_m, KINDS[thing.kind].width_m
    angle = radians(thing.heading_deg)
    right, ahead = np.array((cos(angle), sin(angle))), np.array((sin(angle), -cos(angle)))
    middle, stern = np.array((thing.x_m, thing.y_m)), -length_m / 2

    def quad(*corners: tuple[float, float]) -> Polygon:
        return np.array([middle + across * right + along * ahead for across, along in corners])

    trail, patches = 2.6 * length_m, []
    for step in range(5):
        front, rear = stern - step * trail / 5, stern - (step + 1) * trail / 5
        wide = 0.32 * beam_m * (1 + 0.25 * step)
        patches.append(
            (quad((-wide, front), (wide, front), (wide * 1.2, rear), (-wide * 1.2, rear)), 0.62 - 0.11 * step)
        )
    for side in (-1, 1):
        out = side * trail * 0.8 * sin(radians(_ARM_DEG))
        bow = length_m * 0.42
        edge, tip = side * beam_m * 0.5, stern - trail * 0.8
        patches.append(
            (
                quad(
                    (edge, bow), (edge + side * 1.2, bow), (edge + out + side * 3.5, tip), (edge + out, tip)
                ),
                0.3,
            )
        )
    return patches


def churn(canvas: Image, water: Image, patches: Iterable[tuple[Polygon, float]], raster: Raster) -> None:
    """Foam onto the canvas, where there is water."""
    for polygon, opacity in patches:
        window, mask = coverage([polygon], raster, soft_m=2.5)
        if window.empty:
            continue
        part = canvas[window.slices]
        foam = (mask * water[window.slices] * np.float32(opacity))[..., None]
        part += foam * (np.array(_FOAM, np.float32) - part)
