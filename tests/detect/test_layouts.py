from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.acquire.tile import Rgb
from edge.detect.detection import Detection
from edge.detect.graph import Activation
from edge.detect.layouts import activated, detr, end_to_end, labels_boxes_scores, yolov5, yolov8
from edge.detect.manifest import Model
from edge.detect.model import load, load_change
from edge.detect.objects import DetectSettings, detect
from edge.errors import ModelRefused
from tests.detect.layouts_make import (
    DRESSES,
    FLOAT_INPUT,
    difference_model,
    dressed,
    output_of,
    taking_floats,
    yolov8_export,
)
from tests.detect.make import SIZE_PX, blob_model, image, manifest_values, write_model


def scene() -> Rgb:
    red = image(300, 220, (20, 30, 44, 50), (150, 100, 180, 120), level=204)
    return np.maximum(red, image(300, 220, (240, 150, 262, 170), label=1, level=180))


def look(model: Model) -> list[Detection]:
    return detect(scene(), None, model=model, settings=DetectSettings())


def input_of(**changed: object) -> dict[str, object]:
    made = manifest_values()["input"]
    assert isinstance(made, dict)
    return {**made, **changed}


def agree(found: list[Detection], expected: list[Detection]) -> None:
    assert [one.label for one in found] == [one.label for one in expected]
    assert [one.score for one in found] == pytest.approx([one.score for one in expected], abs=1e-4)
    for one, other in zip(found, expected, strict=True):
        assert one.box.iou(other.box) > 0.999


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[Detection]:
    found = look(load(write_model(tmp_path_factory.mktemp("plain"))))
    assert len(found) == 3
    return found


@pytest.mark.parametrize("name", DRESSES)
def test_the_same_model_in_any_layout_finds_the_same(
    name: str, tmp_path: Path, expected: list[Detection]
) -> None:
    size = {"size": "orig_target_sizes"} if name == "labels_boxes_scores" else {}
    path = write_model(tmp_path, dressed(name), output=output_of(name), input=input_of(**size))
    agree(look(load(path)), expected)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"colour": "bgr"},
        {"layout": "nhwc"},
        {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)},
        {"mean": (0.1, 0.2, 0.3), "std": (0.5, 0.25, 2.0), "colour": "bgr"},
        {"mean": (0.0, 0.0, 0.0), "std": (1 / 255,) * 3},  # bytes as floats, as YOLOX wants them
    ],
)
def test_the_same_model_behind_any_float_input_finds_the_same(
    said: dict[str, object], tmp_path: Path, expected: list[Detection]
) -> None:
    model = taking_floats(blob_model(), **said)  # type: ignore[arg-type]
    taken = {**FLOAT_INPUT, "colour": "rgb"} | {
        key: list(value) if isinstance(value, tuple) else value for key, value in said.items()
    }
    agree(look(load(write_model(tmp_path, model, input=taken))), expected)


def test_a_model_that_wants_bytes_as_bgr_gets_them(tmp_path: Path, expected: list[Detection]) -> None:
    """The blob model takes the first band for aircraft: bytes the other way round swap 0 and 2."""
    path = write_model(tmp_path, input=input_of(colour="bgr"))
    swapped = detect(
        np.ascontiguousarray(scene()[..., ::-1]), None, model=load(path), settings=DetectSettings()
    )
    agree(swapped, expected)


def test_an_axis_left_open_is_closed_by_the_manifest(tmp_path: Path, expected: list[Detection]) -> None:
    model = taking_floats(blob_model(), batch="batch")
    taken = {**FLOAT_INPUT, "colour": "rgb", "axes": {"batch": 1}}
    agree(look(load(write_model(tmp_path, model, input=taken))), expected)


def test_a_model_in_another_layout_than_its_manifest_says_is_refused(tmp_path: Path) -> None:
    path = write_model(tmp_path, dressed("yolov8"), output=output_of("yolov5"))
    with pytest.raises(
        ModelRefused, match=r"output output0: expected shape \[1, 'N', 7\], got \[1, 6, 1024\]"
    ):
        load(path)


def test_an_end_to_end_model_without_the_size_input_it_was_promised_is_refused(tmp_path: Path) -> None:
    path = write_model(
        tmp_path, dressed("end_to_end"), output=output_of("end_to_end"), input=input_of(size="s")
    )
    with pytest.raises(ModelRefused, match="inputs: expected image, s, got image"):
        load(path)


def test_boxes_of_yolov5_are_middle_and_size_and_a_score_counts_times_objectness() -> None:
    boxes, scores = yolov5(np.array([[[20, 30, 10, 4, 0.5, 0.8, 0.2]]], np.float32))
    assert boxes.tolist() == [[15, 28, 25, 32]]
    assert scores[0].tolist() == pytest.approx([0.4, 0.1])


def test_boxes_of_yolov8_stand_in_columns() -> None:
    boxes, scores = yolov8(np.array([[[20], [30], [10], [4], [0.8]]], np.float32))
    assert (boxes.tolist(), scores[0, 0]) == ([[15, 28, 25, 32]], pytest.approx(0.8))


