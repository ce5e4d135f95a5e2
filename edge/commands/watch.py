"""`edge watch`: alerts and the state of every device, live, in a terminal."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

import msgspec

from edge.errors import ConfigFault
from edge.receive.watch import run_watch
from edge.transmit.mqtt_settings import MqttSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the broker and what is shown."""
    parser.add_argument("broker", metavar="BROKER-URL", help="mqtt://HOST:1883 or mqtts://HOST:8883")
    parser.add_argument("--json", action="store_true", help="JSON Lines: the messages as they came")
    parser.add_argument(
        "--device", action="append", default=[], metavar="ID", help="only this device; may be repeated"
    )
    parser.add_argument(
        "--site", action="append", default=[], metavar="ID", help="only this site; may be repeated"
    )
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="save the evidence pictures there")
    parser.add_argument("--username", metavar="NAME")
    for name in ("password-file", "ca-file", "client-certificate", "client-key"):
        parser.add_argument(f"--{name}", metavar="FILE")


def run(arguments: argparse.Namespace) -> int:
    """Show until interrupted."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    run_watch(
        _settings(arguments),
        out=sys.stdout,
        stop=stop,
        json_lines=arguments.json,
        devices=arguments.device,
        sites=arguments.site,
        pictures=arguments.pictures,
    )
    return 0


def _settings(arguments: argparse.Namespace) -> MqttSettings:
    keys = ("username", "password_file", "ca_file", "client_certificate", "client_key")
    given = {key: value for key in keys if (value := getattr(arguments, key)) is not None}
    try:
        return msgspec.convert(
            {"url": arguments.broker, **given}, MqttSettings, dec_hook=lambda kind, x: kind(x)
        )
    except msgspec.ValidationError as fault:
        raise ConfigFault(f"edge watch: {fault}") from fault
