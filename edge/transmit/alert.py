"""One finding as it goes over the wire: a CloudEvent around one GeoJSON Feature. Pure.

The same alert always gives the same bytes: the order of keys is fixed and every number is rounded here.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

import msgspec

from edge.acquire.fix import Fix
from edge.geo import LngLat
from edge.monitor.finding import Count, Finding, FoundObject, Phase

CLOCKS = ("gnss", "ntp", "rtc", "untrusted")
"""What the device's time rests on, from best to worst."""

MAX_EVIDENCE_BYTES = 48 * 1024
"""The largest picture that travels with an alert."""

# 400 objects are about 80 KiB; cloud brokers refuse messages above 128 KiB. The count still says them all.
MAX_OBJECTS = 400

# Douglas Crockford's Base 32: no I, L, O or U, so an id can be read out over a radio.
BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ID_CHARACTERS = 12


@dataclass(frozen=True, slots=True)
class LookFacts:
    """The look an alert was made at, in numbers.

    tile             the tile's id
    usable_fraction  share of the site that was clearly seen, in [0, 1]
    shift_px         x, y by which the tile lay off the reference, or None where nothing was aligned
    residual_px      what error was left after alignment, or None likewise
    gsd_m            ground sample distance in metres per pixel
    """

    tile: str
    usable_fraction: float
    shift_px: tuple[float, float] | None
    residual_px: float | None
    gsd_m: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """One picture that shows a finding.

    role    before, after or another single word
    sha256  of the picture's bytes, in hex
    jpeg    at most MAX_EVIDENCE_BYTES
    """

    role: str
    sha256: str
    jpeg: bytes = dataclasses.field(repr=False)

    def __post_init__(self) -> None:
        if not 0 < len(self.jpeg) <= MAX_EVIDENCE_BYTES:
            got = len(self.jpeg)
            raise ValueError(f"evidence {self.role}: expected 1 to {MAX_EVIDENCE_BYTES} bytes, got {got}")


def evidence_of(role: str, jpeg: bytes) -> Evidence:
    """A picture with its hash."""
    return Evidence(role, hashlib.sha256(jpeg).hexdigest(), jpeg)


@dataclass(frozen=True, slots=True)
class Alert:
    """Everything on the wire for one finding, and what stays behind to explain it.

    alert_id     the same for every phase of one story, see `alert_id`
    recorded_at  when the alert was made, by the device's clock, aware, UTC
    models       task to "NAME sha256:HEX"
    clock        what recorded_at rests on, one of CLOCKS
    exercise     True for a drill: nobody must act on it
    late         True where the tile came so late that acting on it may be of no use
    fix          the device's own newest place, or None where it has no receiver or never had a fix
    sequence     its place among all alerts of the device, given by the store; None until then
    is_acked     True where somebody has read an earlier message of this story
    grounds      what it was decided on; never on the wire
    """

    finding: Finding
    device_id: str
    alert_id: str
    recorded_at: datetime
    look: LookFacts | None
    models: Mapping[str, str]
    config_sha256: str
    evidence: tuple[Evidence, ...]
    clock: str
    exercise: bool
    late: bool
    sequence: int | None = None
    fix: Fix | None = None
    is_acked: bool = False
    grounds: bytes = dataclasses.field(default=b"", repr=False)

    def __post_init__(self) -> None:
        if self.recorded_at.utcoffset() != timedelta(0):
            raise ValueError(f"alert {self.alert_id}: recorded_at: expected UTC, got {self.recorded_at}")
        if self.clock not in CLOCKS:
            raise ValueError(f"alert {self.alert_id}: clock: expected one of {CLOCKS}, got {self.clock!r}")

    @property
    def site_id(self) -> str:
        """The site it is about."""
        return self.finding.site_id

    @property
    def is_open(self) -> bool:
        """True while the story goes on: it is neither ended nor cancelled, and no exercise."""
        return not self.exercise and self.finding.phase in (Phase.NEW, Phase.UPDATE)

    def with_sequence(self, sequence: int) -> Alert:
        """The same alert at its place in the device's order."""
        return dataclasses.replace(self, sequence=sequence)


def as_acked(alert: Alert) -> Alert:
    """The same alert of a story that somebody has read: it is no news, whatever comes again."""
    finding = alert.finding
    if finding.phase is Phase.NEW:
        finding = dataclasses.replace(finding, phase=Phase.UPDATE)
    return dataclasses.replace(alert, finding=finding, is_acked=True)


