"""The receipt by which the desk's archive says what it has stored: a list of digests. Pure.

A digest stands for a topic and the bytes under it, so a receipt speaks of exactly what is on the archive's
disk, whatever it was, and a repeat has the same one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

# A receipt of so many digests has 18 KiB; an archive with more to say sends several.
MAX_STORED = 500

_DIGEST_BYTES = 16

Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z", description="32 hexadecimal digits")]


ArchiveName = Annotated[str, Meta(min_length=1, max_length=100)]


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message on the topic `ack`; keys that a later release adds are passed over."""

    stored: Annotated[list[Digest], Meta(max_length=MAX_STORED)]
    # Which archive: archivers of one share are one. A program that plays the archive may leave it out.
    archive: ArchiveName | None = None


_DECODER = msgspec.json.Decoder(Receipt)


def digest(topic: str, payload: bytes) -> str:
    """What stands for a message: the first half of a SHA-256 over the topic, NUL and the payload, in hex."""
    # NUL cannot stand in a topic, so no two messages run together to the same bytes.
    hashed = hashlib.sha256(topic.encode())
    hashed.update(b"\0")
    hashed.update(payload)
    return hashed.digest()[:_DIGEST_BYTES].hex()


def receipts(digests: Sequence[str], archive: str | None = None) -> Iterator[bytes]:
    """The payloads that tell what an archive has stored, as many as are needed."""
    for first in range(0, len(digests), MAX_STORED):
        yield msgspec.json.encode(Receipt(list(digests[first : first + MAX_STORED]), archive))


def read_receipt(payload: bytes) -> Receipt:
    """What a receipt tells; a ValueError says that it is none."""
    try:
        return _DECODER.decode(payload)
    except RecursionError:
        raise ValueError("expected a receipt, got JSON that is nested too deeply") from None
