"""The commands of `edge`, one module each, found by `edge.cli`: its arguments, and what it does with them."""

from __future__ import annotations

import argparse
from pathlib import Path

DEFAULT_CONFIG = Path("/etc/edge/edge.yaml")


def add_config(parser: argparse.ArgumentParser) -> None:
    """Declare -c FILE as the commands that need a configuration take it."""
    parser.add_argument(
        "-c",
        "--config",
        type=Path,
        default=DEFAULT_CONFIG,
        metavar="FILE",
        help="configuration (default: %(default)s)",
    )
