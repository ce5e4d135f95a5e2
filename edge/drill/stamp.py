"""One object onto the canvas: its solids shaded by the sun, and its shadow."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import cos, radians, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.drill.draw import Polygon, Window, fill, to_pixels, window_of
from edge.drill.look import Light
from edge.drill.noise import Image, Raster
from edge.drill.parts import Part, Plan
from edge.drill.scene import SceneObject

# A supersampled pixel is to be no coarser than this: half a wing's leading edge.
_FINE_M = 0.18
_AMBIENT = 0.45


@dataclass(frozen=True, slots=True)
class Pose:
    """Where an object's own frame lies in the scene."""

    x_m: float
    y_m: float
    heading_deg: float

    @property
    def axes(self) -> NDArray[np.float64]:
        """Rows: the unit vectors to the right and forward, east and south."""
        c, s = cos(radians(self.heading_deg)), sin(radians(self.heading_deg))
        return np.array([[c, s], [s, -c]])


Solid = tuple[Plan, Pose]


def pose_of(thing: SceneObject) -> Pose:
    """The pose of an object."""
    return Pose(thing.x_m, thing.y_m, thing.heading_deg)


def placed(outline: NDArray[np.float64], pose: Pose) -> Polygon:
    """Right, forward (N, 2 or 3) to scene metres (N, 2)."""
    return np.asarray(outline[:, :2] @ pose.axes + (pose.x_m, pose.y_m), np.float64)


def seen_outline(plan: Plan, pose: Pose) -> Polygon:
    """Every corner that is seen from above, in scene metres (N, 2)."""
    return np.concatenate([placed(part.outline, pose) for part in plan if part.colour is not None])


def shadow_polygons(plan: Plan, pose: Pose, light: Light) -> list[Polygon]:
    """What the shadows of an object cover on flat ground, in scene metres."""
    return [polygon for part in plan if part.casts for polygon in _cast(part, pose, light, 0.0)]


def _cast(part: Part, pose: Pose, light: Light, onto_m: float) -> list[Polygon]:
    """The shadow of a part on a plane `onto_m` above the ground."""
    base = placed(part.outline, pose)
    up = part.outline[:, 2:3] - onto_m
    top = base + up * np.array(light.per_m)
    if part.thick_m < 0.5:
        return [top]
    low = base + np.maximum(up - part.thick_m, 0.0) * np.array(light.per_m)
    if part.profile is not None:
        return [cv2.convexHull(np.concatenate([top, low]).astype(np.float32))[:, 0].astype(np.float64)]
    after = np.roll(np.arange(len(top)), -1)
    sides = np.stack([low, low[after], top[after], top], axis=1)
    return [top, low, *sides]


def stamp(canvas: Image, plan: Plan, pose: Pose, light: Light, raster: Raster) -> None:
    """Draw an object onto the (H, W, 3) float32 canvas."""
    window = window_of([to_pixels(seen_outline(plan, pose), raster)], raster)
    if window.empty:
        return
    scale = int(np.clip(np.ceil(raster.gsd_m / _FINE_M), 2, 8))
    patch = _Patch(window, scale, raster, pose, light)
    for index, part in enumerate(plan):
        if part.colour is not None:
            patch.paint(part, plan[index + 1 :])
    colour, alpha = patch.reduced()
    under = canvas[window.slices]
    under *= 1 - alpha[..., None]
    under += colour


def stamp_all(canvas: Image, solids: Iterable[Solid], light: Light, raster: Raster) -> None:
    """Draw objects; what stands higher lies over what stands beside it."""
    for plan, pose in sorted(solids, key=_height_m):
        stamp(canvas, plan, pose, light, raster)


def _height_m(solid: Solid) -> float:
    return max(float(part.outline[:, 2].max()) for part in solid[0])


def shadow_mask(solids: Iterable[Solid], others: Sequence[Polygon], light: Light, raster: Raster) -> Image:
    """Share of each pixel in shadow, (H, W) float32 in [0, 1]; `others` are shadows in scene metres."""
    width, height = raster.size_px
    scale = 2
    mask = np.zeros((height * scale, width * scale), np.uint8)
    polygons = [polygon for plan, pose in solids for polygon in shadow_polygons(plan, pose, light)]
    fill(mask, (to_pixels(p, raster) for p in (*others, *polygons)), Window(0, 0, width, height), scale)
    small = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(
        255
    )
    return np.asarray(cv2.GaussianBlur(small, (0, 0), 0.5), np.float32)


def shade(canvas: Image, mask: Image, light: Light) -> None:
    """Darken the canvas where the mask says shadow."""
    touched = cv2.boundingRect((mask > 0).astype(np.uint8))
    if touched[2] == 0:
        return
    part, dark = canvas[_rows(touched)], mask[_rows(touched)]
    for band, left in enumerate(light.shade):
        part[..., band] *= 1 - dark * np.float32(1 - left)


def _rows(box: Sequence[int]) -> tuple[slice, slice]:
    left, top, width, height = box
    return slice(top, top + height), slice(left, left + width)


