"""The subscriber behind `edge archive`: stores alerts and evidence, and tells the devices what it has stored.

A message is written, then confirmed to its device, then acknowledged to the broker. Whatever dies in between,
the message comes again, and again is the same row.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from edge.errors import LinkDown, PayloadRefused, StoreBroken
from edge.receive.archive_store import ArchiveStore
from edge.receive.record import AlertRecord, PictureRecord, UnreadableRecord, record_of, sender_of
from edge.transmit.link import Ack, Incoming, Wake
from edge.transmit.mqtt import MqttLink, open_intake
from edge.transmit.mqtt_settings import MqttSettings
from edge.transmit.receipt import digest, receipts
from edge.transmit.topics import PREFIX, Topics, checked_name
from edge.transmit.uplink import Outgoing, UplinkSettings, backoff_s

log = logging.getLogger(__name__)

# How long the broker keeps this archiver's share while it is away: a long weekend and its holidays.
SESSION_EXPIRY_S = 7 * 86_400

# Messages that the broker hands over before the first is stored; one transaction stores them all.
INTAKE_WINDOW = 100

# Receipts that wait for the broker; each tells up to 500 messages.
_MAX_RECEIPTS = 1000

_RETRY = UplinkSettings(retry_first_s=0.5, retry_max_s=30.0)
_STEP_S = 0.25
_SWEEP_EVERY_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveSettings:
    """What one archiver does.

    share      archivers of the same share divide the messages among themselves
    client_id  by which the broker keeps its share while it is away; no two archivers may have the same
    keep_days  after which what was received is deleted, or None: never
    """

    mqtt: MqttSettings
    share: str
    client_id: str
    keep_days: float | None = None


def archived_topics(share: str) -> list[str]:
    """What to subscribe to; each message goes to one archiver of the share."""
    checked_name(share, "share")
    return [f"$share/{share}/{PREFIX}/+/+/alert", f"$share/{share}/{PREFIX}/+/+/evidence/+/+"]


def run_archive(
    settings: ArchiveSettings,
    *,
    open_store: Callable[[], ArchiveStore],
    stop: threading.Event,
    now: Callable[[], datetime],
    draw: Callable[[], float] = random.random,
) -> None:
    """Store what comes until stop is set; back after every loss of the broker or of the database.

    open_store  opens the archive; called anew after a fault
    """
    topics = archived_topics(settings.share)
    mqtt = msgspec.structs.replace(settings.mqtt, session_expiry_s=SESSION_EXPIRY_S)
    faults = _Faults(settings.client_id)
    while not stop.is_set():
        try:
            with closing(open_store()) as store, _subscribed(mqtt, settings.client_id, topics) as link:
                log.info("archiving: broker=%s id=%s", mqtt.broker, settings.client_id)
                _Intake(link, store, now, settings, faults.clear).run(stop)
        except (LinkDown, StoreBroken) as fault:
            stop.wait(backoff_s(faults.note(fault), draw(), _RETRY))


class _Faults:
    """Counts faults in a row, and logs each once until something was stored again."""

    def __init__(self, client_id: str) -> None:
        self._client_id = client_id
        self.clear()

    def clear(self) -> None:
        """Something was stored: the next fault is the first."""
        self._n_in_a_row, self._last = 0, ""

    def note(self, fault: Exception) -> int:
        """One more; how many there are."""
        level = logging.DEBUG if str(fault) == self._last else logging.WARNING
        log.log(level, "archive waits: id=%s reason=%s", self._client_id, fault)
        self._n_in_a_row, self._last = self._n_in_a_row + 1, str(fault)
        return self._n_in_a_row


@contextmanager
def _subscribed(mqtt: MqttSettings, client_id: str, topics: Sequence[str]) -> Iterator[MqttLink]:
    wake = Wake()
    try:
        link = open_intake(mqtt, client_id, wake, INTAKE_WINDOW)
        try:
            link.subscribe(topics)
            yield link
            # Not final: the broker keeps what comes until this archiver is back.
            link.close()
        finally:
            link.abort()
    finally:
        wake.close()


class _Intake:
    """One connection's messages on their way into the archive, and the receipts on their way back."""

    def __init__(
        self,
        link: MqttLink,
        store: ArchiveStore,
        now: Callable[[], datetime],
        settings: ArchiveSettings,
        on_stored: Callable[[], None],
    ) -> None:
        self._link = link
        self._on_stored = on_stored
        self._store = store
        self._now = now
        self._keep_days = settings.keep_days
        self._share = settings.share
        # A broker that takes none for long: the oldest are asked for again.
        self._receipts: deque[Outgoing] = deque(maxlen=_MAX_RECEIPTS)
        self._in_flight: dict[int, Outgoing] = {}
        self._next_sweep_s = time.monotonic()

    def run(self, stop: threading.Event) -> None:
        """Message by message, as many in one transaction as have come."""
        while not stop.is_set():
            self._sweep()
            messages = self._arrived(_STEP_S)
            while messages and len(messages) < INTAKE_WINDOW and (more := self._arrived(0.0)):
                messages += more
            if messages:
                self._keep(messages)
            self._answer()

    def _arrived(self, timeout_s: float) -> list[Incoming]:
        arrived = self._link.step(timeout_s)
        for ack in arrived.acks:
            self._settle(ack)
        return list(arrived.messages)

    def _keep(self, messages: Sequence[Incoming]) -> None:
        records = [record_of(incoming) for incoming in messages]
        self._store.put(records, self._now())
        self._on_stored()
        self._queue_receipts(messages)
        self._answer()
        for incoming in messages:
            self._link.take(incoming)
        kinds = [type(record) for record in records]
        log.info(
            "stored: alerts=%d pictures=%d unreadable=%d",
            *(kinds.count(kind) for kind in (AlertRecord, PictureRecord, UnreadableRecord)),
        )
        for record in records:
            if isinstance(record, UnreadableRecord):
                log.warning(
                    "message not understood: topic=%s reason=%s", ascii(record.topic), ascii(record.reason)
                )

    def _queue_receipts(self, messages: Sequence[Incoming]) -> None:
        digests: dict[str, list[str]] = {}
        for incoming in messages:
            device = sender_of(incoming.topic)
            if device is not None:
                digests.setdefault(device, []).append(digest(incoming.topic, incoming.payload))
        self._receipts.extend(
            Outgoing(Topics(device).ack, payload)
            for device, told in digests.items()
            for payload in receipts(told, self._share)
        )

    def _answer(self) -> None:
        """Send receipts as far as the broker takes them; one that is lost is asked for by a repeat."""
        while self._receipts and len(self._in_flight) < self._link.window:
            receipt = self._receipts.popleft()
            try:
                self._in_flight[self._link.publish(receipt)] = receipt
            except PayloadRefused as refusal:
                log.error("receipt refused: topic=%s reason=%s", receipt.topic, refusal)

    def _settle(self, ack: Ack) -> None:
        receipt = self._in_flight.pop(ack.number, None)
        if receipt is not None and ack.reason is not None:
            log.error("receipt refused: topic=%s reason=%s", receipt.topic, ack.reason)

    def _sweep(self) -> None:
        if self._keep_days is None or time.monotonic() < self._next_sweep_s:
            return
        self._next_sweep_s = time.monotonic() + _SWEEP_EVERY_S
        n_deleted = self._store.forget_before(self._now() - timedelta(days=self._keep_days))
        if n_deleted:
            log.info("old messages deleted: rows=%d", n_deleted)
