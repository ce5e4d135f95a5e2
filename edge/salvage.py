"""From one store's file into another: all that can still be read, the most needed first.

A damaged file is read from both ends of each table, so that what lies around a bad page is saved.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from edge import row_crc, soundness
from edge.database import Database, Row
from edge.errors import DiskFull, StoreBroken
from edge.transmit.outbox import crc_of


@dataclass(frozen=True, slots=True)
class _Table:
    """One table, and what orders its rows."""

    name: str
    columns: str
    key: str


_OUTBOX = _Table(
    "outbox",
    "seq, state, topic, qos, alert_id, severity, worth, enqueued_at, attempts, reason, crc32, size_bytes, "
    "payload, lane",
    "seq",
)
# What went over the satellite modem already, by the outbox's row.
_CARRIED = _Table("satmodem_carried", "seq", "seq")
_COMMANDS = _Table(
    "commands", "seq, via, verb, payload, is_repeat, reply_topic, correlation, attempts, reply", "seq"
)
_QUIET_PLACES = _Table(
    "quiet_places", "rowid, site_id, alert_id, kind, label, lng, lat, radius_m, until_at", "rowid"
)
_SNOOZES = _Table(
    "snoozes", "site_id, rule_id, is_feedback, alert_id, until_at", "site_id, rule_id, is_feedback"
)
# Rows that are taken away when they have had their time: elsewhere, that was told by their absence.
_PASSING = (_COMMANDS, _QUIET_PLACES, _SNOOZES)
_NEEDED = (
    _Table("counters", "name, value", "name"),
    _OUTBOX,
    _Table("site_state", "site_id, turn, body", "site_id, turn"),
    _Table("alerts", "sequence, id, site_id, kind, phase, is_open, seen_at, body", "sequence"),
    _Table("tiles", "sha256, tile_id, site_ids, acquired_at, outcome, done_at", "sha256"),
    _CARRIED,
    _Table("satmodem_spent", "day, n_bytes", "day"),
    _Table("command_floor", "one, expires_s", "one"),
    _Table("command_ids", "id, expires_s", "id"),
    _COMMANDS,
    _Table("subjects", "sequence, rule_id, severity, objects", "sequence"),
    _QUIET_PLACES,
    _SNOOZES,
    _Table("held", "sequence", "sequence"),
    _Table("acks", "alert_id, acked_at", "alert_id"),
    _Table("retained", "topic, version, is_dirty, payload", "topic"),
)
_HISTORY = (
    _Table("looks", "site_id, seen_at, tile_id, body", "site_id, seen_at, tile_id"),
    _Table("grounds", "sequence, body", "sequence"),
    _Table("evidence", "sequence, n, role, sha256, jpeg", "sequence, n"),
)

# What a column is read as where the file is of a release without it, or where it may hold what it must not.
_ADDED = {"lane": "worth NOT IN (6, 8)", "turn": "1"}
_MENDED = {"state": "iif(state = 'dead', state, 'waiting')"}

_CHECKED = {table.name: table for table in soundness.CHECKED}

# Rows written per transaction.
_BATCH = 200


def copy(source: Path, target: Database, *, with_history: bool) -> int:
    """Put every readable row of a store's file into another, over what it has there; how many.

    with_history  False leaves out the ledger and the pictures of alerts that were sent
    """
    return _copy(source, target, (*_NEEDED, *(_HISTORY if with_history else ())))


def bring_home(source: Path, target: Database) -> int:
    """Put back what went on elsewhere, in a file that had begun as a copy; how many rows.

    What was sent there leaves the outbox here, what waits there waits here, at the end.
    """
    with closing(_opened(source)) as away:
        lent = away.execute("SELECT value FROM counters WHERE name = 'lent_seq'").fetchall()
        rows = list(_readable(away, _OUTBOX))
    # No row number is used twice; what else is known of a row goes by it.
    seq = target.rows("SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'outbox'")[0][0]
    with target.transaction():
        target.change_many("DELETE FROM outbox WHERE seq <= ?", lent)
        for table in _PASSING if lent else ():
            target.change(f"DELETE FROM {table.name}")  # noqa: S608 - ours
        _insert(target, _OUTBOX, [(int(seq or 0) + n, *row[1:]) for n, row in enumerate(rows, 1)])
    tables = [table for table in (*_NEEDED, *_HISTORY) if table not in (_OUTBOX, _CARRIED)]
    return len(rows) + _copy(source, target, tables)


def _copy(source: Path, target: Database, tables: Sequence[_Table]) -> int:
    n_rows = 0
    with closing(_opened(source)) as old, suppress(DiskFull):
        # An alert that could not be read must not take its pictures with it, nor a newer one replace them.
        target.rows("PRAGMA foreign_keys = OFF")
        for table in tables:
            for batch in _batches(_readable(old, table)):
                n_rows += _put(target, table, batch)
    target.rows("PRAGMA foreign_keys = ON")
    return n_rows


def _opened(source: Path) -> sqlite3.Connection:
    """Read-only; able to compute the CRC of a row, and to read a text that is none any more."""
    connection = _connected(source)
    row_crc.teach(connection)
    connection.text_factory = lambda text: text.decode(errors="replace")
    return connection


def _connected(source: Path) -> sqlite3.Connection:
    """On a read-only disk without the log's index, as of the last time the log was folded in."""
    connection = _lenient(source, "mode=ro")
    try:
        connection.execute("SELECT 1 FROM sqlite_schema").fetchall()
    except sqlite3.OperationalError:
        connection.close()
        return _lenient(source, "immutable=1")
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return connection  # damaged: what can be read of it is read table by table
    return connection