class _Patch:
    """A fine raster under one object; colours are kept times their coverage."""

    def __init__(self, window: Window, scale: int, raster: Raster, pose: Pose, light: Light) -> None:
        self._window, self._scale, self._raster, self._pose, self._light = window, scale, raster, pose, light
        self._size = (window.right - window.left, window.bottom - window.top)
        shape = (self._size[1] * scale, self._size[0] * scale)
        self._colour = np.zeros((*shape, 3), np.float32)
        self._alpha = np.zeros(shape, np.float32)
        self._sun = np.array([*(pose.axes @ np.array(light.toward[:2])), light.toward[2]])

    def paint(self, part: Part, above: Sequence[Part]) -> None:
        """Lay a part over what is there, in the shadow of what stands above it."""
        outline = to_pixels(placed(part.outline, self._pose), self._raster)
        if part.profile is None:
            self._paint_flat(part, outline, above)
        else:
            self._paint_round(part, outline)
        fill(self._alpha, [outline], self._window, self._scale, 1)

    def _paint_flat(self, part: Part, outline: Polygon, above: Sequence[Part]) -> None:
        """One colour over the whole part: filled at once, which is most of the time of a look."""
        tilt = radians(part.tilt_deg)
        facing = np.array([sin(tilt) * self._sun[0] + cos(tilt) * self._sun[2]])
        colour = np.array(part.colour, np.float32)
        fill(
            self._colour, [outline], self._window, self._scale, (colour * _relative(facing, self._sun[2])[0])
        )
        shadows = self._shadows_on(part, above)
        if not shadows:
            return
        own, shadow = self._mask([outline]), self._mask(shadows)
        self._colour[(own & shadow) > 0] = colour * np.array(self._light.shade, np.float32)

    def _paint_round(self, part: Part, outline: Polygon) -> None:
        """Shaded across its axis, pixel by pixel."""
        rows, columns = np.nonzero(self._mask([outline]))
        self._colour[rows, columns] = np.array(part.colour, np.float32) * self._shading(part, rows, columns)

    def reduced(self) -> tuple[Image, Image]:
        """Colour times coverage, and coverage, in pixels of the raster."""
        colour = cv2.resize(self._colour, self._size, interpolation=cv2.INTER_AREA)
        alpha = cv2.resize(self._alpha, self._size, interpolation=cv2.INTER_AREA)
        return np.asarray(colour, np.float32), np.asarray(alpha, np.float32)

    def _mask(self, polygons: Sequence[Polygon]) -> NDArray[np.uint8]:
        """Raster pixels (N, 2) to a fine mask, 255 inside."""
        mask = np.zeros(self._alpha.shape, np.uint8)
        fill(mask, polygons, self._window, self._scale)
        return mask

    def _shadows_on(self, part: Part, above: Sequence[Part]) -> list[Polygon]:
        """In raster pixels; only what is round or upright stands clear of a part enough to shade it."""
        level = float(part.outline[:, 2].max())
        tall = [
            p
            for p in above
            if (p.profile is not None or p.colour is None) and p.outline[:, 2].max() > level + 0.6
        ]
        cast = (polygon for p in tall for polygon in _cast(p, self._pose, self._light, level))
        return [to_pixels(polygon, self._raster) for polygon in cast]

    def _shading(self, part: Part, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Image:
        """Light on a round part against light on flat ground, (N, 3)."""
        assert part.profile is not None, "only a round part has a shading of its own"
        x = self._window.left + (columns + 0.5) / self._scale - self._raster.margin_px
        y = self._window.top + (rows + 0.5) / self._scale - self._raster.margin_px
        offset = np.column_stack([x, y]) * self._raster.gsd_m - (self._pose.x_m, self._pose.y_m)
        right, forward = (offset @ self._pose.axes.T).T
        order = np.argsort(part.profile[:, 0])
        half = np.interp(forward, part.profile[order, 0], part.profile[order, 1])
        across = np.clip((right - part.centre_m) / np.maximum(half, 0.05), -1.0, 1.0)
        up = np.sqrt(1 - 0.96 * across**2)
        shine = np.clip(1 - np.abs(across - 0.45 * self._sun[0]) / 0.30, 0.0, 1.0) ** 2
        lit = _relative(across * self._sun[0] + up * self._sun[2], self._sun[2])
        return np.asarray(lit * (1 + 0.10 * shine[:, None]), np.float32)


def _relative(facing: NDArray[np.float64], flat: float) -> Image:
    """Display brightness of a surface against flat ground; shade is bluish."""
    direct = np.clip(facing, 0.0, None)
    ratio = (_AMBIENT * 0.8 + direct) / (_AMBIENT * 0.8 + max(flat, 0.05))
    tone = np.clip(ratio, 0.12, 1.5) ** 0.62
    return np.column_stack([tone, tone, tone + 0.03 * np.clip(1 - tone, 0.0, 1.0)]).astype(np.float32)
