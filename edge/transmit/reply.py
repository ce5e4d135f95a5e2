"""The answer to a command, and where it may go. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from edge.transmit.command import TABLE, Refusal
from edge.transmit.topics import FORBIDDEN, PREFIX

MAX_REPLY_TOPIC_BYTES = 256
MAX_CORRELATION_BYTES = 256

# Characters: a faulty configuration may have more to say than a link wants to carry.
MAX_DETAIL = 1000

# What the device says there must never be mixed with an answer: no receiver could tell them apart.
_OWN_FIRST = frozenset({"status", "health", "cmd"})
_OWN_LATER = frozenset({"alert", "open", "inventory", "observation", "evidence"})


def is_reply_topic(topic: str, device_id: str) -> bool:
    """True if an answer may go there: within the device's own prefix, on no topic that means something else.

    `edge/v1/DEVICE/reply/...` is always free.
    """
    prefix = f"{PREFIX}/{device_id}/"
    levels = topic.removeprefix(prefix).split("/")
    return (
        topic.startswith(prefix)
        and len(topic.encode("utf-8", "replace")) <= MAX_REPLY_TOPIC_BYTES
        and topic.isprintable()
        and all(level and not FORBIDDEN & set(level) for level in levels)
        and levels[0] not in _OWN_FIRST
        and not _OWN_LATER & set(levels[1:])
    )


def done(device_id: str, verb: str, command_id: str, result: Mapping[str, object]) -> bytes:
    """The command was done; the result is the verb's own."""
    return msgspec.json.encode(
        {"device": device_id, "id": command_id, "verb": verb, "ok": True, "result": dict(result)}
    )


def refused(device_id: str, verb: str, command_id: str | None, refusal: Refusal) -> bytes:
    """The command was not done; the id is None where it could not be read."""
    return msgspec.json.encode(
        {
            "device": device_id,
            "id": command_id,
            "verb": verb if verb in TABLE else None,
            "ok": False,
            "reason": refusal.reason,
            "detail": refusal.detail[:MAX_DETAIL],
        }
    )
