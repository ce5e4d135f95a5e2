"""The head of a change model runs only where there is something to compare with.

ONNX Runtime runs every node of a graph, whichever outputs are asked for, but of a branch only what its
condition chooses: with features of nothing, all zeros, the encoder runs alone, in half of the time.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

_GIVEN, _ZERO = "something_is_given", "zero_of_nothing"


def head_on_demand(model: ModelProto, *, before: str, features: str, mask: str) -> ModelProto:
    """The same model, with all that the features do not need inside a branch.

    before    input, the features of the earlier look; all zeros: there is none, and the mask is 0
    features  output, which does not depend on before
    """
    graph = model.graph
    needed = _needed(graph, features)
    head = [node for index, node in enumerate(graph.node) if index not in needed]
    encoder = [node for index, node in enumerate(graph.node) if index in needed]
    own = _inputs(head) - _inputs(encoder)
    output = next(one for one in graph.output if one.name == mask)
    size = [dim.dim_value for dim in output.type.tensor_type.shape.dim]
    branch = helper.make_node(
        "If",
        [_GIVEN],
        [mask],
        then_branch=_compared(head, mask, size, [one for one in graph.initializer if one.name in own]),
        else_branch=_nothing(mask, size),
    )
    whole = helper.make_graph(
        [*encoder, *_is_given(before), branch],
        graph.name,
        list(graph.input),
        list(graph.output),
        [one for one in graph.initializer if one.name not in own]
        + [numpy_helper.from_array(np.asarray(np.float32(0)), _ZERO)],
    )
    made = helper.make_model(whole, opset_imports=model.opset_import, ir_version=model.ir_version)
    onnx.checker.check_model(made)
    return made


def _needed(graph: GraphProto, output: str) -> set[int]:
    """Indices of the nodes that an output follows from; nodes stand behind what they take."""
    names, found = {output}, set()
    for index in reversed(range(len(graph.node))):
        if names.intersection(graph.node[index].output):
            found.add(index)
            names.update(graph.node[index].input)
    return found


def _inputs(nodes: Iterable[NodeProto]) -> set[str]:
    return {name for node in nodes for name in node.input}


def _is_given(before: str) -> list[NodeProto]:
    return [
        helper.make_node("Abs", [before], ["size_of_before"]),
        helper.make_node("ReduceMax", ["size_of_before"], ["largest_of_before"], keepdims=0),
        helper.make_node("Greater", ["largest_of_before", _ZERO], [_GIVEN]),
    ]


def _compared(
    head: Iterable[NodeProto], mask: str, size: list[int], weights: list[TensorProto]
) -> GraphProto:
    nodes = []
    for one in head:
        node = NodeProto()
        node.CopyFrom(one)
        node.output[:] = [f"{mask}_compared" if name == mask else name for name in one.output]
        nodes.append(node)
    value = helper.make_tensor_value_info(f"{mask}_compared", TensorProto.FLOAT, size)
    return helper.make_graph(nodes, "compared", [], [value], weights)


def _nothing(mask: str, size: list[int]) -> GraphProto:
    value = helper.make_tensor_value_info(f"{mask}_of_nothing", TensorProto.FLOAT, size)
    shape = numpy_helper.from_array(np.array(size, np.int64), f"size_of_{mask}")
    node = helper.make_node("ConstantOfShape", [shape.name], [value.name])
    return helper.make_graph([node], "nothing", [], [value], [shape])
