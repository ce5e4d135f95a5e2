"""An alert in 48 bytes, for a link that bills by 50: numbers for names, then a tag by the device's key. Pure.

A record is 320 bits, most significant first, in the order of `_BITS`, then the first 8 bytes of HMAC-SHA-256
over the device's id and those 40 bytes. A message is one to seven records, one after the other.

Names (site, zone, label) travel as numbers that follow from them; who unpacks knows the names, or tells the
number. All 60 bits of the alert's id are there, so that both copies of an alert have one id.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from edge.errors import PayloadRefused
from edge.geo import LngLat
from edge.monitor.finding import Kind, Phase, Severity
from edge.transmit.alert import BASE32, CLOCKS, ID_CHARACTERS
from edge.transmit.brief import Brief, device_number

VERSION = 1
RECORD_BYTES = 48
TAG_BYTES = 8
# Iridium SBD takes 340 bytes from the device.
MAX_MESSAGE_BYTES = 340
MAX_RECORDS = MAX_MESSAGE_BYTES // RECORD_BYTES

_BITS = {
    "version": 4,
    "device": 32,
    "site": 32,
    "zone": 16,
    "label": 16,
    "sequence": 32,
    "kind": 4,
    "severity": 2,
    "phase": 2,
    "exercise": 1,
    "late": 1,
    "clock": 2,
    "count": 16,
    "lng": 26,
    "lat": 25,
    "seen_minute": 28,
    "recorded_after": 13,
    "confidence": 7,
    "alert": 60,
    "spare": 1,
}
_BODY_BYTES = sum(_BITS.values()) // 8

# The number on the wire is the place in these lists: only ever append.
_KINDS = (
    Kind.ARRIVAL,
    Kind.DEPARTURE,
    Kind.ALTERED,
    Kind.MOVED,
    Kind.COUNT,
    Kind.DWELL,
    Kind.CONVOY,
    Kind.GROUND_CHANGE,
    Kind.TREND,
    Kind.INDICATOR,
    Kind.BLIND,
    Kind.DEVICE,
    Kind.DIGEST,
)
_SEVERITIES = (Severity.MINOR, Severity.MODERATE, Severity.SEVERE, Severity.EXTREME)
_PHASES = (Phase.NEW, Phase.UPDATE, Phase.END, Phase.CANCEL)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_STEPS_PER_DEGREE = 100_000
_MAX_LNG, _MAX_LAT = 360 * _STEPS_PER_DEGREE, 180 * _STEPS_PER_DEGREE
_NO_LNG, _NO_LAT = (1 << _BITS["lng"]) - 1, (1 << _BITS["lat"]) - 1
# Below it minutes (2.8 days), from it on hours (170 days).
_HOURS_FROM = 1 << (_BITS["recorded_after"] - 1)


class Refusal(StrEnum):
    """Why a record was not taken; the value is what the operator reads and counts."""

    WRONG_LENGTH = "wrong_length"
    UNKNOWN_VERSION = "unknown_version"
    UNKNOWN_DEVICE = "unknown_device"
    BAD_TAG = "bad_tag"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Refused:
    """A record, or a whole message, that is not what it should be."""

    reason: Refusal
    detail: str

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


def pack(brief: Brief, key: bytes) -> bytes:
    """One record of RECORD_BYTES; PayloadRefused where a value does not fit, such as a year before 1970."""
    number = 0
    for name, value in _values(brief).items():
        if not 0 <= value < 1 << _BITS[name]:
            raise PayloadRefused(f"{name}: expected 0 to {(1 << _BITS[name]) - 1}, got {value}")
        number = number << _BITS[name] | value
    body = number.to_bytes(_BODY_BYTES, "big")
    return body + _tag(body, key, brief.device_id)


def unpack(message: bytes, keys: Mapping[str, bytes]) -> list[Brief | Refused]:
    """Each record of a message, or why it is none; never an exception, whatever the bytes are.

    keys  by device id: whom we know
    """
    n_records, rest = divmod(len(message), RECORD_BYTES)
    if rest or not 1 <= n_records <= MAX_RECORDS:
        expected = f"expected 1 to {MAX_RECORDS} times {RECORD_BYTES} bytes, got {len(message)}"
        return [Refused(Refusal.WRONG_LENGTH, expected)]
    starts = range(0, len(message), RECORD_BYTES)
    return [_record(message[start : start + RECORD_BYTES], keys) for start in starts]


def _record(record: bytes, keys: Mapping[str, bytes]) -> Brief | Refused:
    body, tag = record[:_BODY_BYTES], record[_BODY_BYTES:]
    values = _split(body)
    # Another version may have another layout: nothing else of it can be read.
    if values["version"] != VERSION:
        return Refused(Refusal.UNKNOWN_VERSION, f"expected {VERSION}, got {values['version']}")
    known = [device_id for device_id in keys if device_number(device_id) == values["device"]]
    if not known:
        return Refused(Refusal.UNKNOWN_DEVICE, f"expected a device whose key is here, got {_hex(values)}")
    signers = [one for one in known if hmac.compare_digest(tag, _tag(body, keys[one], one))]
    if not signers:
        return Refused(Refusal.BAD_TAG, f"expected a tag by the key of {' or '.join(known)}")
    return _brief(signers[0], values)


def _hex(values: Mapping[str, int]) -> str:
    return f"number {values['device']:08x}"


def _split(body: bytes) -> dict[str, int]:
    number = int.from_bytes(body, "big")
    values = {}
    for name, n_bits in reversed(_BITS.items()):
        values[name] = number & (1 << n_bits) - 1
        number >>= n_bits
    return values


def _values(brief: Brief) -> dict[str, int]:
    """The fields of a record in the order of `_BITS`."""
    lng, lat = _NO_LNG, _NO_LAT
    if brief.position is not None:
        lng = round((brief.position.lng + 180) * _STEPS_PER_DEGREE)
        lat = round((brief.position.lat + 90) * _STEPS_PER_DEGREE)
    return {
        "version": VERSION,
        "device": device_number(brief.device_id),
        "site": brief.site_number,
        "zone": brief.zone_number or 0,
        "label": brief.label_number or 0,
        "sequence": brief.sequence,
        "kind": _KINDS.index(brief.kind),
        "severity": _SEVERITIES.index(brief.severity),
        "phase": _PHASES.index(brief.phase),
        "exercise": int(brief.exercise),
        "late": int(brief.late),
        "clock": _place(brief.clock, CLOCKS),
        "count": min(brief.count, 0xFFFF),
        "lng": lng,
        "lat": lat,
        "seen_minute": (brief.seen_at - _EPOCH) // _MINUTE,
        "recorded_after": _coarse((brief.recorded_at - brief.seen_at) // _MINUTE),
        "confidence": round(100 * brief.confidence),
        "alert": _alert_number(brief.alert_id),
        "spare": 0,
    }


def _brief(device_id: str, values: Mapping[str, int]) -> Brief | Refused:
    """What a record with a good tag says; the device itself never makes one that is refused here."""
    if wrong := _out_of_range(values):
        return Refused(Refusal.MALFORMED, wrong)
    seen_at = _EPOCH + values["seen_minute"] * _MINUTE
    return Brief(
        device_id=device_id,
        alert_id=_alert_id(values["alert"]),
        sequence=values["sequence"],
        site_number=values["site"],
        zone_number=values["zone"] or None,
        label_number=values["label"] or None,
        kind=_KINDS[values["kind"]],
        severity=_SEVERITIES[values["severity"]],
        phase=_PHASES[values["phase"]],
        exercise=bool(values["exercise"]),
        late=bool(values["late"]),
        clock=CLOCKS[values["clock"]],
        count=values["count"],
        position=_position(values),
        seen_at=seen_at,
        recorded_at=seen_at + _fine(values["recorded_after"]) * _MINUTE,
        confidence=values["confidence"] / 100,
    )


def _out_of_range(values: Mapping[str, int]) -> str | None:
    has_place = (values["lng"], values["lat"]) != (_NO_LNG, _NO_LAT)
    limits = {
        "kind": len(_KINDS) - 1,
        "confidence": 100,
        "spare": 0,
        **({"lng": _MAX_LNG, "lat": _MAX_LAT} if has_place else {}),
    }
    wrong = (name for name, limit in limits.items() if values[name] > limit)
    return next((f"{name}: expected at most {limits[name]}, got {values[name]}" for name in wrong), None)


def _position(values: Mapping[str, int]) -> LngLat | None:
    if (values["lng"], values["lat"]) == (_NO_LNG, _NO_LAT):
        return None
    lng, lat = values["lng"] / _STEPS_PER_DEGREE - 180, values["lat"] / _STEPS_PER_DEGREE - 90
    return LngLat(round(lng, 5), round(lat, 5))


def _coarse(minutes: int) -> int:
    """Minutes, or hours behind the limit; an alert made before its look (a clock set back) was made at it."""
    if minutes < _HOURS_FROM:
        return max(0, minutes)
    return min(_HOURS_FROM + minutes // 60, 2 * _HOURS_FROM - 1)


def _fine(coarse: int) -> int:
    return coarse if coarse < _HOURS_FROM else (coarse - _HOURS_FROM) * 60


def _place(word: str, words: Sequence[str]) -> int:
    if word not in words:
        raise PayloadRefused(f"expected one of {', '.join(words)}, got {word!r}")
    return words.index(word)


def _alert_number(alert_id: str) -> int:
    if len(alert_id) != ID_CHARACTERS or set(alert_id) - set(BASE32):
        raise PayloadRefused(f"alert: expected an id of {ID_CHARACTERS} characters, got {alert_id!r}")
    number = 0
    for letter in alert_id:
        number = number << 5 | BASE32.index(letter)
    return number


def _alert_id(number: int) -> str:
    return "".join(BASE32[number >> shift & 31] for shift in range(5 * (ID_CHARACTERS - 1), -1, -5))


def _tag(body: bytes, key: bytes, device_id: str) -> bytes:
    # The name keeps a key that several devices share by mistake from vouching for another one.
    named = b"edge alert\0" + device_id.encode() + b"\0" + body
    return hmac.new(key, named, hashlib.sha256).digest()[:TAG_BYTES]
