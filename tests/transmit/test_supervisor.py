"""A sending thread that dies or hangs is replaced, and nothing that waits is lost by it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.database import Database
from edge.errors import StoreCorrupt
from edge.monitor.finding import Severity
from edge.store import MIGRATIONS, Store
from edge.transmit.modem_tally import ModemStatistics, ModemTally
from edge.transmit.mqtt_settings import MqttSettings
from edge.transmit.outbox import Outbox, OutboxSettings
from edge.transmit.satmodem_ledger import ModemLedger
from edge.transmit.satmodem_sender import ModemSender
from edge.transmit.sender import Sender
from edge.transmit.supervisor import Supervisor
from edge.transmit.tally import LinkStatistics, Tally
from edge.transmit.uplink import Outgoing, UplinkSettings
from tests.broker import Broker, running_broker
from tests.transmit.make import RECORDED_AT, numbered, open_store
from tests.transmit.modem import plugged_in, settings_for
from tests.transmit.test_sender import until

# The thread dies on purpose; that its end is told on standard error is as it should be.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


Supervised = Supervisor[Sender, LinkStatistics]
SupervisedModem = Supervisor[ModemSender, ModemStatistics]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running_broker(tmp_path) as broker:
        yield broker


@contextmanager
def supervised(
    broker: Broker, open_outbox: Callable[[], Outbox], grace_s: float = 60.0
) -> Iterator[Supervised]:
    settings = MqttSettings(url=broker.url, keepalive_s=2, connect_timeout_s=0.5)
    uplink = UplinkSettings(retry_first_s=0.05, retry_max_s=0.2)
    tally = Tally()
    supervisor = Supervisor(
        "mqtt", lambda: Sender("pier-7", settings, uplink, open_outbox, tally=tally), tally, grace_s
    )
    supervisor.start()
    try:
        yield supervisor
    finally:
        assert supervisor.stop(10)


def checked(supervisor: Supervised | SupervisedModem, claim: Callable[[], bool]) -> Callable[[], bool]:
    """A claim that is looked at as the daemon does it: with a check before."""

    def is_so() -> bool:
        supervisor.check()
        return claim()

    return is_so


def failing_once(folder: Path) -> Callable[[], Outbox]:
    """Opens an outbox with a fault of the program in it, shown once, at the first answer."""
    faults = iter([AttributeError("a fault of the program")])

    class Faulty(Outbox):
        def settle(self, taken: Iterable[Outgoing]) -> None:
            for fault in faults:
                raise fault
            super().settle(taken)

    return lambda: Faulty(Database(folder / "edge.sqlite", MIGRATIONS), OutboxSettings())


def test_a_thread_that_died_of_a_fault_of_the_program_is_replaced_and_the_rest_goes(
    tmp_path: Path, store: Store, broker: Broker
) -> None:
    store.commit(numbered(1))
    with supervised(broker, failing_once(tmp_path)) as supervisor:
        until(checked(supervisor, lambda: supervisor.statistics().n_restarts == 1))
        store.commit(numbered(2))
        until(checked(supervisor, lambda: store.outbox.statistics().n_waiting == 0))


def test_a_thread_that_hangs_is_replaced_and_ends_when_it_wakes_up(
    tmp_path: Path, store: Store, broker: Broker
) -> None:
    thaw, opened = threading.Event(), iter([True])

    def opened_late_once() -> Outbox:
        if next(opened, False):
            thaw.wait()
        return open_store(tmp_path).outbox

    n_before = threading.active_count()
    store.commit(numbered(1))
    with supervised(broker, opened_late_once, grace_s=0) as supervisor:
        until(checked(supervisor, lambda: store.outbox.statistics().n_waiting == 0))
        # A machine that is slow for a moment may cost a second one.
        assert supervisor.statistics().n_restarts >= 1
        thaw.set()
        until(lambda: threading.active_count() == n_before + 1)


def test_a_thread_that_runs_well_is_left_alone(tmp_path: Path, store: Store, broker: Broker) -> None:
    with supervised(broker, lambda: open_store(tmp_path).outbox) as supervisor:
        for n in range(20):
            store.commit(numbered(n))
            supervisor.sender.wake()
            until(checked(supervisor, lambda: store.outbox.statistics().n_waiting == 0))
        assert supervisor.statistics().n_restarts == 0


@contextmanager
def supervised_modem(
    folder: Path, open_ledger: Callable[[], ModemLedger], ticks: Callable[[], float] = time.monotonic
) -> Iterator[SupervisedModem]:
    tally = ModemTally()
    supervisor = Supervisor(
        "satmodem",
        lambda: ModemSender(
            settings_for(folder),
            open_ledger,
            broker=lambda: None,
            received=lambda _payload: None,
            now=lambda: RECORDED_AT,
            tally=tally,
        ),
        tally,
        ticks=ticks,
    )
    supervisor.start()
    try:
        yield supervisor
    finally:
        assert supervisor.stop(10)


def test_the_thread_of_the_modem_that_died_is_replaced_and_the_alert_goes(
    tmp_path: Path, store: Store
) -> None:
    faults = iter([AttributeError("a fault of the program")])

    def failing_once() -> ModemLedger:
        for fault in faults:
            raise fault
        return open_store(tmp_path).modem_ledger

    store.commit(numbered(1, Severity.SEVERE))
    with plugged_in(tmp_path), supervised_modem(tmp_path, failing_once) as supervisor:
        until(checked(supervisor, lambda: supervisor.statistics().n_sent == 1), within_s=30)
        assert supervisor.statistics().n_restarts == 1


def test_the_thread_of_the_modem_that_finds_the_state_damaged_tells_it(tmp_path: Path) -> None:
    (tmp_path / "edge.sqlite").write_bytes(b"no database" * 1000)
    with (
        supervised_modem(tmp_path, lambda: open_store(tmp_path).modem_ledger) as supervisor,
        pytest.raises(StoreCorrupt, match="file is not a database"),
    ):
        until(checked(supervisor, lambda: False))


def test_a_thread_that_always_dies_is_replaced_ever_more_seldom(tmp_path: Path) -> None:
    now, replaced_at = 0.0, []

    def always_failing() -> ModemLedger:
        raise AttributeError("a fault of the program")

    with supervised_modem(tmp_path, always_failing, lambda: now) as supervisor:
        for now in map(float, range(1000)):
            until(lambda: not supervisor.sender.is_alive)
            if supervisor.check():
                replaced_at.append(now)
    assert replaced_at == [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 811]


def test_a_damaged_state_that_the_thread_found_is_told_to_whoever_asks(
    tmp_path: Path, broker: Broker
) -> None:
    (tmp_path / "edge.sqlite").write_bytes(b"no database" * 1000)
    with supervised(broker, lambda: open_store(tmp_path).outbox) as supervisor:
        until(lambda: supervisor.statistics().fault is not None)
        with pytest.raises(StoreCorrupt, match="file is not a database"):
            supervisor.check()
