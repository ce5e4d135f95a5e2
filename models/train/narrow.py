"""A wider checkpoint cut to this network: `python -m models.train.narrow --checkpoint OLD --out NEW`.

Of each group of channels that are added up, and so share their numbers, those stay that weigh most in the layers
that read them; residual blocks that the network no longer has are left out. What is lost comes back within a few
hundred steps of training, which is cheaper than to begin with chance.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from models.train.network import Network

Weights = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Group:
    """Layers that share their channels.

    written  prefixes of convolutions whose outputs they are, each with its normalisation
    read     convolutions whose inputs they are
    """

    written: tuple[str, ...]
    read: tuple[str, ...]


_GROUPS = (
    Group(("s8.0", "s8.1.b"), ("s8.1.a.0", "s16.0.0", "l8.0")),
    Group(("s8.1.a",), ("s8.1.b.0",)),
    Group(("s32.0", "s32.1.b", "s32.2.b"), ("s32.1.a.0", "s32.2.a.0", "l32.0")),
    Group(("s32.1.a",), ("s32.1.b.0",)),
    Group(("s32.2.a",), ("s32.2.b.0",)),
    Group(("l32", "l16", "l8", "l4", "p16", "p8"), ("p16.0", "p8.0", "head.0")),
    Group(("head",), ("hm", "box")),
)


def narrowed(wide: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Weights:
    """The weights of a wide network in the shapes of the wanted one; new labels begin as the wanted one has them."""
    weights = {name: wide[name].clone() for name in wanted}
    for group in _GROUPS:
        _cut(weights, group, len(wanted[f"{group.written[0]}.0.weight"]))
    for name in ("hm.weight", "hm.bias"):
        n_old = len(weights[name])
        weights[name] = torch.cat([weights[name], wanted[name][n_old:]])
    return weights


def _cut(weights: Weights, group: Group, n_kept: int) -> None:
    gain = torch.stack([weights[f"{name}.1.weight"].abs() for name in group.written]).mean(0)
    used = torch.stack([weights[f"{name}.weight"].abs().sum((0, 2, 3)) for name in group.read]).mean(0)
    kept = (gain * used).topk(n_kept).indices.sort().values
    for name in group.written:
        for part in ("0.weight", "1.weight", "1.bias", "1.running_mean", "1.running_var"):
            weights[f"{name}.{part}"] = weights[f"{name}.{part}"][kept]
    for name in group.read:
        weights[f"{name}.weight"] = weights[f"{name}.weight"][:, kept]


def main(arguments: Sequence[str] | None = None) -> None:
    """Cut as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parsed = parser.parse_args(arguments)
    state = torch.load(parsed.checkpoint, map_location="cpu", weights_only=True)
    weights = narrowed(state["ema"], Network().state_dict())
    torch.save(state | {"net": weights, "ema": weights, "opt": {}, "step": 0, "t": 0.0}, parsed.out)


if __name__ == "__main__":
    main()
