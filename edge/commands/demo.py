"""`edge demo`: the main job on rendered tiles."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edge.demo import run_demo


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where the report goes."""
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("demo-report"),
        metavar="DIR",
        help="of the report (default: ./%(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Show it; 1 where no alert arrived."""
    return run_demo(arguments.out, sys.stdout)
