"""Ground that is built on, asked of the change model that ships."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edge.detect.manifest import ChangeModel
from edge.detect.model import load_change
from edge.drill.scene import SceneObject
from edge.drill.sun import Sun
from edge.geo import LngLat, moved_by
from edge.monitor.rules import GroundChangeRule
from edge.monitor.track import GroundBox, Status, Track
from tests.monitor.yard import FIRST_AT, GSD_M, HALL, Yard

ROOT = Path(__file__).parents[2]
AIRLINER = SceneObject("w1", "airliner_wide", 120.0, 100.0, 10.0, "white")


@pytest.fixture(scope="module")
def change() -> ChangeModel:
    return load_change(ROOT / "models" / "change.yaml")


def at(yard: Yard, x_m: float, y_m: float) -> LngLat:
    bounds = yard.recent[-1].sight.alignment.grid.bounds
    return moved_by(LngLat(bounds.west, bounds.north), x_m, -y_m)


def test_a_hall_that_is_built_is_one_place_of_its_size_or_that_of_its_shadow_too(change: ChangeModel) -> None:
    yard = Yard(change)
    yard.show()
    yard.show()
    (place,) = yard.show(is_built=True)
    assert 0.75 * 30 * 22 < place.area_m2 < (30 + HALL.height_m) * (22 + HALL.height_m)
    assert len(place.outline) >= 4


def test_each_look_that_shows_it_counts_from_the_first_on(change: ChangeModel) -> None:
    yard = Yard(change)
    yard.show()
    places = [yard.show(is_built=True, sun=Sun(150.0, 44.0))[0] for _ in range(3)]
    assert [place.n_looks for place in places] == [1, 2, 3]
    assert places[2].since < places[2].first_at < places[2].seen_at


def test_ground_under_another_sun_has_not_changed(change: ChangeModel) -> None:
    yard = Yard(change)
    yard.show()
    assert yard.show(sun=Sun(165.0, 40.0)) == ()
    assert yard.show(sun=Sun(190.0, 50.0)) == ()


def test_an_object_with_a_track_is_no_change_of_the_ground(change: ChangeModel) -> None:
    yard = Yard(change)
    yard.show()
    box = GroundBox(at(yard, AIRLINER.x_m, AIRLINER.y_m), 64.0, 64.0)
    one = Track("a1", "aircraft", box, 0.9, 4.0, Status.PRESENT, FIRST_AT, FIRST_AT, FIRST_AT)
    assert len(yard.show(AIRLINER)) == 1
    yard.tracks = (one,)
    assert yard.show(AIRLINER) == ()


def test_what_is_back_as_it_was_is_forgotten(change: ChangeModel) -> None:
    yard = Yard(change)
    yard.show()
    yard.show(is_built=True)
    assert yard.show() == ()


def test_a_look_that_shows_nothing_leaves_a_place_as_it_was(change: ChangeModel) -> None:
    yard = Yard(change)
    yard.show()
    before = yard.show(is_built=True)
    assert yard.show(hidden=True) == before


def test_what_was_told_is_not_told_again_after_a_look_that_misses_it(change: ChangeModel) -> None:
    yard = Yard(change, GroundChangeRule(ground_change=True, looks=2))
    places = [yard.show(is_built=is_built) for is_built in (False, True, True, False, True)]
    assert [[place.n_looks for place in one] for one in places] == [[], [1], [2], [2], [3]]


def test_ground_below_the_limit_of_the_rule_is_left_out(change: ChangeModel) -> None:
    yard = Yard(change, GroundChangeRule(ground_change=True, area_m2=2000))
    yard.show()
    assert yard.show(is_built=True) == ()


def test_the_outline_encloses_the_hall(change: ChangeModel) -> None:
    yard = Yard(change)
    yard.show()
    (place,) = yard.show(is_built=True)
    x, y = yard.recent[-1].sight.alignment.pixel_at(place.box.position)
    (left, top), _, (right, bottom), _ = HALL.outline
    assert (x * GSD_M, y * GSD_M) == pytest.approx(((left + right) / 2, (top + bottom) / 2), abs=3.0)


def test_without_a_change_model_nothing_is_said() -> None:
    yard = Yard(None)
    yard.show()
    assert yard.show(is_built=True) == ()


def test_a_tile_that_comes_late_tells_nothing(change: ChangeModel) -> None:
    yard = Yard(change)
    yard.show()
    yard.recent = tuple(
        replace(past, sight=replace(past.sight, seen_at=past.sight.seen_at.replace(year=2025)))
        for past in yard.recent
    )
    assert yard.show(is_built=True) == ()
