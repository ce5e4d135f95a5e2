"""`edge set-clock`: set the system's clock to the time that the daemon knows by GNSS."""

from __future__ import annotations

import argparse
import time

from edge import clock, commands, config, time_file
from edge.clock import Machine
from edge.errors import ClockUnset, ConfigFault


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the configuration and the trial."""
    commands.add_config(parser)
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")


def run(arguments: argparse.Namespace) -> int:
    """Set it where it is wrong and nobody else keeps it."""
    settings = config.load(arguments.config)
    path = None if settings.gnss is None else settings.gnss.time_file
    if path is None:
        raise ConfigFault(f"{arguments.config}: gnss.time_file: expected a path, got nothing")
    machine = Machine()
    ahead_s = time_file.error_s(time_file.read(path, machine, clock.boot_id()), machine)
    if not ahead_s:
        print("the clock is right, or NTP keeps it: left as it is")
        return 0
    if not arguments.dry_run:
        _move(ahead_s)
    print(f"the clock {'would be' if arguments.dry_run else 'was'} moved by {ahead_s:+.1f} s")
    return 0


def _move(ahead_s: float) -> None:
    try:
        time.clock_settime(time.CLOCK_REALTIME, time.clock_gettime(time.CLOCK_REALTIME) + ahead_s)
    except PermissionError:
        raise ClockUnset("expected CAP_SYS_TIME, got none: run it by edge-clock.service or as root") from None
