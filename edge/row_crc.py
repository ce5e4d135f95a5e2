"""The SQL function that tells a row from the same row with a flipped bit."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable


def teach(connection: sqlite3.Connection) -> None:
    """Let a connection compute `row_crc(VALUE, ...)` over blobs and NULL."""
    connection.create_function("row_crc", -1, row_crc, deterministic=True)


def crc_of(values: Iterable[str | bytes | int | None]) -> int:
    """The CRC that SQL would compute for these values once they are stored."""
    return row_crc(*map(_as_blob, values))


def _as_blob(value: str | bytes | int | None) -> bytes | None:
    """CAST(value AS BLOB) of a text, a blob, an integer or NULL."""
    if value is None or isinstance(value, bytes):
        return value
    return str(value).encode()


def row_crc(*values: bytes | None) -> int:
    """CRC-32 over all values with their lengths: what one column loses to the next is another row."""
    crc = 0
    for value in values:
        head = b"-" if value is None else b"%d:" % len(value)
        crc = zlib.crc32(value or b"", zlib.crc32(head, crc))
    return crc
