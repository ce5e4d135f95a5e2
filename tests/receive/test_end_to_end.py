"""Device, broker and archive with `ack: e2e`: a row leaves the outbox when it is in the archive."""

from __future__ import annotations

import json
import random
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from edge.receive.archive_store import open_sqlite
from edge.store import Store
from edge.transmit.receipt import digest, receipts
from tests.broker import Broker, Subscriber, running_broker
from tests.cluster import running_cluster
from tests.figures import Tell
from tests.receive import device
from tests.receive.make import archiving, publish, until
from tests.transmit.make import open_store

ACK = "edge/v1/pier-7/ack"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running_broker(tmp_path) as broker:
        yield broker


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "archive.sqlite"


@contextmanager
def sending(folder: Path, broker: Broker, archives: tuple[str, ...] = ()) -> Iterator[None]:
    sender = device.sender(folder, broker.url, archives)
    sender.start()
    try:
        yield
    finally:
        assert sender.stop(10)


def sequences(subscriber: Subscriber) -> list[int]:
    return [json.loads(payload)["sequence"] for _, payload in subscriber.heard()]


class Device:
    """The device in a process of its own, to be killed."""

    def __init__(self, folder: Path, broker: Broker, first: int, last: int) -> None:
        arguments = [str(folder), broker.url, str(first), str(last)]
        self._process = subprocess.Popen([sys.executable, "-m", "tests.receive.device", *arguments])

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)


def n_waiting(store: Store) -> int:
    return store.outbox.statistics().n_waiting


def counts(file: Path) -> tuple[int, int]:
    """How many alerts and pictures are stored."""
    with closing(open_sqlite(file)) as archive:
        found = archive.counts()
    return found["alerts"], found["evidence"]


def n_committed(folder: Path) -> int:
    with closing(sqlite3.connect(f"file:{folder / 'edge.sqlite'}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM alerts").fetchone()[0])


def n_stored(folder: Path) -> int:
    return counts(folder / "archive.sqlite")[0]


def test_what_is_stored_leaves_the_outbox(tmp_path: Path, store: Store, broker: Broker, file: Path) -> None:
    store.commit(device.numbered(1))
    with archiving(broker, file, tmp_path), sending(tmp_path, broker):
        until(lambda: n_waiting(store) == 0)
    assert counts(file) == (1, 1)


def test_what_only_the_broker_took_stays_and_goes_again(tmp_path: Path, store: Store, broker: Broker) -> None:
    store.commit(device.numbered(1))
    subscriber = Subscriber(broker, tmp_path, "edge/v1/+/+/alert")
    with sending(tmp_path, broker):
        heard = subscriber.wait_for(2)
        assert n_waiting(store) == 2
        publish(broker, ACK, b"".join(receipts([digest(*heard[0])])))
        until(lambda: n_waiting(store) == 1)
    subscriber.stop()


def test_an_archive_that_is_away_does_not_keep_the_news_from_others(
    tmp_path: Path, store: Store, broker: Broker
) -> None:
    for n in range(120):
        store.commit(device.numbered(n))
    subscriber = Subscriber(broker, tmp_path, "edge/v1/+/+/alert")
    with sending(tmp_path, broker):
        until(lambda: len({payload for _, payload in subscriber.heard()}) == 120)
    subscriber.stop()
    assert n_waiting(store) == 240


def test_an_archive_that_comes_later_gets_everything(
    tmp_path: Path, store: Store, broker: Broker, file: Path
) -> None:
    for n in range(30):
        store.commit(device.numbered(n))
    subscriber = Subscriber(broker, tmp_path, "edge/v1/+/+/alert")
    with sending(tmp_path, broker):
        subscriber.wait_for(30)
        with archiving(broker, file, tmp_path):
            until(lambda: n_waiting(store) == 0)
    subscriber.stop()
    assert counts(file) == (30, 30)


@pytest.mark.parametrize("options", [("-r",), ()])
def test_a_receipt_that_is_none_lets_nothing_go(
    tmp_path: Path, store: Store, broker: Broker, options: tuple[str, ...]
) -> None:
    store.commit(device.numbered(1))
    subscriber = Subscriber(broker, tmp_path, "edge/v1/+/+/alert")
    [first, *_] = store.outbox.waiting(0, 10)
    # One that the broker kept is not for now; one of another form is none.
    kept = b"".join(receipts([digest(first.topic, first.payload)]))
    publish(broker, ACK, kept if options else b'{"stored": ["x"]}', "-s", *options)
    with sending(tmp_path, broker):
        subscriber.wait_for(1)
        publish(broker, ACK, b'{"stored": ["x"]}', "-s")
        subscriber.wait_for(2)
    subscriber.stop()
    assert n_waiting(store) == 2


