"""Many boxes at once say what each says by itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.geo import LngLat, PixelBox, Zone, ZoneKind, moved_by
from edge.monitor.places import Places, areas_m2, touching
from edge.monitor.track import GroundBox
from tests.monitor.scenes import APRON, BOUNDS, day, make_sight

METRES = st.floats(-300.0, 300.0)
SIDES = st.floats(1.0, 90.0)
BOXES = st.lists(st.tuples(METRES, METRES, SIDES, SIDES), max_size=25)
ROAD = Zone(
    "gate-road",
    ZoneKind.ROAD,
    line=tuple(
        moved_by(BOUNDS.centre, east_m, north_m) for east_m, north_m in ((-200, 0), (0, 0), (90, 150))
    ),
    width_m=60.0,
)


def boxes(found: list[tuple[float, float, float, float]], centre: LngLat = BOUNDS.centre) -> list[GroundBox]:
    return [
        GroundBox(moved_by(centre, east_m, north_m), width_m, height_m)
        for east_m, north_m, width_m, height_m in found
    ]


def shared_m2(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    """The same in plain sight: boxes by their middles and sides in metres."""
    a, b = (PixelBox(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for x, y, w, h in (one, other))
    return a.intersection_area(b)


@given(BOXES, BOXES)
def test_every_two_boxes_that_share_ground_are_found(
    some: list[tuple[float, float, float, float]], others: list[tuple[float, float, float, float]]
) -> None:
    origin = BOUNDS.centre
    i, j, shared = touching(*(Places.of(boxes(found)).sides_m(origin) for found in (some, others)))
    found = dict(zip(zip(i.tolist(), j.tolist(), strict=True), shared.tolist(), strict=True))
    for n, one in enumerate(some):
        for m, other in enumerate(others):
            assert found.get((n, m), 0.0) == pytest.approx(shared_m2(one, other), rel=0.01, abs=0.2)


@given(BOXES, st.sampled_from([APRON, ROAD]))
def test_a_zone_holds_the_same_positions_one_by_one_and_all_at_once(
    found: list[tuple[float, float, float, float]], zone: Zone
) -> None:
    known = boxes(found)
    assert Places.of(known).within(zone).tolist() == [zone.contains(box.position) for box in known]


@given(BOXES)
def test_a_look_sees_the_same_share_of_boxes_one_by_one_and_all_at_once(
    found: list[tuple[float, float, float, float]],
) -> None:
    sight, known = make_sight(day(1), hidden=PixelBox(200, 300, 700, 500)), boxes(found)
    assert sight.shares(Places.of(known)).tolist() == pytest.approx([sight.share(box) for box in known])


def test_neighbours_across_the_antimeridian_share_ground() -> None:
    sides = Places.of(
        [
            GroundBox(LngLat(179.9999, 0.0), 40.0, 40.0),
            GroundBox(LngLat(-179.9999, 0.0), 40.0, 40.0),
        ]
    ).sides_m(LngLat(180.0, 0.0))
    _, _, shared = touching(sides[:1], sides[1:])
    assert shared.tolist() == pytest.approx([40.0 * (40.0 - 0.0002 * 111_320.0)], rel=1e-6)
    assert np.allclose(areas_m2(sides), 1600.0)


def test_no_boxes_share_nothing() -> None:
    nothing = Places.of([]).sides_m(BOUNDS.centre)
    assert [len(one) for one in touching(nothing, nothing)] == [0, 0, 0]
