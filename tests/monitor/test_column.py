"""Columns on a road, and all that is none."""

from __future__ import annotations

import numpy as np
import pytest

from edge.geo import moved_by
from edge.monitor.column import Column, Past, Road, Vehicle, find_column, length_of
from tests.monitor.roads import LANE_M, NEGATIVES, ROAD, Roadside, Score, road

EVEN = tuple(200.0 + 30.0 * n for n in range(8))


def vehicles(
    along: tuple[float, ...], *, aside_m: float = -LANE_M, stands: bool = False, length_m: float = 5.0
) -> list[Vehicle]:
    return [Vehicle(f"v{n}", one, aside_m, length_m, 0.9, stands=stands) for n, one in enumerate(along)]


def found(*rows: list[Vehicle], past: Past | None = None, recall: float = 0.85) -> Column | None:
    return find_column([one for row in rows for one in row], road(), recall=recall, past=past)


def test_vehicles_at_one_distance_in_one_lane_are_a_column() -> None:
    column = found(vehicles(EVEN))
    assert column is not None
    assert (column.count, round(column.length_m), round(column.spacing_m)) == (8, 210, 30)
    assert column.confidence > 0.9


def test_its_bearing_is_that_of_the_road() -> None:
    column = found(vehicles(EVEN))
    assert column is not None
    assert column.bearing_deg == pytest.approx(np.degrees(np.arctan2(900, 1200)), abs=0.5)


def test_a_vehicle_that_was_missed_is_counted_in() -> None:
    column = found(vehicles(EVEN[:3] + EVEN[4:]))
    assert column is not None
    assert (len(column.names), column.count) == (7, 8)


def test_a_false_detection_beside_it_does_not_break_it() -> None:
    column = found(vehicles(EVEN), vehicles((318.0,), aside_m=6.0))
    assert column is not None
    assert column.count == 8


def test_what_stood_there_at_the_look_before_is_no_column() -> None:
    assert found(vehicles(EVEN, stands=True)) is None


def test_one_that_drives_where_another_one_was_is_one_of_the_column() -> None:
    column = found(vehicles(EVEN[:3]), vehicles(EVEN[3:4], stands=True), vehicles(EVEN[4:]))
    assert column is not None
    assert len(column.names) == 8


def test_half_a_row_of_what_stood_there_is_no_column() -> None:
    column = found(vehicles(EVEN[:4]), vehicles(EVEN[4:], stands=True))
    assert column is None or len(column.names) <= 4


def test_bumper_to_bumper_is_a_queue() -> None:
    assert found(vehicles(tuple(200.0 + 7.0 * n for n in range(12)))) is None


def test_lorries_need_more_room_than_cars() -> None:
    close = tuple(200.0 + 15.0 * n for n in range(10))
    assert found(vehicles(close, length_m=5.0)) is not None
    assert found(vehicles(close, length_m=12.0)) is None


def test_three_vehicles_are_no_column() -> None:
    assert found(vehicles(EVEN[:3])) is None


def test_an_empty_road_has_no_column() -> None:
    assert found([]) is None


@pytest.mark.parametrize("metres", [150.0, -150.0])
def test_two_looks_tell_direction_and_speed(metres: float) -> None:
    uneven = tuple(one + off for one, off in zip(EVEN, (0, 4, -3, 5, 1, -5, 3, 0), strict=True))
    past = Past(15.0, uneven, (-LANE_M,) * 8)
    column = found(vehicles(tuple(one + metres for one in uneven)), past=past)
    assert column is not None
    assert column.speed is not None
    assert column.speed.m_per_s == pytest.approx(metres / 15.0, abs=0.2)
    assert column.speed.has_direction
    heading = column.bearing_deg - road().bearing_deg(300.0)
    assert heading == pytest.approx(0.0 if metres > 0 else 180.0, abs=1.0)


def test_a_column_that_drove_on_to_its_own_old_places_still_drives() -> None:
    ahead = tuple(one + 90.0 for one in EVEN)
    column = found(vehicles(ahead, stands=True), past=Past(9.0, EVEN, (-LANE_M,) * 8))
    standing = found(vehicles(EVEN, stands=True), past=Past(9.0, EVEN, (-LANE_M,) * 8))
    assert standing is None
    assert column is None or column.speed is not None


def test_a_place_on_a_bent_road_is_told_along_it() -> None:
    corner = moved_by(ROAD.line[0], 100.0, 0.0)
    bent = Road.of(
        type(ROAD)("bend", ROAD.kind, line=(ROAD.line[0], corner, moved_by(corner, 0.0, 80.0)), width_m=9)
    )
    along_m, aside_m = bent.place(moved_by(corner, -2.0, 30.0))
    assert along_m == pytest.approx(130.0, abs=0.1)
    assert aside_m == pytest.approx(2.0, abs=0.1)
    assert bent.bearing_deg(50.0) == pytest.approx(90.0)
    assert bent.bearing_deg(150.0) % 360.0 == pytest.approx(360.0, abs=0.01)


@pytest.mark.parametrize("bearing_deg", [0.0, 30.0, 45.0, 90.0])
def test_the_length_of_a_vehicle_follows_from_its_box_whatever_way_it_drives(bearing_deg: float) -> None:
    s, c = np.sin(np.radians(bearing_deg)), np.cos(np.radians(bearing_deg))
    assert length_of(5.0 * s + 2.0 * c, 5.0 * c + 2.0 * s, bearing_deg) == pytest.approx(5.0, abs=0.01)


def test_simulated_columns_are_told_from_traffic_queues_and_car_parks() -> None:
    score = Score.of(Roadside, n_each=40)
    assert score.f1 >= 0.88
    assert sum(score.false_by_kind[kind] for kind in ("queue", "parked along", "car park", "empty")) <= 2
    assert set(score.false_by_kind) == set(NEGATIVES)
