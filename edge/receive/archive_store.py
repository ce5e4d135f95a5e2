"""The archive's tables, the same in SQLite and in PostgreSQL; every message is in them once.

Where the two databases differ, in types and in how a connection is made, a `Backend` knows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, cast

from edge.database import Database, Migration, Row, Value, instant_text
from edge.receive.record import AlertRecord, PictureRecord, Record, UnreadableRecord

# The words in braces are types, which the two databases name differently.
_SCHEMA = (
    """CREATE TABLE alerts (
        device TEXT NOT NULL,
        site TEXT NOT NULL,
        id TEXT NOT NULL,
        phase TEXT NOT NULL,
        sequence {integer} NOT NULL,
        kind TEXT NOT NULL,
        label TEXT,
        zone TEXT,
        severity TEXT NOT NULL,
        headline TEXT NOT NULL,
        confidence {real} NOT NULL,
        exercise {boolean} NOT NULL,
        seen_at {instant} NOT NULL,
        recorded_at {instant} NOT NULL,
        received_at {instant} NOT NULL,
        via TEXT NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (device, id, phase, sequence)
    ){strict}""",
    "CREATE INDEX alerts_by_time ON alerts (seen_at)",
    "CREATE INDEX alerts_by_site ON alerts (site, seen_at)",
    """CREATE TABLE evidence (
        device TEXT NOT NULL,
        site TEXT NOT NULL,
        alert_id TEXT NOT NULL,
        n {integer} NOT NULL,
        sha256 TEXT NOT NULL,
        received_at {instant} NOT NULL,
        jpeg {bytes} NOT NULL,
        PRIMARY KEY (device, alert_id, n, sha256)
    ){strict}""",
    """CREATE TABLE unreadable (
        digest TEXT PRIMARY KEY,
        topic TEXT NOT NULL,
        reason TEXT NOT NULL,
        received_at {instant} NOT NULL,
        payload {bytes} NOT NULL
    ){strict}""",
)

MIGRATIONS = (_SCHEMA,)

_SQLITE_TYPES = {
    "integer": "INTEGER",
    "real": "REAL",
    "boolean": "INTEGER",
    "instant": "TEXT",
    "bytes": "BLOB",
    "strict": " STRICT",
}

# A copy that came over a narrow link is shortened: the whole alert takes its place, never the other way.
_PUT_ALERT = (
    "INSERT INTO alerts (device, site, id, phase, sequence, kind, label, zone, severity, headline, "
    "confidence, exercise, seen_at, recorded_at, via, body, received_at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (device, id, phase, sequence) DO UPDATE SET label = excluded.label, zone = excluded.zone, "
    "severity = excluded.severity, headline = excluded.headline, confidence = excluded.confidence, "
    "exercise = excluded.exercise, seen_at = excluded.seen_at, recorded_at = excluded.recorded_at, "
    "via = excluded.via, body = excluded.body WHERE alerts.via != '' AND excluded.via = ''"
)
_PUT_PICTURE = (
    "INSERT INTO evidence (device, site, alert_id, n, sha256, jpeg, received_at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_PUT_UNREADABLE = (
    "INSERT INTO unreadable (digest, topic, reason, payload, received_at) "
    "VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)


class Backend(Protocol):
    """A connection to either database; every fault leaves it as StoreBroken."""

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """What one statement returns; ? stands for a value."""

    def change(self, sql: str, values: Sequence[Value] = ()) -> int:
        """Run one statement; how many rows it changed."""

    def change_many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        """Run one statement for each row of values."""

    def transaction(self) -> AbstractContextManager[None]:
        """All of it or nothing; what is written is on the disk when the block has ended."""

    def close(self) -> None:
        """Give the connection back."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which alerts are asked for; an empty one or None asks for all.

    severities  these words
    since       seen at this instant or later
    """

    devices: Sequence[str] = ()
    sites: Sequence[str] = ()
    kinds: Sequence[str] = ()
    severities: Sequence[str] = ()
    since: datetime | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Kept:
    """One alert as the archive gives it back."""

    device: str
    site: str
    alert_id: str
    body: bytes = field(repr=False)


class ArchiveStore:
    """What the desk keeps."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def put(self, records: Iterable[Record], received_at: datetime) -> None:
        """Write all of them in one transaction; what is there already stays as it is."""
        at = instant_text(received_at)
        alerts, pictures, unreadable = [], [], []
        for record in records:
            match record:
                case AlertRecord():
                    alerts.append((*_alert_values(record), at))
                case PictureRecord():
                    pictures.append((*_picture_values(record), at))
                case UnreadableRecord():
                    unreadable.append((record.digest, record.topic, record.reason, record.payload, at))
        with self._backend.transaction():
            # Sorted by their keys: two archivers that write the same rows never wait for each other.
            for sql, rows in ((_PUT_ALERT, alerts), (_PUT_PICTURE, pictures), (_PUT_UNREADABLE, unreadable)):
                if rows:
                    self._backend.change_many(sql, sorted(rows, key=lambda row: [str(x) for x in row[:5]]))

    def alerts(self, asked: Asked) -> list[Kept]:
        """The newest alerts that were asked for, in the order in which they were seen."""
        conditions, values = _conditions(asked)
        rows = self._backend.rows(
            f"SELECT device, site, id, body FROM alerts WHERE {conditions} "  # noqa: S608 - values stay apart
            "ORDER BY seen_at DESC, device DESC, sequence DESC LIMIT ?",
            (*values, asked.limit),
        )
        found = cast("list[tuple[str, str, str, str]]", rows)
        return [Kept(device, site, alert_id, body.encode()) for device, site, alert_id, body in found[::-1]]

    def pictures(self, kept: Kept) -> list[tuple[int, bytes]]:
        """The pictures of a story with their places, in order."""
        rows = self._backend.rows(
            "SELECT n, jpeg FROM evidence WHERE device = ? AND alert_id = ? ORDER BY n, received_at",
            (kept.device, kept.alert_id),
        )
        return [(n, bytes(jpeg)) for n, jpeg in cast("list[tuple[int, bytes]]", rows)]

    def counts(self) -> dict[str, int]:
        """How many rows each table has."""
        return {
            table: int(self._backend.rows(f"SELECT count(*) FROM {table}")[0][0] or 0)  # noqa: S608 - ours
            for table in ("alerts", "evidence", "unreadable")
        }

    def forget_before(self, limit: datetime) -> int:
        """Delete what was received before an instant; how many rows."""
        at = instant_text(limit)
        with self._backend.transaction():
            return sum(
                self._backend.change(f"DELETE FROM {table} WHERE received_at < ?", (at,))  # noqa: S608 - ours
                for table in ("evidence", "alerts", "unreadable")
            )

    def close(self) -> None:
        """Give the connection back."""
        self._backend.close()


