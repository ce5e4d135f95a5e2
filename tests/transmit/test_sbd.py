"""What the modem's lines and numbers mean."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.transmit.sbd import (
    Session,
    billed_bytes,
    checksum,
    holds_received,
    retry_wait_s,
    session_in,
    signal_in,
)


@pytest.mark.parametrize("line", ["+SBDIX: 0, 23, 1, 7, 48, 2", "+SBDIX:0,23,1,7,48,2"])
def test_a_session_is_read_with_and_without_spaces(line: str) -> None:
    assert session_in(line) == Session(status=0, momsn=23, is_received=True, n_bytes=48, n_queued=2)


@pytest.mark.parametrize(
    "line",
    ["", "OK", "+SBDIX: 0, 23, 1, 7, 48", "+SBDIX: 0, 23, 1, 7, 48, x", "+SBDIX: 0, 23, 1, 7, 48, 2, 9"],
)
def test_another_line_is_no_session(line: str) -> None:
    assert session_in(line) is None


@pytest.mark.parametrize("status", range(70))
def test_only_0_to_4_say_that_it_was_sent(status: int) -> None:
    session = session_in(f"+SBDIX: {status}, 0, 0, 0, 0, 0")
    assert session is not None
    assert session.is_sent == (status <= 4)
    assert session.meaning.startswith(f"status {status}: ")


@pytest.mark.parametrize(("line", "bars"), [("+CSQ:0", 0), ("+CSQ: 5", 5), ("+CSQ:6", None), ("+CSQ:", None)])
def test_the_signal_is_0_to_5_bars(line: str, bars: int | None) -> None:
    assert signal_in(line) == bars


def test_the_modem_says_whether_it_holds_a_message() -> None:
    assert holds_received("+SBDSX: 0, 5, 1, 3, 0, 0") is True
    assert holds_received("+SBDSX: 1, 5, 0, -1, 0, 2") is False
    assert holds_received("OK") is None


@pytest.mark.parametrize(
    ("payload", "expected"), [(b"", b"\0\0"), (b"hello", b"\x02\x14"), (b"\xff" * 340, b"\x52\xac")]
)
def test_the_checksum_is_the_low_16_bits_of_the_sum(payload: bytes, expected: bytes) -> None:
    assert checksum(payload) == expected


@pytest.mark.parametrize(("n_bytes", "billed"), [(0, 50), (1, 50), (48, 50), (50, 50), (51, 100), (336, 350)])
def test_bytes_are_billed_by_50(n_bytes: int, billed: int) -> None:
    assert billed_bytes(n_bytes) == billed


def test_the_waits_grow_from_at_once_to_five_minutes() -> None:
    assert [retry_wait_s(n, 1.0) for n in range(1, 9)] == [0, 5, 5, 30, 30, 300, 300, 300]


def test_a_fleet_does_not_come_back_as_one() -> None:
    assert [retry_wait_s(n, 0.5) for n in range(1, 6)] == [0, 2.5, 2.5, 15, 15]


@pytest.mark.parametrize(("status", "wait_s"), [(36, 180), (38, 300), (18, 0), (None, 0)])
def test_a_network_that_asks_to_wait_is_obeyed(status: int | None, wait_s: float) -> None:
    assert retry_wait_s(1, 1.0, status) == wait_s


@given(st.text(string.printable, max_size=60))
def test_any_line_is_an_answer_or_none(line: str) -> None:
    for read in (session_in, signal_in, holds_received):
        read(line)
    for prefix in ("+SBDIX:", "+CSQ:", "+SBDSX:"):
        assert session_in(prefix + line) is None or line.count(",") == 5
