"""Objects put onto a pair of looks: some in both, some that come, go or are altered, with their truth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.drill.catalogue import KINDS, plan_of
from edge.drill.paint import AIRCRAFT_PAINTS, VEHICLE_COLOURS
from edge.drill.parts import Plan, box
from models.train.change.data import UNSURE
from models.train.data import Boxes
from models.train.rendered import Cutout, a_light, a_plan, cut_out, lay
from models.train.rotorcraft import a_helicopter

Rgb = NDArray[np.uint8]

# What is laid onto the ground, and how often.
_KINDS = {
    "airliner_narrow": 2, "airliner_wide": 1, "transport": 2, "business_jet": 2, "light": 2, "fighter": 2,
    "helicopter": 1, "any_helicopter": 2, "car": 3, "van": 2, "truck": 2, "military_truck": 2, "tanker": 1,
    "bus": 1, "tug": 1, "carts": 1, "storage_tank": 1, "container": 2, "pallet": 1, "coaster": 1, "shed": 4,
}  # fmt: skip
_NAMES = tuple(_KINDS)
_CHANCES = np.array(list(_KINDS.values())) / sum(_KINDS.values())
# Of the rim of an object nobody can say whether it changed.
SURE_ALPHA, RIM_ALPHA = 0.4, 0.04
RIM_SHADE = 0.93
_SMALL_PX = 24.0
ALTERED_CONTRAST = 28.0
# An object that differs less from its ground than this, in counts, cannot be seen.
MIN_CONTRAST = 16.0
# What is left of a building at the rim of a window is no building.
_MIN_BUILDING_PX = 60


@dataclass(frozen=True, slots=True)
class Placed:
    """An object that changed.

    box         left top right bottom in pixels
    is_altered  it stands in both looks, in another state; else it came or went
    """

    box: tuple[float, float, float, float]
    is_altered: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """One object, rendered once and laid down often.

    looks    it under two suns
    altered  it under the first of them, but in another state or paint, or another kind in its place
    """

    looks: tuple[Cutout, Cutout]
    altered: Cutout


def models(n: int, seed: int) -> list[Model]:
    """A stock of objects at 0.3 to 1 m per pixel; about 20 ms each."""
    rng = np.random.default_rng([seed, n])
    return [_model(rng) for _ in range(n)]


def _model(rng: np.random.Generator) -> Model:
    plan, other = _any_plans(rng)
    gsd_m, heading = math.exp(rng.uniform(math.log(0.3), 0)), rng.uniform(0, 360)
    suns = a_light(rng), a_light(rng)
    first, second = (cut_out(plan, heading, sun, gsd_m, rng) for sun in suns)
    return Model((first, second), cut_out(other, heading, suns[0], gsd_m, rng))


class Stage:
    """Two looks at one ground, and what is known of their difference.

    before, after  (H, W, 3) uint8, changed in place
    changed        (H, W) uint8, 1 where something came, went or was altered
    weight         (H, W) float32, 0 where nobody can say, above 1 on small objects
    placed         objects that changed
    owner          (H, W) uint16, which of them a changed pixel belongs to, from 1; 0 for none
    """

    def __init__(self, before: Rgb, after: Rgb, changed: NDArray[np.bool_]) -> None:
        self.before, self.after = before.copy(), after.copy()
        self.changed = changed.astype(np.uint8)
        self.weight = np.ones(changed.shape, np.float32)
        self.placed: list[Placed] = []
        self.owner = np.zeros(changed.shape, np.uint16)

    def populate(self, stock: Sequence[Model], rng: np.random.Generator, n_both: int, n_changed: int) -> None:
        """Lay objects into both looks, each under its own sun, then some into one of them."""
        for index in range(n_both + n_changed):
            model, middle = stock[int(rng.integers(len(stock)))], self._middle(rng)
            if index < n_both:
                _lay_at(self.before, model.looks[0], middle)
                _lay_at(self.after, model.looks[1], middle)
            elif rng.random() < 0.15:
                self._alter(model, middle)
            else:
                self._come_or_go(model.looks[0], middle, rng)

    def _middle(self, rng: np.random.Generator) -> tuple[float, float]:
        height, width = self.changed.shape
        return rng.uniform(0, width), rng.uniform(0, height)

    def _come_or_go(self, one: Cutout, middle: tuple[float, float], rng: np.random.Generator) -> None:
        pixels = (self.before, self.after)[int(rng.integers(2))]
        here, own = self._where(one, middle)
        was = pixels[here].astype(np.float32)
        box = _lay_at(pixels, one, middle)
        alpha, shade = one.alpha[own], one.shade[own].min(-1)
        sure = alpha > SURE_ALPHA
        if not sure.any():
            return
        rim = ~sure & ((alpha > RIM_ALPHA) | (shade < RIM_SHADE))
        is_seen = float(np.abs(was - pixels[here])[sure].mean()) > MIN_CONTRAST
        small = float(np.clip(_SMALL_PX / (2 * math.sqrt(alpha.sum())), 1, 4))
        self.weight[here] = np.where(rim, 0, np.where(sure, small * is_seen, self.weight[here]))
        self.changed[here] = np.where(sure, 1, self.changed[here])
        if is_seen:
            self._own(Placed(box), here, sure)

    def _alter(self, model: Model, middle: tuple[float, float]) -> None:
        """The change is where the two differ before neutral ground; what stood there before is covered."""
        _lay_at(self.before, model.looks[0], middle)
        _lay_at(self.after, model.altered, middle)
        neutral = [np.full((*self.changed.shape, 3), 128, np.uint8) for _ in range(2)]
        boxes = [
            _lay_at(one, cutout, middle)
            for one, cutout in zip(neutral, (model.looks[0], model.altered), strict=True)
        ]
        joined = np.array(boxes)
        low, high = joined[:, :2].min(0), joined[:, 2:].max(0)
        here = _slices((low[0], low[1], high[0], high[1]), self.changed.shape)
        apart = np.abs(neutral[0][here].astype(np.float32) - neutral[1][here]).max(-1, initial=0)
        is_altered = apart > ALTERED_CONTRAST
        self.weight[here] = np.where(
            is_altered, 1.0, np.where(apart > ALTERED_CONTRAST / 3, 0, self.weight[here])
        )
        self.changed[here] |= is_altered.astype(np.uint8)
        if is_altered.any():
            self._own(Placed((low[0], low[1], high[0], high[1]), is_altered=True), here, is_altered)

    def _own(self, placed: Placed, here: tuple[slice, slice], inside: NDArray[np.bool_]) -> None:
        self.placed.append(placed)
        self.owner[here][inside] = len(self.placed)

    def _where(
        self, one: Cutout, middle: tuple[float, float]
    ) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """The part of the stage that a cutout lies on, and the part of the cutout that lies on it."""
        left, top = _corner_of(one, middle)
        width, height = one.size
        rows, columns = _slices((left, top, left + width, top + height), self.changed.shape)
        own = slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)
        return (rows, columns), own

    def weigh(self, owner: NDArray[np.uint16]) -> None:
        """Give the pixels of rendered changes their weight; owner as in `data.Place`."""
        numbers, index, areas = np.unique(owner, return_inverse=True, return_counts=True)
        each = np.clip(_SMALL_PX / (2 * np.sqrt(areas)), 1, 4)
        each[numbers == 0], each[numbers == UNSURE] = 1, 0
        self.weight[:] = each[index].reshape(owner.shape)

    def take_away(self, boxes: Boxes, rng: np.random.Generator) -> None:
        """Cover one real object, in one of the looks, with ground from beside it."""
        height, width = self.changed.shape
        for left, top, right, bottom, _ in boxes[rng.permutation(len(boxes))[:3]]:
            rows, columns = _slices((left - 2, top - 2, right + 2, bottom + 2), (height, width))
            down, across = rows.stop - rows.start, columns.stop - columns.start
            way = rng.uniform(0, 2 * math.pi)
            y = int(rows.start + 1.15 * down * math.sin(way) * 1.2)
            x = int(columns.start + 1.15 * across * math.cos(way) * 1.2)
            if min(down, across) < 6 or x < 0 or y < 0 or x + across > width or y + down > height:
                continue
            if _meets_any((x, y, x + across, y + down), boxes):
                continue
            pixels = (self.before, self.after)[int(rng.integers(2))]
            fade = _fade(down, across)[..., None]
            patch = pixels[y : y + down, x : x + across].astype(np.float32)
            mixed = pixels[rows, columns] * (1 - fade) + patch * fade
            inner = _ellipse(down, across)
            apart = np.abs(mixed - pixels[rows, columns]).mean(-1)
            if apart[inner > 0].mean() < MIN_CONTRAST:
                continue
            pixels[rows, columns] = mixed.astype(np.uint8)
            self.changed[rows, columns] |= inner
            self.weight[rows, columns] = np.where(inner > 0, 0.7, 0)
            self._own(Placed((left, top, right, bottom)), (rows, columns), inner > 0)

    def transplant(self, pixels: Rgb, mask: NDArray[np.uint8], rng: np.random.Generator) -> None:
        """Lay some of the buildings of another pair into one of the looks; pixels and mask as the stage."""
        n, parts, stats, _ = cv2.connectedComponentsWithStats(mask)
        large = [index for index in range(1, n) if stats[index, cv2.CC_STAT_AREA] >= _MIN_BUILDING_PX]
        look = (self.before, self.after)[int(rng.integers(2))]
        gain = (float(look.mean()) / max(float(pixels.mean()), 1.0)) ** rng.uniform(0, 1)
        for index in rng.permutation(large)[: int(rng.integers(1, 9))]:
            inside = (parts == index).astype(np.uint8)
            alpha = cv2.GaussianBlur(
                cv2.dilate(inside, np.ones((3, 3), np.uint8)).astype(np.float32), (0, 0), 0.8
            )
            here = _slices(_around(stats[index], 6), self.changed.shape)
            share = alpha[here][..., None]
            was = look[here].astype(np.float32)
            mixed = (pixels[here] * np.float32(gain)).clip(0, 255) * share + was * (1 - share)
            sure = inside[here] > 0
            if np.abs(mixed - was)[sure].mean() < MIN_CONTRAST:
                continue
            look[here] = mixed.astype(np.uint8)
            self.changed[here] |= inside[here]
            self.owner[here][sure] = 0
            rim = ~sure & (alpha[here] > RIM_ALPHA)
            self.weight[here] = np.where(rim, 0, np.where(sure, 1, self.weight[here]))


def _around(stat: NDArray[np.int32], margin_px: int) -> tuple[float, float, float, float]:
    left, top, width, height = (float(value) for value in stat[:4])
    return left - margin_px, top - margin_px, left + width + margin_px, top + height + margin_px


def _any_plans(rng: np.random.Generator) -> tuple[Plan, Plan]:
    """An object, and what it may be altered to."""
    kind = str(rng.choice(_NAMES, p=_CHANCES))
    if kind == "any_helicopter":
        return a_helicopter(rng), a_helicopter(rng)
    if kind == "shed":
        return _shed(rng), _shed(rng)
    about = KINDS[kind]
    if len(about.states) == 1:
        return a_plan(kind, rng), a_plan(kind if rng.random() < 0.4 else str(rng.choice(_NAMES[:6])), rng)
    paint = str(rng.choice(about.paints))
    first, second = (str(state) for state in rng.permutation(about.states)[:2])
    return plan_of(kind, paint, first), plan_of(kind, paint, second)


def _shed(rng: np.random.Generator) -> Plan:
    """A box of any colour and size: huts, tents, crates, roofs, new walls."""
    colours = [*VEHICLE_COLOURS.values(), *(paint.body for paint in AIRCRAFT_PAINTS.values())]
    red, green, blue = (float(c * rng.uniform(0.7, 1.1)) for c in colours[rng.integers(len(colours))])
    colour = (min(red, 1), min(green, 1), min(blue, 1))
    half, long, up = rng.uniform(2, 12), rng.uniform(2, 20), rng.uniform(1.5, 8)
    solid = box(half, long, -long, up, colour)
    if rng.random() < 0.4:
        return (solid,)
    ridge = (min(red * 1.2, 1), min(green * 1.2, 1), min(blue * 1.2, 1))
    return solid, box(half / 2, long, -long, up + 0.4, ridge)


def _corner_of(one: Cutout, middle: tuple[float, float]) -> tuple[int, int]:
    left, top, right, bottom = one.box
    return round(middle[0] - (left + right) / 2), round(middle[1] - (top + bottom) / 2)


def _lay_at(pixels: Rgb, one: Cutout, middle: tuple[float, float]) -> tuple[float, float, float, float]:
    return lay(pixels, one, *_corner_of(one, middle))


def _slices(box: tuple[float, float, float, float], shape: tuple[int, ...]) -> tuple[slice, slice]:
    left, top, right, bottom = (round(float(side)) for side in box)
    rows = slice(min(max(0, top), shape[0]), max(0, min(shape[0], bottom)))
    return rows, slice(min(max(0, left), shape[1]), max(0, min(shape[1], right)))


def _meets_any(box: tuple[float, float, float, float], boxes: Boxes) -> bool:
    apart = (boxes[:, 0] > box[2]) | (boxes[:, 2] < box[0]) | (boxes[:, 1] > box[3]) | (boxes[:, 3] < box[1])
    return bool((~apart).any())


def _fade(down: int, across: int) -> NDArray[np.float32]:
    """1 inside, falling to 0 at the rim."""
    inside = np.zeros((down, across), np.float32)
    inside[2:-2, 2:-2] = 1
    return np.asarray(cv2.GaussianBlur(inside, (0, 0), 1.0), np.float32)


def _ellipse(down: int, across: int) -> NDArray[np.uint8]:
    y, x = np.mgrid[0:down, 0:across]
    reach = ((y + 0.5) / down * 2 - 1) ** 2 + ((x + 0.5) / across * 2 - 1) ** 2
    return np.asarray(reach < 0.6, np.uint8)
