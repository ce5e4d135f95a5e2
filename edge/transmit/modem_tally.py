"""What the satellite modem's thread counts, and other threads read."""

from __future__ import annotations

import time
from dataclasses import dataclass

from edge.errors import StoreCorrupt
from edge.transmit.sbd import ModemState


@dataclass(frozen=True, slots=True)
class ModemStatistics:
    """How the satellite modem is.

    detail              what is wrong, or None where nothing is
    signal              bars at the last try, or None before the first
    n_sent              alerts that arrived since the start
    n_received          messages to the device since the start
    spent_bytes         billed today, as far as we know
    last_session_age_s  since the last session that worked, or None before the first
    n_restarts          how often the thread had to be replaced since the start: a fault of this program
    """

    state: ModemState
    detail: str | None
    signal: int | None
    n_sent: int
    n_received: int
    spent_bytes: int
    last_session_age_s: float | None
    n_restarts: int = 0


class ModemTally:
    """Written by one thread; each attribute changes at once."""

    def __init__(self) -> None:
        self.state = ModemState.STANDBY
        self.detail: str | None = None
        self.signal: int | None = None
        self.n_sent = 0
        self.n_received = 0
        self.spent_bytes = 0
        self.last_session_at: float | None = None
        self.last_turn_at = time.monotonic()
        self.n_restarts = 0
        self.damage: StoreCorrupt | None = None

    def become(self, state: ModemState, detail: str | None = None) -> None:
        """Be in a state; a fault stands until a session worked or none is needed."""
        self.state = state
        if state is not ModemState.SENDING:
            self.detail = detail

    def lose(self) -> None:
        """The thread is gone, and with it its session."""
        self.become(ModemState.STANDBY)

    def statistics(self) -> ModemStatistics:
        """All of it, at this moment."""
        last = self.last_session_at
        return ModemStatistics(
            state=self.state,
            detail=self.detail,
            signal=self.signal,
            n_sent=self.n_sent,
            n_received=self.n_received,
            spent_bytes=self.spent_bytes,
            last_session_age_s=None if last is None else time.monotonic() - last,
            n_restarts=self.n_restarts,
        )
