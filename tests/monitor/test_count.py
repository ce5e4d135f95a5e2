"""Counts and their intervals."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.geo import PixelBox
from edge.monitor import count
from edge.monitor.inventory import Recall
from tests.monitor.scenes import RECALL, SETTINGS, Watch, day


def unfound_at(watch: Watch, at: datetime) -> float:
    """The chance that one of the aircraft on the site is in no track."""
    return count.unfound_fraction(
        watch.coverage, None, at, recall=RECALL.of("aircraft"), every_days=1.0, settings=SETTINGS
    )


STANDS = tuple((100.0 * n, 100.0 * m) for n in range(1, 9) for m in range(1, 3))


def test_a_number_seen_again_and_again_is_known_closely() -> None:
    watch = Watch()
    for n in range(1, 6):
        watch.look(day(n), *STANDS)
    told = count.counted(watch.inventory.tracks, day(5), unfound=0.0, settings=SETTINGS)
    assert (told.value, told.high) == (16, 16)
    assert told.low >= 15


def test_ground_that_was_never_seen_widens_the_interval_upwards() -> None:
    watch = Watch()
    watch.look(day(1), *STANDS)
    whole = count.counted(watch.inventory.tracks, day(1), unfound=0.05, settings=SETTINGS)
    half = count.counted(watch.inventory.tracks, day(1), unfound=0.5, settings=SETTINGS)
    assert half.value == whole.value
    assert half.high > whole.high + 4


def test_ground_that_was_not_seen_for_weeks_may_hold_more_than_was_counted() -> None:
    watch = Watch()
    watch.look(day(1), *STANDS)
    fresh, stale = (
        count.counted(watch.inventory.tracks, at, unfound=unfound_at(watch, at), settings=SETTINGS)
        for at in (day(1), day(8))
    )
    assert stale.low < fresh.low
    assert stale.high > fresh.high


def test_an_empty_place_that_was_hardly_seen_may_hold_some() -> None:
    unseen = count.counted([], day(1), unfound=0.5, settings=SETTINGS)
    assert (unseen.low, unseen.value) == (0, 0)
    assert unseen.high >= 1


def test_half_of_the_ground_widens_the_interval_and_lowers_no_count() -> None:
    whole, half = Watch(), Watch()
    for n in range(1, 6):
        whole.look(day(n), *STANDS)
        half.look(day(n), *STANDS, hidden=PixelBox(0, 0, 512, 1024) if n > 2 else None)
    told = [
        count.counted(one.inventory.tracks, day(5), unfound=unfound_at(one, day(5)), settings=SETTINGS)
        for one in (whole, half)
    ]
    assert told[0].value == told[1].value
    assert told[1].high - told[1].low > told[0].high - told[0].low


def test_the_second_look_finds_most_of_what_the_first_one_missed() -> None:
    watch = Watch()
    watch.look(day(1))
    once = unfound_at(watch, day(1))
    watch.look(day(2))
    assert once == pytest.approx(0.1)
    assert unfound_at(watch, day(2)) < 0.5 * once


def test_what_was_not_looked_at_for_weeks_is_known_less_closely() -> None:
    watch = Watch()
    watch.look(day(1), *STANDS)
    fresh = count.counted(watch.inventory.tracks, day(1), unfound=0.0, settings=SETTINGS)
    stale = count.counted(watch.inventory.tracks, day(20), unfound=0.0, settings=SETTINGS)
    assert stale.low < fresh.low


@given(st.lists(st.floats(0, 1), max_size=40))
def test_the_distribution_of_a_count_adds_up_to_one(chances: list[float]) -> None:
    result = count.poisson_binomial(chances)
    assert result.sum() == pytest.approx(1.0)
    assert len(result) == len(chances) + 1


def test_the_interval_holds_nine_tenths_of_equal_chances() -> None:
    rng = np.random.default_rng(1)
    draws = (rng.random((4000, 60)) < 0.7).sum(axis=1)
    low, high = count.interval(count.poisson_binomial([0.7] * 60))
    assert 0.88 < ((draws >= low) & (draws <= high)).mean() < 0.96


def test_nothing_there_is_counted_as_nothing() -> None:
    told = count.counted([], day(1), unfound=0.1, settings=SETTINGS)
    assert (told.low, told.value, told.high) == (0, 0, 0)


def test_a_label_that_the_model_never_finds_still_has_a_count() -> None:
    recall = Recall({"vehicle": 0.0}).of("vehicle")
    told = count.counted([], day(1), unfound=1.0 - recall, settings=SETTINGS)
    assert told.value == 0 < told.high < 100


def test_the_interval_is_the_shortest_that_holds_nine_tenths() -> None:
    assert count.interval(np.array([0.93, 0.04, 0.03])) == (0, 0)
    assert count.interval(np.array([0.02, 0.06, 0.45, 0.45, 0.02])) == (2, 3)


@given(st.lists(st.floats(0.0, 1.0), max_size=150))
def test_objects_counted_in_groups_are_as_many_as_counted_one_by_one(chances: list[float]) -> None:
    one_by_one = np.ones(1)
    for chance in chances:
        one_by_one = np.convolve(one_by_one, (1.0 - chance, chance))
    assert np.allclose(count.poisson_binomial(chances), one_by_one, atol=1e-12)
