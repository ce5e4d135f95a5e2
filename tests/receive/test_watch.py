"""The subscriber against a real Mosquitto."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.receive.watch import run_watch, watched_topics
from edge.transmit.alert import to_json
from edge.transmit.mqtt_settings import MqttSettings
from tests.broker import Broker, program, running_broker
from tests.transmit.make import make_alert, make_finding

TOPIC = "edge/v1/pier-7/north-airfield/alert"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running_broker(tmp_path) as broker:
        yield broker


@contextmanager
def watching(
    broker: Broker,
    *,
    json_lines: bool = False,
    devices: tuple[str, ...] = (),
    sites: tuple[str, ...] = (),
    pictures: Path | None = None,
) -> Iterator[io.StringIO]:
    out, stop = io.StringIO(), threading.Event()

    def run() -> None:
        settings = MqttSettings(url=broker.url)
        run_watch(
            settings,
            out=out,
            stop=stop,
            json_lines=json_lines,
            devices=devices,
            sites=sites,
            pictures=pictures,
            draw=lambda: 0.1,
        )

    thread = threading.Thread(target=run)
    thread.start()
    try:
        until(lambda: "Sending SUBACK to edge-watch" in broker.log_text())
        yield out
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def until(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not claim():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


def publish(broker: Broker, topic: str, payload: bytes, *options: str) -> None:
    command = [program("mosquitto_pub"), "-h", "127.0.0.1", "-p", str(broker.port), "-q", "1", "-t", topic]
    subprocess.run([*command, "-s", *options], input=payload, check=True)


def test_an_alert_is_shown_as_it_comes(broker: Broker) -> None:
    with watching(broker) as out:
        publish(broker, TOPIC, to_json(make_alert(sequence=1)))
        until(lambda: "1 aircraft left apron" in out.getvalue())


def test_json_lines_can_be_read_by_a_program(broker: Broker) -> None:
    with watching(broker, json_lines=True) as out:
        publish(broker, TOPIC, to_json(make_alert(sequence=7)))
        until(lambda: out.getvalue().endswith("\n"))
    assert json.loads(out.getvalue())["sequence"] == 7


def test_the_state_of_a_device_is_shown_to_a_late_joiner(broker: Broker) -> None:
    publish(broker, "edge/v1/pier-7/status", b"offline", "-r")
    with watching(broker) as out:
        until(lambda: out.getvalue() == "pier-7 is offline\n")


def test_only_the_chosen_device_and_site_are_shown(broker: Broker) -> None:
    wanted = to_json(make_alert(make_finding(opened_by="wanted"), sequence=2))
    with watching(broker, json_lines=True, devices=("pier-7",), sites=("north-airfield",)) as out:
        for topic in ("edge/v1/pier-8/north-airfield/alert", "edge/v1/pier-7/harbour/alert"):
            publish(broker, topic, to_json(make_alert(sequence=1)))
        publish(broker, TOPIC, wanted)
        until(lambda: out.getvalue().endswith("\n"))
    assert out.getvalue().encode() == wanted + b"\n"


def test_a_broker_that_comes_back_is_watched_again(broker: Broker) -> None:
    with watching(broker) as out:
        publish(broker, TOPIC, to_json(make_alert(sequence=1)))
        until(lambda: "#1 " in out.getvalue())
        broker.restart()
        until(lambda: broker.log_text().count("Sending SUBACK to edge-watch") >= 2)
        publish(broker, TOPIC, to_json(make_alert(sequence=2)))
        until(lambda: "#2 " in out.getvalue())


def test_a_message_that_is_no_alert_is_passed_over(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    with watching(broker) as out:
        publish(broker, TOPIC, b"\xff not json")
        publish(broker, TOPIC, b'{"x":' + b"[" * 100_000)
        publish(broker, TOPIC, to_json(make_alert(sequence=1)))
        until(lambda: "#1 " in out.getvalue())
    assert f"message not understood: topic='{TOPIC}'" in caplog.text


def test_pictures_are_saved_by_device_site_and_alert(broker: Broker, tmp_path: Path) -> None:
    picture = tmp_path / "pictures" / "pier-7" / "north-airfield" / "7Q2M5K0C9T4E-0.jpg"
    with watching(broker, pictures=tmp_path / "pictures"):
        publish(broker, "edge/v1/pier-7/north-airfield/evidence/7Q2M5K0C9T4E/0", b"jpeg")
        until(picture.exists)
    assert picture.read_bytes() == b"jpeg"


def test_a_picture_never_lands_outside_the_folder(broker: Broker, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    with watching(broker, pictures=folder):
        publish(broker, "edge/v1/../../evidence/../..", b"jpeg")
        until(lambda: folder.exists() and any(folder.rglob("*.jpg")))
    assert [path.relative_to(folder) for path in folder.rglob("*.jpg")] == [Path("__/__/__-__.jpg")]


def test_a_picture_that_cannot_be_saved_is_passed_over(
    broker: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "pictures"
    with watching(broker, pictures=folder):
        publish(broker, f"edge/v1/pier-7/north-airfield/evidence/{'A' * 300}/0", b"jpeg")
        publish(broker, "edge/v1/pier-7/north-airfield/evidence/7Q2M5K0C9T4E/0", b"jpeg")
        until(lambda: any(folder.rglob("*.jpg")))
    assert "picture not saved: topic='edge/v1/pier-7" in caplog.text


def test_the_end_of_a_watch_leaves_nothing_at_the_broker(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with watching(broker):
        pass
    assert "watching: broker=127.0.0.1" in caplog.text
    until(lambda: "disconnected" in broker.log_text())


def test_a_wildcard_is_no_device() -> None:
    with pytest.raises(ValueError, match="device id: expected a printable name"):
        watched_topics(["#"], [], with_pictures=False)
