"""What is a command, and when it may still be done."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.transmit.command import (
    MAX_AHEAD_S,
    MAX_COMMAND_BYTES,
    MAX_EXPIRES_S,
    TABLE,
    AnyCommand,
    Command,
    Refusal,
    Refused,
    Verb,
    age_refusal,
    parse,
    to_json,
)
from edge.transmit.reply import is_reply_topic
from edge.transmit.topics import Topics
from tests.figures import Tell
from tests.transmit.commands import ALERT, NOW, fuzzed, make_ping, one_of_each


def plain(**changed: Any) -> bytes:
    fields = {"id": "c-1", "issued_at": "2026-03-01T12:00:00Z", "expires_s": 600, **changed}
    return json.dumps({key: value for key, value in fields.items() if value is not None}).encode()


def reason_of(found: AnyCommand | Refusal | None) -> Refused | None:
    return found.reason if isinstance(found, Refusal) else None


@pytest.mark.parametrize("command", one_of_each(), ids=lambda command: command.verb)
def test_every_command_is_read_back_as_it_was_written(command: AnyCommand) -> None:
    assert parse(command.verb, to_json(command)) == command


def test_the_table_holds_every_verb_under_its_own_name() -> None:
    assert {verb: form.verb for verb, form in TABLE.items()} == {verb: verb for verb in Verb}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"colour": "red"}, "colour"),
        ({"id": None}, "id"),
        ({"id": ""}, "$.id"),
        ({"id": "a b"}, "$.id"),
        ({"id": "a\n"}, "$.id"),
        ({"id": "x" * 65}, "$.id"),
        ({"issued_at": None}, "issued_at"),
        ({"issued_at": "2026-03-01T12:00:00"}, "timezone"),
        ({"issued_at": "0001-01-01T00:00:00+14:00"}, "issued_at"),
        ({"issued_at": "9999-12-31T23:59:59-14:00"}, "issued_at"),
        ({"issued_at": 1_700_000_000}, "$.issued_at"),
        ({"expires_s": None}, "expires_s"),
        ({"expires_s": 0}, "$.expires_s"),
        ({"expires_s": MAX_EXPIRES_S + 1}, "$.expires_s"),
        ({"expires_s": "600"}, "$.expires_s"),
    ],
)
def test_a_message_unlike_its_form_is_refused_and_says_where(changed: dict[str, Any], said: str) -> None:
    found = parse("ping", plain(**changed))
    assert isinstance(found, Refusal)
    assert found.reason is Refused.MALFORMED
    assert said in found.detail


@pytest.mark.parametrize(
    ("verb", "changed"),
    [
        ("ack", {}),
        ("ack", {"alert": "7q2m5k0c9t4e"}),
        ("ack", {"alert": ALERT + "\n"}),
        ("ack", {"alert": ALERT, "verdict": "false"}),
        ("feedback", {"alert": ALERT, "verdict": False}),
        ("feedback", {"alert": ALERT, "verdict": "maybe"}),
        ("snooze", {"alert": ALERT}),
        ("snooze", {"alert": ALERT, "until_at": "9999-12-31T00:00:00Z"}),
        ("snooze", {"alert": ALERT, "until_at": "2026-03-02T00:00:00Z", "scope": "all"}),
        ("evidence", {"alert": ALERT, "object": -1}),
        ("evidence", {"alert": ALERT, "side_m": 1e6}),
    ],
)
def test_arguments_unlike_their_verb_are_refused(verb: str, changed: dict[str, Any]) -> None:
    assert reason_of(parse(verb, plain(**changed))) is Refused.MALFORMED


@pytest.mark.parametrize("verb", ["", "reboot", "PING", "ping ", "#"])
def test_a_verb_that_is_not_in_the_table_is_refused(verb: str) -> None:
    assert reason_of(parse(verb, plain())) is Refused.UNKNOWN_VERB


def test_a_command_exactly_at_the_size_limit_is_read() -> None:
    payload = plain().ljust(MAX_COMMAND_BYTES)
    assert reason_of(parse("ping", payload)) is None
    assert reason_of(parse("ping", payload + b" ")) is Refused.TOO_LARGE


def test_a_command_has_expired_at_the_very_instant() -> None:
    command = make_ping(expires_s=60)
    assert age_refusal(command, NOW + timedelta(seconds=59.9), is_trusted=True) is None
    assert reason_of(age_refusal(command, NOW + timedelta(seconds=60), is_trusted=True)) is Refused.EXPIRED


def test_a_clock_that_is_a_little_ahead_is_forgiven() -> None:
    now = NOW - timedelta(seconds=MAX_AHEAD_S)
    assert age_refusal(make_ping(), now, is_trusted=True) is None
    later = age_refusal(make_ping(), now - timedelta(seconds=1), is_trusted=True)
    assert reason_of(later) is Refused.FROM_THE_FUTURE


def test_a_device_that_woke_up_in_the_past_still_takes_commands() -> None:
    assert age_refusal(make_ping(), datetime(2021, 1, 1, tzinfo=UTC), is_trusted=False) is None


def test_an_untrusted_clock_still_tells_what_is_too_old() -> None:
    refusal = age_refusal(make_ping(), NOW + timedelta(days=1), is_trusted=False)
    assert reason_of(refusal) is Refused.EXPIRED


@given(st.sampled_from([*Verb, "reboot"]) | st.text(max_size=20), st.binary(max_size=400))
def test_whatever_comes_is_a_command_or_a_refusal(verb: str, payload: bytes) -> None:
    assert isinstance(parse(verb, payload), (Refusal, Command))


@pytest.mark.long
def test_of_a_hundred_thousand_fuzzed_commands_nothing_escapes(tell: Tell) -> None:
    draw = random.Random(5)
    found = [parse(*fuzzed(draw)) for _ in range(100_000)]
    reasons = Counter(reason_of(one) for one in found)
    told = {str(reason): n for reason, n in reasons.items()}
    tell(f"100,000 fuzzed commands parsed: {told}, no exception")
    # Some are right, so the fuzz reaches behind the parser too.
    assert set(reasons) == {None, Refused.UNKNOWN_VERB, Refused.TOO_LARGE, Refused.MALFORMED}
    for one in found:
        if not isinstance(one, Refusal):
            age_refusal(one, NOW, is_trusted=True)


TOPICS = Topics("pier-7")


@pytest.mark.parametrize(
    "topic",
    ["edge/v1/pier-7/reply", "edge/v1/pier-7/reply/desk-1", "edge/v1/pier-7/desk/answers/1"],
)
def test_an_answer_may_go_within_the_prefix_of_the_device(topic: str) -> None:
    assert is_reply_topic(topic, "pier-7")


@pytest.mark.parametrize(
    "topic",
    [
        "", "edge/v1/pier-7", "edge/v1/pier-7/", "edge/v1/pier-8/reply", "edge/v1/pier-77/reply",
        "x/edge/v1/pier-7/reply", "edge/v1/pier-7/reply/#", "edge/v1/pier-7/+/reply",
        "edge/v1/pier-7/reply//x", "edge/v1/pier-7/reply/\0", "edge/v1/pier-7/reply/\n",
        "edge/v1/pier-7/reply/\ud800", "edge/v1/pier-7/reply/" + "x" * 256,
        TOPICS.status, TOPICS.health, TOPICS.alert("s"), TOPICS.open("s"), TOPICS.inventory("s"),
        TOPICS.observation("s"), TOPICS.evidence("s", ALERT, 0), TOPICS.commands.replace("+", "reload"),
    ],
)  # fmt: skip
def test_an_answer_goes_nowhere_else(topic: str) -> None:
    assert not is_reply_topic(topic, "pier-7")
