"""A folder of files kept for a person to look at, up to a number of bytes, the oldest deleted first."""

from __future__ import annotations

import logging
import os
import stat
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

log = logging.getLogger(__name__)

REASON_SUFFIX = ".reason.txt"

# What a file takes at least on a disk: so that any number of empty files is bounded too.
_BLOCK_BYTES = 4096
# A name grows by a number and by .reason.txt; file systems take 255 bytes.
_MAX_NAME_BYTES = 200


def is_plain(name: str) -> bool:
    """True if a file name is fit to be shown and to grow: printable text, not too long."""
    return name.isprintable() and len(os.fsencode(name)) <= _MAX_NAME_BYTES


def plain(name: str) -> str:
    """The name, or its bytes escaped as in a URL where it is not plain."""
    return name if is_plain(name) else quote(os.fsencode(name))[:_MAX_NAME_BYTES]


class Shelf:
    """The folder. Only files are ever deleted, never a folder that someone put here."""

    def __init__(self, folder: Path, keep_bytes: int) -> None:
        """Use the folder, making it where it is missing, and keep at most that many bytes in it."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._keep_bytes = keep_bytes
        self._files: deque[tuple[Path, int]] = deque()
        self._n_bytes = 0
        with os.scandir(folder) as entries:
            found = [(Path(entry), entry.stat(follow_symlinks=False)) for entry in entries]
        # A rename sets the ctime: it says when a file came here, the mtime when it was written.
        for path, status in sorted(found, key=lambda one: (one[1].st_ctime_ns, one[0].name)):
            self._add(path, status)
        self._sweep()

    def put(self, paths: Sequence[Path], reason: str | None = None) -> None:
        """Move files that belong together here, in order, leaving out what is gone; never over another file.

        reason  written to NAME.reason.txt before anything is moved, NAME being the first file's
        """
        self._folder.mkdir(exist_ok=True)  # a person may have tidied it away
        names = self._free_names([plain(path.name) for path in paths])
        beside = self._folder / (names[0] + REASON_SUFFIX)
        if reason is not None:
            _write_line(beside, reason)
        for path, name in zip(paths, names, strict=True):
            self._take(path, self._folder / name)
        if reason is not None:
            self._add(beside, beside.lstat())
        self._sweep()

    def _take(self, path: Path, target: Path) -> None:
        try:
            status = path.lstat()
        except FileNotFoundError:
            return
        if not stat.S_ISDIR(status.st_mode) and _bytes_of(status) > self._keep_bytes:
            path.unlink()
        else:
            path.rename(target)
            self._add(target, status)

    def _add(self, path: Path, status: os.stat_result) -> None:
        if not stat.S_ISDIR(status.st_mode):
            self._files.append((path, _bytes_of(status)))
            self._n_bytes += _bytes_of(status)

    def _sweep(self) -> None:
        while self._n_bytes > self._keep_bytes:
            path, n_bytes = self._files.popleft()
            self._n_bytes -= n_bytes
            with suppress(FileNotFoundError, IsADirectoryError):  # a person was here
                path.unlink()

    def _free_names(self, names: Sequence[str]) -> list[str]:
        """The names, with one number before the suffix of each where one of them is taken.

        Doubling, then halving: a name that was refused 100,000 times costs 34 looks.
        """
        if self._are_free(names):
            return list(names)
        taken, free = 1, 2
        while not self._are_free(_numbered(names, free)):
            taken, free = free, free * 2
        while free - taken > 1:
            middle = (taken + free) // 2
            if self._are_free(_numbered(names, middle)):
                free = middle
            else:
                taken = middle
        return _numbered(names, free)

    def _are_free(self, names: Sequence[str]) -> bool:
        wanted = [*names, *(name + REASON_SUFFIX for name in names)]
        return not any(os.path.lexists(self._folder / name) for name in wanted)


def _numbered(names: Sequence[str], number: int) -> list[str]:
    parts = [name.rpartition(".") for name in names]
    return [f"{stem}.{number}.{suffix}" if dot else f"{suffix}.{number}" for stem, dot, suffix in parts]


def _bytes_of(status: os.stat_result) -> int:
    return max(1, -(-status.st_size // _BLOCK_BYTES)) * _BLOCK_BYTES


def _write_line(path: Path, text: str) -> None:
    line = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
    with path.open("x", encoding="utf-8") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())
