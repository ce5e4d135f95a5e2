"""The satellite modem's thread against a modem on a real pseudo-terminal and a real outbox."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.drill.modem import Fault, SimulatedModem
from edge.errors import StoreBroken
from edge.monitor.finding import Severity
from edge.store import Commit, Store
from edge.transmit.alert import evidence_of
from edge.transmit.brief import Brief
from edge.transmit.packed import unpack
from edge.transmit.satmodem_sender import ModemSender
from edge.transmit.satmodem_settings import SatmodemSettings
from edge.transmit.sbd import ModemState
from tests.transmit.make import RECORDED_AT, make_alert, make_finding, open_store
from tests.transmit.modem import KEY, messages, plugged_in, settings_for

Broker = tuple[bool, float | None] | None

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@contextmanager
def sending(
    folder: Path,
    settings: SatmodemSettings | None = None,
    *,
    broker: Callable[[], Broker] = lambda: None,
    received: Callable[[bytes], None] = lambda _payload: None,
    now: Callable[[], datetime] = lambda: NOON,
) -> Iterator[ModemSender]:
    sender = ModemSender(
        settings or settings_for(folder),
        lambda: open_store(folder).modem_ledger,
        broker=broker,
        received=received,
        now=now,
        draw=lambda: 0.02,
    )
    sender.start()
    try:
        yield sender
    finally:
        assert sender.stop(10)


def until(claim: Callable[[], bool], within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not claim():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


def commit(store: Store, n: int, severity: Severity = Severity.SEVERE) -> None:
    alert = make_alert(make_finding(opened_by=f"tile-{n}", severity=severity))
    store.commit(Commit(done_at=RECORDED_AT, alerts=[alert]))


def sequences(folder: Path) -> list[int]:
    briefs = [brief for message in messages(folder) for brief in unpack(message, {"pier-7": KEY})]
    assert all(isinstance(brief, Brief) for brief in briefs), briefs
    return [brief.sequence for brief in briefs if isinstance(brief, Brief)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path)


def test_a_severe_alert_goes_over_the_modem_and_stays_for_the_broker(tmp_path: Path, store: Store) -> None:
    commit(store, 1)
    with plugged_in(tmp_path), sending(tmp_path) as sender:
        until(lambda: sender.statistics().n_sent == 1)
    assert sequences(tmp_path) == [1]
    assert store.outbox.statistics().n_waiting == 1


def test_an_alert_goes_once_over_restarts(tmp_path: Path, store: Store) -> None:
    commit(store, 1)
    with plugged_in(tmp_path):
        with sending(tmp_path) as first:
            until(lambda: first.statistics().n_sent == 1)
        commit(store, 2)
        with sending(tmp_path) as second:
            until(lambda: second.statistics().n_sent == 1)
    assert sequences(tmp_path) == [1, 2]


def test_ten_alerts_take_two_sessions_the_most_severe_first(tmp_path: Path, store: Store) -> None:
    for n in range(9):
        commit(store, n)
    commit(store, 9, Severity.EXTREME)
    with plugged_in(tmp_path), sending(tmp_path) as sender:
        until(lambda: sender.statistics().n_sent == 10)
    assert [len(message) for message in messages(tmp_path)] == [7 * 48, 3 * 48]
    assert sequences(tmp_path) == [10, *range(1, 10)]


def test_less_severe_alerts_pictures_and_observations_wait_for_the_broker(
    tmp_path: Path, store: Store
) -> None:
    commit(store, 1, Severity.MODERATE)
    finding = make_finding(opened_by="tile-2", severity=Severity.SEVERE)
    pictured = make_alert(finding, evidence=(evidence_of("after", b"jpeg"),))
    store.commit(Commit(done_at=RECORDED_AT, alerts=[pictured]))
    with plugged_in(tmp_path), sending(tmp_path) as sender:
        until(lambda: sender.statistics().n_sent == 1 and sender.statistics().state is ModemState.IDLE)
    assert sequences(tmp_path) == [2]


def after_one_turn(folder: Path, store: Store, broker: Broker, after_minutes: float = 30.0) -> ModemSender:
    settings = settings_for(folder, after_minutes=after_minutes)
    ledger = store.modem_ledger
    sender = ModemSender(
        settings, lambda: ledger, broker=lambda: broker, received=lambda _payload: None, now=lambda: NOON
    )
    sender._turn(ledger)
    return sender


@pytest.mark.parametrize(
    ("broker", "is_used"),
    [
        ((False, 1799.0), False),
        ((False, 1800.0), True),
        ((True, 100.0), False),
        ((True, 1801.0), True),
        ((False, None), False),
        (None, True),
    ],
    ids=["29 minutes", "30 minutes", "connected", "connected and deaf", "just started", "no broker"],
)
def test_the_modem_is_used_after_half_an_hour_without_an_answer(
    tmp_path: Path, store: Store, broker: Broker, is_used: bool
) -> None:
    commit(store, 1)
    with plugged_in(tmp_path) as modem:
        sender = after_one_turn(tmp_path, store, broker)
    assert len(modem.sessions) == sender.statistics().n_sent == int(is_used)


def test_even_a_modem_that_is_used_at_once_stands_by_while_the_broker_answers(
    tmp_path: Path, store: Store
) -> None:
    commit(store, 1)
    with plugged_in(tmp_path) as modem:
        sender = after_one_turn(tmp_path, store, (True, 5.0), after_minutes=0.0)
    assert sender.statistics().state is ModemState.STANDBY
    assert not modem.sessions


def test_a_modem_that_was_used_stands_by_when_the_broker_is_back(tmp_path: Path, store: Store) -> None:
    how: list[Broker] = [None]
    with plugged_in(tmp_path), sending(tmp_path, broker=lambda: how[0]) as sender:
        until(lambda: sender.statistics().state is ModemState.IDLE)
        how[0] = (True, 1.0)
        until(lambda: sender.statistics().state is ModemState.STANDBY)


@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_is_lived_through(tmp_path: Path, store: Store, fault: Fault) -> None:
    commit(store, 1)
    with plugged_in(tmp_path, fault) as modem, sending(tmp_path) as sender:
        until(lambda: sender.statistics().n_sent == 1)
    assert sequences(tmp_path) == [1]
    assert modem.sessions[-1] == 0


def test_a_session_that_failed_is_not_paid_for(tmp_path: Path, store: Store) -> None:
    commit(store, 1)
    faults = [Fault.STATUS_18, Fault.STATUS_32, Fault.NO_SIGNAL]
    with plugged_in(tmp_path, *faults) as modem, sending(tmp_path) as sender:
        until(lambda: sender.statistics().n_sent == 1)
    assert modem.sessions == [18, 32, 0]
    assert store.modem_ledger.spent_bytes(NOON.date()) == 50


def test_what_is_wrong_is_said_in_the_log_once(
    tmp_path: Path, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    commit(store, 1)
    with plugged_in(tmp_path, Fault.STATUS_32, Fault.STATUS_32, Fault.STATUS_32), sending(tmp_path) as sender:
        until(lambda: sender.statistics().n_sent == 1)
    assert caplog.text.count("no_session: status 32: no network service") == 1


def test_the_day_s_bytes_survive_a_restart_and_come_anew_with_the_next_day(
    tmp_path: Path, store: Store
) -> None:
    for n in range(3):
        commit(store, n)
    settings = settings_for(tmp_path, max_bytes_per_day=100)
    with plugged_in(tmp_path):
        with sending(tmp_path, settings) as sender:
            until(lambda: sender.statistics().state is ModemState.NO_BUDGET)
        assert sequences(tmp_path) == [1, 2]
        with sending(tmp_path, settings) as sender:
            until(lambda: sender.statistics().state is ModemState.NO_BUDGET)
            assert sender.statistics().spent_bytes == 100
        with sending(tmp_path, settings, now=lambda: NOON + timedelta(days=1)) as sender:
            until(lambda: sender.statistics().n_sent == 1)
    assert sequences(tmp_path) == [1, 2, 3]


def test_messages_to_the_device_are_handed_on_as_they_came(tmp_path: Path, store: Store) -> None:
    came: list[bytes] = []
    commit(store, 1)
    with plugged_in(tmp_path):
        for n in range(3):
            (tmp_path / "mt" / f"{n}.sbd").write_bytes(b"command %d" % n)
        with sending(tmp_path, received=came.append) as sender:
            until(lambda: sender.statistics().n_received == 3)
    assert came == [b"command 0", b"command 1", b"command 2"]
    # One alert, two more sessions for what waited, and three messages.
    assert store.modem_ledger.spent_bytes(NOON.date()) == 6 * 50


def test_a_message_that_could_not_be_written_down_is_read_again(tmp_path: Path, store: Store) -> None:
    came: list[bytes] = []

    def forgetful(payload: bytes) -> None:
        came.append(payload)
        if len(came) == 1:
            raise StoreBroken("the disk is full")

    commit(store, 1)
    with plugged_in(tmp_path):
        (tmp_path / "mt" / "1.sbd").write_bytes(b"command")
        with sending(tmp_path, received=forgetful) as first:
            until(lambda: came == [b"command"])
            assert first.is_alive
        commit(store, 2)
        with sending(tmp_path, received=forgetful) as second:
            until(lambda: second.statistics().n_sent == 1)
    assert came == [b"command", b"command"]


class Spoiling(SimulatedModem):
    """Its messages to the device never come with the right checksum."""

    def _obey(self, line: bytes) -> None:
        if line.startswith(b"AT+SBDRB"):
            self._write(b"\x00\x01x\x00\x00")
        else:
            super()._obey(line)


def test_a_message_that_can_never_be_read_does_not_hold_up_the_alerts(
    tmp_path: Path, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    came: list[bytes] = []
    with plugged_in(tmp_path, kind=Spoiling):
        (tmp_path / "mt" / "1.sbd").write_bytes(b"command")
        commit(store, 1)
        with sending(tmp_path, received=came.append) as sender:
            until(lambda: sender.statistics().n_sent == 1)
            commit(store, 2)
            until(lambda: sender.statistics().n_sent == 2)
    assert (came, sequences(tmp_path)) == ([], [1, 2])
    assert "message given up: link=satmodem reason=garbled: AT+SBDRB" in caplog.text


def test_the_mailbox_is_looked_into_without_an_alert_where_that_is_wanted(tmp_path: Path) -> None:
    came: list[bytes] = []
    with plugged_in(tmp_path):
        (tmp_path / "mt" / "1.sbd").write_bytes(b"command")
        with sending(tmp_path, settings_for(tmp_path, mailbox_minutes=60.0), received=came.append):
            until(lambda: came == [b"command"])
    assert not messages(tmp_path)


def test_a_key_that_cannot_be_read_is_said_and_nothing_is_sent(tmp_path: Path, store: Store) -> None:
    commit(store, 1)
    settings = settings_for(tmp_path)
    settings.key_file.write_text("abc", encoding="ascii")
    with plugged_in(tmp_path) as modem, sending(tmp_path, settings) as sender:
        until(lambda: sender.statistics().state is ModemState.NO_KEY)
    assert not modem.sessions
    assert "expected 32 or more hexadecimal digits" in (sender.statistics().detail or "")


def test_an_alert_that_cannot_be_packed_does_not_hold_up_the_others(tmp_path: Path, store: Store) -> None:
    old = make_finding(opened_by="tile-0", severity=Severity.EXTREME)
    ancient = make_alert(replace(old, seen_at=datetime(1960, 1, 1, tzinfo=UTC)))
    store.commit(Commit(done_at=RECORDED_AT, alerts=[ancient]))
    commit(store, 1)
    with plugged_in(tmp_path), sending(tmp_path) as sender:
        until(lambda: sender.statistics().n_sent == 1)
    assert sequences(tmp_path) == [2]


def test_a_stop_in_the_middle_of_a_session_is_quick(tmp_path: Path, store: Store) -> None:
    commit(store, 1)
    with (
        plugged_in(tmp_path, is_mute=True),
        sending(tmp_path, settings_for(tmp_path, answer_timeout_s=60.0)) as sender,
    ):
        until(lambda: sender.statistics().state is ModemState.SENDING)
        assert sender.stop(30)


def test_what_left_the_outbox_is_forgotten(tmp_path: Path, store: Store) -> None:
    ledger = store.modem_ledger
    for n in range(3):
        commit(store, n)
    ledger.carry([1, 2])
    store.outbox.drop([1])
    ledger.carry([3])
    assert store._database.rows("SELECT seq FROM satmodem_carried") == [(2,), (3,)]


def test_a_row_damaged_on_the_disk_is_not_sent(store: Store) -> None:
    commit(store, 1)
    store._database.change("UPDATE outbox SET payload = x'7b7d'")
    assert store.modem_ledger.waiting(Severity.SEVERE, 7) == []
