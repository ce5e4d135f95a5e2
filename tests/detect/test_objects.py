from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.acquire.quality import Reject
from edge.acquire.tile import Rgb
from edge.detect.detection import Detection
from edge.detect.manifest import Model
from edge.detect.model import load
from edge.detect.objects import Candidates, DetectSettings, detect, merge, refusal
from edge.errors import ModelRefused
from edge.geo import PixelBox
from tests.detect.make import CELL_PX, MAX_OBJECT_PX, constant_model, image, write_model

SETTINGS = DetectSettings()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load(write_model(tmp_path_factory.mktemp("model")))


def constant(folder: Path, boxes: list[list[float]], scores: list[list[float]]) -> Model:
    return load(
        write_model(folder, constant_model(np.array(boxes, np.float32), np.array(scores, np.float32)))
    )


def look(pixels: Rgb, model: Model, gsd_m: float | None = None) -> list[Detection]:
    return detect(pixels, gsd_m, model=model, settings=SETTINGS)


def candidates(*rows: tuple[list[float], float, int]) -> Candidates:
    boxes, scores, labels = zip(*rows, strict=True)
    return Candidates(np.array(boxes, np.float32), np.array(scores, np.float32), np.array(labels, np.intp))


def is_whole(found: PixelBox, truth: PixelBox) -> bool:
    """True if the box shows all of the object and reaches less than one cell of the model beyond it."""
    sides = (
        truth.left - found.left,
        truth.top - found.top,
        found.right - truth.right,
        found.bottom - truth.bottom,
    )
    return all(0 <= side < CELL_PX for side in sides)


def test_an_object_is_found_with_label_score_and_box(model: Model) -> None:
    [found] = look(image(128, 128, (40, 60, 64, 80), label=1, level=204), model)
    assert (found.label, round(found.score, 6), found.box) == ("ship", 0.8, PixelBox(40, 60, 64, 80))


def test_an_empty_image_holds_nothing(model: Model) -> None:
    assert look(image(300, 300), model) == []


@pytest.mark.parametrize("size", [(128, 128), (90, 60), (33, 200), (24, 24)])
def test_an_image_of_any_size_is_searched_to_its_end(size: tuple[int, int], model: Model) -> None:
    width, height = size
    truth = PixelBox(width - 20, height - 20, width - 1, height - 1)
    [found] = look(image(width, height, (width - 20, height - 20, width - 1, height - 1)), model)
    assert found.box.iou(truth) >= 0.6
    assert found.box.right <= width
    assert found.box.bottom <= height


def test_an_image_of_one_pixel_is_searched(model: Model) -> None:
    assert look(image(1, 1), model) == []


