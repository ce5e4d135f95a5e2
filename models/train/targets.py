"""What the network should say of a crop: a peak at every object, and from its middle the way to its sides."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.train.data import LABELS, Boxes

CROP_PX = 320
STRIDE_PX = 4
CELLS = CROP_PX // STRIDE_PX

Array = NDArray[np.float32]

# A Gaussian over the object whose six sigmas span this share of its box (TTFNet's alpha).
_SPAN_FRACTION = 0.54
_SIGMAS = 6
_MIN_SIGMA_CELLS = 0.35
# Cells of at least this height of the Gaussian learn the box.
_BOX_FROM = 0.1


def targets(boxes: Boxes) -> tuple[Array, Array, Array]:
    """What belongs to the boxes of one crop.

    boxes    (N, 5), in pixels of the crop
    returns  heat (L, H, W) in [0, 1], 1 at the middle of an object; sides (4, H, W), pixels to left top right
             bottom; weight (H, W) of the sides, 0 where nothing stands. The smaller of two objects wins.
    """
    heat = np.zeros((len(LABELS), CELLS, CELLS), np.float32)
    sides = np.zeros((4, CELLS, CELLS), np.float32)
    weight = np.zeros((CELLS, CELLS), np.float32)
    largest_first = np.argsort(-(boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
    for box in boxes[largest_first]:
        _add(box, heat, sides, weight)
    return heat, sides, weight


def _add(box: Array, heat: Array, sides: Array, weight: Array) -> None:
    left, top, right, bottom, label = box
    (columns, across), (rows, down) = _bell(left, right), _bell(top, bottom)
    bell = np.exp(-across[None] - down[:, None]).astype(np.float32)
    here = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    heat[int(label)][here] = np.maximum(heat[int(label)][here], bell)
    x, y = (columns[None] + 0.5) * STRIDE_PX, (rows[:, None] + 0.5) * STRIDE_PX
    ways = np.stack(np.broadcast_arrays(x - left, y - top, right - x, bottom - y)).astype(np.float32)
    on = (bell > _BOX_FROM) & (ways.min(0) > 0)
    for side, way in zip(sides, ways, strict=True):
        side[here][on] = way[on]
    # Each object weighs by the logarithm of its area, spread over its cells.
    importance = math.log(max((right - left) * (bottom - top), 2.8))
    weight[here][on] = bell[on] / max(bell[on].sum(), 1e-6) * importance


def _bell(low: float, high: float) -> tuple[NDArray[np.int_], NDArray[np.float64]]:
    """The cells of one axis that an object touches, and the exponent of its Gaussian at each."""
    sigma = max((high - low) / STRIDE_PX * _SPAN_FRACTION / _SIGMAS, _MIN_SIGMA_CELLS)
    middle = min(max(round(float((low + high) / 2 / STRIDE_PX - 0.5)), 0), CELLS - 1)
    reach = int(3 * sigma) + 1
    cells = np.arange(max(0, middle - reach), min(CELLS, middle + reach + 1))
    return cells, (cells - middle) ** 2 / (2 * sigma * sigma)


def label_mask(known: Sequence[int], undecided: Boxes) -> Array:
    """(L, H, W) float32; 1 for the labels that count in this crop, but not where one is undecided."""
    mask = np.zeros((len(LABELS), CELLS, CELLS), np.float32)
    mask[list(known)] = 1
    for left, top, right, bottom, label in undecided:
        rows, columns = _cells(top, bottom), _cells(left, right)
        mask[int(label), rows, columns] = 0
    return mask


def _cells(low: float, high: float) -> slice:
    return slice(int(max(low, 0) / STRIDE_PX), math.ceil(high / STRIDE_PX))
