"""An alert in its fewest words: numbers stand for names, and one position for all. Pure.

It is what a link that counts every byte carries; who receives it knows the names, or tells the numbers.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

import msgspec

from edge.errors import PayloadRefused
from edge.geo import LngLat
from edge.monitor.finding import Kind, Phase, Severity


@dataclass(frozen=True, slots=True)
class Brief:
    """What is left of an alert where every byte is paid for.

    site_number   of the site's name, see `site_number`
    zone_number   of the zone's name, see `name_number`; None for the whole site
    label_number  of the label likewise; None where it is about no object
    position      of its first object, to 1e-5 degrees; None where it is about none
    seen_at       when the ground was seen, to the minute
    recorded_at   when the alert was made, to the minute, to the hour where that was days later
    confidence    in [0, 1], to 0.01
    """

    device_id: str
    alert_id: str
    sequence: int
    site_number: int
    zone_number: int | None
    label_number: int | None
    kind: Kind
    severity: Severity
    phase: Phase
    exercise: bool
    late: bool
    clock: str
    count: int
    position: LngLat | None
    seen_at: datetime
    recorded_at: datetime
    confidence: float


class _Geometry(msgspec.Struct):
    coordinates: list[tuple[float, float]]


class _Properties(msgspec.Struct):
    phase: Phase
    kind: Kind
    label: str | None
    zone: str | None
    severity: Severity
    confidence: float
    exercise: bool
    late: bool
    clock: str
    count: int


class _Feature(msgspec.Struct):
    geometry: _Geometry | None
    properties: _Properties


class _Event(msgspec.Struct):
    id: str
    source: str
    time: datetime
    recordedtime: datetime
    sequence: int
    data: _Feature


def device_number(device_id: str) -> int:
    """32 bits that stand for a device."""
    return _number(f"device\0{device_id}")


def site_number(site_id: str) -> int:
    """32 bits that stand for a site."""
    return _number(f"site\0{site_id}")


def name_number(name: str) -> int:
    """16 bits that stand for a zone or a label; never 0, which stands for none."""
    return 1 + _number(f"name\0{name}") % 0xFFFF


def brief_of(message: bytes) -> Brief:
    """The brief of a message as `alert.to_json` made it; PayloadRefused where it is none."""
    try:
        event = msgspec.json.decode(message, type=_Event)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PayloadRefused(f"no alert: {error}") from error
    said = event.data.properties
    device_id, site_id = _names(event.source)
    return Brief(
        device_id=device_id,
        alert_id=event.id,
        sequence=event.sequence,
        site_number=site_number(site_id),
        zone_number=None if said.zone is None else name_number(said.zone),
        label_number=None if said.label is None else name_number(said.label),
        kind=said.kind,
        severity=said.severity,
        phase=said.phase,
        exercise=said.exercise,
        late=said.late,
        clock=said.clock,
        count=said.count,
        position=_position(event.data.geometry),
        seen_at=event.time,
        recorded_at=event.recordedtime,
        confidence=said.confidence,
    )


def _position(geometry: _Geometry | None) -> LngLat | None:
    try:
        return LngLat(*geometry.coordinates[0]) if geometry and geometry.coordinates else None
    except ValueError as error:
        raise PayloadRefused(str(error)) from error


def _names(source: str) -> tuple[str, str]:
    match source.split("/"):
        case ["edge", device_id, site_id]:
            return unquote(device_id), unquote(site_id)
        case _:
            raise PayloadRefused(f"source: expected edge/DEVICE/SITE, got {source!r}")


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
