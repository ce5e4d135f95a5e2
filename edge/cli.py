"""One program, `edge`: finds the command, runs it, turns what it refuses into a message and an exit code.

Only the module of the chosen command is imported: on a small board each import costs tens of milliseconds.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from edge import __version__
from edge.errors import ConfigFault, EdgeError

OK, FAILED, USAGE, BAD_CONFIG = 0, 1, 2, 78

# What each command does, in the order of the help text; the module of each is edge.commands.NAME, with
# an underscore for a dash.
COMMANDS = {
    "demo": "show the main job on rendered tiles, with a broker of its own",
    "init": "write a commented starting configuration",
    "check": "say everything that is wrong or doubtful in a configuration",
    "run": "run the daemon",
    "replay": "send an archive of tiles through the same pipeline, nothing is sent",
    "detect": "find objects in single images",
    "compare": "say what changed between two images of one place",
    "watch": "show the alerts and the state of every device, live",
    "explain": "say why an alert was made, decided once more from what the device keeps",
    "relay": "publish alerts that came over a satellite",
    "archive": "store the alerts and pictures of all devices in a database, at the desk; or list them",
    "outbox": "say what waits and what was refused; retry or drop it",
    "drill": "send a rendered arrival through the real chain, or render a scenario with its truth",
    "models": "list, verify and measure the models; add an own one",
    "feedback": "say that an alert was false, or true; list what is kept quiet",
    "doctor": "say what on this device would stop the daemon",
    "simulate-modem": "be a satellite modem on a pseudo-terminal, with faults",
    "set-clock": "set the system's clock to the time that the daemon knows by GNSS",
}


class Command(Protocol):
    """What a module of edge.commands offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare its arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; the exit code."""


@dataclass(frozen=True, slots=True)
class _Chosen:
    name: str
    command: Command
    arguments: argparse.Namespace


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code: 0 done, 1 failed, 2 wrong usage, 78 wrong configuration."""
    chosen = _chosen_for_good() if argv is None else _parse(argv)
    _log_to_stderr(verbose=chosen.arguments.verbose)
    try:
        return chosen.command.run(chosen.arguments)
    except ConfigFault as fault:
        print(fault, file=sys.stderr)
        return BAD_CONFIG
    except EdgeError as error:
        print(f"edge {chosen.name}: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 130  # as a shell reports SIGINT
    except BrokenPipeError:
        # `edge detect … | head`: the reader has what it wanted; silence Python's own complaint at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK


def _chosen_for_good() -> _Chosen:
    """What this process was started for; what that imports stays, and is never searched for what to drop."""
    gc.disable()
    try:
        return _parse(sys.argv[1:])
    finally:
        gc.freeze()
        gc.enable()


def _parse(argv: Sequence[str]) -> _Chosen:
    """The command and its arguments; argparse ends the program with 2 where they are wrong."""
    top = argparse.ArgumentParser(prog="edge", description="A watchman for places seen from above.")
    top.add_argument("--version", action="version", version=f"edge {__version__}")
    commands = top.add_subparsers(dest="name", metavar="COMMAND", required=True)
    wanted = next((word for word in argv if word in COMMANDS), None)
    command = cast("Command", import_module(f"edge.commands.{wanted.replace('-', '_')}")) if wanted else None
    for name, help_text in COMMANDS.items():
        sub = commands.add_parser(name, help=help_text, description=f"{help_text[0].upper()}{help_text[1:]}.")
        sub.add_argument("-v", "--verbose", action="store_true", help="log numbers for tuning too")
        if name == wanted and command is not None:
            command.add_arguments(sub)
    arguments = top.parse_args(argv)
    return _Chosen(arguments.name, cast("Command", command), arguments)


def _log_to_stderr(*, verbose: bool) -> None:
    """Results go to standard output, everything else to standard error; the journal adds the time itself."""
    in_journal = "JOURNAL_STREAM" in os.environ
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(levelname)s %(message)s" if in_journal else "%(asctime)sZ %(levelname)s %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S",
    )
