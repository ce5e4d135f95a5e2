from typing import Any

import pytest

from edge.drill.airfield import airfield
from edge.drill.events import moments
from edge.drill.library import built_in, parse
from edge.drill.render import Stage, prepare, render
from edge.drill.truth import Shot, truth_of
from edge.drill.write import play, stage_of
from edge.geo import PixelBox


@pytest.fixture(scope="module")
def stage() -> Stage:
    """The whole airfield at a coarse gsd: a look takes a fraction of a second."""
    return prepare(airfield("field", west=27.0, north=17.0), 2.0)


@pytest.fixture(scope="module")
def days(stage: Stage) -> list[dict[str, Any]]:
    return _passes(stage, built_in("airfield-days"))


def _passes(stage: Stage, scenario: Any) -> list[dict[str, Any]]:
    shots = [
        Shot(moment, render(stage, moment.present, moment.look), "x.jpg") for moment in moments(scenario)
    ]
    passes: list[dict[str, Any]] = truth_of(stage, shots)["passes"]
    return passes


def _box(values: list[float]) -> PixelBox:
    return PixelBox(*values)


def test_the_first_look_reports_nothing(days: list[dict[str, Any]]) -> None:
    assert (days[0]["arrived"], days[0]["departed"]) == (None, None)


def test_a_quiet_look_has_no_arrivals_and_no_departures(days: list[dict[str, Any]]) -> None:
    assert (days[1]["arrived"], days[1]["departed"]) == ([], [])


def test_two_aircraft_arrive_where_the_truth_says(days: list[dict[str, Any]]) -> None:
    came = [one["in_reference"] for one in days[2]["aircraft"] if one["kind"] == "transport"]
    assert days[2]["arrived"] == came
    assert len(came) == 2


def test_one_aircraft_departs_from_where_it_stood(days: list[dict[str, Any]]) -> None:
    stood = next(one["in_reference"] for one in days[2]["aircraft"] if one["id"] == "a3")
    assert _box(days[3]["departed"][0]).iou(_box(stood)) > 0.95


def test_a_look_without_ground_reports_nothing(days: list[dict[str, Any]]) -> None:
    assert days[5]["usable_fraction"] < 0.2
    assert days[5]["arrived"] is None


def test_an_aircraft_under_a_cloud_is_hidden_and_has_not_departed(days: list[dict[str, Any]]) -> None:
    stood = next(one["in_reference"] for one in days[4]["aircraft"] if one["id"] == "a2")
    assert [one["id"] for one in days[6]["hidden"]] == ["a2"]
    assert all(_box(gone).iou(_box(stood)) < 0.1 for gone in days[6]["departed"])


def test_an_aircraft_seen_again_after_the_cloud_has_not_arrived(days: list[dict[str, Any]]) -> None:
    assert days[7]["arrived"] == []


def test_an_aircraft_on_another_stand_departed_arrived_and_moved(days: list[dict[str, Any]]) -> None:
    assert days[6]["moved"] == [[days[6]["departed"][0], days[6]["arrived"][0]]]


def test_an_opened_nose_is_an_alteration(days: list[dict[str, Any]]) -> None:
    assert len(days[7]["altered"]) == 1


def test_a_departure_under_a_cloud_is_reported_when_the_ground_is_seen_again(stage: Stage) -> None:
    present = "present: [{id: a, kind: airliner_wide, stand: N2}, {id: b, kind: light, stand: N1}]\n"
    looks = """looks:
  - {at: 2024-06-01T08:00:00Z}
  - {at: 2024-06-02T08:00:00Z, cloud_fraction: 1.0, depart: [a]}
  - {at: 2024-06-03T08:00:00Z}
"""
    passes = _passes(stage, parse(present + looks, "days").sites[0])
    assert passes[1]["departed"] is None
    assert len(passes[2]["departed"]) == 1


def test_the_own_box_mapped_to_the_reference_is_the_box_in_the_reference(days: list[dict[str, Any]]) -> None:
    one, ((a, b, c), (d, e, f)) = days[4]["aircraft"][0], days[4]["to_reference"]
    x, y = _box(one["box"]).centre
    assert (a * x + b * y + c, d * x + e * y + f) == pytest.approx(_box(one["in_reference"]).centre, abs=0.2)


