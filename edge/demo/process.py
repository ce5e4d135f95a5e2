"""A program that runs beside the demo and ends with it, whatever happens."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from edge.errors import EdgeError

# The daemon promises to end within 10 s of SIGTERM.
_ENDS_WITHIN_S = 15.0
_LOG_LINES = 12


class DemoFailed(EdgeError):
    """A part of the demo did not do what it must; the text says which and shows its last words."""


class Running:
    """A started program and the file with everything it said."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        """Take over a program that was just started."""
        self.name = name
        self._process = process
        self._log = log

    def check(self) -> None:
        """Raise DemoFailed if it has ended."""
        code = self._process.poll()
        if code is not None:
            raise self.failed(f"ended with exit code {code}")

    def failed(self, what: str) -> DemoFailed:
        """What to raise when it does not do what it must."""
        said = self._log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        return DemoFailed("\n".join((f"{self.name}: {what}; its last words:", *said)))

    def wait(self) -> None:
        """Wait until it ends by itself."""
        self._process.wait()

    def stop(self) -> None:
        """Ask it to end, and make it end where it does not."""
        self._process.terminate()
        try:
            self._process.wait(_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def running(name: str, command: Sequence[str], log: Path) -> Iterator[Running]:
    """The program for the length of the block.

    log  takes its output
    """
    with log.open("wb") as out:
        # In a session of its own: Ctrl-C reaches the demo alone, which ends its programs in the right order.
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    program = Running(name, process, log)
    try:
        yield program
    finally:
        program.stop()
