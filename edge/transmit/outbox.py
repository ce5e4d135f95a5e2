"""The durable queue of what must go out, and the newest of what is retained.

It lives in the store's file, so that an alert is queued in the same transaction that marks its tile done.
A row leaves when the far side took it; what can never go stays as dead, with its reason, for the operator.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from itertools import groupby
from typing import Annotated, cast

import msgspec
from msgspec import Meta

from edge.database import Database, instant_text
from edge.monitor.finding import Severity
from edge.transmit.uplink import Outgoing

# AUTOINCREMENT: a seq is never used twice, so a late answer cannot delete a newer row.
SCHEMA = (
    "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    """CREATE TABLE outbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        state TEXT NOT NULL CHECK (state IN ('waiting', 'dead')),
        topic TEXT NOT NULL,
        qos INTEGER NOT NULL,
        alert_id TEXT,
        severity TEXT,
        worth INTEGER NOT NULL,
        enqueued_at TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        reason TEXT,
        crc32 INTEGER NOT NULL,
        size_bytes INTEGER NOT NULL,
        payload BLOB NOT NULL
    ) STRICT""",
    "CREATE INDEX outbox_by_worth ON outbox (state, worth, seq, size_bytes)",
    """CREATE TABLE retained (
        topic TEXT PRIMARY KEY,
        version INTEGER NOT NULL,
        is_dirty INTEGER NOT NULL,
        payload BLOB NOT NULL
    ) STRICT""",
)

# Which row's turn it is: severe words first, then the order of the rows. Message.worth is 6 for severe words
# and 8 for extreme ones.
TURNS = (
    "ALTER TABLE outbox ADD COLUMN lane INTEGER NOT NULL DEFAULT 1",
    "UPDATE outbox SET lane = worth NOT IN (6, 8)",
    "CREATE INDEX outbox_by_turn ON outbox (lane, seq) WHERE state = 'waiting'",
)

# What is retained goes out in this order on every connect; the last level of its topic decides.
_RETAINED_ORDER = ("open", "inventory", "health")

_OBSERVATION = "observation"

# The attempts from which a row waits in the last lane: once among others, twice alone.
_LAST_FROM = 3


class OutboxSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How much may wait."""

    # Bytes of payload that may wait; beyond, refused messages go first, then the least severe, pictures
    # before words, the oldest first. 200 MB are 4,000 alerts with two pictures each.
    max_bytes: Annotated[int, Meta(ge=100_000)] = 200_000_000


class Lane(IntEnum):
    """Which rows go before which others; within a lane they go in order."""

    URGENT = 0
    ORDINARY = 1
    # Broke the connection when they travelled alone: they must not hold up the others.
    LAST = 2


class State(StrEnum):
    """Where a row stands; a delivered one is gone."""

    WAITING = "waiting"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to be sent once.

    alert_id    the alert it belongs to, or None for an observation
    severity    of that alert, or None likewise: it is worth least
    is_picture  True for evidence, which is given up before the words of the same severity
    """

    topic: str
    payload: bytes = field(repr=False)
    qos: int = 1
    alert_id: str | None = None
    severity: Severity | None = None
    is_picture: bool = False

    @property
    def lane(self) -> Lane:
        """The words of a severe alert overtake everything else that waits; its pictures do not."""
        is_severe = self.severity in (Severity.SEVERE, Severity.EXTREME)
        return Lane.URGENT if is_severe and not self.is_picture else Lane.ORDINARY

    @property
    def worth(self) -> int:
        """The lower, the sooner it is given up when the outbox is full."""
        return 0 if self.severity is None else 2 * self.severity.rank + (1 if self.is_picture else 2)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row as the operator sees it."""

    seq: int
    state: State
    topic: str
    alert_id: str | None
    severity: str | None
    enqueued_at: str
    attempts: int
    size_bytes: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class OutboxStatistics:
    """What waits, and what was lost.

    n_dropped  messages given up for lack of room since the state began, by severity or "observation"
    """

    n_waiting: int
    n_dead: int
    size_bytes: int
    n_dropped: Mapping[str, int]


