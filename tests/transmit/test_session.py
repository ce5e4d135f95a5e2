"""What is on its way over one connection, against a link that answers when a test lets it."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import cast

from edge.transmit.desk import Desk
from edge.transmit.link import Ack, Arrived
from edge.transmit.mqtt import MqttLink
from edge.transmit.session import Session
from edge.transmit.tally import Tally
from edge.transmit.topics import Topics
from edge.transmit.uplink import Outgoing, UplinkSettings
from tests.transmit.make import open_store


class SlowLink:
    """Takes one message at a time, and answers for it a step later than it could."""

    window = 1
    subscription_fault = None

    def __init__(self) -> None:
        self.published: list[bytes] = []
        self._unanswered: deque[int] = deque()
        self._is_late = False

    def publish(self, outgoing: Outgoing) -> int:
        assert len(self._unanswered) < self.window, "more than the broker takes at once"
        self.published.append(outgoing.payload)
        self._unanswered.append(len(self.published))
        return len(self.published)

    def step(self, _timeout_s: float) -> Arrived:
        self._is_late = not self._is_late
        if self._is_late or not self._unanswered:
            return Arrived()
        return Arrived((Ack(self._unanswered.popleft(), None, 0),))

    def close(self) -> None:
        self.published.append(b"goodbye")


def test_the_last_word_waits_for_its_turn(tmp_path: Path) -> None:
    link, outbox = SlowLink(), open_store(tmp_path).outbox
    session = Session(
        outbox,
        cast("MqttLink", link),
        Topics("pier-7"),
        UplinkSettings(),
        Tally(),
        reception=None,
        desk=Desk(None, 0.0),
    )
    session.greet()
    session.turn()
    session.say_goodbye()
    assert link.published == [b"online", b"stopped", b"goodbye"]
