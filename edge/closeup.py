"""The ground of one object of an alert at the full resolution of its tile, cut when somebody asks for it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from edge.acquire.tile import Rgb
from edge.geo import LngLat
from edge.monitor.finding import Severity
from edge.monitor.state import PastLook, SiteState
from edge.opinions import Result
from edge.store import Store, StoredAlert
from edge.transmit import pictures
from edge.transmit.command import EvidenceRequest, Refusal, Refused
from edge.transmit.outbox import Message
from edge.transmit.topics import Topics

# Cloud brokers take 128 to 256 KiB; a square of 300 pixels a side has about 60.
MAX_BYTES = 256 * 1024

# A tile shows a point if it lies inside it by at least so many pixels.
_INSIDE_PX = 1.0


class _Object(msgspec.Struct):
    lng: float
    lat: float


class _Look(msgspec.Struct):
    tile: str


class _Properties(msgspec.Struct):
    severity: Severity
    objects: list[_Object]
    look: _Look | None


class _Feature(msgspec.Struct):
    properties: _Properties


class _Event(msgspec.Struct):
    time: datetime
    data: _Feature


def queue(
    command: EvidenceRequest,
    store: Store,
    *,
    device_id: str,
    states: Mapping[str, SiteState],
    pixels_of: Callable[[str], Rgb | None],
    now: datetime,
) -> Result:
    """Queue the picture, inside the caller's transaction; where it will come, or why none comes.

    states     by site id
    pixels_of  the pixels of a kept tile by its SHA-256, or None where it is not kept any more
    """
    stored = store.alert(command.alert)
    if not stored:
        return Refusal(Refused.UNKNOWN_ALERT, f"{command.alert}: expected an alert that this device keeps")
    found = _with_object(stored, command.object)
    if found is None:
        return Refusal(Refused.NO_PLACE, f"object: expected one of the alert's, got {command.object}")
    told = found.data.properties
    position = LngLat(told.objects[command.object].lng, told.objects[command.object].lat)
    site_id = stored[0].site_id
    looks = states[site_id].recent if site_id in states else ()
    look = _look(command, found, looks, position)
    pixels = None if look is None else pixels_of(look.sha256)
    if look is None or pixels is None:
        return Refusal(Refused.NOT_KEPT, f"{command.role}: the tile that shows it is not kept any more")
    picture = _cut(pixels, look, position, command.side_m)
    if len(picture) > MAX_BYTES:
        return Refusal(Refused.TOO_LARGE, f"side_m: expected fewer than {command.side_m:g} metres here")
    topic = Topics(device_id).full_evidence(site_id, command.alert, command.object, command.role)
    message = Message(topic, picture, alert_id=command.alert, severity=told.severity, is_picture=True)
    store.outbox.put([message], now)
    return {
        "topic": topic,
        "tile": look.sight.tile_id,
        "seen_at": look.sight.seen_at,
        "gsd_m": round(look.sight.gsd_m, 4),
        "sha256": hashlib.sha256(picture).hexdigest(),
        "bytes": len(picture),
    }


def _with_object(stored: Sequence[StoredAlert], number: int) -> _Event | None:
    """The newest message of a story that tells of so many objects."""
    events = [msgspec.json.decode(one.body, type=_Event) for one in reversed(stored)]
    return next((event for event in events if number < len(event.data.properties.objects)), None)


def _look(
    command: EvidenceRequest, event: _Event, looks: Sequence[PastLook], position: LngLat
) -> PastLook | None:
    """The look behind the alert, or the newest one before it that shows the place."""
    if command.role == "after":
        tile_id = event.data.properties.look.tile if event.data.properties.look else None
        return next((one for one in looks if one.sight.tile_id == tile_id), None)
    earlier = [one for one in looks if one.sight.seen_at < event.time and _shows(one, position)]
    return earlier[-1] if earlier else None


def _shows(past: PastLook, position: LngLat) -> bool:
    x, y = past.sight.alignment.pixel_at(position)
    look = past.sight.look
    return _INSIDE_PX <= x < look.width_px - _INSIDE_PX and _INSIDE_PX <= y < look.height_px - _INSIDE_PX


def _cut(pixels: Rgb, look: PastLook, position: LngLat, side_m: float) -> bytes:
    centre = look.sight.alignment.pixel_at(position)
    square = pictures.square(pixels, centre, side_m / look.sight.gsd_m)
    return pictures.jpeg(square, MAX_BYTES)
