"""The door for commands: what is queued, what is refused at once, and that nothing grows."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from edge.store import Store
from edge.transmit.command import Verb, to_json
from edge.transmit.compact import to_bytes
from edge.transmit.inbox import MAX_WAITING
from edge.transmit.link import Incoming
from edge.transmit.reception import CommandCounts, Reception
from tests.transmit.commands import fuzzed, make_ping, one_of_each
from tests.transmit.make import open_store

TOPIC = "edge/v1/pier-7/reply"
KEY = bytes(32)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path)


def reception_of(store: Store, verbs: tuple[Verb, ...] = tuple(Verb)) -> tuple[Reception, CommandCounts]:
    counts = CommandCounts()
    return Reception("pier-7", verbs, store.inbox, counts), counts


def incoming(
    payload: bytes | None = None, *, verb: str = "ping", is_retained: bool = False, correlation: bytes = b"7"
) -> Incoming:
    data = to_json(make_ping()) if payload is None else payload
    return Incoming(
        f"edge/v1/pier-7/cmd/{verb}", data, is_retained, reply_topic=TOPIC, correlation=correlation
    )


def test_a_good_command_is_in_the_inbox_when_it_was_taken(store: Store) -> None:
    reception, counts = reception_of(store)
    assert reception.take(incoming())
    waiting = store.inbox.next()
    assert waiting is not None
    assert (waiting.received.verb, waiting.received.reply_topic) == ("ping", TOPIC)
    assert counts.refused() == {}


def test_a_message_on_another_topic_is_no_command(store: Store) -> None:
    reception, counts = reception_of(store)
    assert not reception.take(Incoming("edge/v1/pier-7/field/ack", b"{}", is_retained=False))
    assert counts.refused() == {}


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (incoming(is_retained=True), "retained"),
        (incoming(b"{}"), "malformed"),
        (incoming(bytes(4096)), "too_large"),
        (incoming(verb="reboot"), "unknown_verb"),
    ],
    ids=lambda case: case if isinstance(case, str) else "",
)
def test_what_is_refused_is_counted_answered_and_not_queued(
    store: Store, message: Incoming, reason: str
) -> None:
    reception, counts = reception_of(store)
    reception.take(message)
    [answer] = reception.answers()
    assert (counts.refused(), store.inbox.next()) == ({reason: 1}, None)
    assert (json.loads(answer.payload)["reason"], answer.correlation) == (reason, b"7")


def test_correlation_data_without_measure_is_refused_and_not_sent_back(store: Store) -> None:
    reception, counts = reception_of(store)
    reception.take(incoming(correlation=bytes(257)))
    assert (counts.refused(), reception.answers()) == ({"too_large": 1}, [])


def test_a_verb_that_is_off_is_refused_by_every_link(store: Store) -> None:
    reception, counts = reception_of(store, (Verb.RELOAD,))
    reception.take(incoming())
    reception.take_compact(to_bytes(make_ping(), KEY, "pier-7"), KEY, "sbd")
    assert counts.refused() == {"verb_off": 2}


def test_a_device_that_takes_no_verb_does_not_listen(store: Store) -> None:
    assert reception_of(store, ())[0].topic is None


def test_a_full_inbox_says_busy(store: Store) -> None:
    reception, counts = reception_of(store)
    for _ in range(MAX_WAITING + 3):
        reception.take(incoming())
    assert counts.refused() == {"busy": 3}


@pytest.mark.parametrize("command", one_of_each(), ids=lambda command: command.verb)
def test_a_compact_command_is_the_same_command(store: Store, command: object) -> None:
    reception, _ = reception_of(store)
    assert reception.take_compact(to_bytes(command, KEY, "pier-7"), KEY, "sbd") is None  # type: ignore[arg-type]
    waiting = store.inbox.next()
    assert waiting is not None
    assert (waiting.received.via, waiting.received.payload) == ("sbd", to_json(command))  # type: ignore[arg-type]


def test_a_forged_compact_command_is_counted(store: Store) -> None:
    reception, counts = reception_of(store)
    assert reception.take_compact(bytes(30), KEY, "sbd") is not None
    assert counts.refused() == {"not_authentic": 1}


def test_an_answer_is_handed_out_once_until_it_is_taken(store: Store) -> None:
    reception, counts = reception_of(store)
    reception.take(incoming())
    with store.transaction():
        store.inbox.end(1, b"done")
    [answer] = reception.answers()
    assert reception.answers() == []
    # The link was lost before the broker took it: the next connection sends it again.
    again = Reception("pier-7", tuple(Verb), store.inbox, counts)
    assert again.answers() == [answer]
    again.answered(answer)
    assert store.inbox.replies(0) == []


def test_of_many_fuzzed_messages_nothing_escapes_and_nothing_grows(store: Store) -> None:
    reception, counts = reception_of(store)
    draw = random.Random(11)
    for _ in range(2000):
        verb, payload = fuzzed(draw)
        reception.take(incoming(payload, verb=verb, is_retained=draw.random() < 0.1))
    assert sum(counts.refused().values()) > 1000
    assert store.inbox.n_waiting() <= MAX_WAITING
    assert len(reception.answers()) <= 32
