"""A broker for the demo on a free loopback port: an installed Mosquitto, or one that pip installs."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.demo.process import Running, running
from edge.errors import EdgeError

# Debian keeps mosquitto where only root's PATH looks.
_ALSO = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"
_STARTS_WITHIN_S = 15.0


class NoBroker(EdgeError):
    """There is no broker to start: the operator must install one."""


@contextmanager
def running_broker(folder: Path) -> Iterator[tuple[str, str]]:
    """A broker for the length of the block: its url and what it is.

    folder  for its configuration and its log
    """
    port = _free_port()
    mosquitto = shutil.which("mosquitto") or shutil.which("mosquitto", path=_ALSO)
    has_mqttools = importlib.util.find_spec("mqttools") is not None
    name, command = chosen(mosquitto, folder, port, has_mqttools=has_mqttools)
    with running("broker", command, folder / "broker.log") as program:
        _wait_until_it_listens(program, port)
        yield f"mqtt://127.0.0.1:{port}", name


def chosen(mosquitto: str | None, folder: Path, port: int, *, has_mqttools: bool) -> tuple[str, list[str]]:
    """The broker to take, by name, and the command that starts it.

    mosquitto  where it is installed, or None
    """
    if mosquitto is not None:
        config = folder / "mosquitto.conf"
        config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
        return "mosquitto", [mosquitto, "-c", str(config)]
    if has_mqttools:
        options = ["--host", "127.0.0.1", "--port", str(port)]
        return "mqttools", [sys.executable, "-m", "mqttools", "broker", *options]
    raise NoBroker(
        "demo: broker: expected mosquitto or mqttools, got neither; "
        "install one: `sudo apt-get install mosquitto` or `pip install mqttools`"
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_listens(program: Running, port: int) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN_S
    while not _listens(port):
        program.check()
        if time.monotonic() > deadline:
            raise program.failed(f"did not listen on port {port} within {_STARTS_WITHIN_S:g} s")
        time.sleep(0.05)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
