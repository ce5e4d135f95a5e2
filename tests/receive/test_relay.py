"""From packed alerts to the alert topic."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from edge.errors import ConfigFault, LinkDown
from edge.monitor.finding import Kind, Phase, Severity
from edge.receive.names import Directory, read_devices
from edge.receive.relay import Relay, publishing, take_folder, take_lines
from edge.receive.relayed import to_json
from edge.schema import schema_text
from edge.transmit import alert
from edge.transmit.brief import Brief, brief_of, name_number, site_number
from edge.transmit.mqtt_settings import MqttSettings
from edge.transmit.packed import pack
from edge.transmit.uplink import Outgoing
from tests.broker import running_broker
from tests.settings import TEXT
from tests.transmit.make import make_alert, make_blind, make_finding

KEY = bytes(range(32))
DIRECTORY = Directory(
    KEY,
    {site_number("north-airfield"): "north-airfield"},
    {name_number(word): word for word in ("aircraft", "apron")},
)


class Notebook:
    """A broker's place: notes what it is given, or is away."""

    def __init__(self) -> None:
        self.published: list[Outgoing] = []
        self.is_away = False

    def publish(self, outgoing: Outgoing) -> None:
        if self.is_away:
            raise LinkDown("away")
        self.published.append(outgoing)

    def alerts(self) -> list[dict[str, Any]]:
        return [json.loads(outgoing.payload) for outgoing in self.published]


def packed(n: int = 1, **changed: Any) -> bytes:
    finding = make_finding(opened_by=f"tile-{n}", **changed)
    return pack(brief_of(alert.to_json(make_alert(finding, sequence=n))), KEY)


def relay(notebook: Notebook, seen: Path | None = None) -> Relay:
    return Relay({"pier-7": DIRECTORY}, notebook, seen)


def told(brief: Brief, directory: Directory = DIRECTORY) -> dict[str, Any]:
    message = json.loads(to_json(brief, directory))
    assert isinstance(message, dict)
    return message


def test_an_alert_comes_out_on_its_topic_with_its_id_and_via() -> None:
    notebook = Notebook()
    whole = json.loads(alert.to_json(make_alert(make_finding(opened_by="tile-1"), sequence=1)))
    assert relay(notebook).take(packed(1), "1.sbd") == []
    [short] = notebook.alerts()
    assert notebook.published[0].topic == "edge/v1/pier-7/north-airfield/alert"
    assert short["via"] == "sbd"
    same = ("id", "source", "type", "time", "sequence")
    assert {key: short[key] for key in same} == {key: whole[key] for key in same}
    properties = (
        "phase",
        "kind",
        "label",
        "zone",
        "severity",
        "confidence",
        "exercise",
        "late",
        "clock",
        "count",
    )
    for key in properties:
        assert short["data"]["properties"][key] == whole["data"]["properties"][key], key
    assert short["data"]["geometry"] == whole["data"]["geometry"]


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("phase", list(Phase))
def test_every_kind_and_phase_holds_to_the_schema(kind: Kind, phase: Phase) -> None:
    brief = brief_of(alert.to_json(make_alert(make_finding(kind=kind, phase=phase), sequence=1)))
    Draft202012Validator(json.loads(schema_text("alert"))).validate(told(brief))


def test_an_alert_without_a_place_holds_to_the_schema() -> None:
    message = told(brief_of(alert.to_json(make_alert(make_blind(), sequence=1))))
    Draft202012Validator(json.loads(schema_text("alert"))).validate(message)
    assert message["data"]["geometry"] is None
    assert message["data"]["properties"]["headline"] == "blind at the site (by satellite, details follow)"


def test_the_headline_says_what_how_many_and_where() -> None:
    message = told(brief_of(alert.to_json(make_alert(make_finding(phase=Phase.END), sequence=1))))
    expected = "departure: 1 aircraft at apron, ended (by satellite, details follow)"
    assert message["data"]["properties"]["headline"] == expected


def test_a_site_that_is_not_known_is_told_by_its_number() -> None:
    brief = brief_of(alert.to_json(make_alert(sequence=1)))
    message = told(brief, Directory(KEY))
    assert message["source"] == f"edge/pier-7/site-{site_number('north-airfield'):08x}"
    assert message["data"]["properties"]["label"] == f"name-{name_number('aircraft'):04x}"


def test_a_message_that_comes_twice_is_published_once(tmp_path: Path) -> None:
    notebook, seen = Notebook(), tmp_path / "seen"
    for _ in range(2):
        # Another process each time: what was done is in the file.
        again = relay(notebook, seen)
        again.take(packed(1), "1.sbd")
        again.take(packed(1), "1.sbd")
    assert len(notebook.published) == 1


@pytest.mark.parametrize("torn", [b"pier-7 1 7Q2", b"\xff\0\0"])
def test_a_line_that_a_power_cut_tore_costs_no_other(tmp_path: Path, torn: bytes) -> None:
    notebook, seen = Notebook(), tmp_path / "seen"
    seen.write_bytes(torn)
    for _ in range(2):
        relay(notebook, seen).take(packed(1), "1.sbd")
    assert len(notebook.published) == 1


