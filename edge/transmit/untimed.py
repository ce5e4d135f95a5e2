"""Alerts that were made while nobody vouched for the clock, until their time is put right.

It lives in the store's file: an alert is noted in the transaction that makes it. What is noted is when the
boot was by the clock of that moment; once the clock is known, the difference to the true boot is the error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from edge.clock import Clock, Reading
from edge.database import Database, instant_text
from edge.transmit.alert import Alert

SCHEMA = (
    """CREATE TABLE untimed (
        sequence INTEGER PRIMARY KEY,
        boot_id TEXT NOT NULL,
        booted_at TEXT NOT NULL,
        clock TEXT NOT NULL
    ) STRICT""",
)

# A battery clock that was wrong by less tells the time well enough; saying it again would only be noise.
RTC_IS_GOOD_S = 60.0
# A device that never learns the time must not remember every alert for ever.
_MAX_NOTED = 1000


@dataclass(frozen=True, slots=True)
class Untimed:
    """One alert with a doubtful time.

    error  by which the clock that made it was behind
    """

    sequence: int
    error: timedelta


class UntimedAlerts:
    """Which alerts they are, over one connection."""

    def __init__(self, database: Database, ticks: Callable[[], float], boot_id: Callable[[], str]) -> None:
        self._database = database
        self._ticks = ticks
        self._boot_id = boot_id

    def note(self, alerts: Sequence[Alert]) -> None:
        """Note those of these alerts that need it, inside the caller's transaction."""
        doubtful = [alert for alert in alerts if not Clock(alert.clock).is_known]
        if not doubtful:
            return
        up, boot_id = timedelta(seconds=self._ticks()), self._boot_id()
        self._database.change_many(
            "INSERT INTO untimed (sequence, boot_id, booted_at, clock) VALUES (?, ?, ?, ?)",
            [
                (alert.sequence, boot_id, instant_text(alert.recorded_at - up), alert.clock)
                for alert in doubtful
            ],
        )
        self._database.change(
            "DELETE FROM untimed WHERE sequence <= (SELECT max(sequence) FROM untimed) - ?", (_MAX_NOTED,)
        )

    def take(self, known: Reading) -> list[Untimed]:
        """Those whose error can be told now, in order; all are forgotten, inside the caller's transaction.

        Of an earlier boot nobody can say any more how long ago it was: its alerts keep the time they have.
        """
        rows = self._database.rows(
            "SELECT sequence, booted_at, clock FROM untimed WHERE boot_id = ? ORDER BY sequence",
            (self._boot_id(),),
        )
        found = [
            (Untimed(sequence, known.booted_at - datetime.fromisoformat(booted_at)), word)
            for sequence, booted_at, word in cast("list[tuple[int, str, str]]", rows)
        ]
        self._database.change("DELETE FROM untimed")
        return [one for one, word in found if not _is_good_enough(one, word)]

    @property
    def n_noted(self) -> int:
        """How many wait for the time."""
        return int(self._database.rows("SELECT count(*) FROM untimed")[0][0] or 0)


def _is_good_enough(untimed: Untimed, word: str) -> bool:
    return word == Clock.RTC and abs(untimed.error.total_seconds()) <= RTC_IS_GOOD_S
