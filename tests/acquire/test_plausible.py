"""Which fixes are believed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.acquire.fix import Fix
from edge.acquire.nmea import Mode
from edge.acquire.plausible import (
    GOOD_FOR,
    N_TO_BELIEVE,
    N_TO_OVERRULE,
    ROLLOVER,
    FixReject,
    Judge,
    right_week,
)
from edge.geo import LngLat, moved_by
from tests.acquire.sky import HERE, NOW

BUILT = datetime(2026, 1, 1, tzinfo=UTC)
FAR = moved_by(HERE, 50_000, 0)
Verdict = Fix | FixReject


class Trial:
    """A judge, and a receiver that says one thing a second."""

    def __init__(self, *, is_known: bool = True) -> None:
        self._judge = Judge(not_before=BUILT, max_speed_m_per_s=100.0, max_hdop=10.0)
        self._second = 0
        if is_known:
            self.say(N_TO_BELIEVE)

    def say(
        self, n: int = 1, *, by: timedelta = timedelta(0), place: LngLat = HERE, mode: Mode = Mode.AUTONOMOUS,
        hdop: float | None = 0.9,
    ) -> list[Verdict]:  # fmt: skip
        """The verdicts on n fixes, one a second; by moves their time."""
        found: list[Verdict] = []
        for _ in range(n):
            self._second += 1
            at = NOW + timedelta(seconds=self._second) + by
            found.append(self._judge.judge(Fix(at, place, mode, 8, hdop), float(self._second)))
        return found

    def wait(self, seconds: int) -> None:
        self._second += seconds


def n_believed(verdicts: list[Verdict]) -> int:
    return sum(isinstance(verdict, Fix) for verdict in verdicts)


def test_the_first_fixes_must_agree_before_one_is_believed() -> None:
    verdicts = Trial(is_known=False).say(N_TO_BELIEVE)
    assert verdicts[:-1] == [FixReject.UNCONFIRMED] * (N_TO_BELIEVE - 1)
    assert isinstance(verdicts[-1], Fix)


def test_first_fixes_that_contradict_each_other_are_never_believed() -> None:
    trial = Trial(is_known=False)
    assert n_believed([trial.say(place=place)[0] for place in (HERE, FAR) * 10]) == 0


def test_what_goes_on_as_it_was_is_believed() -> None:
    assert n_believed(Trial().say(100)) == 100


def test_a_jump_to_another_place_is_refused_and_the_next_fix_is_not() -> None:
    trial = Trial()
    assert trial.say(place=FAR) == [FixReject.PLACE_JUMPED]
    assert n_believed(trial.say()) == 1


def test_a_jump_in_time_is_refused_and_the_next_fix_is_not() -> None:
    trial = Trial()
    assert trial.say(by=timedelta(hours=1)) == [FixReject.TIME_JUMPED]
    assert n_believed(trial.say()) == 1


@pytest.mark.parametrize("years", [-20, 20])
def test_a_jump_by_twenty_years_is_refused(years: int) -> None:
    assert n_believed(Trial().say(5, by=timedelta(days=365 * years))) == 0


def test_a_new_place_that_is_told_for_long_is_believed() -> None:
    verdicts = Trial().say(N_TO_OVERRULE, place=FAR)
    assert (n_believed(verdicts), isinstance(verdicts[-1], Fix)) == (1, True)


def test_who_travels_within_the_speed_is_believed_after_a_silence() -> None:
    trial = Trial()
    trial.wait(600)
    assert n_believed(trial.say(place=FAR)) == 1


@pytest.mark.parametrize("mode", [Mode.ESTIMATED, Mode.MANUAL, Mode.SIMULATED])
def test_what_the_receiver_made_up_is_refused(mode: Mode) -> None:
    assert Trial().say(mode=mode) == [FixReject.MADE_UP]


def test_the_place_of_a_receiver_that_knows_none_is_refused() -> None:
    assert Trial(is_known=False).say(5, place=LngLat(0.0, 0.0)) == [FixReject.MADE_UP] * 5


@pytest.mark.parametrize(("hdop", "is_believed"), [(10.0, True), (10.1, False), (None, True)])
def test_a_vague_fix_is_refused(hdop: float | None, is_believed: bool) -> None:
    assert n_believed(Trial().say(hdop=hdop)) == is_believed


@pytest.mark.parametrize("n_rollovers", [-2, -1, 1])
def test_a_week_that_rolled_over_is_put_right(n_rollovers: int) -> None:
    verdicts = Trial(is_known=False).say(N_TO_BELIEVE, by=n_rollovers * ROLLOVER)
    assert isinstance(verdicts[-1], Fix)
    assert verdicts[-1].at == NOW + timedelta(seconds=N_TO_BELIEVE)


def test_a_date_shortly_before_the_build_is_refused_and_not_moved_by_twenty_years() -> None:
    assert right_week(BUILT - timedelta(days=1), BUILT) is None


def test_a_date_in_the_years_of_a_release_stays() -> None:
    for at in (BUILT, NOW, BUILT + GOOD_FOR - timedelta(seconds=1)):
        assert right_week(at, BUILT) == at


@given(st.datetimes(datetime(1980, 1, 6), datetime(2179, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001 - naive bounds are what hypothesis takes
def test_a_date_that_is_believed_lies_in_the_years_of_a_release(at: datetime) -> None:
    moved = right_week(at, BUILT)
    assert moved is None or BUILT <= moved < BUILT + GOOD_FOR


def test_a_refused_date_is_a_verdict_too() -> None:
    judge = Judge(not_before=BUILT, max_speed_m_per_s=100.0, max_hdop=10.0)
    fix = Fix(NOW, HERE, Mode.AUTONOMOUS)
    assert judge.judge(replace(fix, at=BUILT - timedelta(days=1)), 0.0) is FixReject.IMPOSSIBLE_DATE
