"""The model that ships is the one that was measured, and it sees what is plainly there."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from edge import shipped
from edge.detect.change import ChangeSettings, Comparison, regions
from edge.detect.detection import Detection
from edge.detect.manifest import ChangeModel, Model
from edge.detect.model import load, load_change
from edge.detect.objects import DetectSettings, detect
from edge.drill.airfield import airfield
from edge.drill.look import Look
from edge.drill.render import View, prepare, render
from edge.drill.scene import SceneObject
from edge.drill.sun import Sun
from edge.errors import ModelRefused
from edge.geo import PixelBox

MANIFEST = shipped.model("objects")
GSD_M = 0.6
STANDS = ("N1", "N2", "N3", "N4", "S1", "S2", "S3", "S4")


@pytest.fixture(scope="module")
def model() -> Model:
    return load(MANIFEST)


@pytest.fixture(scope="module")
def view() -> View:
    """A whole airfield with an airliner on each of eight stands."""
    stage = prepare(airfield("field", west=27.0, north=17.0), GSD_M)
    places = [(name, stage.scene.stands[name]) for name in STANDS]
    airliners = [
        SceneObject(name, "airliner_narrow", at.x_m, at.y_m, at.heading_deg, "white", "whole")
        for name, at in places
    ]
    return render(stage, airliners, Look(sun=Sun(140.0, 40.0), seed=1))


@pytest.fixture(scope="module")
def found(model: Model, view: View) -> list[Detection]:
    """Aircraft at their threshold."""
    detections = detect(view.pixels, GSD_M, model=model, settings=DetectSettings())
    threshold = model.manifest.thresholds["aircraft"]
    return [one for one in detections if one.label == "aircraft" and one.score >= threshold]


def aircraft(view: View) -> list[PixelBox]:
    return [one.box for one in view.placed if one.label == "aircraft"]


def test_the_shipped_weights_are_those_of_the_manifest(model: Model) -> None:
    weights = MANIFEST.parent / model.manifest.file
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == model.sha256 == model.manifest.sha256


def test_the_card_names_the_shipped_weights(model: Model) -> None:
    assert model.sha256 in MANIFEST.with_suffix(".md").read_text(encoding="utf-8")


def test_most_rendered_airliners_are_found_where_they_stand(view: View, found: list[Detection]) -> None:
    hits = [true for true in aircraft(view) if any(one.box.iou(true) >= 0.5 for one in found)]
    assert len(aircraft(view)) == len(STANDS)
    assert len(hits) >= 7


def test_hardly_anything_else_on_the_airfield_is_taken_for_an_aircraft(
    view: View, found: list[Detection]
) -> None:
    wrong = [one for one in found if all(one.box.iou(true) < 0.3 for true in aircraft(view))]
    assert len(wrong) <= 1


def test_an_empty_airfield_shows_no_aircraft(model: Model) -> None:
    stage = prepare(airfield("field", west=27.0, north=17.0), GSD_M)
    empty = render(stage, [], Look(sun=Sun(140.0, 40.0), seed=1))
    detections = detect(empty.pixels, GSD_M, model=model, settings=DetectSettings())
    threshold = model.manifest.thresholds["aircraft"]
    assert len([one for one in detections if one.label == "aircraft" and one.score >= threshold]) <= 1


def test_a_shipped_file_with_one_byte_changed_is_refused(tmp_path: Path) -> None:
    weights = bytearray((MANIFEST.parent / "objects.onnx").read_bytes())
    weights[len(weights) // 2] ^= 1
    (tmp_path / "objects.onnx").write_bytes(weights)
    shutil.copy(MANIFEST, tmp_path)
    with pytest.raises(ModelRefused, match="sha256: expected"):
        load(tmp_path / "objects.yaml")


CHANGE = shipped.model("change")


@pytest.fixture(scope="module")
def change_model() -> ChangeModel:
    return load_change(CHANGE)


def test_the_shipped_change_weights_are_those_of_manifest_and_card(change_model: ChangeModel) -> None:
    weights = (CHANGE.parent / change_model.manifest.file).read_bytes()
    assert hashlib.sha256(weights).hexdigest() == change_model.sha256
    assert change_model.sha256 in CHANGE.with_suffix(".md").read_text(encoding="utf-8")
    assert len(weights) < 2_000_000


def test_airliners_that_came_are_seen_as_changes_and_empty_ground_is_not(
    view: View, change_model: ChangeModel
) -> None:
    stage = prepare(airfield("field", west=27.0, north=17.0), GSD_M)
    empty = render(stage, [], Look(sun=Sun(150.0, 45.0), seed=2))
    comparison = Comparison(empty.pixels, view.pixels, GSD_M, model=change_model)
    came = [comparison.score_of(box) for box in aircraft(view)]
    assert sum(score >= 0.1 for score in came) >= 7
    found = regions(comparison.score_map(), model=change_model, settings=ChangeSettings(), gsd_m=GSD_M)
    beside = [one for one in found if all(one.box.iou(box) == 0 for box in aircraft(view))]
    assert len(beside) <= 5


def test_two_looks_at_one_place_can_be_swapped(view: View, change_model: ChangeModel) -> None:
    earlier, later = view.pixels[:256, :256], view.pixels[100:356, 100:356]
    forth, back = (change_model.infer(*pair) for pair in ((earlier, later), (later, earlier)))
    assert abs(forth - back).max() < 1e-3
