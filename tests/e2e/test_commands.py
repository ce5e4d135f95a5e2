"""Commands over a real Mosquitto to the real daemon."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import jsonschema
import numpy as np
import pytest

from edge import __version__
from edge.schema import schema_text
from tests.broker import Broker, Subscriber, running_broker
from tests.e2e.archive import A, C, D, drop, put_look, write_config
from tests.e2e.desk import PREFIX, Desk, desk_at, fields, hours_ago
from tests.e2e.program import Daemon, alerts_heard, run_edge, running, until


@dataclass(frozen=True, slots=True)
class Field:
    """A device that answers, with who listens to it, for the tests that leave no trace in it."""

    daemon: Daemon
    desk: Desk
    listener: Subscriber
    port: int


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    folder = tmp_path_factory.mktemp("field")
    with running_broker(folder) as broker:
        listener = Subscriber(broker, folder)
        with running(write_config(folder / "device", broker.url)) as daemon, desk_at(broker) as desk:
            daemon.wait_for("link up")
            assert desk.ask("ping")["ok"]
            yield Field(daemon, desk, listener, broker.port)
        listener.stop()


@pytest.fixture
def daemon(tmp_path: Path, broker: Broker) -> Iterator[Daemon]:
    config = write_config(tmp_path / "device", broker.url)
    with running(config) as started:
        started.wait_for("link up")
        yield started


@pytest.fixture
def desk(broker: Broker, daemon: Daemon) -> Iterator[Desk]:
    with desk_at(broker) as one:
        assert one.ask("ping")["ok"]
        yield one


def answer_to(command: dict[str, Any], desk: Desk) -> dict[str, Any]:
    """The next answer to this command; one that the broker's link was lost over may come twice."""
    while (answer := json.loads(desk.next_message().payload))["id"] != command["id"]:
        pass
    found: dict[str, Any] = answer
    return found


def show(daemon: Daemon, tmp_path: Path, day: int, *places: tuple[int, int]) -> None:
    """One look, from the spool to the ledger."""
    n_before = len(daemon.rows("SELECT * FROM tiles"))
    drop(daemon.spool, put_look(tmp_path / "tiles", day, places))
    daemon.wait_until_done(n_before + 1)


def arrival(daemon: Daemon, listener: Subscriber, tmp_path: Path) -> dict[str, Any]:
    """The alert of an aircraft that came to C on the second day."""
    show(daemon, tmp_path, 1, A)
    show(daemon, tmp_path, 2, A, C)
    return next(one for one in alerts_heard(listener, 1) if kind_of(one) == "arrival")


def kind_of(alert: dict[str, Any]) -> str:
    return str(alert["data"]["properties"]["kind"])


def retained(listener: Subscriber, under: str) -> Any:
    """The newest message under a topic."""
    return json.loads(listener.wait_for(1, under)[-1][1])


def quiet_places(listener: Subscriber) -> list[str]:
    return [one["alert"] for one in retained(listener, "/inventory")["quiet"]["places"]]


def acked(listener: Subscriber) -> list[bool]:
    features = retained(listener, "/open")["features"]
    return [feature["properties"].get("acked", False) for feature in features]


def check(name: str, message: Any) -> None:
    jsonschema.Draft202012Validator(json.loads(schema_text(name))).validate(message)


def test_a_ping_is_answered_with_what_runs(field: Field) -> None:
    answer = field.desk.ask("ping")
    assert (answer["ok"], answer["device"], answer["verb"]) == (True, "pier-7", "ping")
    assert answer["result"]["version"] == __version__
    check("reply", answer)


def test_the_same_command_twice_is_done_once(field: Field) -> None:
    command = fields()
    field.desk.send("ping", command)
    field.desk.send("ping", command)
    answers = [json.loads(field.desk.next_message().payload) for _ in range(2)]
    assert [(one["ok"], one.get("reason")) for one in answers] == [(True, None), (False, "replayed")]


def test_a_used_id_is_refused_after_a_restart_too(desk: Desk, daemon: Daemon) -> None:
    command = fields()
    desk.send("ping", command)
    assert answer_to(command, desk)["ok"]
    daemon.stop()
    daemon.start()
    desk.send("ping", command)
    assert json.loads(desk.next_message().payload)["reason"] == "replayed"


@pytest.mark.parametrize(
    ("verb", "payload", "reason"),
    [
        ("ping", fields(issued_at=hours_ago(2), expires_s=60), "expired"),
        ("reboot", fields(), "unknown_verb"),
        ("ping", fields(colour="red"), "malformed"),
        ("ack", fields(), "malformed"),
        ("ping", b"\xff{", "malformed"),
        ("ping", b"[" * 2000, "malformed"),
        ("ping", b" " * 2049, "too_large"),
        ("ack", fields(alert="7Q2M5K0C9T4E"), "unknown_alert"),
    ],
)
def test_a_command_that_is_not_right_is_refused_with_one_word(
    field: Field, verb: str, payload: dict[str, Any] | bytes, reason: str
) -> None:
    field.desk.send(verb, payload, correlation=b"7")
    answer = json.loads(field.desk.next_message().payload)
    assert (answer["ok"], answer["reason"]) == (False, reason)
    check("reply", answer)


