"""One tile over two sites, and one site under two tiles."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from edge.acquire.tile import Rgb
from edge.geo import LngLat, distance_m
from tests.e2e.archive import (
    FIRST_AT,
    GSD_M,
    OBJECT_PX,
    SIDE_PX,
    Place,
    bounds_of,
    ground,
    picture,
    put,
    site,
    write_config,
)
from tests.e2e.program import replayed

WIDE_PX = 2 * SIDE_PX
WEST, EAST = (200, 200), (SIDE_PX + 200, 200)
UNDER = ground(WIDE_PX)
ARRIVALS = [{"arrival": "aircraft"}]


def wide(day: int, *places: Place) -> Rgb:
    """Twice the width of a tile."""
    return picture(places, day, UNDER)


def place_of(alert: dict[str, Any]) -> LngLat:
    """Where the one object of an alert stands."""
    [found] = alert["data"]["properties"]["objects"]
    return LngLat(found["lng"], found["lat"])


def middle_of(place: Place) -> LngLat:
    """The ground under the middle of an object."""
    x, y = (place[0] + OBJECT_PX / 2) / WIDE_PX, (place[1] + OBJECT_PX / 2) / SIDE_PX
    bounds = bounds_of(WIDE_PX)
    lng = bounds.west + x * (bounds.east - bounds.west)
    return LngLat(lng, bounds.north - y * (bounds.north - bounds.south))


def test_a_tile_over_two_sites_tells_each_of_them_its_own(tmp_path: Path) -> None:
    west, east = (site(bounds_of(east_px=east_px), ARRIVALS) for east_px in (0, SIDE_PX))
    config = write_config(tmp_path / "device", sites={"west": west, "east": east})
    for day, places in enumerate(([], [WEST, EAST]), 1):
        at = FIRST_AT + timedelta(days=day)
        put(tmp_path / "tiles", f"day-{day}", wide(day, *places), at, bounds_of(WIDE_PX))
    alerts = {alert["source"].rpartition("/")[2]: alert for alert in replayed(config, tmp_path / "tiles")}
    assert sorted(alerts) == ["east", "west"]
    assert distance_m(place_of(alerts["west"]), middle_of(WEST)) < GSD_M * 4
    assert distance_m(place_of(alerts["east"]), middle_of(EAST)) < GSD_M * 4


def test_a_site_larger_than_a_tile_is_told_of_both_its_parts(tmp_path: Path) -> None:
    config = write_config(tmp_path / "device", sites={"large": site(bounds_of(WIDE_PX), ARRIVALS)})
    for day, places in enumerate(([], [WEST, EAST]), 1):
        put_halves(tmp_path / "tiles", day, wide(day, *places))
    found = sorted((place_of(alert) for alert in replayed(config, tmp_path / "tiles")), key=lambda at: at.lng)
    assert len(found) == 2
    assert distance_m(found[0], middle_of(WEST)) < GSD_M * 4
    assert distance_m(found[1], middle_of(EAST)) < GSD_M * 4


def put_halves(folder: Path, day: int, pixels: Rgb) -> None:
    """Two tiles side by side, of one time."""
    at = FIRST_AT + timedelta(days=day)
    for name, east_px in (("west", 0), ("east", SIDE_PX)):
        part = pixels[:, east_px : east_px + SIDE_PX]
        put(folder, f"day-{day}-{name}", part, at, bounds_of(east_px=east_px))
