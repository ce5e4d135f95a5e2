"""A real PostgreSQL for tests: its own cluster in a temporary folder, on a free loopback port."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.broker import free_port

_STARTS_WITHIN_S = 60.0
_UNPRIVILEGED = ("postgres", "nobody")


def postgres_program(name: str) -> str:
    """Where a program of PostgreSQL is; the test is skipped where it is not installed."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    found = str(debian[0]) if debian else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: postgresql)")
    return found


def _user() -> str | None:
    """Whom the server runs as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in _UNPRIVILEGED if name in known), None)


class Cluster:
    """A PostgreSQL server that can be stopped, killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._data = folder / "data"
        self._log = folder / "postgres.log"
        self._user = _user()
        if self._user is not None:
            shutil.chown(folder, self._user)
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        command = [postgres_program("initdb"), "-D", str(self._data), "-U", "edge", "-E", "UTF8"]
        subprocess.run(
            [*command, "--auth=trust", "--no-locale", "--no-sync"],
            user=self._user,
            cwd=folder,
            check=True,
            capture_output=True,
        )

    @property
    def url(self) -> str:
        """What the archive is told."""
        return f"postgresql://edge@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [postgres_program("postgres"), "-D", str(self._data), "-p", str(self.port)]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self._data}"]
        with self._log.open("ab") as log:
            n_before = log.tell()
            self._process = subprocess.Popen(command, user=self._user, cwd=self._data, stdout=log, stderr=log)
        deadline = time.monotonic() + _STARTS_WITHIN_S
        while b"ready to accept connections" not in self._log.read_bytes()[n_before:]:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"postgres did not start:\n{self._log.read_text()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it at once, but in good order (a fast shutdown)."""
        self._end(signal.SIGINT)

    def ask_for_passwords(self) -> None:
        """Let nobody in without one from now on."""
        (self._data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
        self.stop()
        self.start()

    def kill(self) -> None:
        """End it without a word: it recovers from its log at the next start."""
        self._end(signal.SIGQUIT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(60)
        self._process = None


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """A server that runs for the length of the block, in a folder that its user can reach."""
    postgres_program("initdb")
    # pytest's own temporary folder belongs to root alone where the tests run as root.
    with tempfile.TemporaryDirectory(prefix="edge-postgres-", dir="/tmp") as folder:
        cluster = Cluster(Path(folder))
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
