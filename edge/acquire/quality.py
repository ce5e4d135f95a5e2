"""Is a tile fit to look at, and which of its ground: dark, blurred, clouded, without data, off site. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.acquire.tile import Mask, Rgb, Tile
from edge.geo import PixelBox, Site

# A cell is 16 tile pixels, the smallest area over which smooth (cloud) and structured (ground) can be told
# apart; it is looked at as 4 x 4 quarter-size pixels, which keeps a 1024-pixel tile at a few milliseconds.
CELL_PX = 16
_REDUCED_PX = 4

Cells = NDArray[np.float32]
"""(rows, columns) float32, one value a cell."""


class Reject(StrEnum):
    """Why a tile was not looked at; the value is what the operator reads."""

    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    BLURRED = "blurred"
    CLOUDED = "clouded"
    NO_DATA = "no_data"
    OFF_SITE = "off_site"
    NOT_ALIGNED = "not_aligned"
    FROZEN = "frozen"
    GSD_TOO_FINE = "gsd_too_fine"
    GSD_TOO_COARSE = "gsd_too_coarse"


Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]


class QualitySettings(msgspec.Struct, frozen=True, kw_only=True):
    """When a tile is fit to look at; numbers set on the train sets, degraded by us."""

    min_brightness: Fraction = 0.05
    """Mean luma below which a tile is too dark: clear tiles 0.09 (open sea) to 0.80."""
    max_brightness: Fraction = 0.90
    """Mean luma above which a tile is too bright: the brightest clear tile 0.80."""
    max_clipped_fraction: Fraction = 0.5
    """Share of white-clipped pixels above which a tile is too bright: clear tiles at most 0.27."""
    min_sharpness: Fraction = 0.115
    """Edge sharpness (see `sharpness`): clear tiles 0.11 to 1, blurred by 2 px 0.14, by 4 px <= 0.12."""
    max_cloud_fraction: Fraction = 0.8
    """Share of the site's seen ground under cloud above which the whole tile is left alone."""
    min_usable_fraction: Fraction = 0.1
    """Share of the tile's ground inside the site that must be usable."""
    min_overlap_px: Annotated[int, msgspec.Meta(ge=1)] = 64
    """Columns and rows of the tile that must lie inside the site: what one object needs around it."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One usable view of a site: which ground of the tile can be trusted.

    usable           (rows, columns) bool, read-only; cell (0, 0) lies at the tile's top-left corner
    width_px         of the tile; the last column of cells may reach beyond it
    height_px        of the tile
    usable_fraction  usable share of the tile's ground inside the site, in [0, 1]
    cell_px          side of a cell in tile pixels
    """

    usable: Mask
    width_px: int
    height_px: int
    usable_fraction: float
    cell_px: int = CELL_PX

    def __post_init__(self) -> None:
        expected = _cells(self.height_px, self.cell_px), _cells(self.width_px, self.cell_px)
        if self.usable.shape != expected:
            raise ValueError(f"look: usable: expected {expected} cells, got {self.usable.shape}")
        self.usable.setflags(write=False)

    def sees(self, box_px: PixelBox) -> float:
        """Share of a box on the tile that was seen, in [0, 1]; what lies outside the tile was not."""
        sides = np.array([(box_px.left, box_px.top, box_px.right, box_px.bottom)])
        return float(self.shares(sides)[0])

    def shares(self, boxes_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N,) float64 in [0, 1], the same of many boxes: (N, 4) left, top, right, bottom."""
        left, top, right, bottom = boxes_px.T
        columns = _overlaps(left, right, self.width_px, self.cell_px)
        rows = _overlaps(top, bottom, self.height_px, self.cell_px)
        seen_px = (rows @ self.usable.astype(np.float64) * columns).sum(axis=1)
        shares: NDArray[np.float64] = np.minimum(1.0, seen_px / ((right - left) * (bottom - top)))
        return shares


def assess(tile: Tile, site: Site, settings: QualitySettings, half: Rgb | None = None) -> Look | Reject:
    """The usable ground of a tile at a site, or the first reason not to look at it.

    half  the tile's pixels as `halved` gives them, where they are made already

    The sender's cloud estimate alone never decides: it is of a whole scene, of which the tile is a crop. It
    counts where the picture agrees, that is where less than half of the ground shows any structure.
    """
    inside = inside_cells(tile, site, settings.min_overlap_px)
    if inside is None:
        return Reject.OFF_SITE
    reduced = _by_half(halved(tile.pixels) if half is None else half)
    data = _data_cells(tile, reduced)
    seen = data & (inside > 0)
    ground = float(inside.sum())
    if not seen.any() or float(inside[seen].sum()) < settings.min_usable_fraction * ground:
        return Reject.NO_DATA
    luma = _luma(reduced)
    if (light := _light_reject(luma, seen, settings)) is not None:
        return light
    texture = _texture(luma)
    cloud = cloud_cells(reduced, luma, texture)
    usable = data & ~cloud
    if _is_clouded(tile, inside, seen=seen, cloud=seen & cloud, texture=texture, settings=settings):
        return Reject.CLOUDED
    if sharpness(tile.pixels, usable & (inside > 0)) < settings.min_sharpness:
        return Reject.BLURRED
    fraction = float(inside[usable].sum()) / ground
    return Look(usable=usable, width_px=tile.width_px, height_px=tile.height_px, usable_fraction=fraction)


def inside_cells(tile: Tile, site: Site, min_overlap_px: int) -> Cells | None:
    """How much of each cell is ground of the tile inside the site, in [0, 1]; None if the two hardly meet."""
    ground = tile.bounds.intersection(site.bounds)
    if ground is None:
        return None
    box = tile.grid.box_of(ground)
    needed = min_overlap_px - 0.5  # a site of exactly that many pixels survives rounding in degrees
    if box.width < min(needed, tile.width_px - 0.5) or box.height < min(needed, tile.height_px - 0.5):
        return None
    columns = _overlaps(box.left, box.right, tile.width_px, CELL_PX)
    rows = _overlaps(box.top, box.bottom, tile.height_px, CELL_PX)
    return np.asarray(np.outer(rows, columns) / CELL_PX**2, np.float32)


def sharpness(pixels: Rgb, cells: Mask) -> float:
    """Height of the steepest edges over 1 pixel against 16: 1 for a hard edge, 0.4 / sigma for a blurred one.

    cells    (rows, columns) bool, where to look
    returns  in [0, 1]; 1 where no edge is strong enough to judge by (calm water, sand)
    """
    height, width = pixels.shape[:2]
    down, right = max(4, height // 192), max(4, width // 192)
    across = np.ascontiguousarray(pixels[down // 2 :: down, :, 1])
    # Row by row out of the tile and turned afterwards: column by column every byte is a miss of the cache.
    along = np.asarray(cv2.transpose(np.ascontiguousarray(pixels[:, right // 2 :: right, 1])), np.uint8)
    steps = np.zeros((2, 256))
    for lines, every, wanted in ((across, down, cells), (along, right, cells.T)):
        mask = _line_mask(wanted, every, lines.shape)
        for index, reach in enumerate((1, _EDGE_REACH_PX)):
            rise = cv2.absdiff(lines[:, reach:], lines[:, :-reach])
            seen = None if mask is None else mask[:, reach:]
            steps[index] += cv2.calcHist([rise], [0], seen, [256], [0, 256]).ravel()
    over_one, over_all = (_top_hundredth(histogram) for histogram in steps)
    return min(1.0, over_one / over_all) if over_all >= _MIN_EDGE else 1.0


def _line_mask(wanted: Mask, every: int, shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
    """(lines, pixels) uint8, which pixels of every so manyth line lie in wanted cells; None: all of them."""
    if wanted.all():
        return None
    n_lines, length = shape
    line_cells = wanted[(every // 2 + every * np.arange(n_lines)) // CELL_PX]
    return np.repeat(line_cells, CELL_PX, axis=1)[:, :length].astype(np.uint8)


# Over 16 pixels an edge blurred by a sigma of up to 6 has risen to over 80 %; one of less than 10 grey levels
# drowns in the noise of a sensor (2 to 4 levels) and of JPEG.
_EDGE_REACH_PX = 16
_MIN_EDGE = 10.0


def _top_hundredth(histogram: NDArray[np.float64]) -> float:
    """The value that 99 % stay below or at."""
    total = histogram.sum()
    return float(np.searchsorted(np.cumsum(histogram), 0.99 * total)) if total else 0.0


# Cloud: bright, grey, without structure, in large pieces. 890 clear images of the train sets hold 18 such
# pieces (roofs, concrete), all of a spread of at most 1.54 grey levels over their cells; 90 % of the clouds
# that we laid over the same images spread by more.
_CLOUD_LUMA = 160.0
_CLOUD_COLOUR = 40.0
_CLOUD_TEXTURE = 3.0
_CLOUD_MIN_CELLS = 20
_SLAB_MAX_FRACTION = 0.25
_SLAB_SPREAD = 1.6

# A dense cloud is lit like a landscape of its own and has more structure than that; hardly anything else is
# so white and so grey over so much ground: 1 of 602 clear images of the train sets has such a piece, and none
# of 420 rendered places, snow among them.
_WHITE_LUMA = 200.0
_WHITE_COLOUR = 10.0
_WHITE_MIN_CELLS = 60
# A small one over a single stand fades towards its rim; a roof or a slab is as white everywhere: in 660 clear
# images of the train sets the 15 white pieces of 20 to 60 cells spread by at most 4.1 grey levels.
_UNEVEN_SPREAD = 6.0
_UNEVEN_MIN_CELLS = 20

# Where a tile has such a cloud, ragged pieces and rims through which some ground shows count as clouds too.
# Of rendered ground that is more than half hidden 0.03 stays unmasked there, with smooth pieces alone it was
# 0.80; 0.08 of the clear ground beside is masked. Without a smooth piece none of it is asked: uneven concrete
# under haze looks just like it.
_RAGGED_COLOUR = 30.0
_RAGGED_TEXTURE = 6.0
_SMALL_MIN_CELLS = 12
_RIM_LUMA = 150.0
_RIM_COLOUR = 45.0
_RIM_CELLS = 2
_SQUARE = np.ones((3, 3), np.uint8)


def cloud_cells(reduced: Rgb, luma: Cells, texture: Cells) -> Mask:
    """Cells under cloud, with one cell of fringe.

    reduced  (4 rows, 4 columns, 3) uint8, the tile at a quarter
    luma     (4 rows, 4 columns) float32 in [0, 255]
    texture  (rows, columns) float32, see `_texture`
    """
    brightness = _by_cell(luma)
    lowest, highest = _extremes(reduced)
    colour = _by_cell((highest - lowest).astype(np.float32))
    smooth = (brightness > _CLOUD_LUMA) & (colour < _CLOUD_COLOUR) & (texture < _CLOUD_TEXTURE)
    ragged = (brightness > _CLOUD_LUMA) & (colour < _RAGGED_COLOUR) & (texture < _RAGGED_TEXTURE)
    white = (brightness > _WHITE_LUMA) & (colour < _WHITE_COLOUR) & (texture < _RAGGED_TEXTURE)
    cloud = np.zeros(smooth.shape, bool)
    if not smooth.any() and not white.any():
        return cloud
    for piece in (*_pieces(smooth, 3, _CLOUD_MIN_CELLS), *_pieces(white, 3, _WHITE_MIN_CELLS)):
        if not _is_slab(piece, brightness):
            cloud |= piece
    for piece in _pieces(white, 3, _UNEVEN_MIN_CELLS):
        if float(brightness[piece].std()) >= _UNEVEN_SPREAD:
            cloud |= piece
    if not cloud.any():
        return cloud
    for piece in _pieces(ragged, 2, _SMALL_MIN_CELLS):
        cloud |= piece
    rim = (brightness > _RIM_LUMA) & (colour < _RIM_COLOUR) & (texture < _RAGGED_TEXTURE)
    for _ in range(_RIM_CELLS):
        cloud |= _wider(cloud) & rim
    return _wider(cloud)


def _pieces(cells: Mask, opened: int, min_cells: int) -> list[Mask]:
    """The connected pieces of so many cells at least, without what is thinner than `opened` cells."""
    whole = cv2.morphologyEx(cells.astype(np.uint8), cv2.MORPH_OPEN, np.ones((opened, opened), np.uint8))
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(whole, connectivity=8)
    return [labels == n for n in range(1, count) if boxes[n, cv2.CC_STAT_AREA] >= min_cells]


def _wider(cells: Mask) -> Mask:
    """By one cell on every side."""
    return np.asarray(cv2.dilate(cells.astype(np.uint8), _SQUARE) > 0)


def _is_slab(piece: Mask, brightness: Cells) -> bool:
    """A small piece of one even brightness: a roof, an apron, a clipped glare; a cloud is lit unevenly."""
    return float(piece.mean()) < _SLAB_MAX_FRACTION and float(brightness[piece].std()) < _SLAB_SPREAD


def _is_clouded(
    tile: Tile, inside: Cells, *, seen: Mask, cloud: Mask, texture: Cells, settings: QualitySettings
) -> bool:
    ground = float(inside[seen].sum())
    if float(inside[cloud].sum()) > settings.max_cloud_fraction * ground:
        return True
    if float(inside[seen & ~cloud].sum()) < settings.min_usable_fraction * float(inside.sum()):
        return True
    structured = float(inside[seen & (texture >= _CLOUD_TEXTURE)].sum())
    said = tile.cloud_fraction is not None and tile.cloud_fraction > settings.max_cloud_fraction
    return said and structured < ground / 2


def _light_reject(luma: Cells, seen: Mask, settings: QualitySettings) -> Reject | None:
    brightness = float(_by_cell(luma)[seen].mean()) / 255
    if brightness < settings.min_brightness:
        return Reject.TOO_DARK
    clipped = float(_by_cell((luma >= 250).astype(np.float32))[seen].mean())
    if brightness > settings.max_brightness or clipped > settings.max_clipped_fraction:
        return Reject.TOO_BRIGHT
    return None


def _data_cells(tile: Tile, reduced: Rgb) -> Mask:
    """Cells of which at least half carries data: valid, and not part of an exactly black border."""
    black = _by_cell((_extremes(reduced)[1] == 0).astype(np.float32)) > 0.5
    data = ~_touching_border(black)
    if tile.valid is None:
        return data
    valid = _padded(tile.valid.astype(np.uint8))
    size = data.shape[1], data.shape[0]
    return np.asarray(data & (cv2.resize(valid * 255, size, interpolation=cv2.INTER_AREA) >= 128))


def _touching_border(cells: Mask) -> Mask:
    """The connected pieces that reach the border of the tile."""
    _, labels = cv2.connectedComponents(cells.astype(np.uint8))
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return cells & np.isin(labels, border[border > 0])


def _texture(luma: Cells) -> Cells:
    """(rows, columns) float32: mean bend of the quarter-size luma in each cell; a slope of light has none."""
    return _by_cell(np.abs(cv2.Laplacian(luma, cv2.CV_32F)))


def _extremes(reduced: Rgb) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The lowest and the highest of red, green, blue at each pixel (by channel: 300 times numpy's speed)."""
    red, green, blue = cv2.split(reduced)
    lowest, highest = cv2.min(cv2.min(red, green), blue), cv2.max(cv2.max(red, green), blue)
    return np.asarray(lowest, np.uint8), np.asarray(highest, np.uint8)


