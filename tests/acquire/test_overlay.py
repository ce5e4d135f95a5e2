"""An earlier tile laid onto a later one."""

from __future__ import annotations

import numpy as np
import pytest

from edge.acquire.overlay import Laid, laid_on, shown_on
from edge.acquire.registration import Alignment, Matrix
from tests.make import ground, make_tile

EARLIER = ground(200, 160)
GRID = make_tile(EARLIER).grid
ALL = np.ones(EARLIER.shape[:2], np.bool_)


def lying(x: float, y: float) -> Alignment:
    """A tile whose pixels must be moved so far to come to the reference."""
    matrix: Matrix = ((1.0, 0.0, x), (0.0, 1.0, y))
    return Alignment(GRID, matrix, 0.0, 1.0)


def test_two_tiles_that_lie_alike_show_the_same_pixels() -> None:
    pixels = laid_on(EARLIER, before=lying(3, 4), after=lying(3, 4))
    shown = shown_on(ALL, before=lying(3, 4), after=lying(3, 4))
    assert shown[1:-1, 1:-1].all()
    assert np.abs(pixels.astype(int) - EARLIER)[1:-1, 1:-1].max() <= 1


@pytest.mark.parametrize(("x", "y"), [(7, -4), (-12, 5)])
def test_the_earlier_tile_is_moved_by_what_lies_between_them(x: int, y: int) -> None:
    pixels = laid_on(EARLIER, before=lying(0, 0), after=lying(x, y))
    shown = shown_on(ALL, before=lying(0, 0), after=lying(x, y))
    there = np.roll(EARLIER, (-y, -x), axis=(0, 1))
    inner = np.s_[20:-20, 20:-20]
    assert np.abs(pixels[inner].astype(int) - there[inner]).max() <= 1
    assert shown[inner].all()


def test_ground_that_the_earlier_tile_does_not_show_is_not_shown() -> None:
    shown = shown_on(ALL, before=lying(0, 0), after=lying(30, 0))
    assert not shown[:, -29:].any()
    assert shown[:, 1:-32].all()


def test_ground_of_no_use_in_the_earlier_tile_is_not_shown() -> None:
    usable = ALL.copy()
    usable[:, 100:] = False
    shown = shown_on(usable, before=lying(0, 0), after=lying(10, 0))
    assert shown[5:-5, 5:88].all()
    assert not shown[:, 91:].any()


@pytest.mark.parametrize(
    ("rows", "columns"), [((0, 160), (0, 200)), ((40, 96), (100, 200)), ((0, 1), (7, 8))]
)
def test_a_part_is_what_the_whole_shows_there(rows: tuple[int, int], columns: tuple[int, int]) -> None:
    before, after = lying(0.4, 2.3), lying(-6.2, 11.8)
    whole = laid_on(EARLIER, before=before, after=after)
    part = Laid(EARLIER, before, after).part(slice(*rows), slice(*columns))
    assert np.abs(part.astype(int) - whole[slice(*rows), slice(*columns)]).max() <= 1
