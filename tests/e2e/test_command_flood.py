"""A hundred thousand fuzzed commands over a real Mosquitto at the real daemon."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.e2e.archive import write_config
from tests.e2e.desk import REPLY, desk_at
from tests.e2e.program import Daemon, running, until
from tests.transmit.commands import fuzzed

N_COMMANDS = 100_000
N_WARM_UP = 5_000
MAX_GROWTH_BYTES = 10_000_000


def memory_bytes(daemon: Daemon) -> int:
    """VmRSS of the daemon."""
    pages = Path(f"/proc/{daemon._running().pid}/statm").read_text().split()[1]
    return int(pages) * 4096


def levels(draw: random.Random) -> tuple[str, bytes]:
    """A fuzzed command whose verb can stand in a topic."""
    verb, payload = fuzzed(draw, datetime.now(UTC))
    return verb or "none", payload


@pytest.mark.long
def test_nothing_escapes_and_nothing_grows(
    tmp_path: Path, broker: Broker, record_property: Callable[[str, object], None]
) -> None:
    draw = random.Random(17)
    with running(write_config(tmp_path / "device", broker.url)) as daemon, desk_at(broker) as desk:
        daemon.wait_for("link up")
        assert desk.ask("ping")["ok"]
        before = 0
        for n in range(N_COMMANDS):
            verb, payload = levels(draw)
            if verb != "reload":  # it costs a model each time, and is tested elsewhere
                desk.send(verb, payload, reply_to=REPLY if n % 10 == 0 else None)
            if n == N_WARM_UP:
                before = memory_bytes(daemon)
        until(lambda: daemon.rows("SELECT count(*) FROM commands") == [(0,)], daemon.log_text)
        while not desk.heard_nothing():
            json.loads(desk.next_message().payload)
        answer = desk.ask("ping")
        assert answer["ok"], answer
        grown = memory_bytes(daemon) - before
        record_property("grown_bytes", grown)
        record_property("log_bytes", len(daemon.log_text()))
        assert grown < MAX_GROWTH_BYTES
        assert "Traceback" not in daemon.log_text()
        assert daemon.stop() == 0
