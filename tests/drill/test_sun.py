from datetime import UTC, datetime

import pytest

from edge.drill.sun import Sun, sun_at


def test_the_sun_stands_overhead_at_noon_on_the_equator_at_the_equinox() -> None:
    assert sun_at(datetime(2024, 3, 20, 12, 7, tzinfo=UTC), 0.0, 0.0).elevation_deg > 88


def test_the_sun_is_in_the_east_in_the_morning() -> None:
    assert sun_at(datetime(2024, 3, 20, 7, tzinfo=UTC), 0.0, 45.0).azimuth_deg == pytest.approx(102, abs=5)


def test_the_sun_is_in_the_north_at_noon_in_the_southern_winter() -> None:
    azimuth_deg = sun_at(datetime(2024, 6, 21, 12, tzinfo=UTC), 0.0, -35.0).azimuth_deg
    assert min(azimuth_deg, 360 - azimuth_deg) < 3


def test_the_sun_is_down_at_midnight() -> None:
    assert sun_at(datetime(2024, 12, 21, 0, tzinfo=UTC), 0.0, 45.0).elevation_deg < -60


def test_a_shadow_is_as_long_as_its_thing_is_high_at_45_degrees() -> None:
    assert Sun(180.0, 45.0).shadow_per_m == pytest.approx((0.0, -1.0))
