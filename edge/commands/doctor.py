"""`edge doctor`: what on this device would stop the daemon."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from itertools import chain

from edge import budget_check, commands, config, doctor
from edge.doctor import Verdict


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the configuration and the form."""
    commands.add_config(parser)
    parser.add_argument("--json", action="store_true", help="JSON Lines: one check a line")


def run(arguments: argparse.Namespace) -> int:
    """Check everything; 1 where something would stop it."""
    settings = config.load(arguments.config)
    failed = False
    for check in chain(doctor.examine(settings, datetime.now(UTC)), budget_check.examine(settings)):
        print(doctor.to_json(check).decode() if arguments.json else check, flush=True)
        failed |= check.verdict is Verdict.FAIL
    return int(failed)
