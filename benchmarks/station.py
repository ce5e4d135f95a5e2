"""The real daemon with a real broker in a folder of its own, watched from outside."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tiles import SITE_ID, Archive

_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"
# As installed: with its bytecode beside it from the first start on.
_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Station:
    """A daemon that has said READY."""

    process: subprocess.Popen[bytes]
    spool: Path

    def cpu_s(self) -> float:
        """CPU time of all its threads so far, user and system (proc(5), stat, fields 14 and 15)."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S

    def memory_bytes(self, name: str) -> int:
        """VmRSS or VmHWM (the peak) of proc(5), status."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))

    def work_through(self, archive: Archive, first: int, n_tiles: int) -> None:
        """Hand tiles in, and wait until the last is done; none may be refused."""
        for number in range(first, first + n_tiles):
            archive.write(self.spool, number)
        while self._n_left() > 0:
            if self.process.poll() is not None:
                raise RuntimeError(f"edge run: expected to go on, got exit code {self.process.returncode}")
            time.sleep(0.02)
        if refused := list((self.spool / "quarantine").glob("*.jpg")):
            raise RuntimeError(f"edge run: expected to take every tile, got {refused[0].name} in quarantine")

    def _n_left(self) -> int:
        """Tiles in the inbox and the one that is being worked on."""
        return sum(path.parent.name not in {"done", "quarantine"} for path in self.spool.rglob("*.jpg"))


@contextlib.contextmanager
def broker(folder: Path) -> Iterator[int]:
    """A Mosquitto on a free port of 127.0.0.1; gives the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = folder / "mosquitto.conf"
    settings.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nlog_type error\n"
    )
    program = shutil.which("mosquitto", path=_PATH) or "mosquitto"
    process = subprocess.Popen([program, "-c", str(settings)], stderr=subprocess.DEVNULL)
    try:
        _wait_for_port(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def _wait_for_port(port: int) -> None:
    for _ in range(500):
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.01)
    raise RuntimeError(f"mosquitto: expected to listen on port {port} within 5 s")


def configure(folder: Path, archive: Archive, port: int) -> Path:
    """The configuration of a station that watches the place of the archive."""
    (folder / "spool").mkdir(exist_ok=True)
    (folder / "state").mkdir(exist_ok=True)
    bounds = archive.bounds
    path = folder / "edge.yaml"
    path.write_text(
        f"""\
device: {{id: bench-1}}
spool: {{folder: {folder}/spool}}
state: {{folder: {folder}/state}}
sites:
  {SITE_ID}:
    bounds: {{west: {bounds.west!r}, south: {bounds.south!r}, east: {bounds.east!r}, north: {bounds.north!r}}}
    rules:
      - {{arrival: aircraft}}
      - {{departure: aircraft}}
      - {{blind_hours: 72}}
transmit:
  mqtt: {{url: "mqtt://127.0.0.1:{port}"}}
"""
    )
    return path


@contextlib.contextmanager
def running(folder: Path, config: Path) -> Iterator[Station]:
    """`edge run`, from its READY on to its clean end."""
    with (folder / "edge.log").open("ab") as log, _notified(folder / "notify") as is_ready:
        process = subprocess.Popen(
            [sys.executable, "-m", "edge", "run", "-c", str(config)],
            env={**_ENVIRONMENT, "NOTIFY_SOCKET": str(folder / "notify")},
            stderr=log,
        )
        try:
            is_ready()
            yield Station(process, folder / "spool")
        finally:
            process.terminate()
            process.wait()


@contextlib.contextmanager
def _notified(address: Path) -> Iterator[Callable[[], None]]:
    """A function that waits for READY=1 (sd_notify(3)) and then stops listening."""
    address.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(address))
        listener.settimeout(60)

        def wait() -> None:
            while b"READY=1" not in listener.recv(4096):
                pass
            listener.close()

        yield wait
