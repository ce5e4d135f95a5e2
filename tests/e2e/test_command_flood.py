"""A hundred thousand fuzzed commands over a real Mosquitto at the real daemon."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.broker import Broker
from tests.e2e.archive import write_config
from tests.e2e.desk import REPLY, Desk, desk_at, fields
from tests.e2e.program import running, until
from tests.figures import Tell, memory_bytes
from tests.transmit.commands import fuzzed

N_COMMANDS = 100_000
N_WARM_UP = 5_000
MAX_GROWTH_BYTES = 10_000_000


def levels(draw: random.Random) -> tuple[str, bytes]:
    """A fuzzed command whose verb can stand in a topic."""
    verb, payload = fuzzed(draw, datetime.now(UTC))
    return verb or "none", payload


def last_answer(desk: Desk) -> dict[str, Any]:
    """The answer to one more ping; those to what came before are read on the way."""
    command = fields()
    desk.send("ping", command)
    while (answer := json.loads(desk.next_message().payload))["id"] != command["id"]:
        pass
    found: dict[str, Any] = answer
    return found


@pytest.mark.long
def test_nothing_escapes_and_nothing_grows(tmp_path: Path, broker: Broker, tell: Tell) -> None:
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
                before = memory_bytes(daemon.pid)
        # The last ones are still on their way, and a ping may be one too many among them.
        until(lambda: last_answer(desk).get("reason") != "busy", daemon.log_text)
        assert last_answer(desk)["ok"]
        until(lambda: daemon.rows("SELECT count(*) FROM commands") == [(0,)], daemon.log_text)
        grown = memory_bytes(daemon.pid) - before
        tell(
            f"{N_COMMANDS} fuzzed commands over MQTT at the daemon: memory grew by {grown / 1e6:.1f} MB, "
            f"{len(daemon.log_text())} bytes of log, no exception"
        )
        assert grown < MAX_GROWTH_BYTES
        assert "Traceback" not in daemon.log_text()
        assert daemon.stop() == 0