def test_what_was_refused_is_counted_by_reason_in_health(desk: Desk, listener: Subscriber) -> None:
    desk.send("ping", b"{}")
    desk.send("reboot", fields())
    for _ in range(2):
        desk.next_message()

    def refused() -> dict[str, int]:
        found: dict[str, int] = retained(listener, "/health")["commands"]["refused"]
        return found

    until(lambda: refused() == {"malformed": 1, "unknown_verb": 1}, lambda: str(refused()))
    check("health", retained(listener, "/health"))


@pytest.mark.parametrize("is_first", [True, False], ids=["kept before the device came", "sent live"])
def test_a_retained_command_is_never_done(tmp_path: Path, broker: Broker, *, is_first: bool) -> None:
    config = write_config(tmp_path / "device", broker.url)
    with desk_at(broker) as desk:
        if is_first:
            desk.send("reload", fields(), retain=True)
        with running(config) as daemon:
            daemon.wait_for("link up")
            if not is_first:
                assert desk.ask("ping")["ok"]
                desk.send("reload", fields(), retain=True)
            answer = json.loads(desk.next_message().payload)
            assert answer["reason"] == "retained"
            assert "settings reloaded" not in daemon.log_text()


@pytest.mark.parametrize(
    "topic",
    [
        "edge/v1/pier-8/reply/x", "edge/v1/pier-77/reply", f"{PREFIX}/health", f"{PREFIX}/field/alert",
        f"{PREFIX}/cmd/reload", "reply",
    ],
)  # fmt: skip
def test_an_answer_never_goes_where_it_does_not_belong(field: Field, topic: str) -> None:
    command = fields()
    field.desk.send("ping", command, reply_to=topic)
    field.daemon.wait_for(f"command done: via=mqtt verb=ping id={command['id']}")
    # Answers go in order: had there been one, it would have come before this one.
    assert field.desk.ask("ping")["ok"]
    assert [heard for heard, payload in field.listener.heard() if command["id"].encode() in payload] == [
        f"{PREFIX}/cmd/ping"
    ]


def test_a_command_without_a_reply_topic_is_done_in_silence(field: Field) -> None:
    field.desk.send("ping", fields(id="silent"), reply_to=None)
    field.daemon.wait_for("command done: via=mqtt verb=ping id=silent")
    assert field.daemon.rows("SELECT * FROM commands WHERE payload LIKE '%silent%'") == []


def test_a_command_that_came_before_a_power_cut_is_done_after_it(desk: Desk, daemon: Daemon) -> None:
    command = fields()
    daemon.kill()
    # Persistent session: the broker keeps it for the device, which queues it before it confirms.
    desk.send("ping", command)
    daemon.start()
    assert answer_to(command, desk)["ok"]


def test_a_reload_takes_the_edited_file_and_says_so(desk: Desk, daemon: Daemon) -> None:
    assert desk.ask("reload")["ok"]
    daemon.wait_for("settings reloaded")
    daemon.config.write_text("device: {}\n")
    answer = desk.ask("reload")
    assert answer["reason"] == "faulty_settings"
    assert "edge.yaml:1" in answer["detail"]


def test_a_verb_that_is_switched_off_is_refused(tmp_path: Path, broker: Broker) -> None:
    transmit = {"mqtt": {"url": broker.url}, "commands": {"verbs": ["ping"]}}
    with running(write_config(tmp_path / "device", transmit=transmit)) as daemon, desk_at(broker) as desk:
        daemon.wait_for("link up")
        assert desk.ask("ping")["ok"]
        assert desk.ask("reload")["reason"] == "verb_off"


def test_a_read_alert_is_marked_among_the_open_ones_and_goes_on_as_an_update(
    desk: Desk, daemon: Daemon, listener: Subscriber, tmp_path: Path
) -> None:
    alert = arrival(daemon, listener, tmp_path)
    assert desk.ask("ack", alert=alert["id"])["result"] == {"alert": alert["id"], "already": False}
    assert desk.ask("ack", alert=alert["id"])["result"]["already"] is True
    until(lambda: acked(listener) == [True], lambda: str(listener.heard("/open")))
    check("open", retained(listener, "/open"))


def test_a_false_alert_keeps_its_place_quiet_and_no_other(
    desk: Desk, daemon: Daemon, listener: Subscriber, tmp_path: Path
) -> None:
    alert = arrival(daemon, listener, tmp_path)
    answer = desk.ask("feedback", alert=alert["id"], verdict="false")
    assert answer["result"]["quiet_places"] == 1
    until(lambda: quiet_places(listener) == [alert["id"]], lambda: str(listener.heard("/inventory")))
    check("inventory", retained(listener, "/inventory"))
    show(daemon, tmp_path, 3, A)
    show(daemon, tmp_path, 4, A, D)
    told = [(kind_of(one), len(one["data"]["properties"]["objects"])) for one in alerts_heard(listener, 2)]
    assert told == [("arrival", 1), ("arrival", 1)]
    assert "kept quiet: site=field changes=1" in daemon.log_text()


