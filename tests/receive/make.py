"""Archivers, devices and databases for the tests of the archive."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.broker import Broker, program


def until(claim: Callable[[], bool], within_s: float = 60.0) -> None:
    """Wait for something to come true."""
    deadline = time.monotonic() + within_s
    while not claim():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


def publish(broker: Broker, topic: str, payload: bytes, *options: str) -> None:
    """Publish one message; with -l in options one for each line."""
    command = [program("mosquitto_pub"), "-h", "127.0.0.1", "-p", str(broker.port), "-q", "1", "-t", topic]
    subprocess.run([*command, *(options or ("-s",))], input=payload, check=True)


class Archiver:
    """`edge archive` in a process of its own."""

    def __init__(self, broker: Broker, database: str | Path, *options: str, log: Path) -> None:
        self._log = log
        self._broker = broker
        self._before = broker.log_text()
        command = [sys.executable, "-m", "edge", "archive", broker.url, "--database", str(database), *options]
        with log.open("ab") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out)

    def wait_until_subscribed(self) -> None:
        """Wait until the broker has its subscription."""
        until(self._is_subscribed)

    def _is_subscribed(self) -> bool:
        names = re.findall(r"archiving: broker=\S+ id=(\S+)", self.log_text())
        answers = [f"Sending SUBACK to {name}" for name in names]
        now = self._broker.log_text()
        return any(now.count(answer) > self._before.count(answer) for answer in answers)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """End it in good order; its exit code."""
        return self._end(signal.SIGTERM)

    def wait(self) -> int:
        """Its exit code, when it ends by itself."""
        return self._process.wait(60)

    def log_text(self) -> str:
        """What it said so far."""
        return self._log.read_text()

    def _end(self, how: signal.Signals) -> int:
        if self._process.poll() is None:
            os.kill(self._process.pid, how)
        return self._process.wait(30)


@contextmanager
def archiving(
    broker: Broker, database: str | Path, folder: Path, options: Sequence[str] = (), name: str = "archiver"
) -> Iterator[Archiver]:
    """An archiver that has subscribed and runs for the length of the block."""
    archiver = Archiver(broker, database, *options, log=folder / f"{name}-{time.monotonic_ns()}.log")
    try:
        archiver.wait_until_subscribed()
        yield archiver
    finally:
        archiver.kill()
