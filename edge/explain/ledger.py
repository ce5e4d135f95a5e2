"""The ledger of looks as the store keeps it, read for an explanation."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import msgspec

from edge.geo import LngLat, distance_m
from edge.monitor.track import GroundBox
from edge.store import LookRecord

# The ledger rounds scores to four digits; the box of a track is moved a part of the way to each new one.
_SCORE = 0.00006
_REACH = 1.0


class Zone(msgspec.Struct, frozen=True):
    """What a look said of a zone."""

    state: str
    seen_fraction: float
    reason: str | None = None


class Span(msgspec.Struct, frozen=True):
    """A count with its interval."""

    value: int
    low: int
    high: int


class Found(msgspec.Struct, frozen=True):
    """One detection."""

    label: str
    score: float
    lng: float
    lat: float


class Looked(msgspec.Struct, frozen=True):
    """One look of one site."""

    tile: str
    time: datetime
    rejected: str | None
    usable_fraction: float
    detections: tuple[Found, ...] = ()
    counts: Mapping[str, Span] = {}
    zones: Mapping[str, Zone] = {}

    def shows(self, labels: Collection[str], score: float, box: GroundBox) -> bool:
        """True if it has this very detection, under one of these labels."""
        return any(
            one.label in labels
            and abs(one.score - score) <= _SCORE
            and distance_m(LngLat(one.lng, one.lat), box.position) <= _REACH * max(box.length_m, 1.0)
            for one in self.detections
        )


def looked(record: LookRecord) -> Looked | None:
    """A line of the ledger; None for one that the disk gave back otherwise than it was written."""
    try:
        return msgspec.json.decode(record.body, type=Looked)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
