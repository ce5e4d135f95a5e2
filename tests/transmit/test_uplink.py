from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.transmit.uplink import (
    Attempt,
    LinkState,
    Outgoing,
    UplinkSettings,
    backoff_s,
    failures_in_a_row,
    next_attempt,
    silent_s,
)

SETTINGS = UplinkSettings(window=20, window_bytes=10_000, retry_first_s=1.0, retry_max_s=120.0)


def link(
    name: str = "mqtt", *, is_up: bool = True, window: int = 1000, n: int = 0, in_flight_bytes: int = 0
) -> LinkState:
    return LinkState(name, is_up, window, n, in_flight_bytes)


def outgoing(n_bytes: int = 100, seq: int = 1) -> Outgoing:
    return Outgoing("t", bytes(n_bytes), seq=seq)


def test_nothing_queued_is_nothing_to_try() -> None:
    assert next_attempt([], [link()], SETTINGS) is None


def test_the_first_in_the_queue_goes_first() -> None:
    first, second = outgoing(seq=1), outgoing(seq=2)
    assert next_attempt([first, second], [link()], SETTINGS) == Attempt("mqtt", first)


def test_a_link_that_is_down_is_passed_over() -> None:
    found = next_attempt([outgoing()], [link("mqtt", is_up=False), link("other")], SETTINGS)
    assert found == Attempt("other", outgoing())


def test_with_every_link_down_it_waits() -> None:
    assert next_attempt([outgoing()], [link(is_up=False)], SETTINGS) is None


def test_a_full_window_takes_no_more() -> None:
    assert next_attempt([outgoing()], [link(n=20)], SETTINGS) is None


def test_the_last_place_of_the_window_is_used() -> None:
    assert next_attempt([outgoing()], [link(n=19)], SETTINGS) is not None


def test_a_broker_with_a_smaller_window_is_respected() -> None:
    assert next_attempt([outgoing()], [link(n=2, window=2)], SETTINGS) is None


def test_a_slow_link_gets_no_more_bytes_than_it_can_carry() -> None:
    assert next_attempt([outgoing(9_000)], [link(n=1, in_flight_bytes=2_000)], SETTINGS) is None


def test_a_message_above_the_byte_window_goes_alone() -> None:
    assert next_attempt([outgoing(50_000)], [link()], SETTINGS) is not None


def test_a_small_message_does_not_overtake_a_large_one() -> None:
    waiting = [outgoing(50_000, seq=1), outgoing(1, seq=2)]
    assert next_attempt(waiting, [link(n=1, in_flight_bytes=10)], SETTINGS) is None


def test_the_longest_wait_doubles_with_each_failure() -> None:
    assert [backoff_s(n, 1.0, SETTINGS) for n in (1, 2, 3, 4)] == [1.0, 2.0, 4.0, 8.0]


def test_after_years_of_failures_the_wait_is_still_the_longest_one() -> None:
    assert backoff_s(10**9, 1.0, SETTINGS) == 120.0


@given(st.integers(1, 10**6), st.floats(0, 1))
def test_a_wait_is_anything_between_nothing_and_its_ceiling(n_failures: int, draw: float) -> None:
    ceiling = backoff_s(n_failures, 1.0, SETTINGS)
    assert backoff_s(n_failures, draw, SETTINGS) == draw * ceiling


@pytest.mark.parametrize(
    ("is_connected", "since_ack_s", "silent"),
    [(True, 179.0, 0.0), (True, 180.0, 180.0), (False, 1.0, 1.0), (False, 0.0, 0.0)],
    ids=["works", "connected and deaf", "just lost", "just started"],
)
def test_a_link_is_silent_since_the_far_side_last_took_something(
    is_connected: bool, since_ack_s: float, silent: float
) -> None:
    assert silent_s(is_connected=is_connected, since_ack_s=since_ack_s) == silent


@pytest.mark.parametrize(
    ("reason", "lasted_s", "has_sent", "n"),
    [
        ("connection_lost", 1.0, False, 5),
        ("connection_lost", 60.1, False, 1),
        ("connection_lost", 1.0, True, 1),
        ("session_taken_over", 60.1, True, 5),
    ],
)
def test_a_connection_is_good_that_lasted_or_sent_unless_another_took_its_name(
    reason: str, lasted_s: float, has_sent: bool, n: int
) -> None:
    assert failures_in_a_row(4, reason=reason, lasted_s=lasted_s, has_sent=has_sent) == n
