"""The durable queue of commands that came, the answers that wait to go, and the ids that were used.

It lives in the store's file: what a command does, its answer and its id are written in one transaction, so a
command is done once, whatever fails in between.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from edge.database import Database
from edge.transmit.command import Command
from edge.transmit.uplink import Outgoing

SCHEMA = (
    """CREATE TABLE commands (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        via TEXT NOT NULL,
        verb TEXT NOT NULL,
        payload BLOB NOT NULL,
        is_repeat INTEGER NOT NULL,
        reply_topic TEXT,
        correlation BLOB,
        attempts INTEGER NOT NULL DEFAULT 0,
        reply BLOB
    ) STRICT""",
    "CREATE TABLE command_ids (id TEXT PRIMARY KEY, expires_s INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE INDEX command_ids_by_age ON command_ids (expires_s)",
    # The instant up to which ids were forgotten: a command that expires by then may be a replay.
    "CREATE TABLE command_floor (one INTEGER PRIMARY KEY CHECK (one = 1), expires_s INTEGER NOT NULL) STRICT",
    "INSERT INTO command_floor VALUES (1, 0)",
)

# A desk sends a few; what comes beyond is a mistake or an attack, and is told so.
MAX_WAITING = 64
MAX_REPLIES = 64

# Ids that have not expired; with more of them the soonest to expire are given up, and what expires
# by then is taken for a replay.
MAX_IDS = 2000


@dataclass(frozen=True, slots=True)
class Received:
    """A command that came by a link, well formed.

    via          the link: mqtt, sbd
    payload      its JSON
    is_repeat    True where the broker was not sure whether we had it
    reply_topic  where the answer goes, or None where nobody asked for one
    """

    via: str
    verb: str
    payload: bytes = field(repr=False)
    is_repeat: bool = False
    reply_topic: str | None = None
    correlation: bytes | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A received command at its place in the queue.

    attempts  how often it was begun before and not ended: the power failed, or it brought the program down
    """

    seq: int
    received: Received
    attempts: int


class Inbox:
    """The queue over one connection; it belongs to the thread that made it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, received: Received) -> bool:
        """Queue a command; on the disk when this returns True. False where too many wait."""
        with self._database.transaction():
            if self.n_waiting() >= MAX_WAITING:
                return False
            self._database.change(
                "INSERT INTO commands (via, verb, payload, is_repeat, reply_topic, correlation) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (
                    *(received.via, received.verb, received.payload, int(received.is_repeat)),
                    *(received.reply_topic, received.correlation),
                ),
            )
        return True

    def next(self) -> Waiting | None:
        """The oldest command that is not done."""
        rows = self._database.rows(
            "SELECT seq, via, verb, payload, is_repeat, reply_topic, correlation, attempts "
            "FROM commands WHERE reply IS NULL ORDER BY seq LIMIT 1"
        )
        found = cast("list[tuple[int, str, str, bytes, int, str | None, bytes | None, int]]", rows)
        return next(
            (
                Waiting(seq, Received(via, verb, payload, bool(is_repeat), topic, correlation), attempts)
                for seq, via, verb, payload, is_repeat, topic, correlation, attempts in found
            ),
            None,
        )

    def begin(self, seq: int) -> None:
        """Write down that this command is being done."""
        with self._database.transaction():
            self._database.change("UPDATE commands SET attempts = attempts + 1 WHERE seq = ?", (seq,))

    def end(self, seq: int, reply: bytes | None) -> None:
        """The command is done or refused, inside the caller's transaction; None: nobody is told."""
        if reply is None:
            self._database.change("DELETE FROM commands WHERE seq = ?", (seq,))
            return
        self._database.change("DELETE FROM commands WHERE seq = ? AND reply_topic IS NULL", (seq,))
        self._database.change("UPDATE commands SET reply = ? WHERE seq = ?", (reply, seq))
        self._database.change(
            "DELETE FROM commands WHERE reply IS NOT NULL AND seq NOT IN "
            "(SELECT seq FROM commands WHERE reply IS NOT NULL ORDER BY seq DESC LIMIT ?)",
            (MAX_REPLIES,),
        )

    def replies(self, after_seq: int) -> list[Outgoing]:
        """The answers that wait, in order, from behind a row on."""
        rows = self._database.rows(
            "SELECT seq, reply_topic, reply, correlation FROM commands "
            "WHERE reply IS NOT NULL AND seq > ? ORDER BY seq",
            (after_seq,),
        )
        found = cast("list[tuple[int, str, bytes, bytes | None]]", rows)
        return [
            Outgoing(topic, reply, correlation=correlation, reply_seq=seq)
            for seq, topic, reply, correlation in found
        ]

    def forget(self, seq: int) -> None:
        """The answer was taken, or never will be."""
        self._database.freeing(lambda: self._forget(seq))

    def _forget(self, seq: int) -> None:
        with self._database.transaction():
            self._database.change("DELETE FROM commands WHERE seq = ?", (seq,))

    def n_waiting(self) -> int:
        """Commands that are not done."""
        return int(self._database.rows("SELECT count(*) FROM commands WHERE reply IS NULL")[0][0] or 0)

    def is_replay(self, command: Command) -> bool:
        """True if this id was used, or may have been."""
        used = self._database.rows("SELECT 1 FROM command_ids WHERE id = ?", (command.id,))
        return bool(used) or _seconds(command.expires_at) <= self._floor_s()

    def remember(self, command: Command, now: datetime | None) -> None:
        """Note that this id is used, inside the caller's transaction.

        now  by a trusted clock: ids that have expired are let go; None: they are kept while there is room
        """
        expires_s = _seconds(command.expires_at)
        self._database.change(
            "INSERT OR REPLACE INTO command_ids (id, expires_s) VALUES (?, ?)", (command.id, expires_s)
        )
        if now is not None:
            self._forget_ids_until(_seconds(now))
        rows = self._database.rows(
            "SELECT expires_s FROM command_ids ORDER BY expires_s DESC LIMIT 1 OFFSET ?", (MAX_IDS,)
        )
        if rows:
            self._forget_ids_until(int(rows[0][0] or 0))

    def raise_floor(self, known_s: int) -> None:
        """Used ids were lost: what expires before the last that are known may be a replay. In a transaction.

        known_s  an instant that surely passed, in seconds since 1970
        """
        self._database.change(
            "INSERT INTO command_floor (one, expires_s) "
            "SELECT 1, max(?, ifnull(max(expires_s), 0)) FROM command_ids WHERE true "
            "ON CONFLICT (one) DO UPDATE SET expires_s = max(expires_s, excluded.expires_s)",
            (known_s,),
        )

    def close(self) -> None:
        """Give the connection back."""
        self._database.close()

    def _floor_s(self) -> int:
        return int(self._database.rows("SELECT expires_s FROM command_floor")[0][0] or 0)

    def _forget_ids_until(self, until_s: int) -> None:
        """Let go of what expires by then.

        The floor is raised to what was really used, never to what a clock says: one that was wrong for a
        moment would shut the device to commands for years.
        """
        last = self._database.rows("SELECT max(expires_s) FROM command_ids WHERE expires_s <= ?", (until_s,))
        if last[0][0] is not None:
            self._database.change("DELETE FROM command_ids WHERE expires_s <= ?", (until_s,))
            self._database.change("UPDATE command_floor SET expires_s = max(expires_s, ?)", last[0])


def _seconds(instant: datetime) -> int:
    """Whole seconds, up: an id is never let go before its command has expired."""
    return -int(-instant.astimezone(UTC).timestamp() // 1)
