"""Build-ups, draw-downs, and that nothing unusual is an answer."""

from __future__ import annotations

import numpy as np
import pytest

from edge.monitor.activity import (
    MAX_DAYS,
    MIN_DAYS,
    Activity,
    Series,
    Verdict,
    day_number,
    index,
    key_of,
)
from edge.monitor.trend import likeliest_change, limit_of
from tests.monitor.scenes import day
from tests.monitor.sites import SimulatedSite, outcome_of

LIMIT = limit_of(0.5)


def series_of(*counts: float, every_days: int = 1, variance: float = 0.3) -> Series:
    series = Series()
    for n, number in enumerate(counts):
        series = series.with_look(day(1 + n * every_days), number, variance)
    return series


def test_a_site_that_empties_at_once_is_a_draw_down_since_that_day() -> None:
    series = series_of(*[10, 11, 9, 10] * 6, 2, 1)
    found = likeliest_change(series, over_days=14, turnover_per_day=0.3)
    assert found is not None
    assert found.z < -LIMIT
    assert found.first_day == day_number(day(25))
    assert found.normal == pytest.approx(10, abs=0.7)
    assert found.now == pytest.approx(1.5, abs=1.2)


def test_one_that_leaves_a_day_is_a_draw_down_too() -> None:
    series = series_of(*[10] * 20, 9, 8, 7, 6, 5, 4, 3)
    found = likeliest_change(series, over_days=14, turnover_per_day=0.3)
    assert found is not None
    assert found.z < -LIMIT


def test_a_site_that_fills_up_is_a_build_up() -> None:
    found = likeliest_change(series_of(*[4, 5, 4, 3] * 6, 11, 15, 16), over_days=14, turnover_per_day=0.3)
    assert found is not None
    assert found.z > LIMIT


def test_a_normal_month_is_none() -> None:
    found = likeliest_change(series_of(*[9, 11, 10, 8, 12, 10] * 5), over_days=14, turnover_per_day=0.3)
    assert found is not None
    assert abs(found.z) < LIMIT


def test_with_less_than_a_week_nothing_is_said() -> None:
    assert likeliest_change(series_of(*[9] * MIN_DAYS), over_days=14, turnover_per_day=0.3) is None
    assert likeliest_change(Series(), over_days=14, turnover_per_day=0.3) is None
    assert index(series_of(*[9] * MIN_DAYS)).verdict is Verdict.UNKNOWN


def test_a_count_that_is_hardly_known_is_no_draw_down() -> None:
    sure = series_of(*[10.0] * 20)
    doubtful = sure.with_look(day(21), 4.0, 40.0)
    found = likeliest_change(doubtful, over_days=14, turnover_per_day=0.3)
    assert found is not None
    assert abs(found.z) < LIMIT
    assert index(doubtful).verdict is Verdict.USUAL


def test_days_without_a_look_are_gaps_and_not_empty_days() -> None:
    found = likeliest_change(series_of(*[9, 10, 11] * 4, every_days=4), over_days=14, turnover_per_day=0.3)
    assert found is not None
    assert abs(found.z) < LIMIT


def test_fewer_false_alarms_need_a_larger_step() -> None:
    assert limit_of(0.1) > limit_of(0.5) > limit_of(4.0) > 2.0


def test_the_index_is_the_multiple_of_the_usual() -> None:
    told = index(series_of(*[10] * 20, 5))
    assert told.verdict is Verdict.FEWER
    assert told.index == pytest.approx(0.5)
    assert index(series_of(*[10] * 20, 20)).verdict is Verdict.MORE
    assert index(series_of(*[10] * 20, 10)).verdict is Verdict.USUAL


def test_a_quiet_weekend_is_usual_once_there_are_some_weeks() -> None:
    week = [20, 20, 20, 20, 20, 3, 3]
    first_monday = Series().with_look(day(2), 20, 0.3)
    series = first_monday
    for n in range(3, 2 + 6 * 7):
        series = series.with_look(day(n), week[(n - 2) % 7], 0.3)
    assert series.days[-1].mean == 3
    assert index(series).verdict is Verdict.USUAL
    found = likeliest_change(series, over_days=14, turnover_per_day=0.3)
    assert found is not None
    assert abs(found.z) < LIMIT


def test_a_season_is_usual_once_there_was_one() -> None:
    series = Series()
    for n in range(1, 800):
        is_summer = 150 < n % 365 < 270
        series = series.with_look(day(n), 30.0 if is_summer else 10.0, 0.5)
    summer, winter = series.factors([day_number(day(730 + 200)), day_number(day(730 + 20))])
    assert summer > 2.0 * winter


def test_several_looks_of_a_day_are_one_day() -> None:
    series = Series().with_look(day(1), 4.0, 1.0).with_look(day(1.2), 6.0, 0.5)
    (only,) = series.days
    assert (only.mean, only.variance, only.n_looks) == (5.0, 0.5, 2)


def test_a_look_that_comes_late_goes_to_its_own_day() -> None:
    series = Series().with_look(day(3), 4.0, 1.0).with_look(day(1), 6.0, 1.0)
    assert [one.mean for one in series.days] == [6.0, 4.0]


def test_a_series_does_not_grow_for_ever() -> None:
    series = Series()
    for n in range(1, 3 * MAX_DAYS):
        series = series.with_look(day(n), 5.0, 1.0)
    assert len(series.days) == MAX_DAYS
    assert max(slot.days for slot in series.weekdays) <= 61


def test_labels_and_zones_that_are_no_longer_watched_are_forgotten() -> None:
    activity = Activity().with_counts(day(1), {key_of("ship", None): (1, 1), key_of("ship", "pier"): (1, 1)})
    assert set(activity.only(["ship@*"]).series) == {"ship@*"}


@pytest.mark.parametrize("mean", [4.0, 12.0])
def test_simulated_sites_where_nothing_changes_alarm_as_seldom_as_is_stated(mean: float) -> None:
    n_years = 8
    alarms = sum(outcome_of(SimulatedSite(seed, mean=mean), n_days=365).n_false for seed in range(n_years))
    assert alarms <= 0.5 * n_years


def test_a_simulated_draw_down_is_named_soon_after_it_can_be_seen() -> None:
    delays = [outcome_of(SimulatedSite(seed, mean=14.0), n_days=70, change=(42, 0.1)) for seed in range(12)]
    assert np.mean([one.is_prompt for one in delays if one.visible_after is not None]) >= 0.9


def test_a_rule_that_allows_four_false_alarms_a_year_makes_no_more() -> None:
    sites = [SimulatedSite(seed, mean=mean) for seed in range(3) for mean in (4.0, 12.0, 30.0)]
    n_false = sum(outcome_of(site, n_days=365, rate=4.0).n_false for site in sites)
    assert 1.0 <= n_false / len(sites) <= 4.0
