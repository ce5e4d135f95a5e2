"""Counts and their intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.monitor import count
from edge.monitor.inventory import Recall
from tests.monitor.scenes import SETTINGS, Watch, day

STANDS = tuple((100.0 * n, 100.0 * m) for n in range(1, 9) for m in range(1, 3))


def test_a_number_seen_again_and_again_is_known_closely() -> None:
    watch = Watch()
    for n in range(1, 6):
        watch.look(day(n), *STANDS)
    told = count.counted(watch.inventory.tracks, day(5), recall=1.0, seen_fraction=1.0, settings=SETTINGS)
    assert (told.value, told.high) == (16, 16)
    assert told.low >= 15


def test_ground_that_was_never_seen_widens_the_interval_upwards() -> None:
    watch = Watch()
    watch.look(day(1), *STANDS)
    whole = count.counted(watch.inventory.tracks, day(1), recall=0.95, seen_fraction=1.0, settings=SETTINGS)
    half = count.counted(watch.inventory.tracks, day(1), recall=0.95, seen_fraction=0.5, settings=SETTINGS)
    assert half.value == whole.value
    assert half.high > whole.high + 4


def test_what_was_not_looked_at_for_weeks_is_known_less_closely() -> None:
    watch = Watch()
    watch.look(day(1), *STANDS)
    fresh = count.counted(watch.inventory.tracks, day(1), recall=1.0, seen_fraction=1.0, settings=SETTINGS)
    stale = count.counted(watch.inventory.tracks, day(20), recall=1.0, seen_fraction=1.0, settings=SETTINGS)
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
    told = count.counted([], day(1), recall=0.9, seen_fraction=1.0, settings=SETTINGS)
    assert (told.low, told.value, told.high) == (0, 0, 0)


def test_a_label_that_the_model_never_finds_still_has_a_count() -> None:
    recall = Recall({"vehicle": 0.0}).of("vehicle")
    told = count.counted([], day(1), recall=recall, seen_fraction=1.0, settings=SETTINGS)
    assert told.value == 0
