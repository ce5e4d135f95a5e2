"""Open a regular file and nothing else: no pipe that waits for ever, no device, no folder."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from io import BufferedReader
from pathlib import Path

from edge.acquire.refusal import Refusal
from edge.errors import TileRefused

_KINDS = {stat.S_IFDIR: "folder", stat.S_IFLNK: "link", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}


def open_regular(path: Path, max_bytes: int, *, follow_links: bool) -> BufferedReader:
    """The file, open for reading; refused before a byte is read where it is larger or no regular file."""
    # O_NONBLOCK: opening a pipe must not wait for its writer.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow_links else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        with suppress(OSError):  # a link and a socket cannot be opened: say that
            check_regular(path.name, path.stat(follow_symlinks=follow_links))
        text = f"expected a readable file, got: {error.strerror}"
        raise TileRefused(Refusal.UNREADABLE, f"{path.name}: {text}") from None
    try:
        _check(path.name, os.fstat(descriptor), max_bytes)
    except TileRefused:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def check_regular(name: str, status: os.stat_result) -> None:
    """Refuse what is no regular file."""
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFREG:
        text = f"expected a regular file, got a {_KINDS.get(kind, 'device')}"
        raise TileRefused(Refusal.NOT_A_FILE, f"{name!a}: {text}")


def _check(name: str, status: os.stat_result, max_bytes: int) -> None:
    check_regular(name, status)
    if status.st_size > max_bytes:
        text = f"expected at most {max_bytes} bytes, got {status.st_size}"
        raise TileRefused(Refusal.TOO_LARGE, f"{name}: {text}")
