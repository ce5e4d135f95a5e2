"""The raster of a scene, and textures fixed in metres: the same pattern at every ground sample distance."""

import zlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]

# Ground drawn beyond the scene, so that a shifted or turned look still shows ground at its rim.
MARGIN_M = 24.0


@dataclass(frozen=True, slots=True)
class Raster:
    """Pixels over a scene and a margin around it; position (0, 0) is the outer corner of the first pixel."""

    width_m: float
    height_m: float
    gsd_m: float

    @property
    def margin_px(self) -> int:
        """Pixels between the rim of the raster and the rim of the scene."""
        return int(np.ceil(MARGIN_M / self.gsd_m))

    @property
    def tile_px(self) -> tuple[int, int]:
        """Width and height of the scene alone."""
        return round(self.width_m / self.gsd_m), round(self.height_m / self.gsd_m)

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height with the margin."""
        width, height = self.tile_px
        return width + 2 * self.margin_px, height + 2 * self.margin_px


def generator(seed: int, *words: str | int) -> np.random.Generator:
    """A generator of its own for one purpose, so that one texture never shifts another."""
    return np.random.default_rng([seed, *(zlib.crc32(str(word).encode()) for word in words)])


def octave(raster: Raster, cell_m: float, rng: np.random.Generator) -> Image:
    """Smooth noise of one cell size, as (H, W) float32 of mean 0 and deviation about 1."""
    columns = int(np.ceil((raster.width_m + 2 * MARGIN_M) / cell_m)) + 6
    rows = int(np.ceil((raster.height_m + 2 * MARGIN_M) / cell_m)) + 6
    cells = rng.standard_normal((rows, columns), dtype=np.float32)
    scale = cell_m / raster.gsd_m
    start = raster.margin_px - MARGIN_M / raster.gsd_m - 2 * scale - 0.5
    matrix = np.array([[scale, 0.0, start], [0.0, scale, start]])
    drawn = cv2.warpAffine(
        cells, matrix, raster.size_px, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(drawn, np.float32)


def fractal(
    raster: Raster, cells_m: tuple[float, ...], rng: np.random.Generator, falloff: float = 0.7
) -> Image:
    """Octaves summed, each `falloff` times as strong as the coarser one before; deviation about 1.

    An octave finer than a pixel shows only what a pixel's average leaves of it.
    """
    width, height = raster.size_px
    total = np.zeros((height, width), np.float32)
    power = 0.0
    for index, cell_m in enumerate(cells_m):
        weight = falloff**index
        power += weight**2
        left = min(1.0, cell_m / raster.gsd_m)
        total += weight * left * octave(raster, max(cell_m, raster.gsd_m), rng)
    return np.asarray(total / np.sqrt(power), np.float32)
