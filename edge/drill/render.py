"""A scene, what stands on it, and a look -> pixels and the truth about them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.drill.catalogue import label_of, plan_of
from edge.drill.draw import Polygon
from edge.drill.ground import Ground, paint_ground
from edge.drill.look import (
    Look,
    atmosphere,
    cloud_cover,
    develop,
    light_of,
    resample,
    to_scene,
)
from edge.drill.noise import Image, Raster
from edge.drill.scene import Scene, SceneObject
from edge.drill.season import Season, whitened
from edge.drill.stamp import Solid, pose_of, seen_outline, shade, shadow_mask, stamp_all
from edge.drill.structures import building_solids, draw_plant, plant_shadows
from edge.drill.water import churn, ruffle, wakes
from edge.geo import METRES_PER_DEGREE, GeoBounds, LngLat, PixelBox, metres_per_degree
from edge.geo import Grid as GeoGrid

_SNOW = np.array((0.86, 0.88, 0.92), np.float32)
_DRY, _LUSH = np.array((1.10, 1.03, 1.00), np.float32), np.array((0.72, 0.88, 0.80), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """A scene made ready for looks at one ground sample distance."""

    scene: Scene
    raster: Raster
    ground: Ground
    structures: tuple[Solid, ...]

    @property
    def bounds(self) -> GeoBounds:
        """The ground that every tile of the scene claims to show."""
        return bounds_of(self.scene)


@dataclass(frozen=True, slots=True)
class Placed:
    """One object in one look.

    box               its outline seen from above, without its shadow, in pixels of the look
    scene_box         the same in pixels of an unshifted look
    visible_fraction  in [0, 1]; how much of it clouds and the rim of the image leave
    """

    thing: SceneObject
    label: str
    box: PixelBox
    scene_box: PixelBox
    position: LngLat
    visible_fraction: float
    truncated: bool


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A rendered look.

    pixels    (H, W, 3) uint8 RGB
    opacity   (H, W) float32 in [0, 1]; how much the clouds hide
    to_scene  (2, 3) float64; pixel positions of this look to those of an unshifted one
    placed    every object whose box meets the image
    """

    pixels: NDArray[np.uint8]
    opacity: Image
    to_scene: NDArray[np.float64]
    placed: tuple[Placed, ...]


def bounds_of(scene: Scene) -> GeoBounds:
    """The ground of a scene in degrees."""
    south = scene.north - scene.height_m / METRES_PER_DEGREE
    per_lng, _ = metres_per_degree((scene.north + south) / 2)
    return GeoBounds(scene.west, south, scene.west + scene.width_m / per_lng, scene.north)


def position_of(scene: Scene, x_m: float, y_m: float) -> LngLat:
    """Scene metres to degrees."""
    return GeoGrid(bounds_of(scene), 1, 1).to_ground(x_m / scene.width_m, y_m / scene.height_m)


def prepare(scene: Scene, gsd_m: float) -> Stage:
    """Draw what every look at this ground sample distance shares; gsd_m from 0.3 to 2."""
    raster = Raster(scene.width_m, scene.height_m, gsd_m)
    ground = paint_ground(scene.layout, raster, scene.seed)
    structures = tuple(building_solids(building, scene.seed) for building in scene.layout.buildings)
    return Stage(scene, raster, ground, structures)


