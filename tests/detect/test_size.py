"""What is too small to be what it is called."""

from __future__ import annotations

import pytest

from edge.detect.detection import Detection
from edge.detect.size import SHORTEST_M, doubted
from edge.geo import PixelBox


def aircraft(width_m: float, height_m: float, score: float = 0.9, label: str = "aircraft") -> Detection:
    return Detection(label, score, PixelBox(0.0, 0.0, width_m / 0.5, height_m / 0.5))


def weighed(one: Detection) -> float:
    return doubted(one, 0.5, 0.7, SHORTEST_M).score


@pytest.mark.parametrize("sides", [(10.2, 7.0), (7.6, 6.2), (7.5, 7.5), (60.0, 62.0)])
def test_no_aircraft_of_a_common_make_loses_any_score(sides: tuple[float, float]) -> None:
    assert weighed(aircraft(*sides)) == 0.9


@pytest.mark.parametrize("sides", [(4.6, 2.0), (4.7, 4.7), (5.6, 2.2)])
def test_a_car_is_hardly_an_aircraft(sides: tuple[float, float]) -> None:
    assert weighed(aircraft(*sides)) < 0.3


def test_a_little_too_small_is_a_little_doubted() -> None:
    assert 0.8 < weighed(aircraft(7.0, 7.0)) < 0.9


def test_a_label_without_a_size_is_believed_at_any() -> None:
    assert weighed(aircraft(2.0, 2.0, label="vehicle")) == 0.9


def test_a_certain_score_stays_a_number() -> None:
    assert weighed(aircraft(2.0, 2.0, score=1.0)) == 1.0
    assert weighed(aircraft(2.0, 2.0, score=0.0)) == 0.0
