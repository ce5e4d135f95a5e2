"""Seen so many, seen none, not seen."""

from __future__ import annotations

from dataclasses import replace

from edge.acquire.registration import Alignment
from edge.geo import GeoBounds, Grid, PixelBox
from edge.monitor import ledger
from edge.monitor.ledger import SITE as WHOLE
from tests.monitor.scenes import BOUNDS, SIDE_PX, SITE, Watch, day, make_sight, seen

ON_APRON, OFF_APRON = (200.0, 200.0), (800.0, 800.0)
WEST_HALF = PixelBox(0, 0, 512, 1024)


def zone_looks(*places: tuple[float, float], hidden: PixelBox | None = None) -> dict[str, tuple[str, object]]:
    watch, sight = Watch(), make_sight(day(1), hidden=hidden)
    watch.show(sight, [seen(sight, *place) for place in places])
    told = ledger.of_look(SITE, watch.coverage, sight, watch.inventory)
    return {name: (one.state, one.reason) for name, one in told.items()}


def test_each_zone_says_how_many_the_look_showed() -> None:
    assert zone_looks(ON_APRON, OFF_APRON) == {WHOLE: ("seen-2", None), "apron": ("seen-1", None)}


def test_an_empty_zone_was_seen_with_nothing_in_it() -> None:
    assert zone_looks(OFF_APRON)["apron"] == ("seen-0", None)


def test_a_zone_under_cloud_was_not_seen() -> None:
    assert zone_looks(hidden=WEST_HALF)["apron"] == ("not-seen", "clouded")


def test_a_zone_that_the_tile_does_not_reach_was_not_seen_for_that_reason() -> None:
    watch, sight = Watch(), make_sight(day(1))
    # The same tile half a site's width further east: the apron lies off its west edge.
    half = BOUNDS.width_deg / 2
    east = GeoBounds(BOUNDS.west + half, BOUNDS.south, BOUNDS.east + half, BOUNDS.north)
    sight = replace(sight, alignment=Alignment.identity(Grid(east, SIDE_PX, SIDE_PX)))
    told = ledger.of_look(SITE, watch.coverage, sight, watch.inventory)
    assert told["apron"].state == "not-seen"
    assert told["apron"].reason == "off_tile"


def test_a_tile_that_was_refused_showed_no_zone() -> None:
    told = ledger.of_reject(SITE, "too_dark")
    assert {name: (one.state, one.reason) for name, one in told.items()} == {
        WHOLE: ("not-seen", "too_dark"), "apron": ("not-seen", "too_dark"),
    }  # fmt: skip
