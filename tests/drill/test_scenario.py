from typing import Any

import pytest
import yaml

from edge.drill.events import moments
from edge.drill.scenario import ScenarioFault, built_in, parse

ONE = {"id": "a", "kind": "light", "stand": "N1"}


def make_text(*, second: dict[str, Any] | None = None, **top: Any) -> str:
    looks = [{"at": "2024-06-01T08:00:00Z"}, {"at": "2024-06-02T08:00:00Z"} | (second or {})]
    return yaml.safe_dump({"present": [ONE], "looks": looks} | top)


def refusal(text: str) -> str:
    with pytest.raises(ScenarioFault) as caught:
        list(moments(parse(text, "days"), "days"))
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (make_text(second={"haze": 0.2}), "days: looks.1.haze: expected a known key, got haze"),
        (
            make_text(second={"haze_fraction": "thick"}),
            "days: looks.1.haze_fraction: expected float, got str",
        ),
        (make_text(second={"haze_fraction": 2.0}), "days: looks.1.haze_fraction: expected float <= 1.0"),
        (make_text(gsd_m=0.1), "days: gsd_m: expected float >= 0.3"),
        (make_text(looks=[]), "days: looks: expected array of length >= 1"),
        ("present: []", "days: looks: expected a value, got nothing"),
        (
            make_text(second={"at": "2024-06-02T08:00:00"}),
            "days: looks.1.at: expected UTC, got 2024-06-02T08:00:00",
        ),
        (
            make_text(second={"at": "2024-06-01T08:00:00Z"}),
            "days: looks.1.at: expected a time after 2024-06-01T08:00:00Z, got 2024-06-01T08:00:00Z",
        ),
        (make_text(second={"depart": ["b"]}), "days: looks.1.depart.0: expected one of a, got b"),
        (
            make_text(second={"alter": {"a": "burnt"}}),
            "days: looks.1.alter.a: expected one of whole, got burnt",
        ),
        (
            make_text(second={"arrive": [ONE]}),
            "days: looks.1.arrive.0.id: expected an id that is not present, got a",
        ),
        (
            make_text(second={"arrive": [ONE | {"id": "b", "stand": "N2", "state": "open"}]}),
            "days: looks.1.arrive.0.state: expected one of whole, got open",
        ),
        (
            make_text(second={"clouds": [{"over": "c"}]}),
            "days: looks.1.clouds.0.over: expected one of a, got c",
        ),
        (make_text(scene="moon"), "scenario: scene: expected airfield, got moon"),
    ],
)
def test_a_fault_names_its_key(text: str, message: str) -> None:
    assert refusal(text) == message


def test_a_stand_that_is_taken_is_refused() -> None:
    said = refusal(make_text(second={"arrive": [ONE | {"id": "b"}]}))
    assert said.startswith("days: looks.1.arrive.0.stand: expected one of S1, N2")
    assert said.endswith("got N1")


def test_an_unknown_kind_is_refused_with_the_kinds_there_are() -> None:
    said = refusal(make_text(second={"arrive": [ONE | {"id": "b", "stand": "N2", "kind": "zeppelin"}]}))
    assert said.startswith("days: looks.1.arrive.0.kind: expected one of airliner_narrow, ")


def test_a_key_that_stands_twice_is_refused() -> None:
    assert "the key seed stands twice" in refusal("seed: 1\nseed: 2\nlooks: []")


def test_an_unknown_built_in_scenario_is_refused_with_those_there_are() -> None:
    with pytest.raises(ScenarioFault, match=r"^scenario: expected one of airfield-days, got nights$"):
        built_in("nights")


def test_who_leaves_makes_room_for_who_comes_at_the_same_look() -> None:
    text = make_text(second={"depart": ["a"], "arrive": [ONE | {"id": "b"}]})
    last = list(moments(parse(text, "days")))[-1]
    assert [thing.object_id for thing in last.present] == ["b"]


def test_the_first_look_is_neither_shifted_nor_turned() -> None:
    first = next(moments(built_in("airfield-days")))
    assert (first.look.shift_px, first.look.rotation_deg) == ((0.0, 0.0), 0.0)


def test_a_shift_that_is_asked_for_is_the_shift_of_the_look() -> None:
    last = list(moments(parse(make_text(second={"shift_px": [2.5, -1.0]}), "days")))[-1]
    assert last.look.shift_px == (2.5, -1.0)
