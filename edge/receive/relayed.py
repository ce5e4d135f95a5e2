"""The message of the alert topic that is made of a packed alert. Pure."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from edge.monitor.headline import number as count_of
from edge.monitor.headline import words
from edge.receive.names import Directory
from edge.transmit.brief import Brief
from edge.transmit.sbd import VIA


def to_json(brief: Brief, directory: Directory) -> bytes:
    """The message of the alert topic (edge/schema/alert-v1.json); what was not packed is empty or null."""
    site_id = directory.site(brief.site_number)
    position = brief.position
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": brief.alert_id,
            "source": f"edge/{quote(brief.device_id)}/{quote(site_id)}",
            "type": f"edge.alert.{brief.kind}.v1",
            "time": brief.seen_at,
            "recordedtime": brief.recorded_at,
            "sequence": brief.sequence,
            "via": VIA,
            "dataschema": "edge/alert-v1.json",
            "datacontenttype": "application/geo+json",
            "data": {
                "type": "Feature",
                "id": brief.alert_id,
                "geometry": None
                if position is None
                else {"type": "MultiPoint", "coordinates": [(position.lng, position.lat)]},
                "properties": _properties(brief, directory),
            },
        }
    )


def _properties(brief: Brief, directory: Directory) -> dict[str, object]:
    label, zone = directory.word(brief.label_number), directory.word(brief.zone_number)
    return {
        "phase": brief.phase,
        "kind": brief.kind,
        "label": label,
        "zone": zone,
        "severity": brief.severity,
        "headline": headline(brief, label, zone),
        "confidence": brief.confidence,
        "exercise": brief.exercise,
        "late": brief.late,
        "clock": brief.clock,
        "count": brief.count,
        "remaining": None,
        "objects": [],
        "look": None,
        "why": [],
        "models": {},
        "config": None,
        "evidence": [],
    }


def headline(brief: Brief, label: str | None, zone: str | None) -> str:
    """What a person reads first: the device's own sentence is too long for the modem."""
    what = brief.kind.replace("_", " ")
    said = f"{what}: {count_of(brief.count, label)}" if label and brief.count else what
    if label and not brief.count:
        said = f"{what}: {words(label, 2)}"
    ended = {"end": ", ended", "cancel": ", cancelled", "update": ", updated"}.get(brief.phase, "")
    return f"{said} at {zone or 'the site'}{ended} (by satellite, details follow)"