def test_a_dropped_row_is_not_sent_again(tmp_path: Path, store: Store, broker: Broker) -> None:
    store.commit(device.numbered(1))
    store.commit(device.numbered(2))
    subscriber = Subscriber(broker, tmp_path, "edge/v1/+/+/alert")
    with sending(tmp_path, broker):
        subscriber.wait_for(3)
        store.outbox.drop([entry.seq for entry in store.outbox.entries()])
        store.commit(device.numbered(3))
        # What was sent longest ago goes again first: a dropped row would come before the third one does.
        until(lambda: sequences(subscriber).count(3) >= 2)
        heard = sequences(subscriber)
    subscriber.stop()
    assert set(heard[heard.index(3) :]) == {3}


def test_the_share_of_a_dead_archiver_goes_to_the_other(
    tmp_path: Path, store: Store, broker: Broker, file: Path
) -> None:
    with (
        archiving(broker, file, tmp_path, name="one") as one,
        archiving(broker, file, tmp_path, name="other"),
        sending(tmp_path, broker),
    ):
        for n in range(40):
            store.commit(device.numbered(n))
            if n == 20:
                one.kill()
        until(lambda: n_waiting(store) == 0)
    assert counts(file) == (40, 40)


def test_two_archivers_over_one_postgresql_lose_nothing_when_one_is_killed_again_and_again(
    tmp_path: Path, store: Store, broker: Broker, tell: Tell
) -> None:
    postgres = pytest.importorskip("edge.receive.archive_postgres", reason="psycopg is not installed")
    with running_cluster() as cluster, archiving(broker, cluster.url, tmp_path, name="one"):
        with sending(tmp_path, broker):
            for n in range(0, 100, 20):
                with archiving(broker, cluster.url, tmp_path, name=f"other-{n}"):
                    for number in range(n, n + 20):
                        store.commit(device.numbered(number))
            until(lambda: n_waiting(store) == 0)
        with closing(postgres.open_postgres(cluster.url)) as archive:
            found = archive.counts()
    tell(f"two archivers over one PostgreSQL, one killed 5 times: 100 alerts with a picture each, {found}")
    assert (found["alerts"], found["evidence"]) == (100, 100)


def test_a_row_leaves_when_every_archive_that_is_named_has_it(
    tmp_path: Path, store: Store, broker: Broker
) -> None:
    files = [tmp_path / f"{share}.sqlite" for share in ("archive", "copy")]
    for n in range(20):
        store.commit(device.numbered(n))
    with sending(tmp_path, broker, ("archive", "copy")), archiving(broker, files[0], tmp_path):
        until(lambda: counts(files[0]) == (20, 20))
        assert n_waiting(store) == 40
        with archiving(broker, files[1], tmp_path, ("--share", "copy")):
            until(lambda: n_waiting(store) == 0)
    assert [counts(file) for file in files] == [(20, 20), (20, 20)]


def kill_and_restart(folder: Path, broker: Broker, n_kills: tuple[int, int]) -> None:
    """Kill the device, and the broker, which forgets everything, in a random order under load."""
    dice, first = random.Random(5), 0
    victims = ["device"] * n_kills[0] + ["broker"] * n_kills[1]
    dice.shuffle(victims)
    running = Device(folder, broker, first, first := first + 10_000)
    for n, victim in enumerate(victims):
        # Every second kill comes when something was committed, the others when something was stored as well.
        n_of = n_committed if n % 2 else n_stored
        n_before, n_more = n_of(folder), dice.randint(1, 40)
        until(lambda: n_of(folder) >= n_before + n_more)  # noqa: B023 - called at once
        if victim == "device":
            running.kill()
            running = Device(folder, broker, first, first := first + 10_000)
        else:
            broker.kill()
            broker.start()
    running.kill()


def check_nothing_is_lost(folder: Path, n_kills: tuple[int, int], tell: Tell) -> None:
    """Kill, then let the rest through: every committed alert and picture is in the archive."""
    file, store = folder / "archive.sqlite", open_store(folder)
    with running_broker(folder) as broker, archiving(broker, file, folder) as archiver:
        kill_and_restart(folder, broker, n_kills)
        n_alerts, n_left = n_committed(folder), n_waiting(store)
        with sending(folder, broker):
            until(lambda: n_waiting(store) == 0, within_s=300)
        n_came = sum(map(int, re.findall(r"stored: alerts=(\d+)", archiver.log_text())))
    n_stored, n_pictures = counts(file)
    tell(
        f"{n_kills[0]} kills of the device and {n_kills[1]} of a broker without persistence, e2e: {n_alerts} "
        f"alerts with a picture each, {n_alerts - n_stored} and {n_alerts - n_pictures} lost; "
        f"{n_left} messages waited at the last kill; {n_came - n_stored} alerts reached the archive again"
    )
    assert (n_stored, n_pictures) == (n_alerts, n_alerts)


def test_kills_of_device_and_broker_lose_nothing(tmp_path: Path, tell: Tell) -> None:
    check_nothing_is_lost(tmp_path, (3, 3), tell)


@pytest.mark.long
def test_80_kills_of_device_and_broker_lose_nothing(tmp_path: Path, tell: Tell) -> None:
    check_nothing_is_lost(tmp_path, (50, 30), tell)