def test_cars_are_other_ones_at_every_look(stage: Stage) -> None:
    shots = play(built_in("airfield-days"), stage)
    first, second = (
        {one.thing.object_id for one in next(shots).view.placed if one.label == "vehicle"} for _ in range(2)
    )
    assert first != second


@pytest.fixture(scope="module")
def story() -> dict[str, Any]:
    """A draw-down by hand, at a coarse gsd: who is there, in words that fit on a screen."""
    text = """
gsd_m: 2.0
trend: {label: aircraft, direction: down, from_look: 3}
present:
  - {id: a, kind: transport, stand: S3}
  - {id: b, kind: airliner_wide, stand: N2}
  - {id: c, kind: airliner_narrow, stand: N5}
  - {id: d, kind: transport, stand: S4}
looks:
  - {at: 2024-06-01T08:00:00Z}
  - at: 2024-06-02T08:00:00Z
    alter: {a: nose_open}
    columns: [{id: q, road: gate-road, n_vehicles: 5, at_m: 200}]
  - at: 2024-06-02T08:01:00Z
    move: {b: S1}
    depart: [a]
    columns: [{id: q, road: gate-road, n_vehicles: 5, at_m: 500}]
  - at: 2024-06-03T08:00:00Z
    depart: [b, c, d]
    queues: [{id: r, road: gate-road, n_vehicles: 4, at_m: 200}]
"""
    (scenario,) = parse(text, "days.yaml").sites
    stage = stage_of(scenario)
    return truth_of(stage, list(play(scenario, stage)), scenario.trend)


def _events(story: dict[str, Any], kind: str) -> list[tuple[int, str]]:
    return [(one["look"], one["id"]) for one in story["events"] if one["kind"] == kind]


def test_the_events_say_what_happened_to_whom_and_when(story: dict[str, Any]) -> None:
    assert _events(story, "altered") == [(2, "a")]
    assert _events(story, "moved") == [(3, "b")]
    assert sorted(_events(story, "departure")) == [(3, "a"), (3, "b"), (4, "b"), (4, "c"), (4, "d")]
    assert _events(story, "convoy") == [(2, "q"), (3, "q")]


def test_a_column_seen_twice_within_a_minute_has_a_speed(story: dict[str, Any]) -> None:
    first, second = (one for one in story["events"] if one["kind"] == "convoy")
    assert first["speed_m_per_s"] is None
    assert second["speed_m_per_s"] == pytest.approx(5.0)
    assert (second["count"], second["zones"]) == (5, ["gate-road"])


def test_a_queue_is_in_the_truth_and_is_no_event(story: dict[str, Any]) -> None:
    (queue,) = story["passes"][3]["lines"]
    assert (queue["id"], queue["is_driving"]) == ("r", False)


def test_a_track_has_a_stay_for_each_place_and_its_states(story: dict[str, Any]) -> None:
    tracks = {one["id"]: one["stays"] for one in story["tracks"]}
    assert [(stay["first_look"], stay["last_look"]) for stay in tracks["b"]] == [(1, 2), (3, 3)]
    assert tracks["a"][0]["states"] == {"1": "whole", "2": "nose_open"}


def test_the_counts_of_a_zone_are_those_of_who_stands_in_it(story: dict[str, Any]) -> None:
    assert [look["counts"]["aircraft"]["apron"] for look in story["passes"]] == [4, 4, 3, 0]
    assert [look["counts"]["aircraft"]["ramp"] for look in story["passes"]] == [0, 0, 0, 0]


def test_a_trend_is_visible_once_the_count_is_far_from_normal(story: dict[str, Any]) -> None:
    trend = story["trend"]
    assert (trend["series"], trend["normal"], trend["visible_look"]) == ([4, 4, 3, 0], 4.0, 4)


def test_what_never_leaves_stands_once_in_the_truth(story: dict[str, Any]) -> None:
    assert {"storage_tank", "container"} <= {one["label"] for one in story["fixed"]}
    assert not [one for one in story["passes"][1]["others"] if one["label"] == "storage_tank"]
