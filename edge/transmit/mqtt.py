"""A link over paho: one object is one connection, and when that is lost a new one is made.

paho is driven from the caller's thread, by hand: it has no thread of its own that could die unseen, its own
queue and its own reconnecting stay unused, and callbacks only note what came. Nothing but LinkDown and
PayloadRefused leaves here, whatever the broker sends.
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.exception import MQTTException
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge.errors import LinkDown, PayloadRefused
from edge.transmit.link import Ack, Arrived, Incoming, Wake, Will
from edge.transmit.mqtt_settings import MqttSettings, read_password, tls_context
from edge.transmit.tls_fault import meaning
from edge.transmit.uplink import Outgoing

# MQTT 5.0, section 2.4: from here on a reason code means failure.
_FAILURE = 128

_UNSUPPORTED_VERSION = 132
_RETAIN_NOT_SUPPORTED = 154

# What we let a broker send us: beyond it, section 3.1.2.11.4 has the broker drop the message.
_MAX_INCOMING_BYTES = 1_048_576

# Section 2.2.2.2: the identifier of the message expiry interval, and four bytes of seconds.
_EXPIRY_BYTES = 5

# How often the clock is looked at while a sign of life is overdue.
_OVERDUE_STEP_S = 0.25

# All that paho was seen to raise on bytes that are no MQTT.
_PAHO_ERRORS = (OSError, ValueError, LookupError, TypeError, struct.error, MQTTException)


def open_link(settings: MqttSettings, client_id: str, wake: Wake, will: Will | None = None) -> MqttLink:
    """A connection by MQTT 5, or by 3.1.1 to a broker that knows no better."""
    try:
        return MqttLink(settings, client_id, wake, will, MQTTProtocolVersion.MQTTv5)
    except _VersionRefused:
        return MqttLink(settings, client_id, wake, will, MQTTProtocolVersion.MQTTv311)
    except _RetainRefused:
        passing = None if will is None else replace(will, is_retained=False)
        return MqttLink(settings, client_id, wake, passing, MQTTProtocolVersion.MQTTv5)


def open_intake(settings: MqttSettings, client_id: str, wake: Wake, window: int) -> MqttLink:
    """A connection by MQTT 5 for a subscriber that answers for each message itself, with `take`.

    window  messages that the broker may send before they are answered for (Receive Maximum)
    """
    return MqttLink(settings, client_id, wake, None, MQTTProtocolVersion.MQTTv5, intake_window=window)


def _properties(packet: int, **values: int | bytes) -> Properties:
    properties = Properties(packet)  # type: ignore[no-untyped-call]  # paho leaves it untyped
    for name, value in values.items():
        setattr(properties, name, value)
    return properties


class _Packed(Properties):
    """Properties that are the same in every message, put into bytes once."""

    def __init__(self, packed: bytes) -> None:
        super().__init__(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho leaves it untyped
        object.__setattr__(self, "packed", packed)

    def pack(self) -> bytes:
        """Their bytes, with the length before them."""
        packed: bytes = self.__dict__["packed"]
        return packed


def _cause(error: Exception) -> str:
    """Which layer gave up."""
    if isinstance(error, ssl.SSLError):
        return "tls"
    if isinstance(error, socket.gaierror):
        return "name_not_found"
    return "connection_lost" if isinstance(error, OSError) else "no_mqtt"


def _word(reason: ReasonCode) -> str:
    """A reason of MQTT 5, section 2.4, as one word."""
    return str(reason).lower().replace(" ", "_")


class _VersionRefused(LinkDown):
    """The broker does not speak this version of MQTT."""


class _RetainRefused(LinkDown):
    """The broker keeps nothing, not even a will."""


class MqttLink:
    """One connection to a broker, from a good CONNACK on; used by one thread."""

    def __init__(
        self,
        settings: MqttSettings,
        client_id: str,
        wake: Wake,
        will: Will | None,
        protocol: MQTTProtocolVersion,
        *,
        intake_window: int | None = None,
    ) -> None:
        self._wake = wake
        self._intake_window = intake_window
        self._heard_at = time.monotonic()
        self._expiry_s = settings.message_expiry_s
        self._expiry = _Packed(
            _properties(PacketTypes.PUBLISH, MessageExpiryInterval=settings.message_expiry_s).pack()  # type: ignore[no-untyped-call]
        )
        self._connack: tuple[ReasonCode, Properties | None] | None = None
        self._lost_because: str | None = None
        self._lost_word = "connection_lost"
        self._tls_faults: list[ssl.SSLError] = []
        self._acks: list[Ack] = []
        self._messages: list[Incoming] = []
        self._unconfirmed: list[int] = []
        self._listens: set[int | None] = set()
        self.subscription_fault: str | None = None
        self.is_v5 = protocol == MQTTProtocolVersion.MQTTv5
        self._client = self._made_client(settings, client_id, will, protocol)
        try:
            self._connect(settings)
        except LinkDown:
            self._drop_socket()
            raise

    @property
    def window(self) -> int:
        """How many unanswered messages the broker takes (Receive Maximum)."""
        return int(self._property("ReceiveMaximum", 65_535))

    @property
    def max_packet_bytes(self) -> int:
        """The largest packet the broker takes; MQTT's own limit where it did not say."""
        return int(self._property("MaximumPacketSize", 268_435_460))

    @property
    def retains(self) -> bool:
        """False where the broker keeps no message for who comes later (Retain Available)."""
        return bool(self._property("RetainAvailable", 1))

    def publish(self, outgoing: Outgoing) -> int:
        """Hand a message to the connection; its `Ack` comes from a later step under the number returned."""
        size = self._packet_bytes(outgoing)
        if size > self.max_packet_bytes:
            raise PayloadRefused(
                f"too large: the broker takes {self.max_packet_bytes} bytes, this needs {size}", "too_large"
            )
        self._connection()
        with self._guarded():
            try:
                info = self._client.publish(
                    outgoing.topic,
                    outgoing.payload,
                    qos=outgoing.qos,
                    retain=outgoing.is_retained and self.retains,
                    properties=self._publish_properties(outgoing),
                )
            except (ValueError, struct.error) as error:
                raise PayloadRefused(f"no message of MQTT: {error}", "no_mqtt") from error
        return info.mid

    def subscribe(self, topics: Sequence[str]) -> None:
        """Ask for topics, QoS 1; a refusal ends the link."""
        with self._guarded():
            self._client.subscribe([(topic, 1) for topic in topics])

    def listen(self, topic: str) -> None:
        """Ask for a topic, QoS 1, and for the retained flag as the sender set it (MQTT 5).

        A refusal does not end the link: it stands in subscription_fault.
        """
        with self._guarded():
            if self.is_v5:
                options = SubscribeOptions(
                    qos=1, retainAsPublished=True, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
                )
                number = self._client.subscribe(topic, options=options)[1]
            else:
                number = self._client.subscribe(topic, 1)[1]
        self._listens.add(number)

    def take(self, incoming: Incoming) -> None:
        """Tell the broker that a message is in safe hands; only on a link of `open_intake`."""
        with self._guarded():
            self._client.ack(incoming.number, 1)

    def step(self, timeout_s: float) -> Arrived:
        """Move bytes both ways, waiting for the network, the wake or the timeout; LinkDown if it is lost.

        What the step before handed out is confirmed to the broker now, so that its taker had time to keep it.
        """
        connection = self._connection()
        with self._guarded():
            self._confirm()
            # A message of QoS 0 is answered as soon as it is written: do not wait with that in hand.
            is_woken = self._move_bytes(connection, 0 if self._acks else timeout_s)
        arrived = Arrived(tuple(self._acks), tuple(self._messages), is_woken)
        self._acks.clear()
        self._messages.clear()
        return arrived

    def close(self, *, is_final: bool = False) -> None:
        """Say goodbye, so that the broker drops the will; with is_final, also all that it keeps for us."""
        properties = _properties(PacketTypes.DISCONNECT, SessionExpiryInterval=0) if is_final else None
        with self._guarded():
            self._confirm()
            self._client.disconnect(properties=properties)
        self._drop_socket()

    def abort(self) -> None:
        """Drop the connection without a goodbye."""
        self._drop_socket()

    def _made_client(
        self, settings: MqttSettings, client_id: str, will: Will | None, protocol: MQTTProtocolVersion
    ) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if self.is_v5 else True,
            protocol=protocol,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        # 0 is unlimited: the window is the uplink's business, so nothing ever waits inside paho.
        client.max_inflight_messages_set(0)
        client.connect_timeout = settings.connect_timeout_s
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_subscribe = self._on_subscribe
        if settings.username is not None:
            client.username_pw_set(settings.username, read_password(settings))
        if settings.broker.is_tls:
            client.tls_set_context(tls_context(settings, self._tls_faults))
        if will is not None:
            client.will_set(will.topic, will.payload, qos=1, retain=will.is_retained)
        return client

    def _connect(self, settings: MqttSettings) -> None:
        broker = settings.broker
        asked: dict[str, Any] = {}
        if self.is_v5:
            properties = _properties(
                PacketTypes.CONNECT,
                SessionExpiryInterval=settings.session_expiry_s,
                MaximumPacketSize=_MAX_INCOMING_BYTES,
                **({} if self._intake_window is None else {"ReceiveMaximum": self._intake_window}),
            )
            asked = {"clean_start": settings.session_expiry_s == 0, "properties": properties}
        deadline = time.monotonic() + settings.connect_timeout_s
        with self._guarded():
            self._client.connect(broker.host, broker.port, settings.keepalive_s, **asked)
            # Nagle's algorithm would hold a small alert back until the one before it is acknowledged.
            self._connection().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while self._connack is None:
            if (fault := self._tls_fault()) is not None:
                raise LinkDown(fault, "tls")
            if self.is_v5 and self._lost_because is not None:
                # A broker of 3.1.1 answers in its own form, which nobody of version 5 can read, and hangs up.
                raise _VersionRefused(f"{broker} ended the connection without an answer in MQTT 5")
            if self._wake.is_cancelled:
                raise LinkDown("stopped while connecting")
            if time.monotonic() > deadline:
                kind = _VersionRefused if self.is_v5 else LinkDown
                raise kind(f"no answer from {broker} within {settings.connect_timeout_s:g} s")
            self._await_answer(min(0.5, settings.connect_timeout_s))
        reason, _ = self._connack
        if reason.value == _UNSUPPORTED_VERSION and self.is_v5:
            raise _VersionRefused(f"refused by {broker}: {reason}")
        if reason.value == _RETAIN_NOT_SUPPORTED:
            raise _RetainRefused(f"refused by {broker}: {reason}", _word(reason))
        if reason.is_failure:
            raise LinkDown(f"refused by {broker}: {reason}", _word(reason))

    def _await_answer(self, timeout_s: float) -> None:
        """One step; a connection that a broker hung up on without an answer is judged by the caller."""
        try:
            self.step(timeout_s)
        except LinkDown as down:
            if not self.is_v5:
                raise
            self._lost_because = self._lost_because or str(down)

    def _connection(self) -> socket.socket:
        connection = self._client.socket()
        if not isinstance(connection, socket.socket):
            raise LinkDown(self._tls_fault() or self._lost_because or "connection lost", self._lost_word)
        return connection

    def _tls_fault(self) -> str | None:
        """What TLS said when it ended the connection, which paho does not tell."""
        if not self._tls_faults:
            return None
        error = self._tls_faults[0]
        return f"TLS: {meaning(error, datetime.now(UTC)) or error}"

    def _move_bytes(self, connection: socket.socket, timeout_s: float) -> bool:
        # What TLS has decrypted already does not show in select.
        is_pending = isinstance(connection, ssl.SSLSocket) and connection.pending() > 0
        watched: list[socket.socket | Wake] = [connection, self._wake]
        readable, writable, _ = select.select(
            watched,
            [connection] if self._client.want_write() else [],
            [],
            0 if is_pending else self._longest_wait_s(timeout_s),
        )
        is_woken = self._wake in readable
        if is_woken:
            self._wake.clear()
        if connection in readable or is_pending:
            self._heard_at = time.monotonic()
            self._client.loop_read()
        if connection in writable:
            self._client.loop_write()
        self._client.loop_misc()
        return is_woken

    def _longest_wait_s(self, timeout_s: float) -> float:
        """Not beyond the moment when a sign of life is due; paho looks at its clock only when called."""
        silent_s = time.monotonic() - self._heard_at
        return min(timeout_s, max(self._client.keepalive - silent_s, _OVERDUE_STEP_S))

    def _packet_bytes(self, outgoing: Outgoing) -> int:
        """Bytes of a PUBLISH: section 3.3."""
        after_header = 2 + len(outgoing.topic.encode()) + len(outgoing.payload)
        after_header += (2 if outgoing.qos else 0) + self._properties_bytes(outgoing)
        return 1 + max(1, (after_header.bit_length() + 6) // 7) + after_header

    def _properties_bytes(self, outgoing: Outgoing) -> int:
        """Bytes of the property list of MQTT 5, section 2.2.2, with its length."""
        if not self.is_v5:
            return 0
        n_bytes = _EXPIRY_BYTES if self._expires(outgoing) else 0
        n_bytes += 0 if outgoing.correlation is None else 3 + len(outgoing.correlation)
        return n_bytes + (1 if n_bytes < 128 else 2)

    def _publish_properties(self, outgoing: Outgoing) -> Properties | None:
        if not self._expires(outgoing):
            return None
        if outgoing.correlation is None:
            return self._expiry
        return _properties(
            PacketTypes.PUBLISH,
            MessageExpiryInterval=self._expiry_s,
            CorrelationData=outgoing.correlation,
        )

    def _expires(self, outgoing: Outgoing) -> bool:
        """A state stands until the next one; everything else is news, which grows old."""
        return self.is_v5 and not outgoing.is_retained

    def _confirm(self) -> None:
        for number in self._unconfirmed:
            self._client.ack(number, 1)
        self._unconfirmed.clear()

    def _property(self, name: str, default: int) -> int:
        return getattr(self._connack[1], name, default) if self._connack else default

    def _drop_socket(self) -> None:
        connection = self._client.socket()
        if connection is not None:
            connection.close()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except _PAHO_ERRORS as error:
            said = meaning(error, datetime.now(UTC))
            words = f"TLS: {said}" if said else f"{type(error).__name__}: {error}"
            raise LinkDown(words, _cause(error)) from error

    def _on_connect(
        self,
        _client: Client,
        _data: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self._connack = (reason, properties)

    def _on_disconnect(
        self,
        _client: Client,
        _data: object,
        flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        who = "connection lost"
        if flags.is_disconnect_packet_from_server:
            who, self._lost_word = "ended by the broker", _word(reason)
        self._lost_because = self._lost_because or f"{who}: {reason}"

    def _on_publish(
        self, _client: Client, _data: object, number: int, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        refusal = f"refused by the broker: {reason} ({reason.value})" if reason.value >= _FAILURE else None
        self._acks.append(Ack(number, refusal, reason.value, _word(reason) if refusal else ""))

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        asked = message.properties
        self._messages.append(
            Incoming(
                message.topic,
                bytes(message.payload),
                message.retain,
                message.dup,
                getattr(asked, "ResponseTopic", None),
                getattr(asked, "CorrelationData", None),
                message.mid,
            )
        )
        if message.qos and self._intake_window is None:
            self._unconfirmed.append(message.mid)

    def _on_subscribe(
        self,
        client: Client,
        _data: object,
        number: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused and number in self._listens:
            self.subscription_fault = f"subscription refused by the broker: {refused[0]}"
        elif refused:
            self._lost_because = f"subscription refused by the broker: {refused[0]}"
            client.disconnect()
