"""How belief moves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.monitor import presence
from edge.monitor.presence import PresenceSettings

SETTINGS = PresenceSettings()
ODDS = st.floats(-presence.MAX_LOG_ODDS, presence.MAX_LOG_ODDS)
DAYS = st.floats(0, 10_000)


@given(ODDS, DAYS)
def test_time_alone_never_turns_a_belief_into_its_opposite(log_odds: float, days: float) -> None:
    after = presence.relaxed(log_odds, days, SETTINGS)
    assert min(log_odds, 0.0) <= after <= max(log_odds, 0.0) + 1e-9


@given(ODDS, st.floats(0, 1))
def test_a_higher_score_never_makes_an_object_less_likely(log_odds: float, score: float) -> None:
    weaker = presence.after_detection(log_odds, score * 0.5)
    assert presence.after_detection(log_odds, score) >= weaker


@given(ODDS, st.floats(0, 1), st.floats(0.01, 1))
def test_a_miss_never_makes_an_object_more_likely(log_odds: float, strength: float, recall: float) -> None:
    miss = presence.miss_chance(strength, recall, SETTINGS)
    assert presence.after_miss(log_odds, miss) <= log_odds


@given(st.floats(0, 1), st.floats(0.01, 1), DAYS)
def test_newness_is_a_chance(strength: float, recall: float, days: float) -> None:
    miss = presence.miss_chance(strength, recall, SETTINGS)
    assert 0.0 <= presence.newness(days, miss, SETTINGS) <= 1.0


def test_a_longer_gap_makes_an_arrival_likelier() -> None:
    assert presence.newness(5.0, 0.1, SETTINGS) > presence.newness(0.01, 0.1, SETTINGS)


def test_what_stood_for_long_and_is_missed_has_left() -> None:
    share = 0.0
    for _ in range(5):
        share = presence.left_share(share, 0.997, 1.0, SETTINGS)
    assert share > 0.98


def test_what_was_seen_once_with_a_doubtful_score_may_never_have_been_there() -> None:
    assert presence.left_share(0.0, 0.6, 1.0, SETTINGS) < 0.35


def test_ground_that_changed_says_that_it_left() -> None:
    asked = [presence.left_share(0.0, 0.7, 1.0, SETTINGS, changed=answer) for answer in (False, None, True)]
    assert asked == sorted(asked)
    assert asked[2] > 0.5
    assert asked[0] < 0.2


def test_changed_ground_says_no_more_of_a_false_alarm_than_that_it_looked_otherwise() -> None:
    certain = presence.left_share(0.0, 0.95, 1.0, SETTINGS, changed=True)
    doubtful = presence.left_share(0.0, 0.4, 1.0, SETTINGS, changed=True)
    assert certain > 0.8
    assert doubtful < 0.3


@given(ODDS, st.floats(0, 1), st.floats(0, 1), st.floats(0.05, 1))
def test_a_sight_again_says_no_less_than_its_score_and_than_no_sight(
    log_odds: float, score: float, strength: float, recall: float
) -> None:
    miss = presence.miss_chance(strength, recall, SETTINGS)
    after = presence.after_sight_again(log_odds, score, strength=strength, miss=miss, false_again=0.1)
    assert after >= presence.after_detection(log_odds, score)
    assert after >= presence.after_miss(log_odds, miss)


def test_a_faint_sight_that_comes_again_speaks_for_an_object() -> None:
    miss = presence.miss_chance(0.2, 0.6, SETTINGS)
    after = presence.after_sight_again(-1.4, 0.2, strength=0.2, miss=miss, false_again=0.1)
    assert after > -1.4


def test_a_faint_sight_of_what_was_clear_speaks_against_it() -> None:
    miss = presence.miss_chance(0.95, 0.9, SETTINGS)
    after = presence.after_sight_again(1.5, 0.12, strength=0.95, miss=miss, false_again=0.1)
    assert after < 0.0


def test_nothing_leaves_in_no_time() -> None:
    assert presence.left_share(0.2, 0.6, 0.0, SETTINGS) == pytest.approx(0.2)