def test_true_after_all_lets_the_place_speak_again(
    desk: Desk, daemon: Daemon, listener: Subscriber, tmp_path: Path
) -> None:
    alert = arrival(daemon, listener, tmp_path)
    desk.ask("feedback", alert=alert["id"], verdict="false")
    assert desk.ask("feedback", alert=alert["id"], verdict="true")["result"]["lifted_places"] == 1
    show(daemon, tmp_path, 3, A)
    assert kind_of(alerts_heard(listener, 2)[1]) == "departure"


def test_feedback_on_the_device_does_what_the_command_does(
    desk: Desk, daemon: Daemon, listener: Subscriber, tmp_path: Path
) -> None:
    alert = arrival(daemon, listener, tmp_path)
    said = run_edge("feedback", alert["id"], "false", "-c", daemon.config)
    assert said.returncode == 0, said.stderr
    show(daemon, tmp_path, 3, A)
    show(daemon, tmp_path, 4, A, D)
    assert [kind_of(one) for one in alerts_heard(listener, 2)] == ["arrival", "arrival"]


def test_a_snoozed_site_is_quiet_and_a_severe_alert_is_not(
    desk: Desk, daemon: Daemon, listener: Subscriber, tmp_path: Path
) -> None:
    alert = arrival(daemon, listener, tmp_path)
    until_at = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    assert desk.ask("snooze", alert=alert["id"], until_at=until_at, scope="site")["ok"]
    show(daemon, tmp_path, 3, A, C, D)
    show(daemon, tmp_path, 4, A, D)
    # The arrival of D is moderate, the departure of C is severe.
    assert [kind_of(one) for one in alerts_heard(listener, 2)] == ["arrival", "departure"]
    assert retained(listener, "/inventory")["quiet"]["rules"][0]["rule"] is None


def test_a_snooze_is_ended_by_an_instant_that_has_passed(
    desk: Desk, daemon: Daemon, listener: Subscriber, tmp_path: Path
) -> None:
    alert = arrival(daemon, listener, tmp_path)
    until_at = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    desk.ask("snooze", alert=alert["id"], until_at=until_at)
    assert desk.ask("snooze", alert=alert["id"], until_at=hours_ago(1))["result"]["ended"] == 1
    show(daemon, tmp_path, 3, A, C, D)
    assert kind_of(alerts_heard(listener, 2)[1]) == "arrival"


def test_a_snooze_for_years_is_refused(
    desk: Desk, daemon: Daemon, listener: Subscriber, tmp_path: Path
) -> None:
    alert = arrival(daemon, listener, tmp_path)
    until_at = (datetime.now(UTC) + timedelta(days=400)).isoformat()
    assert desk.ask("snooze", alert=alert["id"], until_at=until_at)["reason"] == "too_long"


def test_the_ground_of_an_alert_comes_at_full_resolution(
    desk: Desk, daemon: Daemon, listener: Subscriber, tmp_path: Path
) -> None:
    alert = arrival(daemon, listener, tmp_path)
    answer = desk.ask("evidence", alert=alert["id"], side_m=180)
    assert answer["ok"], answer
    [(topic, jpeg)] = listener.wait_for(1, "/full-0-after")
    assert topic == answer["result"]["topic"]
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    # 180 m at 0.5 m a pixel; the aircraft, red, stands in the middle.
    assert picture.shape == (360, 360, 3)
    assert picture[180, 180, 2] > 200
    assert picture[180, 180, 1] < 80


def test_a_tile_that_is_not_kept_any_more_is_said(
    desk: Desk, daemon: Daemon, listener: Subscriber, tmp_path: Path
) -> None:
    alert = arrival(daemon, listener, tmp_path)
    for kept in (daemon.config.parent / "state" / "tiles").iterdir():
        kept.unlink()
    # The pixels of the newest tiles are in memory too, until the program ends.
    daemon.stop()
    daemon.start()
    assert desk.ask("evidence", alert=alert["id"])["reason"] == "not_kept"


def test_the_commands_of_the_page_can_be_copied(field: Field) -> None:
    page = Path(__file__).parents[2] / "docs" / "commands.md"
    function = page.read_text(encoding="utf-8").split("```sh\n")[1].split("\n\n")[0]
    script = function.replace("-h broker.lan", f"-h 127.0.0.1 -p {field.port}") + "\nsend ping\nsend reload\n"
    subprocess.run(["bash", "-euc", script], check=True)
    answers = [json.loads(field.desk.next_message().payload) for _ in range(2)]
    assert [(answer["verb"], answer["ok"]) for answer in answers] == [("ping", True), ("reload", True)]
