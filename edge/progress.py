"""How far a long command is: a bar on a terminal, nothing in a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TextIO, TypeVar

_WIDTH = 30
Item = TypeVar("Item")


def progress(items: Iterable[Item], total: int, what: str, out: TextIO) -> Iterator[Item]:
    """The items as they come, with a bar on out where that is a terminal."""
    if not out.isatty() or total == 0:
        yield from items
        return
    for n, item in enumerate(items, 1):
        yield item
        done = n * _WIDTH // total
        out.write(f"\r{what} [{'#' * done}{'.' * (_WIDTH - done)}] {n} of {total}")
        out.flush()
    out.write("\n")