def _lenient(source: Path, how: str) -> sqlite3.Connection:
    """A connection that makes do with what it understands of a damaged schema (sqlite.org/pragma.html)."""
    connection = sqlite3.connect(f"{source.resolve().as_uri()}?{how}", uri=True, isolation_level=None)
    with suppress(sqlite3.Error):
        connection.execute("PRAGMA writable_schema = ON")
    return connection


def _readable(old: sqlite3.Connection, table: _Table) -> Iterator[Row]:
    """Each row once: from the front to the first damage, then from the back to the last."""
    seen: set[Row] = set()
    n_keys = table.key.count(",") + 1
    select = _select(old, table)
    for order in ("", " DESC"):
        key = ", ".join(f"{column}{order}" for column in table.key.split(", "))
        try:
            for row in old.execute(f"{select} ORDER BY {key}"):
                if row[:n_keys] in seen:
                    return
                if order == "":
                    seen.add(row[:n_keys])
                if _is_sound(table, row):
                    yield row
        except (sqlite3.Error, UnicodeDecodeError):
            continue
        return


def _select(old: sqlite3.Connection, table: _Table) -> str:
    """The rows of a table that match their CRC; in a file of a release without it, all."""
    with suppress(sqlite3.Error, UnicodeDecodeError):
        there = {str(row[1]) for row in old.execute(f"PRAGMA table_info({table.name})")}
        columns = ", ".join(_as_read(column, there) for column in table.columns.split(", "))
        is_checked = "crc32" in there and table.name in _CHECKED
        where = f"NOT ({_CHECKED[table.name].is_damaged})" if is_checked else "true"
        return f"SELECT {columns} FROM {table.name} WHERE {where}"  # noqa: S608 - ours
    return f"SELECT {table.columns} FROM {table.name}"  # noqa: S608 - ours


def _as_read(column: str, there: set[str]) -> str:
    otherwise = _MENDED.get(column) if column in there else _ADDED.get(column)
    return f"{otherwise} AS {column}" if otherwise else column


def _is_sound(table: _Table, row: Row) -> bool:
    """False where the disk gave back something else than it was given, as far as that can be told."""
    if table is not _OUTBOX:
        return True
    topic, crc, payload = row[2], row[10], row[12]
    return isinstance(topic, str) and isinstance(payload, bytes) and crc_of(topic, payload) == crc


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch


def _put(target: Database, table: _Table, rows: Sequence[Row]) -> int:
    """Write rows; where one is not what its table takes, the others. How many."""
    try:
        with target.transaction():
            _insert(target, table, rows)
    except DiskFull:
        raise
    except StoreBroken:
        return sum(_put(target, table, [row]) for row in rows) if len(rows) > 1 else 0
    return len(rows)


def _insert(target: Database, table: _Table, rows: Sequence[Row]) -> None:
    marks = ", ".join("?" * (table.columns.count(",") + 1))
    sql = f"INSERT OR REPLACE INTO {table.name} ({table.columns}) VALUES ({marks})"  # noqa: S608 - ours
    target.change_many(sql, rows)
