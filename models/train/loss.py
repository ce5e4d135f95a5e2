"""How wrong the network is: a focal loss of the peaks, and the generalised IoU of the boxes."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

# A batch with fewer objects than this would weigh each of them too much.
_MIN_OBJECTS = 8
_BOX_WEIGHT = 2.0


class Targets(NamedTuple):
    """A batch of what targets() gives, and the mask of the labels that count in each cell.

    heat (N, L, H, W), sides (N, 4, H, W), weight (N, H, W), known (N, L, H, W)
    """

    heat: Tensor
    sides: Tensor
    weight: Tensor
    known: Tensor


def loss(logits: Tensor, sides: Tensor, wanted: Targets) -> tuple[Tensor, Tensor]:
    """The loss of the peaks and of the boxes; their sum is what is brought down."""
    return _peak_loss(logits, wanted), _BOX_WEIGHT * _box_loss(sides, wanted)


def _peak_loss(logits: Tensor, wanted: Targets) -> Tensor:
    """Focal loss (CenterNet's): cells near a middle count less as mistakes, unlabelled ones not at all."""
    p = logits.sigmoid().clamp(1e-4, 1 - 1e-4)
    is_middle = (wanted.heat >= 0.999).float()
    missed = -((1 - p) ** 2) * p.log() * is_middle
    invented = -((1 - wanted.heat) ** 4) * p**2 * (1 - p).log() * (1 - is_middle)
    n_objects = (is_middle * wanted.known).sum().clamp(min=_MIN_OBJECTS)
    return ((missed + invented) * wanted.known).sum() / n_objects


def _box_loss(sides: Tensor, wanted: Targets) -> Tensor:
    """1 - generalised IoU over the cells that hold an object, by their weight."""
    on = wanted.weight > 0
    got, true = sides.permute(0, 2, 3, 1)[on], wanted.sides.permute(0, 2, 3, 1)[on]
    inner = _area(torch.min(got, true))
    union = _area(got) + _area(true) - inner
    around = _area(torch.max(got, true))
    giou = inner / union.clamp(min=1e-6) - (around - union) / around.clamp(min=1e-6)
    weight = wanted.weight[on]
    return ((1 - giou) * weight).sum() / weight.sum().clamp(min=1)


def _area(sides: Tensor) -> Tensor:
    return (sides[:, 0] + sides[:, 2]) * (sides[:, 1] + sides[:, 3])
