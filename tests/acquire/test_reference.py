"""Which look makes the reference of a site, how it grows and ages, and its file."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from edge.acquire.reference import ReferenceSettings, following, load, path_of, save
from edge.acquire.registration import Alignment, Reference
from edge.acquire.tile import Mask, Tile
from edge.errors import StoreBroken
from edge.geo import GeoBounds, Site
from tests.make import SEEN_AT, ground, make_look, make_site, make_tile

SETTINGS = ReferenceSettings()
PLACE = ground(512, 512)
FIRST = make_tile(PLACE)
SITE = make_site(FIRST)
WEST_ONLY = np.repeat(np.arange(32)[None] < 16, 32, axis=0)


def next_of(
    reference: Reference | None, tile: Tile, *, site: Site = SITE, usable: Mask | None = None
) -> Reference | None:
    return following(
        reference,
        tile,
        make_look(tile, usable),
        alignment=Alignment.identity(tile.grid),
        site=site,
        settings=SETTINGS,
    )


def first(*, site: Site = SITE, usable: Mask | None = None) -> Reference:
    reference = next_of(None, FIRST, site=site, usable=usable)
    assert reference is not None
    return reference


def later(days: float) -> Tile:
    return make_tile(ground(512, 512, seed=7), acquired_at=SEEN_AT + timedelta(days=days), tile_id="t-2")


def test_the_first_look_makes_the_reference_of_the_whole_site() -> None:
    reference = first()
    assert reference.grid.bounds == SITE.bounds
    assert reference.tile_id == "t-1"
    assert reference.valid.mean() > 0.98


def test_a_young_reference_that_shows_all_of_the_site_stays() -> None:
    whole = first()
    full = Reference("s", "t", SEEN_AT, whole.grid, whole.grey.copy(), np.ones_like(whole.valid))
    assert next_of(full, later(days=1)) is None


def test_ground_under_cloud_in_the_first_look_is_added_by_the_next() -> None:
    half = first(usable=WEST_ONLY)
    assert half.valid.mean() == pytest.approx(0.5, abs=0.02)
    grown = next_of(half, later(days=1))
    assert grown is not None
    assert grown.valid.mean() > 0.98


def test_growing_leaves_the_ground_that_was_known_as_it_was() -> None:
    half = first(usable=WEST_ONLY)
    grown = next_of(half, later(days=1))
    assert grown is not None
    assert (grown.grey[half.valid] == half.grey[half.valid]).all()
    assert grown.tile_id == "t-1"


def test_a_site_larger_than_a_tile_is_known_only_where_a_tile_showed_it() -> None:
    west, south, east, north = SITE.bounds.west, SITE.bounds.south, SITE.bounds.east, SITE.bounds.north
    twice = Site(SITE.site_id, GeoBounds(west, south, east + (east - west), north))
    assert first(site=twice).valid.mean() == pytest.approx(0.5, abs=0.02)


def test_an_old_reference_is_renewed_in_the_same_frame() -> None:
    old = first()
    renewed = next_of(old, later(days=46))
    assert renewed is not None
    assert renewed.tile_id == "t-2"
    assert renewed.grid == old.grid


def test_a_half_clouded_look_does_not_renew_an_old_reference() -> None:
    old = first()
    assert next_of(old, later(days=46), usable=WEST_ONLY) is None


def test_a_renewed_reference_is_laid_by_its_alignment() -> None:
    tile = later(days=46)
    by_20_px = Alignment(tile.grid, ((1.0, 0.0, 20.0), (0.0, 1.0, 0.0)), 0.5, 0.9)
    renewed = following(first(), tile, make_look(tile), alignment=by_20_px, site=SITE, settings=SETTINGS)
    straight = next_of(None, tile)
    assert renewed is not None
    assert straight is not None
    assert np.abs(renewed.grey[5:-5, 15:250].astype(int) - straight.grey[5:-5, 5:240]).mean() < 2


def test_a_huge_site_keeps_a_reference_of_at_most_16_million_pixels() -> None:
    wide = Site("wide", GeoBounds(west=27.0, south=16.9, east=27.2, north=17.0))
    reference = first(site=wide)
    assert reference.grid.width_px * reference.grid.height_px < 16_100_000


def test_a_saved_reference_comes_back_the_same(tmp_path: Path) -> None:
    saved = first(usable=WEST_ONLY)
    save(tmp_path, saved)
    loaded = load(tmp_path, SITE)
    assert loaded is not None
    assert (loaded.site_id, loaded.tile_id, loaded.acquired_at) == ("north-airfield", "t-1", SEEN_AT)
    assert loaded.grid == saved.grid
    assert (loaded.grey == saved.grey).all()
    assert (loaded.valid == saved.valid).all()


def test_a_site_without_a_file_has_no_reference(tmp_path: Path) -> None:
    assert load(tmp_path, SITE) is None


def test_saving_again_replaces_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    save(tmp_path, first(usable=WEST_ONLY))
    save(tmp_path, first())
    assert [file.name for file in tmp_path.iterdir()] == ["north-airfield.reference"]


def test_a_write_that_power_cut_short_leaves_the_old_reference(tmp_path: Path) -> None:
    save(tmp_path, first())
    (tmp_path / "north-airfield.part").write_bytes(b"half a file")
    assert load(tmp_path, SITE) is not None


@pytest.mark.parametrize("position", [0, 100, -5, -1])
def test_a_flipped_bit_anywhere_is_reported_and_never_guessed(tmp_path: Path, position: int) -> None:
    save(tmp_path, first())
    data = bytearray(path_of(tmp_path, SITE.site_id).read_bytes())
    data[position] ^= 0x10
    path_of(tmp_path, SITE.site_id).write_bytes(data)
    with pytest.raises(StoreBroken, match="delete the file to begin anew"):
        load(tmp_path, SITE)


@pytest.mark.parametrize("length", [0, 3, 50])
def test_a_truncated_reference_is_reported(tmp_path: Path, length: int) -> None:
    save(tmp_path, first())
    file = path_of(tmp_path, SITE.site_id)
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(StoreBroken, match=r"its checksum does not match|Input data was truncated"):
        load(tmp_path, SITE)


def test_a_reference_of_other_bounds_is_not_taken_for_the_site(tmp_path: Path) -> None:
    save(tmp_path, first())
    moved_site = Site(SITE.site_id, GeoBounds(west=10.0, south=50.0, east=10.01, north=50.01))
    assert load(tmp_path, moved_site) is None
