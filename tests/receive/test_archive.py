"""`edge archive` against a real Mosquitto: nothing is lost, whoever dies."""

from __future__ import annotations

import json
import logging
import random
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from edge.errors import StoreBroken
from edge.receive.archive import ArchiveSettings, _Intake, archived_topics, run_archive
from edge.receive.archive_store import ArchiveStore, Asked, open_sqlite
from edge.transmit.alert import to_json
from edge.transmit.link import Incoming
from edge.transmit.mqtt import MqttLink
from edge.transmit.mqtt_settings import MqttSettings
from edge.transmit.receipt import digest, read_receipt
from tests.broker import Broker, Subscriber, running_broker
from tests.cluster import running_cluster
from tests.receive.make import Archiver, archiving, publish, until
from tests.transmit.make import RECORDED_AT, make_alert, make_finding

TOPIC = "edge/v1/pier-7/north-airfield/alert"
ACK = "edge/v1/pier-7/ack"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running_broker(tmp_path) as broker:
        yield broker


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "archive.sqlite"


def numbered(n: int) -> bytes:
    return to_json(make_alert(make_finding(opened_by=f"tile-{n}"), sequence=n))


def publish_numbered(broker: Broker, first: int, last: int) -> None:
    # mosquitto_pub sends each line of its input as one message.
    lines = b"".join(numbered(n) + b"\n" for n in range(first, last))
    publish(broker, TOPIC, lines, "-l")


