"""Keeps a sender running: one whose thread died or hangs is replaced, and what it counted goes on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from edge.transmit.sender import Sender
from edge.transmit.tally import LinkStatistics, Tally

log = logging.getLogger(__name__)

# Beyond all that a turn may take by the settings: a name server, a slow disk.
GRACE_S = 120.0


class Supervisor:
    """The sender of one device; whoever holds it asks it to `check` now and then."""

    def __init__(self, make: Callable[[Tally], Sender], grace_s: float = GRACE_S) -> None:
        """Prepare, without starting.

        make     a new sender that counts into a tally
        grace_s  a thread that does not turn for so long beyond what its settings allow hangs
        """
        self._make = make
        self._grace_s = grace_s
        self._tally = Tally()
        self._sender = make(self._tally)

    def start(self) -> None:
        """Start sending; a broker that cannot be reached is no error."""
        self._sender.start()

    def check(self) -> bool:
        """Replace the sender where its thread died of a fault, or does not turn any more; True if it did.

        Raises StoreCorrupt where it found the state damaged.
        """
        if self._tally.damage is not None:
            raise self._tally.damage
        if self._sender.is_alive and not self._is_stuck():
            return False
        what = "hangs" if self._sender.is_alive else "died"
        log.error("sender replaced: link=mqtt reason=its thread %s", what)
        self._sender.stop(timeout_s=0)
        self._tally.n_restarts += 1
        self._tally.is_connected = False
        self._sender = self._make(self._tally)
        self._sender.start()
        return True

    def wake(self) -> None:
        """Something was committed: send it now rather than at the next look."""
        self._sender.wake()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Say `stopped` and end; True if the thread ended in time. What waits stays in the outbox."""
        return self._sender.stop(timeout_s)

    def statistics(self) -> LinkStatistics:
        """How the link is, at this moment."""
        return self._tally.statistics()

    def _is_stuck(self) -> bool:
        return time.monotonic() - self._tally.last_turn_at > self._sender.longest_turn_s + self._grace_s
