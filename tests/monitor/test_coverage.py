"""Which ground was seen, and when."""

from __future__ import annotations

from datetime import datetime, timedelta

from edge.geo import LngLat, PixelBox
from edge.monitor.coverage import Coverage
from edge.monitor.places import Places
from edge.monitor.track import GroundBox
from tests.monitor.scenes import APRON, BOUNDS, SITE, day, make_sight


def seen_before(coverage: Coverage, position: LngLat, at: datetime) -> datetime | None:
    return coverage.views(Places.of([GroundBox(position, 1.0, 1.0)]), at).before[0]


def test_a_clear_look_at_the_whole_site_covers_all_of_it() -> None:
    assert Coverage.empty(SITE).after(make_sight(day(1))).fraction == 1.0


def test_ground_under_a_cloud_is_not_covered() -> None:
    coverage = Coverage.empty(SITE).after(make_sight(day(1), hidden=PixelBox(0, 0, 512, 1024)))
    assert 0.45 < coverage.fraction < 0.55
    assert seen_before(coverage, LngLat(BOUNDS.west + 0.0005, BOUNDS.centre.lat), day(9)) is None


def test_a_place_remembers_the_view_before_the_latest_one() -> None:
    coverage = Coverage.empty(SITE).after(make_sight(day(1))).after(make_sight(day(3)))
    assert seen_before(coverage, BOUNDS.centre, day(3)) == day(1)
    assert seen_before(coverage, BOUNDS.centre, day(4)) == day(3)
    assert seen_before(coverage, BOUNDS.centre, day(1)) is None


def test_a_place_off_the_site_was_never_seen() -> None:
    coverage = Coverage.empty(SITE).after(make_sight(day(1)))
    assert seen_before(coverage, LngLat(BOUNDS.east + 0.01, BOUNDS.centre.lat), day(9)) is None


def test_a_view_less_than_a_minute_later_is_no_later_look() -> None:
    coverage = Coverage.empty(SITE).after(make_sight(day(1)))
    centre = Places.of([GroundBox(BOUNDS.centre, 1.0, 1.0)])
    assert coverage.views(centre, day(1) - timedelta(seconds=59)).is_late == (False,)
    assert coverage.views(centre, day(1) - timedelta(seconds=60)).is_late == (True,)


def test_a_box_that_reaches_beyond_the_tile_is_seen_in_part() -> None:
    sight = make_sight(day(1))
    corner = GroundBox(LngLat(BOUNDS.west, BOUNDS.north), 40.0, 40.0)
    assert 0.2 < sight.share(corner) < 0.3


def test_a_zone_that_was_seen_is_seen_whatever_the_rest_of_the_site() -> None:
    east_hidden = make_sight(day(1), hidden=PixelBox(528, 0, 1024, 1024))
    coverage = Coverage.empty(SITE).after(east_hidden)
    assert coverage.fraction < 0.6
    assert coverage.fraction_of(APRON) == 1.0