def sequences(database: Path) -> list[int]:
    """What is stored; read only, as `edge archive --list` in another process would."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return [row[0] for row in connection.execute("SELECT sequence FROM alerts ORDER BY sequence")]


@contextmanager
def archive_thread(
    broker: Broker, file: Path, *, keep_days: float | None = None, now: datetime = RECORDED_AT
) -> Iterator[threading.Event]:
    stop = threading.Event()
    settings = ArchiveSettings(
        mqtt=MqttSettings(url=broker.url), share="archive", client_id="edge-archive-t", keep_days=keep_days
    )

    def run() -> None:
        run_archive(
            settings, open_store=lambda: open_sqlite(file), stop=stop, now=lambda: now, draw=lambda: 0.1
        )

    thread = threading.Thread(target=run)
    thread.start()
    try:
        until(lambda: "Sending SUBACK to edge-archive-t" in broker.log_text())
        yield stop
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def test_an_alert_and_its_picture_are_stored(tmp_path: Path, broker: Broker, file: Path) -> None:
    with archiving(broker, file, tmp_path):
        publish(broker, TOPIC, numbered(1))
        publish(broker, "edge/v1/pier-7/north-airfield/evidence/7Q2M5K0C9T4E/0", b"jpeg")
        with closing(open_sqlite(file)) as store:
            until(lambda: store.counts() == {"alerts": 1, "evidence": 1, "unreadable": 0})


def test_the_device_is_told_what_is_stored_and_only_after_it_is(
    broker: Broker, file: Path, tmp_path: Path
) -> None:
    subscriber = Subscriber(broker, tmp_path, ACK)
    with archive_thread(broker, file):
        publish(broker, TOPIC, numbered(1))
        [(_, payload)] = subscriber.wait_for(1)
        assert sequences(file) == [1]
    subscriber.stop()
    assert read_receipt(payload).stored == [digest(TOPIC, numbered(1))]


def test_what_is_no_alert_is_kept_and_confirmed_too(
    broker: Broker, file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    subscriber = Subscriber(broker, tmp_path, ACK)
    with archive_thread(broker, file):
        publish(broker, TOPIC, b"\xff not json")
        [(_, payload)] = subscriber.wait_for(1)
    subscriber.stop()
    assert read_receipt(payload).stored == [digest(TOPIC, b"\xff not json")]
    assert f"message not understood: topic='{TOPIC}'" in caplog.text


def test_each_device_is_told_of_its_own(broker: Broker, file: Path, tmp_path: Path) -> None:
    subscriber = Subscriber(broker, tmp_path, "edge/v1/+/ack")
    other = "edge/v1/pier-8/harbour/alert"
    with archive_thread(broker, file):
        publish(broker, TOPIC, numbered(1))
        publish(broker, other, numbered(1))
        told = {topic: read_receipt(payload).stored for topic, payload in subscriber.wait_for(2)}
    subscriber.stop()
    assert told == {ACK: [digest(TOPIC, numbered(1))], "edge/v1/pier-8/ack": [digest(other, numbered(1))]}


def test_what_came_while_the_archiver_was_away_is_stored_when_it_is_back(
    broker: Broker, file: Path, tmp_path: Path
) -> None:
    with archiving(broker, file, tmp_path) as archiver:
        assert archiver.stop() == 0
        publish_numbered(broker, 1, 51)
    with archiving(broker, file, tmp_path):
        until(lambda: len(sequences(file)) == 50)


def test_an_archiver_killed_again_and_again_loses_nothing(broker: Broker, file: Path, tmp_path: Path) -> None:
    dice = random.Random(3)
    for turn in range(6):
        with archiving(broker, file, tmp_path) as archiver:
            publish_numbered(broker, 100 * turn + 1, 100 * turn + 101)
            until(lambda: len(sequences(file)) >= 100 * turn + dice.randrange(60))  # noqa: B023 - called at once
            archiver.kill()
    with archiving(broker, file, tmp_path):
        until(lambda: sequences(file) == list(range(1, 601)))


def test_two_archivers_side_by_side_share_the_load(broker: Broker, file: Path, tmp_path: Path) -> None:
    with archiving(broker, file, tmp_path) as one, archiving(broker, file, tmp_path, name="other") as other:
        publish_numbered(broker, 1, 101)
        # What is said comes behind what is written.
        until(lambda: stored_by(one) + stored_by(other) == 100)
        assert min(stored_by(one), stored_by(other)) > 20
    assert sequences(file) == list(range(1, 101))


def stored_by(archiver: Archiver) -> int:
    return sum(map(int, re.findall(r"stored: alerts=(\d+)", archiver.log_text())))


def test_two_archivers_have_two_names_and_a_new_one_takes_the_name_of_the_dead(
    broker: Broker, file: Path, tmp_path: Path
) -> None:
    with (
        archiving(broker, file, tmp_path, name="first") as first,
        archiving(broker, file, tmp_path, name="second") as second,
    ):
        first.kill()
        with archiving(broker, file, tmp_path, name="third") as third:
            names = [
                re.findall(r"archiving: .* id=(\S+)", one.log_text())[0] for one in (first, second, third)
            ]
    assert names[0] != names[1]
    assert names[0] == names[2]


def test_an_archiver_of_another_share_gets_everything_too(broker: Broker, file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    with archiving(broker, file, tmp_path), archiving(broker, copy, tmp_path, ("--share", "copy")):
        publish_numbered(broker, 1, 11)
        until(lambda: sequences(file) == sequences(copy) == list(range(1, 11)))


def test_a_broker_that_comes_back_is_archived_again(broker: Broker, file: Path) -> None:
    with archive_thread(broker, file):
        publish(broker, TOPIC, numbered(1))
        until(lambda: sequences(file) == [1])
        broker.restart()
        until(lambda: broker.log_text().count("Sending SUBACK to edge-archive-t") >= 2)
        publish(broker, TOPIC, numbered(2))
        until(lambda: sequences(file) == [1, 2])


class _Failing(ArchiveStore):
    """An archive on a disk that is full."""

    def put(self, *_: object) -> None:
        raise StoreBroken("archive.sqlite: database or disk is full")


def test_what_could_not_be_stored_is_neither_confirmed_nor_lost(
    broker: Broker, file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stop, faults = threading.Event(), iter(range(3))
    settings = ArchiveSettings(mqtt=MqttSettings(url=broker.url), share="a", client_id="edge-archive-t")
    subscriber = Subscriber(broker, tmp_path, ACK)

    def open_store() -> ArchiveStore:
        store = open_sqlite(file)
        return _Failing(store._backend) if next(faults, None) is not None else store

    def run() -> None:
        now = datetime.now(UTC)
        run_archive(settings, open_store=open_store, stop=stop, now=lambda: now, draw=lambda: 0.05)

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: "Sending SUBACK to edge-archive-t" in broker.log_text())
    publish(broker, TOPIC, numbered(1))
    [(_, payload)] = subscriber.wait_for(1)
    stop.set()
    thread.join(10)
    subscriber.stop()
    assert sequences(file) == [1]
    assert read_receipt(payload).stored == [digest(TOPIC, numbered(1))]
    assert caplog.text.count("archive waits: id=edge-archive-t reason=archive.sqlite: database") == 1


def test_receipts_that_no_broker_takes_do_not_fill_the_memory() -> None:
    settings = ArchiveSettings(mqtt=MqttSettings(url="mqtt://b"), share="a", client_id="c")
    deaf, none = cast("MqttLink", SimpleNamespace(window=0)), cast("ArchiveStore", None)
    intake = _Intake(deaf, none, lambda: RECORDED_AT, settings, lambda: None)
    for n in range(1500):
        intake._queue_receipts([Incoming(TOPIC, b"%d" % n, is_retained=False)])
        intake._answer()
    assert len(intake._receipts) == 1000


def test_what_is_too_old_is_deleted(broker: Broker, file: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with archive_thread(broker, file):
        publish(broker, TOPIC, numbered(1))
        until(lambda: sequences(file) == [1])
    with archive_thread(broker, file, keep_days=30, now=RECORDED_AT + timedelta(days=31)):
        until(lambda: sequences(file) == [])
    assert "old messages deleted: rows=1" in caplog.text


def test_alerts_are_stored_in_postgresql_through_its_restart(broker: Broker, tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra archive)")
    with running_cluster() as cluster, archiving(broker, cluster.url, tmp_path) as archiver:
        with closing(_postgres(cluster.url)) as store:
            publish_numbered(broker, 1, 21)
            until(lambda: store.counts()["alerts"] == 20)
        cluster.kill()
        publish_numbered(broker, 21, 41)
        until(lambda: "archive waits" in archiver.log_text())
        cluster.start()
        with closing(_postgres(cluster.url)) as store:
            until(lambda: store.counts()["alerts"] == 40)


def _postgres(url: str) -> ArchiveStore:
    from edge.receive.archive_postgres import open_postgres  # noqa: PLC0415 - needs an extra

    return open_postgres(url)


def test_a_share_is_a_name() -> None:
    with pytest.raises(ValueError, match="share: expected a printable name"):
        archived_topics("a/b")


def test_the_schema_of_the_receipt_is_what_is_sent(broker: Broker, file: Path, tmp_path: Path) -> None:
    subscriber = Subscriber(broker, tmp_path, ACK)
    with archive_thread(broker, file):
        publish(broker, TOPIC, numbered(1))
        [(_, payload)] = subscriber.wait_for(1)
    subscriber.stop()
    assert json.loads(payload)["archive"] == "archive"
    with closing(open_sqlite(file)) as store:
        assert len(store.alerts(Asked())) == 1