def open_sqlite(path: Path) -> ArchiveStore:
    """An archive in one file; several archivers on one machine may share it."""
    return ArchiveStore(Database(path, migrations(_SQLITE_TYPES)))


def migrations(types: dict[str, str]) -> list[Migration]:
    """The schema in the words of one database."""
    return [[statement.format(**types) for statement in migration] for migration in MIGRATIONS]


def _alert_values(record: AlertRecord) -> tuple[Value, ...]:
    return (
        *(record.device, record.site, record.alert_id, record.phase, record.sequence, record.kind),
        *(record.label, record.zone, record.severity, record.headline, record.confidence),
        *(record.is_exercise, record.seen_at, record.recorded_at, record.via, record.body),
    )


def _picture_values(record: PictureRecord) -> tuple[Value, ...]:
    return (record.device, record.site, record.alert_id, record.n, record.sha256, record.jpeg)


def _conditions(asked: Asked) -> tuple[str, list[Value]]:
    columns = {
        "device": asked.devices,
        "site": asked.sites,
        "kind": asked.kinds,
        "severity": asked.severities,
    }
    told = {column: words for column, words in columns.items() if words}
    conditions = [f"{column} IN ({', '.join('?' * len(words))})" for column, words in told.items()]
    values: list[Value] = [word for words in told.values() for word in words]
    if asked.since is not None:
        conditions.append("seen_at >= ?")
        values.append(instant_text(asked.since))
    return " AND ".join(conditions) or "1 = 1", values
