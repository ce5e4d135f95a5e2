"""What is remembered of a site, and its way through the store."""

from __future__ import annotations

import zlib
from dataclasses import replace

import msgspec
import pytest

from edge.errors import StoreBroken
from edge.geo import GeoBounds, Site
from edge.monitor import state
from edge.monitor.activity import Activity
from edge.monitor.indicator import SignSeen
from edge.monitor.scene import Episode, Passing, Story
from edge.monitor.state import MAX_RECENT, PastLook, SiteState
from tests.monitor.scenes import BOUNDS, SITE, Watch, day, make_sight


def remembered() -> SiteState:
    watch = Watch()
    watch.look(day(1), (200.0, 200.0))
    watch.look(day(2), (200.0, 200.0), (500.0, 500.0))
    past = PastLook(make_sight(day(2)), "ab" * 32)
    return replace(
        SiteState.empty(SITE),
        inventory=watch.inventory,
        coverage=watch.coverage,
        recent=(past,),
        newest_look_at=day(2),
    )


def test_a_state_comes_back_from_its_bytes_as_it_was() -> None:
    blob = state.to_bytes(remembered())
    back = state.from_bytes(blob, SITE)
    assert back.inventory == remembered().inventory
    assert state.to_bytes(back) == blob


def plain(kept: SiteState) -> dict[str, object]:
    """The stored form as data."""
    stored: dict[str, object] = msgspec.msgpack.decode(zlib.decompress(state.to_bytes(kept)))
    return stored


def with_memory() -> SiteState:
    """A state in which trends, columns and indicators have something to remember."""
    activity = Activity()
    for n in range(1, 20):
        activity = activity.with_counts(day(n), {"aircraft@*": (9.5, 0.7)})
    return replace(
        remembered(),
        activity=activity,
        passing={"vehicle@gate-road": Passing(day(2), (100, 250), (-25, -24))},
        signs={"indicator:draw-down@*": (SignSeen("trend", "s", "trend:x@*", "t-1", day(2), "it fell"),)},
        stories={
            "trend:aircraft>14d@*": Story(
                "trend:aircraft>14d@*", "t", day(2), episode=Episode(9.5, 3.0, 20_000)
            )
        },
    )


def test_what_trends_columns_and_indicators_remember_comes_back() -> None:
    back = state.from_bytes(state.to_bytes(with_memory()), SITE)
    assert back.activity == with_memory().activity
    assert (back.passing, back.signs, back.stories) == (
        with_memory().passing, with_memory().signs, with_memory().stories,
    )  # fmt: skip


def test_a_state_of_version_1_is_read_as_one_that_remembers_nothing_of_that() -> None:
    stored = plain(remembered())
    old = {key: value for key, value in stored.items() if key not in {"activity", "passing", "signs"}}
    blob = msgspec.msgpack.encode(old | {"version": 1})
    back = state.from_bytes(blob, SITE)
    assert back.inventory == remembered().inventory
    assert (back.activity, back.passing, back.signs) == (Activity(), {}, {})
    assert plain(back)["version"] == state.VERSION


def test_a_state_of_a_later_version_is_refused() -> None:
    stored = plain(remembered())
    with pytest.raises(StoreBroken, match="version 99"):
        state.from_bytes(msgspec.msgpack.encode(stored | {"version": 99}), SITE)


def test_a_damaged_state_is_refused_and_names_its_site() -> None:
    with pytest.raises(StoreBroken, match="north-airfield"):
        state.from_bytes(state.to_bytes(remembered())[:-40], SITE)


def test_only_the_newest_looks_are_kept_for_pictures() -> None:
    kept = SiteState.empty(SITE)
    for n in range(1, MAX_RECENT + 4):
        kept = replace(kept, recent=kept.remembering(PastLook(make_sight(day(n)), f"{n:064x}")))
    assert [look.sight.seen_at for look in kept.recent] == [day(n) for n in range(4, MAX_RECENT + 4)]


def test_a_site_with_new_bounds_keeps_the_tracks_inside_and_forgets_what_was_seen() -> None:
    west_half = Site(SITE.site_id, GeoBounds(BOUNDS.west, BOUNDS.south, BOUNDS.west + 0.0015, BOUNDS.north))
    back = state.from_bytes(state.to_bytes(remembered()), west_half)
    assert len(back.inventory.tracks) == 1
    assert back.coverage.fraction == 0.0
