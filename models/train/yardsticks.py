"""Nets of the size that others use for the same work, to time ours against; only their shape counts.

YoloLike has the layers of YOLO11n (Ultralytics, 2024): 2.6 M parameters, SiLU. TinyChangeLike has those
of TinyCD (Codegoni, Lombardi and Ferrari, 2022): the first stages of EfficientNet-B4 for both looks,
mixed and compared.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - as torch's own documents write it
from torch import Tensor, nn


def _conv(n_in: int, n_out: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    layer = nn.Conv2d(n_in, n_out, kernel, stride, kernel // 2, groups=groups)
    return nn.Sequential(layer, nn.SiLU())


class _Bottleneck(nn.Module):
    def __init__(self, n_in: int, n_out: int, share: float) -> None:
        super().__init__()
        hidden = int(n_out * share)
        self.a, self.b = _conv(n_in, hidden, 3), _conv(hidden, n_out, 3)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.b(self.a(x))
        result: Tensor = x + y if x.shape == y.shape else y
        return result


class _Deep(nn.Module):
    """C3k: two bottlenecks beside a way past them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        self.a, self.b, self.out = _conv(width, half), _conv(width, half), _conv(2 * half, width)
        self.inner = nn.Sequential(_Bottleneck(half, half, 1.0), _Bottleneck(half, half, 1.0))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.out(torch.cat([self.inner(self.a(x)), self.b(x)], 1))
        return y


class _Split(nn.Module):
    """C3k2: half of the channels go through one more block."""

    def __init__(self, n_in: int, n_out: int, share: float = 0.5, *, is_deep: bool = False) -> None:
        super().__init__()
        half = int(n_out * share)
        self.a, self.out = _conv(n_in, 2 * half), _conv(3 * half, n_out)
        self.inner = _Deep(half) if is_deep else _Bottleneck(half, half, 0.5)

    def forward(self, x: Tensor) -> Tensor:
        first, second = self.a(x).chunk(2, 1)
        y: Tensor = self.out(torch.cat([first, second, self.inner(second)], 1))
        return y


class _Pooled(nn.Module):
    """SPPF: the same pooling three times over."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.a, self.out = _conv(width, width // 2), _conv(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        found = [self.a(x)]
        for _ in range(3):
            found.append(F.max_pool2d(found[-1], 5, 1, 2))
        y: Tensor = self.out(torch.cat(found, 1))
        return y


class _Attention(nn.Module):
    """C2PSA with one block: half of the channels attend to each other."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self._half, self._heads = width // 2, width // 128
        self.a, self.out = _conv(width, width), _conv(width, width)
        self.qkv = nn.Conv2d(self._half, 2 * self._half, 1)
        self.place = nn.Conv2d(self._half, self._half, 3, 1, 1, groups=self._half)
        self.project = nn.Conv2d(self._half, self._half, 1)
        self.feed = nn.Sequential(_conv(self._half, 2 * self._half), nn.Conv2d(2 * self._half, self._half, 1))

    def forward(self, x: Tensor) -> Tensor:
        first, second = self.a(x).chunk(2, 1)
        second = second + self._attended(second)
        second = second + self.feed(second)
        y: Tensor = self.out(torch.cat([first, second], 1))
        return y

    def _attended(self, x: Tensor) -> Tensor:
        n, _, height, width = x.shape
        parts = self.qkv(x).view(n, self._heads, 128, height * width)
        query, key, value = parts.split([32, 32, 64], 2)
        shares = (query.transpose(-2, -1) @ key * 32**-0.5).softmax(-1)
        mixed = (value @ shares.transpose(-2, -1)).reshape(n, self._half, height, width)
        y: Tensor = self.project(mixed + self.place(value.reshape(n, self._half, height, width)))
        return y


