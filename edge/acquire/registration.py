"""TEMPORARY stand-in so that the pipeline can be tried; the owner of registration replaces this file."""
from __future__ import annotations
from dataclasses import dataclass
from datetime import datetime
import cv2, msgspec, numpy as np
from edge.geo import Grid, LngLat

class RegistrationSettings(msgspec.Struct, frozen=True, kw_only=True):
    max_shift_m: float = 25.0
    max_residual_m: float = 2.0

@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    site_id: str
    tile_id: str
    acquired_at: datetime
    grid: Grid
    grey: np.ndarray
    valid: np.ndarray

@dataclass(frozen=True, slots=True)
class NotAligned:
    reason: str

@dataclass(frozen=True, slots=True)
class Alignment:
    grid: Grid
    matrix: tuple[tuple[float, float, float], tuple[float, float, float]]
    residual_px: float
    shift_px: tuple[float, float]
    rotation_deg: float
    support: float

    @classmethod
    def identity(cls, grid):
        return cls(grid, ((1, 0, 0), (0, 1, 0)), 0.0, (0.0, 0.0), 0.0, 1.0)

    def ground_at(self, x, y):
        (a, b, tx), (c, d, ty) = self.matrix
        return self.grid.to_ground(a * x + b * y + tx, c * x + d * y + ty)

    def pixel_at(self, p):
        x, y = self.grid.to_pixel(p)
        (a, b, tx), (c, d, ty) = self.matrix
        x, y = x - tx, y - ty
        det = a * d - b * c
        return (d * x - b * y) / det, (a * y - c * x) / det

def align(tile, look, reference, settings):
    g = cv2.cvtColor(tile.pixels, cv2.COLOR_RGB2GRAY)
    h, w = reference.grey.shape
    k = w / g.shape[1]
    s = cv2.resize(g, (w, h), interpolation=cv2.INTER_AREA)
    f = lambda z: cv2.Laplacian(cv2.GaussianBlur(z.astype(np.float32), (0, 0), 1.5), cv2.CV_32F)
    n = lambda z: np.sign(z) * np.minimum(np.abs(z), 3 * np.abs(z).mean())
    (dx, dy), r = cv2.phaseCorrelate(n(f(s)).astype(np.float32), n(f(reference.grey)).astype(np.float32), cv2.createHanningWindow((w, h), cv2.CV_32F))
    dx, dy = dx / k, dy / k
    if abs(dx) > 60 or abs(dy) > 60 or r < 0.02:
        return NotAligned(f"r {r:.3f} {dx:.1f} {dy:.1f}")
    return Alignment(tile.grid, ((1, 0, dx), (0, 1, dy)), 1.0, (dx, dy), 0.0, r)
