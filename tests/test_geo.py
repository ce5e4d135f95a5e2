"""Positions, boxes and zones on the ground; the seam of the globe, the pole and zero."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.geo import (
    GeoBounds,
    Grid,
    LngLat,
    PixelBox,
    Site,
    Zone,
    ZoneKind,
    distance_m,
    moved_by,
    sites_under,
    wrap_lng,
)

FIELD = GeoBounds(27.0, 16.977, 27.012, 17.0)
SEAM = GeoBounds(179.99, -17.01, -179.99, -17.0)
SQUARE = tuple(LngLat(*corner) for corner in [(27.0, 17.0), (27.001, 17.0), (27.001, 17.001), (27.0, 17.001)])


@given(st.floats(-1e4, 1e4))
def test_every_meridian_has_one_name(lng: float) -> None:
    assert -180.0 <= wrap_lng(lng) < 180.0
    assert math.isclose(math.cos(math.radians(wrap_lng(lng))), math.cos(math.radians(lng)), abs_tol=1e-6)


def test_the_short_way_is_taken_across_the_antimeridian() -> None:
    assert distance_m(LngLat(179.999, 0.0), LngLat(-179.999, 0.0)) == pytest.approx(222.6, abs=1.0)


@given(st.floats(-180, 179), st.floats(-85, 85), st.floats(-2000, 2000), st.floats(-2000, 2000))
def test_a_move_has_the_length_of_its_two_parts(lng: float, lat: float, east: float, north: float) -> None:
    start = LngLat(lng, lat)
    length = math.hypot(east, north)
    assert distance_m(start, moved_by(start, east, north)) == pytest.approx(length, rel=0.01, abs=0.01)


@pytest.mark.parametrize("lng_lat", [(181.0, 0.0), (0.0, 91.0), (math.nan, 0.0), (0.0, math.nan)])
def test_a_position_off_the_globe_is_refused(lng_lat: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="position: expected lng in"):
        LngLat(*lng_lat)


def test_bounds_that_stand_on_their_head_are_refused() -> None:
    with pytest.raises(ValueError, match="south < north"):
        GeoBounds(27.0, 17.0, 27.1, 16.9)


def test_bounds_across_the_antimeridian_are_narrow_and_hold_what_lies_on_both_sides() -> None:
    assert SEAM.width_deg == pytest.approx(0.02)
    assert SEAM.contains(LngLat(-179.995, -17.005))
    assert SEAM.contains(LngLat(179.995, -17.005))
    assert not SEAM.contains(LngLat(0.0, -17.005))


def test_bounds_that_share_only_an_edge_share_no_ground() -> None:
    assert FIELD.intersection(GeoBounds(27.012, 16.977, 27.02, 17.0)) is None


def test_the_ground_that_two_bounds_share_across_the_antimeridian() -> None:
    shared = SEAM.intersection(GeoBounds(-179.995, -17.02, -179.9, -17.0))
    assert shared is not None
    assert (shared.west, shared.east) == pytest.approx((-179.995, -179.99))


@pytest.mark.parametrize("bounds", [FIELD, SEAM, GeoBounds(-180.0, 89.9, -179.0, 90.0)])
@given(x=st.floats(0, 2560), y=st.floats(0, 2560))
def test_a_pixel_comes_back_from_the_ground(bounds: GeoBounds, x: float, y: float) -> None:
    grid = Grid(bounds, 2560, 2560)
    assert grid.to_pixel(grid.to_ground(x, y)) == pytest.approx((x, y), abs=0.01)


def test_equal_boxes_overlap_wholly_and_neighbours_not_at_all() -> None:
    box = PixelBox(0, 0, 10, 10)
    assert box.iou(box) == 1.0
    assert box.iou(PixelBox(10, 0, 20, 10)) == 0.0


def test_an_empty_box_is_refused() -> None:
    with pytest.raises(ValueError, match="left < right"):
        PixelBox(5, 0, 5, 10)


def test_a_polygon_holds_its_inside_only() -> None:
    zone = Zone("apron", ZoneKind.PARKING, polygon=SQUARE)
    assert zone.contains(LngLat(27.0005, 17.0005))
    assert not zone.contains(LngLat(27.0015, 17.0005))


def test_a_line_holds_the_ground_within_half_its_width() -> None:
    road = Zone("gate-road", ZoneKind.ROAD, line=SQUARE[:2], width_m=20.0)
    on_it = moved_by(LngLat(27.0005, 17.0), 0.0, 9.5)
    beside = moved_by(LngLat(27.0005, 17.0), 0.0, 10.5)
    beyond_its_end = moved_by(LngLat(27.0, 17.0), -10.5, 0.0)
    assert [road.contains(p) for p in (on_it, beside, beyond_its_end)] == [True, False, False]


def test_a_zone_is_a_polygon_or_a_line() -> None:
    with pytest.raises(ValueError, match="either polygon or line"):
        Zone("both", ZoneKind.ROAD, polygon=SQUARE, line=SQUARE, width_m=5.0)


def test_a_tile_is_for_the_sites_whose_ground_it_shows() -> None:
    near, far = Site("near", FIELD), Site("far", SEAM)
    assert sites_under(GeoBounds(27.005, 16.98, 27.05, 17.05), [near, far]) == [near]
