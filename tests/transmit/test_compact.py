"""Commands in the compact form of a satellite modem."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.transmit.command import AnyCommand, Refusal, Refused
from edge.transmit.compact import MAX_COMPACT_BYTES, _tag, from_bytes, to_bytes
from tests.figures import Tell
from tests.transmit.commands import make_ping, one_of_each

KEY = bytes(range(32))


def reason_of(found: AnyCommand | Refusal) -> Refused | None:
    return found.reason if isinstance(found, Refusal) else None


def signed(data: bytes) -> bytes:
    return data + _tag(data, KEY, "pier-7")


@pytest.mark.parametrize("command", one_of_each(), ids=lambda command: command.verb)
def test_every_command_comes_back_as_it_was_sent(command: AnyCommand) -> None:
    data = to_bytes(command, KEY, "pier-7")
    assert from_bytes(data, KEY, "pier-7") == command
    # One credit of Iridium SBD is 50 bytes.
    assert len(data) <= 50


@pytest.mark.parametrize("command", one_of_each(), ids=lambda command: command.verb)
def test_one_flipped_bit_anywhere_is_found(command: AnyCommand) -> None:
    data = to_bytes(command, KEY, "pier-7")
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        assert reason_of(from_bytes(bytes(flipped), KEY, "pier-7")) is Refused.NOT_AUTHENTIC


@dataclass(frozen=True, slots=True)
class Other:
    key: bytes = KEY
    device_id: str = "pier-7"


@pytest.mark.parametrize("other", [Other(key=KEY[::-1]), Other(device_id="pier-8")], ids=["key", "device"])
def test_a_command_for_another_device_is_refused(other: Other) -> None:
    data = to_bytes(make_ping(), other.key, other.device_id)
    assert reason_of(from_bytes(data, KEY, "pier-7")) is Refused.NOT_AUTHENTIC


@pytest.mark.parametrize("size", [0, 1, 7, 8, 14, 270])
def test_a_message_without_a_tag_is_refused(size: int) -> None:
    assert reason_of(from_bytes(bytes(size), KEY, "pier-7")) is Refused.NOT_AUTHENTIC


def test_a_message_larger_than_the_modem_hands_over_is_refused() -> None:
    assert reason_of(from_bytes(bytes(MAX_COMPACT_BYTES + 1), KEY, "pier-7")) is Refused.TOO_LARGE


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\x01", b"\x02\x04" + bytes(13), b"\x01\x63" + bytes(13), b"\x01\x04" + bytes(13),
        b"\x01\x04" + bytes(12) + b"\x01\x00", b"\x01\x00" + bytes(12) + b"\x01" + b"\xff" * 8,
    ],
    ids=["empty", "cut", "version", "verb", "expires at once", "too long", "alert of 13 characters"],
)  # fmt: skip
def test_what_the_key_signed_is_still_checked(data: bytes) -> None:
    assert reason_of(from_bytes(signed(data), KEY, "pier-7")) is Refused.MALFORMED


@given(st.binary(max_size=300), st.booleans())
def test_whatever_the_modem_hands_over_is_a_command_or_a_refusal(data: bytes, is_signed: bool) -> None:
    found = from_bytes(signed(data) if is_signed else data, KEY, "pier-7")
    assert isinstance(found, Refusal) or found.verb


@pytest.mark.long
def test_of_a_hundred_thousand_signed_noises_nothing_escapes(tell: Tell) -> None:
    draw = random.Random(5)
    reasons = set()
    for _ in range(100_000):
        data = bytes([1, draw.randrange(7)]) + draw.randbytes(draw.choice([6, 13, 21, 22, 26, 27, 40]))
        reasons.add(reason_of(from_bytes(signed(data), KEY, "pier-7")))
    tell(f"100,000 signed noises as compact commands: {sorted(map(str, reasons))}, no exception")
    assert reasons == {None, Refused.MALFORMED}


def test_an_id_that_does_not_fit_is_said_to_the_desk() -> None:
    with pytest.raises(ValueError, match="12 hexadecimal digits"):
        to_bytes(make_ping("my-command"), KEY, "pier-7")


def test_a_short_key_is_refused_on_both_sides() -> None:
    with pytest.raises(ValueError, match="at least 16 bytes"):
        to_bytes(make_ping(), b"short", "pier-7")
    with pytest.raises(ValueError, match="at least 16 bytes"):
        from_bytes(bytes(30), b"short", "pier-7")
