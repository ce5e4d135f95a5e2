"""A disk that is full: what waits still goes, and new work waits until there is room."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from edge.ballast import Ballast
from edge.errors import DiskFull
from edge.monitor.finding import Severity
from edge.store import Commit, Store
from edge.transmit.alert import evidence_of
from edge.transmit.command import Refusal, Refused, Verb, to_json
from edge.transmit.compact import to_bytes
from edge.transmit.inbox import Received
from edge.transmit.link import Incoming
from edge.transmit.outbox import Lane
from edge.transmit.reception import CommandCounts, Reception
from tests.disk import Disk, mounted
from tests.transmit.commands import make_ping
from tests.transmit.make import RECORDED_AT, make_alert, make_finding, open_store
from tests.transmit.modem import KEY

REPLY = "edge/v1/pier-7/reply/desk-1"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with mounted(tmp_path / "disk") as disk:
        yield disk


def with_picture(n: int) -> Commit:
    finding = make_finding(opened_by=f"tile-{n}")
    return Commit(
        done_at=RECORDED_AT,
        alerts=[make_alert(finding, evidence=(evidence_of("before", os.urandom(20_000)),))],
    )


def fill(store: Store, disk: Disk) -> int:
    """Alerts until no more go in, then every byte that is left; how many alerts."""
    n = commit_until_full(store, 0)
    disk.fill()
    return n


def commit_until_full(store: Store, n: int, after_each: Callable[[Store], object] = bool) -> int:
    """From the n-th alert on, until no more go in; the number of the next."""
    try:
        while True:
            store.commit(with_picture(n))
            n += 1
            after_each(store)
    except DiskFull:
        return n


def drain(store: Store) -> int:
    """Everything is sent; how many messages."""
    n = 0
    while rows := [row for lane in Lane for row in store.outbox.waiting(0, 20, lane)]:
        store.outbox.settle(rows)
        n += len(rows)
    return n


def test_what_waits_on_a_full_disk_can_all_be_sent(disk: Disk) -> None:
    store = open_store(disk.folder)
    n_alerts = fill(store, disk)
    assert drain(store) == 2 * n_alerts


def test_a_full_disk_can_be_opened_and_drained_after_a_restart(disk: Disk) -> None:
    store = open_store(disk.folder)
    n_alerts = fill(store, disk)
    store.close()
    disk.fill()
    assert drain(open_store(disk.folder)) == 2 * n_alerts


def test_a_message_that_can_never_go_is_put_aside_on_a_full_disk(disk: Disk) -> None:
    store = open_store(disk.folder)
    n_alerts = fill(store, disk)
    for row in store.outbox.waiting(0, 20):
        store.outbox.refuse(row.seq or 0, "denied")
    assert store.outbox.statistics().n_dead == 20
    assert drain(store) == 2 * n_alerts - 20


def test_a_message_that_breaks_the_link_is_counted_on_a_full_disk(disk: Disk) -> None:
    store = open_store(disk.folder)
    fill(store, disk)
    [first, *_] = store.outbox.waiting(0, 20)
    assert store.outbox.failed([first.seq or 0], max_attempts=1) == 1


def test_a_severe_alert_goes_over_the_satellite_on_a_full_disk(disk: Disk) -> None:
    store = open_store(disk.folder)
    ledger, day = store.modem_ledger, RECORDED_AT.date()
    fill(store, disk)
    waiting = ledger.waiting(Severity.MODERATE, 7)
    ledger.spend(day, 350)
    ledger.carry(row.seq or 0 for row in waiting)
    assert ledger.spent_bytes(day) == 350
    assert ledger.waiting(Severity.MODERATE, 7)[0].seq == 15


def test_a_command_on_a_full_disk_is_refused_and_the_link_goes_on(disk: Disk) -> None:
    store = open_store(disk.folder)
    fill(store, disk)
    door = Reception("pier-7", tuple(Verb), store.inbox, CommandCounts())
    assert door.take(Incoming("edge/v1/pier-7/cmd/ping", to_json(make_ping()), False, reply_topic=REPLY))
    [refused] = [msgspec.json.decode(answer.payload) for answer in door.answers()]
    assert (refused["reason"], refused["detail"]) == ("busy", "the disk is full")
    command = to_bytes(make_ping("c-0123456789ab"), KEY, "pier-7")
    assert door.take_compact(command, KEY, "sbd") == Refusal(Refused.BUSY, "the disk is full")


def test_an_answer_that_was_taken_is_forgotten_on_a_full_disk(disk: Disk) -> None:
    store = open_store(disk.folder)
    store.inbox.put(Received("mqtt", "ping", b"{}", reply_topic=REPLY))
    store.inbox.end(1, b"{}")
    fill(store, disk)
    store.inbox.forget(1)
    assert store.inbox.replies(0) == []


def test_new_alerts_go_in_again_once_there_is_room(disk: Disk) -> None:
    store = open_store(disk.folder)
    n_alerts = fill(store, disk)
    drain(store)
    disk.folder.joinpath("filler").unlink()
    assert store.commit(with_picture(n_alerts))


def test_new_work_never_takes_the_room_that_sending_needs(disk: Disk) -> None:
    store = open_store(disk.folder)
    fill(store, disk)
    disk.folder.joinpath("edge.ballast").unlink()
    disk.fill()
    with pytest.raises(DiskFull, match="expected room on the disk, got none"):
        store.commit(with_picture(10**6))


def test_pictures_of_past_alerts_give_way_to_new_ones(disk: Disk) -> None:
    store = open_store(disk.folder)
    n_alerts = fill(store, disk)
    disk.folder.joinpath("filler").unlink()
    drain(store)
    n_alerts = commit_until_full(store, n_alerts, drain)
    assert store.make_room(1_000_000) > 0
    assert store.commit(with_picture(n_alerts))


def test_the_health_of_a_device_can_be_told_on_a_full_disk(disk: Disk) -> None:
    store = open_store(disk.folder)
    store.outbox.set_retained("edge/v1/pier-7/health", bytes(1000))
    fill(store, disk)
    store.outbox.set_retained("edge/v1/pier-7/health", bytes(1001))
    assert len(store.outbox.retained(only_dirty=True)[-1].payload) == 1001


def test_a_ballast_is_made_where_there_is_room_and_not_where_there_is_none(disk: Disk) -> None:
    ballast = Ballast(disk.folder / "ballast")
    assert ballast.hold()
    ballast.release()
    disk.fill()
    assert not ballast.hold()
    assert [path.name for path in disk.folder.iterdir()] == ["filler"]


def test_a_ballast_that_was_cut_short_by_a_power_cut_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "ballast").write_bytes(b"short")
    assert Ballast(tmp_path / "ballast", 1000).hold()
    assert (tmp_path / "ballast").stat().st_size == 1000
