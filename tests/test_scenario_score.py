"""The benchmark of the scenario library judges as an operator would."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from benchmarks.scenario_score import Score, scored
from edge.geo import LngLat, moved_by
from edge.monitor.finding import Finding, FoundObject, Kind, Phase, Severity

HERE = LngLat(27.0, 44.0)
DAY = datetime(2024, 6, 1, 9, tzinfo=UTC)
RULES = [{"arrival": "aircraft"}, {"departure": "aircraft"}, {"convoy": "vehicle"}, {"trend": "aircraft"}]


def make_event(kind: str = "arrival", look: int = 3, **more: Any) -> dict[str, Any]:
    place = {"lng": HERE.lng, "lat": HERE.lat, "in_reference": [0, 0, 60, 60], "label": "aircraft"}
    return {"kind": kind, "look": look, **place, **more}


def make_truth(*events: dict[str, Any], **more: Any) -> dict[str, Any]:
    passes = [
        {"at": (DAY + timedelta(days=number)).isoformat(), "usable_fraction": 1.0} for number in range(31)
    ]
    return {"gsd_m": 0.5, "passes": passes, "events": list(events), "trend": None, **more}


def make_finding(
    kind: Kind = Kind.ARRIVAL, look: int = 3, east_m: float = 0.0, label: str = "aircraft", **more: Any
) -> Finding:
    seen_at = DAY + timedelta(days=look - 1)
    found = FoundObject("a1", label, moved_by(HERE, east_m, 0.0), 30.0, 0.9, seen_at, seen_at)
    one = Finding("field", "r", kind, Severity.MODERATE, Phase.NEW, "t", seen_at, 0.9, "said",
                  label=label, tile_id=f"field-{look}", count=1, objects=(found,))  # fmt: skip
    return replace(one, **more)


def judged(truth: dict[str, Any], *findings: Finding) -> Score:
    return scored(truth, findings, RULES)


@pytest.mark.parametrize("look", [3, 5])
def test_what_was_told_at_its_look_or_two_later_is_found(look: int) -> None:
    score = judged(make_truth(make_event()), make_finding(look=look))
    assert (score.found["arrival"], score.missed["arrival"], score.n_false) == (1, 0, 0)


@pytest.mark.parametrize(
    "finding",
    [make_finding(look=2), make_finding(look=6), make_finding(east_m=16), make_finding(Kind.DEPARTURE)],
    ids=["too early", "too late", "elsewhere", "another kind"],
)
def test_what_was_told_too_early_too_late_elsewhere_or_as_another_kind_is_false(finding: Finding) -> None:
    score = judged(make_truth(make_event()), finding)
    assert (score.found["arrival"], score.missed["arrival"], score.n_false) == (0, 1, 1)


def test_looks_that_show_nothing_do_not_make_a_telling_late() -> None:
    truth = make_truth(make_event())
    for one in truth["passes"][3:6]:
        one["usable_fraction"] = 0.1
    assert judged(truth, make_finding(look=8)).found["arrival"] == 1
    assert judged(truth, make_finding(look=9)).found["arrival"] == 0


def test_a_helicopter_that_comes_is_an_aircraft_that_comes() -> None:
    assert judged(make_truth(make_event(label="helicopter")), make_finding()).found["arrival"] == 1


def test_one_event_is_found_once() -> None:
    score = judged(make_truth(make_event()), make_finding(), make_finding(look=4))
    assert (score.found["arrival"], score.false["arrival"], score.n_false) == (1, 1, 1)


def test_an_event_that_no_rule_is_about_is_not_asked_for() -> None:
    assert judged(make_truth(make_event(label="container"))).missed.total() == 0


def test_the_end_of_a_story_is_no_alert_of_its_own() -> None:
    assert judged(make_truth(), make_finding(phase=Phase.END)).n_alerts == 0


def test_a_move_is_right_where_something_moved_and_nobody_has_to_tell_it() -> None:
    moved = make_event("moved") | {"from": [HERE.lng, HERE.lat]}
    assert judged(make_truth(moved), make_finding(Kind.MOVED)).n_false == 0
    assert judged(make_truth(), make_finding(Kind.MOVED)).n_false == 1


@pytest.mark.parametrize(("count", "n_found"), [(10, 1), (12, 1), (13, 0)])
def test_a_column_is_found_on_its_road_with_about_its_count(count: int, n_found: int) -> None:
    column = make_event("convoy", label="vehicle", id="c", zones=["road"], count=10)
    told = make_finding(Kind.CONVOY, label="vehicle", zone="road", count=count)
    assert judged(make_truth(column), told).found["convoy"] == n_found


def test_a_column_at_two_looks_is_asked_for_once_and_may_be_told_at_either() -> None:
    columns = [
        make_event("convoy", look, label="vehicle", id="c", zones=["road"], count=9) for look in (3, 4)
    ]
    told = make_finding(Kind.CONVOY, 4, label="vehicle", zone="road", count=9)
    score = judged(make_truth(*columns), told)
    assert (score.found["convoy"], score.missed["convoy"], score.n_false) == (1, 0, 0)


def test_a_column_is_judged_as_its_alert_stands_at_the_last_look_that_told_of_it() -> None:
    columns = [
        make_event("convoy", look, label="vehicle", id="c", zones=["road"], count=9) for look in (3, 4)
    ]
    told = make_finding(Kind.CONVOY, 3, label="vehicle", zone="road", count=6)
    more = make_finding(Kind.CONVOY, 4, label="vehicle", zone="road", count=9, phase=Phase.UPDATE)
    assert judged(make_truth(*columns), told).found["convoy"] == 0
    score = judged(make_truth(*columns), told, more)
    assert (score.found["convoy"], score.n_alerts, score.n_false) == (1, 1, 0)


def test_a_move_from_stand_to_stand_is_not_asked_for() -> None:
    rules = [*RULES, {"moved": "aircraft"}]
    assert scored(make_truth(make_event("moved")), [], rules).missed.total() == 0


@pytest.mark.parametrize(("look", "n_found"), [(4, 0), (5, 1), (11, 1), (12, 0)])
def test_a_trend_is_found_within_three_looks_of_being_visible(look: int, n_found: int) -> None:
    trend = {"label": "aircraft", "direction": "down", "from_look": 5, "visible_look": 8}
    assert judged(make_truth(trend=trend), make_finding(Kind.TREND, look)).found["trend"] == n_found


def test_blindness_is_false_where_the_site_was_seen() -> None:
    told = make_finding(Kind.BLIND, tile_id=None, objects=(), why=({"limit_hours": 72.0},))
    truth = make_truth()
    assert judged(truth, told).n_false == 1
    for one in truth["passes"]:
        one["usable_fraction"] = 0.1
    assert judged(truth, told).n_false == 0


def test_scores_of_sites_add_up() -> None:
    total = Score()
    for _ in range(2):
        total.add(judged(make_truth(make_event()), make_finding()))
    assert (total.found["arrival"], total.site_months) == (2, 2.0)
