"""A command in at most 270 bytes, for a link that takes no more: a fixed head, its arguments, a tag. Pure.

Bytes, most significant first: version, verb, 6 of the id, 4 of issued_at and 3 of expires_s in seconds, the
arguments of the verb, then 8 of HMAC-SHA-256 over the device's id and all that stands before.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import struct
from datetime import UTC, datetime, timedelta

import msgspec

from edge.transmit.command import (
    TABLE,
    Ack,
    AnyCommand,
    EvidenceRequest,
    Feedback,
    Ping,
    Refusal,
    Refused,
    Reload,
    Snooze,
    Verb,
)

# What a satellite modem (Iridium SBD) hands over at most in one message to the device.
MAX_COMPACT_BYTES = 270

VERSION = 1
TAG_BYTES = 8
MIN_KEY_BYTES = 16

# Position in this list is the number of a verb on the wire: only ever append.
_VERBS = (Verb.ACK, Verb.SNOOZE, Verb.FEEDBACK, Verb.EVIDENCE, Verb.PING, Verb.RELOAD)
_SCOPES = ("rule", "site")
_VERDICTS = ("false", "true")
_ROLES = ("before", "after")

_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
_ID = re.compile(r"^c-[0-9a-f]{12}\Z")
_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ALERT_CHARACTERS = 12

_HEAD = struct.Struct(">BB6sI3s")
# alert; alert, until_at, scope; alert, verdict; alert, object, role, side_m.
_ARGUMENTS = {
    Verb.ACK: struct.Struct(">Q"),
    Verb.SNOOZE: struct.Struct(">QIB"),
    Verb.FEEDBACK: struct.Struct(">QB"),
    Verb.EVIDENCE: struct.Struct(">QHBH"),
    Verb.PING: struct.Struct(">"),
    Verb.RELOAD: struct.Struct(">"),
}


def to_bytes(command: AnyCommand, key: bytes, device_id: str) -> bytes:
    """The compact form, made by the desk.

    A ValueError says what cannot be told so: an id that is not c- and 12 hexadecimal digits.

    key  of this one device, at least MIN_KEY_BYTES
    """
    if not _ID.match(command.id):
        raise ValueError(f"id: expected c- and 12 hexadecimal digits, got {command.id!r}")
    head = _HEAD.pack(
        VERSION,
        _VERBS.index(command.verb),
        bytes.fromhex(command.id[2:]),
        _seconds(command.issued_at),
        command.expires_s.to_bytes(3, "big"),
    )
    signed = head + _ARGUMENTS[command.verb].pack(*_arguments(command))
    return signed + _tag(signed, key, device_id)


def from_bytes(data: bytes, key: bytes, device_id: str) -> AnyCommand | Refusal:
    """The command in a compact message, or why it is none; its age and its id are still to be judged.

    key  of this device, at least MIN_KEY_BYTES
    """
    if len(data) > MAX_COMPACT_BYTES:
        return Refusal(Refused.TOO_LARGE, f"expected at most {MAX_COMPACT_BYTES} bytes, got {len(data)}")
    signed, tag = data[:-TAG_BYTES], data[-TAG_BYTES:]
    # Before anything of it is read: what is not signed is not worth a parser.
    if not hmac.compare_digest(tag, _tag(signed, key, device_id)):
        return Refusal(Refused.NOT_AUTHENTIC, "expected a tag by the key of this device")
    return _command(signed)


def _command(signed: bytes) -> AnyCommand | Refusal:
    try:
        version, number, id_bytes, issued_s, expires = _HEAD.unpack_from(signed)
        if version != VERSION:
            return Refusal(Refused.MALFORMED, f"version: expected {VERSION}, got {version}")
        verb = _VERBS[number]
        values = _keywords(verb, _ARGUMENTS[verb].unpack(signed[_HEAD.size :]))
        plain = {
            "id": f"c-{id_bytes.hex()}",
            "issued_at": _instant(issued_s),
            "expires_s": int.from_bytes(expires, "big"),
            **values,
        }
        return msgspec.convert(plain, TABLE[verb])
    except (struct.error, IndexError, msgspec.ValidationError) as error:
        return Refusal(Refused.MALFORMED, str(error))


def _arguments(command: AnyCommand) -> tuple[int, ...]:
    match command:
        case Ack():
            return (_alert_number(command.alert),)
        case Snooze():
            until_s = _seconds(command.until_at)
            return _alert_number(command.alert), until_s, _SCOPES.index(command.scope)
        case Feedback():
            return _alert_number(command.alert), _VERDICTS.index(command.verdict)
        case EvidenceRequest():
            role, side_m = _ROLES.index(command.role), round(command.side_m)
            return _alert_number(command.alert), command.object, role, side_m
        case Ping() | Reload():
            return ()


def _keywords(verb: Verb, values: tuple[int, ...]) -> dict[str, object]:
    match verb, values:
        case Verb.ACK, (alert,):
            return {"alert": _alert_id(alert)}
        case Verb.SNOOZE, (alert, until_s, scope):
            return {"alert": _alert_id(alert), "until_at": _instant(until_s), "scope": _SCOPES[scope]}
        case Verb.FEEDBACK, (alert, verdict):
            return {"alert": _alert_id(alert), "verdict": _VERDICTS[verdict]}
        case Verb.EVIDENCE, (alert, number, role, side_m):
            picture = {"object": number, "role": _ROLES[role], "side_m": side_m}
            return {"alert": _alert_id(alert), **picture}
        case _:
            return {}


def _tag(signed: bytes, key: bytes, device_id: str) -> bytes:
    if len(key) < MIN_KEY_BYTES:
        raise ValueError(f"key: expected at least {MIN_KEY_BYTES} bytes, got {len(key)}")
    # The name keeps a key that several devices share by mistake from carrying a command over to another one.
    named = b"edge command\0" + device_id.encode() + b"\0" + signed
    return hmac.new(key, named, hashlib.sha256).digest()[:TAG_BYTES]


def _seconds(instant: datetime) -> int:
    return max(0, int((instant - _EPOCH).total_seconds()))


def _instant(seconds: int) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)


def _alert_number(alert_id: str) -> int:
    number = 0
    for letter in alert_id:
        number = number << 5 | _BASE32.index(letter)
    return number


def _alert_id(number: int) -> str:
    # More than 60 bits make a thirteenth character, which the form of the command then refuses.
    n = max(_ALERT_CHARACTERS, -(-number.bit_length() // 5))
    return "".join(_BASE32[number >> shift & 31] for shift in range(5 * (n - 1), -1, -5))
