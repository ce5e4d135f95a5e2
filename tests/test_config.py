"""The configuration: what it takes, what it refuses and how it says so; and the files that ship."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
import yaml
from jsonschema import Draft202012Validator

from edge import config, config_schema, shipped
from edge.config import Settings, to_site
from edge.conform import keys
from edge.errors import ConfigFault
from edge.geo import LngLat
from edge.monitor.rules import AnyRule
from tests.settings import TEXT, make_settings, with_line

CONFIG = Path(__file__).parent.parent / "config"
SHIPPED = sorted([CONFIG / "edge.yaml", *(CONFIG / "examples").glob("*.yaml")])


def faults(text: str) -> list[str]:
    return [fault.said_of("f") for fault in config.parse(text, Path("/etc/edge"))[1]]


def test_a_relative_path_starts_at_the_file_s_folder(tmp_path: Path) -> None:
    assert make_settings(tmp_path).spool.folder == tmp_path / "spool"


def test_an_absolute_path_stays(tmp_path: Path) -> None:
    text = with_line("spool:", "spool: {folder: /var/spool/edge}")
    assert make_settings(tmp_path, text).spool.folder == Path("/var/spool/edge")


def test_shipped_names_a_model_of_this_release(tmp_path: Path) -> None:
    assert make_settings(tmp_path, f"models: {{objects: 'shipped:objects'}}\n{TEXT}").models.objects.is_file()


def test_without_a_word_the_shipped_model_runs(tmp_path: Path) -> None:
    assert make_settings(tmp_path).models.objects == shipped.model("objects")


def test_settings_know_the_hash_of_their_file(tmp_path: Path) -> None:
    (tmp_path / "edge.yaml").write_text(TEXT, encoding="utf-8")
    settings = config.load(tmp_path / "edge.yaml")
    assert settings.sha256 == hashlib.sha256(TEXT.encode()).hexdigest()


def test_the_hash_is_no_key_of_the_file() -> None:
    assert "sha256: expected one of device" in faults(f"sha256: abc\n{TEXT}")[0]


def test_a_load_says_every_fault_with_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "edge.yaml"
    path.write_text(with_line("spool:", "spool: {folder: 7, foldr: x}"), encoding="utf-8")
    with pytest.raises(ConfigFault) as refusal:
        config.load(path)
    assert [line.partition(" ")[0] for line in str(refusal.value).splitlines()] == [
        f"{path}:2:",
        f"{path}:2:",
    ]


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    assert "No such file" in config.faults(tmp_path / "none.yaml")[0].text


def test_a_file_that_is_not_utf_8_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "edge.yaml").write_bytes(b"device: {id: \xff}\n")
    assert "UTF-8" in config.faults(tmp_path / "edge.yaml")[0].text


def test_faults_come_in_the_order_of_their_lines() -> None:
    text = "transmit: {mqqt: 1}\nspool: 3\ndevice: {}\nsites: {}\n"
    lines = [fault.line for fault in config.parse(text, Path())[1]]
    assert lines == sorted(lines)
    assert len(lines) == 4


@pytest.mark.parametrize(
    ("start", "line", "fault"),
    [
        ("device:", "device: {id: pier 7}", "device.id: expected letters, digits, dots"),
        ("device:", "device: {id: 'a/+/#'}", "device.id: expected letters, digits, dots"),
        ("state:", "state: {max_bytes: 2GB}", 'max_bytes: expected a whole number >= 50000000, got "2GB"'),
        ("quarry:", "  cmd:", "sites: expected as a name letters, digits, dots, dashes and underscores"),
        ("bounds:", "    bounds: {west: 0, south: 1, east: 1, north: 0}", "quarry.bounds: expected -90"),
        ("bounds:", "    bounds: {west: 200, south: 0, east: 1, north: 1}", "quarry.bounds.west: expected"),
        ("bounds:", "    bounds: {west: 0, south: 0, east: 1}", "bounds.north: expected a number"),
        ("yard:", "      yard: {kind: yard}", "zones.yard: expected either polygon or line"),
        ("yard:", "      yard: {kind: road, line: [[0, 0], [0, 1]]}", "zones.yard: expected width_m"),
        ("- {", "      - {ground_change: false}", "rules[0]: ground_change: expected true, got false"),
        ("- {", "      - {arrival: aircraft, zone: yrad}", "rules[0].zone: expected one of yard, got yrad"),
        ("- {", "      - {count: aircraft}", "rules[0]: expected exactly one of at_least and at_most"),
        ("mqtt:", "  satmodem: {max_bytes_per_day: 20}", "transmit.satmodem.max_bytes_per_day: expected a"),
        ("mqtt:", "  mqtt: {url: http://x}", "transmit.mqtt: url: expected mqtt://HOST"),
    ],
)  # fmt: skip
def test_a_fault_is_said_where_it_is(start: str, line: str, fault: str) -> None:
    found = faults(with_line(start, line))
    assert [one for one in found if fault in one], found


def test_a_rule_that_stands_twice_is_refused() -> None:
    rule = "      - {arrival: aircraft, zone: yard, severity: minor}"
    found = faults(TEXT.replace("transmit:", f"{rule}\ntransmit:"))
    assert found == ["f:11: sites.quarry.rules[1]: expected each rule once, got arrival:aircraft@yard again"]


def test_a_site_becomes_its_ground_and_its_zones(tmp_path: Path) -> None:
    site = to_site("quarry", make_settings(tmp_path).sites["quarry"])
    assert site.zones_at(LngLat(0.019, 0.015)) == ("yard",)
    assert site.zones_at(LngLat(0.025, 0.015)) == ()


def test_a_closed_polygon_is_the_same_as_an_open_one(tmp_path: Path) -> None:
    closed = "      yard: {kind: yard, polygon: [[0.01, 0.01], [0.02, 0.01], [0.02, 0.02], [0.01, 0.01]]}"
    site = to_site("quarry", make_settings(tmp_path, with_line("yard:", closed)).sites["quarry"])
    assert len(site.zones[0].polygon) == 3


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_shipped_configuration_has_no_fault(path: Path) -> None:
    assert config.faults(path) == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_shipped_configuration_keeps_the_schema(path: Path) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    Draft202012Validator(config_schema.schema()).validate(content)


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(json.loads(config_schema.text()))


@pytest.mark.parametrize(
    "text", [with_line("device:", "device: {id: 7}"), with_line("- {", "      - {x: 1}")]
)
def test_the_schema_refuses_what_the_loader_refuses(text: str) -> None:
    assert not Draft202012Validator(config_schema.schema()).is_valid(yaml.safe_load(text))
    assert faults(text)


def template() -> str:
    return (CONFIG / "edge.yaml").read_text(encoding="utf-8")


def all_switched_on() -> str:
    """The template with the keys that stand in it as `# key: value` taken in."""
    return re.sub(r"^( *)# (?=(?:\w+|- \{\w+):(?: |$))", r"\1", template(), flags=re.MULTILINE)


def sections(value: Any, path: str) -> Iterator[tuple[str, msgspec.Struct]]:
    """Every settings object below a value, with its path."""
    if isinstance(value, msgspec.Struct):
        yield path, value
        for name in keys(type(value)):
            yield from sections(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from sections(inner, f"{path}.{name}")


def written(text: str, path: str) -> Any:
    """What stands in a YAML text under a path."""
    found = yaml.safe_load(text)
    for name in path.split(".")[1:]:
        found = found[name]
    return found


def full_settings() -> Settings:
    settings, found = config.parse(all_switched_on(), Path("/etc/edge"))
    assert settings is not None, found
    return settings


def test_every_key_stands_in_the_template() -> None:
    text = all_switched_on()
    for path, section in sections(full_settings(), "$"):
        if "zones." not in path:
            assert set(written(text, path)) == set(keys(type(section))), path


def test_every_rule_and_each_of_its_keys_stands_in_the_template() -> None:
    rules = written(all_switched_on(), "$.sites.north-airfield.rules")
    assert {name for rule in rules for name in rule} == {
        name for rule in get_args(AnyRule) for name in keys(rule)
    }


def test_both_kinds_of_zones_stand_in_the_template() -> None:
    zones = written(all_switched_on(), "$.sites.north-airfield.zones")
    assert {name for zone in zones.values() for name in zone} == set(keys(config.ZoneSettings))


def test_what_the_template_calls_a_default_is_one() -> None:
    settings, _ = config.parse(template(), Path("/etc/edge"))
    for path, section in sections(settings, "$"):
        for name, info in keys(type(section)).items():
            default = info.default
            if isinstance(default, str | int | float | Path) and "zones" not in path:
                assert getattr(section, name) == default, f"{path}.{name}"


def test_every_key_of_the_template_is_explained_above_it() -> None:
    lines = template().splitlines()
    for before, line in pairwise(lines):
        if re.match(r" *(# )?\w+: ", line):
            explained = before.strip().startswith("#") or "  # " in line or before.strip().endswith(":")
            assert explained or re.match(r" *(# )?\w+: ", before), line


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (
            "{convoy: vehicle, zone: yard}",
            "rules[0].zone: expected a road drawn as a line, got yard as a polygon",
        ),
        ("{convoy: vehicle}", "zone: expected the name of a road drawn as a line, got nothing"),
        ("{trend: aircraft, over_days: 1}", "over_days: expected a whole number in [3, 60], got 1"),
        (
            "{indicator: x, of: [{kind: trend}, {kind: blind, site: pit}]}",
            "of[1].site: expected one of quarry, got pit",
        ),
        (
            "{indicator: x, of: [{kind: trend}, {kind: arrival, zone: pit}]}",
            "of[1].zone: expected one of yard, got pit",
        ),
    ],
)
def test_a_rule_that_asks_for_what_is_not_there_is_refused_with_its_place(rule: str, said: str) -> None:
    _, found = config.parse(with_line("- {arrival", f"      - {rule}"), Path())
    assert any(said in f"{fault.path}: {fault.text}" for fault in found)
