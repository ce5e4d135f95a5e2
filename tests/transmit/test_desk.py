"""What is sent again, when, and how much may be on its way to the archive."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

import edge
from edge.transmit import desk as desk_module
from edge.transmit.desk import MAX_AWAITED, WINDOW, Desk
from edge.transmit.receipt import MAX_STORED, digest, read_receipt, receipts
from edge.transmit.uplink import Outgoing

ALERT = "edge/v1/pier-7/harbour/alert"


def row(seq: int, topic: str = ALERT, qos: int = 1) -> Outgoing:
    return Outgoing(topic, b"%d" % seq, qos=qos, seq=seq)


def receipt(*rows: Outgoing, archive: str | None = None) -> bytes:
    [payload] = receipts([digest(one.topic, one.payload) for one in rows], archive)
    return payload


def desk_with(*seqs: int, at_s: float = 0.0, archives: tuple[str, ...] = ()) -> Desk:
    desk = Desk(30.0, 0.0, archives)
    for seq in seqs:
        desk.sent(row(seq), at_s)
        desk.reached_broker(seq, at_s)
    return desk


def test_a_stored_message_is_told_once() -> None:
    desk = desk_with(1, 2)
    assert desk.confirmed(receipt(row(2)), 1.0) == [2]
    assert desk.confirmed(receipt(row(2)), 2.0) == []
    assert desk.awaits(1)


def test_a_receipt_confirms_every_row_of_the_same_bytes() -> None:
    desk = Desk(30.0, 0.0)
    for seq in (1, 2):
        desk.sent(Outgoing(ALERT, b"same", seq=seq), 0.0)
    assert desk.confirmed(receipt(Outgoing(ALERT, b"same")), 1.0) == [1, 2]


def test_a_receipt_for_something_else_confirms_nothing() -> None:
    assert desk_with(1).confirmed(receipt(row(7)), 1.0) == []


def test_of_two_archives_that_must_both_have_it_one_is_not_enough() -> None:
    desk = desk_with(1, archives=("archive", "copy"))
    assert desk.confirmed(receipt(row(1), archive="archive"), 1.0) == []
    assert desk.confirmed(receipt(row(1), archive="archive"), 2.0) == []
    assert desk.confirmed(receipt(row(1), archive="copy"), 3.0) == [1]


def test_what_one_archive_has_is_not_forgotten_when_the_message_goes_again() -> None:
    desk = desk_with(1, archives=("archive", "copy"))
    desk.confirmed(receipt(row(1), archive="archive"), 1.0)
    desk.sent(row(1), 31.0)
    desk.reached_broker(1, 31.0)
    assert desk.confirmed(receipt(row(1), archive="copy"), 32.0) == [1]


def test_a_silent_archive_does_not_keep_what_is_missing_from_the_other() -> None:
    desk = desk_with(*range(20), archives=("archive", "copy"))
    desk.confirmed(receipt(row(0), archive="archive"), 29.0)
    assert desk.due(31.0, set()) == list(range(1, 20))


@pytest.mark.parametrize("archive", [None, "another"])
def test_an_archive_that_was_not_named_lets_nothing_go(archive: str | None) -> None:
    desk = desk_with(1, archives=("archive", "copy"))
    assert desk.confirmed(receipt(row(1), archive=archive), 1.0) == []


@pytest.mark.parametrize("archive", [None, "another"])
def test_where_none_is_named_any_archive_will_do(archive: str | None) -> None:
    assert desk_with(1).confirmed(receipt(row(1), archive=archive), 1.0) == [1]


def test_of_two_archives_the_silent_one_is_named_and_asked_seldom() -> None:
    desk = desk_with(*range(20), archives=("archive", "copy"))
    desk.confirmed(receipt(*map(row, range(20)), archive="archive"), 29.0)
    assert desk.news(31.0) == "archive is silent: archive=copy messages=20 silent_s=31"
    assert len(desk.due(31.0, set())) == 1
    desk.confirmed(receipt(row(0), archive="copy"), 32.0)
    assert desk.news(32.0) == "archive answers again"
    assert len(desk.due(32.0, set())) == 19


@pytest.mark.parametrize(
    "topic", ["edge/v1/pier-7/health", "edge/v1/pier-7/harbour/observation", "edge/v1/pier-7/ack"]
)
def test_only_what_the_archive_stores_waits_for_it(topic: str) -> None:
    desk = Desk(30.0, 0.0)
    desk.sent(row(1, topic), 0.0)
    assert not desk.reached_broker(1, 0.0)


def test_without_end_to_end_nothing_waits() -> None:
    desk = Desk(None, 0.0)
    desk.sent(row(1), 0.0)
    assert not desk.reached_broker(1, 0.0)
    assert desk.room(0.0) == MAX_AWAITED


def test_an_overdue_message_goes_again_while_the_archive_answers_others() -> None:
    desk = desk_with(1, 2)
    desk.confirmed(receipt(row(2)), 20.0)
    assert desk.due(29.9, set()) == []
    assert desk.due(30.0, set()) == [1]


def test_what_the_broker_has_not_answered_for_is_not_sent_twice_at_once() -> None:
    desk = desk_with(1, 2, 3)
    desk.confirmed(receipt(row(2)), 20.0)
    assert desk.due(30.0, {1}) == [3]


def test_a_message_that_is_never_confirmed_goes_ever_more_seldom() -> None:
    desk, sent_at = desk_with(1), []
    for now_s in range(0, 3000, 10):
        desk.confirmed(receipt(row(7)), now_s)
        for seq in desk.due(now_s, set()):
            desk.sent(row(seq), now_s)
            sent_at.append(now_s)
    assert sent_at == [30, 60, 90, 120, 150, 210, 330, 570, 1050, 2010]


def test_a_silent_archive_is_asked_with_one_message_ever_more_seldom() -> None:
    desk, asked_at = desk_with(*range(1, 51)), []
    for now_s in range(0, 3000, 10):
        for seq in desk.due(now_s, set()):
            desk.sent(row(seq), now_s)
            asked_at.append(now_s)
    assert asked_at == [30, 60, 120, 240, 480, 960, 1560, 2160, 2760]


def test_an_archive_that_answers_again_gets_everything_it_owes() -> None:
    desk = desk_with(1, 2, 3)
    [probe] = desk.due(5000.0, set())
    desk.sent(row(probe), 5000.0)
    desk.confirmed(receipt(row(1)), 5001.0)
    assert desk.due(5001.0, set()) == [2, 3]


def test_no_more_than_a_window_is_on_its_way() -> None:
    desk = desk_with(*range(WINDOW - 1))
    assert desk.room(29.0) == 1
    desk.sent(row(WINDOW), 29.0)
    assert desk.room(29.0) == 0


def test_a_silent_archive_does_not_hold_up_what_others_wait_for() -> None:
    assert desk_with(*range(WINDOW)).room(30.0) == WINDOW


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "MAX_AWAITED", 200)
    assert desk_with(*range(200)).room(1000.0) == 0


def test_what_never_reached_the_broker_is_news_again() -> None:
    desk = desk_with(1)
    desk.forget(1)
    assert not desk.awaits(1)
    assert desk.confirmed(receipt(row(1)), 1.0) == []


def test_an_archive_that_falls_silent_and_answers_again_is_told_once() -> None:
    desk = desk_with(1, 2)
    assert [desk.news(29.0), desk.news(30.0), desk.news(31.0)] == [
        *(None, "archive is silent: messages=2 silent_s=30", None)
    ]
    desk.confirmed(receipt(row(2)), 40.0)
    assert [desk.news(41.0), desk.news(42.0)] == ["archive answers again", None]


def test_an_archive_that_owes_nothing_is_not_silent() -> None:
    assert desk_with().news(5000.0) is None


@given(st.lists(st.tuples(st.sampled_from("sbfrc"), st.integers(1, 6)), max_size=60))
def test_whatever_happens_a_row_is_awaited_until_it_is_confirmed_or_forgotten(
    steps: list[tuple[str, int]],
) -> None:
    desk, expected = Desk(30.0, 0.0), set[int]()
    for now_s, (step, seq) in enumerate(steps):
        match step:
            case "s":
                desk.sent(row(seq), now_s)
                expected.add(seq)
            case "b":
                assert desk.reached_broker(seq, now_s) == (seq in expected)
            case "f":
                desk.forget(seq)
                expected.discard(seq)
            case "r":
                assert set(desk.due(now_s * 10.0, set())) <= expected
            case _:
                desk.confirmed(receipt(row(seq)), now_s)
                expected.discard(seq)
        assert {seq for seq in range(1, 7) if desk.awaits(seq)} == expected


def test_a_receipt_carries_so_many_digests_and_the_rest_goes_in_the_next() -> None:
    keys = [digest(ALERT, b"%d" % n) for n in range(MAX_STORED + 1)]
    payloads = list(receipts(keys))
    assert [read_receipt(payload).stored for payload in payloads] == [keys[:-1], keys[-1:]]


def test_a_receipt_keeps_to_its_schema() -> None:
    schema = json.loads((Path(edge.__file__).parent / "schema" / "ack-v1.json").read_text(encoding="utf-8"))
    [payload] = receipts([digest(ALERT, b"%d" % n) for n in range(MAX_STORED)])
    jsonschema.Draft202012Validator(schema).validate(json.loads(payload))


def test_the_topic_belongs_to_what_is_confirmed() -> None:
    assert digest(ALERT, b"1") != digest("edge/v1/pier-8/harbour/alert", b"1")


@given(st.binary())
def test_what_is_no_receipt_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any text will do, no other exception will
        desk_with(1).confirmed(payload, 0.0)


@pytest.mark.parametrize(
    "payload",
    [b'{"stored": ["xyz"]}', b'{"stored": "00"}', b"{}", b"[" * 100_000],
)
def test_a_receipt_of_another_form_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any text will do
        read_receipt(payload)
