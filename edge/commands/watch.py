"""`edge watch`: alerts and the state of every device, live, in a terminal."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from edge.commands import broker_arguments
from edge.monitor.finding import Kind, Severity
from edge.receive.feed import Wanted
from edge.receive.watch import run_watch


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
    parser.add_argument(
        "--kind", action="append", default=[], choices=list(Kind), help="only this kind; may be repeated"
    )
    parser.add_argument(
        "--severity", choices=list(Severity), help="only alerts of this severity or a graver one"
    )
    broker_arguments.add_credentials(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show until interrupted."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    run_watch(
        broker_arguments.settings("edge watch", arguments),
        out=sys.stdout,
        stop=stop,
        json_lines=arguments.json,
        devices=arguments.device,
        sites=arguments.site,
        wanted=Wanted(
            frozenset(arguments.kind), Severity(arguments.severity) if arguments.severity else None
        ),
        pictures=arguments.pictures,
    )
    return 0
