"""The SQL function that tells a row from the same row with a flipped bit."""

from __future__ import annotations

import sqlite3
import zlib


def teach(connection: sqlite3.Connection) -> None:
    """Let a connection compute `row_crc(VALUE, ...)` over blobs and NULL."""
    connection.create_function("row_crc", -1, row_crc, deterministic=True)


def row_crc(*values: bytes | None) -> int:
    """CRC-32 over all values with their lengths: what one column loses to the next is another row."""
    crc = 0
    for value in values:
        head = b"-" if value is None else b"%d:" % len(value)
        crc = zlib.crc32(value or b"", zlib.crc32(head, crc))
    return crc
