"""`edge check`: every fault of a configuration with its line, and what is doubtful."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict

import msgspec

from edge import commands, config
from edge.doctor import check_broker
from edge.doubts import doubts

BAD_CONFIG = 78


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the configuration and the forms."""
    commands.add_config(parser)
    parser.add_argument("--json", action="store_true", help="JSON Lines: one fault or doubt a line")
    parser.add_argument("--online", action="store_true", help="also try to reach the broker")


def run(arguments: argparse.Namespace) -> int:
    """Say it all; 78 where something is wrong, 0 where at most something is doubtful."""
    path = arguments.config
    settings, faults = config.read(path)
    for fault in faults:
        _say(arguments, fault.said_of(str(path)), {"kind": "fault", "file": str(path), **asdict(fault)})
    if settings is None:
        return BAD_CONFIG
    for doubt in doubts(settings):
        _say(arguments, f"{path}: doubtful: {doubt}", {"kind": "doubt", "file": str(path), **asdict(doubt)})
    if arguments.online:
        reached = check_broker(settings.transmit.mqtt)
        _say(arguments, str(reached), {"kind": "online", **asdict(reached)})
    if not arguments.json:
        print(f"{path}: the configuration is right", file=sys.stderr)
    return 0


def _say(arguments: argparse.Namespace, text: str, record: dict[str, object]) -> None:
    print(msgspec.json.encode(record).decode() if arguments.json else text)
