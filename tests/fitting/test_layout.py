from __future__ import annotations

import pytest

from edge.fitting.facts import Port
from edge.fitting.layout import fits

FLOAT, WHOLE = "tensor(float)", "tensor(int64)"


def port(name: str, *shape: int | str | None, type_: str = FLOAT) -> Port:
    return Port(name, type_, shape)


def found(*outputs: Port, n_labels: int, is_change: bool = False) -> list[str]:
    fitting = fits(outputs, n_labels, is_change=is_change)
    return [one.layout if one.activation == "none" else f"{one.layout}, {one.activation}" for one in fitting]


@pytest.mark.parametrize(
    ("outputs", "n_labels", "expected"),
    [
        ([port("output0", 1, 84, 8400)], 80, ["yolov8"]),
        ([port("output0", 1, 25200, 85)], 80, ["yolov5"]),
        ([port("output0", 1, 300, 6)], 80, ["end_to_end"]),
        ([port("output0", "batch", "anchors", 6)], 80, ["end_to_end"]),
        ([port("output0", 1, 300, 84)], 80, ["detr_rows"]),
        ([port("output0", 1, 300, 6)], 2, ["detr_rows", "end_to_end"]),
        ([port("output0", 1, 300, 6)], 1, ["yolov5", "end_to_end"]),
        ([port("output0", 1, 25200, 85)], 79, []),
        ([port("logits", 1, 300, 80), port("pred_boxes", 1, 300, 4)], 80, ["detr, sigmoid"]),
        ([port("logits", 1, 100, 92), port("pred_boxes", 1, 100, 4)], 91, ["detr, softmax"]),
        ([port("boxes", 1, 300, 4), port("scores", 1, 300, 80)], 80, ["boxes_scores", "detr"]),
        (
            [port("labels", "N", 300, type_=WHOLE), port("boxes", "N", 300, 4), port("scores", "N", 300)],
            80,
            ["labels_boxes_scores"],
        ),
        ([port("output0", 1, 1000)], 1000, []),
        ([], 3, []),
    ],
)
def test_the_layouts_that_fit_are_told_by_the_shapes_alone(
    outputs: list[Port], n_labels: int, expected: list[str]
) -> None:
    assert found(*outputs, n_labels=n_labels) == expected


def test_the_outputs_of_detr_are_told_apart_though_there_are_four_labels() -> None:
    [fit] = fits([port("pred_logits", 1, 100, 4), port("pred_boxes", 1, 100, 4)], 4, is_change=False)[:1]
    assert fit.names["scores"] in {"pred_logits", "pred_boxes"}


@pytest.mark.parametrize(("n_planes", "expected"), [(1, ["mask"]), (2, ["mask"]), (3, [])])
def test_a_mask_of_change_has_one_plane_or_two(n_planes: int, expected: list[str]) -> None:
    assert found(port("mask", 1, n_planes, 256, 256), n_labels=1, is_change=True) == expected
