"""From an alert that is made to a subscriber who has it, against the least that is as durable.

The least is a commit of SQLite (WAL, synchronous FULL) and then a publish of paho at QoS 1, from one thread.
Both go to one Mosquitto, in turn, with the same payload; one subscriber in its own process takes the time.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from benchmarks import station
from benchmarks.table import Row
from edge.geo import LngLat
from edge.monitor.finding import Count, Finding, FoundObject, Kind, Phase, Severity
from edge.store import Commit, Store
from edge.transmit.alert import Alert, LookFacts, compose, to_json
from edge.transmit.mqtt_settings import MqttSettings
from edge.transmit.outbox import OutboxSettings
from edge.transmit.sender import Sender
from edge.transmit.topics import Topics
from edge.transmit.uplink import UplinkSettings

N_ROUNDS = 300
# Rounds that warm the disk, the broker and the caches, and do not count.
N_WARM = 20
# Between two messages: what the one before left to be written down is written.
PAUSE_S = 0.02
AIM = 1.5

_DEVICE = "pier-7"
_SEEN_AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Durable:
    """What was measured, over all rounds.

    least_s, edge_s  seconds from the start of the commit to the arrival, the median
    ratio            edge by least, the median of the rounds
    """

    least_s: float
    edge_s: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Way:
    """One way from an alert to a subscriber.

    send     writes an alert, commits and sends it
    tidy_up  what need not be done before it arrives
    """

    send: Callable[[Alert], None]
    tidy_up: Callable[[], object]


def rows() -> list[Row]:
    """The lines of the table."""
    found = measure()
    return [
        Row("Commit and publish, raw SQLite FULL and paho QoS 1", f"{1000 * found.least_s:.2f} ms", ""),
        Row(
            "Durable alert to subscriber",
            f"{1000 * found.edge_s:.2f} ms, {found.ratio:.2f} of raw",
            f"<= {AIM}",
        ),
    ]


def measure(folder: Path | None = None, n_rounds: int = N_ROUNDS) -> Durable:
    """Both in turn, in one folder of the disk that counts."""
    with ExitStack() as opened:
        home = folder or Path(opened.enter_context(tempfile.TemporaryDirectory()))
        port = opened.enter_context(station.broker(home))
        arrivals = opened.enter_context(_subscriber(port))
        least = opened.enter_context(_least(home, port))
        edge = opened.enter_context(_edge(home, port))
        rounds = [
            (_took_s(least, n, arrivals), _took_s(edge, n, arrivals)) for n in range(N_WARM + n_rounds)
        ][N_WARM:]
    least_s, edge_s = (statistics.median(column) for column in zip(*rounds, strict=True))
    return Durable(least_s, edge_s, statistics.median(ours / theirs for theirs, ours in rounds))


def _took_s(way: Way, n: int, arrivals: Iterator[float]) -> float:
    alert = _alert(n)
    time.sleep(PAUSE_S)
    started_at = time.monotonic()
    way.send(alert)
    took_s = next(arrivals) - started_at
    way.tidy_up()
    return took_s


@contextmanager
def _least(folder: Path, port: int) -> Iterator[Way]:
    """One commit, then one publish, by hand."""
    client = _client("least")
    client.connect("127.0.0.1", port)
    client.loop_start()
    topic = Topics(_DEVICE).alert("raw")
    with closing(sqlite3.connect(folder / "raw.sqlite", isolation_level=None)) as database:
        for statement in (
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "CREATE TABLE waiting (seq INTEGER PRIMARY KEY, topic TEXT, payload BLOB)",
        ):
            database.execute(statement)

        def send(alert: Alert) -> None:
            payload = to_json(alert.with_sequence(1))
            database.execute("INSERT INTO waiting (topic, payload) VALUES (?, ?)", (topic, payload))
            client.publish(topic, payload, qos=1)

        yield Way(send, lambda: False)
    client.disconnect()
    client.loop_stop()


@contextmanager
def _edge(folder: Path, port: int) -> Iterator[Way]:
    """The store and the sender of the daemon, woken as the daemon does it."""

    def open_store() -> Store:
        return Store(folder / "edge.sqlite", OutboxSettings())

    settings = MqttSettings(url=f"mqtt://127.0.0.1:{port}")
    sender = Sender(_DEVICE, settings, UplinkSettings(), lambda: open_store().outbox)
    sender.start()
    with closing(open_store()) as store:

        def send(alert: Alert) -> None:
            store.commit(Commit(_SEEN_AT, alerts=[alert]))
            sender.wake()

        yield Way(send, lambda: store.tell_open(_DEVICE, _SEEN_AT))
    sender.stop()


@contextmanager
def _subscriber(port: int) -> Iterator[Iterator[float]]:
    """The instants at which alerts arrive, by the clock that all processes share."""
    command = [sys.executable, "-m", "benchmarks.bench_durable", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "subscribed\n"
            yield map(float, process.stdout)
        finally:
            process.kill()


def _alert(n: int) -> Alert:
    """An alert like those of the field: a story of its own each day."""
    at, seen_at = LngLat(27.00312, 16.98421), _SEEN_AT + timedelta(days=n)
    objects = (FoundObject("a17", "aircraft", at, 50.0, 0.9123, _SEEN_AT, _SEEN_AT),)
    finding = Finding(
        site_id="north-airfield",
        rule_id="departure:aircraft@apron",
        kind=Kind.DEPARTURE,
        severity=Severity.MODERATE,
        phase=Phase.NEW,
        opened_by=f"tile-{n}",
        seen_at=seen_at,
        confidence=0.93,
        headline="1 aircraft left apron; 8 to 10 remain",
        label="aircraft",
        zone="apron",
        tile_id=f"tile-{n}",
        count=1,
        remaining=Count(9, 8, 10),
        objects=objects,
        why=({"look": "2026-03-01T08:30:00Z", "detected": False, "change": 0.88, "log_odds": -3.1},),
    )
    return compose(
        finding,
        device_id=_DEVICE,
        recorded_at=_SEEN_AT,
        look=LookFacts(f"tile-{n}", 0.97, (4.2, -1.0), 0.6, 0.5),
        models={"objects": "objects-2 sha256:" + "ab" * 32},
        config_sha256="cd" * 32,
        evidence=(),
        sequence=None,
        clock="ntp",
        exercise=False,
        late=False,
    )


def _client(name: str) -> Client:
    return Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5)


def _listen(port: int) -> None:
    """The subscriber's process: one line for each alert, when it came."""

    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    def on_message(_client: Client, _data: object, message: MQTTMessage) -> None:
        at = time.monotonic()
        assert json.loads(message.payload)["specversion"] == "1.0"
        say(repr(at))

    client = _client("subscriber")
    client.on_message = on_message
    client.on_subscribe = lambda *_: say("subscribed")
    client.connect("127.0.0.1", port)
    client.subscribe("edge/v1/+/+/alert", qos=1)
    client.loop_forever()


if __name__ == "__main__":
    _listen(int(sys.argv[1]))
