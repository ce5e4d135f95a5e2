"""What vanished and what appeared between looks at one object: planes, and the measures of a table. Pure.

A pixel changed only if none of the earlier looks has the like within the reach of a registration that is most
of a metre off. What changed on the axis of symmetry of the object is measured once more by itself: there the
nose and the tail are, and seldom a shadow or a lorry.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.acquire.tile import Mask
from edge.geo import PixelBox
from edge.monitor.symmetry import Axis, Plane

# What still counts as the same place, in metres.
_SLACK_M = 0.7
# Contrasts from which a pixel is not ground.
_GROUND, _SURE = 0.3, 0.5
# Radius in metres of what is thin and bright: booms, the rims of wings; contrasts from which it counts.
_THIN_M, _THIN_FROM = 1.0, 0.3
# Side in metres of the patches whose patterns are compared; the noise of a pattern, in squared contrasts.
_PATCH_M, _PATCH_NOISE = 4.0, 0.0025
# In contrasts: from here on a pixel is shown as changed.
_CHANGED_FROM = 0.25
# Metres to each side of the axis that are of the body.
_BODY_M = 2.5


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One look at an object over the ground around it, in contrasts of the object.

    plane               (n, n)
    bright, dark, thin  (n, n) how much brighter or darker than the ground, in [0, 1], and how thin and bright
    """

    plane: Plane
    bright: Plane
    dark: Plane
    thin: Plane

    @classmethod
    def of(cls, plane: Plane, gsd_m: float) -> Picture:
        """From a plane in contrasts."""
        lines = cv2.morphologyEx(plane, cv2.MORPH_TOPHAT, _disk(_THIN_M / gsd_m))
        thin = np.asarray(np.maximum(lines - _THIN_FROM, 0.0), np.float32)
        return cls(plane, _over_ground(plane), _over_ground(-plane), thin)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """What all looks at one object share.

    length_m  of the longer side of its box
    inside  (n, n) its box and a little beside it
    axis    of its symmetry
    body    (n, n) what of the box lies along the axis
    """

    gsd_m: float
    length_m: float
    inside: Mask
    axis: Axis
    body: Mask

    @classmethod
    def of(cls, pictures: Sequence[Picture], inside: Mask, box: PixelBox, gsd_m: float) -> Frame:
        """From all looks there are: a shadow of one of them is faint in their mean."""
        bright = np.asarray(sum(one.bright for one in pictures) / len(pictures) * inside, np.float32)
        axis = Axis.of(bright, box.centre, gsd_m)
        body = inside & (np.abs(axis.across(len(inside))) < _BODY_M / gsd_m)
        return cls(gsd_m, max(box.width, box.height) * gsd_m, inside, axis, body)

    def both_sides(self, plane: Plane) -> Plane:
        """What of a plane has its like on the other side of the axis."""
        other = cv2.dilate(self.axis.mirrored(plane), _disk(_SLACK_M / self.gsd_m))
        return np.asarray(np.minimum(plane, other), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """Of one look against a later one.

    fit       (n, n) how well the patterns around each pixel fit, at the best of five places, in [0, 1]
    strength  (n, n) how strong it was, in contrasts
    """

    fit: Plane
    strength: Plane

    @classmethod
    def of(cls, one: Plane, after: Plane, gsd_m: float) -> Pattern:
        """Of two planes in contrasts."""
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
        return cls(np.asarray(best, np.float32), np.asarray(np.sqrt(var_1), np.float32))


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
class Maps:
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
    def of(
        cls, earlier: Sequence[Picture], later: Sequence[Picture], patterns: Sequence[Pattern], gsd_m: float
    ) -> Maps:
        """From both sides; patterns: of each of the former against each of the latter."""
        fit = reduce(np.maximum, [one.fit for one in patterns])
        strength = reduce(np.minimum, [one.strength for one in patterns])
        return cls(
            _Change.of([one.bright for one in earlier], [one.bright for one in later], gsd_m),
            _Change.of([one.dark for one in earlier], [one.dark for one in later], gsd_m),
            _Change.of([one.thin for one in earlier], [one.thin for one in later], gsd_m),
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

    def features(self, frame: Frame) -> dict[str, float]:
        """The measures by name, over the box and along the axis."""
        inside, body = frame.inside, frame.body
        planes = self._planes()
        found = {"thin bright appeared": self.thin.appeared} | planes
        over_box = [_spread(name, plane[inside]) for name, plane in found.items()]
        on_axis = [_spread(f"axial {name}", plane[body]) for name, plane in planes.items()]
        mirrored = {name: frame.both_sides(plane)[body] for name, plane in planes.items()}
        on_both = [_spread(f"axial mirrored {name}", values) for name, values in mirrored.items()]
        return {
            **{name: value for spread in (*over_box, *on_axis, *on_both) for name, value in spread.items()},
            "bright ratio": _log_ratio(self.bright.is_now[inside], self.bright.was[inside], 3.0),
            "dark ratio": _log_ratio(self.dark.is_now[inside], self.dark.was[inside], 3.0),
            "pattern share": _log_ratio(self.lost[inside], self.strength[inside], 0.5),
            "symmetry": frame.axis.likeness,
            "length": math.log(frame.length_m),
        }

    def _planes(self) -> dict[str, Plane]:
        """What is measured over the box, along the axis and on both its sides."""
        return {
            "bright vanished": self.bright.vanished,
            "bright appeared": self.bright.appeared,
            "dark vanished": self.dark.vanished,
            "dark appeared": self.dark.appeared,
            "pattern": self.lost,
            "joint": self.joint,
        }


def _spread(name: str, values: Plane) -> dict[str, float]:
    """The mean, the mean of the most changed twentieth, the peak, and how far that stands out."""
    tenth, twentieth = values.size * 9 // 10, values.size - max(1, values.size // 20)
    ordered = np.partition(values, (tenth, twentieth))
    most = ordered[twentieth:]
    found = {"mean": values.mean(), "most": most.mean(), "peak": most.max()}
    logs = {f"{name} {which}": math.log(float(value) + 0.02) for which, value in found.items()}
    usual = math.log(float(ordered[tenth]) + 0.02)
    return logs | {f"{name} out": logs[f"{name} peak"] - usual}


def _log_ratio(over: Plane, under: Plane, least: float) -> float:
    return math.log((float(over.sum()) + least) / (float(under.sum()) + least))


def _over_ground(plane: Plane) -> Plane:
    return np.asarray(np.clip((plane - _GROUND) / _SURE, 0.0, 1.0), np.float32)


def _disk(radius_px: float) -> NDArray[np.uint8]:
    side = 2 * max(1, round(radius_px)) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
