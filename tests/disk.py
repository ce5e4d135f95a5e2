"""Small disks for tests: a tmpfs that can be full or read-only, where the tests may mount one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class Disk:
    """One mounted tmpfs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """Take every byte that is left."""
        with self.folder.joinpath("filler").open("ab", buffering=0) as filler:
            for size in (1 << 16, 1 << 12, 1):
                try:
                    while filler.write(os.urandom(size)) == size:
                        continue
                except OSError:
                    continue
        assert self.n_free() == 0

    def n_free(self) -> int:
        """Bytes that can still be written."""
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def make_read_only(self) -> None:
        """From now on it takes no changes."""
        _run("mount", "-o", "remount,ro", str(self.folder))

    def make_writable(self) -> None:
        """It takes changes again."""
        _run("mount", "-o", "remount,rw", str(self.folder))


@contextmanager
def mounted(folder: Path, n_megabytes: int = 8) -> Iterator[Disk]:
    """A disk of that size for the length of the block."""
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    try:
        _run("mount", "-t", "tmpfs", "-o", f"size={n_megabytes}m", "tmpfs", str(folder))
    except subprocess.CalledProcessError as error:
        pytest.skip(f"a tmpfs cannot be mounted here: {error.stderr.strip()}")
    try:
        yield Disk(folder)
    finally:
        _run("umount", "-l", str(folder))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
