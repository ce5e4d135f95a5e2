"""Builders that name only what matters to a test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge.geo import LngLat
from edge.monitor.finding import Count, Finding, FoundObject, Kind, Phase, Severity
from edge.store import Commit, Store, TileDone
from edge.transmit.alert import Alert, Evidence, LookFacts, compose
from edge.transmit.outbox import OutboxSettings
from edge.transmit.uplink import UplinkSettings

SEEN_AT = datetime(2024, 12, 13, 8, 30, tzinfo=UTC)
RECORDED_AT = datetime(2024, 12, 13, 9, 2, 11, tzinfo=UTC)

# Tests come back after a lost broker at once.
FAST = UplinkSettings(retry_first_s=0.05, retry_max_s=0.2, max_attempts=5)


def make_object(lng: float = 27.00312, lat: float = 16.98421) -> FoundObject:
    first = SEEN_AT - timedelta(days=12)
    return FoundObject("a17", "aircraft", LngLat(lng, lat), 50.0, 0.9123, first, SEEN_AT - timedelta(days=1))


def make_finding(
    *,
    site_id: str = "north-airfield",
    opened_by: str = "north-airfield-0412",
    severity: Severity = Severity.MODERATE,
    phase: Phase = Phase.NEW,
    kind: Kind = Kind.DEPARTURE,
    objects: tuple[FoundObject, ...] | None = None,
) -> Finding:
    return Finding(
        site_id=site_id,
        rule_id="departure:aircraft@apron",
        kind=kind,
        severity=severity,
        phase=phase,
        opened_by=opened_by,
        seen_at=SEEN_AT,
        confidence=0.93,
        headline="1 aircraft left apron; 8 to 10 remain",
        label="aircraft",
        zone="apron",
        tile_id="north-airfield-0412",
        count=1,
        remaining=Count(9, 8, 10),
        objects=(make_object(),) if objects is None else objects,
        why=({"look": "2024-12-13T08:30:00Z", "detected": False, "change": 0.88, "log_odds": -3.1},),
    )


def make_blind() -> Finding:
    return Finding(
        site_id="north-airfield",
        rule_id="blind",
        kind=Kind.BLIND,
        severity=Severity.MINOR,
        phase=Phase.NEW,
        opened_by="2024-12-13T08:30:00Z",
        seen_at=SEEN_AT,
        confidence=1.0,
        headline="no clear look for 72 h",
    )


def make_alert(
    finding: Finding | None = None,
    *,
    look: LookFacts | None = None,
    evidence: tuple[Evidence, ...] = (),
    sequence: int | None = None,
    recorded_at: datetime = RECORDED_AT,
    exercise: bool = False,
) -> Alert:
    return compose(
        finding or make_finding(),
        device_id="pier-7",
        recorded_at=recorded_at,
        look=look,
        models={"objects": "objects-2 sha256:" + "ab" * 32},
        config_sha256="cd" * 32,
        evidence=evidence,
        sequence=sequence,
        clock="gnss",
        exercise=exercise,
        late=False,
    )


def make_look() -> LookFacts:
    return LookFacts("north-airfield-0412", 0.97, (4.2, -1.0), 0.6, 0.5)


def make_tile(sha256: str = "11" * 32, acquired_at: datetime | None = SEEN_AT) -> TileDone:
    return TileDone(sha256, "north-airfield-0412", ("north-airfield",), acquired_at, "looked")


def numbered(n: int, severity: Severity = Severity.MODERATE) -> Commit:
    """A commit with the n-th of many alerts, each of its own story."""
    finding = make_finding(opened_by=f"tile-{n}", severity=severity)
    return Commit(done_at=RECORDED_AT, alerts=[make_alert(finding)])


def open_store(folder: Path, max_bytes: int = 100_000_000) -> Store:
    return Store(folder / "edge.sqlite", OutboxSettings(max_bytes=max_bytes))
