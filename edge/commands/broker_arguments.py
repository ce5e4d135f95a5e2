"""How the commands that subscribe are told a broker and who they are to it."""

from __future__ import annotations

import argparse

import msgspec

from edge.errors import ConfigFault
from edge.transmit.mqtt_settings import MqttSettings

_KEYS = ("username", "password_file", "ca_file", "client_certificate", "client_key")


def add_credentials(parser: argparse.ArgumentParser) -> None:
    """Declare the options; the command declares `broker` itself."""
    parser.add_argument("--username", metavar="NAME")
    for key in _KEYS[1:]:
        parser.add_argument(f"--{key.replace('_', '-')}", metavar="FILE")


def settings(command: str, arguments: argparse.Namespace) -> MqttSettings:
    """The broker that was given, or a ConfigFault."""
    given = {key: value for key in _KEYS if (value := getattr(arguments, key)) is not None}
    try:
        return msgspec.convert(
            {"url": arguments.broker, **given}, MqttSettings, dec_hook=lambda kind, x: kind(x)
        )
    except msgspec.ValidationError as fault:
        raise ConfigFault(f"{command}: {fault}") from fault
