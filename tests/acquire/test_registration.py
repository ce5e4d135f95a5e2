"""Where a tile lies on its reference, against known moves of rendered ground."""

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.acquire.quality import Look
from edge.acquire.reference import ReferenceSettings, following
from edge.acquire.registration import Alignment, NotAligned, Reference, RegistrationSettings, align
from edge.acquire.tile import Mask, Rgb, Tile
from edge.geo import GeoBounds, LngLat, Site, distance_m
from tests.make import NORTH_WEST, SEEN_AT, ground, make_bounds, make_look, make_site, make_tile, moved

SETTINGS = RegistrationSettings()
PLACE = ground(768, 768)
NEXT_DAY = SEEN_AT + timedelta(days=1)


def reference_of(pixels: Rgb, site: Site | None = None, usable: Mask | None = None) -> Reference:
    tile = make_tile(pixels)
    made = following(
        None,
        tile,
        make_look(tile, usable),
        alignment=Alignment.identity(tile.grid),
        site=site or make_site(tile),
        settings=ReferenceSettings(),
    )
    assert made is not None
    return made


@pytest.fixture(scope="module")
def reference() -> Reference:
    return reference_of(PLACE)


def aligned(tile: Tile, reference: Reference, look: Look | None = None) -> Alignment:
    result = align(tile, look or make_look(tile), reference, SETTINGS)
    assert isinstance(result, Alignment), result
    return result


def worst_px(alignment: Alignment, truth: NDArray[np.float64]) -> float:
    """The largest distance between the alignment and the true map over the middle and the corners."""
    width, height = alignment.grid.width_px, alignment.grid.height_px
    points = [(width / 2, height / 2), (0, 0), (width, 0), (0, height), (width, height)]
    found = [alignment.grid.to_pixel(alignment.ground_at(x, y)) for x, y in points]
    wanted = [truth @ (x, y, 1.0) for x, y in points]
    return max(float(np.hypot(*(f - w))) for f, w in zip(found, wanted, strict=True))


@pytest.mark.parametrize(
    ("east_px", "south_px", "turn_deg"),
    [(0, 0, 0), (40, 0, 0), (-28.4, 27.7, 0), (3.3, -7.6, 0.5), (10, 10, -1.5), (0, 0, 2)],
)
def test_a_moved_and_turned_tile_is_put_back_within_a_pixel(
    reference: Reference, east_px: float, south_px: float, turn_deg: float
) -> None:
    pixels, back = moved(PLACE, east_px, south_px, turn_deg)
    assert worst_px(aligned(make_tile(pixels), reference), back) < 1.0


def test_the_shift_is_what_must_be_added_to_the_tile_to_come_to_the_reference(reference: Reference) -> None:
    pixels, _ = moved(PLACE, 12, -5)
    assert aligned(make_tile(pixels), reference).shift_px == pytest.approx((-12, 5), abs=0.3)


def test_a_turn_of_the_ground_counter_clockwise_is_a_positive_rotation(reference: Reference) -> None:
    pixels, _ = moved(PLACE, 0, 0, -1.0)
    assert aligned(make_tile(pixels), reference).rotation_deg == pytest.approx(1.0, abs=0.1)


def hazy(pixels: Rgb) -> Rgb:
    return (pixels * 0.3 + 150).astype(np.uint8)


def inverted(pixels: Rgb) -> Rgb:
    return (255 - pixels).astype(np.uint8)


def noisy(pixels: Rgb) -> Rgb:
    return np.clip(pixels + np.random.default_rng(4).normal(0, 12, pixels.shape), 0, 255).astype(np.uint8)


def dim(pixels: Rgb) -> Rgb:
    return (255 * (pixels / 255.0) ** 2 * 0.6).astype(np.uint8)


@pytest.mark.parametrize("seen_through", [hazy, inverted, noisy, dim])
def test_haze_season_noise_and_gain_do_not_move_the_ground(
    reference: Reference, seen_through: Callable[[Rgb], Rgb]
) -> None:
    pixels, back = moved(PLACE, 14.5, -9.25, 0.3)
    assert worst_px(aligned(make_tile(seen_through(pixels)), reference), back) < 1.5


def test_a_tile_of_which_a_third_is_clouded_is_put_back(reference: Reference) -> None:
    pixels, back = moved(PLACE, 9, 6)
    pixels[:, :256] = 230
    usable = np.ones((48, 48), bool)
    usable[:, :17] = False
    tile = make_tile(pixels)
    assert worst_px(aligned(tile, reference, make_look(tile, usable)), back) < 1.0


def test_objects_that_come_and_go_do_not_move_the_ground(reference: Reference) -> None:
    pixels, back = moved(PLACE, 9, 6)
    for x, y in np.random.default_rng(5).integers(0, 700, (40, 2)):
        pixels[y : y + 40, x : x + 40] = (200, 60, 60)
    assert worst_px(aligned(make_tile(pixels), reference), back) < 1.0


def test_a_tile_that_shows_half_of_the_reference_is_put_back(reference: Reference) -> None:
    west, _ = moved(PLACE, 0, 0)
    pixels, back = moved(west[:, :400], 11, 4)
    assert worst_px(aligned(make_tile(pixels), reference), back) < 1.5


def test_a_tile_that_reaches_beyond_the_reference_is_put_back() -> None:
    pixels, back = moved(PLACE, -8, 3)
    tile = make_tile(pixels)
    half = GeoBounds(tile.bounds.west, tile.bounds.south, tile.bounds.centre.lng, tile.bounds.north)
    assert worst_px(aligned(tile, reference_of(PLACE, Site("half", half))), back) < 1.5


