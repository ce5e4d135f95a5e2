"""`edge compare` over rendered looks at one airfield, with the shipped model."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.drill.look import Look
from edge.drill.render import Stage, View, render
from edge.drill.sun import Sun
from edge.geo import PixelBox
from tests.drill.make import make_object, make_stage
from tests.e2e.program import run_edge

GSD_M = 0.5
PLACES_M = ((60, 60), (120, 70), (175, 165))


@pytest.fixture(scope="module")
def stage() -> Stage:
    return make_stage(gsd_m=GSD_M)


@pytest.fixture(scope="module")
def empty(stage: Stage) -> View:
    return render(stage, [], Look(seed=1))


@pytest.fixture(scope="module")
def full(stage: Stage) -> View:
    """Other sun, other noise, three pixels aside, and three airliners."""
    objects = [replace(make_object(), x_m=x, y_m=y) for x, y in PLACES_M]
    return render(stage, objects, Look(seed=2, sun=Sun(200.0, 40.0), shift_px=(3.0, -2.0)))


def contains(box: PixelBox, middle: tuple[float, float]) -> bool:
    return box.left < middle[0] < box.right and box.top < middle[1] < box.bottom


def saved(path: Path, pixels: NDArray[np.uint8]) -> Path:
    cv2.imwrite(str(path), pixels[..., ::-1])
    return path


def compared(folder: Path, before: NDArray[np.uint8], after: NDArray[np.uint8], *more: str | Path) -> Any:
    first, second = saved(folder / "before.png", before), saved(folder / "after.png", after)
    done = run_edge("compare", first, second, "--gsd", str(GSD_M), *more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_aircraft_that_came_are_regions_where_they_stand(tmp_path: Path, empty: View, full: View) -> None:
    said = compared(tmp_path, empty.pixels, full.pixels, "--mask", tmp_path / "mask.png")
    mask = cv2.imread(str(tmp_path / "mask.png"), cv2.IMREAD_GRAYSCALE)
    assert mask is not None
    assert mask.shape == full.pixels.shape[:2]
    assert set(np.unique(mask)) == {0, 255}
    middles = [placed.box.centre for placed in full.placed if placed.label == "aircraft"]
    boxes = [PixelBox(*one["box"]) for one in said["regions"]]
    found = [any(contains(box, middle) for box in boxes) for middle in middles]
    assert found == [True] * len(PLACES_M)
    assert said["changed_fraction"] == pytest.approx((mask > 0).mean(), rel=0.05)


def test_the_shift_between_the_images_is_measured(tmp_path: Path, empty: View, full: View) -> None:
    said = compared(tmp_path, empty.pixels, full.pixels)
    assert said["aligned"] is True
    assert np.hypot(*said["shift_px"]) == pytest.approx(np.hypot(3, 2), abs=0.7)
    assert said["residual_px"] < 1


def test_an_image_compared_with_itself_has_not_changed(tmp_path: Path, full: View) -> None:
    said = compared(tmp_path, full.pixels, full.pixels)
    assert said["regions"] == []
    assert said["changed_fraction"] == 0


def test_pictures_show_both_sides_of_each_region(tmp_path: Path, empty: View, full: View) -> None:
    said = compared(tmp_path, empty.pixels, full.pixels, "--pictures", tmp_path / "shown")
    pictures = sorted((tmp_path / "shown").iterdir())
    assert len(pictures) == len(said["regions"])
    picture = cv2.imread(str(pictures[0]))
    assert picture is not None
    assert picture.shape[1] % 2 == 0


def test_images_that_do_not_show_the_same_ground_are_said_not_to(tmp_path: Path, full: View) -> None:
    noise = np.random.default_rng(0).integers(0, 256, full.pixels.shape, np.uint8)
    said = compared(tmp_path, noise, full.pixels)
    assert said["aligned"] is False
    assert said["shift_px"] is None
    assert "expected" in said["not_aligned"]


def test_images_of_different_size_are_refused_by_name(tmp_path: Path, full: View) -> None:
    first = saved(tmp_path / "before.png", full.pixels)
    second = saved(tmp_path / "after.png", full.pixels[:, :-8])
    done = run_edge("compare", first, second)
    assert done.returncode == 1
    assert f"{second}: expected" in done.stderr


def test_a_ground_sample_distance_that_the_model_cannot_serve_is_refused(tmp_path: Path, full: View) -> None:
    image = saved(tmp_path / "image.png", full.pixels)
    done = run_edge("compare", image, image, "--gsd", "30")
    assert done.returncode == 1
    assert "--gsd: gsd_m: change-" in done.stderr
    assert "got 30" in done.stderr


def test_a_mask_that_cannot_be_written_is_said(tmp_path: Path, full: View) -> None:
    image = saved(tmp_path / "image.png", full.pixels)
    done = run_edge("compare", image, image, "--mask", image / "mask.png")
    assert done.returncode == 1
    assert "expected a file that can be written" in done.stderr
