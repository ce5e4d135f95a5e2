"""A real, tiny ONNX model that finds bright rectangles, and images for it.

Its graph has the contract of the shipped models: uint8 [1, H, W, 3] in, boxes and scores of every 4 x 4 cell
out, 0 where the cell is not the middle of a rectangle. Of a rectangle that a window cuts it sees a part.
Red rectangles are the first label, green ones the second; the score is the brightness.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edge.acquire.tile import Rgb

SIZE_PX = 128
MAX_OBJECT_PX = 32
CELL_PX = 4
# How far a cell sees on each side: beyond half the longest rectangle, and less far than the next one.
REACH_CELLS = 6


def blob_model(size: int = SIZE_PX, n_labels: int = 2) -> onnx.ModelProto:
    """The model, for windows of one size."""
    n_cells = size // CELL_PX
    grid = np.arange(n_cells, dtype=np.float32) * CELL_PX
    x, y = (np.broadcast_to(axis, (1, 1, n_cells, n_cells)).copy() for axis in (grid, grid[:, None]))
    constants: dict[str, object] = {
        "x": x, "y": y, "x_end": x + CELL_PX, "y_end": y + CELL_PX,
        "full": np.float32(255), "dim": np.float32(0.5), "zero": np.float32(0), "far": np.float32(-1e6),
        "half": np.float32(0.5), "near": np.float32(CELL_PX / 2), "axes": np.array([1]),
        "flat_4": np.array([1, 4, -1]), "flat_l": np.array([1, n_labels, -1]),
        "first": np.array([0]), "last": np.array([n_labels]),
    }  # fmt: skip
    node = helper.make_node
    pool: dict[str, Any] = {"kernel_shape": [2 * REACH_CELLS + 1] * 2, "pads": [REACH_CELLS] * 4}
    nodes = [
        node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        node("Transpose", ["float"], ["nchw"], perm=[0, 3, 1, 2]),
        node("Div", ["nchw", "full"], ["unit"]),
        node("MaxPool", ["unit"], ["rgb"], kernel_shape=[CELL_PX] * 2, strides=[CELL_PX] * 2),
        node("Slice", ["rgb", "first", "last", "axes"], ["bright"]),
        node("ReduceMax", ["bright", "axes"], ["any"], keepdims=1),
        node("Greater", ["any", "dim"], ["is_bright"]),
    ]
    # The reach of the rectangle around each cell: the largest (negated: smallest) coordinate that is bright.
    for side, coordinate in {"right": "x_end", "bottom": "y_end", "left": "x", "top": "y"}.items():
        negate = side in ("left", "top")
        nodes += [
            node("Neg" if negate else "Identity", [coordinate], [f"{side}_signed"]),
            node("Where", ["is_bright", f"{side}_signed", "far"], [f"{side}_there"]),
            node("MaxPool", [f"{side}_there"], [f"{side}_far"], **pool),
            node("Neg" if negate else "Identity", [f"{side}_far"], [side]),
        ]
    # A cell is the middle if the middle of the reach lies in it.
    for low, high, coordinate in (("left", "right", "x"), ("top", "bottom", "y")):
        nodes += [
            node("Add", [low, high], [f"{coordinate}_sum"]),
            node("Mul", [f"{coordinate}_sum", "half"], [f"{coordinate}_mid"]),
            node("GreaterOrEqual", [f"{coordinate}_mid", coordinate], [f"{coordinate}_from"]),
            node("Less", [f"{coordinate}_mid", f"{coordinate}_end"], [f"{coordinate}_to"]),
            node("And", [f"{coordinate}_from", f"{coordinate}_to"], [f"{coordinate}_here"]),
        ]
    nodes += [
        node("And", ["x_here", "y_here"], ["middle"]),
        node("And", ["middle", "is_bright"], ["peak"]),
        node("Where", ["peak", "bright", "zero"], ["peaks"]),
        node("Reshape", ["peaks", "flat_l"], ["scores_ln"]),
        node("Transpose", ["scores_ln"], ["scores"], perm=[0, 2, 1]),
        node("Concat", ["left", "top", "right", "bottom"], ["sides"], axis=1),
        node("Reshape", ["sides", "flat_4"], ["boxes_4n"]),
        node("Transpose", ["boxes_4n"], ["boxes"], perm=[0, 2, 1]),
    ]
    n_boxes = n_cells * n_cells
    return helper.make_model(
        helper.make_graph(
            nodes,
            "blobs",
            [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, size, size, 3])],
            [
                helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, n_boxes, 4]),
                helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, n_boxes, n_labels]),
            ],
            [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )


def constant_model(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], size: int = SIZE_PX
) -> onnx.ModelProto:
    """A model that sees the same in every window: boxes (N, 4), scores (N, L)."""
    return helper.make_model(
        helper.make_graph(
            [
                helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
                helper.make_node("ReduceMin", ["float"], ["least"], keepdims=0),
                helper.make_node("Mul", ["least", "zero"], ["nothing"]),
                helper.make_node("Add", ["nothing", "all_boxes"], ["boxes"]),
                helper.make_node("Add", ["nothing", "all_scores"], ["scores"]),
            ],
            "constant",
            [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, size, size, 3])],
            [
                helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, *boxes.shape]),
                helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, *scores.shape]),
            ],
            [
                numpy_helper.from_array(np.asarray(np.float32(0)), "zero"),
                numpy_helper.from_array(boxes[None], "all_boxes"),
                numpy_helper.from_array(scores[None], "all_scores"),
            ],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )


def manifest_values(weights: bytes = b"", **changed: object) -> dict[str, object]:
    """A manifest of the blob model as plain values; changed replaces whole keys."""
    labels = ["aircraft", "ship"]
    return {
        "name": "blobs-1",
        "kind": "objects",
        "file": "blobs.onnx",
        "sha256": hashlib.sha256(weights).hexdigest(),
        "labels": labels,
        "input": {
            "name": "image", "width": SIZE_PX, "height": SIZE_PX,
            "layout": "nhwc", "dtype": "uint8", "colour": "rgb",
        },
        "gsd_m": {"min": 0.3, "working": 0.5, "max": 2.0},
        "output": {"layout": "boxes_scores", "boxes": "boxes", "scores": "scores"},
        "max_object_px": MAX_OBJECT_PX,
        "thresholds": dict.fromkeys(labels, 0.4),
        "quality": {label: {"recall": 0.9, "false_alarms_per_km2": 0.5} for label in labels},
        **changed,
    }  # fmt: skip


def write_model(folder: Path, model: onnx.ModelProto | None = None, **changed: object) -> Path:
    """The model (the blob model if None) and its manifest in a folder; returns the manifest's path."""
    weights = (model or blob_model()).SerializeToString()
    (folder / "blobs.onnx").write_bytes(weights)
    return write_manifest(folder, manifest_values(weights, **changed))


def write_manifest(folder: Path, values: Mapping[str, object]) -> Path:
    path = folder / "blobs.yaml"
    path.write_text(yaml.safe_dump(dict(values)))
    return path


def image(
    width: int, height: int, *rectangles: tuple[int, int, int, int], label: int = 0, level: int = 230
) -> Rgb:
    """A dark image with bright rectangles: left, top, right, bottom."""
    pixels = np.full((height, width, 3), 20, np.uint8)
    for left, top, right, bottom in rectangles:
        pixels[top:bottom, left:right, label] = level
    return pixels