class YoloLike(nn.Module):
    """(1, 3, H, W) float -> (1, 64 + 80, N)."""

    def __init__(self) -> None:
        super().__init__()
        self.s8 = nn.Sequential(
            _conv(3, 16, 3, 2),
            _conv(16, 32, 3, 2),
            _Split(32, 64, 0.25),
            _conv(64, 64, 3, 2),
            _Split(64, 128, 0.25),
        )
        self.s16 = nn.Sequential(_conv(128, 128, 3, 2), _Split(128, 128, is_deep=True))
        self.s32 = nn.Sequential(
            _conv(128, 256, 3, 2), _Split(256, 256, is_deep=True), _Pooled(256), _Attention(256)
        )
        self.up16, self.up8 = _Split(384, 128), _Split(256, 64)
        self.down16, self.down32 = _conv(64, 64, 3, 2), _conv(128, 128, 3, 2)
        self.out16, self.out32 = _Split(192, 128), _Split(384, 256, is_deep=True)
        self.boxes = nn.ModuleList(
            nn.Sequential(_conv(n, 64, 3), _conv(64, 64, 3), nn.Conv2d(64, 64, 1)) for n in (64, 128, 256)
        )
        self.scores = nn.ModuleList(
            nn.Sequential(
                _conv(n, n, 3, groups=n),
                _conv(n, 80),
                _conv(80, 80, 3, groups=80),
                _conv(80, 80),
                nn.Conv2d(80, 80, 1),
            )
            for n in (64, 128, 256)
        )

    def forward(self, image: Tensor) -> Tensor:
        """All levels in one row."""
        eighth = self.s8(image)
        sixteenth = self.s16(eighth)
        deep = self.s32(sixteenth)
        up16 = self.up16(torch.cat([F.interpolate(deep, scale_factor=2.0), sixteenth], 1))
        up8 = self.up8(torch.cat([F.interpolate(up16, scale_factor=2.0), eighth], 1))
        out16 = self.out16(torch.cat([self.down16(up8), up16], 1))
        out32 = self.out32(torch.cat([self.down32(out16), deep], 1))
        levels = zip(self.boxes, self.scores, (up8, out16, out32), strict=True)
        return torch.cat([torch.cat([box(x), score(x)], 1).flatten(2) for box, score, x in levels], 2)


class _Inverted(nn.Module):
    """MBConv: wide, depthwise, squeezed, narrow."""

    def __init__(self, n_in: int, n_out: int, kernel: int, stride: int, widening: int) -> None:
        super().__init__()
        wide = n_in * widening
        self.open = _conv(n_in, wide) if widening > 1 else nn.Identity()
        self.depth = _conv(wide, wide, kernel, stride, groups=wide)
        squeezed = max(1, n_in // 4)
        self.squeeze = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), _conv(wide, squeezed), nn.Conv2d(squeezed, wide, 1), nn.Sigmoid()
        )
        self.close = nn.Conv2d(wide, n_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.depth(self.open(x))
        y = self.close(y * self.squeeze(y))
        result: Tensor = x + y if x.shape == y.shape else y
        return result


def _stage(n_in: int, n_out: int, kernel: int, stride: int, *, widening: int, times: int) -> nn.Sequential:
    first = _Inverted(n_in, n_out, kernel, stride, widening)
    return nn.Sequential(first, *(_Inverted(n_out, n_out, kernel, 1, widening) for _ in range(times - 1)))


class _Mixing(nn.Module):
    """The channels of both looks side by side in pairs, then a mask of where they differ."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.mix = nn.Sequential(
            nn.Conv2d(2 * n_in, n_in, 3, 1, 1, groups=n_in), nn.PReLU(), nn.InstanceNorm2d(n_in)
        )
        self.mask = nn.Sequential(nn.Conv2d(n_in, n_out, 1), nn.PReLU(), nn.Conv2d(n_out, 1, 1), nn.Sigmoid())

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        paired = torch.stack([before, after], 2).flatten(1, 2)
        y: Tensor = self.mask(self.mix(paired))
        return y


class TinyChangeLike(nn.Module):
    """Two (1, 3, H, W) float -> (1, 1, H, W)."""

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            [
                _conv(3, 48, 3, 2),
                _stage(48, 24, 3, 1, widening=1, times=2),
                _stage(24, 32, 3, 2, widening=6, times=4),
                _stage(32, 56, 5, 2, widening=6, times=4),
            ]
        )
        self.first = _Mixing(3, 64)
        self.mixed = nn.ModuleList([_Mixing(24, 64), _Mixing(32, 64)])
        self.deep = nn.Sequential(nn.Conv2d(112, 56, 3, 1, 1, groups=56), nn.PReLU(), nn.InstanceNorm2d(56))
        self.up = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(n, n, 3, 1, 1, groups=n), nn.Conv2d(n, 64, 1), nn.PReLU())
                for n in (56, 64, 64)
            ]
        )
        self.last = nn.Sequential(nn.Conv2d(64, 16, 1), nn.PReLU(), nn.Conv2d(16, 1, 1), nn.Sigmoid())

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        """The mask."""
        masks, a, b = [self.first(before, after)], before, after
        for number, stage in enumerate(self.stages):
            a, b = stage(a), stage(b)
            if number in {1, 2}:
                masks.append(self.mixed[number - 1](a, b))
        x = self.deep(torch.stack([a, b], 2).flatten(1, 2))
        for layer, mask in zip(self.up, reversed(masks), strict=True):
            x = layer(F.interpolate(x, size=mask.shape[2:], mode="bilinear")) * mask
        y: Tensor = self.last(x)
        return y