def test_rows_with_score_0_fill_up_a_table_whatever_label_they_bear() -> None:
    rows = np.array([[[1, 2, 3, 4, 0.9, 1], [0, 0, 0, 0, 0, -1]]], np.float32)
    _, scores = end_to_end(rows, 2, "m.onnx")
    assert scores[0].tolist() == pytest.approx([0, 0.9])
    assert not scores[1].any()


@pytest.mark.parametrize("label", [2, -1, 0.5, float("nan")])
def test_a_label_that_the_manifest_does_not_name_is_refused(label: float) -> None:
    rows = np.array([[[1, 2, 3, 4, 0.9, label]]], np.float32)
    with pytest.raises(ModelRefused, match=r"m\.onnx: labels: expected numbers from 0 to 1, got"):
        end_to_end(rows, 2, "m.onnx")


def test_a_table_without_a_row_finds_nothing() -> None:
    labels, boxes, scores = (
        np.empty((1, 0), np.int64),
        np.empty((1, 0, 4), np.float32),
        np.empty((1, 0), np.float32),
    )
    _, found = labels_boxes_scores(labels, boxes, scores, n_labels=2, file="m.onnx")
    assert found.shape == (0, 2)


def test_boxes_of_detr_are_shares_of_the_window() -> None:
    boxes, _ = detr(
        np.array([[[0.5, 0.5, 0.25, 0.5]]], np.float32),
        np.zeros((1, 1, 2), np.float32),
        Activation.NONE,
        (640, 320),
    )
    assert boxes.tolist() == [[240, 80, 400, 240]]


def test_logits_far_from_0_become_scores_without_a_warning() -> None:
    logits = np.array([[-1000.0, 0.0, 1000.0]], np.float32)
    assert activated(logits, Activation.SIGMOID, axis=1).tolist() == [[0, 0.5, 1]]
    assert activated(logits, Activation.SOFTMAX, axis=1).tolist() == [[0, 0, 1]]


def test_an_export_with_the_head_of_yolov8_runs(tmp_path: Path) -> None:
    labels = ["vehicle", "aircraft", "ship"]
    path = write_model(
        tmp_path,
        yolov8_export(),
        labels=labels,
        input={**FLOAT_INPUT, "width": 320, "height": 320, "colour": "rgb"},
        output={"layout": "yolov8", "rows": "output0"},
        thresholds=dict.fromkeys(labels, 0.5),
        quality={label: {"recall": 0, "false_alarms_per_km2": 0} for label in labels},
    )
    boxes, scores = load(path).infer(np.full((320, 320, 3), 90, np.uint8))
    assert (boxes.shape, scores.shape) == ((2100, 4), (2100, 3))
    assert (boxes[:, 2:] >= boxes[:, :2]).all()
    assert 0 < scores.min() < scores.max() < 1


def change_model(folder: Path, *, n_planes: int, activation: str) -> Path:
    return write_model(
        folder,
        difference_model(n_planes=n_planes, activation=activation),
        kind="change",
        labels=["changed"],
        input=input_of(name="before", after="after"),
        output={"layout": "mask", "rows": "mask", "activation": activation},
        thresholds={"changed": 0.5},
        quality={"changed": {"recall": 0.9, "false_alarms_per_km2": 1}},
    )


@pytest.mark.parametrize(
    ("n_planes", "activation"), [(1, "none"), (1, "sigmoid"), (2, "none"), (2, "softmax"), (2, "sigmoid")]
)
def test_a_mask_of_one_or_two_planes_says_how_surely_each_pixel_changed(
    n_planes: int, activation: str, tmp_path: Path
) -> None:
    model = load_change(change_model(tmp_path, n_planes=n_planes, activation=activation))
    before, after = image(SIZE_PX, SIZE_PX), image(SIZE_PX, SIZE_PX, (40, 60, 64, 80), level=224)
    score = model.infer(before, after)
    assert score.shape == (SIZE_PX, SIZE_PX)
    assert score[70, 50] == pytest.approx(0.8, abs=1e-5)
    assert score[10, 10] == pytest.approx(0, abs=1e-5)


def test_a_softmax_over_one_plane_is_refused_for_it_says_nothing(tmp_path: Path) -> None:
    path = change_model(tmp_path, n_planes=1, activation="none")
    path.write_text(path.read_text().replace("activation: none", "activation: softmax"))
    with pytest.raises(
        ModelRefused, match=r"output mask: expected shape \[1, 2, 128, 128\], got \[1, 1, 128, 128\]"
    ):
        load_change(path)


def test_an_object_model_is_not_taken_where_a_change_model_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match="kind: expected change, got objects"):
        load_change(write_model(tmp_path))
    with pytest.raises(ModelRefused, match="kind: expected objects, got change"):
        load(change_model(tmp_path, n_planes=1, activation="none"))
