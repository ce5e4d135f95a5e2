"""The whole daemon on a disk that is full, or takes no changes: it runs on, and says so."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.shelter import MEMORY, MEMORY_OUTBOX_BYTES, MEMORY_STATE_BYTES, open_state
from edge.store import Commit
from edge.transmit.alert import evidence_of
from tests.broker import Broker, Subscriber
from tests.disk import Disk, mounted
from tests.e2e.archive import drop, write_archive, write_config
from tests.e2e.desk import desk_at
from tests.e2e.program import Daemon, alerts_heard, replayed, running, until
from tests.figures import Tell, memory_bytes
from tests.settings import make_settings
from tests.transmit.make import RECORDED_AT, make_alert, make_finding

# A name of its own: the folder in memory bears it.
DEVICE = f"test-{os.getpid()}"
SESSION = ("-i", "desk", "-c", "-x", "3600")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """8 MB, where the state of the device lies."""
    (tmp_path / "device").mkdir()
    with mounted(tmp_path / "device" / "state", 8) as disk:
        yield disk
    shutil.rmtree(MEMORY / f"edge-{DEVICE}", ignore_errors=True)


@pytest.fixture
def lasting(tmp_path: Path) -> Iterator[Broker]:
    """A broker that keeps what comes for a desk that it knows and that is away; it is away itself."""
    lines = ("persistence true", f"persistence_location {tmp_path}/", "allow_anonymous true")
    broker = Broker(tmp_path, (*lines, "max_queued_messages 0"))
    broker.start()
    Subscriber(broker, tmp_path, "#", *SESSION).stop()
    broker.stop()
    yield broker
    broker.kill()


@contextmanager
def frozen(daemon: Daemon) -> Iterator[None]:
    """For the length of the block it does nothing."""
    os.kill(daemon.pid, signal.SIGSTOP)
    yield
    os.kill(daemon.pid, signal.SIGCONT)


def number(daemon: Daemon, sql: str) -> int:
    return int(daemon.rows(sql)[0][0])


def n_waiting(daemon: Daemon) -> int:
    return number(daemon, "SELECT count(*) FROM outbox WHERE state = 'waiting'")


@pytest.mark.long
def test_on_a_full_disk_everything_that_waits_is_sent_by_the_same_process(
    tmp_path: Path, disk: Disk, lasting: Broker, tell: Tell
) -> None:
    images = write_archive(tmp_path / "tiles")
    with running(write_config(tmp_path / "device", lasting.url)) as daemon:
        for image in images[:6]:
            drop(daemon.spool, image)
        daemon.wait_until_done(6)
        with frozen(daemon):
            disk.fill()
            n_messages, n_free = n_waiting(daemon), disk.n_free()
            for image in images[6:]:
                drop(daemon.spool, image)
        daemon.wait_for("state cannot be written, trying again")
        lasting.start()
        started_at = time.monotonic()
        until(lambda: n_waiting(daemon) == 0, daemon.log_text)
        took_s = time.monotonic() - started_at
        with desk_at(lasting) as desk:
            answer = desk.ask("ping")
        disk.folder.joinpath("filler").unlink()
        daemon.wait_until_done(len(images))
        until(lambda: n_waiting(daemon) == 0, daemon.log_text)
        n_alerts = number(daemon, "SELECT max(sequence) FROM alerts")
        assert daemon.log_text().count("daemon is ready") == 1
        assert daemon.stop() == 0
    reader = Subscriber(lasting, tmp_path, "#", *SESSION)
    heard = alerts_heard(reader, n_alerts)
    reader.stop()
    tell(
        f"8 MB tmpfs with {n_free} bytes free: {n_messages} messages waited, all gone {took_s:.1f} s after "
        f"the broker came, a ping was answered ({answer.get('reason', 'done')}); with room again all "
        f"{len(heard)} alerts were heard, by one process"
    )
    assert sorted(alert["sequence"] for alert in heard) == list(range(1, n_alerts + 1))


def stories(alerts: list[dict[str, Any]]) -> list[tuple[str, str]]:
    in_order = sorted(alerts, key=lambda alert: int(alert["sequence"]))
    return [(alert["id"], alert["data"]["properties"]["phase"]) for alert in in_order]


def newest_health(listener: Subscriber) -> dict[str, Any]:
    heard = listener.heard("/health")
    found: dict[str, Any] = json.loads(heard[-1][1]) if heard else {"state": {"in_memory": None}}
    return found


@pytest.mark.long
def test_on_a_read_only_disk_one_process_goes_on_in_memory_and_says_so(
    tmp_path: Path, disk: Disk, broker: Broker, tell: Tell
) -> None:
    images = write_archive(tmp_path / "tiles")
    listener = Subscriber(broker, tmp_path)
    config = write_config(tmp_path / "device", broker.url, device={"id": DEVICE})
    expected = replayed(config, tmp_path / "tiles")
    disk.make_read_only()
    with running(config) as daemon:
        before = memory_bytes(daemon.pid)
        for image in images:
            drop(daemon.spool, image)
        until(lambda: not daemon.waiting(), daemon.log_text)
        until(lambda: newest_health(listener)["state"]["in_memory"] is True, daemon.log_text)
        trouble = newest_health(listener)["state"]["trouble"]
        heard, grown = alerts_heard(listener, len(expected)), memory_bytes(daemon.pid) - before
        assert daemon.is_running
        assert daemon.log_text().count("daemon is ready") == 1
        assert "Traceback" not in daemon.log_text()
        assert daemon.stop() == 0
    listener.stop()
    tell(
        f"read-only state folder: {len(images)} tiles done and {len(heard)} alerts heard, those of a replay; "
        f"one process, which grew by {grown / 1e6:.1f} MB; health says: {trouble.rpartition(': ')[2]}"
    )
    # Severe ones go first; before-pictures are of tiles that are not kept in memory.
    assert stories(heard) == stories(expected)
    assert "Read-only file system" in trouble


def folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.long
def test_what_goes_on_in_memory_is_bounded(tmp_path: Path, disk: Disk, tell: Tell) -> None:
    settings, memory = make_settings(tmp_path), tmp_path / "memory"
    memory.mkdir()
    folder = msgspec.structs.replace(settings.state, folder=disk.folder)
    disk.make_read_only()
    state = open_state(msgspec.structs.replace(settings, state=folder), memory=memory)
    sizes = []
    with closing(state.store) as store:
        for n in range(3_000):
            alert = make_alert(
                make_finding(opened_by=f"tile-{n}"), evidence=(evidence_of("after", os.urandom(40_000)),)
            )
            store.commit(Commit(done_at=RECORDED_AT, alerts=[alert]))
            if n % 100 == 99:
                store.sweep(RECORDED_AT, state.settings.state.max_bytes)
                sizes.append(folder_bytes(memory))
        waiting = store.outbox.statistics()
    tell(
        "memory mode, 3,000 alerts with a picture of 40 kB and nobody who takes them: "
        f"{waiting.size_bytes / 1e6:.1f} MB wait, {sum(waiting.n_dropped.values())} messages given up and "
        f"counted, {max(sizes) / 1e6:.1f} MB in all"
    )
    assert waiting.size_bytes <= MEMORY_OUTBOX_BYTES
    assert max(sizes) <= 1.3 * MEMORY_STATE_BYTES
