"""A name for each of several archivers on one machine, the same again after a restart."""

from __future__ import annotations

import hashlib
import socket

from edge.errors import EdgeError

# Two share the load; a third takes over where one is being replaced.
_MAX_SLOTS = 64


class Slot:
    """A name made of a purpose and the lowest number that no other process on this machine holds for it.

    It is held by an abstract Unix socket, which the kernel gives back however the process ends.
    """

    def __init__(self, purpose: str) -> None:
        digest = hashlib.sha256(purpose.encode()).hexdigest()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        for number in range(_MAX_SLOTS):
            try:
                self._socket.bind(f"\0edge-archive-{digest[:32]}-{number}")
            except OSError:
                continue
            self.name = f"{digest[:6]}-{number}"
            return
        self._socket.close()
        raise EdgeError(f"edge archive: expected fewer than {_MAX_SLOTS} of the same on this machine")

    def close(self) -> None:
        """Give it back."""
        self._socket.close()
