from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from edge.database import Database
from edge.monitor.finding import Severity
from edge.store import MIGRATIONS, Commit
from edge.transmit.outbox import Lane, Message, Outbox, State, crc_of
from tests.transmit.make import RECORDED_AT, open_store


def put(outbox: Outbox, *messages: Message) -> None:
    with outbox._database.transaction():
        outbox.put(messages, RECORDED_AT)


def message(
    topic: str, severity: Severity | None = Severity.MINOR, n_bytes: int = 10, *, is_picture: bool = False
) -> Message:
    return Message(topic, bytes(n_bytes), severity=severity, is_picture=is_picture)


def topics(outbox: Outbox, state: State | None = None) -> list[str]:
    return [entry.topic for entry in outbox.entries(state)]


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return open_store(tmp_path).outbox


@pytest.fixture
def small(tmp_path: Path) -> Outbox:
    return open_store(tmp_path, max_bytes=100_000).outbox


def test_messages_wait_in_the_order_in_which_they_were_put(outbox: Outbox) -> None:
    put(outbox, message("a"), message("b"))
    put(outbox, message("c"))
    assert [waiting.topic for waiting in outbox.waiting(0, 10)] == ["a", "b", "c"]


def test_the_next_messages_are_those_after_a_row(outbox: Outbox) -> None:
    put(outbox, message("a"), message("b"), message("c"))
    assert [waiting.topic for waiting in outbox.waiting(1, 1)] == ["b"]


def test_a_delivered_message_is_gone(outbox: Outbox) -> None:
    put(outbox, message("a"), message("b"))
    outbox.settle(outbox.waiting(0, 1))
    assert topics(outbox) == ["b"]


def test_a_row_number_is_never_used_again(outbox: Outbox) -> None:
    put(outbox, message("a"))
    outbox.settle(outbox.waiting(0, 1))
    put(outbox, message("b"))
    assert outbox.entries()[0].seq == 2


def test_a_refused_message_stays_with_its_reason_and_blocks_nothing(outbox: Outbox) -> None:
    put(outbox, message("a"), message("b"))
    outbox.refuse(1, "too large")
    [dead] = outbox.entries(State.DEAD)
    assert (dead.topic, dead.reason, dead.attempts) == ("a", "too large", 1)
    assert [waiting.topic for waiting in outbox.waiting(0, 10)] == ["b"]


def test_a_message_that_breaks_the_connection_too_often_is_dead(outbox: Outbox) -> None:
    put(outbox, message("a"))
    assert [outbox.failed([1], 3) for _ in range(3)] == [0, 0, 1]
    assert outbox.entries()[0].reason == "the connection broke 3 times while this was sent"


def test_a_failure_of_a_message_that_is_gone_is_nothing(outbox: Outbox) -> None:
    assert outbox.failed([7], 1) == 0


def test_a_retried_message_waits_at_the_end_with_its_attempts_forgotten(outbox: Outbox) -> None:
    put(outbox, message("a"), message("b"))
    outbox.refuse(1, "denied")
    assert outbox.retry() == 1
    assert [(entry.topic, entry.attempts, entry.reason) for entry in outbox.entries()] == [
        ("b", 0, None),
        ("a", 0, None),
    ]


def test_only_the_chosen_dead_message_is_retried(outbox: Outbox) -> None:
    put(outbox, message("a"), message("b"))
    outbox.refuse(1, "denied")
    outbox.refuse(2, "denied")
    outbox.retry([2])
    assert topics(outbox, State.WAITING) == ["b"]


def test_dropping_without_a_choice_drops_the_dead_only(outbox: Outbox) -> None:
    put(outbox, message("a"), message("b"))
    outbox.refuse(1, "denied")
    assert outbox.drop() == 1
    assert topics(outbox) == ["b"]