class Outbox:
    """The queue over one connection; it belongs to the thread that made it."""

    def __init__(self, database: Database, settings: OutboxSettings) -> None:
        self._database = database
        self._settings = settings
        # Bytes that surely still fit, or less: all others that write here only take away. Not counted yet.
        self._room_bytes = 0

    def put(self, messages: Sequence[Message], enqueued_at: datetime) -> None:
        """Queue messages in this order, inside the caller's transaction."""
        at = instant_text(enqueued_at)
        self._database.change_many(
            "INSERT INTO outbox (state, topic, qos, alert_id, severity, worth, lane, enqueued_at, crc32, "
            "size_bytes, payload) VALUES ('waiting', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    *(message.topic, message.qos, message.alert_id, message.severity),
                    *(message.worth, message.lane, at, crc_of(message.topic, message.payload)),
                    *(len(message.payload), message.payload),
                )
                for message in messages
            ],
        )
        self._room_bytes -= sum(len(message.payload) for message in messages)
        if messages and self._room_bytes < 0:
            self._make_room()

    def put_retained(self, topic: str, payload: bytes) -> None:
        """Replace the state under a topic, inside the caller's transaction; b"" clears it at the broker."""
        self._database.change(
            "INSERT INTO retained (topic, version, is_dirty, payload) VALUES (?, 1, 1, ?) "
            "ON CONFLICT (topic) DO UPDATE SET version = version + 1, is_dirty = 1, "
            "payload = excluded.payload WHERE payload != excluded.payload",
            (topic, payload),
        )

    def set_retained(self, topic: str, payload: bytes) -> None:
        """Replace the state under a topic; the same again costs no write."""
        if self._database.rows("SELECT 1 FROM retained WHERE topic = ? AND payload = ?", (topic, payload)):
            return
        # One row for each topic: it takes no room of those that make it.
        self._database.freeing(lambda: self._set_retained(topic, payload))

    def _set_retained(self, topic: str, payload: bytes) -> None:
        with self._database.transaction():
            self.put_retained(topic, payload)

    def waiting(self, after_seq: int, limit: int, lane: Lane = Lane.ORDINARY) -> list[Outgoing]:
        """The next waiting messages of a lane, in order; a row damaged on the disk goes to dead instead."""
        rows = self._database.rows(
            "SELECT seq, topic, qos, crc32, payload, attempts FROM outbox INDEXED BY outbox_by_turn "
            "WHERE state = 'waiting' AND lane = ? AND seq > ? ORDER BY seq LIMIT ?",
            (lane, after_seq, limit),
        )
        found = cast("list[tuple[int, str, int, int, bytes, int]]", rows)
        damaged = [seq for seq, topic, _, crc, payload, _ in found if crc_of(topic, payload) != crc]
        for seq in damaged:
            self.refuse(seq, "damaged on the disk: its CRC does not match")
        return [
            Outgoing(topic, payload, qos=qos, seq=seq, is_suspect=attempts > 0)
            for seq, topic, qos, _, payload, attempts in found
            if seq not in damaged
        ]

    def row(self, seq: int) -> Outgoing | None:
        """One waiting message, or None where it left, was refused, or is damaged on the disk."""
        rows = self._database.rows(
            "SELECT topic, qos, crc32, payload, attempts FROM outbox WHERE seq = ? AND state = 'waiting'",
            (seq,),
        )
        for topic, qos, crc, payload, attempts in cast("list[tuple[str, int, int, bytes, int]]", rows):
            if crc_of(topic, payload) == crc:
                return Outgoing(topic, payload, qos=qos, seq=seq, is_suspect=attempts > 0)
            self.refuse(seq, "damaged on the disk: its CRC does not match")
        return None

    def retained(self, *, only_dirty: bool) -> list[Outgoing]:
        """The newest of each state: open, inventory, health, then the rest."""
        rows = self._database.rows(
            "SELECT topic, payload, version FROM retained WHERE is_dirty >= ? ORDER BY topic",
            (int(only_dirty),),
        )
        found = [
            Outgoing(topic, payload, is_retained=True, version=version)
            for topic, payload, version in cast("list[tuple[str, bytes, int]]", rows)
        ]
        return sorted(found, key=lambda outgoing: _retained_rank(outgoing.topic))

    def settle(self, taken: Iterable[Outgoing]) -> None:
        """The far side took these: queued rows leave, states are clean unless replaced meanwhile."""
        taken = list(taken)
        rows = [(outgoing.seq,) for outgoing in taken if outgoing.seq is not None]
        states = [(outgoing.topic, outgoing.version) for outgoing in taken if outgoing.version is not None]
        if rows or states:
            self._database.freeing(lambda: self._settle(rows, states))

    def _settle(self, rows: Sequence[tuple[int]], states: Sequence[tuple[str, int]]) -> None:
        with self._database.transaction():
            self._database.change_many("DELETE FROM outbox WHERE seq = ?", rows)
            self._database.change_many(
                "DELETE FROM retained WHERE topic = ? AND version = ? AND length(payload) = 0", states
            )
            self._database.change_many(
                "UPDATE retained SET is_dirty = 0 WHERE topic = ? AND version = ? AND is_dirty", states
            )

    def refuse(self, seq: int, reason: str) -> None:
        """This row can never go: keep it as dead, with the reason."""
        # On a full disk too: it would hold up those behind it.
        self._database.freeing(lambda: self._refuse(seq, reason))

    def _refuse(self, seq: int, reason: str) -> None:
        with self._database.transaction():
            self._database.change(
                "UPDATE outbox SET state = 'dead', attempts = attempts + 1, reason = ? WHERE seq = ?",
                (reason, seq),
            )

    def failed(self, seqs: Sequence[int], max_attempts: int) -> int:
        """Count an attempt that got no answer for each; how many rows are dead now, having had too many.

        A row that was on its way among others is suspect and goes alone from then on; one that breaks the
        connection alone goes after all others.
        """
        return self._database.freeing(lambda: self._failed(seqs, max_attempts))

    def _failed(self, seqs: Sequence[int], max_attempts: int) -> int:
        reason = f"the connection broke {max_attempts} times while this was sent"
        with self._database.transaction():
            self._database.change_many(
                "UPDATE outbox SET attempts = attempts + 1, lane = iif(attempts + 1 < ?, lane, ?) "
                "WHERE seq = ? AND state = 'waiting'",
                [(_LAST_FROM, Lane.LAST, seq) for seq in seqs],
            )
            return sum(
                self._database.change(
                    "UPDATE outbox SET state = 'dead', reason = ? WHERE seq = ? AND attempts >= ?",
                    (reason, seq, max_attempts),
                )
                for seq in seqs
            )

    def entries(self, state: State | None = None) -> list[Entry]:
        """What is in the outbox, in order; without a state, all of it."""
        rows = self._database.rows(
            "SELECT seq, state, topic, alert_id, severity, enqueued_at, attempts, size_bytes, reason "
            "FROM outbox WHERE state = ifnull(?, state) ORDER BY seq",
            (state,),
        )
        found = cast("list[tuple[int, str, str, str | None, str | None, str, int, int, str | None]]", rows)
        return [Entry(row[0], State(row[1]), *row[2:]) for row in found]

    def retry(self, seqs: Sequence[int] | None = None) -> int:
        """Let dead rows wait again, at the end of the queue; how many. Without seqs: all."""
        with self._database.transaction():
            chosen = self._chosen(State.DEAD, seqs)
            self._database.change_many(
                "INSERT INTO outbox (state, topic, qos, alert_id, severity, worth, lane, enqueued_at, "
                "crc32, size_bytes, payload) SELECT 'waiting', topic, qos, alert_id, severity, worth, "
                "worth NOT IN (6, 8), enqueued_at, crc32, size_bytes, payload FROM outbox WHERE seq = ?",
                chosen,
            )
            self._database.change_many("DELETE FROM outbox WHERE seq = ?", chosen)
        return len(chosen)

    def drop(self, seqs: Sequence[int] | None = None) -> int:
        """Delete rows for good; how many. Without seqs: all that are dead."""
        with self._database.transaction():
            chosen = self._chosen(State.DEAD if seqs is None else None, seqs)
            self._database.change_many("DELETE FROM outbox WHERE seq = ?", chosen)
        return len(chosen)

    def statistics(self) -> OutboxStatistics:
        """What waits, and what was lost."""
        sums = self._sums()
        drops = self._database.rows(
            "SELECT name, value FROM counters WHERE name LIKE 'dropped:%' ORDER BY name"
        )
        return OutboxStatistics(
            n_waiting=sums.get(State.WAITING, (0, 0))[0],
            n_dead=sums.get(State.DEAD, (0, 0))[0],
            size_bytes=sum(size for _, size in sums.values()),
            n_dropped={str(name).removeprefix("dropped:"): int(value or 0) for name, value in drops},
        )

    def close(self) -> None:
        """Give the connection back."""
        self._database.close()

    def _sums(self) -> dict[str, tuple[int, int]]:
        rows = self._database.rows("SELECT state, count(*), sum(size_bytes) FROM outbox GROUP BY state")
        return {str(state): (int(count or 0), int(size or 0)) for state, count, size in rows}

    def _chosen(self, state: State | None, seqs: Sequence[int] | None) -> list[tuple[int]]:
        found = [entry.seq for entry in self.entries(state)]
        return [(seq,) for seq in found if seqs is None or seq in set(seqs)]

    def _make_room(self) -> None:
        """Count what there is, and give up what is too much."""
        excess = sum(size for _, size in self._sums().values()) - self._settings.max_bytes
        self._room_bytes = max(0, -excess)
        while excess > 0:
            rows = self._database.rows(
                "SELECT seq, state, severity, size_bytes FROM outbox ORDER BY state, worth, seq LIMIT 64"
            )
            given_up = []
            for row in cast("list[tuple[int, str, str | None, int]]", rows):
                if excess <= 0:
                    break
                given_up.append(row)
                excess -= row[3]
            self._database.change_many("DELETE FROM outbox WHERE seq = ?", [(row[0],) for row in given_up])
            self._count_drops(row[2] or _OBSERVATION for row in given_up if row[1] == State.WAITING)

    def _count_drops(self, severities: Iterable[str]) -> None:
        for severity, group in groupby(severities):
            add_to_counter(self._database, f"dropped:{severity}", len(list(group)))


def add_to_counter(database: Database, name: str, n: int) -> int:
    """Add to a count that outlives the process, inside the caller's transaction; its new value."""
    rows = database.rows(
        "INSERT INTO counters (name, value) VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET value = value + excluded.value RETURNING value",
        (name, n),
    )
    return int(rows[0][0] or 0)


def crc_of(topic: str, payload: bytes) -> int:
    """What a row keeps to tell later whether the disk gave back what it was given."""
    return zlib.crc32(payload, zlib.crc32(topic.encode()))


def _retained_rank(topic: str) -> int:
    last = topic.rpartition("/")[2]
    return _RETAINED_ORDER.index(last) if last in _RETAINED_ORDER else len(_RETAINED_ORDER)
