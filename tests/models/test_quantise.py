"""Weights stored small say what the plain ones say, and INT8 nearly so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edge.detect.manifest import parse
from edge.detect.session import opened
from models.train.pack import packed
from models.train.quantise import with_variant
from models.train.static import in_float, static_int8, with_names
from tests.detect.layouts_make import yolov8_export

SIZE = 64


@pytest.fixture(scope="module")
def model() -> onnx.ModelProto:
    """Convolutions with random weights, behind them boxes and scores of 3 labels."""
    return yolov8_export(size=SIZE)


def images(n_images: int = 4) -> Iterator[dict[str, np.ndarray]]:
    rng = np.random.default_rng(5)
    for _ in range(n_images):
        coarse = rng.random((1, 3, SIZE // 8, SIZE // 8), np.float32)
        yield {"images": coarse.repeat(8, axis=2).repeat(8, axis=3)}


def outputs(model: onnx.ModelProto) -> np.ndarray:
    session = opened(model.SerializeToString(), Path("model.onnx"))
    return np.concatenate([session.run(None, one)[0] for one in images()])


def scores_apart(model: onnx.ModelProto, other: onnx.ModelProto) -> float:
    return float(np.abs(outputs(model)[:, 4:] - outputs(other)[:, 4:]).max())


def test_weights_in_fp16_take_half_the_bytes_and_change_scores_by_a_thousandth(
    model: onnx.ModelProto,
) -> None:
    small = packed(model, "fp16")
    assert small.ByteSize() < 0.62 * model.ByteSize()
    assert 0 < scores_apart(model, small) < 2e-3


def test_weights_in_int8_take_a_third_of_the_bytes_and_change_scores_little(model: onnx.ModelProto) -> None:
    small = packed(model, "int8")
    assert small.ByteSize() < 0.42 * model.ByteSize()
    assert scores_apart(model, small) < 0.05


def test_a_packed_model_packed_again_stays_as_it_is(model: onnx.ModelProto) -> None:
    once = packed(model, "fp16")
    assert packed(once, "fp16") == once


def test_a_constant_that_fp16_does_not_hold_exactly_is_left_alone() -> None:
    odd = yolov8_export(size=SIZE)
    exact = np.arange(512, dtype=np.float32)
    odd.graph.initializer.append(numpy_helper.from_array(exact + np.float32(1 / 3), "thirds"))
    odd.graph.initializer.append(numpy_helper.from_array(exact, "whole"))
    kept = {one.name for one in packed(odd, "fp16").graph.initializer}
    assert "thirds" in kept
    assert "whole_half" in kept


def test_what_makes_boxes_and_scores_stays_in_float_and_the_rest_does_not(model: onnx.ModelProto) -> None:
    named = onnx.ModelProto()
    named.CopyFrom(model)
    kept = in_float(with_names(named).graph)
    assert {f"makes {one}" for one in ("sides2", "scores2", "sides4", "scores4", "output0")} <= kept
    assert not {"makes down0", "makes down3", "makes down4"} & kept


def test_a_static_int8_model_computes_in_int8_and_stays_near(model: onnx.ModelProto) -> None:
    small = static_int8(model, images())
    n_scaled = sum(node.op_type == "QuantizeLinear" for node in small.graph.node)
    assert n_scaled >= 5
    assert 0 < scores_apart(model, small) < 0.1


MANIFEST = """\
# Made by a recipe.
name: m-1
kind: objects
file: m.onnx
sha256: {zeros}
labels: [ship]
input: {{name: images, width: 64, height: 64, layout: nchw, dtype: float32, colour: rgb}}
gsd_m: {{min: 0.3, working: 0.7, max: 2.0}}
output: {{layout: yolov8, rows: output0}}
max_object_px: 16
thresholds: {{ship: 0.5}}
# Measured.
quality:
  ship: {{recall: 0.5, false_alarms_per_km2: 1.00}}
""".format(zeros="0" * 64)


def test_a_variant_is_entered_into_a_manifest_once_however_often_it_is_made(tmp_path: Path) -> None:
    plain, variant = tmp_path / "m.onnx", tmp_path / "m-int8.onnx"
    plain.write_bytes(b"plain")
    variant.write_bytes(b"small")
    quality = "    quality:\n      ship: {recall: 0.45, false_alarms_per_km2: 1.00}\n"
    once = with_variant(MANIFEST, plain, "int8", variant, quality)
    assert with_variant(once, plain, "int8", variant, quality) == once
    manifest = parse(once, "m.yaml")
    assert manifest.of("int8").file == "m-int8.onnx"
    assert (manifest.quality["ship"].recall, manifest.of("int8").quality["ship"].recall) == (0.5, 0.45)
    assert once.startswith("# Made by a recipe.\n")
