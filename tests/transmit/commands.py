"""Builders of commands, and what comes of a careless or a hostile sender."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from edge.transmit.command import (
    TABLE,
    Ack,
    AnyCommand,
    EvidenceRequest,
    Feedback,
    Ping,
    Reload,
    Snooze,
    Verb,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ALERT = "7Q2M5K0C9T4E"


def make_ping(command_id: str = "c-0123456789ab", *, issued_at: datetime = NOW, expires_s: int = 600) -> Ping:
    return Ping(id=command_id, issued_at=issued_at, expires_s=expires_s)


def one_of_each() -> list[AnyCommand]:
    """Every verb of the table, with arguments that are not the default."""
    common: dict[str, Any] = {"issued_at": NOW, "expires_s": 600}
    return [
        Ack(id="c-000000000001", alert=ALERT, **common),
        Snooze(id="c-000000000002", alert=ALERT, until_at=NOW + timedelta(days=3), scope="site", **common),
        Feedback(id="c-000000000003", alert="0" * 12, verdict="true", **common),
        EvidenceRequest(
            id="c-000000000004", alert="Z" * 12, object=399, role="before", side_m=250.0, **common
        ),
        Ping(id="c-000000000005", **common),
        Reload(id="c-000000000006", **common),
    ]


_ODD: tuple[Any, ...] = (
    None, True, -1, 0, 2**70, 1e308, "", "x" * 300, [], {}, "\u0000", "0000-00-00T00:00:00Z",
    "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2026-03-01T12:00:00", "2026-03-01T12:00:00-23:59",
)  # fmt: skip


def fuzzed(draw: random.Random, now: datetime = NOW) -> tuple[str, bytes]:
    """A verb and a payload: right, nearly right, or noise."""
    verb = draw.choice([*Verb, "reboot", "", "ACK", "$"])
    kind = draw.randrange(5)
    if kind == 0:
        return verb, draw.randbytes(draw.randrange(64))
    right: dict[str, Any] = {
        "id": f"f-{draw.randrange(10_000)}",
        "issued_at": (now - timedelta(seconds=draw.randrange(-60, 60))).isoformat(),
        "expires_s": draw.randrange(1, 9999),
        "alert": ALERT,
        "verdict": draw.choice(["true", "false"]),
        "until_at": (now + timedelta(hours=1)).isoformat(),
        "object": draw.randrange(400),
        "scope": draw.choice(["rule", "site"]),
        "role": "after",
        "side_m": 100,
    }
    form = TABLE[Verb(verb)].__struct_fields__ if verb in TABLE else ()
    plain = {key: right[key] for key in form}
    if kind == 1:
        key = draw.choice([*plain, "colour"])
        plain[key] = draw.choice(_ODD)
    payload = json.dumps(plain).encode()
    if kind == 2:
        cut = draw.randrange(len(payload))
        payload = payload[:cut] + draw.randbytes(draw.randrange(4)) + payload[cut + draw.randrange(3) :]
    return verb, payload * (draw.randrange(2, 40) if kind == 3 else 1)
