"""The program as its users run it: `edge` in a process of its own, and what it said and wrote."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.broker import Subscriber

WITHIN_S = 60.0


def run_edge(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """One command to its end."""
    command = [sys.executable, "-m", "edge", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=120, check=False)


def until(is_so: Callable[[], bool], otherwise: Callable[[], str]) -> None:
    """Wait until something is so; fails with what otherwise says."""
    deadline = time.monotonic() + WITHIN_S
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(otherwise())
        time.sleep(0.02)


class Daemon:
    """`edge run` over a configuration; it can be ended in every way and started again."""

    def __init__(
        self, config: Path, variables: Mapping[str, str] | None = None, *, verbose: bool = False
    ) -> None:
        self.config = config
        self.spool = config.parent / "spool"
        self._options = ["-v"] if verbose else []
        self._variables = dict(variables or {})
        self._log = config.parent / "daemon.log"
        self._log.touch()
        self._database = config.parent / "state" / "edge.sqlite"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is ready."""
        n_before = self.log_text().count("daemon is ready")
        command = [sys.executable, "-m", "edge", "run", *self._options, "-c", str(self.config)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, **self._variables}
            )
        self.wait_for("daemon is ready", n_before + 1)

    def log_text(self) -> str:
        """Everything it has logged, over all its starts."""
        return self._log.read_text(errors="replace")

    def wait_for(self, text: str, n: int = 1) -> None:
        """Until a text stands in the log so many times."""
        until(lambda: self.log_text().count(text) >= n or self._has_ended(), self.log_text)
        assert self.log_text().count(text) >= n, self.log_text()

    def wait_until_done(self, n_tiles: int) -> None:
        """Until so many tiles are in the ledger and the spool has nothing left to do."""
        until(lambda: len(self.rows("SELECT * FROM tiles")) >= n_tiles and not self.waiting(), self.log_text)

    def waiting(self) -> list[str]:
        """The files that wait in the spool or are being worked on."""
        folders = (self.spool, self.spool / ".claimed")
        return [path.name for folder in folders for path in folder.glob("*.*") if path.is_file()]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What the state says, read beside the running program."""
        with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(sql).fetchall()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._running().pid

    @property
    def is_running(self) -> bool:
        """False where it ended by itself."""
        return not self._has_ended()

    def ask_to_reload(self) -> None:
        """SIGHUP."""
        self._running().send_signal(signal.SIGHUP)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; its exit code."""
        process = self._running()
        process.send_signal(how)
        code = process.wait(WITHIN_S)
        self._process = None
        return code

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the daemon was not started"
        return self._process

    def _has_ended(self) -> bool:
        return self._running().poll() is not None


@contextmanager
def running(
    config: Path, variables: Mapping[str, str] | None = None, *, verbose: bool = False
) -> Iterator[Daemon]:
    """A daemon for the length of the block."""
    daemon = Daemon(config, variables, verbose=verbose)
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.kill()


def alerts_heard(subscriber: Subscriber, n: int) -> list[dict[str, Any]]:
    """At least n alerts as they came; a repeat after a broken link is left out, as receivers do it."""
    until(lambda: len(_once(subscriber)) >= n, lambda: f"expected {n} alerts, heard {_once(subscriber)}")
    return _once(subscriber)


def _once(subscriber: Subscriber) -> list[dict[str, Any]]:
    by_sequence: dict[int, dict[str, Any]] = {}
    for _topic, payload in subscriber.heard("/alert"):
        alert = json.loads(payload)
        by_sequence.setdefault(alert["sequence"], alert)
    return list(by_sequence.values())


def replayed(config: Path, folder: Path) -> list[dict[str, Any]]:
    """What `edge replay` tells of an archive."""
    out = config.parent / "replayed.jsonl"
    run = run_edge("replay", folder, "-c", config, "--alerts", out)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in out.read_text().splitlines()]


def told(alerts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Alerts without what rests on the device's clock or on where in its life an alert was made."""
    return [_without_device(alert) for alert in alerts]


def _without_device(alert: dict[str, Any]) -> dict[str, Any]:
    data = alert["data"]
    properties = {key: data["properties"][key] for key in data["properties"].keys() - {"late", "clock"}}
    kept = {key: alert[key] for key in alert.keys() - {"recordedtime", "sequence"}}
    return {**kept, "data": {**data, "properties": properties}}
