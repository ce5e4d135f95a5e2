"""What a configuration allows but its writer hardly meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.acquire import reference
from edge.doubts import doubts
from tests.detect.make import write_model
from tests.settings import TEXT, make_settings, with_line


@pytest.fixture(autouse=True)
def model(tmp_path: Path) -> Path:
    """A real model that knows aircraft and ships."""
    return write_model(tmp_path)


@pytest.fixture(autouse=True)
def reference_file(tmp_path: Path) -> Path:
    """The reference of the site, as the first look leaves it."""
    path = reference.path_of(tmp_path / "state" / reference.FOLDER, "quarry")
    path.parent.mkdir(parents=True)
    path.touch()
    return path


def said(folder: Path, text: str = TEXT) -> list[str]:
    return [str(doubt) for doubt in doubts(make_settings(folder, f"models: {{objects: blobs.yaml}}\n{text}"))]


def test_a_sound_configuration_raises_no_doubt(tmp_path: Path) -> None:
    assert said(tmp_path) == []


@pytest.mark.parametrize(
    ("start", "line", "doubt"),
    [
        ("- {", "      - {arrival: aircraft}", "zones.yard: expected a rule that names it"),
        ("- {", "      - {arrival: submarine, zone: yard}", "expected one of aircraft, ship, got submarine"),
        ("bounds:", "    bounds: {west: 0, south: 0, east: 1, north: 1}", "bounds: expected 50 to 20000 m"),
        ("bounds:", "    bounds: {west: 9, south: 0, east: 9.1, north: 0.1}", "expected positions inside"),
        ("mqtt:", "  outbox: {}", "transmit: expected a link such as mqtt, got none"),
        ("spool:", "spool: {folder: nowhere}", "spool.folder: expected a folder, found none at"),
        ("state:", "state: {folder: state, max_bytes: 60_000_000}", "outbox.max_bytes: expected less than"),
    ],
)  # fmt: skip
def test_what_was_hardly_meant_is_said(tmp_path: Path, start: str, line: str, doubt: str) -> None:
    assert [one for one in said(tmp_path, with_line(start, line)) if doubt in one]


def test_a_site_without_a_rule_will_never_alert(tmp_path: Path) -> None:
    text = with_line("- {", "").replace("    rules:\n", "")
    assert "sites.quarry.rules: expected at least one rule, got none: this site will never alert" in said(
        tmp_path, text
    )


def test_a_site_that_was_never_seen_is_said_to_have_no_reference(
    tmp_path: Path, reference_file: Path
) -> None:
    reference_file.unlink()
    assert "sites.quarry: no reference yet" in said(tmp_path)[0]


def test_a_rule_on_what_the_model_seldom_finds_is_noticed(tmp_path: Path) -> None:
    seldom = {"recall": 0.3, "false_alarms_per_km2": 1.0}
    write_model(tmp_path, quality={"aircraft": seldom, "ship": seldom})
    assert "blobs-1 finds a share of 0.3 of all aircraft" in said(tmp_path)[0]


def test_weights_that_were_exchanged_are_noticed(tmp_path: Path) -> None:
    (tmp_path / "blobs.onnx").write_bytes(b"another model")
    assert "expected sha256" in said(tmp_path)[0]


def test_missing_weights_are_noticed(tmp_path: Path) -> None:
    (tmp_path / "blobs.onnx").unlink()
    assert "expected the weights at" in said(tmp_path)[0]


def test_a_manifest_that_is_none_is_noticed(tmp_path: Path, model: Path) -> None:
    model.write_text("name: x\n", encoding="utf-8")
    assert said(tmp_path)[0].startswith("models.objects: ")


def with_password(folder: Path, mode: int, url: str = "mqtt://127.0.0.1") -> list[str]:
    (folder / "password").write_text("secret", encoding="utf-8")
    (folder / "password").chmod(mode)
    mqtt = f"  mqtt: {{url: '{url}', username: a, password_file: {folder / 'password'}}}"
    return said(folder, with_line("mqtt:", mqtt))


def test_a_password_for_few_eyes_raises_no_doubt(tmp_path: Path) -> None:
    assert with_password(tmp_path, 0o640) == []


def test_a_password_that_everybody_may_read_is_noticed(tmp_path: Path) -> None:
    assert "everybody may read" in with_password(tmp_path, 0o644)[0]


def test_a_password_in_the_clear_over_a_network_is_noticed(tmp_path: Path) -> None:
    assert "expected mqtts://" in with_password(tmp_path, 0o600, "mqtt://broker.lan")[0]


def test_a_certificate_that_is_not_there_is_noticed(tmp_path: Path) -> None:
    mqtt = "  mqtt: {url: 'mqtts://127.0.0.1', ca_file: /nowhere/ca.crt}"
    assert "transmit.mqtt.ca_file: expected a file at" in said(tmp_path, with_line("mqtt:", mqtt))[0]


def test_a_satellite_modem_alone_is_a_link_and_its_key_is_a_secret(tmp_path: Path) -> None:
    key_file = tmp_path / "device.key"
    modem = f"  satmodem: {{port: /dev/ttyUSB0, key_file: {key_file}}}"
    assert said(tmp_path, with_line("mqtt:", modem)) == [
        f"transmit.satmodem.key_file: expected a file at {key_file}, got: No such file or directory"
    ]
    key_file.write_text("00" * 32, encoding="ascii")
    key_file.chmod(0o644)
    assert "everybody may read" in said(tmp_path, with_line("mqtt:", modem))[0]
    key_file.chmod(0o640)
    assert said(tmp_path, with_line("mqtt:", modem)) == []


def test_changed_ground_without_a_model_of_change_is_said(tmp_path: Path) -> None:
    rule = with_line("- {", "      - {ground_change: true, zone: yard}")
    text = f"models: {{objects: blobs.yaml, change: null}}\n{rule}"
    found = [str(doubt) for doubt in doubts(make_settings(tmp_path, text))]
    assert any("rules[0].ground_change: expected a model at models.change" in one for one in found)


def test_a_sign_that_no_rule_makes_is_said(tmp_path: Path) -> None:
    signs = "{indicator: x, of: [{kind: arrival, zone: yard}, {kind: trend, label: aircraft}]}"
    text = with_line("- {", f"      - {{arrival: aircraft, zone: yard}}\n      - {signs}")
    assert said(tmp_path, text) == [
        "sites.quarry.rules[1].of[1]: expected a rule of quarry that makes it, got none: trend aircraft"
    ]
