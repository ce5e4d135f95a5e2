"""The last link, from the daemon to a subscriber: no broker, a modem, a relay, a broker."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from edge.schema import schema_text
from edge.transmit.alert import to_json
from edge.transmit.brief import brief_of, site_number
from edge.transmit.command import Ping
from edge.transmit.compact import to_bytes
from edge.transmit.packed import pack
from tests.broker import Broker, Subscriber, free_port
from tests.e2e.archive import STORY, drop, site, write_archive, write_config
from tests.e2e.program import Daemon, run_edge, running, until
from tests.transmit.make import make_alert
from tests.transmit.modem import KEY

RULES = [{"arrival": "aircraft", "severity": "severe"}]


@contextmanager
def simulated_modem(folder: Path, *arguments: str) -> Iterator[Path]:
    """`edge simulate-modem` as a user starts it; the folder of what was sent."""
    sent, log = folder / "sbd", folder / "modem.log"
    command = [sys.executable, "-m", "edge", "simulate-modem", str(folder / "tty"), "--sent", str(sent)]
    with log.open("wb") as out, subprocess.Popen([*command, *arguments], stdout=out, stderr=out) as process:
        try:
            until(lambda: b"plugged in" in log.read_bytes(), log.read_text)
            yield sent
        finally:
            process.terminate()
            process.wait(10)


def configured(folder: Path, url: str | None, **satmodem: object) -> Path:
    """A device with a severe rule, a broker and a modem that is used at once."""
    config = write_config(folder / "device", url, sites={"field": site(rules=RULES)})
    key_file = config.with_name("device.key")
    key_file.write_text(KEY.hex(), encoding="ascii")
    modem = {"port": str(folder / "tty"), "key_file": "device.key", "after_minutes": 0, **satmodem}
    transmit: dict[str, Any] = {"satmodem": modem}
    if url is not None:
        transmit |= {"mqtt": {"url": url}, "uplink": {"retry_max_s": 1.0}}
    return write_config(folder / "device", url, sites={"field": site(rules=RULES)}, transmit=transmit)


def see_an_arrival(daemon: Daemon, folder: Path) -> None:
    for image in write_archive(folder / "tiles", STORY[:2]):
        drop(daemon.spool, image)
    daemon.wait_until_done(2)


def desk(folder: Path, config: Path) -> Path:
    """What the desk has of the device: its key and a copy of its configuration."""
    devices = folder / "devices"
    devices.mkdir()
    (devices / "pier-7.key").write_text(KEY.hex(), encoding="ascii")
    (devices / "pier-7.yaml").write_bytes(config.read_bytes())
    return devices


@pytest.mark.parametrize("faults", [(), ("garbage", "status_18")], ids=["fair", "foul"])
def test_an_alert_without_a_broker_reaches_the_desk_over_the_satellite(
    tmp_path: Path, faults: tuple[str, ...]
) -> None:
    broker = Broker(tmp_path)
    config = configured(tmp_path, broker.url, answer_timeout_s=0.5)
    options = [word for fault in faults for word in ("--fault", fault)]
    with simulated_modem(tmp_path, *options) as sent, running(config) as daemon:
        see_an_arrival(daemon, tmp_path)
        until(lambda: any(sent.glob("*.sbd")), daemon.log_text)
        daemon.stop()
        with started(broker), listening(broker, tmp_path) as listener:
            relay = ("relay", broker.url, "--devices", desk(tmp_path, config), "--folder", sent)
            # What the operator of the satellites delivers twice is one alert.
            [packed] = [path.read_bytes() for path in sent.glob("*.sbd")]
            for name in ("first", "second"):
                (sent / f"{name}.sbd").write_bytes(packed)
                assert run_edge(*relay).returncode == 0
            [(_, short)] = listener.wait_for(1, "/alert")
            # The broker is back for the device too, and gets the whole alert under the same id.
            daemon.start()
            [_, (_, whole)] = listener.wait_for(2, "/alert")
    assert_two_copies(json.loads(short), json.loads(whole))


def assert_two_copies(short: dict[str, Any], whole: dict[str, Any]) -> None:
    assert short["via"] == "sbd"
    assert "via" not in whole
    assert whole["data"]["properties"]["evidence"]
    same = ("id", "sequence", "source", "type", "time")
    assert [short[key] for key in same] == [whole[key] for key in same]
    for message in (short, whole):
        Draft202012Validator(json.loads(schema_text("alert"))).validate(message)


@contextmanager
def started(broker: Broker) -> Iterator[None]:
    broker.start()
    try:
        yield
    finally:
        broker.kill()


@contextmanager
def listening(broker: Broker, folder: Path) -> Iterator[Subscriber]:
    subscriber = Subscriber(broker, folder)
    try:
        yield subscriber
    finally:
        subscriber.stop()


def test_health_says_how_the_modem_is(tmp_path: Path) -> None:
    config = configured(tmp_path, None)
    with simulated_modem(tmp_path) as sent, running(config) as daemon:
        see_an_arrival(daemon, tmp_path)
        until(lambda: any(sent.glob("*.sbd")), daemon.log_text)
        until(lambda: "session done" in daemon.log_text(), daemon.log_text)
        daemon.stop()
        daemon.start()
        until(lambda: health(daemon)["bytes_today"] == 50, lambda: str(health(daemon)))
    assert health(daemon)["state"] in {"standby", "idle"}


def health(daemon: Daemon) -> dict[str, Any]:
    [[payload]] = daemon.rows("SELECT payload FROM retained WHERE topic LIKE '%/health'")
    message = json.loads(payload)
    Draft202012Validator(json.loads(schema_text("health"))).validate(message)
    return dict(message["satmodem"])


def test_the_doctor_explains_the_modem(tmp_path: Path) -> None:
    config = configured(tmp_path, None, answer_timeout_s=3.0)
    with simulated_modem(tmp_path, "--fault", "no_signal", "--fault", "garbage"):
        found = [satellite_check(config) for _ in range(3)]
    found.append(satellite_check(config))
    config.with_name("device.key").unlink()
    found.append(satellite_check(config))
    assert [check["verdict"] for check in found] == ["warn", "fail", "ok", "fail", "fail"]
    assert [check["found"].split(": ")[1] for check in found] == [
        "no_signal", "garbled", "answers, 4 of 5 bars, 1 needed", "no_port", "no_key"
    ]  # fmt: skip
    assert all(check["advice"] for check in found if check["verdict"] != "ok")


def satellite_check(config: Path) -> dict[str, str]:
    run = run_edge("doctor", "-c", config, "--json")
    checks = [json.loads(line) for line in run.stdout.splitlines()]
    return next(check for check in checks if check["name"] == "satellite modem")


def test_wrong_faults_are_wrong_usage(tmp_path: Path) -> None:
    run = run_edge("simulate-modem", tmp_path / "tty", "--fault", "rain")
    assert run.returncode == 2
    assert "expected NAME or NAME:N" in run.stderr


def test_a_relay_without_its_broker_leaves_the_files(tmp_path: Path) -> None:
    config = configured(tmp_path, None)
    (tmp_path / "sbd").mkdir()
    (tmp_path / "sbd" / "a.sbd").write_bytes(b"x")
    nobody = f"mqtt://127.0.0.1:{free_port()}"
    run = run_edge("relay", nobody, "--devices", desk(tmp_path, config), "--folder", tmp_path / "sbd")
    assert run.returncode == 1
    assert "edge relay: " in run.stderr
    assert (tmp_path / "sbd" / "a.sbd").exists()


def test_a_relay_that_runs_on_waits_for_its_broker_and_ends_well(tmp_path: Path) -> None:
    broker, inbox = Broker(tmp_path), tmp_path / "sbd"
    inbox.mkdir()
    devices = desk(tmp_path, configured(tmp_path, None))
    (inbox / "a.sbd").write_bytes(packed())
    with relay_running(tmp_path, broker.url, "--devices", devices, "--folder", inbox) as (process, log):
        until(lambda: "broker is away" in log.read_text(), log.read_text)
        # It finds the broker when somebody listens there.
        process.send_signal(signal.SIGSTOP)
        with started(broker), listening(broker, tmp_path) as listener:
            process.send_signal(signal.SIGCONT)
            listener.wait_for(1, "/alert")
            until((inbox / "done" / "a.sbd").exists, log.read_text)
        process.terminate()
        assert process.wait(10) == 0


@contextmanager
def relay_running(folder: Path, *arguments: str | Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    log = folder / "relay.log"
    command = [sys.executable, "-m", "edge", "relay", *map(str, arguments), "--every", "0.2"]
    with log.open("wb") as out, subprocess.Popen(command, stderr=out) as process:
        try:
            yield process, log
        finally:
            process.kill()


def packed() -> bytes:
    return pack(brief_of(to_json(make_alert(sequence=1))), KEY)


def test_a_message_on_standard_input_is_relayed(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    devices = desk(tmp_path, configured(tmp_path, None))
    with started(broker), listening(broker, tmp_path) as listener:
        command = [sys.executable, "-m", "edge", "relay", broker.url, "--devices", str(devices)]
        run = subprocess.run(command, input=packed().hex().encode(), capture_output=True, check=False)
        assert run.returncode == 0, run.stderr
        [(topic, _)] = listener.wait_for(1, "/alert")
    # The site of this alert is not in the copy of the configuration: its number stands for it.
    assert topic == f"edge/v1/pier-7/site-{site_number('north-airfield'):08x}/alert"


def test_a_command_over_the_satellite_is_done_and_a_forged_one_is_refused(tmp_path: Path) -> None:
    to_device = tmp_path / "mt"
    to_device.mkdir()
    command = Ping(id="c-0123456789ab", issued_at=datetime.now(UTC), expires_s=3600)
    (to_device / "1.sbd").write_bytes(to_bytes(command, KEY, "pier-7"))
    (to_device / "2.sbd").write_bytes(to_bytes(command, bytes(32), "pier-7"))
    config = configured(tmp_path, None, mailbox_minutes=60)
    with simulated_modem(tmp_path, "--to-device", str(to_device)), running(config) as daemon:
        until(lambda: told_of_commands(daemon) == (1, {"not_authentic": 1}), daemon.log_text)
        # The modem forgets what was handed on, a moment after it was.
        until(lambda: not any(to_device.iterdir()), daemon.log_text)


def told_of_commands(daemon: Daemon) -> tuple[int, dict[str, int]]:
    rows = daemon.rows("SELECT payload FROM retained WHERE topic LIKE '%/health'")
    nothing: dict[str, Any] = {"done": 0, "refused": {}}
    commands = json.loads(rows[0][0])["commands"] if rows else nothing
    return commands["done"], commands["refused"]
