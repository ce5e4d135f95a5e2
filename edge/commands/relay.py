"""`edge relay`: alerts that came over a satellite, onto the alert topics of a broker."""

from __future__ import annotations

import argparse
import logging
import secrets
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from edge.commands import broker_arguments
from edge.errors import ConfigFault, LinkDown
from edge.receive.names import Directory, read_devices
from edge.receive.relay import SEEN, Relay, publishing, take_folder, take_lines
from edge.transmit.mqtt_settings import MqttSettings

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the broker, who is known and where messages come from."""
    parser.add_argument("broker", metavar="BROKER-URL", help="mqtt://HOST:1883 or mqtts://HOST:8883")
    parser.add_argument(
        "--devices",
        type=Path,
        required=True,
        metavar="DIR",
        help="DEVICE.key of each device and DEVICE.yaml, a copy of its configuration, for the names",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        metavar="DIR",
        help="take every .sbd file there; without it: a message a line from standard input, in hexadecimal",
    )
    parser.add_argument(
        "--every", type=_seconds, metavar="SECONDS", help="look into the folder again so often, until stopped"
    )
    broker_arguments.add_credentials(parser)


def run(arguments: argparse.Namespace) -> int:
    """Relay what there is; 1 where something of it was refused."""
    settings, devices = broker_arguments.settings("edge relay", arguments), read_devices(arguments.devices)
    folder: Path | None = arguments.folder
    if folder is None:
        with _relay(settings, devices) as relay:
            return int(take_lines(relay, sys.stdin) > 0)
    if not folder.is_dir():
        raise ConfigFault(f"edge relay: --folder: expected a folder, got {folder}")
    if arguments.every is not None:
        _relay_until_stopped(settings, devices, folder, arguments.every)
        return 0
    with _relay(settings, devices, folder / SEEN) as relay:
        return int(take_folder(relay, folder) > 0)


@contextmanager
def _relay(
    settings: MqttSettings, devices: Mapping[str, Directory], seen: Path | None = None
) -> Iterator[Relay]:
    with publishing(settings, f"edge-relay-{secrets.token_hex(4)}") as publisher:
        yield Relay(devices, publisher, seen)


def _relay_until_stopped(
    settings: MqttSettings, devices: Mapping[str, Directory], folder: Path, every_s: float
) -> None:
    """Connect only where there is something to say: a few messages a day need no standing connection."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    log.info("relaying: folder=%s broker=%s", folder, settings.broker)
    while not stop.is_set():
        if any(folder.glob("*.sbd")):
            try:
                with _relay(settings, devices, folder / SEEN) as relay:
                    take_folder(relay, folder)
            except LinkDown as fault:
                log.warning("broker is away, the messages wait: reason=%s", fault)
        stop.wait(every_s)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise ValueError(text)
    return seconds