def _luma(reduced: Rgb) -> Cells:
    return np.asarray(cv2.cvtColor(reduced, cv2.COLOR_RGB2GRAY), np.float32)


def halved(pixels: Rgb) -> Rgb:
    """A tile at half its size, its right and bottom edge repeated to whole cells."""
    return _by_half(_padded(pixels))


def _by_half(pixels: Rgb) -> Rgb:
    return np.asarray(cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)


def _padded(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    down, right = -height % CELL_PX, -width % CELL_PX
    if not down and not right:
        return image
    return np.asarray(cv2.copyMakeBorder(image, 0, down, 0, right, cv2.BORDER_REPLICATE), np.uint8)


def _by_cell(values: Cells) -> Cells:
    """(4 rows, 4 columns) float32 -> (rows, columns) float32: the mean over each cell."""
    size = values.shape[1] // _REDUCED_PX, values.shape[0] // _REDUCED_PX
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float32)


def _cells(length_px: int, cell_px: int) -> int:
    return math.ceil(length_px / cell_px)


def _overlaps(
    low: float | NDArray[np.float64], high: float | NDArray[np.float64], length_px: int, cell_px: int
) -> NDArray[np.float64]:
    """How many pixels of each cell along one axis lie between low and high and on the tile.

    low, high  one number, or (N,) of them: then (N, cells) is returned
    """
    starts = np.arange(_cells(length_px, cell_px)) * float(cell_px)
    ends = np.minimum(starts + cell_px, length_px)
    first, last = np.asarray(low)[..., None], np.asarray(high)[..., None]
    return np.asarray(np.maximum(np.minimum(ends, last) - np.maximum(starts, first), 0.0))
