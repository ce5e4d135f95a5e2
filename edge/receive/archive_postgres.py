"""The archive's connection to PostgreSQL; only loaded where the database is one (extra `archive`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import psycopg

from edge.database import Row, Value
from edge.errors import StoreBroken
from edge.receive.archive_store import ArchiveStore, migrations

_TYPES = {
    "integer": "BIGINT",
    "real": "DOUBLE PRECISION",
    "boolean": "BOOLEAN",
    "instant": "TIMESTAMPTZ",
    "bytes": "BYTEA",
    "strict": "",
}

# A server that does not answer must not hold the archive for ever; what is committed must be on its disk.
_CONNECT_TIMEOUT_S = 15
_SETTINGS = (
    "SET synchronous_commit = on",
    "SET statement_timeout = '60s'",
    "SET lock_timeout = '30s'",
    "SET TIME ZONE 'UTC'",
)

# Any number will do, as long as all archivers use the same one: "edge" in ASCII.
_MIGRATION_LOCK = 0x65646765


class Postgres:
    """One connection; autocommit outside `transaction`."""

    def __init__(self, url: str) -> None:
        """Connect and bring the schema up to the last migration.

        url  as libpq reads it: postgresql://USER@HOST/DATABASE?passfile=FILE
        """
        with _translated():
            self._connection = psycopg.connect(
                url,
                autocommit=True,
                connect_timeout=_CONNECT_TIMEOUT_S,
                application_name="edge-archive",
                keepalives_idle=30,
                tcp_user_timeout=60_000,
            )
        try:
            for setting in _SETTINGS:
                self.change(setting)
            self._check_encoding()
            self._migrate()
        except StoreBroken:
            self.close()
            raise

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """What one statement returns; ? stands for a value."""
        with _translated():
            return cast("list[Row]", self._connection.execute(_own(sql), values).fetchall())

    def change(self, sql: str, values: Sequence[Value] = ()) -> int:
        """Run one statement; how many rows it changed."""
        with _translated():
            return self._connection.execute(_own(sql), values).rowcount

    def change_many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        """Run one statement for each row of values."""
        with _translated(), self._connection.cursor() as cursor:
            cursor.executemany(_own(sql), rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing; what is written is on the server's disk when the block has ended."""
        with _translated(), self._connection.transaction():
            yield

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def _check_encoding(self) -> None:
        encoding = self.rows("SHOW server_encoding")[0][0]
        if encoding != "UTF8":
            raise StoreBroken(f"PostgreSQL: server_encoding: expected a database in UTF8, got {encoding!r}")

    def _migrate(self) -> None:
        steps = migrations(_TYPES)
        with self.transaction():
            # Until the end of the transaction: two archivers may start at once.
            self.rows("SELECT pg_advisory_xact_lock(?)", (_MIGRATION_LOCK,))
            self.change("CREATE TABLE IF NOT EXISTS edge_archive (version INTEGER NOT NULL)")
            version = int(self.rows("SELECT coalesce(max(version), 0) FROM edge_archive")[0][0] or 0)
            if version > len(steps):
                raise StoreBroken(
                    f"PostgreSQL: edge_archive.version: expected at most {len(steps)}, got {version}: "
                    "a later release of edge made these tables"
                )
            for number, step in enumerate(steps[version:], start=version + 1):
                for statement in step:
                    self.change(statement)
                self.change("INSERT INTO edge_archive VALUES (?)", (number,))


def open_postgres(url: str) -> ArchiveStore:
    """An archive on a server; any number of archivers may share it."""
    return ArchiveStore(Postgres(url))


def _own(sql: str) -> bytes:
    # psycopg takes a str only where a type checker sees that it is written in the program. All of ours are,
    # in archive_store and here; none holds another question mark or a per cent sign.
    return sql.replace("?", "%s").encode()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        # libpq's text may go over several lines; it holds no password.
        raise StoreBroken(f"PostgreSQL: {' '.join(str(error).split())}") from error
