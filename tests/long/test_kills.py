"""The device is killed again and again under load: nothing is lost, and few messages come twice."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.figures import Tell
from tests.transmit.make import open_store
from tests.transmit.test_sender import listening, sending, sequences, until

N_KILLS = 200
PAUSE_S = 0.005


@contextmanager
def device(folder: Path, broker: Broker, first: int) -> Iterator[None]:
    """A device that commits without end and is killed where the block ends."""
    arguments = [str(folder), broker.url, str(first), "1000000", str(PAUSE_S)]
    with subprocess.Popen([sys.executable, "-m", "tests.long.device", *arguments]) as process:
        try:
            yield
        finally:
            process.kill()


def n_committed(folder: Path) -> int:
    """Alerts that the device has made in all its lives; they are numbered from 1."""
    with closing(sqlite3.connect(folder / "edge.sqlite", timeout=10)) as connection:
        return int(connection.execute("SELECT ifnull(max(sequence), 0) FROM alerts").fetchone()[0])


@pytest.mark.long
def test_killed_200_times_at_random_it_loses_nothing_and_repeats_little(
    tmp_path: Path, broker: Broker, tell: Tell
) -> None:
    dice = random.Random(5)
    store = open_store(tmp_path)
    with listening(broker, tmp_path, "edge/v1/+/+/alert") as subscriber:
        for turn in range(N_KILLS):
            enough = n_committed(tmp_path) + dice.randint(1, 60)
            with device(tmp_path, broker, 1_000_000 * turn):
                until(lambda enough=enough: n_committed(tmp_path) >= enough)  # type: ignore[misc]
                time.sleep(dice.uniform(0.0, 0.1))
        with sending(tmp_path, broker):
            until(lambda: store.outbox.statistics().n_waiting == 0, within_s=120)
        n_alerts = n_committed(tmp_path)
        until(lambda: max(sequences(subscriber.heard()), default=0) >= n_alerts)
        heard = sequences(subscriber.heard())
    n_twice = len(heard) - len(set(heard))
    tell(f"{N_KILLS} kills, {n_alerts} alerts, {n_alerts - len(set(heard))} lost, {n_twice} came twice")
    assert sorted(set(heard)) == list(range(1, n_alerts + 1))
    assert n_twice <= 0.1 * n_alerts
    assert store.outbox.statistics().n_dead == 0
