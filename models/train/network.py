"""The network: a small residual backbone, its levels added up to a quarter of the size, one peak an object.

0.88 M parameters, plain convolutions and ReLU: what small boards run fastest. After CenterNet and TTFNet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - as torch's own documents write it
from torch import Tensor, nn

from models.train.data import LABELS, SOURCES

# Of 0..255; about the mean and spread of the training images.
_MEAN, _SPREAD = 110.0, 60.0
# Multiples of 16: the runtime works on blocks of 8 or 16 channels, and pads what does not fill them.
_S4, _S8, _S16, _S32, _WIDTH = 32, 48, 96, 112, 32
# The network gives the way to the sides in units of this many pixels.
_SIDE_PX = 16.0
# A hundredth: what a cell holds before anything is learnt, or the first steps drown in empty cells.
_PRIOR_LOGIT = -4.6


def conv(n_in: int, n_out: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """A convolution, its normalisation and its ReLU."""
    layer = nn.Conv2d(n_in, n_out, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(n_out), nn.ReLU(inplace=True))


class Residual(nn.Module):
    """Two convolutions and the way past them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.a = conv(width, width)
        self.b = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        return F.relu(x + self.b(self.a(x)))


class Network(nn.Module):
    """Finds the middle of objects and from there their sides."""

    def __init__(self, n_labels: int = len(LABELS)) -> None:
        super().__init__()
        self.stem = conv(3, 16, 3, 2)
        self.s4 = nn.Sequential(conv(16, _S4, 3, 2), Residual(_S4))
        self.s8 = nn.Sequential(conv(_S4, _S8, 3, 2), Residual(_S8))
        self.s16 = nn.Sequential(conv(_S8, _S16, 3, 2), Residual(_S16))
        self.s32 = nn.Sequential(conv(_S16, _S32, 3, 2), Residual(_S32), Residual(_S32))
        self.l32, self.l16 = conv(_S32, _WIDTH, 1), conv(_S16, _WIDTH, 1)
        self.l8, self.l4 = conv(_S8, _WIDTH, 1), conv(_S4, _WIDTH, 1)
        self.p16, self.p8 = conv(_WIDTH, _WIDTH), conv(_WIDTH, _WIDTH)
        self.head = conv(_WIDTH, _WIDTH)
        self.hm, self.box = nn.Conv2d(_WIDTH, n_labels, 1), nn.Conv2d(_WIDTH, 4, 1)
        nn.init.constant_(self.hm.bias, _PRIOR_LOGIT)  # type: ignore[arg-type]
        nn.init.normal_(self.hm.weight, std=0.01)
        nn.init.constant_(self.box.bias, 1.0)  # type: ignore[arg-type]
        nn.init.normal_(self.box.weight, std=0.01)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and sides.

        image    (N, 3, H, W) float in 0..255; H and W multiples of 32
        returns  (N, L, H / 4, W / 4) logits of the heat; (N, 4, H / 4, W / 4) pixels to left top right bottom
        """
        quarter = self.s4(self.stem((image - _MEAN) / _SPREAD))
        eighth = self.s8(quarter)
        sixteenth = self.s16(eighth)
        deep = self.l16(sixteenth) + _doubled(self.l32(self.s32(sixteenth)))
        middle = self.l8(eighth) + _doubled(self.p16(deep))
        head = self.head(self.l4(quarter) + _doubled(self.p8(middle)))
        return self.hm(head), F.relu(self.box(head)) * _SIDE_PX


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A run as it was saved.

    net, ema  the weights, and their moving average, which is what ships
    minutes   of the budget that are used up
    sources   the sets it learns from
    """

    net: Mapping[str, Tensor]
    ema: Mapping[str, Tensor]
    optimizer: Mapping[str, Any]
    step: int
    minutes: float
    sources: tuple[str, ...]

    def save(self, path: Path) -> None:
        """Write it, whole or not at all."""
        whole = path.with_suffix(".tmp")
        state = {"net": self.net, "ema": self.ema, "opt": self.optimizer, "step": self.step}
        torch.save(state | {"t": self.minutes, "sources": list(self.sources)}, whole)
        whole.replace(path)


def read_checkpoint(path: Path) -> Checkpoint:
    """A saved run; one that does not name its sets learnt from all of them."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    sources = tuple(state.get("sources", [source.name for source in SOURCES]))
    return Checkpoint(state["net"], state["ema"], state["opt"], state["step"], state["t"], sources)
