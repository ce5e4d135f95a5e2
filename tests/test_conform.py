"""From a tree to settings: every fault at once, in words an operator understands."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta

from edge.conform import conform
from edge.yamltree import parse


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Lamp(msgspec.Struct, frozen=True, kw_only=True):
    colour: Colour = Colour.RED
    power_w: Annotated[float, Meta(gt=0, le=100)] = 5.0


class Enters(msgspec.Struct, frozen=True, kw_only=True):
    hours: float = 1.0
    enters: str


class Leaves(msgspec.Struct, frozen=True, kw_only=True):
    leaves: str


class House(msgspec.Struct, frozen=True, kw_only=True):
    name: Annotated[str, Meta(pattern="^[a-z]+$")]
    is_lit: bool = False
    floors: Annotated[int, Meta(ge=1)] = 1
    plan: Path | None = None
    roof: Literal["flat", "steep"] = "flat"
    position: tuple[float, float] = (0.0, 0.0)
    lamps: Mapping[Annotated[str, Meta(min_length=2)], Lamp] = msgspec.field(default_factory=dict)
    rules: Annotated[tuple[Enters | Leaves, ...], Meta(max_length=2)] = ()

    def __post_init__(self) -> None:
        if self.floors > 3 and self.roof == "steep":
            raise ValueError("floors: expected at most 3 under a steep roof")


def path_of(text: str) -> Path:
    if text.startswith("nowhere:"):
        raise ValueError(f"expected a place, got {text}")
    return Path("/etc") / text


def house(text: str) -> House:
    node, _ = parse(text)
    assert node is not None
    value, faults = conform(node, House, path_of=path_of)
    assert not faults
    assert value is not None
    return value


def faults(text: str) -> list[str]:
    node, _ = parse(text)
    assert node is not None
    _, found = conform(node, House, path_of=path_of)
    return [fault.said_of("f") for fault in found]


def test_a_full_tree_becomes_settings() -> None:
    text = "{name: a, is_lit: true, floors: 2, roof: steep, position: [1, 2.5], lamps: {ab: {colour: blue}}}"
    assert house(text) == House(
        name="a",
        is_lit=True,
        floors=2,
        roof="steep",
        position=(1.0, 2.5),
        lamps={"ab": Lamp(colour=Colour.BLUE)},
    )


def test_a_whole_number_serves_where_a_number_is_wanted() -> None:
    assert house("{name: a, lamps: {ab: {power_w: 7}}}").lamps["ab"].power_w == 7.0


def test_a_path_starts_at_the_folder_it_is_given() -> None:
    assert house("{name: a, plan: x/y}").plan == Path("/etc/x/y")


def test_null_is_taken_where_nothing_is_allowed() -> None:
    assert house("{name: a, plan: null}").plan is None


@pytest.mark.parametrize(
    ("rule", "value"), [("{enters: x}", Enters(enters="x")), ("{leaves: x}", Leaves(leaves="x"))]
)
def test_the_first_key_without_a_default_tells_the_kind(rule: str, value: object) -> None:
    assert house(f"{{name: a, rules: [{rule}]}}").rules == (value,)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("is_lit: no", 'is_lit: expected true or false, got "no"'),
        ("floors: 12:30", 'floors: expected a whole number >= 1, got "12:30"'),
        ("floors: 0", "floors: expected a whole number >= 1, got 0"),
        ("floors: 1.5", "floors: expected a whole number >= 1, got 1.5"),
        ("floors: true", "floors: expected a whole number >= 1, got true"),
        ("plan: nowhere:x", "plan: expected a place, got nowhere:x"),
        ("plan: ''", 'plan: expected a path, got ""'),
        ("roof: round", 'roof: expected one of flat, steep, got "round"'),
        ("position: [1]", "position: expected a list of 2: a number, a number, got a list of 1"),
        ("lamps: []", "lamps: expected a mapping, got a list of 0"),
        ("lamps: {x: {}}", 'lamps: expected as a name text of at least 2 characters, got "x"'),
        ("lamps: {ab: {colour: pink}}", 'lamps.ab.colour: expected one of red, blue, got "pink"'),
        ("lamps: {ab: {power: 1}}", "lamps.ab.power: expected a known key, got power; did you mean power_w?"),
        ("lamps: {ab: {xyz: 1}}", "lamps.ab.xyz: expected one of colour, power_w, got xyz"),
        ("lamps: {ab: {power_w: 101}}", "lamps.ab.power_w: expected a number > 0 and <= 100, got 101"),
    ],
)
def test_a_fault_names_line_key_wanted_and_got(text: str, fault: str) -> None:
    assert faults(f"name: a\n{text}") == [f"f:2: {fault}"]


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        ("{entrs: x}", "[0].entrs: expected a known key, got entrs; did you mean enters?"),
        ("{hours: 2}", "[0]: expected one of enters, leaves, got none of them"),
        ("{enters: x, leaves: x}", "[0]: expected one of enters, leaves, got enters and leaves together"),
        ("{enters: 5}", "[0].enters: expected text, got 5"),
        ("x", '[0]: expected a mapping, got "x"'),
        ("{enters: x}, {enters: y}, {enters: z}", ": expected at most 2 entries, got 3"),
    ],
)
def test_a_rule_of_no_known_kind_is_refused(rules: str, fault: str) -> None:
    assert faults(f"{{name: a, rules: [{rules}]}}") == [f"f:1: rules{fault}"]


def test_a_rule_of_no_kind_is_refused_with_those_there_are() -> None:
    expected = "expected one of enters, leaves, got opens"
    assert faults("{name: a, rules: [{opens: x}]}") == [f"f:1: rules[0].opens: {expected}"]


@pytest.mark.parametrize("text", ["{}", "{name: A}", "{name: 7}"])
def test_a_key_without_a_default_must_be_there_and_be_right(text: str) -> None:
    assert faults(text)[0].startswith("f:1: name: expected text that matches ^[a-z]+$, got ")


def test_a_list_where_a_mapping_is_wanted_is_refused() -> None:
    assert faults("[1]") == ["f:1: expected a mapping, got a list of 1"]


def test_keys_that_contradict_each_other_are_refused() -> None:
    assert faults("{name: a, floors: 4, roof: steep}") == [
        "f:1: floors: expected at most 3 under a steep roof"
    ]


def test_all_faults_are_found_at_once() -> None:
    text = "nme: a\nfloors: x\nlamps:\n  ab: {colour: pink}\n  cd: {power_w: -1}\n"
    assert len(faults(text)) == 5
