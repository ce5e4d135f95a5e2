"""The blob model dressed as other exporters would write it, and a random network with the head of YOLOv8.

Before the blob model stands what its dress takes in, behind it what its dress gives out: what is found in an
image must not depend on it.
"""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tests.detect.make import CELL_PX, SIZE_PX, blob_model

N_BOXES = (SIZE_PX // CELL_PX) ** 2
N_LABELS = 2
LABELS = ["aircraft", "ship"]
FLOAT_INPUT = {"name": "images", "width": SIZE_PX, "height": SIZE_PX, "layout": "nchw", "dtype": "float32"}


class Dress:
    """A model under construction: nodes, constants, and outputs in place of its own."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = model
        self.graph = model.graph
        del self.graph.output[:]

    def add(self, kind: str, inputs: list[Any], output: str, **attributes: Any) -> str:
        """A node; an array among its inputs becomes a constant."""
        names = [self.constant(one) if isinstance(one, np.ndarray) else one for one in inputs]
        self.graph.node.append(helper.make_node(kind, names, [output], **attributes))
        return output

    def constant(self, value: NDArray[Any]) -> str:
        name = f"constant_{len(self.graph.initializer)}"
        self.graph.initializer.append(numpy_helper.from_array(value, name))
        return name

    def give(self, name: str, shape: list[int | str], kind: int = TensorProto.FLOAT) -> None:
        self.graph.output.append(helper.make_tensor_value_info(name, kind, shape))


def middles(dress: Dress, *, scale: float = 1.0) -> str:
    """[1, N, 4] middle x, middle y, width, height from the boxes of the blob model."""
    turn = np.array([[0.5, 0, -1, 0], [0, 0.5, 0, -1], [0.5, 0, 1, 0], [0, 0.5, 0, 1]], np.float32)
    return dress.add("MatMul", ["boxes", turn * np.float32(scale)], "middles")


def yolov5(dress: Dress) -> None:
    """Rows with an objectness, the best score of the box; each score is a share of it."""
    best = dress.add("ReduceMax", ["scores", np.array([2])], "best", keepdims=1)
    objectness = dress.add("Max", [best, np.array(1e-9, np.float32)], "objectness")
    shares = dress.add("Div", ["scores", objectness], "score_shares")
    dress.add("Concat", [middles(dress), objectness, shares], "output0", axis=2)
    dress.give("output0", [1, N_BOXES, 5 + N_LABELS])


def yolov8(dress: Dress) -> None:
    rows = dress.add("Concat", [middles(dress), "scores"], "rows", axis=2)
    dress.add("Transpose", [rows], "output0", perm=[0, 2, 1])
    dress.give("output0", [1, 4 + N_LABELS, N_BOXES])


def end_to_end(dress: Dress) -> None:
    score = dress.add("ReduceMax", ["scores", np.array([2])], "score", keepdims=1)
    label = dress.add("ArgMax", ["scores"], "label", axis=2, keepdims=1)
    as_float = dress.add("Cast", [label], "label_float", to=TensorProto.FLOAT)
    dress.add("Concat", ["boxes", score, as_float], "output0", axis=2)
    dress.give("output0", [1, N_BOXES, 6])


def labels_boxes_scores(dress: Dress) -> None:
    """With the best boxes chosen inside, in pixels of the size that is told, as RT-DETR deploys it."""
    score = dress.add("ReduceMax", ["scores", np.array([2])], "score", keepdims=0)
    label = dress.add("ArgMax", ["scores"], "label", axis=2, keepdims=0)
    dress.graph.node.append(
        helper.make_node("TopK", [score, dress.constant(np.array([50]))], ["confidence", "best"])
    )
    dress.add("GatherElements", [label, "best"], "labels", axis=1)
    wide = dress.add("Unsqueeze", ["best", np.array([2])], "best_wide")
    four = dress.add("Expand", [wide, np.array([1, 50, 4])], "best_four")
    chosen = dress.add("GatherElements", ["boxes", four], "chosen", axis=1)
    shares = dress.add("Div", [chosen, np.array(SIZE_PX, np.float32)], "shares")
    size = dress.add("Cast", ["orig_target_sizes"], "size_float", to=TensorProto.FLOAT)
    twice = dress.add("Concat", [size, size], "size_twice", axis=1)
    dress.add("Mul", [shares, twice], "pixels")
    dress.graph.input.append(helper.make_tensor_value_info("orig_target_sizes", TensorProto.INT64, [1, 2]))
    dress.give("labels", [1, 50], TensorProto.INT64)
    dress.give("pixels", [1, 50, 4])
    dress.give("confidence", [1, 50])


def _logits(dress: Dress) -> str:
    """What the scores were before the sigmoid; 0 and 1 become very small and very large."""
    inside = dress.add(
        "Clip", ["scores", np.array(1e-6, np.float32), np.array(1 - 1e-6, np.float32)], "inside"
    )
    rest = dress.add("Sub", [np.array(1, np.float32), inside], "rest")
    return dress.add("Log", [dress.add("Div", [inside, rest], "odds")], "logits")


def detr_sigmoid(dress: Dress) -> None:
    _logits(dress)
    dress.add("Identity", [middles(dress, scale=1 / SIZE_PX)], "pred_boxes")
    dress.give("logits", [1, N_BOXES, N_LABELS])
    dress.give("pred_boxes", [1, N_BOXES, 4])


def detr_softmax(dress: Dress) -> None:
    """Logarithms of the scores and of what is left for "no object"."""
    inside = dress.add(
        "Clip", ["scores", np.array(1e-6, np.float32), np.array(1 - 1e-5, np.float32)], "inside"
    )
    total = dress.add("ReduceSum", [inside, np.array([2])], "total", keepdims=1)
    rest = dress.add("Sub", [np.array(1, np.float32), total], "rest")
    dress.add("Log", [dress.add("Concat", [inside, rest], "all", axis=2)], "logits")
    dress.add("Identity", [middles(dress, scale=1 / SIZE_PX)], "pred_boxes")
    dress.give("logits", [1, N_BOXES, N_LABELS + 1])
    dress.give("pred_boxes", [1, N_BOXES, 4])


def detr_rows(dress: Dress) -> None:
    dress.add("Concat", [middles(dress, scale=1 / SIZE_PX), "scores"], "output0", axis=2)
    dress.give("output0", [1, N_BOXES, 4 + N_LABELS])


DRESSES: dict[str, tuple[Any, dict[str, object]]] = {
    "yolov5": (yolov5, {"rows": "output0"}),
    "yolov8": (yolov8, {"rows": "output0"}),
    "end_to_end": (end_to_end, {"rows": "output0"}),
    "labels_boxes_scores": (
        labels_boxes_scores, {"labels": "labels", "boxes": "pixels", "scores": "confidence"},
    ),
    "detr": (detr_sigmoid, {"boxes": "pred_boxes", "scores": "logits", "activation": "sigmoid"}),
    "detr, softmax": (detr_softmax, {"boxes": "pred_boxes", "scores": "logits", "activation": "softmax"}),
    "detr_rows": (detr_rows, {"rows": "output0"}),
}  # fmt: skip


def dressed(name: str) -> onnx.ModelProto:
    """The blob model with the outputs of another layout."""
    dress = Dress(blob_model())
    DRESSES[name][0](dress)
    return dress.model


def output_of(name: str) -> dict[str, object]:
    """What a manifest says of its outputs."""
    return {"layout": name.partition(",")[0], **DRESSES[name][1]}


def taking_floats(
    model: onnx.ModelProto,
    *,
    layout: str = "nchw",
    colour: str = "rgb",
    mean: tuple[float, ...] = (0, 0, 0),
    std: tuple[float, ...] = (1, 1, 1),
    batch: int | str = 1,
) -> onnx.ModelProto:
    """The model behind an input `images` of float32, (byte / 255 - mean) / std."""
    before = Dress(onnx.ModelProto())
    planes = (
        "images" if layout == "nchw" else before.add("Transpose", ["images"], "planes", perm=[0, 3, 1, 2])
    )
    columns = [np.array(one, np.float32).reshape(1, 3, 1, 1) for one in (mean, std)]
    spread = before.add("Mul", [planes, columns[1]], "spread")
    share = before.add("Add", [spread, columns[0]], "share")
    level = before.add("Mul", [share, np.array(255, np.float32)], "level")
    rounded = before.add("Round", [level], "rounded")
    order = [0, 1, 2] if colour == "rgb" else [2, 1, 0]
    ordered = before.add("Gather", [rounded, np.array(order)], "ordered", axis=1)
    whole = before.add("Cast", [ordered], "bytes", to=TensorProto.UINT8)
    before.add("Transpose", [whole], "image", perm=[0, 2, 3, 1])
    for constant in before.graph.initializer:
        constant.name = f"before_{constant.name}"
    for node in before.graph.node:
        node.input[:] = [f"before_{one}" if one.startswith("constant") else one for one in node.input]
    nodes = [*before.graph.node, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(before.graph.initializer)
    shape = [batch, 3, SIZE_PX, SIZE_PX] if layout == "nchw" else [batch, SIZE_PX, SIZE_PX, 3]
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("images", TensorProto.FLOAT, shape))
    return model


def _empty(inputs: list[tuple[str, int, list[int]]]) -> onnx.ModelProto:
    """A model without a node."""
    infos = [helper.make_tensor_value_info(*one) for one in inputs]
    graph = helper.make_graph([], "main_graph", infos, [])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def yolov8_export(
    labels: tuple[str, ...] = ("Small Vehicle", "plane", "ship"), size: int = 320
) -> onnx.ModelProto:
    """A network with random weights and the head of YOLOv8, with the metadata its exporter writes.

    Three levels at strides 8, 16 and 32; each side of a box is the mean of 16 bins, in cells of its level.
    """
    rng = np.random.default_rng(8)
    dress = Dress(_empty([("images", TensorProto.FLOAT, [1, 3, size, size])]))

    def conv(x: str, n_in: int, n_out: int, name: str, stride: int = 1, kernel: int = 3) -> str:
        weights = rng.normal(0, (2 / (n_in * kernel**2)) ** 0.5, (n_out, n_in, kernel, kernel)).astype(
            np.float32
        )
        return dress.add(
            "Conv", [x, weights, np.zeros(n_out, np.float32)], name,
            strides=[stride] * 2, pads=[kernel // 2] * 4, kernel_shape=[kernel] * 2,
        )  # fmt: skip

    def silu(x: str) -> str:
        return dress.add("Mul", [x, dress.add("Sigmoid", [x], f"{x}_gate")], f"{x}_silu")

    x, width, levels = "images", 3, []
    for depth in range(5):
        n_out = 8 << min(depth, 2)
        x, width = silu(conv(x, width, n_out, f"down{depth}", stride=2)), n_out
        if depth >= 2:
            sides = conv(x, width, 64, f"sides{depth}", kernel=1)
            scores = conv(x, width, len(labels), f"scores{depth}", kernel=1)
            both = dress.add("Concat", [sides, scores], f"level{depth}", axis=1)
            flat = np.array([1, 64 + len(labels), -1])
            levels.append(dress.add("Reshape", [both, flat], f"flat{depth}"))
    rows = dress.add("Concat", levels, "rows", axis=2)
    dress.graph.node.append(helper.make_node(
        "Split", [rows, dress.constant(np.array([64, len(labels)]))], ["sides", "logits"], axis=1
    ))  # fmt: skip
    strides = [8, 16, 32]
    cells = [np.stack(np.meshgrid(*[np.arange(size // s) + 0.5] * 2), 0).reshape(2, -1) for s in strides]
    anchors = np.concatenate(cells, 1)[None].astype(np.float32)
    stride = np.concatenate([np.full((size // s) ** 2, s) for s in strides])[None, None].astype(np.float32)
    bins = dress.add("Reshape", ["sides", np.array([1, 4, 16, -1])], "bins")
    shares = dress.add("Softmax", [bins], "shares", axis=2)
    weighed = dress.add("Mul", [shares, np.arange(16, dtype=np.float32).reshape(1, 1, 16, 1)], "weighed")
    ways = dress.add("ReduceSum", [weighed, np.array([2])], "ways", keepdims=0)
    dress.graph.node.append(helper.make_node(
        "Split", [ways, dress.constant(np.array([2, 2]))], ["up_left", "down_right"], axis=1
    ))  # fmt: skip
    start = dress.add("Sub", [anchors, "up_left"], "start")
    end = dress.add("Add", [anchors, "down_right"], "end")
    middle = dress.add("Mul", [dress.add("Add", [start, end], "sum"), np.array(0.5, np.float32)], "middle")
    extent = dress.add("Sub", [end, start], "extent")
    cells_out = dress.add("Concat", [middle, extent], "cells", axis=1)
    boxes = dress.add("Mul", [cells_out, stride], "boxes")
    dress.add("Concat", [boxes, dress.add("Sigmoid", ["logits"], "scores")], "output0", axis=1)
    dress.give("output0", [1, 4 + len(labels), anchors.shape[2]])
    tell(dress.model, names=repr(dict(enumerate(labels))), imgsz=repr([size, size]), stride="32",
         task="detect", batch="1", description="Ultralytics YOLOv8n model", version="8.3.0")  # fmt: skip
    return dress.model


def tell(model: onnx.ModelProto, **metadata: str) -> onnx.ModelProto:
    """Write metadata as an exporter does."""
    assert not metadata.get("names") or ast.literal_eval(metadata["names"])
    for key, value in metadata.items():
        model.metadata_props.append(onnx.StringStringEntryProto(key=key, value=value))
    return model


def difference_model(*, n_planes: int = 1, activation: str = "none", size: int = SIZE_PX) -> onnx.ModelProto:
    """A change model: the largest difference of the bands of two images, of 255."""
    shape = [1, size, size, 3]
    dress = Dress(_empty([(name, TensorProto.UINT8, shape) for name in ("before", "after")]))
    floats = [dress.add("Cast", [one], f"{one}_float", to=TensorProto.FLOAT) for one in ("before", "after")]
    step = dress.add("Abs", [dress.add("Sub", floats, "way")], "step")
    largest = dress.add("ReduceMax", [step, np.array([3])], "largest", keepdims=0)
    plane = dress.add("Unsqueeze", [largest, np.array([1])], "plane")
    score = dress.add("Div", [plane, np.array(255, np.float32)], "score")
    if activation != "none":
        inside = dress.add(
            "Clip", [score, np.array(1e-6, np.float32), np.array(1 - 1e-6, np.float32)], "inside"
        )
        rest = dress.add("Sub", [np.array(1, np.float32), inside], "rest")
        score = dress.add("Log", [dress.add("Div", [inside, rest], "odds")], "logit")
    zero = dress.add("Mul", [score, np.array(0, np.float32)], "zero")
    one = dress.add("Sub", [np.array(1, np.float32), score], "unchanged")
    other = zero if activation == "softmax" else one
    dress.add("Concat", [score] if n_planes == 1 else [other, score], "mask", axis=1)
    dress.give("mask", [1, n_planes, size, size])
    return dress.model
