"""A change model of which only the encoder runs where there is nothing to compare with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge.detect.session import opened
from models.train.change.on_demand import head_on_demand

SIDE, N = 8, 8 * 8 * 3


@pytest.fixture(scope="module")
def model() -> onnx.ModelProto:
    """Features: the bytes as numbers, doubled; mask: how far they lie from the earlier ones, times 3."""
    node = helper.make_node
    nodes = [
        node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        node("Reshape", ["float", "row"], ["flat"]),
        node("Mul", ["flat", "two"], ["features"]),
        node("Sub", ["features", "before"], ["apart"]),
        node("Abs", ["apart"], ["far"]),
        node("Mul", ["far", "three"], ["weighed"]),
        node("Reshape", ["weighed", "square"], ["planes"]),
        node("ReduceMean", ["planes"], ["mask"], axes=[3], keepdims=0),
    ]
    values = {
        "row": np.array([1, -1]), "square": np.array([1, SIDE, SIDE, 3]),
        "two": np.float32(2), "three": np.float32(3),
    }  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "apart",
        [
            helper.make_tensor_value_info("image", TensorProto.UINT8, [1, SIDE, SIDE, 3]),
            helper.make_tensor_value_info("before", TensorProto.FLOAT, [1, N]),
        ],
        [
            helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1, SIDE, SIDE]),
            helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, N]),
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in values.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def run(model: onnx.ModelProto, name: str, image: np.ndarray, before: np.ndarray) -> np.ndarray:
    session = opened(model.SerializeToString(), Path("model.onnx"))
    [found] = session.run([name], {"image": image, "before": before})
    return np.asarray(found)


def test_it_says_what_the_whole_model_says(model: onnx.ModelProto) -> None:
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (2, 1, SIDE, SIDE, 3), np.uint8)
    made = head_on_demand(model, before="before", features="features", mask="mask")
    nothing = np.zeros((1, N), np.float32)
    before = run(made, "features", images[0], nothing)
    assert np.array_equal(before, run(model, "features", images[0], nothing))
    assert np.array_equal(run(made, "mask", images[1], before), run(model, "mask", images[1], before))
    assert run(made, "mask", images[1], before).max() > 0


def test_with_nothing_to_compare_with_there_is_no_mask_and_no_work_for_one(model: onnx.ModelProto) -> None:
    made = head_on_demand(model, before="before", features="features", mask="mask")
    image = np.full((1, SIDE, SIDE, 3), 200, np.uint8)
    nothing = np.zeros((1, N), np.float32)
    assert run(model, "mask", image, nothing).min() > 0
    assert run(made, "mask", image, nothing).max() == 0
    outside = [node.op_type for node in made.graph.node]
    assert "Sub" not in outside
    assert outside.count("If") == 1
    assert {one.name for one in made.graph.initializer} >= {"row", "two"}
    assert not {one.name for one in made.graph.initializer} & {"three", "square"}
