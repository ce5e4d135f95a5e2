"""What the satellite modem must not forget: which alerts went over it, and what a day has cost.

An alert that went over the modem stays in the outbox: the whole of it, with its pictures, still goes to the
broker, and both copies have one id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import cast

from edge.database import Database
from edge.monitor.finding import Severity
from edge.transmit.outbox import crc_of
from edge.transmit.uplink import Outgoing

SCHEMA = (
    "CREATE TABLE satmodem_carried (seq INTEGER PRIMARY KEY) STRICT",
    "CREATE TABLE satmodem_spent (day TEXT PRIMARY KEY, n_bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID",
)


class ModemLedger:
    """Both lists over one connection; it belongs to the thread that made it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def close(self) -> None:
        """Give the connection back."""
        self._database.close()

    def waiting(self, min_severity: Severity, limit: int) -> list[Outgoing]:
        """The words of alerts that did not go over the modem yet: the most severe first, then in order."""
        # Message.worth is even for words and odd for pictures, and grows with the severity.
        rows = self._database.rows(
            "SELECT seq, topic, crc32, payload FROM outbox WHERE state = 'waiting' AND worth >= ? "
            "AND worth % 2 = 0 AND seq NOT IN (SELECT seq FROM satmodem_carried) "
            "ORDER BY worth DESC, seq LIMIT ?",
            (2 * min_severity.rank + 2, limit),
        )
        found = cast("list[tuple[int, str, int, bytes]]", rows)
        # A damaged row is the outbox's own business: it says so when its turn comes.
        return [
            Outgoing(topic, payload, seq=seq)
            for seq, topic, crc, payload in found
            if crc_of(topic, payload) == crc
        ]

    def carry(self, seqs: Iterable[int]) -> None:
        """These need not go over the modem any more; those that have left the outbox are forgotten."""
        carried = [(seq,) for seq in seqs]
        # On a full disk too, as with what a day has cost: what is not noted would be sent and paid again.
        self._database.freeing(lambda: self._carry(carried))

    def _carry(self, carried: Sequence[tuple[int]]) -> None:
        with self._database.transaction():
            self._database.change_many("INSERT OR IGNORE INTO satmodem_carried (seq) VALUES (?)", carried)
            self._database.change("DELETE FROM satmodem_carried WHERE seq NOT IN (SELECT seq FROM outbox)")

    def spent_bytes(self, day: date) -> int:
        """What was billed on a day of UTC, as far as we know."""
        rows = self._database.rows("SELECT n_bytes FROM satmodem_spent WHERE day = ?", (day.isoformat(),))
        return int(rows[0][0] or 0) if rows else 0

    def spend(self, day: date, n_bytes: int) -> None:
        """Add to what a day has cost; less than 0 gives back what was not used after all.

        Only the newest day is kept, in the order in which days were used: a clock that jumps begins anew.
        """
        self._database.freeing(lambda: self._spend(day, n_bytes))

    def _spend(self, day: date, n_bytes: int) -> None:
        with self._database.transaction():
            self._database.change("DELETE FROM satmodem_spent WHERE day != ?", (day.isoformat(),))
            self._database.change(
                "INSERT INTO satmodem_spent (day, n_bytes) VALUES (?, max(0, ?)) "
                "ON CONFLICT (day) DO UPDATE SET n_bytes = max(0, n_bytes + ?)",
                (day.isoformat(), n_bytes, n_bytes),
            )
