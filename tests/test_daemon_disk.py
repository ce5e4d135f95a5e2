"""The whole daemon on a disk that is damaged, read-only or full: it runs, says so, and loses nothing."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edge.config import load
from edge.daemon import HEALTH_EVERY_S, Asked, Daemon
from edge.shelter import MEMORY, open_state
from tests.broker import Broker, Subscriber, running_broker
from tests.disk import Disk, mounted
from tests.e2e.archive import STORY, drop, write_archive, write_config
from tests.e2e.program import alerts_heard, running, until

# A name of its own: the folder in memory bears it.
DEVICE = f"test-{os.getpid()}"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running_broker(tmp_path) as started:
        yield started


@pytest.fixture
def listener(tmp_path: Path, broker: Broker) -> Iterator[Subscriber]:
    listener = Subscriber(broker, tmp_path)
    yield listener
    listener.stop()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with mounted(tmp_path / "disk", 24) as disk:
        yield disk
    shutil.rmtree(MEMORY / f"edge-{DEVICE}", ignore_errors=True)


def configured(tmp_path: Path, state: Path, url: str | None) -> Path:
    changed = {"device": {"id": DEVICE}, "state": {"folder": str(state)}}
    return write_config(tmp_path / "device", url, **changed)


def health(listener: Subscriber) -> dict[str, Any]:
    """What the device last said of itself."""
    listener.wait_for(1, "/health")
    said: dict[str, Any] = json.loads(listener.heard("/health")[-1][1])
    return said


def test_a_damaged_state_is_replaced_and_the_daemon_says_so(
    tmp_path: Path, broker: Broker, listener: Subscriber
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "edge.sqlite").write_bytes(b"no database" * 1000)
    with running(configured(tmp_path, state, broker.url)) as daemon:
        said = health(listener)["state"]
        assert daemon.stop() == 0
    assert (said["in_memory"], said["epoch"]) == (False, 1)
    assert "set aside in" in said["trouble"]


def test_a_flipped_bit_in_the_state_of_a_site_is_set_aside_and_said(
    tmp_path: Path, broker: Broker, listener: Subscriber
) -> None:
    first, second = write_archive(tmp_path / "tiles", STORY[:2])
    config = configured(tmp_path, tmp_path / "state", broker.url)
    with running(config) as daemon:
        drop(daemon.spool, first)
        daemon.wait_for("outcome=looked")
        assert daemon.stop() == 0
        with closing(sqlite3.connect(tmp_path / "state" / "edge.sqlite")) as connection, connection:
            connection.execute("UPDATE site_state SET crc32 = crc32 + 1")
        daemon.start()
        daemon.wait_for("state was damaged: rows damaged on the disk: site_state 1")
        until(lambda: health(listener)["state"]["damaged"] == 1, daemon.log_text)
        drop(daemon.spool, second)
        until(lambda: daemon.log_text().count("outcome=looked") == 2, daemon.log_text)
        assert daemon.stop() == 0


def test_on_a_read_only_disk_the_daemon_watches_and_alerts_and_comes_home_later(
    tmp_path: Path, disk: Disk, broker: Broker, listener: Subscriber
) -> None:
    first, second, third = write_archive(tmp_path / "tiles", STORY[:3])
    config = configured(tmp_path, disk.folder / "state", broker.url)
    with running(config) as daemon:
        drop(daemon.spool, first)
        daemon.wait_for("outcome=looked")
        assert daemon.stop() == 0
        disk.make_read_only()
        daemon.start()
        drop(daemon.spool, second)
        [alert] = alerts_heard(listener, 1)
        assert alert["sequence"] == 1
        until(lambda: health(listener)["state"]["in_memory"], daemon.log_text)
        disk.make_writable()
        daemon.ask_to_reload()
        daemon.wait_for("state is on the disk again")
        drop(daemon.spool, third)
        assert [one["sequence"] for one in alerts_heard(listener, 2)][:2] == [1, 2]
        assert daemon.stop() == 0
    assert not (MEMORY / f"edge-{DEVICE}").exists()


def test_what_is_held_in_memory_is_swept_every_minute(tmp_path: Path, disk: Disk) -> None:
    config = configured(tmp_path, disk.folder / "state", None)
    disk.make_read_only()
    state = open_state(load(config))
    assert state.in_memory
    with closing(state.store):
        daemon = Daemon(config, load(config), state, Asked(threading.Event(), threading.Event()))
        daemon._step()
        assert daemon._next_sweep_s - time.monotonic() <= HEALTH_EVERY_S


def test_on_a_full_disk_a_tile_waits_and_the_daemon_goes_on_when_there_is_room(
    tmp_path: Path, disk: Disk, broker: Broker, listener: Subscriber
) -> None:
    first, second = write_archive(tmp_path / "tiles", STORY[:2])
    with running(configured(tmp_path, disk.folder / "state", broker.url)) as daemon:
        drop(daemon.spool, first)
        daemon.wait_for("outcome=looked")
        (disk.folder / "state" / "edge.ballast").unlink()
        disk.fill()
        drop(daemon.spool, second)
        daemon.wait_for("state cannot be written, trying again")
        (disk.folder / "filler").unlink()
        alerts_heard(listener, 1)
        assert daemon.stop() == 0