@settings(deadline=None)
@given(
    size=st.tuples(st.integers(128, 420), st.integers(128, 420)),
    box=st.tuples(*[st.integers(16, MAX_OBJECT_PX * 4 // 5)] * 2),
    place=st.tuples(*[st.floats(0, 1)] * 2),
)
def test_an_object_anywhere_is_found_once_and_whole(
    size: tuple[int, int], box: tuple[int, int], place: tuple[float, float], model: Model
) -> None:
    left, top = (int((length - side) * share) for length, side, share in zip(size, box, place, strict=True))
    truth = PixelBox(left, top, left + box[0], top + box[1])
    [found] = look(image(*size, (left, top, left + box[0], top + box[1])), model)
    assert is_whole(found.box, truth)


@pytest.mark.parametrize("shift", range(0, 40, 3))
def test_rows_of_objects_across_every_seam_are_counted_right(shift: int, model: Model) -> None:
    places = [(x + shift, y + shift) for x in range(0, 380, 60) for y in range(0, 380, 60)]
    found = look(image(460, 460, *((x, y, x + 24, y + 20) for x, y in places)), model)
    truth = [PixelBox(x, y, x + 24, y + 20) for x, y in places]
    assert len(found) == len(truth)
    assert all(any(is_whole(one.box, box) for one in found) for box in truth)


@pytest.mark.parametrize("left", range(40, 140, 3))
def test_an_object_as_long_as_the_overlap_is_found_once_and_hardly_cut(left: int, model: Model) -> None:
    truth = PixelBox(left, 50, left + MAX_OBJECT_PX, 66)
    [found] = look(image(230, 128, (left, 50, left + MAX_OBJECT_PX, 66)), model)
    assert found.box.intersection_area(truth) >= 0.8 * truth.area


@pytest.mark.parametrize("left", range(60, 140, 8))
def test_an_object_longer_than_the_overlap_is_not_lost_at_a_seam(left: int, model: Model) -> None:
    pixels = image(230, 128, (left, 50, left + 40, 66))
    assert any(one.box.intersection_area(PixelBox(left, 50, left + 40, 66)) for one in look(pixels, model))


def test_the_same_image_gives_the_same_list(model: Model) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (300, 300, 3), np.uint8)
    first = look(pixels, model)
    assert len(first) > 5
    assert look(pixels, model) == first


def test_detections_come_best_first(model: Model) -> None:
    pixels = np.maximum(
        image(300, 300, (10, 10, 30, 30), level=150),
        np.maximum(image(300, 300, (200, 200, 220, 220)), image(300, 300, (100, 10, 120, 30), level=200)),
    )
    assert [round(one.score, 2) for one in look(pixels, model)] == [0.90, 0.78, 0.59]


def test_candidates_below_min_score_are_left_out(model: Model) -> None:
    pixels = image(128, 128, (40, 60, 64, 80), level=204)  # a score of exactly 0.8
    at_it = DetectSettings(min_score=float(np.float32(0.8)))
    assert len(detect(pixels, None, model=model, settings=at_it)) == 1
    assert detect(pixels, None, model=model, settings=DetectSettings(min_score=0.81)) == []


def test_a_finer_tile_is_reduced_and_its_boxes_are_in_its_own_pixels(model: Model) -> None:
    [found] = look(image(400, 300, (100, 80, 148, 120)), model, gsd_m=0.3)
    assert found.box.iou(PixelBox(100, 80, 148, 120)) >= 0.7


def test_a_reduced_tile_is_searched_at_the_working_gsd(model: Model) -> None:
    pixels = image(400, 400, (100, 80, 150, 120))
    smaller = np.asarray(cv2.resize(pixels, (240, 240), interpolation=cv2.INTER_LINEAR), np.uint8)
    [fine], [coarse] = look(pixels, model, gsd_m=0.3), look(smaller, model, gsd_m=0.5)
    assert fine.score == coarse.score
    assert (fine.box.left, fine.box.bottom) == pytest.approx((coarse.box.left / 0.6, coarse.box.bottom / 0.6))


def test_a_box_at_the_edge_of_a_reduced_tile_ends_at_the_edge_of_the_tile(model: Model) -> None:
    [found] = look(image(401, 303, (361, 263, 401, 303)), model, gsd_m=0.37)
    assert (found.box.right, found.box.bottom) == (401, 303)


def test_a_coarser_tile_is_used_as_it_is(model: Model) -> None:
    pixels = image(200, 200, (100, 80, 124, 100))
    assert look(pixels, model, gsd_m=2.0) == look(pixels, model)


@pytest.mark.parametrize(
    ("gsd_m", "expected"),
    [
        (0.29, Reject.GSD_TOO_FINE),
        (0.3, None),
        (0.5, None),
        (2.0, None),
        (2.01, Reject.GSD_TOO_COARSE),
    ],
)
def test_a_gsd_outside_the_range_of_the_model_is_refused(
    gsd_m: float, expected: Reject | None, model: Model
) -> None:
    assert refusal(gsd_m, model.manifest) == expected


def test_a_tile_that_was_refused_is_not_searched_all_the_same(model: Model) -> None:
    with pytest.raises(ValueError, match=r"gsd_m: expected what blobs-1 serves, got 5\.0"):
        look(image(128, 128), model, gsd_m=5.0)


def test_windows_without_usable_ground_are_left_out(model: Model) -> None:
    pixels = image(400, 128, (10, 40, 34, 60), (360, 40, 384, 60))
    usable = np.zeros((2, 8), np.bool_)
    usable[:, -1] = True
    [found] = detect(pixels, None, model=model, settings=SETTINGS, usable=usable)
    assert found.box.left == 360


def test_nothing_usable_is_nothing_found(model: Model) -> None:
    pixels = image(400, 400, (10, 40, 34, 60))
    assert detect(pixels, None, model=model, settings=SETTINGS, usable=np.zeros((4, 4), np.bool_)) == []


def test_a_box_beyond_the_image_is_cut_to_it_and_one_outside_is_dropped(tmp_path: Path) -> None:
    boxes: list[list[float]] = [[-9, -9, 11, 11], [100, 100, 120, 120], [40, 40, 40, 60]]
    found = look(image(64, 64), constant(tmp_path, boxes, [[0.9, 0], [0.8, 0], [0.7, 0]]))
    assert [one.box for one in found] == [PixelBox(0, 0, 11, 11)]


def test_boxes_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match=r"blobs\.onnx: boxes: expected finite numbers"):
        look(image(64, 64), constant(tmp_path, [[0, 0, float("nan"), 9]], [[0.9, 0]]))


def test_of_boxes_that_overlap_the_best_is_kept() -> None:
    found = merge(
        candidates(([0, 0, 10, 10], 0.5, 0), ([1, 0, 11, 10], 0.9, 0), ([30, 0, 40, 10], 0.4, 0)), SETTINGS
    )
    assert found.scores.tolist() == pytest.approx([0.9, 0.4])


def test_boxes_that_touch_or_overlap_a_little_are_two_objects() -> None:
    found = merge(candidates(([0, 0, 10, 10], 0.9, 0), ([6, 0, 16, 10], 0.8, 0)), SETTINGS)
    assert len(found.scores) == 2


def test_a_box_inside_a_better_one_is_the_same_object_and_so_is_one_around_it() -> None:
    inside = candidates(([0, 0, 40, 40], 0.9, 0), ([5, 5, 15, 15], 0.8, 0))
    around = candidates(([0, 0, 40, 40], 0.8, 0), ([5, 5, 15, 15], 0.9, 0))
    assert merge(inside, SETTINGS).boxes.tolist() == [[0, 0, 40, 40]]
    assert merge(around, SETTINGS).boxes.tolist() == [[5, 5, 15, 15]]


def test_boxes_of_two_labels_are_never_merged() -> None:
    assert len(merge(candidates(([0, 0, 10, 10], 0.9, 0), ([0, 0, 10, 10], 0.8, 1)), SETTINGS).scores) == 2


def test_equal_scores_are_ordered_by_label_and_place_whatever_order_they_come_in() -> None:
    rows: list[tuple[list[float], float, int]] = [
        ([50, 0, 60, 9], 0.5, 0), ([0, 0, 9, 9], 0.5, 1), ([0, 0, 9, 9], 0.5, 0),
    ]  # fmt: skip
    first, second = merge(candidates(*rows), SETTINGS), merge(candidates(*rows[::-1]), SETTINGS)
    assert first.boxes.tolist() == second.boxes.tolist() == [[0, 0, 9, 9], [50, 0, 60, 9], [0, 0, 9, 9]]
    assert first.labels.tolist() == [0, 0, 1]


def test_at_most_max_detections_are_kept_and_they_are_the_best() -> None:
    rows = [([20.0 * n, 0, 20.0 * n + 9, 9], 0.2 + n / 100, 0) for n in range(20)]
    found = merge(candidates(*rows), DetectSettings(max_detections=3))
    assert found.scores.tolist() == pytest.approx([0.39, 0.38, 0.37])
