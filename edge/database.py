"""One SQLite connection, set up so that what was committed survives a power cut.

Every sqlite3 error leaves here as StoreBroken or a kind of it. One connection belongs to one thread.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from edge import row_crc
from edge.ballast import Ballast
from edge.errors import DiskFull, StoreBroken, StoreCorrupt, StoreReadOnly

T = TypeVar("T")

Value = str | bytes | int | float | None
Row = tuple[Value, ...]
Migration = Sequence[str]

# Power cuts with WAL and synchronous NORMAL lost 142 to 652 acknowledged commits each, with FULL none.
# secure_delete is on in Debian's build: on a full disk its DELETE fails, and nothing could ever drain.
# auto_vacuum must be set before the first table; journal_size_limit bounds the write-ahead log at rest.
# wal_autocheckpoint, in pages of 4 KiB: on a disk that fills up the log must fold into the file with no more
# room than the ballast gives; at SQLite's own 1000 it did not, and nothing could drain.
_PRAGMAS = (
    "busy_timeout = 10000",
    "auto_vacuum = INCREMENTAL",
    "journal_mode = WAL",
    "synchronous = FULL",
    "secure_delete = OFF",
    "journal_size_limit = 4194304",
    "wal_autocheckpoint = 256",
    "foreign_keys = ON",
)


_SCHEMA_TEXT = (
    "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name"
)

# Pages given back in one transaction: with what they move they fit into the log well below the ballast.
_SHRINK_PAGES = 128

# What SQLite needs for the index of its log, at the least.
_INDEX_BYTES = 32_768


class Database:
    """A connection to one file; autocommit outside `transaction`."""

    def __init__(self, path: Path, migrations: Sequence[Migration]) -> None:
        """Open or create the file and bring its schema up to the last migration.

        migrations  each a list of statements; `user_version` counts those that were applied
        """
        self.path = path
        self._migrations = migrations
        self.ballast = Ballast(path.with_suffix(".ballast"))
        try:
            self._open()
        except DiskFull:
            self.ballast.release()
            self._open()

    def _open(self) -> None:
        try:
            self._connection = sqlite3.connect(self.path, isolation_level=None)
        except sqlite3.Error as error:
            raise self._broken(error) from error
        try:
            row_crc.teach(self._connection)
            for pragma in _PRAGMAS:
                self.rows(f"PRAGMA {pragma}")
            self._migrate()
        except StoreBroken as broken:
            self.close()
            if _code_of(broken.__cause__) == sqlite3.SQLITE_ERROR:
                # Our statements are what they were: it is the schema that is not.
                raise StoreCorrupt(str(broken)) from broken
            raise

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """What one statement returns."""
        try:
            return self._connection.execute(sql, values).fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise self._broken(error) from error

    def change(self, sql: str, values: Sequence[Value] = ()) -> int:
        """Run one statement; how many rows it changed."""
        try:
            return self._connection.execute(sql, values).rowcount
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise self._broken(error) from error

    def change_many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        """Run one statement for each row of values."""
        if not rows:
            return
        try:
            self._connection.executemany(sql, rows)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise self._broken(error) from error

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
        """Give the free pages back to the disk, a few at a time: moving them takes room in the log."""
        n_free, n_before = self._n_free_pages(), -1
        while n_free not in (0, n_before):
            self._shrink_some()
            n_free, n_before = self._n_free_pages(), n_free

    def _shrink_some(self) -> None:
        try:
            # execute() would take one step, which is one page; executescript() goes to the end.
            self._connection.executescript(f"PRAGMA incremental_vacuum({_SHRINK_PAGES})")
        except sqlite3.Error as error:
            raise self._broken(error) from error

    def _n_free_pages(self) -> int:
        return int(self.rows("PRAGMA freelist_count")[0][0] or 0)

    def freeing(self, change: Callable[[], T]) -> T:
        """Do something that makes room; on a full disk the ballast is given up for it."""
        try:
            return change()
        except DiskFull:
            self.ballast.release()
            self._fold()
            result = change()
            self._fold()
            with suppress(DiskFull):
                self.shrink()
            return result

    def _fold(self) -> None:
        """Move what the log holds into the file, and give the log back, as far as there is room."""
        with suppress(DiskFull):
            self.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Give the file back; the database must not be used afterwards."""
        self._connection.close()

    def has_own_schema(self) -> bool:
        """True if the schema is what the migrations make, to the letter."""
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
            row_crc.teach(fresh)
            for statement in _statements(self._migrations):
                fresh.execute(statement)
            return self.rows(_SCHEMA_TEXT) == fresh.execute(_SCHEMA_TEXT).fetchall()

    def _migrate(self) -> None:
        newest = len(self._migrations)
        with self.transaction():
            version = int(self.rows("PRAGMA user_version")[0][0] or 0)
            if version == newest:
                return
            if version > newest:
                raise self._too_new(version)
            for statement in _statements(self._migrations[version:]):
                self.rows(statement)
            self.rows(f"PRAGMA user_version = {newest}")

    def _too_new(self, version: int) -> StoreBroken:
        if self.has_own_schema():
            return StoreCorrupt(f"{self.path}: user_version: expected that of its schema, got {version}")
        return StoreBroken(
            f"{self.path}: user_version: expected at most {len(self._migrations)}, got {version}: "
            "a later release of edge wrote this file"
        )

    def _broken(self, error: sqlite3.Error | UnicodeDecodeError) -> StoreBroken:
        return self._kind(error)(f"{self.path}: {error}")

    def _kind(self, error: sqlite3.Error | UnicodeDecodeError) -> type[StoreBroken]:
        code = _code_of(error)
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or _is_no_text(error):
            return StoreCorrupt
        if code == sqlite3.SQLITE_READONLY or self._is_read_only():
            return StoreReadOnly
        return DiskFull if code == sqlite3.SQLITE_FULL or self._has_no_room() else StoreBroken

    def _is_read_only(self) -> bool:
        """A disk that the kernel has closed to changes: SQLite tells of a failed write only."""
        try:
            return bool(os.statvfs(self.path.parent).f_flag & os.ST_RDONLY)
        except OSError:
            return False

    def _has_no_room(self) -> bool:
        """Where the index of the log cannot be mapped, SQLite speaks of an input/output error."""
        try:
            return shutil.disk_usage(self.path.parent).free < _INDEX_BYTES
        except OSError:
            return False


def _statements(migrations: Sequence[Migration]) -> Iterator[str]:
    return (statement for migration in migrations for statement in migration)


def _code_of(error: BaseException | None) -> int:
    """The primary code, which is the low byte (sqlite.org/rescode.html); 0 where there is none."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _is_no_text(error: sqlite3.Error | UnicodeDecodeError) -> bool:
    """True where a text on the disk is none any more: found by the sqlite3 module, without a code.

    The one of a damaged schema is in SQLite's own words about it.
    """
    if isinstance(error, UnicodeDecodeError):
        return True
    return isinstance(error, sqlite3.OperationalError) and not hasattr(error, "sqlite_errorcode")


def instant_text(instant: datetime) -> str:
    """An instant as text that sorts in order of time."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")
