from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edge.detect.change import ChangeSettings, Comparison, changed, regions
from edge.detect.manifest import ChangeModel, ChangeScore
from edge.detect.model import load_change
from edge.errors import ModelRefused
from edge.geo import PixelBox
from tests.detect.make import write_model

SIDE = 64
SETTINGS = ChangeSettings(min_area_m2=4, min_peak=0)


def difference_model(side: int = SIDE) -> onnx.ModelProto:
    """Compares the mean of the bands of an image with what it gave as features of an earlier one."""
    area = side * side

    def constant(name: str, value: NDArray[Any]) -> onnx.TensorProto:
        return numpy_helper.from_array(value, name)

    nodes = [
        helper.make_node("Cast", ["image"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats"], ["grey"], axes=[3], keepdims=0),
        helper.make_node("Reshape", ["grey", "row"], ["features"]),
        helper.make_node("Sub", ["features", "before"], ["apart"]),
        helper.make_node("Abs", ["apart"], ["counts"]),
        helper.make_node("Div", ["counts", "white"], ["share"]),
        helper.make_node("Reshape", ["share", "plane"], ["mask"]),
    ]
    graph = helper.make_graph(
        nodes,
        "difference",
        [
            helper.make_tensor_value_info("image", TensorProto.UINT8, [1, side, side, 3]),
            helper.make_tensor_value_info("before", TensorProto.FLOAT, [1, area]),
        ],
        [
            helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1, 1, side, side]),
            helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, area]),
        ],
        [
            constant("row", np.array([1, area], np.int64)),
            constant("plane", np.array([1, 1, side, side], np.int64)),
            constant("white", np.array(255, np.float32)),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def manifest(**values: Any) -> dict[str, Any]:
    return {
        "kind": "change",
        "labels": ["change"],
        "input": {
            "name": "image", "cached": "before", "width": SIDE, "height": SIDE,
            "layout": "nhwc", "dtype": "uint8", "colour": "rgb",
        },
        "output": {"layout": "mask", "rows": "mask", "features": "features"},
        "gsd_m": {"min": 0.2, "working": 0.5, "max": 2.0},
        "max_object_px": 16,
        "thresholds": {"change": 0.3},
        "quality": {"change": {"recall": 0.9, "false_alarms_per_km2": 1}},
        **values,
    }  # fmt: skip


@pytest.fixture
def model(tmp_path: Path) -> ChangeModel:
    return load_change(write_model(tmp_path, difference_model(), **manifest()))


def ground(width: int = 150, height: int = 110) -> NDArray[np.uint8]:
    return np.full((height, width, 3), 60, np.uint8)


def with_box(pixels: NDArray[np.uint8], box: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    left, top, right, bottom = box
    shown = pixels.copy()
    shown[top:bottom, left:right] = 220
    return shown


def test_a_map_over_several_windows_is_the_map_of_the_whole(model: ChangeModel) -> None:
    before = ground()
    after = np.random.default_rng(1).integers(0, 256, before.shape, np.uint8)
    found = Comparison(before, after, 0.5, model=model).score_map()
    wanted = np.abs(after.astype(np.float32).mean(-1) - 60) / 255
    assert found.shape == (110, 150)
    assert np.abs(found - wanted).max() < 1e-4


def test_what_came_is_a_region_with_its_box_its_score_and_its_area(model: ChangeModel) -> None:
    after = with_box(ground(), (70, 40, 90, 50))
    score = Comparison(ground(), after, 0.5, model=model).score_map()
    [region] = regions(score, model=model, settings=SETTINGS, gsd_m=0.5)
    assert region.box == PixelBox(70, 40, 90, 50)
    assert region.area_m2 == pytest.approx(20 * 10 * 0.25)
    assert region.score == pytest.approx(160 / 255, abs=1e-4)


def test_regions_come_the_largest_first(model: ChangeModel) -> None:
    after = with_box(with_box(ground(), (5, 5, 15, 15)), (70, 40, 90, 60))
    score = Comparison(ground(), after, 0.5, model=model).score_map()
    found = regions(score, model=model, settings=SETTINGS, gsd_m=0.5)
    assert [region.box.left for region in found] == [70, 5]


def test_a_region_with_too_little_ground_is_left_out_of_regions_and_mask(model: ChangeModel) -> None:
    after = with_box(ground(), (70, 40, 73, 43))
    score = Comparison(ground(), after, 0.5, model=model).score_map()
    assert not regions(score, model=model, settings=SETTINGS, gsd_m=0.5)
    assert not changed(score, model=model, settings=SETTINGS, gsd_m=0.5).any()


def test_a_region_without_a_sure_pixel_is_left_out_where_one_is_asked_for(model: ChangeModel) -> None:
    after = with_box(ground(), (70, 40, 90, 50))
    score = Comparison(ground(), after, 0.5, model=model).score_map()
    sure = msgspec.structs.replace(SETTINGS, min_peak=0.7)
    assert not regions(score, model=model, settings=sure, gsd_m=0.5)
    assert regions(score, model=model, settings=msgspec.structs.replace(sure, min_peak=0.6), gsd_m=0.5)


def test_ground_that_one_look_does_not_show_did_not_change(model: ChangeModel) -> None:
    after = with_box(ground(), (70, 40, 90, 50))
    comparable = np.ones(after.shape[:2], np.bool_)
    comparable[:, 80:] = False
    score = Comparison(ground(), after, 0.5, model=model, comparable=comparable).score_map()
    [region] = regions(score, model=model, settings=SETTINGS, gsd_m=0.5)
    assert region.box == PixelBox(70, 40, 80, 50)


def test_finer_images_are_reduced_and_the_map_has_their_size(model: ChangeModel) -> None:
    after = with_box(ground(), (60, 40, 100, 80))
    score = Comparison(ground(), after, 0.25, model=model).score_map()
    assert score.shape == (110, 150)
    [region] = regions(score, model=model, settings=SETTINGS, gsd_m=0.25)
    assert region.area_m2 == pytest.approx(40 * 40 * 0.0625, rel=0.1)


def test_a_box_is_asked_about_alone_and_only_its_window_runs(model: ChangeModel) -> None:
    seen = []

    def counted(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.float32]:
        seen.append(after.shape)
        return model.infer(before, after)

    counting = ChangeModel(model.manifest, model.sha256, counted)
    comparison = Comparison(ground(), with_box(ground(), (70, 40, 90, 50)), 0.5, model=counting)
    assert comparison.score_of(PixelBox(70, 40, 90, 50)) == pytest.approx(160 / 255, abs=1e-3)
    assert comparison.score_of(PixelBox(71, 41, 89, 49)) == pytest.approx(160 / 255, abs=1e-3)
    assert comparison.score_of(PixelBox(64, 20, 72, 28)) == 0
    assert len(seen) == 1


@pytest.mark.parametrize("gsd_m", [0.5, 0.3])
def test_an_earlier_image_made_part_by_part_scores_as_the_whole_one(model: ChangeModel, gsd_m: float) -> None:
    before, after = np.random.default_rng(2).integers(0, 256, (2, 110, 150, 3), np.uint8)
    whole = Comparison(before, after, gsd_m, model=model).score_map()
    parts = Comparison(lambda rows, columns: before[rows, columns], after, gsd_m, model=model).score_map()
    assert np.array_equal(whole, parts)


def test_the_score_of_several_views_is_their_mean_each_turned_back(model: ChangeModel) -> None:
    """Of a model that is surer the further right and down it looks, two opposite views know no side."""
    slope = np.add.outer(np.linspace(0, 1, SIDE), np.linspace(0, 1, SIDE)).astype(np.float32) / 2

    def leaned(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> ChangeScore:
        return np.asarray(model.infer(before, after) * slope, np.float32)

    leaning = ChangeModel(model.manifest, model.sha256, leaned)
    before, after = ground(SIDE, SIDE), np.full((SIDE, SIDE, 3), 160, np.uint8)
    flat = 100 / 255 / 2
    for n_views in (2, 4):
        found = Comparison(before, after, 0.5, model=leaning, n_views=n_views).score_map()
        assert np.abs(found - flat).max() < 1e-4
    assert np.ptp(Comparison(before, after, 0.5, model=leaning).score_map()) > flat


def test_what_lies_aside_stays_there_in_every_view(model: ChangeModel) -> None:
    after = with_box(ground(), (70, 40, 90, 50))
    one, four = (Comparison(ground(), after, 0.5, model=model, n_views=n).score_map() for n in (1, 4))
    assert np.abs(one - four).max() < 1e-4


def test_two_images_of_different_size_are_refused(model: ChangeModel) -> None:
    with pytest.raises(ValueError, match="expected two images of one size"):
        Comparison(ground(), ground(90, 110), 0.5, model=model)


def test_features_that_do_not_fit_the_input_are_refused(tmp_path: Path) -> None:
    values = manifest(output={"layout": "mask", "rows": "mask", "features": "mask"})
    with pytest.raises(ModelRefused, match=r"output mask: expected shape \[1, 4096\]"):
        load_change(write_model(tmp_path, difference_model(), **values))


def test_a_manifest_that_names_features_without_an_input_for_them_is_refused(tmp_path: Path) -> None:
    values = manifest()
    values["input"] = {**values["input"], "after": "before"} | {"cached": None}
    with pytest.raises(ModelRefused, match=r"features: expected nothing without input\.cached, got features"):
        load_change(write_model(tmp_path, difference_model(), **values))
