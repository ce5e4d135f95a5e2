"""Ours beside nets of the usual size, one thread, in turn: `python -m models.train.speed`.

CPU time per megapixel; a busy moment of the machine meets all of them, so the ratios hold where the times
do not.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from torch import nn

from models.train.deploy import OPSET
from models.train.yardsticks import TinyChangeLike, YoloLike

N_TIMES = 15
YOLO_PX, CHANGE_PX = 640, 256


def timed(runs: dict[str, tuple[Callable[[], Any], float]]) -> dict[str, list[float]]:
    """Ms of CPU per megapixel of each run, again and again in turn; a run comes with its megapixels."""
    found: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(N_TIMES + 2):
        for name, (run, megapixels) in runs.items():
            began = time.process_time()
            run()
            if number >= 2:
                found[name].append((time.process_time() - began) * 1000 / megapixels)
    return found


def _session(path: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])


def _whole(path: Path, *, is_first: bool = False) -> Callable[[], Any]:
    """A run on noise of the model's own shapes; is_first: on an earlier look, which has none before it."""
    session, rng = _session(path), np.random.default_rng(0)
    feed = {
        node.name: rng.integers(0, 256, node.shape, np.uint8)
        if node.type == "tensor(uint8)"
        else rng.random(node.shape, np.float32) * (not is_first)
        for node in session.get_inputs()
    }
    return lambda: session.run(None, feed)


def _exported(net: nn.Module, side: int, n_images: int, path: Path) -> Path:
    images = tuple(torch.zeros(1, 3, side, side) for _ in range(n_images))
    torch.onnx.export(net.eval(), images, str(path), opset_version=OPSET, dynamo=False)
    return path


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of ours")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        yolo = _exported(YoloLike(), YOLO_PX, 1, Path(name) / "yolo.onnx")
        tiny = _exported(TinyChangeLike(), CHANGE_PX, 2, Path(name) / "tiny.onnx")
        earlier, later = (_whole(arguments.models / "change.onnx", is_first=first) for first in (True, False))
        runs: dict[str, tuple[Callable[[], Any], float]] = {
            "objects, window of 512": (_whole(arguments.models / "objects.onnx"), 512**2 / 1e6),
            "YOLO11n-sized, 640": (_whole(yolo), YOLO_PX**2 / 1e6),
            "change, features of the earlier look known": (later, CHANGE_PX**2 / 1e6),
            "change, both looks": (lambda: (earlier(), later()), CHANGE_PX**2 / 1e6),
            "TinyCD-sized, 256": (_whole(tiny), CHANGE_PX**2 / 1e6),
        }
        for label, ms in timed(runs).items():
            low, high = np.quantile(ms, [0.05, 0.95])
            print(f"{label:45s} {statistics.median(ms):7.1f} ms CPU per megapixel ({low:.1f} to {high:.1f})")


if __name__ == "__main__":
    main()