def render(stage: Stage, objects: Iterable[SceneObject], look: Look) -> View:
    """One look at the stage with these objects on it, besides the fixed ones of the scene."""
    things = (*stage.scene.fixed, *objects)
    light = light_of(look)
    snow = 0.9 * look.season.snow
    structures = [_snowed(solid, snow) for solid in stage.structures] if snow > 0 else stage.structures
    solids = (*structures, *((plan_of(t.kind, t.paint, t.state), pose_of(t)) for t in things))
    opacity, cloud_shadow = cloud_cover(look, stage.raster)
    canvas = _seasoned(stage.ground, look.season)
    ruffle(canvas, stage.ground.water, light, look, stage.raster)
    churn(canvas, stage.ground.water, wakes(things), stage.raster)
    trees = plant_shadows(stage.scene.layout.plants, light)
    shade(canvas, shadow_mask(solids, trees, light, stage.raster), light)
    for plant in stage.scene.layout.plants:
        draw_plant(canvas, plant, light, stage.raster, season=look.season, seed=stage.scene.seed)
    stamp_all(canvas, solids, light, stage.raster)
    shade(canvas, cloud_shadow * np.float32(0.9), light)
    canvas *= np.float32(light.level)
    seen = resample(atmosphere(canvas, opacity, look, light, stage.raster), look, stage.raster)
    hidden = np.clip(resample(opacity, look, stage.raster), 0.0, 1.0)
    pixels = develop(seen, look)
    pixels.setflags(write=False)
    return View(pixels, hidden, to_scene(look, stage.raster), _truth(stage, things, look, hidden))


def _seasoned(ground: Ground, season: Season) -> Image:
    """The ground in the colours of the season, under its snow."""
    tint = _DRY + season.greenness * (_LUSH - _DRY)
    bands = [
        band * (1 + ground.green * np.float32(factor - 1))
        for band, factor in zip(cv2.split(ground.colour), tint, strict=True)
    ]
    if season.snow > 0:
        # A band's own texture shows where the cover is thin: the dark stays a little dark.
        cover = np.clip(season.snow * ground.holds * (0.7 + 0.9 * bands[1]), 0.0, 0.97)
        bands = [band + cover * (white - band) for band, white in zip(bands, _SNOW, strict=True)]
    return np.asarray(cv2.merge(bands), np.float32)


def _snowed(solid: Solid, snow: float) -> Solid:
    """A roof that holds snow as a meadow does."""
    plan, pose = solid
    parts = (
        part if part.colour is None else replace(part, colour=whitened(part.colour, snow)) for part in plan
    )
    return tuple(parts), pose


def _truth(stage: Stage, things: Iterable[SceneObject], look: Look, hidden: Image) -> tuple[Placed, ...]:
    placed = (_place(stage, thing, look, hidden) for thing in things)
    return tuple(one for one in placed if one is not None)


def _place(stage: Stage, thing: SceneObject, look: Look, hidden: Image) -> Placed | None:
    outline = seen_outline(plan_of(thing.kind, thing.paint, thing.state), pose_of(thing)) / stage.raster.gsd_m
    box, scene_box = _box(_back(to_scene(look, stage.raster), outline)), _box(outline)
    width, height = stage.raster.tile_px
    visible = _clear_share(hidden, box)
    if visible is None:
        return None
    whole = box.left >= 0 and box.top >= 0 and box.right <= width and box.bottom <= height
    position = GeoGrid(stage.bounds, width, height).to_ground(*scene_box.centre)
    return Placed(thing, label_of(thing), box, scene_box, position, visible, not whole)


def visible_fraction(view: View, scene_box: PixelBox) -> float:
    """How much of a box, given in pixels of an unshifted look, a look shows clear of cloud, in [0, 1]."""
    corners = np.array([(scene_box.left, scene_box.top), (scene_box.right, scene_box.bottom)])
    return _clear_share(view.opacity, _box(_back(view.to_scene, corners))) or 0.0


def _clear_share(hidden: Image, box: PixelBox) -> float | None:
    """None where nothing of the box lies on the image."""
    height, width = hidden.shape
    left, top = max(0, round(box.left)), max(0, round(box.top))
    right, bottom = min(width, round(box.right)), min(height, round(box.bottom))
    if left >= right or top >= bottom:
        return None
    inside = float(min(1.0, (right - left) * (bottom - top) / box.area))
    clear = 1.0 - float(np.mean(hidden[top:bottom, left:right]))
    return inside * clear


def _back(matrix: NDArray[np.float64], points: Polygon) -> Polygon:
    """Positions of an unshifted look to those of the look with this matrix."""
    return np.asarray((points - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T, np.float64)


def _box(points: Polygon) -> PixelBox:
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return PixelBox(float(left), float(top), float(right), float(bottom))
