"""The thread that empties the outbox over MQTT: it connects, sends, and comes back after every loss.

It shares nothing with the rest of the program but the outbox, whose file it opens for itself.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass

from edge.errors import LinkDown, PayloadRefused, StoreBroken
from edge.transmit.desk import Desk
from edge.transmit.link import Ack, Arrived, Incoming, Wake, Will
from edge.transmit.mqtt import MqttLink, open_link
from edge.transmit.mqtt_settings import MqttSettings
from edge.transmit.outbox import Outbox
from edge.transmit.reception import Reception
from edge.transmit.topics import Topics
from edge.transmit.uplink import LinkState, Outgoing, UplinkSettings, backoff_s, next_attempt

log = logging.getLogger(__name__)

# How often the outbox is looked at without being woken: `edge outbox retry` is another process.
_LOOK_EVERY_S = 2.0

# A connection that lasted so long was a good one: the next wait starts from the shortest again.
_GOOD_AFTER_S = 60.0

# How long a clean stop waits for the broker to take its last word.
_GOODBYE_S = 2.0

# Answers stay where they are bounded while so many messages wait here.
_MAX_QUEUED = 128

# MQTT 5.0, section 3.4.2.1: quota exceeded speaks of the device's rate, not of the message.
_QUOTA_EXCEEDED = 151


@dataclass(frozen=True, slots=True)
class LinkStatistics:
    """How the link is.

    last_ack_age_s  since the broker last took something, or None where it did not since the start
    n_delivered     queued messages taken since the start
    n_refused       messages refused since the start, by the broker or for their size
    fault           why there is no connection, or None where there is one or none was tried yet
    """

    is_connected: bool
    last_ack_age_s: float | None
    n_delivered: int
    n_refused: int
    fault: str | None


class _Tally:
    """What the sender's thread counts and other threads read; each attribute changes at once."""

    def __init__(self) -> None:
        self.is_connected = False
        self.last_ack_at: float | None = None
        self.n_delivered = 0
        self.n_refused = 0
        self.fault: str | None = None


