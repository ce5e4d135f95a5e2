"""An own file is inspected, tried and given a manifest, or refused with what was expected and what came."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from edge.detect.graph import Layout
from edge.detect.manifest import Manifest
from edge.detect.model import load, load_change
from edge.errors import ModelRefused
from edge.fitting.add import Added, add, assumed
from edge.fitting.proposal import Said
from tests.detect.layouts_make import difference_model, dressed, taking_floats, tell, yolov8_export
from tests.detect.make import blob_model, constant_model, image

LABELS = ("aircraft", "ship")
GSD_M = (0.3, 0.5, 2.0)


def nobody(option: str, what: str) -> str:
    raise ModelRefused(f"expected {option}: {what}")


def answering(**answers: str) -> Callable[[str, str], str]:
    return lambda option, _what: answers[option.removeprefix("--")]


def said(**changed: Any) -> Said:
    return Said(**{"ask": nobody, "labels": LABELS, "gsd_m": GSD_M, **changed})


def added(folder: Path, model: onnx.ModelProto, **changed: Any) -> Added:
    file = folder / "own.onnx"
    file.write_bytes(model.SerializeToString())
    return add(file, said(**changed))


def manifest(folder: Path, model: onnx.ModelProto, **changed: Any) -> Manifest:
    return added(folder, model, **changed).manifest


def refused(folder: Path, model: onnx.ModelProto, **changed: Any) -> str:
    with pytest.raises(ModelRefused) as refusal:
        added(folder, model, **changed)
    assert sorted(path.name for path in folder.iterdir()) == ["own.onnx"]
    return str(refusal.value)


def test_a_yolov8_export_says_itself_what_it_is(tmp_path: Path) -> None:
    taken = added(tmp_path, yolov8_export(size=128), labels=None)
    assert taken.manifest.labels == ("small_vehicle", "plane", "ship")
    assert taken.manifest.output.layout is Layout.YOLOV8
    assert (taken.manifest.input.layout, taken.manifest.input.dtype) == ("nchw", "float32")
    assert load(taken.path).infer(image(128, 128))[1].shape == (336, 3)


def test_a_model_that_was_added_finds_what_it_should(tmp_path: Path) -> None:
    taken = added(tmp_path, taking_floats(dressed("yolov5")))
    boxes, scores = load(taken.path).infer(image(128, 128, (40, 60, 64, 80)))
    assert boxes[scores[:, 0].argmax()].tolist() == pytest.approx([40, 60, 64, 80], abs=1e-3)
    assert taken.seen.endswith(" m, 6 of its 6 airliners among them")


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("yolov8", "yolov8"),
        ("yolov5", "yolov5"),
        ("labels_boxes_scores", "labels_boxes_scores"),
        ("detr", "detr"),
    ],
)
def test_the_layout_is_worked_out(name: str, layout: str, tmp_path: Path) -> None:
    assert manifest(tmp_path, dressed(name)).output.layout == layout


def test_the_input_that_wants_the_size_of_the_window_is_found(tmp_path: Path) -> None:
    assert manifest(tmp_path, dressed("labels_boxes_scores")).input.size == "orig_target_sizes"


def test_of_two_layouts_that_fit_none_is_taken_without_being_told(tmp_path: Path) -> None:
    assert "expected --layout: detr_rows or end_to_end, which both fit output0" in refused(
        tmp_path, dressed("end_to_end")
    )


def test_the_layout_is_asked_for_where_two_fit(tmp_path: Path) -> None:
    asked = manifest(tmp_path, dressed("end_to_end"), ask=answering(layout="end_to_end"))
    assert asked.output.layout is Layout.END_TO_END


def test_the_exporter_may_say_that_boxes_are_merged_inside(tmp_path: Path) -> None:
    model = tell(dressed("end_to_end"), end2end="True")
    assert manifest(tmp_path, model).output.layout is Layout.END_TO_END


def test_axes_left_open_are_closed_by_the_size_that_is_said(tmp_path: Path) -> None:
    model = taking_floats(blob_model(), batch="batch")
    for axis, name in ((2, "h"), (3, "w")):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = name
    taken = manifest(tmp_path, model, size=(128, 128), layout=Layout.BOXES_SCORES)
    assert taken.input.axes == {"batch": 1, "h": 128, "w": 128}


def test_axes_left_open_without_a_size_are_refused(tmp_path: Path) -> None:
    model = taking_floats(blob_model())
    model.graph.input[0].type.tensor_type.shape.dim[3].dim_param = "w"
    assert "own.onnx: input images: expected --size WIDTH HEIGHT with images" in refused(tmp_path, model)


def test_what_the_file_does_not_say_is_asked_for(tmp_path: Path) -> None:
    ask = answering(labels="Aircraft, Ship", gsd="0.3 0.5 2")
    taken = manifest(tmp_path, dressed("yolov8"), labels=None, gsd_m=None, ask=ask)
    assert (taken.labels, taken.gsd_m.working) == (LABELS, 0.5)


def test_what_was_assumed_is_said(tmp_path: Path) -> None:
    taken = added(tmp_path, taking_floats(dressed("yolov8")))
    sentences = list(assumed(taken, said()))
    assert sentences[0].startswith("input in [0, 1]")
    assert "thresholds and quality are not measured yet" in sentences


def test_a_model_that_takes_two_images_is_one_of_change(tmp_path: Path) -> None:
    taken = added(tmp_path, difference_model(n_planes=2), labels=None)
    assert (taken.manifest.kind, taken.manifest.labels) == ("change", ("changed",))
    assert (taken.manifest.input.name, taken.manifest.input.after) == ("before", "after")
    score = load_change(taken.path).infer(image(128, 128), image(128, 128, (0, 0, 9, 9)))
    assert score[4, 4] > 0.8
    assert score[60, 60] < 0.1


def test_logits_taken_for_scores_are_refused_in_the_dry_run(tmp_path: Path) -> None:
    fault = refused(tmp_path, difference_model(activation="sigmoid"), labels=None)
    assert "own.onnx: scores: expected numbers in [0, 1], got -" in fault


def test_shares_of_the_window_taken_for_pixels_are_refused_in_the_dry_run(tmp_path: Path) -> None:
    model = constant_model(np.array([[0.1, 0.1, 0.5, 0.4]], np.float32), np.array([[0.9, 0]], np.float32))
    assert (
        "own.onnx: boxes: expected pixels of a window of 128, got 0.1 to 0.5: shares of the window"
        in refused(tmp_path, model, layout=Layout.BOXES_SCORES)
    )


def wrong_labels(model: onnx.ModelProto) -> dict[str, Any]:
    return {"labels": ("aircraft", "ship", "vehicle")}


def half_precision(model: onnx.ModelProto) -> dict[str, Any]:
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT16
    model.graph.node.insert(
        0, onnx.helper.make_node("Cast", ["images"], ["single"], to=onnx.TensorProto.FLOAT)
    )
    for node in list(model.graph.node)[1:]:
        node.input[:] = ["single" if one == "images" else one for one in node.input]
    return {}


def other_task(model: onnx.ModelProto) -> dict[str, Any]:
    tell(model, task="segment")
    return {}


def no_such_word(model: onnx.ModelProto) -> dict[str, Any]:
    return {"labels": ("9 lives", "ship")}


def no_gsd(model: onnx.ModelProto) -> dict[str, Any]:
    return {"gsd_m": (2.0, 0.5, 0.3)}


def no_labels(model: onnx.ModelProto) -> dict[str, Any]:
    return {"labels": ()}


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (wrong_labels, "own.onnx: outputs: expected one of boxes_scores, "),
        (half_precision, "own.onnx: input images: expected uint8 or float32, got tensor(float16)"),
        (other_task, "own.onnx: task: expected detect in its metadata, got segment"),
        (no_such_word, 'labels[0]: expected a word in snake_case, got "9 lives"'),
        (no_gsd, "gsd_m: expected min <= working <= max, got 2, 0.5, 0.3"),
        (no_labels, "own.onnx: outputs: expected one of boxes_scores, "),
    ],
)
def test_a_file_that_does_not_fit_is_refused_and_leaves_nothing_behind(
    spoil: Callable[[onnx.ModelProto], dict[str, Any]], fault: str, tmp_path: Path
) -> None:
    model = taking_floats(dressed("yolov8"))
    assert fault in refused(tmp_path, model, **spoil(model))


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.onnx").write_bytes(b"\x89PNG")
    with pytest.raises(ModelRefused, match=r"own\.onnx: expected an ONNX model"):
        add(tmp_path / "own.onnx", said())


def test_a_manifest_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    added(tmp_path, dressed("yolov8"))
    before = (tmp_path / "own.yaml").read_text()
    with pytest.raises(ModelRefused, match=r"own\.yaml: expected no manifest yet, found one"):
        added(tmp_path, dressed("yolov8"), gsd_m=(0.4, 0.5, 0.6))
    assert (tmp_path / "own.yaml").read_text() == before
