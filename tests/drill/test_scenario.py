from typing import Any

import pytest
import yaml

from edge.drill.events import moments
from edge.drill.library import built_in, parse
from edge.drill.scenario import Scenario, ScenarioFault

ONE = {"id": "a", "kind": "light", "stand": "N1"}
COLUMN = {"id": "c", "road": "gate-road", "n_vehicles": 4, "at_m": 300}


def make_text(*, second: dict[str, Any] | None = None, **top: Any) -> str:
    looks = [{"at": "2024-06-01T08:00:00Z"}, {"at": "2024-06-02T08:00:00Z"} | (second or {})]
    return yaml.safe_dump({"present": [ONE], "looks": looks} | top)


def refusal(text: str) -> str:
    with pytest.raises(ScenarioFault) as caught:
        parse(text, "days.yaml")
    return str(caught.value)


def only(text: str) -> Scenario:
    (site,) = parse(text, "days.yaml").sites
    return site


UTC_EXPECTED = "expected a time in UTC, as 2024-06-01T10:00:00Z"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            make_text(second={"haze_fractoin": 0.2}),
            (
                "days.yaml:4: looks[1].haze_fractoin: expected a known key, got haze_fractoin; "
                "did you mean haze_fraction?"
            ),
        ),
        (
            make_text(second={"haze_fraction": "thick"}),
            'days.yaml:4: looks[1].haze_fraction: expected a number in [0, 1], got "thick"',
        ),
        (make_text(gsd_m=0.1), "days.yaml:1: gsd_m: expected a number in [0.3, 2], got 0.1"),
        (make_text(looks=[]), "days.yaml:1: looks: expected at least 1 entries, got 0"),
        ("present: []", "days.yaml:1: looks: expected a list, got nothing"),
        (
            make_text(second={"at": "2024-06-02T08:00:00"}),
            f'days.yaml:3: looks[1].at: {UTC_EXPECTED}, got "2024-06-02T08:00:00"',
        ),
        (
            make_text(second={"at": "2024-06-02T08:00:00+03:00"}),
            f'days.yaml:3: looks[1].at: {UTC_EXPECTED}, got "2024-06-02T08:00:00+03:00"',
        ),
        (
            make_text(second={"at": "2024-06-01T08:00:00Z"}),
            "days.yaml:3: looks[1].at: expected a time after 2024-06-01T08:00:00Z, got 2024-06-01T08:00:00Z",
        ),
        (make_text(second={"depart": ["b"]}), "days.yaml:5: looks[1].depart[0]: expected one of a, got b"),
        (
            make_text(second={"alter": {"a": "burnt"}}),
            "days.yaml:4: looks[1].alter.a: expected one of whole, got burnt",
        ),
        (
            make_text(second={"arrive": [ONE]}),
            "days.yaml:5: looks[1].arrive[0].id: expected an id that is not present, got a",
        ),
        (
            make_text(second={"arrive": [ONE | {"id": "b", "stand": "N2", "state": "open"}]}),
            "days.yaml:7: looks[1].arrive[0].state: expected one of whole, got open",
        ),
        (
            make_text(second={"arrive": [{"id": "b", "kind": "airliner_wide", "stand": "G2"}]}),
            (
                "days.yaml:6: looks[1].arrive[0].stand: expected a stand of at least 62 m for airliner_wide, "
                "got G2 of 22 m"
            ),
        ),
        (
            make_text(second={"clouds": [{"over": "c"}]}),
            "days.yaml:5: looks[1].clouds[0].over: expected one of a, got c",
        ),
        (
            make_text(second={"clouds": [{"over": "a", "shadow_over": "a"}]}),
            "days.yaml:5: looks[1].clouds[0]: expected either over or shadow_over, got both or neither",
        ),
        (
            make_text(second={"columns": [COLUMN | {"at_m": 30}]}),
            (
                "days.yaml:5: looks[1].columns[0].at_m: expected all of it within 0 to 569 m of gate-road, "
                "got -53 to 30 m"
            ),
        ),
        (
            make_text(second={"columns": [COLUMN | {"road": "moon-road"}]}),
            "days.yaml:8: looks[1].columns[0].road: expected one of gate-road, perimeter, got moon-road",
        ),
        (
            make_text(second={"columns": [COLUMN | {"kinds": ["light"]}]}),
            (
                "days.yaml:8: looks[1].columns[0].kinds[0]: expected one of car, van, truck, military_truck, "
                "tanker, bus, tug, carts, got light"
            ),
        ),
        (
            make_text(scene="moon"),
            'days.yaml:8: scene: expected one of airfield, harbour, road, got "moon"',
        ),
        (
            yaml.safe_dump({"sites": [yaml.safe_load(make_text())] * 2}, sort_keys=False),
            "days.yaml:2: sites[1].site: expected each site once, got demo-airfield again",
        ),
    ],
)
def test_a_fault_names_its_line_and_its_key(text: str, message: str) -> None:
    assert refusal(text) == message


def test_a_stand_that_is_taken_is_refused() -> None:
    said = refusal(make_text(second={"arrive": [ONE | {"id": "b"}]}))
    assert "looks[1].arrive[0].stand: expected one of S1, N2" in said
    assert said.endswith("got N1")


def test_an_unknown_kind_is_refused_with_the_kinds_there_are() -> None:
    said = refusal(make_text(second={"arrive": [ONE | {"id": "b", "stand": "N2", "kind": "zeppelin"}]}))
    assert "looks[1].arrive[0].kind: expected one of airliner_narrow, " in said


def test_a_key_that_stands_twice_is_refused() -> None:
    assert "expected seed once, got it again" in refusal("seed: 1\nseed: 2\nlooks: []")


def test_an_unknown_built_in_scenario_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        ScenarioFault, match=r"^scenario: expected one of airfield-days, .*, or a YAML file, got nights$"
    ):
        built_in("nights")


def test_who_leaves_makes_room_for_who_comes_at_the_same_look() -> None:
    text = make_text(second={"depart": ["a"], "arrive": [ONE | {"id": "b"}]})
    last = list(moments(only(text)))[-1]
    assert [thing.object_id for thing in last.present] == ["b"]


def test_the_first_look_is_neither_shifted_nor_turned() -> None:
    first = next(moments(built_in("airfield-days")))
    assert (first.look.shift_px, first.look.rotation_deg) == ((0.0, 0.0), 0.0)


def test_a_shift_that_is_asked_for_is_the_shift_of_the_look() -> None:
    last = list(moments(only(make_text(second={"shift_px": [2.5, -1.0]}))))[-1]
    assert last.look.shift_px == (2.5, -1.0)
