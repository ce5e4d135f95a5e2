"""Counts against a simulated truth: how often the interval holds it."""

from __future__ import annotations

import numpy as np
import pytest

from edge.geo import PixelBox
from tests.monitor.crowd import Crowd, Tally

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