def compose(
    finding: Finding,
    *,
    device_id: str,
    recorded_at: datetime,
    look: LookFacts | None,
    models: Mapping[str, str],
    config_sha256: str,
    evidence: Sequence[Evidence],
    sequence: int | None,
    clock: str,
    exercise: bool,
    late: bool,
    fix: Fix | None = None,
    grounds: bytes = b"",
) -> Alert:
    """The alert of a finding; the store gives the sequence where it is None."""
    return Alert(
        finding=finding,
        device_id=device_id,
        alert_id=alert_id(device_id, finding.site_id, finding.rule_id, finding.opened_by),
        recorded_at=recorded_at,
        look=look,
        models=models,
        config_sha256=config_sha256,
        evidence=tuple(evidence),
        clock=clock,
        exercise=exercise,
        late=late,
        sequence=sequence,
        fix=fix,
        grounds=grounds,
    )


def alert_id(device_id: str, site_id: str, rule_id: str, opened_by: str) -> str:
    """Twelve characters that follow from what opened the story: the first 60 bits of a SHA-256."""
    # NUL cannot stand in a topic name, so no two different inputs run together to the same text.
    text = f"{device_id}\0{site_id}\0{rule_id}\0{opened_by}"
    bits = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> (64 - 5 * ID_CHARACTERS)
    shifts = range(5 * (ID_CHARACTERS - 1), -1, -5)
    return "".join(BASE32[bits >> shift & 31] for shift in shifts)


def to_json(alert: Alert) -> bytes:
    """The message, in UTF-8; the alert must have its sequence."""
    if alert.sequence is None:
        raise ValueError(f"alert {alert.alert_id}: sequence: expected a number from the store, got None")
    finding = alert.finding
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": alert.alert_id,
            "source": f"edge/{quote(alert.device_id)}/{quote(alert.site_id)}",
            "type": f"edge.alert.{finding.kind}.v1",
            "time": finding.seen_at,
            "recordedtime": alert.recorded_at,
            "sequence": alert.sequence,
            "dataschema": "edge/alert-v1.json",
            "datacontenttype": "application/geo+json",
            "data": {
                "type": "Feature",
                "id": alert.alert_id,
                "geometry": _geometry(_told(finding)),
                "properties": _properties(alert),
            },
        },
    )


def _properties(alert: Alert) -> dict[str, object]:
    finding = alert.finding
    return {
        "phase": finding.phase,
        "kind": finding.kind,
        "label": finding.label,
        "zone": finding.zone,
        "severity": finding.severity,
        "headline": finding.headline,
        "confidence": round(float(finding.confidence), 3),
        "exercise": alert.exercise,
        "late": alert.late,
        "clock": alert.clock,
        "count": finding.count,
        "remaining": _count(finding.remaining),
        "objects": [_object(found) for found in _told(finding)],
        "look": _look(alert.look),
        "why": finding.why,
        "models": dict(alert.models),
        "config": f"sha256:{alert.config_sha256}",
        "evidence": [{"role": shown.role, "sha256": shown.sha256} for shown in alert.evidence],
        **({} if alert.fix is None else {"device": alert.fix.to_plain()}),
        **({"acked": True} if alert.is_acked else {}),
    }


def _told(finding: Finding) -> tuple[FoundObject, ...]:
    return finding.objects[:MAX_OBJECTS]


def _geometry(objects: Sequence[FoundObject]) -> dict[str, object] | None:
    """RFC 7946, section 3.1.3; a Feature without a place has a null geometry (section 3.2)."""
    if not objects:
        return None
    return {"type": "MultiPoint", "coordinates": [_coordinates(found.position) for found in objects]}


def _coordinates(position: LngLat) -> tuple[float, float]:
    # 1e-7 degrees is a centimetre.
    return round(float(position.lng), 7), round(float(position.lat), 7)


def _object(found: FoundObject) -> dict[str, object]:
    lng, lat = _coordinates(found.position)
    return {
        "track": found.track_id,
        "label": found.label,
        "lng": lng,
        "lat": lat,
        "score": round(float(found.score), 3),
        "first_seen": found.first_seen,
        "last_seen": found.last_seen,
    }


def _count(count: Count | None) -> dict[str, int] | None:
    return None if count is None else {"value": count.value, "low": count.low, "high": count.high}


def _look(look: LookFacts | None) -> dict[str, object] | None:
    if look is None:
        return None
    return {
        "tile": look.tile,
        "usable_fraction": round(float(look.usable_fraction), 3),
        "shift_px": None if look.shift_px is None else [round(float(px), 2) for px in look.shift_px],
        "residual_px": None if look.residual_px is None else round(float(look.residual_px), 2),
        "gsd_m": round(float(look.gsd_m), 4),
    }
