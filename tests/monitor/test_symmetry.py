"""The axis of symmetry of what is seen from above."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.monitor.symmetry import Axis, Plane

SIDE, GSD_M = 96, 0.5
MIDDLE = (SIDE / 2, SIDE / 2)


def aircraft(heading_deg: float, *, with_lorry: bool = False) -> Plane:
    """A body, wings that are not in its middle and a tail, turned clockwise from up."""
    plane = np.zeros((SIDE, SIDE), np.float32)
    plane[18:78, 46:50] = 1.0
    plane[36:44, 22:74] = 1.0
    plane[72:76, 38:58] = 1.0
    if with_lorry:
        plane[56:64, 60:66] = 1.0
    middle = (SIDE - 1) / 2
    turn = cv2.getRotationMatrix2D((middle, middle), -heading_deg, 1.0)
    return np.asarray(cv2.warpAffine(plane, turn, (SIDE, SIDE)), np.float32)


def off(angle_deg: float, wanted_deg: float) -> float:
    """Degrees between two lines."""
    return abs((angle_deg - wanted_deg + 90.0) % 180.0 - 90.0)


@pytest.mark.parametrize("heading_deg", [0.0, 30.0, 77.0, 120.0, 171.0])
@pytest.mark.parametrize("with_lorry", [False, True], ids=["alone", "lorry"])
def test_the_axis_lies_along_the_body(heading_deg: float, with_lorry: bool) -> None:
    axis = Axis.of(aircraft(heading_deg, with_lorry=with_lorry), MIDDLE, GSD_M)
    assert off(axis.angle_deg, heading_deg) <= 2.5
    assert axis.likeness > 0.7


@pytest.mark.parametrize("heading_deg", [0.0, 30.0, 120.0])
def test_mirrored_about_its_axis_an_aircraft_is_what_it_was(heading_deg: float) -> None:
    plane = aircraft(heading_deg)
    left = np.abs(Axis.of(plane, MIDDLE, GSD_M).mirrored(plane) - plane).sum() / plane.sum()
    assert left < 0.35


def test_what_lies_on_one_side_is_on_the_other_when_mirrored() -> None:
    plane = aircraft(0.0)
    lorry = np.zeros_like(plane)
    lorry[56:64, 60:66] = 1.0
    rows, columns = np.nonzero(Axis.of(plane, MIDDLE, GSD_M).mirrored(lorry) > 0.5)
    assert np.median(rows) == pytest.approx(59.5, abs=2)
    assert np.median(columns) == pytest.approx(SIDE - 1 - 62.5, abs=3)


def test_pixels_to_the_right_of_the_axis_are_counted_up_from_it() -> None:
    across = Axis(90.0, 10.0, 20.0, 1.0).across(64)
    assert across[20, 40] == pytest.approx(0.0, abs=1e-4)
    assert across[30, 40] == pytest.approx(10.0, abs=1e-4)


def test_an_empty_plane_has_an_axis_that_says_nothing() -> None:
    assert Axis.of(np.zeros((SIDE, SIDE), np.float32), MIDDLE, GSD_M).likeness == pytest.approx(0.0)