def test_a_tile_of_twice_the_gsd_is_put_back(reference: Reference) -> None:
    pixels, back = moved(PLACE, 16, -8)
    coarse = pixels.reshape(384, 2, 384, 2, 3).mean(axis=(1, 3)).astype(np.uint8)
    back[:, 2] /= 2
    assert worst_px(aligned(make_tile(coarse, gsd_m=1.0), reference), back) < 0.75


def test_ground_over_the_antimeridian_is_put_back() -> None:
    corner = LngLat(179.999, 17.0)
    tile = make_tile(PLACE, north_west=corner)
    site = make_site(tile)
    first = following(
        None,
        tile,
        make_look(tile),
        alignment=Alignment.identity(tile.grid),
        site=site,
        settings=ReferenceSettings(),
    )
    assert first is not None
    pixels, back = moved(PLACE, 20, 5)
    assert worst_px(aligned(make_tile(pixels, north_west=corner), first), back) < 1.0


def test_another_place_under_the_same_bounds_is_refused(reference: Reference) -> None:
    tile = make_tile(ground(768, 768, seed=9))
    assert isinstance(align(tile, make_look(tile), reference, SETTINGS), NotAligned)


def test_a_tile_further_off_than_the_limit_is_refused(reference: Reference) -> None:
    pixels, _ = moved(PLACE, 30, 0)
    tile = make_tile(pixels)
    result = align(tile, make_look(tile), reference, RegistrationSettings(max_shift_m=10.0))
    assert isinstance(result, NotAligned)


def test_a_tile_turned_further_than_the_limit_is_refused_with_its_turn(reference: Reference) -> None:
    pixels, _ = moved(PLACE, 0, 0, 1.5)
    tile = make_tile(pixels)
    result = align(tile, make_look(tile), reference, RegistrationSettings(max_rotation_deg=1.0))
    assert isinstance(result, NotAligned)
    assert result.reason == "rotation: expected <= 1 degrees, got -1.5"


def test_a_tile_that_fits_only_in_parts_is_refused_with_its_support(reference: Reference) -> None:
    pixels, _ = moved(PLACE, 5, 5)
    pixels[:, 256:] = ground(512, 768, seed=9)
    tile = make_tile(pixels)
    result = align(tile, make_look(tile), reference, RegistrationSettings(min_support=0.9))
    assert isinstance(result, NotAligned)
    assert result.reason.startswith("support: expected >= 0.9, got 0.")


def test_a_tile_that_fits_worse_than_the_limit_is_refused_with_its_residual(reference: Reference) -> None:
    tile = make_tile(noisy(moved(PLACE, 5, 5)[0]))
    result = align(tile, make_look(tile), reference, RegistrationSettings(max_residual_m=0.001))
    assert isinstance(result, NotAligned)
    assert result.reason.startswith("residual: expected <= 0.001 m, got ")


def test_gaps_at_the_same_place_in_both_images_hold_nothing_in_place() -> None:
    gaps = np.zeros((48, 48), bool)
    gaps[:, ::8] = True
    torn = np.where(gaps.repeat(16, 0).repeat(16, 1)[..., None], 255, 0).astype(np.uint8)
    faint = (PLACE * 0.15 + 100).astype(np.uint8)
    reference = reference_of(np.maximum(faint, torn), usable=~gaps)
    pixels, back = moved(faint, 9, 0)
    tile = make_tile(np.maximum(pixels, torn))
    assert worst_px(aligned(tile, reference, make_look(tile, ~gaps)), back) < 2.0


def test_a_tile_of_calm_water_is_refused(reference: Reference) -> None:
    water = np.random.default_rng(6).normal(60, 1, (768, 768, 3)).astype(np.uint8)
    tile = make_tile(water)
    assert isinstance(align(tile, make_look(tile), reference, SETTINGS), NotAligned)


def test_a_tile_without_common_ground_is_refused_in_words(reference: Reference) -> None:
    tile = make_tile(PLACE, north_west=LngLat(28.0, 17.0))
    result = align(tile, make_look(tile), reference, SETTINGS)
    assert result == NotAligned("the tile and the reference show no common ground")


def test_the_first_look_lies_where_its_sender_put_it() -> None:
    grid = make_tile(ground(64, 64)).grid
    identity = Alignment.identity(grid)
    assert identity.shift_px == (0.0, 0.0)
    assert identity.ground_at(10, 20) == grid.to_ground(10, 20)


def test_ground_at_and_pixel_at_undo_each_other() -> None:
    alignment = Alignment(make_tile(ground(64, 64)).grid, ((1.01, -0.02, 3.0), (0.02, 1.01, -4.0)), 0.0, 1.0)
    assert alignment.pixel_at(alignment.ground_at(12.5, 40.0)) == pytest.approx((12.5, 40.0), abs=1e-3)


def test_a_position_on_an_aligned_tile_is_the_one_in_the_reference(reference: Reference) -> None:
    pixels, _ = moved(PLACE, 12, -5)
    alignment = aligned(make_tile(pixels), reference)
    true = make_tile(PLACE).grid.to_ground(300, 400)
    assert distance_m(alignment.ground_at(312, 395), true) < 0.25


def test_a_reference_whose_arrays_do_not_fit_its_grid_is_refused() -> None:
    grid = make_tile(ground(64, 64)).grid
    with pytest.raises(ValueError, match=r"expected \(64, 64\) pixels"):
        Reference("s", "t", NEXT_DAY, grid, np.zeros((32, 32), np.uint8), np.ones((64, 64), bool))


def test_bounds_of_the_builder_agree_with_its_gsd() -> None:
    assert make_bounds(100, 50, 0.5, NORTH_WEST).size_m == pytest.approx((50.0, 25.0), rel=1e-6)
