"""What is on its way over one connection: what goes next, what was answered, what was refused.

A queued message is ours until it is settled: with `ack: puback` when the broker has answered for it, with
`e2e` when the desk's archive has.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable

from edge.errors import LinkDown, PayloadRefused
from edge.transmit.desk import Desk
from edge.transmit.link import Ack, Arrived, Incoming
from edge.transmit.mqtt import MqttLink
from edge.transmit.outbox import Lane, Outbox
from edge.transmit.reception import Reception
from edge.transmit.tally import Tally
from edge.transmit.topics import Topics
from edge.transmit.uplink import LinkState, Outgoing, UplinkSettings, next_attempt

log = logging.getLogger(__name__)

# How often the outbox is looked at without being woken: `edge outbox retry` is another process.
_LOOK_EVERY_S = 2.0

# So many times for each window what was taken is written down: a power cut repeats the rest.
_TAKEN_PARTS = 4

# How long a clean stop waits for room at the broker, and then for it to take the last word.
_GOODBYE_S = 2.0

# Answers stay where they are bounded while so many wait here.
_MAX_ANSWERS = 128

# MQTT 5.0, section 3.4.2.1: quota exceeded speaks of the device's rate, not of the message.
_QUOTA_EXCEEDED = 151

# The reason of a message that went under with its connection too often, for counting.
_BREAKS_THE_LINK = "breaks_the_link"


class Session:
    """What is on its way over one connection."""

    def __init__(
        self,
        outbox: Outbox,
        link: MqttLink,
        topics: Topics,
        uplink: UplinkSettings,
        tally: Tally,
        *,
        reception: Reception | None,
        desk: Desk,
    ) -> None:
        self._reception = reception
        self._desk = desk
        self._outbox = outbox
        self._link = link
        self._topics = topics
        self._uplink = uplink
        self._tally = tally
        self._answers: deque[Outgoing] = deque()
        # What every connect begins with, and changed states; then a queue for each lane of the outbox.
        self._states: deque[Outgoing] = deque()
        # What the archive did not confirm in time.
        self._again: deque[Outgoing] = deque()
        self._lanes: dict[Lane, deque[Outgoing]] = {lane: deque() for lane in Lane}
        self._last_seqs = dict.fromkeys(Lane, 0)
        self._in_flight: dict[int, Outgoing] = {}
        self._taken: list[Outgoing] = []
        self._may_have_more = True

    def greet(self) -> None:
        """Listen for commands, and queue what every connect begins with: `online`, then what is retained."""
        if self._reception is not None and self._reception.topic is not None:
            self._link.listen(self._reception.topic)
        if self._desk.is_asked:
            self._link.subscribe([self._topics.ack])
        self._states.append(self._status(b"online"))
        self._states.extend(self._outbox.retained(only_dirty=False))

    def turn(self) -> None:
        """Send what there is room for, wait for what comes, and write down what was taken."""
        if self._may_have_more:
            self._fetch()
            self._publish()
            self._fetch_states()
        self._publish()
        arrived = self._link.step(_LOOK_EVERY_S)
        # Nothing came: it was the regular look, or the network alone.
        is_idle = not arrived.acks or not self._n_queued
        self._may_have_more |= arrived.is_woken or bool(arrived.messages) or is_idle
        for ack in arrived.acks:
            self._settle(ack)
        self._hear(arrived)
        # What is taken and not written down goes again after a power cut.
        if not self._in_flight or len(self._taken) >= self._uplink.window / _TAKEN_PARTS:
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
        if len(self._answers) < _MAX_ANSWERS:
            self._answers.extend(reception.answers())
        if self._link.subscription_fault is not None:
            log.warning("commands cannot come: link=mqtt reason=%s", self._link.subscription_fault)
            self._link.subscription_fault = None

    def say_goodbye(self) -> None:
        """Leave `stopped` behind and close, so that the broker does not publish the will."""
        # A broker that is sent more than it takes at once may hang up, and publish the will.
        self._settle_until(lambda: len(self._in_flight) < self._link.window)
        number = self._link.publish(self._status(b"stopped"))
        self._in_flight[number] = self._status(b"stopped")
        self._settle_until(lambda: number not in self._in_flight)
        self._link.close()
        # What is still unanswered was not refused: it goes again at the next start.
        self._in_flight.clear()

    def _settle_until(self, is_so: Callable[[], bool]) -> None:
        """Take what comes until something is so, or the time of a goodbye is over."""
        deadline = time.monotonic() + _GOODBYE_S
        while not is_so() and time.monotonic() < deadline:
            arrived = self._link.step(0.1)
            self._hear(arrived)
            for ack in arrived.acks:
                self._settle(ack)

    def end(self) -> None:
        """Write down what was taken, and count a failure for what was on its way when the link broke."""
        self._write_taken()
        rows = sorted(self._seqs_in_flight())
        for seq in rows:
            self._desk.forget(seq)
        n_dead = self._outbox.failed(rows, self._uplink.max_attempts) if rows else 0
        if n_dead:
            self._tally.refused[_BREAKS_THE_LINK] += n_dead
            log.error("messages dead: link=mqtt seqs=%s reason=connection broke too often", rows)

    def _fetch(self) -> None:
        """Fill up the lanes; the last one only where nothing else waits."""
        self._may_have_more = False
        if self._desk.is_asked and not self._again:
            self._again.extend(self._due_again())
        self._fetch_lane(Lane.URGENT)
        self._fetch_lane(Lane.ORDINARY)
        if not self._n_queued and not self._in_flight:
            self._fetch_lane(Lane.LAST)

    def _fetch_lane(self, lane: Lane) -> None:
        """Up to a window of rows, without those that wait for the archive's answer."""
        while not self._lanes[lane]:
            room = self._desk.room(time.monotonic()) - self._n_rows_queued
            limit = min(self._uplink.window, room)
            rows = self._outbox.waiting(self._last_seqs[lane], limit, lane) if limit > 0 else []
            if not rows:
                return
            self._last_seqs[lane] = rows[-1].seq or 0
            self._lanes[lane].extend(row for row in rows if not self._desk.awaits(row.seq))

    def _due_again(self) -> list[Outgoing]:
        """What the archive did not confirm in time, as far as it still waits in the outbox.

        A row that was given up must not take the place of a question that the archive could answer.
        """
        now_s, in_flight = time.monotonic(), self._seqs_in_flight()
        if news := self._desk.news(now_s):
            log.warning(news)
        while seqs := self._desk.due(now_s, in_flight):
            if rows := [row for seq in seqs if (row := self._still_waiting(seq)) is not None]:
                return rows
        return []

    def _still_waiting(self, seq: int) -> Outgoing | None:
        row = self._outbox.row(seq)
        if row is None:
            self._desk.forget(seq)
        return row

    def _seqs_in_flight(self) -> set[int]:
        return {outgoing.seq for outgoing in self._in_flight.values() if outgoing.seq is not None}

    def _fetch_states(self) -> None:
        if self._states:
            return
        sent = {(state.topic, state.version) for state in (*self._in_flight.values(), *self._taken)}
        states = self._outbox.retained(only_dirty=True)
        self._states.extend(state for state in states if (state.topic, state.version) not in sent)

    @property
    def _n_queued(self) -> int:
        return len(self._answers) + len(self._states) + self._n_rows_queued

    @property
    def _n_rows_queued(self) -> int:
        return len(self._again) + sum(map(len, self._lanes.values()))

    def _publish(self) -> None:
        for queue in (self._answers, self._states, self._again, *self._lanes.values()):
            while queue and (attempt := next_attempt(queue, [self._link_state()], self._uplink)):
                queue.popleft()
                self._send(attempt.outgoing)
            if queue:
                return

    def _send(self, outgoing: Outgoing) -> None:
        try:
            self._in_flight[self._link.publish(outgoing)] = outgoing
            self._desk.sent(outgoing, time.monotonic())
        except PayloadRefused as refusal:
            self._refuse(outgoing, str(refusal), refusal.reason)

    def _link_state(self) -> LinkState:
        sizes = [outgoing.size_bytes for outgoing in self._in_flight.values()]
        window = 1 if any(outgoing.is_suspect for outgoing in self._in_flight.values()) else self._link.window
        return LinkState(
            "mqtt", is_up=True, window=window, n_in_flight=len(sizes), in_flight_bytes=sum(sizes)
        )

    def _settle(self, ack: Ack) -> None:
        outgoing = self._in_flight.pop(ack.number, None)
        if outgoing is None:
            return
        if ack.code == _QUOTA_EXCEEDED:
            # None of them was at fault.
            self._in_flight.clear()
            raise LinkDown(f"{ack.reason}: waiting", ack.word)
        if ack.reason is not None:
            self._refuse(outgoing, ack.reason, ack.word)
            return
        if self._desk.reached_broker(outgoing.seq, time.monotonic()):
            self._tally.took(is_queued=False)
            return
        self._tally.took(is_queued=outgoing.seq is not None)
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
        self._tally.stored(len(stored))
        self._taken.extend(Outgoing(incoming.topic, b"", seq=seq) for seq in stored)

    def _refuse(self, outgoing: Outgoing, reason: str, word: str) -> None:
        """Put a message aside, so that it never holds up those behind it; a state just waits to change."""
        self._tally.refused[word] += 1
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
