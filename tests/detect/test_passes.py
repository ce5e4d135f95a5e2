from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from edge.acquire.tile import Rgb
from edge.detect.detection import Detection
from edge.detect.manifest import Boxes, LongObjects, Manifest, Model, Scores, parse
from edge.detect.model import load
from edge.detect.objects import DetectSettings, detect
from edge.detect.passes import Pass, passes
from edge.errors import ModelRefused
from edge.geo import PixelBox
from tests.detect.make import image, manifest_values, write_model

LABELS = ("aircraft", "ship", "vehicle")


def manifest(**by_label: float) -> Manifest:
    """Working at 0.7 m, served from 0.3 to 2 m."""
    gsd_m = {"min": 0.3, "working": 0.7, "max": 2.0, "by_label": by_label}
    per_label = {label: {"recall": 0.9, "false_alarms_per_km2": 0.5} for label in LABELS}
    values = manifest_values(
        labels=list(LABELS), gsd_m=gsd_m, quality=per_label, thresholds=dict.fromkeys(LABELS, 0.5)
    )
    return parse(yaml.safe_dump(values), "m.yaml")


def groups(found: list[Pass]) -> list[tuple[float, list[str]]]:
    return [(round(one.share, 3), sorted(one.labels)) for one in found]


def test_labels_without_a_gsd_of_their_own_are_found_in_one_pass() -> None:
    assert groups(passes(manifest(), 0.35)) == [(0.5, sorted(LABELS))]


def test_a_label_with_a_finer_gsd_gets_a_finer_pass_of_its_own() -> None:
    found = passes(manifest(vehicle=0.35), 0.35)
    assert groups(found) == [(1.0, ["vehicle"]), (0.5, ["aircraft", "ship"])]


@pytest.mark.parametrize("gsd_m", [0.7, 1.5])
def test_a_tile_coarser_than_every_working_gsd_is_searched_once_as_it_is(gsd_m: float) -> None:
    assert groups(passes(manifest(vehicle=0.35), gsd_m)) == [(1.0, sorted(LABELS))]


def test_a_tile_of_unknown_gsd_is_searched_once_as_it_is() -> None:
    assert groups(passes(manifest(vehicle=0.35), None)) == [(1.0, sorted(LABELS))]


def test_reductions_within_a_tenth_share_the_finer_pass() -> None:
    assert groups(passes(manifest(vehicle=0.64), 0.5)) == [(0.781, sorted(LABELS))]
    assert len(passes(manifest(vehicle=0.63), 0.5)) == 2


def test_a_chain_of_near_reductions_does_not_drift_from_its_finest() -> None:
    found = passes(manifest(vehicle=0.5, ship=0.54, aircraft=0.58), 0.4)
    assert groups(found) == [(0.8, ["ship", "vehicle"]), (0.69, ["aircraft"])]


def test_a_pass_that_nobody_asks_for_is_left_out() -> None:
    assert groups(passes(manifest(vehicle=0.35), 0.35, {"aircraft"})) == [(0.5, ["aircraft"])]
    assert passes(manifest(vehicle=0.35), 0.35, {"bicycle"}) == []


@given(
    gsd_m=st.floats(0.3, 2.0),
    working=st.lists(st.floats(0.3, 2.0), min_size=len(LABELS), max_size=len(LABELS)),
)
def test_every_label_is_in_one_pass_never_coarser_and_hardly_finer_than_it_wants(
    gsd_m: float, working: list[float]
) -> None:
    said = manifest(**dict(zip(LABELS, working, strict=True)))
    found = passes(said, gsd_m)
    assert sorted(label for one in found for label in one.labels) == sorted(LABELS)
    for one in found:
        for label in one.labels:
            wanted = min(1.0, gsd_m / said.gsd_m.working_of(label))
            assert wanted <= one.share <= wanted * 1.1 + 1e-9


@pytest.fixture
def two_gsds(tmp_path: Path) -> Model:
    """Bright red is an aircraft, searched at 0.5 m; bright green a ship, searched at 0.3 m."""
    gsd_m = {"min": 0.3, "working": 0.5, "max": 2.0, "by_label": {"ship": 0.3}}
    return load(write_model(tmp_path, gsd_m=gsd_m))


def both() -> Rgb:
    red, green = image(400, 400, (40, 40, 70, 66)), image(400, 400, (300, 300, 320, 316), label=1)
    return np.maximum(red, green)


def look(pixels: Rgb, model: Model, labels: set[str] | None = None) -> list[Detection]:
    return detect(pixels, 0.3, model=model, settings=DetectSettings(), labels=labels)


def counting(model: Model) -> tuple[Model, list[int]]:
    """The model, and a list that grows by one a window."""
    seen: list[int] = []

    def infer(window: Rgb) -> tuple[Boxes, Scores]:
        seen.append(1)
        return model.infer(window)

    return replace(model, infer=infer), seen


