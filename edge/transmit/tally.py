"""What the sending thread counts, and what other threads read of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from edge.errors import StoreCorrupt


@dataclass(frozen=True, slots=True)
class LinkStatistics:
    """How the link is.

    mqtt            "5" or "3.1.1", what is spoken now or was last; None before the first connection
    last_ack_age_s  since the broker last took something, or None where it did not since the start
    n_delivered     queued messages that the broker, or with e2e the archive, said it has, since the start
    n_unconfirmed   queued messages taken by a broker of MQTT 3.1.1, which answers alike to what it denies
                    and to what it takes
    refused         messages refused since the start, by reason: the broker's, or ours before it was asked
    lost            connections that failed or ended since the start, by reason
    fault           why there is no connection, or None where there is one or none was tried yet
    n_restarts      how often the thread had to be replaced since the start: a fault of this program
    """

    is_connected: bool
    mqtt: str | None
    last_ack_age_s: float | None
    n_delivered: int
    n_unconfirmed: int
    refused: Mapping[str, int]
    lost: Mapping[str, int]
    fault: str | None
    n_restarts: int = 0

    @property
    def n_refused(self) -> int:
        """Messages refused since the start, for whatever reason."""
        return sum(self.refused.values())


class Tally:
    """One thread counts here and others read; each attribute changes at once, a copied counter is whole."""

    def __init__(self) -> None:
        self.is_connected = False
        self.mqtt: str | None = None
        self.last_ack_at: float | None = None
        self.last_turn_at = time.monotonic()
        self.n_delivered = 0
        self.n_unconfirmed = 0
        self.refused: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.fault: str | None = None
        self.n_restarts = 0
        self.damage: StoreCorrupt | None = None

    @property
    def n_taken(self) -> int:
        """Queued messages that are off our hands."""
        return self.n_delivered + self.n_unconfirmed

    def up(self, mqtt: str) -> None:
        """A connection stands."""
        self.is_connected, self.mqtt, self.fault = True, mqtt, None

    def down(self, fault: str, reason: str) -> bool:
        """There is none any more; True if that is news."""
        is_news = fault != self.fault
        self.is_connected, self.fault = False, fault
        self.lost[reason] += 1
        return is_news

    def lose(self) -> None:
        """The thread is gone, and with it the connection."""
        self.is_connected = False

    def took(self, *, is_queued: bool) -> None:
        """The broker answered for a message."""
        self.last_ack_at = time.monotonic()
        if is_queued and self.mqtt == "5":
            self.n_delivered += 1
        elif is_queued:
            self.n_unconfirmed += 1

    def stored(self, n: int) -> None:
        """The desk's archive has stored so many messages, whatever the broker's version tells."""
        self.n_delivered += n

    def statistics(self) -> LinkStatistics:
        """All of it, at this moment."""
        last_ack_at = self.last_ack_at
        return LinkStatistics(
            is_connected=self.is_connected,
            mqtt=self.mqtt,
            last_ack_age_s=None if last_ack_at is None else time.monotonic() - last_ack_at,
            n_delivered=self.n_delivered,
            n_unconfirmed=self.n_unconfirmed,
            refused=self.refused.copy(),
            lost=self.lost.copy(),
            fault=self.fault,
            n_restarts=self.n_restarts,
        )