def test_an_alert_that_the_broker_denies_goes_aside_and_those_behind_it_go(tmp_path: Path) -> None:
    acl = tmp_path / "acl"
    acl.write_text("topic write edge/v1/pier-7/harbour/alert\ntopic read #\n")
    inbox = tmp_path / "sbd"
    inbox.mkdir()
    (inbox / "a.sbd").write_bytes(packed(1))
    (inbox / "b.sbd").write_bytes(packed(2, site_id="harbour"))
    sites = {site_number(name): name for name in ("north-airfield", "harbour")}
    with (
        running_broker(tmp_path, ["allow_anonymous true", f"acl_file {acl}"]) as broker,
        publishing(MqttSettings(url=broker.url), "edge-relay-t") as publisher,
    ):
        assert take_folder(Relay({"pier-7": Directory(KEY, sites)}, publisher, None), inbox) == 1
    assert (inbox / "done" / "b.sbd").exists()
    reason = (inbox / "refused" / "a.sbd.reason.txt").read_text(encoding="utf-8")
    assert reason == "edge/v1/pier-7/north-airfield/alert: refused by the broker: Not authorized (135)\n"


def test_each_phase_of_a_story_is_published() -> None:
    notebook = Notebook()
    one = relay(notebook)
    for sequence, phase in enumerate(Phase, 1):
        finding = make_finding(phase=phase)
        one.take(pack(brief_of(alert.to_json(make_alert(finding, sequence=sequence))), KEY), "x")
    phases = [message["data"]["properties"]["phase"] for message in notebook.alerts()]
    assert phases == [str(phase) for phase in Phase]


def test_a_folder_is_taken_in_order_and_ends_in_done_or_refused(tmp_path: Path) -> None:
    (tmp_path / "b.sbd").write_bytes(packed(2) + packed(3))
    (tmp_path / "a.sbd").write_bytes(packed(1))
    (tmp_path / "c.sbd").write_bytes(b"no alert")
    (tmp_path / "d.txt").write_bytes(b"somebody else's")
    notebook = Notebook()
    assert take_folder(relay(notebook), tmp_path) == 1
    assert [message["sequence"] for message in notebook.alerts()] == [1, 2, 3]
    assert sorted(path.name for path in (tmp_path / "done").iterdir()) == ["a.sbd", "b.sbd"]
    reason = (tmp_path / "refused" / "c.sbd.reason.txt").read_text(encoding="utf-8")
    assert reason == "wrong_length: expected 1 to 7 times 48 bytes, got 8\n"
    assert (tmp_path / "d.txt").exists()


def test_a_broker_that_is_away_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.sbd").write_bytes(packed(1))
    notebook = Notebook()
    one = relay(notebook, tmp_path / "seen")
    notebook.is_away = True
    with pytest.raises(LinkDown):
        take_folder(one, tmp_path)
    notebook.is_away = False
    take_folder(one, tmp_path)
    assert len(notebook.published) == 1


def test_a_file_that_never_ends_is_refused_for_its_length(tmp_path: Path) -> None:
    (tmp_path / "a.sbd").write_bytes(bytes(1_000_000))
    assert take_folder(relay(Notebook()), tmp_path) == 1
    assert "got 341" in (tmp_path / "refused" / "a.sbd.reason.txt").read_text(encoding="utf-8")


def test_lines_of_hexadecimal_digits_are_taken(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    notebook = Notebook()
    assert take_lines(relay(notebook), [packed(1).hex() + "\n", "\n", "xyz\n", "00\n"]) == 2
    assert len(notebook.published) == 1
    assert "message=line 3 reason=expected hexadecimal digits" in caplog.text
    assert "message=line 4 reason=wrong_length" in caplog.text


def test_a_forged_alert_is_not_published() -> None:
    notebook = Notebook()
    forged = bytearray(packed(1, severity=Severity.MINOR))
    forged[-1] ^= 1
    [refused] = relay(notebook).take(bytes(forged), "x")
    assert str(refused) == "bad_tag: expected a tag by the key of pier-7"
    assert not notebook.published


def write_device(folder: Path, text: str = TEXT) -> None:
    (folder / "pier-7.key").write_text(KEY.hex(), encoding="ascii")
    (folder / "pier-7.yaml").write_text(text, encoding="utf-8")


def test_the_names_come_from_a_copy_of_the_device_s_configuration(tmp_path: Path) -> None:
    write_device(tmp_path)
    directory = read_devices(tmp_path)["pier-7"]
    assert directory.key == KEY
    assert directory.site(site_number("quarry")) == "quarry"
    # A zone, the label of a rule, a label that only the model knows, and none.
    words = [directory.word(name_number(word)) for word in ("yard", "aircraft", "ship")]
    assert words == ["yard", "aircraft", "ship"]
    assert directory.word(None) is None


def test_a_model_that_is_not_here_leaves_the_labels_of_the_rules(tmp_path: Path) -> None:
    write_device(tmp_path, f"models: {{objects: none.yaml}}\n{TEXT}")
    assert read_devices(tmp_path)["pier-7"].word(name_number("aircraft")) == "aircraft"


def test_a_key_alone_is_enough_to_know_a_device(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "pier-7.key").write_text(KEY.hex(), encoding="ascii")
    assert read_devices(tmp_path)["pier-7"].sites == {}
    assert "names are not known: device=pier-7" in caplog.text


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("pier-7.key", "abc", "expected 32 or more hexadecimal digits and nothing else, got other"),
        ("pier-7.key", "ab" * 15, "got 30"),
        ("pier-7.key", "\xff", "got other characters"),
        ("pier-7.yaml", TEXT.replace("pier-7", "pier-8"), "device.id: expected pier-7, got pier-8"),
        ("pier-7.yaml", "{}", "pier-7.yaml:1:"),
    ],
)
def test_a_file_that_is_wrong_is_named(tmp_path: Path, name: str, content: str, said: str) -> None:
    write_device(tmp_path)
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(ConfigFault) as fault:
        read_devices(tmp_path)
    assert said in str(fault.value)
    assert KEY.hex() not in str(fault.value)


def test_a_folder_without_a_key_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigFault, match=r"expected DEVICE\.key for each device, got none"):
        read_devices(tmp_path)
