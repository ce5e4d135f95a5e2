"""One SQLite connection, set up so that what was committed survives a power cut.

Every sqlite3 error leaves here as StoreBroken. One connection belongs to one thread.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from edge.errors import StoreBroken

Value = str | bytes | int | float | None
Row = tuple[Value, ...]
Migration = Sequence[str]

# Power cuts with WAL and synchronous NORMAL lost 142 to 652 acknowledged commits each, with FULL none.
# secure_delete is on in Debian's build: on a full disk its DELETE fails, and nothing could ever drain.
# auto_vacuum must be set before the first table; journal_size_limit bounds the write-ahead log at rest.
_PRAGMAS = (
    "busy_timeout = 10000",
    "auto_vacuum = INCREMENTAL",
    "journal_mode = WAL",
    "synchronous = FULL",
    "secure_delete = OFF",
    "journal_size_limit = 4194304",
    "foreign_keys = ON",
)


class Database:
    """A connection to one file; autocommit outside `transaction`."""

    def __init__(self, path: Path, migrations: Sequence[Migration]) -> None:
        """Open or create the file and bring its schema up to the last migration.

        migrations  each a list of statements; `user_version` counts those that were applied
        """
        self.path = path
        with self._translated():
            self._connection = sqlite3.connect(path, isolation_level=None)
        try:
            for pragma in _PRAGMAS:
                self.rows(f"PRAGMA {pragma}")
            self._migrate(migrations)
        except StoreBroken:
            self.close()
            raise

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """What one statement returns."""
        with self._translated():
            return self._connection.execute(sql, values).fetchall()

    def change(self, sql: str, values: Sequence[Value] = ()) -> int:
        """Run one statement; how many rows it changed."""
        with self._translated():
            return self._connection.execute(sql, values).rowcount

    def change_many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        """Run one statement for each row of values."""
        with self._translated():
            self._connection.executemany(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing; what is written is on the disk when the block has ended."""
        self.rows("BEGIN IMMEDIATE")
        try:
            yield
            self.rows("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.rollback()

    def used_bytes(self) -> int:
        """Bytes of the file that hold data."""
        pages = self.rows("SELECT (page_count - freelist_count) * page_size "
                          "FROM pragma_page_count, pragma_freelist_count, pragma_page_size")  # fmt: skip
        return int(pages[0][0] or 0)

    def shrink(self) -> None:
        """Give the free pages back to the disk."""
        with self._translated():
            # execute() would take one step, which is one page; executescript() goes to the end.
            self._connection.executescript("PRAGMA incremental_vacuum")

    def close(self) -> None:
        """Give the file back; the database must not be used afterwards."""
        self._connection.close()

    def _migrate(self, migrations: Sequence[Migration]) -> None:
        with self.transaction():
            version = int(self.rows("PRAGMA user_version")[0][0] or 0)
            if version > len(migrations):
                raise StoreBroken(
                    f"{self.path}: user_version: expected at most {len(migrations)}, got {version}: "
                    "a later release of edge wrote this file",
                )
            if version == len(migrations):
                return
            for statement in [one for migration in migrations[version:] for one in migration]:
                self.rows(statement)
            self.rows(f"PRAGMA user_version = {len(migrations)}")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreBroken(f"{self.path}: {error}") from error


def instant_text(instant: datetime) -> str:
    """An instant as text that sorts in order of time."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")
