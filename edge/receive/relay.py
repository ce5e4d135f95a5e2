"""From what came over a satellite to the alert topic, under the same id and with `via`.

A message is done when the broker has taken its alerts; what was done is remembered, so that a message that is
delivered twice is published once.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from edge.errors import LinkDown, PayloadRefused
from edge.receive.names import Directory
from edge.receive.relayed import to_json
from edge.transmit.brief import Brief
from edge.transmit.link import Ack, Wake
from edge.transmit.mqtt import MqttLink, open_link
from edge.transmit.mqtt_settings import MqttSettings
from edge.transmit.packed import MAX_MESSAGE_BYTES, Refused, unpack
from edge.transmit.topics import Topics
from edge.transmit.uplink import Outgoing

log = logging.getLogger(__name__)

DONE, REFUSED, SEEN = "done", "refused", "seen"

_ACK_WITHIN_S = 15.0


# Reasons of a broker (MQTT 5.0, section 2.4) that will be the same at the next try.
_FOR_GOOD = frozenset({"not_authorized", "topic_name_invalid", "packet_too_large"})

Unrelayed = Refused | PayloadRefused


class Publisher(Protocol):
    """Where alerts go."""

    def publish(self, outgoing: Outgoing) -> None:
        """Returns when it was taken; LinkDown where it was not, PayloadRefused where it never will be."""


class Relay:
    """Turns messages into alerts, each once."""

    def __init__(self, devices: Mapping[str, Directory], publisher: Publisher, seen: Path | None) -> None:
        """Remember what was done before.

        seen  a file for that, or None to know only what this object did itself
        """
        self._devices = devices
        self._keys = {device_id: directory.key for device_id, directory in devices.items()}
        self._publisher = publisher
        self._seen_file = seen
        self._seen = _lines_of(seen) if seen is not None and seen.exists() else set()

    def take(self, message: bytes, name: str) -> list[Unrelayed]:
        """Publish the alerts of a message; what of it was refused. LinkDown where the broker is away.

        name  of the message, for the log
        """
        taken = [self._taken(one) for one in unpack(message, self._keys)]
        refused = [one for one in taken if one is not None]
        for one in refused:
            log.warning("message refused: message=%s reason=%s", name, one)
        return refused

    def _taken(self, found: Brief | Refused) -> Unrelayed | None:
        """Publish what can be; what cannot must not hold up the messages behind it."""
        if isinstance(found, Refused):
            return found
        try:
            self._relay(found)
        except PayloadRefused as refusal:
            return refusal
        return None

    def _relay(self, brief: Brief) -> None:
        line = f"{quote(brief.device_id)} {brief.sequence} {brief.alert_id} {brief.phase}"
        if line in self._seen:
            log.info("alert is known: device=%s id=%s", brief.device_id, brief.alert_id)
            return
        directory = self._devices[brief.device_id]
        topic = Topics(brief.device_id).alert(directory.site(brief.site_number))
        self._publisher.publish(Outgoing(topic, to_json(brief, directory)))
        self._remember(line)
        log.info("alert relayed: topic=%s id=%s sequence=%d", topic, brief.alert_id, brief.sequence)

    def _remember(self, line: str) -> None:
        self._seen.add(line)
        if self._seen_file is not None:
            with self._seen_file.open("a", encoding="ascii") as file:
                file.write(f"{line}\n")
                file.flush()
                os.fsync(file.fileno())


def take_folder(relay: Relay, folder: Path) -> int:
    """Every .sbd file of a folder moves to done/ or, with its reason, to refused/; how many went there.

    LinkDown where the broker is away: the file at hand stays.
    """
    n_refused = 0
    for path in sorted(folder.glob("*.sbd")):
        with path.open("rb") as file:
            message = file.read(MAX_MESSAGE_BYTES + 1)
        refused = relay.take(message, path.name)
        target = folder / (REFUSED if refused else DONE)
        target.mkdir(exist_ok=True)
        if refused:
            reasons = "".join(f"{one}\n" for one in refused)
            n_refused += 1
            (target / f"{path.name}.reason.txt").write_text(reasons, encoding="utf-8")
        path.replace(target / path.name)
    return n_refused


def take_lines(relay: Relay, lines: Iterable[str]) -> int:
    """A message of hexadecimal digits a line; how many were refused. LinkDown where the broker is away."""
    n_refused = 0
    for number, line in enumerate(lines, 1):
        text = line.strip()
        try:
            n_refused += bool(text and relay.take(bytes.fromhex(text), f"line {number}"))
        except ValueError:
            log.warning("message refused: message=line %d reason=expected hexadecimal digits", number)
            n_refused += 1
    return n_refused


class BrokerPublisher:
    """Publishes over one connection, one message at a time."""

    def __init__(self, link: MqttLink) -> None:
        self._link = link

    def publish(self, outgoing: Outgoing) -> None:
        """Wait until the broker has taken it; LinkDown where it does not."""
        number = self._link.publish(outgoing)
        deadline = time.monotonic() + _ACK_WITHIN_S
        while time.monotonic() < deadline:
            for ack in self._link.step(0.5).acks:
                if ack.number == number:
                    _check(ack, outgoing.topic)
                    return
        raise LinkDown(f"{outgoing.topic}: expected an answer within {_ACK_WITHIN_S:g} s, got none")


def _check(ack: Ack, topic: str) -> None:
    if ack.reason is not None:
        kind = PayloadRefused if ack.word in _FOR_GOOD else LinkDown
        raise kind(f"{topic}: {ack.reason}", ack.word)


def _lines_of(seen: Path) -> set[str]:
    """What was done before. A line that a power cut left without an end is ended, and counts for nothing."""
    text = seen.read_text(encoding="ascii", errors="replace")
    if text and not text.endswith("\n"):
        with seen.open("a", encoding="ascii") as file:
            file.write("\n")
    return set(text.splitlines())


@contextmanager
def publishing(settings: MqttSettings, client_id: str) -> Iterator[BrokerPublisher]:
    """A connection for the length of the block."""
    wake = Wake()
    try:
        link = open_link(settings, client_id, wake)
        try:
            yield BrokerPublisher(link)
            link.close(is_final=True)
        finally:
            link.abort()
    finally:
        wake.close()
