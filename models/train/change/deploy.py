"""From a change network to an ONNX file: bytes and earlier features in, a mask and features out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from torch import Tensor, nn

from models.train.calibrate import Calibration
from models.train.change.network import WIDTHS, ChangeNetwork, Features
from models.train.change.on_demand import head_on_demand
from models.train.deploy import OPSET, fused
from models.train.pack import packed

WINDOW_PX = 256
MAX_ERROR = 2e-3


class DeployedChange(nn.Module):
    """The network with everything around it; what is compared of a look is one row of numbers."""

    def __init__(self, network: ChangeNetwork, calibration: Calibration) -> None:
        super().__init__()
        self.network = network
        self.scale, self.bias = calibration.scale, calibration.bias

    def forward(self, image: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """(1, H, W, 3) uint8, (1, F) -> (1, 1, H, W) how surely a pixel changed, and (1, F) of the image."""
        own: Features = self.network.encoder(image.permute(0, 3, 1, 2).float())
        logits = self.network.head(_unrolled(before), own)
        mask = torch.sigmoid(logits * self.scale + self.bias)
        return mask, torch.cat([level.flatten(1) for level in own], 1)


def n_features() -> int:
    """Numbers that are compared of one window."""
    return sum(width * (WINDOW_PX // stride) ** 2 for stride, width in WIDTHS.items())


def _unrolled(row: Tensor) -> Features:
    levels, start = [], 0
    for stride, width in WIDTHS.items():
        side = WINDOW_PX // stride
        levels.append(row[:, start : start + width * side * side].reshape(1, width, side, side))
        start += width * side * side
    return tuple(levels)  # type: ignore[return-value]


def deployed(network: ChangeNetwork, calibration: Calibration) -> DeployedChange:
    """Normalisation layers folded into the convolutions; changes the network."""
    network.eval()
    fused(network)
    return DeployedChange(network, calibration).eval()


def write_onnx(module: DeployedChange, path: Path) -> None:
    """Write the file, its weights as FP16, and check that it says what the network says."""
    rng = np.random.default_rng(0)
    windows = [rng.integers(0, 256, (1, WINDOW_PX, WINDOW_PX, 3), np.uint8) for _ in range(2)]
    nothing = torch.zeros(1, n_features())
    torch.onnx.export(
        module,
        (torch.from_numpy(windows[0]), nothing),
        str(path),
        input_names=["image", "before"],
        output_names=["mask", "features"],
        opset_version=OPSET,
        dynamo=False,
    )
    small = packed(onnx.load(path), "fp16")
    onnx.save(head_on_demand(small, before="before", features="features", mask="mask"), path)
    session = ort.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    [first] = session.run(["features"], {"image": windows[0], "before": nothing.numpy()})
    [got] = session.run(["mask"], {"image": windows[1], "before": first})
    with torch.no_grad():
        _, known = module(torch.from_numpy(windows[0]), nothing)
        wanted, _ = module(torch.from_numpy(windows[1]), known)
    error = float(np.abs(got - wanted.numpy()).max())
    if error > MAX_ERROR:
        raise RuntimeError(f"{path}: expected what the network says, got an error of {error}")
