"""Weights stored small, computed as before: FP16 or INT8 on the disk, float32 from the load on.

In front of each packed weight stands a Cast, and for INT8 a Mul by the scale of its output channel. ONNX
Runtime folds both while it loads, so that speed and memory are those of the plain model.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Kind = Literal["fp16", "int8"]

# Below this a Cast costs more bytes than it saves.
MIN_VALUES = 128


def packed(model: onnx.ModelProto, kind: Kind) -> onnx.ModelProto:
    """The same model with its large constants stored in fewer bytes.

    Weights of convolutions are rounded to the kind; any other constant is packed only where FP16 holds it
    exactly, as it does the grid of the boxes.
    """
    small = onnx.ModelProto()
    small.CopyFrom(model)
    _constants_to_initializers(small.graph)
    weights = set(_conv_weights(small.graph))
    nodes: list[onnx.NodeProto] = []
    kept: list[onnx.TensorProto] = []
    for constant in small.graph.initializer:
        values = numpy_helper.to_array(constant)
        if values.dtype != np.float32 or values.size < MIN_VALUES:
            kept.append(constant)
        elif constant.name in weights and kind == "int8":
            kept += _as_int8(constant.name, values, nodes)
        elif constant.name in weights or _fits_half(values):
            kept += _as_half(constant.name, values, nodes)
        else:
            kept.append(constant)
    _replace(small.graph, kept, nodes)
    onnx.checker.check_model(small)
    return small


def _constants_to_initializers(graph: onnx.GraphProto) -> None:
    """Constants that an exporter wrote as nodes."""
    nodes = list(graph.node)
    del graph.node[:]
    for node in nodes:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            tensor = node.attribute[0].t
            tensor.name = node.output[0]
            graph.initializer.append(tensor)
        else:
            graph.node.append(node)


def _conv_weights(graph: onnx.GraphProto) -> Iterator[str]:
    return (node.input[1] for node in graph.node if node.op_type == "Conv")


def _fits_half(values: NDArray[np.float32]) -> bool:
    if np.abs(values).max() > np.finfo(np.float16).max:
        return False
    return bool((values.astype(np.float16).astype(np.float32) == values).all())


def _as_half(name: str, values: NDArray[np.float32], nodes: list[onnx.NodeProto]) -> list[onnx.TensorProto]:
    nodes.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    return [numpy_helper.from_array(values.astype(np.float16), f"{name}_half")]


def _as_int8(name: str, values: NDArray[np.float32], nodes: list[onnx.NodeProto]) -> list[onnx.TensorProto]:
    """Whole numbers from -127 to 127 and one scale for each output channel."""
    flat = np.abs(values).reshape(len(values), -1).max(axis=1)
    scale = (np.where(flat > 0, flat, 1) / 127).reshape(-1, *[1] * (values.ndim - 1)).astype(np.float32)
    nodes += [
        helper.make_node("Cast", [f"{name}_int8"], [f"{name}_whole"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{name}_whole", f"{name}_scale"], [name]),
    ]
    return [
        numpy_helper.from_array(np.rint(values / scale).astype(np.int8), f"{name}_int8"),
        numpy_helper.from_array(scale, f"{name}_scale"),
    ]


def _replace(graph: onnx.GraphProto, constants: list[onnx.TensorProto], first: list[onnx.NodeProto]) -> None:
    nodes = [*first, *graph.node]
    del graph.initializer[:]
    del graph.node[:]
    graph.initializer.extend(constants)
    graph.node.extend(nodes)
