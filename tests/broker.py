"""A real Mosquitto for tests: on a free loopback port, with its configuration in a temporary folder."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

_OPEN = ("allow_anonymous true",)
_STARTS_WITHIN_S = 10.0
_SUBSCRIBED = "Sending SUBACK"


def program(name: str) -> str:
    """Where a program of Mosquitto is; the test is skipped where it is not installed."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: mosquitto, mosquitto-clients)")
    return found


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Broker:
    """A Mosquitto that can be stopped, killed, frozen and started again on the same port."""

    def __init__(self, folder: Path, lines: Sequence[str] = _OPEN, port: int | None = None) -> None:
        self.port = port or free_port()
        self._config = folder / "mosquitto.conf"
        self._log = folder / "mosquitto.log"
        # "user root" keeps it able to read the temporary folder where the tests run as root.
        head = ("per_listener_settings false", "user root", f"listener {self.port} 127.0.0.1", "log_type all")
        self._config.write_text("\n".join((*head, *lines)) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What a client is told."""
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it listens."""
        with self._log.open("ab") as log:
            command = [program("mosquitto"), "-c", str(self._config)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + _STARTS_WITHIN_S
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"mosquitto did not start:\n{self.log_text()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """End it in good order and start it again on the same port."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze it: its connections stay, and nothing answers."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after a pause."""
        self._running().send_signal(signal.SIGCONT)

    def log_text(self) -> str:
        """What it has logged so far."""
        return self._log.read_text(errors="replace")

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the broker was not started"
        return self._process

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(how)
        self._process.wait(10)
        self._process = None

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def running_broker(folder: Path, lines: Sequence[str] = _OPEN) -> Iterator[Broker]:
    """A broker that runs for the length of the block."""
    broker = Broker(folder, lines)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


class Subscriber:
    """`mosquitto_sub` with everything it has heard: (topic, payload) in order."""

    def __init__(self, broker: Broker, folder: Path, topic: str = "#", *options: str) -> None:
        self._out = folder / f"heard-{time.monotonic_ns()}"
        n_before = broker.log_text().count(_SUBSCRIBED)
        command = [program("mosquitto_sub"), "-h", "127.0.0.1", "-p", str(broker.port), "-V", "5"]
        command += ["-q", "1", "-t", topic, "-F", "%t %x", *options]
        with self._out.open("wb") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        self._wait_until_subscribed(broker, n_before)

    def heard(self, under: str = "") -> list[tuple[str, bytes]]:
        """Messages so far whose topic ends so; a line still being written is not one yet."""
        lines = self._out.read_text().rpartition("\n")[0].splitlines()
        pairs = [line.split(" ", 1) for line in lines if " " in line]
        return [(topic, bytes.fromhex(payload)) for topic, payload in pairs if topic.endswith(under)]

    def wait_for(self, n: int, under: str = "", within_s: float = 20.0) -> list[tuple[str, bytes]]:
        """At least n messages whose topic ends so; fails where they do not come."""
        deadline = time.monotonic() + within_s
        while len(found := self.heard(under)) < n:
            if time.monotonic() > deadline:
                raise AssertionError(f"expected {n} messages under {under!r}, heard {self.heard()}")
            time.sleep(0.02)
        return found

    def wait_for_payload(self, payload: bytes, under: str = "", within_s: float = 20.0) -> None:
        """The newest message under a topic becomes this one."""
        deadline = time.monotonic() + within_s
        while not (found := self.heard(under)) or found[-1][1] != payload:
            if time.monotonic() > deadline:
                raise AssertionError(f"expected {payload!r} under {under!r}, heard {self.heard()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait(10)

    def _wait_until_subscribed(self, broker: Broker, n_before: int) -> None:
        deadline = time.monotonic() + _STARTS_WITHIN_S
        while broker.log_text().count(_SUBSCRIBED) == n_before:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"mosquitto_sub did not subscribe:\n{broker.log_text()}")
            time.sleep(0.02)
