"""Keeps a sender running: one whose thread died or hangs is replaced, and what it counted goes on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from edge.errors import StoreCorrupt

log = logging.getLogger(__name__)

# Beyond all that a turn may take by the settings: a name server, a slow disk.
GRACE_S = 120.0
# A sender that dies at once would do so for ever: each wait is twice as long as the one before, up to this.
MAX_WAIT_S = 300.0
# One that ran for so long before is replaced at once again.
_GOOD_AFTER_S = 600.0


class Sending(Protocol):
    """A thread that sends."""

    def start(self) -> None:
        """Start; a far side that is not there is no error."""

    def stop(self, timeout_s: float = 5.0) -> bool:
        """End; True if the thread ended in time."""

    @property
    def is_alive(self) -> bool:
        """False where the thread has ended."""

    @property
    def longest_turn_s(self) -> float:
        """What one turn may take by the settings."""


StatisticsT_co = TypeVar("StatisticsT_co", covariant=True)
SendingT = TypeVar("SendingT", bound=Sending)


class Tallied(Protocol[StatisticsT_co]):
    """What a sender counts, and what outlives it."""

    last_turn_at: float
    n_restarts: int
    damage: StoreCorrupt | None

    def lose(self) -> None:
        """The sender is gone; a new one will begin."""

    def statistics(self) -> StatisticsT_co:
        """All of it, at this moment."""


class Supervisor(Generic[SendingT, StatisticsT_co]):
    """One sender after the other; whoever holds it asks it to `check` now and then."""

    def __init__(
        self,
        link: str,
        make: Callable[[], SendingT],
        tally: Tallied[StatisticsT_co],
        grace_s: float = GRACE_S,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare, without starting.

        link     its name, for the log
        make     a new sender, that counts into the tally
        grace_s  a thread that does not turn for so long beyond what its settings allow hangs
        ticks    the monotonic clock
        """
        self._link = link
        self._make = make
        self._tally = tally
        self._grace_s = grace_s
        self._ticks = ticks
        self._n_in_a_row = 0
        self.sender = make()
        self._made_at = self._not_before = ticks()

    def start(self) -> None:
        """Start sending; a far side that is not there is no error."""
        self.sender.start()

    def check(self) -> bool:
        """Replace the sender where its thread died of a fault, or does not turn any more; True if it did.

        Raises StoreCorrupt where it found the state damaged.
        """
        if self._tally.damage is not None:
            raise self._tally.damage
        if (self.sender.is_alive and not self._is_stuck()) or self._ticks() < self._not_before:
            return False
        what = "hangs" if self.sender.is_alive else "died"
        log.error("sender replaced: link=%s reason=its thread %s", self._link, what)
        self._wait_longer_next_time()
        self.sender.stop(timeout_s=0)
        self._tally.n_restarts += 1
        self._tally.lose()
        self.sender = self._make()
        self.sender.start()
        return True

    def stop(self, timeout_s: float = 5.0) -> bool:
        """End; True if the thread ended in time. What waits stays in the outbox."""
        return self.sender.stop(timeout_s)

    def statistics(self) -> StatisticsT_co:
        """How the link is, at this moment."""
        return self._tally.statistics()

    def _wait_longer_next_time(self) -> None:
        now = self._ticks()
        self._n_in_a_row = 1 if now - self._made_at > _GOOD_AFTER_S else self._n_in_a_row + 1
        self._made_at = now
        # The exponent is bounded so that years of failures do not overflow.
        self._not_before = now + min(MAX_WAIT_S, 2.0 ** min(self._n_in_a_row - 1, 30))

    def _is_stuck(self) -> bool:
        return time.monotonic() - self._tally.last_turn_at > self.sender.longest_turn_s + self._grace_s