def test_a_waiting_message_is_dropped_when_it_is_chosen(outbox: Outbox) -> None:
    put(outbox, message("a"), message("b"))
    assert outbox.drop([1, 99]) == 1
    assert topics(outbox) == ["b"]


def test_a_full_outbox_gives_up_the_oldest_minor_first(small: Outbox) -> None:
    put(small, message("severe", Severity.SEVERE, 40_000), message("old", n_bytes=40_000))
    put(small, message("new", n_bytes=40_000))
    assert topics(small) == ["severe", "new"]


def test_a_full_outbox_gives_up_pictures_before_words_of_the_same_severity(small: Outbox) -> None:
    put(small, message("words", n_bytes=40_000), message("picture", n_bytes=40_000, is_picture=True))
    put(small, message("new", n_bytes=40_000))
    assert topics(small) == ["words", "new"]


def test_a_full_outbox_gives_up_observations_before_any_alert(small: Outbox) -> None:
    put(small, message("minor", n_bytes=40_000), message("observation", None, 40_000))
    put(small, message("new", n_bytes=40_000))
    assert topics(small) == ["minor", "new"]


def test_a_full_outbox_gives_up_what_was_refused_before_what_waits(small: Outbox) -> None:
    put(small, message("minor", n_bytes=40_000), message("dead", Severity.EXTREME, 40_000))
    small.refuse(2, "denied")
    put(small, message("new", n_bytes=40_000))
    assert (topics(small), small.statistics().n_dropped) == (["minor", "new"], {})


def test_an_outbox_that_is_exactly_full_gives_up_nothing(small: Outbox) -> None:
    put(small, message("a", n_bytes=50_000), message("b", n_bytes=50_000))
    assert topics(small) == ["a", "b"]


def test_what_was_given_up_is_counted_across_restarts(tmp_path: Path) -> None:
    for _ in range(2):
        small = open_store(tmp_path, max_bytes=100_000).outbox
        put(small, *(message(str(n), n_bytes=1_000) for n in range(150)), message("o", None, 2_000))
        small.close()
    found = open_store(tmp_path, max_bytes=100_000).outbox.statistics()
    assert found.n_dropped == {"minor": 200, "observation": 2}


def test_statistics_tell_what_waits_and_what_is_dead(outbox: Outbox) -> None:
    put(outbox, message("a"), message("b"), message("c"))
    outbox.refuse(1, "denied")
    found = outbox.statistics()
    assert (found.n_waiting, found.n_dead, found.size_bytes) == (2, 1, 30)


def test_an_empty_outbox_has_empty_statistics(outbox: Outbox) -> None:
    found = outbox.statistics()
    assert (found.n_waiting, found.n_dead, found.size_bytes, found.n_dropped) == (0, 0, 0, {})


def test_a_row_damaged_on_the_disk_is_put_aside_and_the_rest_goes(tmp_path: Path) -> None:
    outbox = open_store(tmp_path).outbox
    put(outbox, message("a"), message("b"))
    with sqlite3.connect(tmp_path / "edge.sqlite") as other:
        other.execute("UPDATE outbox SET payload = ? WHERE seq = 1", (b"\1" + bytes(9),))
    other.close()
    assert [waiting.topic for waiting in outbox.waiting(0, 10)] == ["b"]
    assert outbox.entries(State.DEAD)[0].reason == "damaged on the disk: its CRC does not match"


def test_of_a_retained_state_only_the_newest_is_sent(outbox: Outbox) -> None:
    outbox.set_retained("d/health", b"old")
    outbox.set_retained("d/health", b"new")
    assert [state.payload for state in outbox.retained(only_dirty=True)] == [b"new"]


def test_retained_states_go_open_inventory_health(outbox: Outbox) -> None:
    for topic in ("d/health", "d/s/inventory", "d/s/open", "d/t/open"):
        outbox.set_retained(topic, b"x")
    assert [state.topic for state in outbox.retained(only_dirty=False)] == [
        "d/s/open",
        "d/t/open",
        "d/s/inventory",
        "d/health",
    ]


