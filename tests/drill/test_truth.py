from typing import Any

import pytest

from edge.drill.airfield import airfield
from edge.drill.events import moments
from edge.drill.library import built_in, parse
from edge.drill.render import Stage, prepare, render
from edge.drill.truth import Shot, truth_of
from edge.drill.write import play
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
