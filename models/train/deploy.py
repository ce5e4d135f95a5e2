"""From a network to an ONNX file that keeps the contract of a manifest: bytes in, boxes and scores out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
import torch
import torch.nn.functional as F  # noqa: N812 - as torch's own documents write it
from torch import Tensor, nn

from models.train.calibrate import Calibration
from models.train.network import Network
from models.train.targets import STRIDE_PX

WINDOW_PX = 512
OPSET = 17
# The file and the network may differ by rounding and no more, in pixels and in scores.
MAX_ERRORS = (0.05, 1e-3)


class Deployed(nn.Module):
    """The network with everything around it: uint8 windows in, sides turned into boxes, peaks kept."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        middle = torch.arange(WINDOW_PX // STRIDE_PX) * STRIDE_PX + STRIDE_PX / 2
        y, x = torch.meshgrid(middle, middle, indexing="ij")
        self.register_buffer("corner", torch.stack([x, y, x, y]).flatten(1)[None])
        self.register_buffer("outward", torch.tensor([-1.0, -1.0, 1.0, 1.0]).reshape(1, 4, 1))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(1, H, W, 3) uint8 -> (1, N, 4) pixels, (1, N, L) scores; 0 off the peaks of 3 x 3 cells."""
        logits, sides = self.network(image.permute(0, 3, 1, 2).float())
        is_peak = F.max_pool2d(logits, 3, 1, 1) == logits
        scores = logits.sigmoid() * is_peak.float()
        boxes = self.corner + sides.flatten(2) * self.outward
        return boxes.permute(0, 2, 1), scores.flatten(2).permute(0, 2, 1)


def deployed(network: Network, channels: Sequence[int], calibrations: Sequence[Calibration]) -> Deployed:
    """Normalisation layers folded into the convolutions, calibrations into the last one; changes the network.

    channels      the labels that are kept
    calibrations  one for each of them
    """
    network.eval()
    fused(network)
    scale, bias = (torch.tensor([getattr(one, part) for one in calibrations]) for part in ("scale", "bias"))
    kept, last = list(channels), nn.Conv2d(network.hm.in_channels, len(channels), 1)
    assert network.hm.bias is not None
    assert last.bias is not None
    with torch.no_grad():
        last.weight.copy_(network.hm.weight[kept] * scale.reshape(-1, 1, 1, 1))
        last.bias.copy_(network.hm.bias[kept] * scale + bias)
    network.hm = last
    return Deployed(network).eval()


def fused(module: nn.Module) -> None:
    """Fold each normalisation into the convolution before it; changes the module."""
    for child in module.children():
        if isinstance(child, nn.Sequential) and len(child) > 1 and isinstance(child[1], nn.BatchNorm2d):
            assert isinstance(child[0], nn.Conv2d)
            child[0] = nn.utils.fuse_conv_bn_eval(child[0], child[1])
            child[1] = nn.Identity()
        fused(child)


def write_onnx(module: Deployed, path: Path) -> float:
    """Write the file, check that it says what the network says; returns ms of CPU a window, one thread."""
    window = _a_window(np.random.default_rng(0))
    torch.onnx.export(
        module,
        (torch.from_numpy(window),),
        str(path),
        input_names=["image"],
        output_names=["boxes", "scores"],
        opset_version=OPSET,
        dynamo=False,
    )
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    with torch.no_grad():
        wanted = module(torch.from_numpy(window))
    got = session.run(["boxes", "scores"], {"image": window})
    errors = [float(np.abs(a - b.numpy()).max()) for a, b in zip(got, wanted, strict=True)]
    if any(error > limit for error, limit in zip(errors, MAX_ERRORS, strict=True)):
        raise RuntimeError(f"{path}: expected what the network says, got errors of {errors}")
    return _milliseconds(session, window)


def _a_window(rng: np.random.Generator) -> np.ndarray:
    """Blotches of a few pixels: bare noise drives the sums so high that float32 itself is off in them."""
    noise = rng.normal(128, 400, (WINDOW_PX, WINDOW_PX, 3)).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 3.0).clip(0, 255).astype(np.uint8)[None]


def _milliseconds(session: ort.InferenceSession, window: np.ndarray, times: int = 10) -> float:
    started = time.process_time()
    for _ in range(times):
        session.run(None, {"image": window})
    return (time.process_time() - started) / times * 1000
