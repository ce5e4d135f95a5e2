"""`edge run`: the daemon."""

from __future__ import annotations

import argparse

from edge import commands, daemon


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the configuration."""
    commands.add_config(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run until SIGTERM."""
    daemon.run(arguments.config)
    return 0
