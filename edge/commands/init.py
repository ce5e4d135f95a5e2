"""`edge init`: a starting configuration in which every key is explained."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from edge import shipped
from edge.errors import EdgeError

NAME = "edge.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the folder and the short examples."""
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help=f"where {NAME} goes (default: here)",
    )
    parser.add_argument(
        "--example",
        choices=shipped.examples(),
        help="one of the short examples instead of the one with every key",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write it, never over another one; say what to do next."""
    path = arguments.folder / NAME
    write(path, shipped.configuration(arguments.example))
    print(path)
    print(f"Edit it, then: edge check -c {path}", file=sys.stderr)
    return 0


def write(path: Path, text: str) -> None:
    """A new file with this text; refuses where there is one already."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError as error:
        raise EdgeError(f"{path}: expected no such file yet, got one; it stays as it is") from error
    except OSError as error:
        raise EdgeError(f"{path}: expected a place to write to, got: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
