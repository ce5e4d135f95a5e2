"""The table that the benchmarks print."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One figure beside its aim; the aim is empty where the figure is only for comparison."""

    what: str
    measured: str
    aim: str


def table(rows: Iterable[Row]) -> str:
    """Markdown, as it stands in README.md."""
    lines = [f"| {row.what} | {row.measured} | {row.aim} |" for row in rows]
    return "\n".join(["| What | Measured | Aim |", "|---|---|---|", *lines])


def machine() -> str:
    """Where it was measured, in a few words."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
