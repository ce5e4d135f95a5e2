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

_AMQTT = """\
listeners: {{default: {{type: tcp, bind: "127.0.0.1:{port}"}}}}
plugins:
  amqtt.plugins.authentication.AnonymousAuthPlugin: {{allow_anonymous: true}}
"""


class NoBroker(EdgeError):
    """There is no broker to start: the operator must install one."""


@contextmanager
def running_broker(folder: Path) -> Iterator[tuple[str, str]]:
    """A broker for the length of the block: its url and what it is.

    folder  for its configuration and its log
    """
    port = _free_port()
    mosquitto = shutil.which("mosquitto") or shutil.which("mosquitto", path=_ALSO)
    has_amqtt = importlib.util.find_spec("amqtt") is not None
    name, command = chosen(mosquitto, folder, port, has_amqtt=has_amqtt)
    with running("broker", command, folder / "broker.log") as program:
        _wait_until_it_listens(program, port)
        yield f"mqtt://127.0.0.1:{port}", name


def chosen(mosquitto: str | None, folder: Path, port: int, *, has_amqtt: bool) -> tuple[str, list[str]]:
    """The broker to take, by name, and the command that starts it.

    mosquitto  where it is installed, or None
    """
    if mosquitto is not None:
        config = folder / "mosquitto.conf"
        config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
        return "mosquitto", [mosquitto, "-c", str(config)]
    if has_amqtt:
        config = folder / "amqtt.yaml"
        config.write_text(_AMQTT.format(port=port))
        return "amqtt", [sys.executable, "-m", "amqtt.scripts.broker_script", "-c", str(config)]
    raise NoBroker(
        "demo: broker: expected mosquitto or amqtt, got neither; "
        "install one: `sudo apt-get install mosquitto` or `pip install 'edge-monitor[demo]'`"
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
