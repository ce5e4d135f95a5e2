"""The broker is away for 10,000 alerts: afterwards they all come, in order and soon, memory not grown."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.figures import Tell, memory_bytes
from tests.transmit.make import open_store
from tests.transmit.test_sender import listening, sequences, until

N_ALERTS = 10_000
MAX_GROWTH_BYTES = 10_000_000
MIN_PER_S = 200


@pytest.mark.long
def test_ten_thousand_alerts_wait_for_a_broker_and_then_come_in_order(
    tmp_path: Path, broker: Broker, tell: Tell
) -> None:
    store = open_store(tmp_path)
    broker.kill()
    command = [sys.executable, "-m", "tests.long.device", str(tmp_path), broker.url, "0", str(N_ALERTS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            until(lambda: store.outbox.statistics().n_waiting > 100)
            at_first = memory_bytes(process.pid)
            assert process.stdout is not None
            assert process.stdout.readline() == b"committed\n"
            assert store.outbox.statistics().n_waiting == N_ALERTS
            waiting = memory_bytes(process.pid)
            # It finds the broker when somebody listens there.
            process.send_signal(signal.SIGSTOP)
            broker.start()
            with listening(broker, tmp_path, "edge/v1/+/+/alert") as subscriber:
                process.send_signal(signal.SIGCONT)
                until(lambda: store.outbox.statistics().n_waiting < N_ALERTS)
                started_at = time.monotonic()
                until(lambda: store.outbox.statistics().n_waiting == 0, within_s=300)
                took_s = time.monotonic() - started_at
                drained = memory_bytes(process.pid)
                until(lambda: len(subscriber.heard()) >= N_ALERTS, within_s=300)
                heard = sequences(subscriber.heard())
        finally:
            process.kill()
    growth = max(waiting, drained) - at_first
    tell(f"{N_ALERTS / took_s:.0f} alerts/s drained, memory grew by {growth / 1e6:.1f} MB")
    assert list(dict.fromkeys(heard)) == list(range(1, N_ALERTS + 1))
    assert growth < MAX_GROWTH_BYTES
    assert took_s < N_ALERTS / MIN_PER_S
