"""How unlike an object looks now and before: what of it vanished, what appeared, and where. Pure.

Sun, haze and exposure change how bright everything is, and shadows are darker than the ground on any day:
so what is brighter than the ground and what is darker are weighed apart, each in units of the object's own
contrast. A pixel changed only if none of the earlier looks has the like within the reach of a registration
that is most of a metre off; the crops are put on each other once more before that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.acquire.orientation import correlated, features, peaks, spectrum
from edge.acquire.tile import Mask, Rgb
from edge.geo import PixelBox

Plane = NDArray[np.float32]
"""(n, n) float32 over a crop, row 0 is north."""

# Finer crops are reduced to this many metres per pixel: what is missing of an aircraft is seen there, and the
# cost of a large one is bounded.
WORKING_GSD_M = 0.5
# Half a side of the crop in lengths of the object, and metres of ground beside that.
_AROUND, _RIM_M = 0.65, 6.0
# Ground beside the box that is looked at too.
_BESIDE_M = 3.0
# How far two crops may lie off each other after registration, and what still counts as the same place.
_REACH_M, _SLACK_M = 2.0, 0.7
# Contrasts from which a pixel is not ground; grey levels that a contrast has at least.
_GROUND, _SURE, _MIN_CONTRAST = 0.3, 0.5, 5.0
# Radius in metres of what is thin and bright: booms, the rims of wings; contrasts from which it counts.
_THIN_M, _THIN_FROM = 1.0, 0.3
# Side in metres of the patches whose patterns are compared; the noise of a pattern, in squared contrasts.
_PATCH_M, _PATCH_NOISE = 4.0, 0.0025
# In contrasts: from here on a pixel is shown as changed.
_CHANGED_FROM = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """An object with the ground around it.

    grey   (n, n) float32 in [0, 255]
    box    of the object, in pixels of the crop
    gsd_m  metres per pixel of the crop
    """

    grey: Plane
    box: PixelBox
    gsd_m: float

    @property
    def inside(self) -> Mask:
        """(n, n) bool, the box and a little beside it, where a ramp is let down or a door swings out."""
        rows, columns = (np.arange(side) + 0.5 for side in self.grey.shape)
        rim = _BESIDE_M / self.gsd_m
        down = (rows > self.box.top - rim) & (rows < self.box.bottom + rim)
        across = (columns > self.box.left - rim) & (columns < self.box.right + rim)
        return np.asarray(down[:, None] & across, np.bool_)


@dataclass(frozen=True, slots=True)
class Unlike:
    """What a look at an object says of earlier ones.

    features  what edge.monitor.likeness_weights weighs, by name
    fraction  share in [0, 1] of the box that changed
    lost_m2, gained_m2  ground on which something of the object vanished, and on which something appeared
    part      the middle of what changed: metres east and north of the middle of the box
    """

    features: dict[str, float]
    fraction: float
    lost_m2: float
    gained_m2: float
    part: tuple[float, float]


def square_of(box: PixelBox, gsd_m: float) -> tuple[int, int, int]:
    """Left, top and side, in whole pixels of a tile, of the crop around a box."""
    half = math.ceil(_AROUND * max(box.width, box.height) + _RIM_M / gsd_m)
    x, y = (round(value) for value in box.centre)
    return x - half, y - half, 2 * half


def crop_of(pixels: Rgb, square: tuple[int, int, int], box: PixelBox, gsd_m: float) -> Crop:
    """A crop as the comparison wants it.

    pixels  (side, side, 3) uint8 RGB, the square of `square_of`
    box     in pixels of the tile
    """
    left, top, side = square
    n = max(16, round(side * min(1.0, gsd_m / WORKING_GSD_M)))
    reduced = pixels if n == side else cv2.resize(pixels, (n, n), interpolation=cv2.INTER_AREA)
    k = n / side
    inner = PixelBox(
        (box.left - left) * k, (box.top - top) * k, (box.right - left) * k, (box.bottom - top) * k
    )
    return Crop(cv2.cvtColor(reduced, cv2.COLOR_RGB2GRAY).astype(np.float32), inner, gsd_m / k)


def unlike(before: Sequence[Crop], after: Sequence[Crop]) -> Unlike:
    """The looks since something may have changed against those before: what vanished from all of the former.

    before, after  at least one crop each, all of the same square, in the same pixels but for a small shift
    """
    now = after[-1]
    inside = now.inside
    earlier, later = ([_in_contrasts(_put_on(one, now), inside) for one in side] for side in (before, after))
    maps = _Maps.of(earlier, later, now.gsd_m)
    lost, gained = (part & inside for part in maps.changed())
    changed = lost | gained
    return Unlike(
        maps.features(inside),
        float(changed.sum() / max(1, inside.sum())),
        float(lost.sum()) * now.gsd_m**2,
        float(gained.sum()) * now.gsd_m**2,
        _middle_m(changed, now),
    )


def _middle_m(changed: Mask, now: Crop) -> tuple[float, float]:
    rows, columns = np.nonzero(changed)
    if not len(rows):
        return 0.0, 0.0
    x, y = now.box.centre
    return (float(columns.mean()) + 0.5 - x) * now.gsd_m, (y - float(rows.mean()) - 0.5) * now.gsd_m


def _in_contrasts(grey: Plane, inside: Mask) -> Plane:
    """Over the ground around the object, in contrasts of the object: no exposure and no even haze in it."""
    smooth = np.asarray(cv2.GaussianBlur(grey, (0, 0), 0.7), np.float32)
    above = smooth - np.median(smooth[~inside])
    contrast = max(float(np.sqrt(np.square(above[inside]).mean())), _MIN_CONTRAST)
    return np.asarray(above / contrast, np.float32)


def _put_on(one: Crop, now: Crop) -> Plane:
    """A crop where its edges fit those of the newest one best."""
    if one is now:
        return one.grey
    surface = correlated(*(spectrum(features(crop.grey)) for crop in (now, one)))
    [(x, y)], _ = peaks([surface], max(2, round(_REACH_M / now.gsd_m)))
    matrix = np.array([[1.0, 0.0, x], [0.0, 1.0, y]])
    size = now.grey.shape[::-1]
    moved = cv2.warpAffine(one.grey, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Change:
    """Of what is brighter than the ground, or darker, or thin: how much vanished and appeared.

    was, is_now  (n, n) what every look before and after has
    """

    was: Plane
    is_now: Plane
    vanished: Plane
    appeared: Plane

    @classmethod
    def of(cls, earlier: Sequence[Plane], later: Sequence[Plane], gsd_m: float) -> _Change:
        """What all of one side have and none of the other has within reach."""
        slack, sigma = _disk(_SLACK_M / gsd_m), max(1.0, 1.0 / gsd_m)
        was, is_now = reduce(np.minimum, earlier), reduce(np.minimum, later)
        ever, now_ever = (cv2.dilate(reduce(np.maximum, side), slack) for side in (earlier, later))
        gone, come = np.maximum(was - now_ever, 0), np.maximum(is_now - ever, 0)
        smooth = [np.asarray(cv2.GaussianBlur(one, (0, 0), sigma), np.float32) for one in (gone, come)]
        return cls(was, is_now, *smooth)


@dataclass(frozen=True, slots=True, eq=False)
class _Maps:
    """All that is measured over a crop.

    lost      (n, n) how unlike the patterns around a pixel are, in [0, 1], times how strong they were
    strength  (n, n) how strong they were, in contrasts
    """

    bright: _Change
    dark: _Change
    thin: _Change
    lost: Plane
    strength: Plane

    @classmethod
    def of(cls, earlier: Sequence[Plane], later: Sequence[Plane], gsd_m: float) -> _Maps:
        """From both sides, in contrasts."""
        disk = _disk(_THIN_M / gsd_m)

        def change(part: Callable[[Plane], Plane]) -> _Change:
            return _Change.of([part(one) for one in earlier], [part(one) for one in later], gsd_m)

        def thin(one: Plane) -> Plane:
            lines = cv2.morphologyEx(one, cv2.MORPH_TOPHAT, disk)
            return np.asarray(np.maximum(lines - _THIN_FROM, 0.0), np.float32)

        fits = [_pattern(one, other, gsd_m) for one in earlier for other in later]
        fit = reduce(np.maximum, [one[0] for one in fits])
        strength = reduce(np.minimum, [one[1] for one in fits])
        return cls(
            change(_bright), change(_dark), change(thin),
            np.asarray((1 - fit) * strength, np.float32), strength,
        )  # fmt: skip

    @property
    def joint(self) -> Plane:
        """(n, n) where brightness and pattern agree that something changed."""
        levels = (self.bright.vanished, self.bright.appeared, self.dark.vanished, self.dark.appeared)
        return np.asarray(reduce(np.maximum, levels) * self.lost, np.float32)

    def changed(self) -> tuple[Mask, Mask]:
        """Where something vanished, and where something appeared."""
        return (
            np.maximum(self.bright.vanished, self.dark.vanished) > _CHANGED_FROM,
            np.maximum(self.bright.appeared, self.dark.appeared) > _CHANGED_FROM,
        )

    def features(self, inside: Mask) -> dict[str, float]:
        """The measures by name, over the box."""
        return {
            **_spread("bright vanished", self.bright.vanished[inside]),
            **_spread("bright appeared", self.bright.appeared[inside]),
            **_spread("dark vanished", self.dark.vanished[inside]),
            **_spread("dark appeared", self.dark.appeared[inside]),
            **_spread("thin bright appeared", self.thin.appeared[inside]),
            **_spread("pattern", self.lost[inside]),
            **_spread("joint", self.joint[inside]),
            "bright ratio": _log_ratio(self.bright.is_now[inside], self.bright.was[inside], 3.0),
            "dark ratio": _log_ratio(self.dark.is_now[inside], self.dark.was[inside], 3.0),
            "pattern share": _log_ratio(self.lost[inside], self.strength[inside], 0.5),
        }


def _spread(name: str, values: Plane) -> dict[str, float]:
    """The mean, the mean of the most changed twentieth, the peak, and how far that stands out."""
    ordered = np.sort(values)
    most = ordered[-max(1, values.size // 20) :]
    found = {"mean": values.mean(), "most": most.mean(), "peak": most[-1]}
    logs = {f"{name} {which}": math.log(float(value) + 0.02) for which, value in found.items()}
    usual = math.log(float(ordered[values.size * 9 // 10]) + 0.02)
    return logs | {f"{name} out": logs[f"{name} peak"] - usual}


def _log_ratio(over: Plane, under: Plane, least: float) -> float:
    return math.log((float(over.sum()) + least) / (float(under.sum()) + least))


def _bright(plane: Plane) -> Plane:
    return np.asarray(np.clip((plane - _GROUND) / _SURE, 0.0, 1.0), np.float32)


def _dark(plane: Plane) -> Plane:
    return np.asarray(np.clip((-plane - _GROUND) / _SURE, 0.0, 1.0), np.float32)


def _disk(radius_px: float) -> NDArray[np.uint8]:
    side = 2 * max(1, round(radius_px)) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)


def _pattern(one: Plane, after: Plane, gsd_m: float) -> tuple[Plane, Plane]:
    """How well the pattern around each pixel fits, at the best of five places, and how strong it was."""
    side = 2 * max(1, round(_PATCH_M / gsd_m / 2)) + 1

    def mean(plane: Plane) -> Plane:
        return np.asarray(cv2.boxFilter(plane, -1, (side, side)), np.float32)

    mean_1, mean_2 = mean(one), mean(after)
    var_1, var_2 = (np.maximum(mean(p * p) - m * m, 0) for p, m in ((one, mean_1), (after, mean_2)))
    scale = np.sqrt(var_1 * var_2 + _PATCH_NOISE)
    fits = []
    for x, y in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)):
        shifted = np.roll(one, (y, x), (0, 1))
        fits.append((mean(shifted * after) - np.roll(mean_1, (y, x), (0, 1)) * mean_2) / scale)
    best = np.clip(reduce(np.maximum, fits), 0.0, 1.0)
    return np.asarray(best, np.float32), np.asarray(np.sqrt(var_1), np.float32)
