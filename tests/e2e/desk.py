"""A desk that sends commands by plain MQTT 5 and waits for the answers."""

from __future__ import annotations

import json
import queue
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.broker import Broker

PREFIX = "edge/v1/pier-7"
REPLY = f"{PREFIX}/reply/desk-1"
_WITHIN_S = 30.0


def fields(**changed: Any) -> dict[str, Any]:
    """What every command has: a new id, issued now, good for ten minutes."""
    now = datetime.now(UTC)
    made = {"id": f"c-{secrets.token_hex(6)}", "issued_at": now.isoformat(), "expires_s": 600}
    return {**made, **changed}


def hours_ago(hours: float) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat()


class Desk:
    """One MQTT 5 client; what it heard, in order."""

    def __init__(self, broker: Broker, listens_to: str = f"{PREFIX}/reply/#") -> None:
        self._heard: queue.Queue[MQTTMessage] = queue.Queue()
        self._subscribed: queue.Queue[None] = queue.Queue()
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.on_message = lambda _client, _data, message: self._heard.put(message)
        self._client.on_subscribe = lambda *_: self._subscribed.put(None)
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        self._client.subscribe(listens_to, qos=1)
        self._subscribed.get(timeout=_WITHIN_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def send(
        self,
        verb: str,
        payload: dict[str, Any] | bytes,
        *,
        reply_to: str | None = REPLY,
        correlation: bytes | None = None,
        retain: bool = False,
    ) -> None:
        """One command, on its way to the broker when this returns."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if reply_to is not None:
            properties.ResponseTopic = reply_to
        if correlation is not None:
            properties.CorrelationData = correlation
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        sent = self._client.publish(f"{PREFIX}/cmd/{verb}", data, qos=1, retain=retain, properties=properties)
        sent.wait_for_publish(_WITHIN_S)

    def next_message(self, within_s: float = _WITHIN_S) -> MQTTMessage:
        """The next one that came."""
        return self._heard.get(timeout=within_s)

    def ask(self, verb: str, **values: Any) -> dict[str, Any]:
        """A command and its answer."""
        correlation = secrets.token_bytes(8)
        self.send(verb, fields(**values), correlation=correlation)
        message = self.next_message()
        assert getattr(message.properties, "CorrelationData", None) == correlation
        answer: dict[str, Any] = json.loads(message.payload)
        return answer


@contextmanager
def desk_at(broker: Broker) -> Iterator[Desk]:
    """A desk for the length of the block."""
    with Desk(broker) as desk:
        yield desk
