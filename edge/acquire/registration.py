"""Co-register a tile with the reference image of its site, or say why it cannot be done. Pure.

Method: images of the same ground under another sun and season share the orientation of their edges and little
else. That (edge.acquire.orientation) is correlated over the whole image at low resolution, then in blocks; a
similarity is fitted to the shifts of the blocks by iteratively reweighted least squares, and what is left is
measured again after the warp.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Self

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.acquire.orientation import (
    Features,
    correlated,
    features,
    features_at,
    inner_of,
    peaks,
    spectrum,
)
from edge.acquire.quality import Look
from edge.acquire.tile import Mask, Rgb, Tile
from edge.geo import Degrees, Grid, LngLat

Grey = NDArray[np.uint8]
"""(h, w) uint8, row 0 is north."""

Affine = NDArray[np.float64]
"""(2, 3) float64: x, y, 1 -> x, y in pixel positions, (0, 0) the outer corner of the top-left pixel."""

Matrix = tuple[tuple[float, float, float], tuple[float, float, float]]

# A tile is registered at half its resolution or less: at pixels of this many metres, within these numbers of
# pixels along its longer side. An eighth of such a pixel is what the blocks measure, below the jitter of the
# boxes of any detector; with fewer pixels there would be too few blocks to agree.
_WORKING_GSD_M = 1.5
_MIN_WORKING_SIDE_PX, _MAX_WORKING_SIDE_PX = 384, 1024
# The first guess over the whole image; a shift of 25 m is some 4 to 40 of its pixels.
COARSE_SIDE_PX = 192
BLOCK_PX = 96
# 64 blocks say as much as 121 do, in half the time.
MAX_BLOCKS_ALONG = 8
# Peak of a block's correlation over its surroundings, in standard deviations, from which it is listened to.
# Chance peaks pass too; they agree with nothing, which is what support measures.
_MIN_PEAK = 3.5
# A block agrees with the fit if it lies this near to it, in working pixels.
_AGREES_PX = 1.5
_MIN_BLOCKS = 4
# A block of which less is seen in both images is left out.
_MIN_SEEN_FRACTION = 0.6
_ROUNDS = 2
# Below this median shift, in working pixels, another round would follow the noise of the blocks.
_SETTLED_PX = 0.4
# So many blocks, of which such a share agrees on a shift below that, are not helped by more of them.
_ENOUGH_BLOCKS = 8
_ENOUGH_AGREE = 0.9
# Of so many footprints the reference is kept prepared: 6 MB each.
N_UNDER = 2


class RegistrationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """When a tile is taken to lie on the reference."""

    # How far a tile may be off its stated place, in metres. Satellite products are good to 5 to 15 m.
    max_shift_m: Annotated[float, msgspec.Meta(gt=0, le=500)] = 25.0
    # Error left after the warp, in metres, beyond which a tile is refused: a third of a small aircraft.
    max_residual_m: Annotated[float, msgspec.Meta(gt=0, le=50)] = 3.0
    # Share of the blocks with a clear peak that must agree with the fit. Of 12 pairs of unlike ground of
    # levir-train none came above 0.25, of 12 pairs of the same ground years apart 10 came above 0.45.
    min_support: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.35
    # Degrees by which a tile may be turned against the reference.
    max_rotation_deg: Annotated[float, msgspec.Meta(ge=0, le=10)] = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The accepted earlier image of a site, at the resolution of registration.

    grid   where its pixels lie; this is the frame of the site
    grey   (h, w) uint8, read-only
    valid  (h, w) bool, read-only, False where no look has shown the ground yet
    """

    site_id: str
    tile_id: str
    acquired_at: datetime
    grid: Grid
    grey: Grey
    valid: Mask

    def __post_init__(self) -> None:
        expected = (self.grid.height_px, self.grid.width_px)
        if self.grey.shape != expected or self.valid.shape != expected:
            raise ValueError(f"reference {self.site_id}: expected {expected} pixels, got {self.grey.shape}")
        self.grey.setflags(write=False)
        self.valid.setflags(write=False)


