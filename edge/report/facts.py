"""What a report is made of, whoever fills it: a replay, the demo, or an archive of messages. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from edge.geo import GeoBounds, Site
from edge.monitor.finding import Count


class Geometry(msgspec.Struct, frozen=True):
    """Where the objects of an alert stand: a GeoJSON MultiPoint."""

    coordinates: tuple[tuple[float, float], ...]


class SeenObject(msgspec.Struct, frozen=True):
    """An object of an alert, as far as a report shows it."""

    track: str
    last_seen: datetime


class LookOf(msgspec.Struct, frozen=True):
    """The look behind an alert."""

    tile: str
    usable_fraction: float
    gsd_m: float
    residual_px: float | None = None


class Shown(msgspec.Struct, frozen=True):
    """A picture that an alert names; it comes on a topic of its own."""

    role: str
    sha256: str


class Properties(msgspec.Struct, frozen=True):
    """What an alert says."""

    phase: str
    kind: str
    severity: str
    headline: str
    confidence: float
    exercise: bool
    late: bool
    label: str | None = None
    zone: str | None = None
    remaining: Count | None = None
    objects: tuple[SeenObject, ...] = ()
    look: LookOf | None = None
    why: tuple[Mapping[str, Any], ...] = ()
    evidence: tuple[Shown, ...] = ()
    models: Mapping[str, str] = msgspec.field(default_factory=dict)


class Feature(msgspec.Struct, frozen=True):
    """The GeoJSON Feature in an alert."""

    geometry: Geometry | None
    properties: Properties


class Event(msgspec.Struct, frozen=True):
    """An alert as it is sent (CONTRACT.md, "Alert"), as far as a report shows it."""

    id: str
    time: datetime
    sequence: int
    data: Feature


def read_event(message: bytes) -> Event:
    """The alert in a message; ValueError where it is none."""
    return msgspec.json.decode(message, type=Event)


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of an alert.

    role  before, after or another single word
    """

    role: str
    jpeg: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReportAlert:
    """An alert with its pictures.

    pictures        in the order of the alert's evidence
    n_left_out      pictures that the report does not hold, to stay small
    """

    event: Event
    pictures: tuple[Picture, ...] = ()
    n_left_out: int = 0


@dataclass(frozen=True, slots=True)
class ReportLook:
    """What one tile told of a site.

    rejected         why it was of no use, or None
    usable_fraction  share of the site that was clearly seen, in [0, 1]
    counts           by label; empty where the tile was rejected
    """

    at: datetime
    tile_id: str
    rejected: str | None = None
    usable_fraction: float = 0.0
    counts: Mapping[str, Count] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SitePicture:
    """How a site looked from above.

    bounds  the ground under the picture, north up
    """

    jpeg: bytes = field(repr=False)
    bounds: GeoBounds
    at: datetime


@dataclass(frozen=True, slots=True)
class SiteReport:
    """One site over the whole period, looks and alerts in the order of time."""

    site: Site
    looks: tuple[ReportLook, ...] = ()
    alerts: tuple[ReportAlert, ...] = ()
    picture: SitePicture | None = None

    @property
    def seen(self) -> tuple[ReportLook, ...]:
        """The looks that were of use."""
        return tuple(look for look in self.looks if look.rejected is None)


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that could not become a tile."""

    name: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report.

    made_by          the program and its version
    models           task to "NAME sha256:HEX"
    refused          the first of the files that were refused
    n_refused        how many there were in all
    """

    title: str
    made_by: str
    sites: tuple[SiteReport, ...]
    models: Mapping[str, str] = field(default_factory=dict)
    refused: tuple[RefusedFile, ...] = ()
    n_refused: int = 0


def look_of(record: Mapping[str, Any]) -> ReportLook:
    """The look in an observation record (CONTRACT.md), as it was made or as it came as JSON."""
    return ReportLook(
        at=msgspec.convert(record["time"], datetime),
        tile_id=str(record["tile"]),
        rejected=None if record["rejected"] is None else str(record["rejected"]),
        usable_fraction=float(record["usable_fraction"]),
        counts=msgspec.convert(record["counts"], dict[str, Count]),
    )
