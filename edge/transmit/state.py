"""The retained messages that say how a site stands: its open alerts and its inventory. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from edge.monitor.activity import Index, Verdict
from edge.monitor.finding import Count
from edge.monitor.quiet import NOTHING, Quiet

# A retained message goes to every late joiner: 100 features are about 50 KiB.
MAX_OPEN = 100

# The rest is counted; `edge feedback --list` on the device says them all.
MAX_QUIET_TOLD = 100

_TOLD = ("phase", "kind", "label", "zone", "severity", "headline", "confidence", "exercise", "count")


@dataclass(frozen=True, slots=True)
class Standing:
    """How many objects of a label stand in a zone, or on the whole site where zone is None.

    index  the number beside what is usual there
    """

    label: str
    zone: str | None
    count: Count
    index: Index = field(default_factory=lambda: Index(Verdict.UNKNOWN))


def open_json(
    device_id: str,
    site_id: str,
    as_of: datetime,
    newest: Sequence[bytes],
    n_open: int,
    *,
    acked: Collection[str] = (),
) -> bytes:
    """The open alerts of a site as one GeoJSON FeatureCollection.

    newest  the messages as `alert.to_json` made them, oldest first, MAX_OPEN at most
    n_open  how many there are in all
    acked   the ids of those that somebody has read
    """
    return msgspec.json.encode(
        {
            "type": "FeatureCollection",
            "device": device_id,
            "site": site_id,
            "as_of": as_of,
            "omitted": n_open - len(newest),
            "features": [_feature(message, acked) for message in newest],
        },
    )


def _feature(message: bytes, acked: Collection[str]) -> dict[str, object]:
    event = msgspec.json.decode(message)
    properties = event["data"]["properties"]
    return {
        "type": "Feature",
        "id": event["id"],
        "geometry": event["data"]["geometry"],
        "properties": {
            **{key: properties[key] for key in _TOLD},
            **{key: event[key] for key in ("time", "recordedtime", "sequence")},
            **({"acked": True} if event["id"] in acked else {}),
        },
    }


def inventory_json(
    device_id: str,
    site_id: str,
    as_of: datetime,
    coverage_fraction: float,
    standings: Iterable[Standing],
    *,
    quiet: Quiet = NOTHING,
) -> bytes:
    """What stands on a site, and what is not told of it.

    as_of              when the newest look behind it was seen
    coverage_fraction  share of the site that this look clearly showed, in [0, 1]
    quiet              what an operator keeps quiet there; the newest MAX_QUIET_TOLD places are told
    """
    return msgspec.json.encode(
        {
            "device": device_id,
            "site": site_id,
            "as_of": as_of,
            "coverage_fraction": round(float(coverage_fraction), 3),
            "counts": [
                {
                    "label": standing.label,
                    "zone": standing.zone,
                    "value": standing.count.value,
                    "low": standing.count.low,
                    "high": standing.count.high,
                    "activity": _activity(standing.index),
                }
                for standing in standings
            ],
            "quiet": _quiet(quiet),
        },
    )


def _activity(index: Index) -> dict[str, object]:
    """The verdict beside what is usual; null where that is not known yet."""
    return {
        "verdict": index.verdict,
        "index": None if index.index is None else round(index.index, 2),
        "normal_low": None if index.low is None else round(index.low, 1),
        "normal_high": None if index.high is None else round(index.high, 1),
    }


def _quiet(quiet: Quiet) -> dict[str, object]:
    told = quiet.places[-MAX_QUIET_TOLD:]
    return {
        "places": [
            {
                "alert": place.alert_id,
                "kind": place.kind,
                "label": place.label,
                "lng": round(place.position.lng, 7),
                "lat": round(place.position.lat, 7),
                "radius_m": round(place.radius_m, 1),
                "until_at": place.until_at,
            }
            for place in told
        ],
        "omitted": len(quiet.places) - len(told),
        "rules": [
            {"alert": snooze.alert_id, "rule": snooze.rule_id, "until_at": snooze.until_at}
            for snooze in quiet.snoozes
        ],
    }
