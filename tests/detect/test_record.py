from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.acquire.tile import Rgb
from edge.detect.manifest import Model
from edge.detect.model import load
from edge.detect.objects import DetectSettings
from edge.detect.record import records
from edge.errors import TileRefused
from tests.detect.make import image, write_model

IMAGES = {"a.png": image(128, 128, (40, 60, 64, 80), level=204), "b.png": image(128, 128)}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load(write_model(tmp_path_factory.mktemp("model")))


def recorded(model: Model, gsd_m: float | None = None) -> list[dict[str, object]]:
    return list(records(IMAGES, gsd_m, model=model, settings=DetectSettings(), read=IMAGES.__getitem__))


def test_a_record_is_one_line_of_json_with_path_gsd_and_detections(model: Model) -> None:
    lines = [json.loads(json.dumps(record)) for record in recorded(model, 0.5)]
    found = {"label": "aircraft", "score": 0.8, "box": [40.0, 60.0, 64.0, 80.0]}
    assert lines[0] == {"image": "a.png", "gsd_m": 0.5, "detections": [found]}


def test_an_image_without_objects_has_a_record_too(model: Model) -> None:
    assert recorded(model)[1] == {"image": "b.png", "gsd_m": None, "detections": []}


def test_a_record_is_made_before_the_next_image_is_read(model: Model) -> None:
    paths: list[str] = []

    def read(path: str) -> Rgb:
        paths.append(path)
        return IMAGES[path]

    next(records(IMAGES, None, model=model, settings=DetectSettings(), read=read))
    assert paths == ["a.png"]


def test_a_gsd_that_the_model_cannot_serve_is_told_with_the_range(model: Model) -> None:
    with pytest.raises(TileRefused, match=r"gsd_too_coarse: a.png: gsd_m: blobs-1 serves 0\.3 to 2, got 5"):
        recorded(model, 5.0)


def test_a_file_that_cannot_be_read_is_not_an_image_without_objects(model: Model, tmp_path: Path) -> None:
    def read(path: str) -> Rgb:
        raise TileRefused("unreadable", path)

    with pytest.raises(TileRefused):
        list(records([str(tmp_path / "none.png")], None, model=model, settings=DetectSettings(), read=read))
