"""The queue of commands: what is bounded, what survives, what is a replay."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from edge.store import Store
from edge.transmit.command import Command
from edge.transmit.inbox import MAX_IDS, MAX_REPLIES, MAX_WAITING, Inbox, Received
from tests.transmit.commands import NOW, make_ping
from tests.transmit.make import open_store

TOPIC = "edge/v1/pier-7/reply"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path)


def received(reply_topic: str | None = TOPIC) -> Received:
    return Received("mqtt", "ping", b"{}", reply_topic=reply_topic, correlation=b"7")


def use(store: Store, command: Command, now: bool = True) -> None:
    with store.transaction():
        store.inbox.remember(command, NOW if now else None)


def end_next(store: Store, reply: bytes | None) -> None:
    waiting = store.inbox.next()
    assert waiting is not None
    with store.transaction():
        store.inbox.end(waiting.seq, reply)


def put_and_end(store: Store, reply_topic: str | None, reply: bytes) -> None:
    store.inbox.put(received(reply_topic))
    end_next(store, reply)


def test_what_was_put_is_there_after_a_restart(tmp_path: Path) -> None:
    assert open_store(tmp_path).inbox.put(received())
    waiting = open_store(tmp_path).inbox.next()
    assert waiting is not None
    assert (waiting.received, waiting.attempts) == (received(), 0)


def test_commands_beyond_the_limit_are_not_taken(store: Store) -> None:
    assert [store.inbox.put(received()) for _ in range(MAX_WAITING + 2)] == [True] * MAX_WAITING + [False] * 2


def test_answers_that_nobody_fetches_take_no_room_from_commands(store: Store) -> None:
    for n in range(MAX_REPLIES + 5):
        put_and_end(store, TOPIC, b"%d" % n)
    assert [one.payload for one in store.inbox.replies(0)] == [b"%d" % n for n in range(5, MAX_REPLIES + 5)]
    assert store.inbox.put(received())


def test_a_command_without_a_reply_topic_leaves_nothing(store: Store) -> None:
    put_and_end(store, None, b"done")
    assert (store.inbox.next(), store.inbox.replies(0)) == (None, [])


def test_an_answer_goes_with_what_the_command_brought_along(store: Store) -> None:
    put_and_end(store, TOPIC, b"done")
    [answer] = store.inbox.replies(0)
    assert (answer.topic, answer.payload, answer.correlation) == (TOPIC, b"done", b"7")
    assert answer.reply_seq is not None
    store.inbox.forget(answer.reply_seq)
    assert store.inbox.replies(0) == []


def test_what_was_begun_and_not_ended_is_known_after_a_restart(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.inbox.put(received())
    store.inbox.begin(1)
    waiting = open_store(tmp_path).inbox.next()
    assert waiting is not None
    assert waiting.attempts == 1


def test_an_id_is_used_up_across_restarts(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    assert not store.inbox.is_replay(make_ping("c-1"))
    use(store, make_ping("c-1"))
    again = open_store(tmp_path).inbox
    assert (again.is_replay(make_ping("c-1")), again.is_replay(make_ping("c-2"))) == (True, False)


def test_a_used_id_stays_used_when_its_memory_is_given_up(store: Store) -> None:
    first = make_ping("first", expires_s=10)
    use(store, first, now=False)
    with store.transaction():
        for n in range(MAX_IDS + 1):
            store.inbox.remember(make_ping(f"c-{n}", expires_s=600), None)
    assert store.inbox.is_replay(first)
    assert store.inbox.is_replay(make_ping("c-0", expires_s=600))
    assert not store.inbox.is_replay(make_ping("later", expires_s=601))


def n_ids(inbox: Inbox) -> int:
    return int(inbox._database.rows("SELECT count(*) FROM command_ids")[0][0] or 0)


def test_the_memory_of_ids_does_not_grow_under_a_clock_that_stands_still(store: Store) -> None:
    with store.transaction():
        for n in range(3 * MAX_IDS):
            store.inbox.remember(make_ping(f"c-{n}", issued_at=NOW + timedelta(seconds=n)), None)
    assert n_ids(store.inbox) == MAX_IDS


def test_expired_ids_are_let_go_under_a_trusted_clock(store: Store) -> None:
    use(store, make_ping("c-1", issued_at=NOW - timedelta(hours=1), expires_s=60))
    assert n_ids(store.inbox) == 0


def test_a_clock_that_was_wrong_by_twenty_years_for_a_moment_does_not_shut_the_device(store: Store) -> None:
    use(store, make_ping("c-1"))
    with store.transaction():
        store.inbox.remember(make_ping("c-2"), NOW + timedelta(days=7300))
    assert store.inbox.is_replay(make_ping("c-1"))
    assert not store.inbox.is_replay(make_ping("c-3", issued_at=NOW + timedelta(seconds=1)))