class Sender:
    """Sends what the outbox holds from a thread of its own, from `start` until `stop`."""

    def __init__(
        self,
        device_id: str,
        settings: MqttSettings,
        uplink: UplinkSettings,
        open_outbox: Callable[[], Outbox],
        draw: Callable[[], float] = random.random,
        *,
        open_reception: Callable[[], Reception] | None = None,
    ) -> None:
        """Prepare the thread.

        open_outbox     opens the outbox anew for the thread that calls it
        draw            a random number in [0, 1), for the waits
        open_reception  likewise the door for commands; None where none are taken
        """
        self._client_id = f"edge-{device_id}"
        self._topics = Topics(device_id)
        self._settings = settings
        self._uplink = uplink
        self._open_outbox = open_outbox
        self._draw = draw
        self._open_reception = open_reception
        self._desk = Desk(settings.resend_after_s if settings.ack == "e2e" else None, time.monotonic())
        self._wake = Wake()
        self._stopping = threading.Event()
        self._tally = _Tally()
        # A daemon thread: a name server that never answers must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name="mqtt-sender", daemon=True)

    def start(self) -> None:
        """Start sending; a broker that cannot be reached is no error."""
        self._thread.start()

    def wake(self) -> None:
        """Something was committed: send it now rather than at the next look."""
        self._wake.set()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Say `stopped` and end; True if the thread ended in time. What waits stays in the outbox."""
        self._stopping.set()
        self._wake.cancel()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        if self._thread.is_alive():
            return False
        self._wake.close()
        return True

    @property
    def is_alive(self) -> bool:
        """False where the thread has ended; before `stop` that is a fault of this program."""
        return self._thread.is_alive()

    def statistics(self) -> LinkStatistics:
        """How the link is, at this moment."""
        tally, last_ack_at = self._tally, self._tally.last_ack_at
        return LinkStatistics(
            is_connected=tally.is_connected,
            last_ack_age_s=None if last_ack_at is None else time.monotonic() - last_ack_at,
            n_delivered=tally.n_delivered,
            n_refused=tally.n_refused,
            fault=tally.fault,
        )

    def _run(self) -> None:
        n_failures = 0
        while not self._stopping.is_set():
            started_at, n_delivered = time.monotonic(), self._tally.n_delivered
            try:
                with ExitStack() as opened:
                    outbox = opened.enter_context(closing(self._open_outbox()))
                    reception = self._open_reception() if self._open_reception else None
                    if reception is not None:
                        opened.callback(reception.close)
                    self._carry(outbox, reception)
            except (LinkDown, StoreBroken) as fault:
                if self._stopping.is_set():
                    return
                lasted_s = time.monotonic() - started_at
                was_good = lasted_s > _GOOD_AFTER_S or self._tally.n_delivered > n_delivered
                n_failures = 1 if was_good else n_failures + 1
                self._note(fault)
                self._stopping.wait(backoff_s(n_failures, self._draw(), self._uplink))

    def _carry(self, outbox: Outbox, reception: Reception | None) -> None:
        """One connection, from `online` to its loss or to `stopped`."""
        will = Will(self._topics.status, b"offline")
        link = open_link(self._settings, self._client_id, self._wake, will)
        self._tally.is_connected, self._tally.fault = True, None
        log.info(
            "link up: link=mqtt broker=%s mqtt=%s", self._settings.broker, "5" if link.is_v5 else "3.1.1"
        )
        session = _Session(
            outbox, link, self._topics, self._uplink, self._tally, reception=reception, desk=self._desk
        )
        try:
            session.greet()
            while not self._stopping.is_set():
                session.turn()
            session.say_goodbye()
        finally:
            self._tally.is_connected = False
            link.abort()
            session.end()

    def _note(self, fault: Exception) -> None:
        """Log a fault once, not at every try of a long outage."""
        level = logging.DEBUG if str(fault) == self._tally.fault else logging.WARNING
        self._tally.fault = str(fault)
        log.log(level, "link down: link=mqtt broker=%s reason=%s", self._settings.broker, fault)


class _Session:
    """What is on its way over one connection."""

    def __init__(
        self,
        outbox: Outbox,
        link: MqttLink,
        topics: Topics,
        uplink: UplinkSettings,
        tally: _Tally,
        *,
        reception: Reception | None,
        desk: Desk,
    ) -> None:
        self._reception = reception
        self._outbox = outbox
        self._link = link
        self._topics = topics
        self._desk = desk
        self._uplink = uplink
        self._tally = tally
        self._queue: deque[Outgoing] = deque()
        self._in_flight: dict[int, Outgoing] = {}
        self._taken: list[Outgoing] = []
        self._last_seq = 0
        self._may_have_more = True

    def greet(self) -> None:
        """Listen for commands, and queue what every connect begins with: `online`, then what is retained."""
        if self._reception is not None and self._reception.topic is not None:
            self._link.listen(self._reception.topic)
        if self._desk.is_asked:
            self._link.subscribe([self._topics.ack])
        self._queue.append(self._status(b"online"))
        self._queue.extend(self._outbox.retained(only_dirty=False))

    def turn(self) -> None:
        """Send what there is room for, wait for what comes, and write down what was taken."""
        while self._may_have_more and not self._queue:
            self._fetch()
        self._publish()
        arrived = self._link.step(_LOOK_EVERY_S)
        # Nothing came: it was the regular look, or the network alone.
        self._may_have_more |= arrived.is_woken or bool(arrived.messages) or not arrived.acks
        for ack in arrived.acks:
            self._settle(ack)
        self._hear(arrived)
        if not self._in_flight or len(self._taken) >= self._uplink.window:
            self._write_taken()

    def _hear(self, arrived: Arrived) -> None:
        """Take receipts and commands that came, and queue answers ahead of all that waits."""
        reception = self._reception
        for incoming in arrived.messages:
            if incoming.topic == self._topics.ack:
                self._hear_receipt(incoming)
            elif reception is not None:
                reception.take(incoming)
        if reception is None:
            return
        if len(self._queue) < _MAX_QUEUED:
            self._queue.extendleft(reversed(reception.answers()))
        if self._link.subscription_fault is not None:
            log.warning("commands cannot come: link=mqtt reason=%s", self._link.subscription_fault)
            self._link.subscription_fault = None

    def say_goodbye(self) -> None:
        """Leave `stopped` behind and close, so that the broker does not publish the will."""
        number = self._link.publish(self._status(b"stopped"))
        self._in_flight[number] = self._status(b"stopped")
        deadline = time.monotonic() + _GOODBYE_S
        while number in self._in_flight and time.monotonic() < deadline:
            arrived = self._link.step(0.1)
            self._hear(arrived)
            for ack in arrived.acks:
                self._settle(ack)
        self._link.close()
        # What is still unanswered was not refused: it goes again at the next start.
        self._in_flight.clear()

    def end(self) -> None:
        """Write down what was taken, and count a failure for what was on its way when the link broke."""
        self._write_taken()
        for outgoing in self._in_flight.values():
            self._desk.forget(outgoing.seq)
        rows = [outgoing.seq for outgoing in self._in_flight.values() if outgoing.seq is not None]
        if rows and self._outbox.failed(min(rows), self._uplink.max_attempts):
            self._tally.n_refused += 1
            log.error("message dead: link=mqtt seq=%s reason=connection broke too often", min(rows))

    def _fetch(self) -> None:
        self._queue.extend(self._due_again())
        limit = max(0, min(self._uplink.window, self._desk.room(time.monotonic()) - len(self._queue)))
        rows = self._outbox.waiting(self._last_seq, limit)
        self._may_have_more = bool(rows) and len(rows) == limit
        self._last_seq = rows[-1].seq or 0 if rows else self._last_seq
        self._queue.extend(row for row in rows if not self._desk.awaits(row.seq))
        sent = {(state.topic, state.version) for state in (*self._in_flight.values(), *self._taken)}
        states = self._outbox.retained(only_dirty=True)
        self._queue.extend(state for state in states if (state.topic, state.version) not in sent)

    def _due_again(self) -> Iterator[Outgoing]:
        """What the archive did not confirm in time, as far as it still waits in the outbox."""
        if news := self._desk.news(time.monotonic()):
            log.warning(news)
        for seq in self._desk.due(time.monotonic(), self._seqs_in_flight()):
            row = self._outbox.row(seq)
            if row is None:
                self._desk.forget(seq)
            else:
                yield row

    def _seqs_in_flight(self) -> set[int]:
        return {outgoing.seq for outgoing in self._in_flight.values() if outgoing.seq is not None}

    def _publish(self) -> None:
        while attempt := next_attempt(self._queue, [self._link_state()], self._uplink):
            self._queue.popleft()
            try:
                self._in_flight[self._link.publish(attempt.outgoing)] = attempt.outgoing
                self._desk.sent(attempt.outgoing, time.monotonic())
            except PayloadRefused as refusal:
                self._refuse(attempt.outgoing, str(refusal))

    def _link_state(self) -> LinkState:
        sizes = [outgoing.size_bytes for outgoing in self._in_flight.values()]
        return LinkState(
            "mqtt", is_up=True, window=self._link.window, n_in_flight=len(sizes), in_flight_bytes=sum(sizes)
        )

    def _settle(self, ack: Ack) -> None:
        outgoing = self._in_flight.pop(ack.number, None)
        if outgoing is None:
            return
        if ack.code == _QUOTA_EXCEEDED:
            raise LinkDown(f"{ack.reason}: waiting")
        if ack.reason is not None:
            self._refuse(outgoing, ack.reason)
            return
        self._tally.last_ack_at = time.monotonic()
        if self._desk.reached_broker(outgoing.seq, time.monotonic()):
            return
        self._tally.n_delivered += outgoing.seq is not None
        self._taken.append(outgoing)
        self._answered(outgoing)

    def _answered(self, outgoing: Outgoing) -> None:
        if self._reception is not None:
            self._reception.answered(outgoing)

    def _hear_receipt(self, incoming: Incoming) -> None:
        """A receipt of the desk's archive: what it has stored may leave the outbox."""
        if not self._desk.is_asked or incoming.is_retained:
            return
        try:
            seqs = self._desk.confirmed(incoming.payload, time.monotonic())
        except ValueError as fault:
            log.warning("receipt not understood: topic=%s reason=%s", incoming.topic, fault)
            return
        # What the broker has still to answer for leaves with that answer.
        stored = [seq for seq in seqs if seq not in self._seqs_in_flight()]
        self._tally.n_delivered += len(stored)
        self._taken.extend(Outgoing(incoming.topic, b"", seq=seq) for seq in stored)

    def _refuse(self, outgoing: Outgoing, reason: str) -> None:
        """Put a message aside, so that it never holds up those behind it; a state just waits to change."""
        self._tally.n_refused += 1
        log.error("message refused: topic=%s seq=%s reason=%s", outgoing.topic, outgoing.seq, reason)
        if outgoing.seq is not None:
            self._outbox.refuse(outgoing.seq, reason)
            self._desk.forget(outgoing.seq)
        elif outgoing.version is not None:
            self._taken.append(outgoing)
        self._answered(outgoing)

    def _write_taken(self) -> None:
        if self._taken:
            self._outbox.settle(self._taken)
            self._taken.clear()

    def _status(self, payload: bytes) -> Outgoing:
        return Outgoing(self._topics.status, payload, is_retained=True)