def test_each_object_is_found_once_by_the_pass_of_its_label(two_gsds: Model) -> None:
    found = {one.label: one.box for one in look(both(), two_gsds)}
    assert len(look(both(), two_gsds)) == 2
    assert found["ship"] == PixelBox(300, 300, 320, 316)  # as it is: to the pixel
    assert found["aircraft"].iou(PixelBox(40, 40, 70, 66)) > 0.6  # reduced to 0.6 of its sides


def test_only_what_is_asked_for_is_found_and_only_its_pass_is_paid_for(two_gsds: Model) -> None:
    model, windows = counting(two_gsds)
    assert {one.label for one in look(both(), model, {"aircraft"})} == {"aircraft"}
    n_coarse = len(windows)
    look(both(), model)
    assert n_coarse == 9  # 240 px in windows of 128 that share 32
    assert len(windows) - n_coarse == 9 + 16  # and 400 px beside them


def test_a_label_that_nobody_asks_for_is_dropped_though_its_pass_is_run(two_gsds: Model) -> None:
    found = detect(both(), None, model=two_gsds, settings=DetectSettings(), labels={"ship"})
    assert [one.label for one in found] == ["ship"]


def test_a_label_that_the_model_does_not_know_is_never_found(two_gsds: Model) -> None:
    assert look(both(), two_gsds, {"bicycle"}) == []


def with_long(**values: float) -> Manifest:
    """As manifest(), and long ships are searched for at a coarser one."""
    one = manifest()
    return msgspec.structs.replace(
        one, gsd_m=msgspec.structs.replace(one.gsd_m, long={"ship": LongObjects(**values)})
    )


def test_long_objects_get_a_coarser_pass_which_keeps_nothing_shorter() -> None:
    first, coarse = passes(with_long(from_m=60, working=1.4), 0.35)
    assert groups([first]) == [(0.5, sorted(LABELS))]
    assert groups([coarse]) == [(0.25, ["ship"])]
    assert coarse.longer_px == pytest.approx(60 / 0.35)


def test_no_coarser_pass_where_nobody_asks_for_the_label() -> None:
    assert groups(passes(with_long(from_m=60, working=1.4), 0.35, {"aircraft"})) == [(0.5, ["aircraft"])]


def test_what_is_found_anyway_costs_no_coarser_pass_where_no_rule_is_about_it() -> None:
    said = with_long(from_m=60, working=1.4)
    assert len(passes(said, 0.35, LABELS, {"aircraft"})) == 1
    assert len(passes(said, 0.35, LABELS, {"ship"})) == 2


@pytest.mark.parametrize("gsd_m", [None, 1.4, 1.9])
def test_no_coarser_pass_over_a_tile_that_is_as_coarse_or_of_unknown_gsd(gsd_m: float | None) -> None:
    assert len(passes(with_long(from_m=60, working=1.4), gsd_m)) == 1


def test_a_long_object_is_found_where_it_fits_into_what_the_model_sees(tmp_path: Path) -> None:
    gsd_m = {"min": 0.3, "working": 0.5, "max": 2.0, "long": {"ship": {"from_m": 25, "working": 1.0}}}
    pixels = np.maximum(
        image(300, 300, (80, 100, 144, 120), label=1), image(300, 300, (200, 200, 220, 210), label=1)
    )
    (tmp_path / "without").mkdir()
    without = load(write_model(tmp_path / "without", gsd_m=gsd_m | {"long": {}}))
    model = load(write_model(tmp_path, gsd_m=gsd_m))
    whole, pieces = (
        sorted(found.box.width for found in detect(pixels, 0.5, model=one, settings=DetectSettings()))
        for one in (model, without)
    )
    assert max(pieces) < 60
    assert max(whole) == 64
    assert min(whole) == min(pieces) == 20


@pytest.mark.parametrize(
    ("long", "text"),
    [
        ({"tram": {"from_m": 60, "working": 1.4}}, "long: expected one of aircraft, ship, got tram"),
        (
            {"ship": {"from_m": 60, "working": 0.5}},
            r"long.ship.working: expected more than its 0.5 and up to 2",
        ),
        (
            {"ship": {"from_m": 60, "working": 2.5}},
            r"long.ship.working: expected more than its 0.5 and up to 2",
        ),
    ],
)
def test_a_coarser_pass_that_is_none_is_refused(tmp_path: Path, long: dict[str, object], text: str) -> None:
    gsd_m = {"min": 0.3, "working": 0.5, "max": 2.0, "long": long}
    with pytest.raises(ModelRefused, match=text):
        load(write_model(tmp_path, gsd_m=gsd_m))
