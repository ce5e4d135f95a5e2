"""One georeferenced image, the unit of work; refuses to contradict itself. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from edge.errors import TileRefused
from edge.geo import GeoBounds, Grid

Rgb = NDArray[np.uint8]
"""(H, W, 3) uint8 in [0, 255], red green blue, row 0 is north."""

Mask = NDArray[np.bool_]
"""(H, W) bool."""

# A sidecar's gsd and the one its bounds imply may differ by rounding, a slanted view and the projection;
# beyond a fifth the sidecar belongs to another image.
MAX_GSD_DISAGREEMENT = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """One image with its place and time.

    tile_id      unique name of the tile, printable, without slashes
    pixels       (H, W, 3) uint8 RGB, read-only, north up
    valid        (H, W) bool, read-only, False where a pixel carries no data, or None where all do
    bounds       the ground under the image
    gsd_m        ground sample distance in metres per pixel
    acquired_at  when the ground was seen, aware, UTC
    sha256       of the image file's bytes, in hex: the same bytes are the same tile
    site_id      the site the sender named, or None: then the bounds decide
    cloud_fraction  the sender's own estimate in [0, 1], or None
    is_exercise     True for a rendered tile of a drill: told as an exercise, and nothing is remembered of it
    """

    tile_id: str
    pixels: Rgb
    bounds: GeoBounds
    gsd_m: float
    acquired_at: datetime
    sha256: str
    valid: Mask | None = None
    site_id: str | None = None
    cloud_fraction: float | None = None
    is_exercise: bool = False

    def __post_init__(self) -> None:
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != 3 or self.pixels.shape[2] != 3:
            raise ValueError(
                f"tile {self.tile_id}: pixels: expected (H, W, 3) uint8, got {self.pixels.shape}"
            )
        if self.acquired_at.utcoffset() != timedelta(0):
            got = self.acquired_at.isoformat()
            raise TileRefused("bad_time", f"tile {self.tile_id}: acquired_at: expected UTC, got {got}")
        if not self.gsd_m > 0:
            raise TileRefused(
                "bad_gsd", f"tile {self.tile_id}: gsd_m: expected a number > 0, got {self.gsd_m}"
            )
        self._check_gsd_against_bounds()
        self.pixels.setflags(write=False)
        if self.valid is not None:
            self.valid.setflags(write=False)

    def _check_gsd_against_bounds(self) -> None:
        for axis, implied_m in zip("xy", self.grid.gsd_m, strict=True):
            if abs(implied_m / self.gsd_m - 1) > MAX_GSD_DISAGREEMENT:
                raise TileRefused(
                    "gsd_contradicts_bounds",
                    f"tile {self.tile_id}: gsd_m: expected {implied_m:.3g} along {axis} from the bounds and "
                    f"{self.width_px} x {self.height_px} pixels, got {self.gsd_m:.3g}",
                )

    @property
    def width_px(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])

    @property
    def height_px(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def grid(self) -> Grid:
        """Where the pixels lie on the ground."""
        return Grid(self.bounds, self.width_px, self.height_px)
