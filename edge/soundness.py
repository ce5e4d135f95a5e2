"""A CRC for each row that the program lives by, and what becomes of a row that does not match its own.

Storage gives back other bits than it was given, and SQLite's own check does not see it: it knows the form of
a page, not the content of a row. A row that does not match is moved to `damaged` and counts as never written.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from edge import row_crc
from edge.database import Database, Migration
from edge.errors import RowsDamaged, StoreCorrupt

# Rows that were set aside, the newest of them; a card that fails makes ever more.
_MAX_KEPT = 100
# A flipped bit damages one row. More of one table that do not match are no longer rows of it at all: the page
# where it begins is another one.
_MAX_FLIPPED = 16


@dataclass(frozen=True, slots=True)
class Checked:
    """One table whose rows carry a CRC.

    columns  what it covers: all that is ever written
    key      what tells one row from another
    """

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...] = ("rowid",)

    @property
    def crc(self) -> str:
        """The CRC of a row as it is now, in SQL. As blobs: text may be damaged beyond being text."""
        return f"row_crc({', '.join(f'CAST({column} AS BLOB)' for column in self.columns)})"

    @property
    def is_damaged(self) -> str:
        """True of a row that is not what was written, in SQL."""
        return f"crc32 IS NOT {self.crc}"

    @property
    def count_damaged(self) -> str:
        """How many rows are not what was written, as a query."""
        return f"SELECT count(*) FROM {self.name} WHERE {self.is_damaged}"  # noqa: S608 - ours


CHECKED = (
    Checked("counters", ("name", "value"), ("name",)),
    Checked("site_state", ("site_id", "turn", "body")),
    Checked("alerts", ("sequence", "id", "site_id", "kind", "phase", "is_open", "seen_at", "body")),
    Checked("subjects", ("sequence", "rule_id", "severity", "objects")),
    Checked(
        "quiet_places",
        ("site_id", "alert_id", "kind", "label", "lng", "lat", "radius_m", "until_at"),
    ),
    Checked(
        "snoozes",
        ("site_id", "rule_id", "is_feedback", "alert_id", "until_at"),
        ("site_id", "rule_id", "is_feedback"),
    ),
    Checked("acks", ("alert_id", "acked_at"), ("alert_id",)),
    Checked("retained", ("topic", "version", "is_dirty", "payload")),
    Checked(
        "commands",
        ("seq", "via", "verb", "payload", "is_repeat", "reply_topic", "correlation", "attempts", "reply"),
    ),
    Checked("command_ids", ("id", "expires_s"), ("id",)),
    Checked("command_floor", ("one", "expires_s")),
    Checked("untimed", ("sequence", "boot_id", "booted_at", "clock")),
    Checked("satmodem_carried", ("seq",)),
    Checked("satmodem_spent", ("day", "n_bytes"), ("day",)),
)

# Their rows have a CRC of their own (outbox), or nothing hangs on one (tiles): only their form is checked.
# Looks, pictures and grounds, which may fill the disk, are checked by whoever reads one.
_FORM_ONLY = ("outbox", "tiles", "damaged")


def _carries_crc(table: Checked) -> Migration:
    """The statements that give a table its column, its rows their CRC, and every later write the same."""
    same = " AND ".join(f"{column} = new.{column}" for column in table.key)
    note = f"UPDATE {table.name} SET crc32 = {table.crc}"  # noqa: S608 - ours
    again, columns = f"{note} WHERE {same}", ", ".join(table.columns)
    made = f"{table.name}_made AFTER INSERT ON {table.name}"
    # A large row comes with its CRC, and is not written twice.
    return (
        f"ALTER TABLE {table.name} ADD COLUMN crc32 INTEGER",
        note,
        f"CREATE TRIGGER {made} WHEN new.crc32 IS NULL BEGIN {again}; END",
        f"CREATE TRIGGER {table.name}_changed AFTER UPDATE OF {columns} ON {table.name} BEGIN {again}; END",
    )


SCHEMA = (
    # The two newest states of each site: where the newest is damaged, the one before it serves.
    "ALTER TABLE site_state RENAME TO old_site_state",
    """CREATE TABLE site_state (
        site_id TEXT NOT NULL,
        turn INTEGER NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (site_id, turn)
    ) STRICT""",
    "INSERT INTO site_state SELECT site_id, 1, body FROM old_site_state",
    "DROP TABLE old_site_state",
    # row  as SQL would write it, so that a person can look at it
    """CREATE TABLE damaged (
        n INTEGER PRIMARY KEY AUTOINCREMENT,
        table_name TEXT NOT NULL,
        reason TEXT NOT NULL,
        row BLOB NOT NULL
    ) STRICT""",
    *(statement for table in CHECKED for statement in _carries_crc(table)),
)


def set_damaged_aside(database: Database) -> Mapping[str, int]:
    """Move every row that does not match its CRC to `damaged`; how many, by table.

    Raises StoreCorrupt where the file is damaged in a way that this does not heal.
    """
    _require_form(database)
    found = {table.name: n for table in CHECKED if (n := _n_damaged(database, table))}
    for name, n in found.items():
        if n > _MAX_FLIPPED:
            raise StoreCorrupt(f"{database.path}: {name}: {n} rows do not match their CRC")
    for table in CHECKED:
        if table.name in found:
            database.freeing(lambda table=table: _set_aside(database, table))  # type: ignore[misc]
    return found


def require_sound(database: Database) -> None:
    """Raises StoreCorrupt where any row of the tables that the program lives by is not what was written."""
    _require_form(database)
    for table in CHECKED:
        if n := _n_damaged(database, table):
            raise RowsDamaged(f"{database.path}: {table.name}: {n} rows do not match their CRC")


def _require_form(database: Database) -> None:
    """What SQLite can check: the schema is ours, and pages, types, and what a column may hold."""
    if not database.has_own_schema():
        raise StoreCorrupt(f"{database.path}: the schema is not what was written")
    for name in (*(table.name for table in CHECKED), *_FORM_ONLY):
        told = [str(row[0]) for row in database.rows(f"PRAGMA quick_check({name})")]
        if told != ["ok"]:
            raise StoreCorrupt(f"{database.path}: {name}: {'; '.join(told[:3])}")


def _n_damaged(database: Database, table: Checked) -> int:
    return int(database.rows(table.count_damaged)[0][0] or 0)


def _set_aside(database: Database, table: Checked) -> None:
    row = " || ', ' || ".join(f"quote({column})" for column in table.columns)
    with database.transaction():
        database.change(
            f"INSERT INTO damaged (table_name, reason, row) SELECT ?, ?, CAST('(' || {row} || ')' AS BLOB) "  # noqa: S608 - ours
            f"FROM {table.name} WHERE {table.is_damaged}",
            (table.name, "damaged on the disk: its CRC does not match"),
        )
        database.change(f"DELETE FROM {table.name} WHERE {table.is_damaged}")  # noqa: S608 - ours
        database.change("DELETE FROM damaged WHERE n <= (SELECT max(n) FROM damaged) - ?", (_MAX_KEPT,))
    if _n_damaged(database, table):
        raise StoreCorrupt(f"{database.path}: {table.name}: a damaged row cannot be taken away")


def n_set_aside(database: Database) -> int:
    """Rows that were set aside since the file was made, also those that are not kept any more."""
    rows = database.rows("SELECT seq FROM sqlite_sequence WHERE name = 'damaged'")
    return int(rows[0][0] or 0) if rows else 0


def tell(found: Mapping[str, int]) -> str:
    """What was set aside, in words."""
    return ", ".join(f"{name} {n}" for name, n in sorted(found.items()))


def look_at(file: Path) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """What a person is told of a store's file in use: rows damaged now, and rows set aside; by table.

    Raises sqlite3.Error where it is no such file, or is damaged beyond that. It is only read.
    """
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        row_crc.teach(connection)
        damaged = {
            table.name: int(connection.execute(table.count_damaged).fetchone()[0]) for table in CHECKED
        }
        aside = Counter(name for (name,) in connection.execute("SELECT table_name FROM damaged"))
    return {name: n for name, n in damaged.items() if n}, aside
