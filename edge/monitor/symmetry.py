"""The axis of symmetry of an object from above, and what of a plane is alike on both its sides. Pure.

An aircraft is, but for its shadow, the same left and right; a nose that opens, a tail and wings that are
taken off leave it so. A shadow, a cart or a lorry beside it lies on one side only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
"""(n, n) float32."""

# The axis is sought in so many metres per pixel, first in steps of so many degrees and then around the best.
_SEEK_GSD_M, _STEP_DEG = 1.0, 7.5
_FINER_DEG = (-5.0, -2.5, 0.0, 2.5, 5.0)
# How far beside the middle of the box the axis may pass, in metres.
_BESIDE_M = 4.0


@dataclass(frozen=True, slots=True)
class Axis:
    """A line across a plane.

    angle_deg  of the line against the columns, clockwise, in [0, 180)
    x, y       a pixel position on it
    likeness   how alike its sides are, at most 1
    """

    angle_deg: float
    x: float
    y: float
    likeness: float

    @classmethod
    def of(cls, plane: Plane, middle: tuple[float, float], gsd_m: float) -> Axis:
        """The line on whose sides a plane is most alike, near the middle of its object."""
        k = min(1.0, gsd_m / _SEEK_GSD_M)
        n = max(16, round(len(plane) * k))
        small = np.asarray(cv2.resize(plane, (n, n), interpolation=cv2.INTER_AREA), np.float32)
        k = n / len(plane)
        x, y = (value * k - 0.5 for value in middle)
        reach = _BESIDE_M * k / gsd_m
        coarse = np.arange(0.0, 180.0, _STEP_DEG)
        _, angle, _ = max(_likeness(small, float(one), x, y, reach) for one in coarse)
        alike, angle, beside = max(_likeness(small, angle + one, x, y, reach) for one in _FINER_DEG)
        turn = np.radians(angle)
        return cls(
            angle % 180.0,
            (x + beside * np.cos(turn) + 0.5) / k - 0.5,
            (y + beside * np.sin(turn) + 0.5) / k - 0.5,
            alike,
        )

    def across(self, n: int) -> Plane:
        """(n, n) how many pixels each pixel lies to the right of the axis."""
        turn = np.radians(self.angle_deg)
        rows, columns = np.ogrid[:n, :n]
        return np.asarray((columns - self.x) * np.cos(turn) + (rows - self.y) * np.sin(turn), np.float32)

    def mirrored(self, plane: Plane) -> Plane:
        """The plane with its sides exchanged; nothing where the other side is beyond the edge."""
        turn = 2 * np.radians(self.angle_deg)
        # Directions: along the axis (-sin, cos) stays, across it (cos, sin) is turned about.
        matrix = np.array([[-np.cos(turn), -np.sin(turn), 0.0], [-np.sin(turn), np.cos(turn), 0.0]])
        here = np.array([self.x, self.y])
        matrix[:, 2] = here - matrix[:, :2] @ here
        return np.asarray(
            cv2.warpAffine(plane, matrix, plane.shape[::-1], flags=cv2.INTER_LINEAR), np.float32
        )


def _likeness(plane: Plane, angle_deg: float, x: float, y: float, reach: float) -> tuple[float, float, float]:
    """How alike the sides of a line are, its angle, and how far beside a position it passes."""
    n = len(plane)
    turn = cv2.getRotationMatrix2D((x, y), angle_deg, 1.0)
    turn[:, 2] += np.array([(n - 1) / 2 - x, (n - 1) / 2 - y])
    upright = cv2.warpAffine(plane, turn, (n, n)) * _round(n)
    # Each row convolved with itself: at 2 c how alike it is left and right of c.
    spectrum = np.fft.rfft(upright, 2 * n, axis=1)
    alike = np.fft.irfft(np.square(spectrum).sum(axis=0), 2 * n)
    low, high = (round(n - 1 + 2 * side * reach) for side in (-1, 1))
    best = low + int(alike[low : high + 1].argmax())
    return float(alike[best]) / float(np.square(upright).sum() + 1e-6), angle_deg, (best - (n - 1)) / 2


@cache
def _round(n: int) -> Plane:
    """(n, n) 1 in a disk, 0 outside: no corner favours an angle."""
    rows, columns = np.ogrid[:n, :n]
    middle = (n - 1) / 2
    return np.asarray(np.hypot(rows - middle, columns - middle) <= n / 2, np.float32)
