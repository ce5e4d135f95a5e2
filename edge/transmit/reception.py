"""What becomes of a command on the thread that hears it: checked and queued, or refused and answered at once.

Nothing is done here. A command counts as heard by the broker only after it lies in the inbox.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Collection, Mapping

from edge.errors import DiskFull
from edge.transmit import compact, reply
from edge.transmit.command import AnyCommand, Refusal, Refused, Verb, parse, to_json
from edge.transmit.inbox import Inbox, Received
from edge.transmit.link import Incoming
from edge.transmit.topics import Topics
from edge.transmit.uplink import Outgoing

log = logging.getLogger(__name__)

# Answers to what was refused at once; they are not kept over a restart, and in a flood the oldest go.
_MAX_ANSWERS = 32


class CommandCounts:
    """How many commands were done and refused since the start; shared by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refused = dict.fromkeys(Refused, 0)
        self._n_done = 0

    def add_done(self) -> None:
        """One more was done."""
        with self._lock:
            self._n_done += 1

    def add_refused(self, reason: Refused) -> bool:
        """One more was refused; True where that is worth a line in the log: the 1st, 2nd, 4th, 8th..."""
        with self._lock:
            self._refused[reason] += 1
            n = self._refused[reason]
        return n & (n - 1) == 0

    @property
    def n_done(self) -> int:
        """Commands that were done."""
        return self._n_done

    @property
    def n_ended(self) -> int:
        """Commands that were done or refused."""
        with self._lock:
            return self._n_done + sum(self._refused.values())

    def refused(self) -> Mapping[str, int]:
        """Refused commands by reason, those that occurred."""
        with self._lock:
            return {str(reason): n for reason, n in self._refused.items() if n}


class Reception:
    """The door for commands; it belongs to the thread that made it."""

    def __init__(self, device_id: str, verbs: Collection[Verb], inbox: Inbox, counts: CommandCounts) -> None:
        """Take these verbs into an inbox."""
        self._device_id = device_id
        self._verbs = frozenset(verbs)
        self._inbox = inbox
        self._counts = counts
        self._answers: deque[Outgoing] = deque(maxlen=_MAX_ANSWERS)
        self._last_reply_seq = 0

    @property
    def topic(self) -> str | None:
        """What to listen to, or None where no command is taken."""
        return Topics(self._device_id).commands if self._verbs else None

    def take(self, incoming: Incoming) -> bool:
        """Queue or refuse what came by MQTT; False where it is no command at all.

        Raises StoreBroken where the disk fails: then the broker must not be told that we have it.
        """
        prefix, _, verb = incoming.topic.rpartition("/")
        if prefix != Topics(self._device_id).commands.removesuffix("/+"):
            return False
        command = self._read(verb, incoming)
        if isinstance(command, Refusal):
            self._refuse(verb, None, command, incoming)
        elif (refusal := self._queue(self._received(command, incoming))) is not None:
            self._refuse(verb, command.id, refusal, incoming)
        return True

    def take_compact(self, data: bytes, key: bytes, via: str) -> Refusal | None:
        """Queue what came in compact form by another link, or say why not; nobody is answered.

        key  of this device
        via  the link's name
        """
        command = compact.from_bytes(data, key, self._device_id)
        refusal = command if isinstance(command, Refusal) else self._refusal_of(command)
        if refusal is None and not isinstance(command, Refusal):
            refusal = self._queue(Received(via, command.verb, to_json(command)))
        if refusal is not None:
            self._note(via, refusal)
        return refusal

    def answers(self) -> list[Outgoing]:
        """What is to be sent now: answers to what was refused here, then those that the inbox holds."""
        found = [*self._answers, *self._inbox.replies(self._last_reply_seq)]
        self._answers.clear()
        self._last_reply_seq = max((one.reply_seq or 0 for one in found), default=0) or self._last_reply_seq
        return found

    def answered(self, outgoing: Outgoing) -> None:
        """An answer was taken by the broker, or refused for good."""
        if outgoing.reply_seq is not None:
            self._inbox.forget(outgoing.reply_seq)

    def close(self) -> None:
        """Give the inbox back."""
        self._inbox.close()

    def _read(self, verb: str, incoming: Incoming) -> AnyCommand | Refusal:
        if incoming.is_retained:
            return Refusal(Refused.RETAINED, "expected a message without the retain flag")
        if len(incoming.correlation or b"") > reply.MAX_CORRELATION_BYTES:
            limit = reply.MAX_CORRELATION_BYTES
            return Refusal(Refused.TOO_LARGE, f"correlation data: expected at most {limit} bytes")
        command = parse(verb, incoming.payload)
        return command if isinstance(command, Refusal) else self._refusal_of(command) or command

    def _queue(self, received: Received) -> Refusal | None:
        try:
            is_taken = self._inbox.put(received)
        except DiskFull:
            # It would come again with every connection, and end each of them.
            return Refusal(Refused.BUSY, "the disk is full")
        return None if is_taken else Refusal(Refused.BUSY, "too many commands wait")

    def _refusal_of(self, command: AnyCommand) -> Refusal | None:
        if command.verb in self._verbs:
            return None
        return Refusal(Refused.VERB_OFF, f"{command.verb}: this device does not take it")

    def _received(self, command: AnyCommand, incoming: Incoming) -> Received:
        topic = self._reply_topic(incoming)
        correlation = None if topic is None else incoming.correlation
        return Received("mqtt", command.verb, to_json(command), incoming.is_repeat, topic, correlation)

    def _reply_topic(self, incoming: Incoming) -> str | None:
        topic = incoming.reply_topic
        if topic is None or reply.is_reply_topic(topic, self._device_id):
            return topic
        log.debug("answer not sent, its topic is not this device's: topic=%s", ascii(topic)[:80])
        return None

    def _refuse(self, verb: str, command_id: str | None, refusal: Refusal, incoming: Incoming) -> None:
        self._note("mqtt", refusal)
        topic = self._reply_topic(incoming)
        correlation = incoming.correlation or b""
        # A flood of what is too large must not come back as one.
        if topic is not None and len(correlation) <= reply.MAX_CORRELATION_BYTES:
            payload = reply.refused(self._device_id, verb, command_id, refusal)
            self._answers.append(Outgoing(topic, payload, correlation=incoming.correlation))

    def _note(self, via: str, refusal: Refusal) -> None:
        level = logging.WARNING if self._counts.add_refused(refusal.reason) else logging.DEBUG
        log.log(level, "command refused: via=%s reason=%s", via, refusal.reason)
