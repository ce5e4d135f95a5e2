from pathlib import Path

import numpy as np
import pytest

from edge import config
from edge.drill import library
from edge.drill.columns import Line
from edge.drill.events import moments, scene_of
from edge.drill.scenario import Scenario, Story
from edge.drill.watch import config_text
from edge.drill.way import way_of

NAMES = library.names()


def only(name: str, seed: int | None = None) -> Scenario:
    story = library.story(name)
    (site,) = (story if seed is None else library.varied(story, seed)).sites
    return site


def lines(site: Scenario) -> list[Line]:
    return [line for moment in moments(site) for line in moment.lines]


def happened(story: Story) -> list[list[set[tuple[str, str]]]]:
    """Who is there in which state, look by look, and nothing of where."""
    return [
        [{(thing.object_id, thing.state) for thing in moment.things} for moment in moments(site)]
        for site in story.sites
    ]


def test_the_library_holds_the_stories_that_are_asked_for() -> None:
    wanted = {"draw-down", "normal-month", "cloud-week", "build-up", "busy-airport", "road", "harbour-leaves"}
    assert wanted <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_has_a_configuration_without_a_fault(name: str, tmp_path: Path) -> None:
    path = tmp_path / "edge.yaml"
    (tmp_path / "spool").mkdir()
    path.write_text(config_text([scene_of(site) for site in library.story(name).sites]))
    assert config.faults(path) == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", [1, 17])
def test_another_seed_tells_the_same_story(name: str, seed: int) -> None:
    story = library.story(name)
    assert happened(library.varied(story, seed)) == happened(story)


def test_another_seed_is_another_hour_and_another_place() -> None:
    one, other = (list(moments(only("normal-month", seed))) for seed in (1, 2))
    assert one[0].at != other[0].at
    assert one[0].look.sun != other[0].look.sun
    assert [(t.x_m, t.y_m) for t in one[0].present] != [(t.x_m, t.y_m) for t in other[0].present]


def test_a_seed_gives_the_same_scenario_each_time() -> None:
    first, second = (list(moments(only("busy-airport", 3))) for _ in range(2))
    assert first == second


def test_looks_that_are_a_minute_apart_stay_a_minute_apart() -> None:
    looks = only("road", 9).looks
    assert (looks[4].at - looks[3].at).total_seconds() == 60


def test_the_first_look_of_a_scenario_lies_as_its_bounds_say() -> None:
    assert next(moments(only("road", 4))).look.shift_px == (0.0, 0.0)


def test_a_column_keeps_its_vehicles_and_its_gaps_as_it_drives() -> None:
    early, late = (line for line in lines(only("road")) if line.line_id == "column-1")
    assert [v.kind for v in early.vehicles] == [v.kind for v in late.vehicles]
    assert np.diff(early.along_m) == pytest.approx(np.diff(late.along_m))
    assert late.along_m[0] - early.along_m[0] == pytest.approx(260)


def test_a_column_has_about_the_spacing_that_is_asked_for() -> None:
    (column,) = (line for line in lines(only("road")) if line.line_id == "column-3")
    gaps = -np.diff(column.along_m) if column.along_m[0] > column.along_m[-1] else np.diff(column.along_m)
    assert np.abs(gaps / 26 - 1).max() <= 0.25


def test_a_queue_stands_bumper_to_bumper_and_does_not_drive() -> None:
    queues = [line for line in lines(only("road")) if not line.is_driving]
    assert len(queues) == 2
    assert all(np.abs(np.diff(queue.along_m)).max() < 15 for queue in queues)


@pytest.mark.parametrize("toward_end", [True, False])
def test_vehicles_keep_to_the_right_of_their_road(toward_end: bool) -> None:
    site = only("road")
    way = way_of(scene_of(site), "main-road")
    assert way is not None
    line = next(
        line for line in lines(site) if line.is_driving and (line.along_m[0] > line.along_m[-1]) == toward_end
    )
    first = line.vehicles[0]
    x, y, heading = way.at(line.along_m[0])
    turn = np.radians(heading if toward_end else heading + 180)
    right = np.array([np.cos(turn), np.sin(turn)])
    assert float(np.array([first.x_m - x, first.y_m - y]) @ right) > 1.0


def test_a_ship_lies_with_its_side_at_the_quay() -> None:
    site = only("harbour-leaves")
    scene, first = scene_of(site), next(moments(site))
    gap_m = {}
    for thing in first.present:
        stand = min(scene.stands.values(), key=lambda s: np.hypot(s.x_m - thing.x_m, s.y_m - thing.y_m))
        gap_m[thing.kind] = float(np.hypot(stand.x_m - thing.x_m, stand.y_m - thing.y_m))
    assert gap_m["container_ship"] == pytest.approx(13.5 + 1.4)
    assert gap_m["frigate"] == pytest.approx(6.5 + 1.4)
