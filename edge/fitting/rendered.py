"""Tiles with known aircraft for the dry run of a model: the apron of a rendered airfield."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge.acquire.tile import Rgb
from edge.detect.manifest import Manifest
from edge.drill.airfield import airfield
from edge.drill.look import Look
from edge.drill.render import Stage, prepare, render
from edge.drill.scene import SceneObject
from edge.drill.sun import Sun
from edge.geo import PixelBox

# What the scenes can be drawn at.
_FINEST_M, _COARSEST_M = 0.3, 2.0
# A scene shows two windows of the model a side, but at least the stands below and at most the airfield.
_SMALLEST_SIDE_M, _LARGEST_SIDE_M = 340.0, 614.4
_STANDS = ("N1", "N2", "N3", "N4", "S1", "S2", "S3", "S4")


@dataclass(frozen=True, slots=True, eq=False)
class Apron:
    """Some ground with stands for aircraft, ready to be looked at."""

    gsd_m: float
    stage: Stage
    airliners: tuple[SceneObject, ...]

    def empty(self, seed: int) -> Rgb:
        """(H, W, 3) uint8 RGB without an aircraft; another seed is another look."""
        return render(self.stage, (), _look(seed)).pixels

    def parked(self, seed: int) -> tuple[Rgb, tuple[PixelBox, ...]]:
        """The same with an airliner on every stand, and where those stand that are shown whole."""
        view = render(self.stage, self.airliners, _look(seed))
        names = {one.object_id for one in self.airliners}
        shown = [one for one in view.placed if one.thing.object_id in names and not one.truncated]
        return view.pixels, tuple(one.box for one in shown)


def apron(manifest: Manifest) -> Apron:
    """At the working ground sample distance of a model."""
    gsd_m = float(np.clip(manifest.gsd_m.working, _FINEST_M, _COARSEST_M))
    wanted_m = 2 * max(manifest.input.width, manifest.input.height) * gsd_m
    size_m = float(np.clip(wanted_m, _SMALLEST_SIDE_M, _LARGEST_SIDE_M))
    stage = prepare(airfield("dry-run", west=27.0, north=17.0, size_m=size_m), gsd_m)
    places = [(name, stage.scene.stands[name]) for name in _STANDS]
    return Apron(
        gsd_m,
        stage,
        tuple(SceneObject(name, "airliner_narrow", at.x_m, at.y_m, at.heading_deg) for name, at in places),
    )


def _look(seed: int) -> Look:
    return Look(sun=Sun(140.0, 40.0 + seed), seed=seed)
