"""The observation record: what one tile told of one site, as plain data (CONTRACT.md). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edge.acquire.tile import Tile
from edge.monitor.activity import Index
from edge.monitor.coverage import Sight
from edge.monitor.finding import Count
from edge.monitor.ledger import ZoneLook
from edge.monitor.track import Delta, GroundBox, Move, Sighting, Track

Record = Mapping[str, object]


def of_look(
    tile: Tile,
    site_id: str,
    sight: Sight,
    *,
    sightings: Sequence[Sighting],
    delta: Delta,
    counts: Mapping[str, Count],
    zones: Mapping[str, ZoneLook],
    indices: Mapping[str, Index],
) -> Record:
    """The record of a usable look."""
    return {
        "tile": tile.tile_id,
        "site": site_id,
        "time": tile.acquired_at,
        "rejected": None,
        "usable_fraction": round(sight.look.usable_fraction, 4),
        "shift_px": [round(value, 2) for value in sight.alignment.shift_px],
        "residual_px": round(sight.alignment.residual_px, 2),
        "detections": [_detection(one) for one in sightings],
        "delta": _delta(delta),
        "counts": {label: {"value": n.value, "low": n.low, "high": n.high} for label, n in counts.items()},
        "zones": _zones(zones),
        "activity": {name: _index(one) for name, one in indices.items()},
    }


def of_reject(
    tile: Tile, site_id: str, reason: str, detail: str | None, zones: Mapping[str, ZoneLook]
) -> Record:
    """The record of a tile that was not used at a site; detail holds the numbers behind the reason."""
    return {
        "tile": tile.tile_id,
        "site": site_id,
        "time": tile.acquired_at,
        "rejected": reason,
        "detail": detail,
        "usable_fraction": 0.0,
        "shift_px": None,
        "residual_px": None,
        "detections": [],
        "delta": _delta(Delta()),
        "counts": {},
        "zones": _zones(zones),
        "activity": {},
    }


def _zones(zones: Mapping[str, ZoneLook]) -> Record:
    """The coverage ledger of this look: an empty zone is seen-0, one that was hidden is not-seen."""
    return {
        name: {
            "state": one.state,
            "seen_fraction": round(one.seen_fraction, 3),
            "reason": one.reason,
            "counts": dict(one.counts),
        }
        for name, one in zones.items()
    }


def _index(one: Index) -> Record:
    normal = None if one.low is None or one.high is None else [round(one.low, 1), round(one.high, 1)]
    index = None if one.index is None else round(one.index, 2)
    return {"verdict": one.verdict, "index": index, "normal": normal}


def _delta(delta: Delta) -> Record:
    return {
        "arrived": [_track(track, track.arrival_confidence) for track in delta.arrived],
        "departed": [_track(track, track.departure_confidence) for track in delta.departed],
        "altered": [_altered(track) for track in delta.altered],
        "moved": [_move(move) for move in delta.moved],
    }


def _detection(one: Sighting) -> Record:
    box = one.pixels
    return {
        "label": one.label,
        "score": round(one.score, 4),
        "box": [round(value, 1) for value in (box.left, box.top, box.right, box.bottom)],
        **_place(one.box),
    }


def _track(track: Track, confidence: float) -> dict[str, object]:
    return {
        "track": track.track_id,
        "label": track.label,
        **_place(track.box),
        "confidence": round(confidence, 3),
    }


def _move(move: Move) -> Record:
    return {**_track(move.track, move.track.presence), "distance_m": round(move.distance_m, 1)}


def _altered(track: Track) -> Record:
    newest = track.alterations[-1]
    return {**_track(track, newest.confidence), "fraction": newest.fraction, "since": newest.since}


def _place(box: GroundBox) -> Mapping[str, float]:
    return {"lng": round(box.position.lng, 8), "lat": round(box.position.lat, 8)}
