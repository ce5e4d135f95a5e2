"""Two images of one place, put on each other and compared: what `edge compare` says. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from edge.acquire.overlay import laid_on, shown_on
from edge.acquire.quality import CELL_PX, Look
from edge.acquire.reference import ReferenceSettings, following
from edge.acquire.registration import Alignment, NotAligned, RegistrationSettings, align
from edge.acquire.tile import Mask, Rgb, Tile
from edge.detect.change import ChangeRegion, ChangeSettings, Comparison, changed, regions
from edge.detect.manifest import ChangeModel
from edge.geo import METRES_PER_DEGREE, GeoBounds, Site

# Below this the images lie on each other as they are, and resampling would only blur one of them.
_SETTLED_PX = 0.5
_WHEN = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """An image as it was read.

    valid  (H, W) bool, or None where every pixel carries data
    """

    pixels: Rgb
    valid: Mask | None


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """What changed from the earlier image to the later one.

    alignment   None where the images could not be put on each other; they are then compared as they lie
    not_aligned why not, in words
    before      (H, W, 3) uint8, the earlier image in the pixels of the later one
    mask        (H, W) bool over the later image
    comparable  (H, W) bool, the ground that both show
    """

    alignment: Alignment | None
    not_aligned: str | None
    before: Rgb
    mask: Mask
    comparable: Mask
    regions: tuple[ChangeRegion, ...]

    def plain(self) -> Mapping[str, object]:
        """For JSON: CONTRACT.md, "Command line"."""
        lies = self.alignment
        shown = int(self.comparable.sum())
        said: dict[str, object] = {
            "aligned": lies is not None,
            "shift_px": None if lies is None else [round(-way, 2) for way in lies.shift_px],
            "residual_px": None if lies is None else round(lies.residual_px, 2),
            "comparable_fraction": round(shown / self.comparable.size, 4),
            "changed_fraction": round(int(self.mask.sum()) / shown, 6) if shown else None,
            "regions": [_plain(region) for region in self.regions],
        }
        return said if self.not_aligned is None else said | {"not_aligned": self.not_aligned}


def compare(
    before: Picture,
    after: Picture,
    *,
    gsd_m: float | None,
    model: ChangeModel,
    settings: ChangeSettings,
    registration: RegistrationSettings,
) -> Compared:
    """Two images of equal size, north up, of the same ground.

    gsd_m  metres per pixel; None: they are used as they are and areas follow from the model's working one
    """
    if before.pixels.shape != after.pixels.shape:
        raise ValueError(f"expected images of one size, got {before.pixels.shape} and {after.pixels.shape}")
    px_m = gsd_m or model.manifest.gsd_m.working
    lies = _alignment(before, after, px_m, registration)
    shown, comparable = _on_each_other(before, after, lies)
    comparison = Comparison(
        shown, after.pixels, gsd_m, model=model, comparable=comparable, n_views=settings.n_views
    )
    score = comparison.score_map()
    return Compared(
        lies if isinstance(lies, Alignment) else None,
        lies.reason if isinstance(lies, NotAligned) else None,
        shown,
        changed(score, model=model, settings=settings, gsd_m=px_m),
        comparable,
        tuple(regions(score, model=model, settings=settings, gsd_m=px_m)),
    )


def _alignment(
    before: Picture, after: Picture, gsd_m: float, settings: RegistrationSettings
) -> Alignment | NotAligned:
    """The later image on the earlier one, as a tile lies on the reference of its site."""
    first, second = (_tile(one, gsd_m) for one in (before, after))
    made = following(
        None,
        first,
        _look(before),
        alignment=Alignment.identity(first.grid),
        site=Site("compared", first.bounds),
        settings=ReferenceSettings(),
    )
    if made is None:
        return NotAligned("the earlier image shows no ground")
    return align(second, _look(after), made, settings)


def _on_each_other(before: Picture, after: Picture, lies: Alignment | NotAligned) -> tuple[Rgb, Mask]:
    """The earlier image in the pixels of the later one, and the ground that both show."""
    first, second = _valid(before), _valid(after)
    if isinstance(lies, NotAligned) or _is_settled(lies):
        return before.pixels, first & second
    own = Alignment.identity(lies.grid)
    seen = shown_on(first, before=own, after=lies)
    return laid_on(before.pixels, before=own, after=lies), seen & second


def _is_settled(lies: Alignment) -> bool:
    width, height = lies.grid.width_px, lies.grid.height_px
    moved = [_moved(lies, x, y) for x in (0, width) for y in (0, height)]
    return max(moved) < _SETTLED_PX


def _moved(lies: Alignment, x: float, y: float) -> float:
    (a, b, tx), (c, d, ty) = lies.matrix
    return math.hypot(a * x + b * y + tx - x, c * x + d * y + ty - y)


def _tile(picture: Picture, gsd_m: float) -> Tile:
    """The image as a tile at the equator, where a degree is as long in both directions."""
    height, width = picture.pixels.shape[:2]
    half_lng, half_lat = (side * gsd_m / METRES_PER_DEGREE / 2 for side in (width, height))
    bounds = GeoBounds(-half_lng, -half_lat, half_lng, half_lat)
    pixels = picture.pixels.copy()
    return Tile("image", pixels, bounds, gsd_m, _WHEN, "", picture.valid)


def _look(picture: Picture) -> Look:
    """All of its ground that carries data."""
    height, width = picture.pixels.shape[:2]
    rows, columns = -(-height // CELL_PX), -(-width // CELL_PX)
    padded = np.ones((rows * CELL_PX, columns * CELL_PX), np.bool_)
    padded[:height, :width] = _valid(picture)
    cells = np.asarray(padded.reshape(rows, CELL_PX, columns, CELL_PX).all(axis=(1, 3)), np.bool_)
    return Look(cells, width, height, float(cells.mean()))


def _valid(picture: Picture) -> Mask:
    return np.ones(picture.pixels.shape[:2], np.bool_) if picture.valid is None else picture.valid


def _plain(region: ChangeRegion) -> Mapping[str, object]:
    box = region.box
    return {
        "box": [box.left, box.top, box.right, box.bottom],
        "score": round(region.score, 4),
        "area_m2": round(region.area_m2, 1),
    }
