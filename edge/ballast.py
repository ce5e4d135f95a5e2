"""A file that only takes room, so that there is some to give up when the disk is full.

Deleting from a database on a full disk needs room itself, for the log of what is deleted. Without the ballast
what waits could be delivered, but never be written down as delivered.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

# The log holds up to 1 MiB before it is folded into the file (database.py), and the transaction at hand.
BALLAST_BYTES = 2 * 1024 * 1024


class Ballast:
    """One such file; it is there or it is not, and never shorter."""

    def __init__(self, path: Path, size_bytes: int = BALLAST_BYTES) -> None:
        self._path = path
        self._size_bytes = size_bytes

    def hold(self) -> bool:
        """True if it is there now; it is made where it is not, and where there is room."""
        try:
            if self._path.stat().st_size == self._size_bytes:
                return True
        except FileNotFoundError:
            pass
        except OSError:
            return False
        return self._make()

    def release(self) -> None:
        """Give its room back to the disk."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError:
            return  # a disk that takes no changes at all is told of by whoever wants to change it

    def _make(self) -> bool:
        # Each connection of the program may be at it.
        part = self._path.with_name(f"{self._path.name}.{threading.get_ident()}")
        try:
            with part.open("wb") as file:
                # Noise: a file system that compresses would give nothing back for zeros.
                file.write(os.urandom(self._size_bytes))
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._path)
        except OSError:
            part.unlink(missing_ok=True)
            return False
        return True
