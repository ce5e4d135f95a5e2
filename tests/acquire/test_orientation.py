"""Orientations of edges: the same wherever in an image they lie, and none where nothing is seen."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.acquire.orientation import correlated, features, peaks, spectrum


def noise(height: int = 300, width: int = 90) -> NDArray[np.uint8]:
    return np.random.default_rng(5).integers(0, 256, (height, width), dtype=np.uint8)


@pytest.mark.parametrize("cut", [1, 40, 127, 128, 170])
def test_the_orientation_of_a_pixel_does_not_depend_on_how_far_the_image_goes_on(cut: int) -> None:
    grey = noise()
    assert np.allclose(features(grey)[cut + 8 :], features(grey[cut:])[8:], atol=1e-4)


def test_nothing_is_known_of_a_pixel_that_is_not_seen_nor_of_its_rim() -> None:
    mask = np.ones((300, 90), bool)
    mask[140:] = False
    angles = features(noise(), mask)
    assert np.abs(angles[:138]).sum(axis=(1, 2)).all()
    assert not angles[138:].any()


@pytest.mark.parametrize("shift", [(0, 0), (5, -3), (-8, 8)])
def test_a_shift_is_found_where_the_correlation_has_its_peak(shift: tuple[int, int]) -> None:
    grey = noise(96, 96)
    moved = np.roll(grey, shift, axis=(1, 0))
    surface = correlated(spectrum(features(moved)), spectrum(features(grey)))
    [found], [clear] = peaks([surface], 12)
    assert found == pytest.approx(shift, abs=0.2)
    assert clear > 10
