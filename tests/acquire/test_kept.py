"""The pixels of the newest tiles stay at hand, within a limit."""

from __future__ import annotations

import numpy as np

from edge.acquire.kept import FRESH_BYTES, FreshPixels
from edge.acquire.tile import Rgb


def picture(side_px: int) -> Rgb:
    return np.zeros((side_px, side_px, 3), np.uint8)


def test_the_newest_tile_is_at_hand() -> None:
    fresh, pixels = FreshPixels(), picture(64)
    fresh.add("a", pixels)
    assert fresh.of("a") is pixels


def test_a_tile_that_no_site_compares_with_any_more_is_forgotten() -> None:
    fresh = FreshPixels()
    fresh.add("a", picture(64))
    fresh.add("b", picture(64))
    fresh.only({"b", "never added"})
    assert fresh.of("a") is None
    assert fresh.of("b") is not None


def test_the_oldest_gives_way_where_there_is_no_room() -> None:
    fresh = FreshPixels()
    side_px = int((FRESH_BYTES / 3 / 2.5) ** 0.5)
    for name in ("a", "b", "c"):
        fresh.add(name, picture(side_px))
    assert [name for name in ("a", "b", "c") if fresh.of(name) is not None] == ["b", "c"]


def test_a_tile_larger_than_the_limit_is_not_kept_in_memory() -> None:
    fresh = FreshPixels()
    fresh.add("a", picture(2600))
    assert fresh.of("a") is None
