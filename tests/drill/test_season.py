from datetime import UTC, datetime

import numpy as np
import pytest

from edge.drill.look import Look
from edge.drill.render import render
from edge.drill.season import NAMED, Season, leaf_colour, season_at
from tests.drill.make import make_stage

JUNE, OCTOBER = datetime(2024, 6, 1, tzinfo=UTC), datetime(2024, 10, 22, tzinfo=UTC)


def mean_rgb(season: Season) -> np.ndarray:
    """Of a corner of the airfield that is all grass."""
    pixels = render(make_stage(size_m=614.4), [], Look(season=season, noise_fraction=0.0)).pixels
    return np.asarray(pixels[900:, 300:].reshape(-1, 3).mean(axis=0))


def test_the_seasons_of_the_two_hemispheres_are_opposite() -> None:
    assert season_at(JUNE, 45.0).greenness > 0.9
    assert season_at(JUNE, -45.0).greenness < 0.1


def test_leaves_turn_in_october_and_not_near_the_equator() -> None:
    assert season_at(OCTOBER, 45.0).turned > 0.9
    assert season_at(OCTOBER, 10.0).turned == 0.0


def test_a_calendar_brings_no_snow() -> None:
    assert all(season_at(datetime(2024, month, 1, tzinfo=UTC), 60.0).snow == 0 for month in range(1, 13))


def test_summer_is_greener_than_autumn() -> None:
    summer, autumn = (mean_rgb(NAMED[name]) for name in ("summer", "autumn"))
    assert summer[1] / summer[0] > autumn[1] / autumn[0]


def test_a_meadow_under_snow_is_nearly_white() -> None:
    assert mean_rgb(NAMED["snow"]).min() > 180


@pytest.mark.parametrize("turned", [0.0, 1.0])
def test_a_turned_crown_is_red_where_a_green_one_is_green(turned: float) -> None:
    red, green, _ = leaf_colour(Season(turned=turned), np.random.default_rng(1))
    assert (red > green) == (turned == 1.0)
