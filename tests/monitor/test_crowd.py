"""Counts against a simulated truth: how often the interval holds it."""

from __future__ import annotations

import numpy as np
import pytest

from edge.geo import PixelBox
from edge.monitor import count
from edge.monitor.activity import Series
from edge.monitor.inventory import Recall
from edge.monitor.trend import likeliest_change, limit_of
from tests.monitor.crowd import Crowd, Tally
from tests.monitor.scenes import Watch, day

ALMOST_HALF = PixelBox(0, 0, 480, 1024)
WEST_HALF = PixelBox(0, 0, 512, 1024)


@pytest.mark.parametrize("mean", [4.0, 12.0])
def test_the_interval_holds_the_truth_in_nine_of_ten_looks(mean: float) -> None:
    tallies = [Tally.of(Crowd(seed, mean=mean), n_looks=20) for seed in range(12)]
    assert 0.85 <= np.mean([one.held_fraction for one in tallies]) <= 0.95


def test_half_of_the_looks_clouded_by_half_keeps_that_and_widens_it() -> None:
    clear = [Tally.of(Crowd(seed, mean=12.0), n_looks=20) for seed in range(12)]
    cloudy = [Tally.of(Crowd(seed, mean=12.0), n_looks=20, hidden=[WEST_HALF, None]) for seed in range(12)]
    assert 0.85 <= np.mean([one.held_fraction for one in cloudy]) <= 0.95
    assert np.mean([one.width for one in cloudy]) > 1.2 * np.mean([one.width for one in clear])


def days_of(crowd: Crowd, n_looks: int, hidden_from: int) -> Series:
    """The series of a crowd of whose ground almost half is hidden from some look on."""
    watch, series, recall = Watch(), Series(), Recall({"aircraft": crowd.detector.recall})
    for n in range(n_looks):
        at = day(1.0 + n)
        watch.show(*crowd.look(at, ALMOST_HALF if n >= hidden_from else None), recall=recall)
        unfound = count.unfound_fraction(
            watch.coverage, None, at, recall=recall.of("aircraft"), every_days=1.0, settings=watch.settings
        )
        told = count.moments(count.Standing.of(watch.inventory.tracks, at, watch.settings), unfound)
        series = series.with_look(at, *told)
        crowd.pass_days(1.0)
    return series


@pytest.mark.parametrize("seed", range(4))
def test_ground_that_is_hidden_for_weeks_is_no_draw_down(seed: int) -> None:
    series = days_of(Crowd(seed, mean=12.0), n_looks=45, hidden_from=30)
    found = likeliest_change(series, over_days=14, turnover_per_day=0.3)
    assert found is not None
    assert abs(found.z) < limit_of(0.5)
    clear, hidden = series.days[20:30], series.days[-10:]
    assert np.mean([one.variance for one in hidden]) > 2.0 * np.mean([one.variance for one in clear])