def test_a_state_that_was_taken_is_clean_until_it_changes(outbox: Outbox) -> None:
    outbox.set_retained("d/health", b"1")
    outbox.settle(outbox.retained(only_dirty=True))
    outbox.set_retained("d/health", b"1")
    assert outbox.retained(only_dirty=True) == []
    assert len(outbox.retained(only_dirty=False)) == 1


def test_a_state_replaced_while_on_its_way_goes_again(outbox: Outbox) -> None:
    outbox.set_retained("d/health", b"1")
    on_its_way = outbox.retained(only_dirty=True)
    outbox.set_retained("d/health", b"2")
    outbox.settle(on_its_way)
    assert [state.payload for state in outbox.retained(only_dirty=True)] == [b"2"]


def test_an_empty_state_clears_the_broker_and_is_then_forgotten(outbox: Outbox) -> None:
    outbox.set_retained("d/s/open", b"")
    outbox.settle(outbox.retained(only_dirty=True))
    assert outbox.retained(only_dirty=False) == []


def test_a_payload_never_shows_in_a_log(outbox: Outbox) -> None:
    assert "secret" not in repr(Message("t", b"secret"))
    assert "secret" not in repr(Commit(done_at=RECORDED_AT, messages=[Message("t", b"secret")]))


def lane(outbox: Outbox, lane: Lane) -> list[str]:
    return [waiting.topic for waiting in outbox.waiting(0, 10, lane)]


def test_severe_words_wait_in_a_lane_of_their_own_and_their_pictures_do_not(outbox: Outbox) -> None:
    put(outbox, message("minor"), message("moderate", Severity.MODERATE), message("severe", Severity.SEVERE))
    put(outbox, message("picture", Severity.EXTREME, is_picture=True), message("extreme", Severity.EXTREME))
    assert lane(outbox, Lane.URGENT) == ["severe", "extreme"]
    assert lane(outbox, Lane.ORDINARY) == ["minor", "moderate", "picture"]


def test_a_message_is_suspect_after_a_break_and_last_after_three(outbox: Outbox) -> None:
    put(outbox, message("a", Severity.SEVERE), message("b", Severity.SEVERE))
    outbox.failed([1, 2], 20)
    assert [waiting.is_suspect for waiting in outbox.waiting(0, 10, Lane.URGENT)] == [True, True]
    outbox.failed([1], 20)
    outbox.failed([1], 20)
    assert (lane(outbox, Lane.URGENT), lane(outbox, Lane.LAST)) == (["b"], ["a"])


def test_a_retried_message_is_urgent_again_if_its_words_are(outbox: Outbox) -> None:
    put(outbox, message("a", Severity.SEVERE), message("b"))
    for _ in range(3):
        outbox.failed([1, 2], 3)
    outbox.retry()
    assert (lane(outbox, Lane.URGENT), lane(outbox, Lane.ORDINARY)) == (["a"], ["b"])


def test_what_an_earlier_release_left_waiting_is_put_in_its_lane(tmp_path: Path) -> None:
    old = Database(tmp_path / "edge.sqlite", MIGRATIONS[:1])
    with old.transaction():
        for seq, severity in enumerate(Severity, 1):
            worth = message("t", severity).worth
            crc = crc_of(severity, b"x")
            row = (seq, severity, severity, worth, crc, b"x")
            old.change(
                "INSERT INTO outbox (seq, state, topic, qos, severity, worth, enqueued_at, crc32, "
                "size_bytes, payload) VALUES (?, 'waiting', ?, 1, ?, ?, '', ?, 1, ?)",
                row,
            )
    old.close()
    outbox = open_store(tmp_path).outbox
    assert lane(outbox, Lane.URGENT) == ["severe", "extreme"]
    assert lane(outbox, Lane.ORDINARY) == ["minor", "moderate"]