@dataclass(frozen=True, slots=True)
class NotAligned:
    """Why a tile cannot be put on the reference, in words with the numbers."""

    reason: str


@dataclass(frozen=True, slots=True)
class Alignment:
    """How a tile lies on the reference of its site.

    grid          of the tile
    matrix        tile pixels -> where those pixels would be if the tile lay as its reference does
    residual_px   error left after the warp, the median over the blocks, in tile pixels
    support       share of the clear blocks that agree, in [0, 1]
    """

    grid: Grid
    matrix: Matrix
    residual_px: float
    support: float

    @classmethod
    def identity(cls, grid: Grid) -> Self:
        """A tile that is taken as it says: the first look of a site."""
        return cls(grid, ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)), 0.0, 1.0)

    @property
    def shift_px(self) -> tuple[float, float]:
        """x, y to add to a tile pixel at the middle of the tile to come to the reference."""
        x, y = self.grid.width_px / 2, self.grid.height_px / 2
        there_x, there_y = self._apply(x, y)
        return there_x - x, there_y - y

    @property
    def rotation_deg(self) -> float:
        """By how much the tile is turned, counter-clockwise positive as seen on the ground."""
        (a, _, _), (c, _, _) = self.matrix
        return -math.degrees(math.atan2(c, a))

    def ground_at(self, x: float, y: float) -> LngLat:
        """The ground under a tile pixel position, in the frame of the reference."""
        return self.grid.to_ground(*self._apply(x, y))

    def pixel_at(self, position: LngLat) -> tuple[float, float]:
        """Where a position of the reference's frame lies on the tile."""
        return self.pixels_at(position.lng, position.lat)

    def pixels_at(self, lng: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
        """The same of one position or of many, by their degrees."""
        there_x, there_y = self.grid.to_pixels(lng, lat)
        (a, b, tx), (c, d, ty) = self.matrix
        x, y, determinant = there_x - tx, there_y - ty, a * d - b * c
        return (d * x - b * y) / determinant, (a * y - c * x) / determinant

    def _apply(self, x: float, y: float) -> tuple[float, float]:
        (a, b, tx), (c, d, ty) = self.matrix
        return a * x + b * y + tx, c * x + d * y + ty


def align(
    tile: Tile, look: Look, reference: Reference, settings: RegistrationSettings, half: Rgb | None = None
) -> Alignment | NotAligned:
    """Put a tile on the reference of its site.

    Only usable ground of the tile and valid ground of the reference are compared.

    half  the tile's pixels as quality.halved gives them, where they are made already
    """
    ground = tile.bounds.intersection(reference.grid.bounds)
    if ground is None:
        return NotAligned("the tile and the reference show no common ground")
    pair = _pair(tile, _nearest(tile, half), look, reference)
    px_m = tile.gsd_m * pair.tile_px
    first = _coarse(pair, settings.max_shift_m / px_m)
    fit = _refined(pair, first)
    if isinstance(fit, NotAligned):
        return fit
    alignment = _in_tile_pixels(tile, pair, fit)
    return _refusal(alignment, tile.gsd_m, settings) or alignment


def _refusal(alignment: Alignment, gsd_m: float, settings: RegistrationSettings) -> NotAligned | None:
    shift_m = math.hypot(*alignment.shift_px) * gsd_m
    residual_m = alignment.residual_px * gsd_m
    if alignment.support < settings.min_support:
        return NotAligned(f"support: expected >= {settings.min_support:g}, got {alignment.support:.2f}")
    if shift_m > settings.max_shift_m:
        return NotAligned(f"shift: expected <= {settings.max_shift_m:g} m, got {shift_m:.1f} m")
    if abs(alignment.rotation_deg) > settings.max_rotation_deg:
        return NotAligned(
            f"rotation: expected <= {settings.max_rotation_deg:g} degrees, got {alignment.rotation_deg:.1f}"
        )
    if residual_m > settings.max_residual_m:
        return NotAligned(f"residual: expected <= {settings.max_residual_m:g} m, got {residual_m:.1f} m")
    return None


@dataclass(frozen=True, slots=True, eq=False)
class _Under:
    """The reference under the ground of a tile, at the working resolution, and what follows from it alone.

    coarse   spectrum of a small copy of it, for the first guess
    layout   where the blocks lie
    spectra  of the blocks
    """

    mask: Mask
    coarse: Features
    layout: _Layout
    spectra: Sequence[Features]


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """Tile and reference over the ground of the tile, at the working resolution.

    tile_px  tile pixels along one working pixel
    """

    tile: Grey
    tile_mask: Mask
    under: _Under
    tile_px: float


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """matrix: working pixels of the tile -> of the reference; residual in working pixels."""

    matrix: Affine
    residual_px: float
    support: float


def _nearest(tile: Tile, half: Rgb | None) -> Rgb:
    """All of a tile in as few pixels as there are: at more than half its size none is registered."""
    if half is None or tile.width_px % 2 or tile.height_px % 2:
        return tile.pixels
    return half[: tile.height_px // 2, : tile.width_px // 2]


def _pair(tile: Tile, pixels: Rgb, look: Look, reference: Reference) -> _Pair:
    """Both images in one frame: the tile reduced, the reference cut out and resampled to lie under it.

    pixels  of the tile, as they are or at half their size
    """
    scale = working_scale(tile)
    size = max(1, round(tile.width_px * scale)), max(1, round(tile.height_px * scale))
    # By the whole factor in colour: the cheaper order. Bilinear leaves no pixel out in the rest, and takes a
    # tenth of the time of INTER_AREA.
    near = cv2.cvtColor(_by_whole_factor(pixels, size), cv2.COLOR_RGB2GRAY)
    grey = np.asarray(cv2.resize(near, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    under = _under(reference, tile.grid, size)
    return _Pair(grey, _usable_at(look, size), under, tile.width_px / size[0])


def _by_whole_factor(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """An image reduced towards a size, columns and rows, to less than twice as many a side: a cheap step."""
    height, width = pixels.shape[:2]
    factor = max(1, min(width // size[0], height // size[1]))
    near = max(size[0], width // factor), max(size[1], height // factor)
    return np.asarray(cv2.resize(pixels, near, interpolation=cv2.INTER_AREA), np.uint8)


def working_scale(tile: Tile) -> float:
    """What the sides of a tile are multiplied by to register it, at most a half."""
    longer = max(tile.width_px, tile.height_px)
    wanted = max(tile.gsd_m / _WORKING_GSD_M, _MIN_WORKING_SIDE_PX / longer)
    return min(0.5, _MAX_WORKING_SIDE_PX / longer, wanted)


def _usable_at(look: Look, size: tuple[int, int]) -> Mask:
    """(h, w) bool, the usable ground of a look at a smaller size, by columns and rows, of its tile."""
    columns = np.arange(size[0]) * look.width_px // size[0] // look.cell_px
    rows = np.arange(size[1]) * look.height_px // size[1] // look.cell_px
    return look.usable.take(columns, axis=1).take(rows, axis=0)


@lru_cache(maxsize=N_UNDER)
def _under(reference: Reference, grid: Grid, size: tuple[int, int]) -> _Under:
    """Remembered for the last few: a feed sends one footprint again and again, over one reference."""
    box = reference.grid.box_of(grid.bounds)
    to_working = np.array(
        [
            [size[0] / box.width, 0.0, -box.left * size[0] / box.width],
            [0.0, size[1] / box.height, -box.top * size[1] / box.height],
        ]
    )
    grey, mask = warped(reference.grey, reference.valid, to_working, size)
    layout = _Layout.over(mask)
    return _Under(mask, _coarse_spectrum(grey, mask), layout, layout.spectra(_Warped(grey, mask)))


def usable_pixels(look: Look) -> Mask:
    """(H, W) bool, the usable ground of a look at the full size of its tile."""
    return look.usable.repeat(look.cell_px, 0).repeat(look.cell_px, 1)[: look.height_px, : look.width_px]


def warped(grey: Grey, mask: Mask, matrix: Affine, size: tuple[int, int]) -> tuple[Grey, Mask]:
    """An image and its mask through an affine map of pixel positions, reduced without aliasing.

    size  columns and rows of what is returned; the mask is False where the image does not reach
    """
    factor = 1.0 / math.sqrt(abs(float(np.linalg.det(matrix[:, :2]))))
    if factor > 1.2:
        grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), 0.5 * math.sqrt(factor**2 - 1)), np.uint8)
    centred = for_centres(matrix)
    image = cv2.warpAffine(grey, centred, size, flags=cv2.INTER_LINEAR)
    return np.asarray(image, np.uint8), _mask_through(mask, centred, size)


def _mask_through(mask: Mask, centred: Affine, size: tuple[int, int]) -> Mask:
    """A mask through a map between pixel centres; True where at least 98 % of what a pixel shows are."""
    if mask.all() and np.array_equal(centred[:, :2], np.eye(2)):
        # A rectangle that is shifted: the usual first guess, and no picture has to be warped for it.
        rows, columns = (
            np.abs(np.arange(length) - shift - (old - 1) / 2) <= (old - 1) / 2 + 0.02
            for length, shift, old in zip(size[::-1], centred[::-1, 2], mask.shape, strict=True)
        )
        return np.asarray(rows[:, None] & columns)
    return np.asarray(
        cv2.warpAffine(mask.astype(np.uint8) * 255, centred, size, flags=cv2.INTER_LINEAR) > 250
    )


def for_centres(matrix: Affine) -> Affine:
    """The map between outer-corner positions as OpenCV wants it: between pixel centres."""
    result = matrix.copy()
    result[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    return result


def _coarse(pair: _Pair, max_shift_px: float) -> Affine:
    """The shift of the whole image, from a small copy of it."""
    factor = _coarse_factor(pair.tile.shape)
    reach = math.ceil(max_shift_px / factor) + 1
    surface = correlated(pair.under.coarse, _coarse_spectrum(pair.tile, pair.tile_mask))
    [(dx, dy)], _ = peaks([surface], reach)
    return np.array([[1.0, 0.0, dx * factor], [0.0, 1.0, dy * factor]])


def _coarse_factor(shape: tuple[int, ...]) -> float:
    return max(1.0, max(shape) / COARSE_SIDE_PX)


def _coarse_spectrum(grey: Grey, mask: Mask) -> Features:
    factor = _coarse_factor(grey.shape)
    height, width = (max(8, round(length / factor)) for length in grey.shape)
    near = _by_whole_factor(grey, (width, height))
    reduced = np.asarray(cv2.resize(near, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    seen = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST).astype(bool)
    return spectrum(features(reduced, seen) * _fade(height, width))


@lru_cache(maxsize=4)
def _fade(height: int, width: int) -> Features:
    """The window that fades the rims of an image, for both parts of its features; read-only."""
    fade = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    window = np.repeat(fade[..., None], 2, axis=2).astype(np.float32)
    window.setflags(write=False)
    return window


def _refined(pair: _Pair, matrix: Affine) -> _Fit | NotAligned:
    """The similarity that the blocks agree on, starting from a first guess, and what is left after it."""
    under = pair.under
    size = under.mask.shape[1], under.mask.shape[0]
    # A turn of one degree moves the corners by 9 of 1024 pixels: the first round looks further.
    reach, left = BLOCK_PX // 4, np.zeros(0)
    for rounds_left in reversed(range(_ROUNDS + 1)):
        blocks = _measured(under, _Warped(*warped(pair.tile, pair.tile_mask, matrix, size)), reach)
        if len(blocks.shifts) < _MIN_BLOCKS:
            return NotAligned(f"blocks with clear edges: expected >= {_MIN_BLOCKS}, got {len(blocks.shifts)}")
        left = np.hypot(*blocks.shifts.T)
        if rounds_left == 0 or _median(left) < _SETTLED_PX:
            break
        matrix = _after(_similarity(blocks), matrix)
        reach = BLOCK_PX // 8
    return _Fit(matrix, _median(left), float((left <= _AGREES_PX).mean()))


@dataclass(frozen=True, slots=True, eq=False)
class _Blocks:
    """(n, 2) middles and shifts of the blocks with a clear peak, in working pixels."""

    middles: NDArray[np.float64]
    shifts: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """Where the blocks lie: (left, top) of each, their side, and the window that fades their rims.

    is_first  (n,) bool, a third of them, as many in each row and column
    """

    corners: tuple[tuple[int, int], ...]
    is_first: NDArray[np.bool_]
    side: int
    window: Features

    @classmethod
    def over(cls, mask: Mask) -> Self:
        """Blocks spread evenly over an image, at most MAX_BLOCKS_ALONG along a side."""
        height, width = mask.shape
        side = min(BLOCK_PX, height, width)
        tops, lefts = _starts(height, side), _starts(width, side)
        rows, columns = np.indices((len(tops), len(lefts)))
        corners = tuple((left, top) for top in tops for left in lefts)
        return cls(corners, (rows + 2 * columns).ravel() % 3 == 0, side, _fade(side, side))

    def part(self, corner: tuple[int, int]) -> tuple[slice, slice]:
        """Rows and columns of a block."""
        left, top = corner
        return slice(top, top + self.side), slice(left, left + self.side)

    def seen_fractions(self, mask: Mask) -> NDArray[np.float64]:
        """(n,) in [0, 1], the share of each block that is True in a mask."""
        total = cv2.integral(mask.astype(np.uint8))
        left, top = np.array(self.corners).T
        right, bottom = left + self.side, top + self.side
        n_seen = total[bottom, right] - total[top, right] - total[bottom, left] + total[top, left]
        return np.asarray(n_seen / self.side**2)

    def spectra(self, image: _Warped, chosen: Iterable[int] | None = None) -> list[Features]:
        """The spectra of some blocks, or of all."""
        indices = range(len(self.corners)) if chosen is None else chosen
        return [spectrum(image.features(*self.part(self.corners[index])) * self.window) for index in indices]


@dataclass(slots=True, eq=False)
class _Warped:
    """A tile in the frame of the reference, of which only some blocks may be looked at.

    seen  where the tile shows the ground
    """

    grey: Grey
    seen: Mask
    _inner: NDArray[np.uint8] | None = field(init=False)

    def __post_init__(self) -> None:
        self._inner = inner_of(self.seen)

    def features(self, rows: slice, columns: slice) -> Features:
        """Of some of its rows and columns."""
        return features_at(self.grey, self._inner, rows, columns)


def _measured(under: _Under, tile: _Warped, reach: int) -> _Blocks:
    """The shift of each block of which most is seen in both and which has a clear peak.

    Where a third of them says clearly and with one voice that the tile lies on the reference, the rest
    would say the same and is not asked.
    """
    chosen = np.flatnonzero(under.layout.seen_fractions(under.mask & tile.seen) >= _MIN_SEEN_FRACTION)
    is_first = under.layout.is_first[chosen]
    some = _measured_at(under, tile, chosen[is_first].tolist(), reach)
    if _is_settled(some):
        return some
    rest = _measured_at(under, tile, chosen[~is_first].tolist(), reach)
    return _Blocks(np.concatenate([some.middles, rest.middles]), np.concatenate([some.shifts, rest.shifts]))


def _is_settled(blocks: _Blocks) -> bool:
    """True if so many blocks agree that there is no shift left that no further ones could turn it."""
    left = np.hypot(*blocks.shifts.T)
    return (
        len(left) >= _ENOUGH_BLOCKS
        and float((left <= _AGREES_PX).mean()) >= _ENOUGH_AGREE
        and _median(left) < _SETTLED_PX
    )


def _measured_at(under: _Under, tile: _Warped, chosen: Sequence[int], reach: int) -> _Blocks:
    if not chosen:
        return _Blocks(np.zeros((0, 2)), np.zeros((0, 2)))
    layout, spectra = under.layout, under.layout.spectra(tile, chosen)
    surfaces = [correlated(under.spectra[index], there) for index, there in zip(chosen, spectra, strict=True)]
    shifts, clear = peaks(surfaces, min(reach, layout.side // 4))
    middles = np.array([layout.corners[index] for index in chosen]) + layout.side / 2
    return _Blocks(middles[clear >= _MIN_PEAK], shifts[clear >= _MIN_PEAK])


def _starts(length: int, side: int) -> list[int]:
    """Evenly spread starts of blocks along one side of an image."""
    n_blocks = min(MAX_BLOCKS_ALONG, max(1, math.ceil(length / side)))
    return [round(i * (length - side) / max(1, n_blocks - 1)) for i in range(n_blocks)]


def _similarity(blocks: _Blocks) -> Affine:
    """Shift, turn and scale that most blocks agree on: Tukey's biweight from the densest shift on.

    returns  the map that moves the tile onto the reference
    """
    apart = np.linalg.norm(blocks.shifts[:, None] - blocks.shifts, axis=2)
    weights = (apart[(apart < 2 * _AGREES_PX).sum(axis=1).argmax()] < 4 * _AGREES_PX).astype(np.float64)
    origin = blocks.middles.mean(axis=0)
    x, y = (blocks.middles - origin).T
    ones, zeros = np.ones_like(x), np.zeros_like(x)
    # dx = s x - r y + tx, dy = r x + s y + ty
    design = np.vstack([np.column_stack([x, -y, ones, zeros]), np.column_stack([y, x, zeros, ones])])
    wanted = np.concatenate(blocks.shifts.T)
    # Too few blocks bear no turn and no scale: their shift alone is taken.
    free = slice(0, 4) if weights.sum() >= 2 * _MIN_BLOCKS else slice(2, 4)
    solution = np.zeros(4)
    for _ in range(6):
        root = np.sqrt(np.concatenate([weights, weights]))
        solution[free] = np.linalg.lstsq(design[:, free] * root[:, None], wanted * root, rcond=None)[0]
        error = np.hypot(*(wanted - design @ solution).reshape(2, -1))
        spread = max(_AGREES_PX / 2, 1.4826 * _median(error[weights > 0]))
        weights = np.clip(1.0 - (error / (4.0 * spread)) ** 2, 0.0, None) ** 2
        if weights.sum() < 1.0:
            break
    s, r, tx, ty = solution
    linear = np.array([[1 + s, -r], [r, 1 + s]])
    return np.column_stack([linear, np.array([tx, ty]) + origin - linear @ origin])


def _median(values: NDArray[np.float64]) -> float:
    """The middle one of a few numbers, which np.median takes ten times as long to find."""
    ordered = sorted(values.tolist())
    half = len(ordered) // 2
    return (ordered[half] + ordered[-1 - half]) / 2 if ordered else math.nan


def _after(second: Affine, first: Affine) -> Affine:
    """One map after the other."""
    return np.column_stack([second[:, :2] @ first[:, :2], second[:, :2] @ first[:, 2] + second[:, 2]])


def _in_tile_pixels(tile: Tile, pair: _Pair, fit: _Fit) -> Alignment:
    (a, b, tx), (c, d, ty) = fit.matrix.tolist()
    k = pair.tile_px
    return Alignment(tile.grid, ((a, b, tx * k), (c, d, ty * k)), fit.residual_px * k, fit.support)
