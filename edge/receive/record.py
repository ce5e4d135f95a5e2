"""From a message to what the archive keeps of it. Pure.

Everything here was written by somebody else. What is not what its topic promises is kept all the same, as
unreadable, with the reason: an archive that refused it would be asked again for ever.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from edge.database import instant_text
from edge.transmit.link import Incoming
from edge.transmit.receipt import digest
from edge.transmit.topics import checked_name

# What both databases can hold in one column.
_Sequence = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_Fraction = Annotated[float, Meta(ge=0, le=1)]
_Instant = Annotated[datetime, Meta(tz=True)]


class _Properties(msgspec.Struct):
    phase: str
    kind: str
    severity: str
    headline: str
    confidence: _Fraction
    exercise: bool = False
    label: str | None = None
    zone: str | None = None
    via: str | None = None


class _Feature(msgspec.Struct):
    properties: _Properties


class _Event(msgspec.Struct):
    id: str
    sequence: _Sequence
    time: _Instant
    recordedtime: _Instant
    data: _Feature
    via: str | None = None


_DECODER = msgspec.json.Decoder(_Event)


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """One message of a story.

    seen_at, recorded_at  as `instant_text` writes them
    via                   the link that a shortened copy came by, or "" for the whole alert
    body                  the message as it came
    """

    device: str
    site: str
    alert_id: str
    phase: str
    sequence: int
    kind: str
    label: str | None
    zone: str | None
    severity: str
    headline: str
    confidence: float
    is_exercise: bool
    seen_at: str
    recorded_at: str
    via: str
    body: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PictureRecord:
    """One picture; an alert names its pictures by their hashes.

    n  its place in the alert's list of evidence
    """

    device: str
    site: str
    alert_id: str
    n: int
    sha256: str
    jpeg: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class UnreadableRecord:
    """A message that is not what its topic promises."""

    digest: str
    topic: str
    reason: str
    payload: bytes = field(repr=False)


Record = AlertRecord | PictureRecord | UnreadableRecord


def record_of(incoming: Incoming) -> Record:
    """What to keep of one message."""
    try:
        return _readable(incoming)
    except (ValueError, OverflowError, RecursionError) as fault:
        key = digest(incoming.topic, incoming.payload)
        return UnreadableRecord(key, incoming.topic, str(fault) or type(fault).__name__, incoming.payload)


def sender_of(topic: str) -> str | None:
    """The device that a message came from, or None where its topic names none that could be answered."""
    levels = topic.split("/")
    try:
        return checked_name(levels[2], "device id")
    except (IndexError, ValueError):
        return None


def _readable(incoming: Incoming) -> Record:
    levels = incoming.topic.split("/")
    for level in levels:
        checked_name(level, "a level of the topic")
    match levels:
        case [_, _, device, site, "alert"]:
            return _alert(device, site, incoming.payload)
        case [_, _, device, site, "evidence", alert_id, n] if n.isascii() and n.isdigit() and len(n) <= 9:
            sha256 = hashlib.sha256(incoming.payload).hexdigest()
            return PictureRecord(device, site, alert_id, int(n), sha256, incoming.payload)
        case _:
            raise ValueError("topic: expected .../SITE/alert or .../SITE/evidence/ALERT/N")


def _alert(device: str, site: str, payload: bytes) -> AlertRecord:
    event = _DECODER.decode(payload)
    said = event.data.properties
    texts = (event.id, said.phase, said.kind, said.label, said.zone, said.severity, said.headline)
    # PostgreSQL stores every character but this one.
    if any("\0" in text for text in texts if text):
        raise ValueError("alert: expected text without NUL")
    return AlertRecord(
        device=device,
        site=site,
        alert_id=event.id,
        phase=said.phase,
        sequence=event.sequence,
        kind=said.kind,
        label=said.label,
        zone=said.zone,
        severity=said.severity,
        headline=said.headline,
        confidence=said.confidence,
        is_exercise=said.exercise,
        seen_at=instant_text(event.time.astimezone(UTC)),
        recorded_at=instant_text(event.recordedtime.astimezone(UTC)),
        via=(event.via or said.via or "").replace("\0", ""),
        body=payload.decode(),
    )
