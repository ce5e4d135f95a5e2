"""A sending thread that dies or hangs is replaced, and nothing that waits is lost by it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.database import Database
from edge.errors import StoreCorrupt
from edge.store import MIGRATIONS, Store
from edge.transmit.mqtt_settings import MqttSettings
from edge.transmit.outbox import Outbox, OutboxSettings
from edge.transmit.sender import Sender
from edge.transmit.supervisor import Supervisor
from edge.transmit.uplink import Outgoing, UplinkSettings
from tests.broker import Broker, running_broker
from tests.transmit.make import numbered, open_store
from tests.transmit.test_sender import until

# The thread dies on purpose; that its end is told on standard error is as it should be.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running_broker(tmp_path) as broker:
        yield broker


@contextmanager
def supervised(broker: Broker, open_outbox: Callable[[], Outbox]) -> Iterator[Supervisor]:
    settings = MqttSettings(url=broker.url, keepalive_s=2, connect_timeout_s=0.5)
    uplink = UplinkSettings(retry_first_s=0.05, retry_max_s=0.2)
    supervisor = Supervisor(
        lambda tally: Sender("pier-7", settings, uplink, open_outbox, tally=tally), grace_s=0
    )
    supervisor.start()
    try:
        yield supervisor
    finally:
        assert supervisor.stop(10)


def checked(supervisor: Supervisor, claim: Callable[[], bool]) -> Callable[[], bool]:
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
    with supervised(broker, opened_late_once) as supervisor:
        until(checked(supervisor, lambda: store.outbox.statistics().n_waiting == 0))
        assert supervisor.statistics().n_restarts == 1
        thaw.set()
        until(lambda: threading.active_count() == n_before + 1)


def test_a_thread_that_runs_well_is_left_alone(tmp_path: Path, store: Store, broker: Broker) -> None:
    with supervised(broker, lambda: open_store(tmp_path).outbox) as supervisor:
        for n in range(20):
            store.commit(numbered(n))
            until(checked(supervisor, lambda: store.outbox.statistics().n_waiting == 0))
        assert supervisor.statistics().n_restarts == 0


def test_a_damaged_state_that_the_thread_found_is_told_to_whoever_asks(
    tmp_path: Path, broker: Broker
) -> None:
    (tmp_path / "edge.sqlite").write_bytes(b"no database" * 1000)
    with supervised(broker, lambda: open_store(tmp_path).outbox) as supervisor:
        until(lambda: supervisor.statistics().fault is not None)
        with pytest.raises(StoreCorrupt, match="file is not a database"):
            supervisor.check()
