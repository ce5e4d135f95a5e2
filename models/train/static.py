"""Static INT8 of a model: 8-bit convolutions between scales that real windows set, the last ones in float.

What turns the last features into boxes and scores stays float32: a score between 0 and 1 in 255 steps of the
whole range would cost more than those few channels gain.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType
from onnxruntime.quantization import quantize_static as quantised
from onnxruntime.quantization.shape_inference import quant_pre_process

# What runs in INT8; everything else stays as it is between them.
OPERATORS = ("Conv", "Add", "Resize", "MaxPool", "Concat")

Feed = dict[str, NDArray[np.uint8]]


class _Windows(CalibrationDataReader):  # type: ignore[misc]
    """Windows one by one, as ONNX Runtime's quantiser asks for them."""

    def __init__(self, feeds: Iterable[Feed]) -> None:
        self._feeds = iter(feeds)

    def get_next(self) -> Feed | None:
        """The next window, None after the last."""
        return next(self._feeds, None)


def static_int8(
    model: onnx.ModelProto, feeds: Iterable[Feed], *, reduce_range: bool = False
) -> onnx.ModelProto:
    """The model with 8-bit convolutions, one scale a channel for weights, one a tensor for activations.

    feeds         windows such as the field brings
    reduce_range  weights of 7 bits: an x86 CPU without VNNI saturates when it adds up products of 8
    """
    with tempfile.TemporaryDirectory() as folder:
        plain, ready, small = (Path(folder) / f"{name}.onnx" for name in ("plain", "ready", "small"))
        onnx.save(model, plain)
        quant_pre_process(plain, ready, skip_symbolic_shape=True)
        prepared = with_names(onnx.load(ready))
        onnx.save(prepared, ready)
        quantised(
            ready,
            small,
            _Windows(feeds),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(OPERATORS),
            nodes_to_exclude=sorted(in_float(prepared.graph)),
            per_channel=True,
            reduce_range=reduce_range,
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
        return onnx.load(small)


def with_names(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with a name on every node, by which the quantiser is told what to leave alone."""
    for node in model.graph.node:
        node.name = node.name or f"makes {node.output[0]}"
    return model


def in_float(graph: onnx.GraphProto) -> set[str]:
    """Names of the nodes that stay in float: the last convolutions on each way out, and all behind them."""
    made_by = {output: node for node in graph.node for output in node.output}
    found: set[str] = set()
    waiting = [output.name for output in graph.output]
    while waiting:
        node = made_by.get(waiting.pop())
        if node is not None and node.name not in found:
            found.add(node.name)
            waiting += _before(node)
    return found


def _before(node: onnx.NodeProto) -> Iterator[str]:
    """What a node takes, unless it is a convolution: behind the last one the way back ends."""
    if node.op_type != "Conv":
        yield from node.input
