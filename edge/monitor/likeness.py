"""How unlike an object looks now and before: what of it vanished, what appeared, and where. Pure.

Sun, haze and exposure change how bright everything is, and shadows are darker than the ground on any day:
so what is brighter than the ground and what is darker are weighed apart, each in units of the object's own
contrast; the crops are put on each other once more before that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from edge.acquire.orientation import correlated, features, peaks, spectrum
from edge.acquire.tile import Mask, Rgb
from edge.geo import PixelBox
from edge.monitor.symmetry import Plane
from edge.monitor.unlikeness import Frame, Maps, Pattern, Picture

# Finer crops are reduced to this many metres per pixel: what is missing of an aircraft is seen there, and the
# cost of a large one is bounded.
WORKING_GSD_M = 0.5
# Half a side of the crop in lengths of the object, and metres of ground beside that.
_AROUND, _RIM_M = 0.65, 6.0
# Ground beside the box that is looked at too.
_BESIDE_M = 3.0
# How far two crops may lie off each other after registration.
_REACH_M = 2.0
# Grey levels that a contrast has at least.
_MIN_CONTRAST = 5.0


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


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """The crops of one object, oldest first, put on the newest one: parted in many ways, measured once each.

    patterns  of one picture against a later one, by their numbers, as they are asked for
    """

    now: Crop
    frame: Frame
    pictures: tuple[Picture, ...]
    patterns: dict[tuple[int, int], Pattern] = field(default_factory=dict)

    @classmethod
    def of(cls, crops: Sequence[Crop]) -> Looks:
        """All of the same square, in the same pixels but for a small shift."""
        now, inside = crops[-1], crops[-1].inside
        planes = [_in_contrasts(_put_on(one, now), inside) for one in crops]
        pictures = tuple(Picture.of(one, now.gsd_m) for one in planes)
        return cls(now, Frame.of(pictures, inside, now.box, now.gsd_m), pictures)

    def unlike(self, n_before: int, n_after: int) -> Unlike:
        """The newest looks against those before them: what vanished from all of the latter."""
        first = len(self.pictures) - n_after
        before, after = range(first - n_before, first), range(first, len(self.pictures))
        maps = Maps.of(
            [self.pictures[number] for number in before],
            [self.pictures[number] for number in after],
            [self._pattern(one, other) for one in before for other in after],
            self.now.gsd_m,
        )
        lost, gained = (part & self.frame.inside for part in maps.changed())
        changed = lost | gained
        return Unlike(
            maps.features(self.frame),
            float(changed.sum() / max(1, self.frame.inside.sum())),
            float(lost.sum()) * self.now.gsd_m**2,
            float(gained.sum()) * self.now.gsd_m**2,
            _middle_m(changed, self.now),
        )

    def _pattern(self, one: int, other: int) -> Pattern:
        if (one, other) not in self.patterns:
            was, is_now = (self.pictures[number].plane for number in (one, other))
            self.patterns[one, other] = Pattern.of(was, is_now, self.now.gsd_m)
        return self.patterns[one, other]


def unlike(before: Sequence[Crop], after: Sequence[Crop]) -> Unlike:
    """The looks since something may have changed against those before; at least one crop each."""
    return Looks.of([*before, *after]).unlike(len(before), len(after))


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
