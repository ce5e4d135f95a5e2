from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, external_data_helper

from edge.detect.model import describe, load
from edge.errors import ModelRefused
from tests.detect.make import blob_model, constant_model, image, manifest_values, write_manifest, write_model

SHIPPED = Path(__file__).parents[2] / "models" / "objects.yaml"


def refused(manifest: Path) -> str:
    with pytest.raises(ModelRefused) as refusal:
        load(manifest)
    return str(refusal.value)


def test_a_model_that_keeps_its_manifest_is_loaded_and_runs(tmp_path: Path) -> None:
    model = load(write_model(tmp_path))
    boxes, scores = model.infer(image(128, 128, (40, 60, 64, 80)))
    assert boxes.shape == (1024, 4)
    assert scores.shape == (1024, 2)
    assert boxes[scores.argmax() // 2].tolist() == [40, 60, 64, 80]


def test_a_model_is_described_by_name_and_whole_hash(tmp_path: Path) -> None:
    model = load(write_model(tmp_path))
    assert describe(model) == f"blobs-1 sha256:{manifest_values(blob_model().SerializeToString())['sha256']}"


def test_a_missing_manifest_is_refused_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    assert refused(path) == f"{path}: expected a readable file, got No such file or directory"


def test_a_manifest_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.yaml"
    path.write_bytes(b"\x08\xff\xfe")
    assert refused(path).startswith(f"{path}: expected UTF-8 text, got")


def test_missing_weights_are_refused_with_their_path(tmp_path: Path) -> None:
    path = write_manifest(tmp_path, manifest_values())
    assert (
        refused(path) == f"{tmp_path / 'blobs.onnx'}: expected a readable file, got No such file or directory"
    )


def test_weights_with_another_hash_are_refused(tmp_path: Path) -> None:
    path = write_model(tmp_path, sha256="0" * 64)
    assert f"blobs.onnx: sha256: expected {'0' * 64} ({path}), got " in refused(path)


def test_a_file_that_is_not_onnx_is_refused_even_with_the_right_hash(tmp_path: Path) -> None:
    (tmp_path / "blobs.onnx").write_bytes(b"not a model")
    path = write_manifest(tmp_path, manifest_values(b"not a model"))
    assert "blobs.onnx: expected an ONNX model that this ONNX Runtime can run, got" in refused(path)


def test_truncated_weights_are_refused_even_with_the_right_hash(tmp_path: Path) -> None:
    weights = blob_model().SerializeToString()[:-500]
    (tmp_path / "blobs.onnx").write_bytes(weights)
    assert "expected an ONNX model" in refused(write_manifest(tmp_path, manifest_values(weights)))


def test_weights_in_a_further_file_are_refused_for_no_hash_covers_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = blob_model()
    external_data_helper.convert_model_to_external_data(model, location="more.bin", size_threshold=0)
    onnx.save(model, tmp_path / "blobs.onnx")
    weights = (tmp_path / "blobs.onnx").read_bytes()
    monkeypatch.chdir(tmp_path)
    assert "expected an ONNX model" in refused(write_manifest(tmp_path, manifest_values(weights)))


def renamed_input(model: onnx.ModelProto) -> None:
    model.graph.input[0].name = "tile"
    model.graph.node[0].input[0] = "tile"


def renamed_output(model: onnx.ModelProto) -> None:
    model.graph.output[1].name = "confidence"
    next(node for node in model.graph.node if "scores" in node.output).output[0] = "confidence"


def float_input(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT


def free_batch(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"


def half_the_scores(model: onnx.ModelProto) -> None:
    model.CopyFrom(constant_model(np.zeros((8, 4), np.float32), np.zeros((4, 2), np.float32)))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (renamed_input, "inputs: expected image, got tile"),
        (renamed_output, "outputs: expected scores, got boxes, confidence"),
        (float_input, "input image: expected uint8, got tensor(float)"),
        (free_batch, "input image: expected shape [1, 128, 128, 3], got ['batch', 128, 128, 3]"),
        (half_the_scores, "outputs: expected as many boxes as scores, got [4] and [8]"),
    ],
)
def test_a_graph_unlike_its_manifest_is_refused(change: object, fault: str, tmp_path: Path) -> None:
    model = blob_model()
    assert callable(change)
    change(model)
    assert f"{tmp_path / 'blobs.onnx'}: {fault}" in refused(write_model(tmp_path, model)).splitlines()


def test_a_model_of_another_window_size_is_refused(tmp_path: Path) -> None:
    expected = "input image: expected shape [1, 128, 128, 3], got [1, 64, 64, 3]"
    assert refused(write_model(tmp_path, blob_model(64))) == f"{tmp_path / 'blobs.onnx'}: {expected}"


def test_a_model_with_fewer_scores_than_labels_is_refused(tmp_path: Path) -> None:
    expected = "output scores: expected shape [1, 'N', 2], got [1, 1024, 1]"
    assert refused(write_model(tmp_path, blob_model(n_labels=1))) == f"{tmp_path / 'blobs.onnx'}: {expected}"


@pytest.mark.parametrize("score", [np.nan, np.inf, -0.1, 7.0])
def test_scores_outside_0_to_1_are_refused_not_read_as_nothing_found(score: float, tmp_path: Path) -> None:
    scores = np.array([[0.5, score]], np.float32)
    model = load(write_model(tmp_path, constant_model(np.array([[0, 0, 9, 9]], np.float32), scores)))
    with pytest.raises(ModelRefused, match=r"blobs\.onnx: scores: expected numbers in \[0, 1\], got"):
        model.infer(image(128, 128))


@pytest.mark.skipif(
    not SHIPPED.with_suffix(".onnx").exists() and not SHIPPED.exists(), reason="no model shipped yet"
)
def test_the_shipped_model_keeps_its_manifest() -> None:
    model = load(SHIPPED)
    boxes, scores = model.infer(np.zeros((512, 512, 3), np.uint8))
    assert boxes.shape == (16384, 4)
    assert scores.shape == (16384, len(model.manifest.labels))
