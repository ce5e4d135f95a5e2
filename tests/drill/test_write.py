import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.drill.library import parse
from edge.drill.write import sidecar, write_scenario, write_tile
from edge.geo import GeoBounds

SHORT = """
gsd_m: 2.0
size_m: 300
present: [{id: a, kind: transport, stand: S3}]
looks:
  - {at: 2024-06-01T08:00:00Z}
  - {at: 2024-06-02T08:00:00Z, depart: [a]}
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    write_scenario(folder, parse(SHORT, "short").sites[0])
    return folder


def make_sidecar() -> dict[str, Any]:
    bounds = GeoBounds(27.0, 16.9, 27.1, 17.0)
    return sidecar("field-1", bounds=bounds, at=datetime(2024, 6, 1, 8, tzinfo=UTC), gsd_m=0.6, image="t.jpg")


def test_an_archive_holds_images_sidecars_and_the_truth(archive: Path) -> None:
    names = ["pass-1.jpg", "pass-1.json", "pass-2.jpg", "pass-2.json", "truth.json"]
    assert sorted(path.name for path in archive.iterdir()) == names


def test_the_same_scenario_gives_the_same_files(archive: Path, tmp_path: Path) -> None:
    write_scenario(tmp_path, parse(SHORT, "short").sites[0])
    assert all(path.read_bytes() == (tmp_path / path.name).read_bytes() for path in archive.iterdir())


def test_the_truth_names_the_departure(archive: Path) -> None:
    truth = json.loads((archive / "truth.json").read_text())
    assert [len(one["departed"] or []) for one in truth["passes"]] == [0, 1]


def test_the_tiles_of_a_site_are_named_as_asked(tmp_path: Path) -> None:
    images = write_scenario(tmp_path, parse(SHORT, "short").sites[0], stem="{site}-{number}")
    assert [path.name for path in images] == ["demo-airfield-1.jpg", "demo-airfield-2.jpg"]


def test_a_sidecar_is_a_stac_item() -> None:
    item = make_sidecar()
    assert (item["type"], item["stac_version"], item["id"]) == ("Feature", "1.0.0", "field-1")
    assert item["bbox"] == [27.0, 16.9, 27.1, 17.0]
    assert item["properties"]["datetime"] == "2024-06-01T08:00:00Z"
    assert item["properties"]["gsd"] == 0.6


def test_the_ring_of_a_sidecar_is_closed() -> None:
    (ring,) = make_sidecar()["geometry"]["coordinates"]
    assert ring[0] == ring[-1]


def test_an_image_appears_after_its_sidecar(tmp_path: Path) -> None:
    (tmp_path / "t.jpg").mkdir()  # the image cannot be renamed into place
    with pytest.raises(IsADirectoryError):
        write_tile(tmp_path, "t.jpg", np.zeros((8, 8, 3), np.uint8), make_sidecar())
    assert (tmp_path / "t.json").exists()


def test_the_image_keeps_red_red(tmp_path: Path) -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[..., 0] = 200
    path = write_tile(tmp_path, "t.jpg", pixels, make_sidecar())
    image = cv2.imread(str(path))
    assert image is not None
    assert image[8, 8].tolist() == pytest.approx([0, 0, 200], abs=8)
