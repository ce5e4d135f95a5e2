from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.detect.windows import Span, crop, has_any, spans, windows

lengths = st.integers(1, 6000)
overlaps = st.integers(1, 300)


def test_an_image_of_the_size_of_a_window_is_one_window() -> None:
    assert spans(512, 512, 128) == [Span(0, 512, 0.0, 512.0)]


def test_an_image_smaller_than_a_window_is_one_window_that_ends_beyond_it() -> None:
    assert spans(300, 512, 128) == [Span(0, 512, 0.0, 300.0)]


def test_one_pixel_more_than_a_window_is_two_windows_at_the_two_ends() -> None:
    assert [(span.start, span.stop) for span in spans(513, 512, 128)] == [(0, 512), (1, 513)]


def test_windows_that_just_reach_keep_the_least_overlap_and_one_pixel_more_takes_one_more() -> None:
    assert [span.start for span in spans(896, 512, 128)] == [0, 384]
    assert len(spans(897, 512, 128)) == 3


@settings(deadline=None)
@given(lengths, overlaps)
def test_spans_cover_every_pixel_and_neighbours_share_the_overlap(length: int, overlap: int) -> None:
    found = spans(length, 512, overlap)
    assert found[0].start == 0
    assert found[-1].stop == max(length, 512)
    shared = [left.stop - right.start for left, right in itertools.pairwise(found)]
    assert all(pixels >= overlap for pixels in shared)


@settings(deadline=None)
@given(lengths, overlaps)
def test_every_pixel_has_exactly_one_owner(length: int, overlap: int) -> None:
    found = spans(length, 512, overlap)
    assert [span.own_stop for span in found[:-1]] == [span.own_start for span in found[1:]]
    assert (found[0].own_start, found[-1].own_stop) == (0, length)


@settings(deadline=None)
@given(lengths, overlaps, st.floats(0, 1))
def test_an_object_up_to_the_overlap_lies_wholly_in_the_window_that_owns_its_middle(
    length: int, overlap: int, place: float
) -> None:
    middle = place * length
    low, high = max(0.0, middle - overlap / 2), min(float(length), middle + overlap / 2)
    owner = next(span for span in spans(length, 512, overlap) if span.own_start <= middle <= span.own_stop)
    assert owner.start <= low
    assert high <= owner.stop


def test_windows_go_row_by_row_from_the_top_left() -> None:
    corners = [(window.columns.start, window.rows.start) for window in windows(700, 600, (512, 512), 128)]
    assert corners == [(0, 0), (188, 0), (0, 88), (188, 88)]


def test_beyond_the_end_of_the_image_a_crop_repeats_its_last_pixels() -> None:
    [window] = windows(300, 200, (512, 512), 128)
    pixels = np.random.default_rng(1).integers(0, 255, (200, 300, 3), np.uint8)
    part = crop(pixels, window)
    assert (part[:200, :300] == pixels).all()
    assert (part[200:, :300] == pixels[-1]).all()
    assert (part[511, 511] == pixels[-1, -1]).all()


@pytest.mark.parametrize("cells", [(1, 1), (2, 2), (7, 5), (600, 1000)])
def test_a_mask_of_any_size_that_is_all_true_leaves_no_window_out(cells: tuple[int, int]) -> None:
    mask = np.ones(cells, np.bool_)
    assert all(has_any(mask, window, 1000, 600) for window in windows(1000, 600, (512, 512), 128))


def test_a_window_is_worth_a_look_only_where_its_own_ground_has_a_true_cell() -> None:
    mask = np.zeros((600, 1000), np.bool_)
    mask[300, 499] = True
    left, right = windows(1000, 600, (1000, 600), 128)[0], windows(1000, 600, (512, 600), 128)
    assert has_any(mask, left, 1000, 600)
    assert [has_any(mask, window, 1000, 600) for window in right] == [False, True, False]
