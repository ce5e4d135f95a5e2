"""The change network: both looks through one encoder, their features compared at five sizes, one mask.

Plain convolutions and ReLU. What is compared is |a - b| and max(a, b), so that swapping the looks changes
nothing. After FC-Siam-diff (Daudt et al., 2018) with the lateral path of a feature pyramid; the encoder
is the object network's, whose weights it starts from.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - as torch's own documents write it
from torch import Tensor, nn

from models.train.network import Residual, conv

_MEAN, _SPREAD = 110.0, 60.0
# Features of each size that are compared, by stride. The finest has few: it is there for rims and small
# things, and every one of them costs as much as four of the next.
WIDTHS = {2: 6, 4: 32, 8: 32, 16: 32, 32: 32}
_FINE, _WIDTH = WIDTHS[2], WIDTHS[4]
_FINE_HEAD = 16
# Few cells change; begin by saying so.
_PRIOR_LOGIT = -3.0

Features = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]
"""(N, WIDTHS[s], H / s, W / s) for s of 2, 4, 8, 16 and 32."""


class Encoder(nn.Module):
    """One look to what is compared of it; computed once for a reference."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv(3, 16, 3, 2)
        self.s4 = nn.Sequential(conv(16, 32, 3, 2), Residual(32))
        self.s8 = nn.Sequential(conv(32, 48, 3, 2), Residual(48))
        self.s16 = nn.Sequential(conv(48, 96, 3, 2), Residual(96))
        self.s32 = conv(96, 96, 3, 2)
        self.l2 = nn.Conv2d(16, _FINE, 1)
        self.l4, self.l8 = nn.Conv2d(32, _WIDTH, 1), nn.Conv2d(48, _WIDTH, 1)
        self.l16, self.l32 = nn.Conv2d(96, _WIDTH, 1), nn.Conv2d(96, _WIDTH, 1)

    def forward(self, image: Tensor) -> Features:
        """(N, 3, H, W) float in 0..255; H and W multiples of 32."""
        half = self.stem((image - _MEAN) / _SPREAD)
        quarter = self.s4(half)
        eighth = self.s8(quarter)
        sixteenth = self.s16(eighth)
        deep = self.s32(sixteenth)
        return self.l2(half), self.l4(quarter), self.l8(eighth), self.l16(sixteenth), self.l32(deep)


class Head(nn.Module):
    """Features of two looks to the logits of a change."""

    def __init__(self) -> None:
        super().__init__()
        self.d4, self.d8, self.d16, self.d32 = (conv(2 * _WIDTH, _WIDTH) for _ in range(4))
        self.u16, self.u8, self.u4 = conv(_WIDTH, _WIDTH), conv(_WIDTH, _WIDTH), conv(_WIDTH, _WIDTH)
        self.mask = nn.Conv2d(_WIDTH, 4, 1)
        nn.init.constant_(self.mask.bias, _PRIOR_LOGIT)  # type: ignore[arg-type]
        self.d2, self.down = conv(2 * _FINE, _FINE_HEAD), conv(_WIDTH, _FINE_HEAD, 1)
        self.u2, self.fine = conv(_FINE_HEAD, _FINE_HEAD), nn.Conv2d(_FINE_HEAD, 4, 1)
        # The coarse mask stands by itself first, so that a trained one without the finest size goes on.
        nn.init.zeros_(self.fine.weight)
        nn.init.zeros_(self.fine.bias)  # type: ignore[arg-type]

    def forward(self, before: Features, after: Features) -> Tensor:
        """(N, 1, H, W) logits: a coarse mask, 4 to a cell of 4 pixels, enlarged, and what is fine on it."""
        layers = self.d2, self.d4, self.d8, self.d16, self.d32
        d2, d4, d8, d16, d32 = (
            layer(torch.cat([(a - b).abs(), torch.maximum(a, b)], 1))
            for layer, a, b in zip(layers, before, after, strict=True)
        )
        x = self.u16(d16 + _doubled(d32))
        x = self.u8(d8 + _doubled(x))
        x = self.u4(d4 + _doubled(x))
        halves = F.pixel_shuffle(self.mask(x), 2)
        coarse = F.interpolate(halves, scale_factor=2.0, mode="bilinear", align_corners=False)
        return coarse + F.pixel_shuffle(self.fine(self.u2(d2 + _doubled(self.down(x)))), 2)


class ChangeNetwork(nn.Module):
    """Both."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.head = Encoder(), Head()

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        """(N, 3, H, W) each -> (N, 1, H, W) logits."""
        both = self.encoder(torch.cat([before, after]))
        n = len(before)
        first: Features = tuple(one[:n] for one in both)
        second: Features = tuple(one[n:] for one in both)
        logits: Tensor = self.head(first, second)
        return logits


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")
