"""What is fit to look at, and which of its ground."""

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.acquire.quality import Look, QualitySettings, Reject, assess
from edge.acquire.tile import Rgb, Tile
from edge.drill.look import Look as DrawnLook
from edge.drill.look import cloud_cover
from edge.drill.noise import Raster
from edge.geo import GeoBounds, LngLat, PixelBox, Site
from tests.make import ground, make_look, make_site, make_tile, with_cloud

SETTINGS = QualitySettings()


def judged(tile: Tile) -> Look | Reject:
    return assess(tile, make_site(tile), SETTINGS)


def look_at(tile: Tile) -> Look:
    look = judged(tile)
    assert isinstance(look, Look)
    return look


def as_pixels(values: NDArray[np.floating[Any]]) -> Rgb:
    return np.asarray(np.clip(values, 0, 255), np.uint8)


def ragged_cloud(seed: int) -> NDArray[np.float32]:
    """(512, 512) float32 opacity in [0, 1] of clouds as the renderer draws them, over most of the ground."""
    return cloud_cover(DrawnLook(seed=seed, cloud_fraction=0.7), Raster(256.0, 256.0, 0.5))[0][:512, :512]


def dense_cloud() -> Rgb:
    """(512, 512, 3) of white billows, with more structure than a thin cloud has."""
    lit = 228 + np.random.default_rng(5).normal(0, 6, (64, 64))
    return as_pixels(cv2.resize(lit, (512, 512)).astype(np.float64)[..., None].repeat(3, 2))


def under(pixels: Rgb, opacity: NDArray[np.float32]) -> Rgb:
    """The image under clouds that are lit unevenly."""
    light = 222 + cv2.resize(np.random.default_rng(3).normal(0, 14, (9, 9)).astype(np.float32), (512, 512))
    return as_pixels(pixels * (1 - opacity[..., None]) + (light * opacity)[..., None])


def by_cell(opacity: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(opacity, (32, 32), interpolation=cv2.INTER_AREA), np.float32)


def test_a_clear_tile_is_seen_as_a_whole() -> None:
    assert look_at(make_tile(ground())).usable_fraction == 1.0


def test_a_tile_at_night_is_too_dark() -> None:
    assert judged(make_tile(ground() // 12)) is Reject.TOO_DARK


def test_a_tile_exactly_at_min_brightness_is_accepted() -> None:
    tile = make_tile(np.full((256, 256, 3), 51, np.uint8))
    assert isinstance(assess(tile, make_site(tile), QualitySettings(min_brightness=0.2)), Look)


def test_a_burnt_out_tile_is_too_bright() -> None:
    assert judged(make_tile(as_pixels(ground() * 6.0))) is Reject.TOO_BRIGHT


def test_a_tile_out_of_focus_is_blurred() -> None:
    assert judged(make_tile(cv2.GaussianBlur(ground(), (0, 0), 4.0).astype(np.uint8))) is Reject.BLURRED


def test_a_hazy_tile_with_visible_ground_is_seen() -> None:
    assert look_at(make_tile(as_pixels(ground() * 0.4 + 120))).usable_fraction > 0.9


def test_ground_under_a_cloud_is_not_usable_and_the_rest_is() -> None:
    look = look_at(make_tile(with_cloud(ground(), 0, 200)))
    assert look.sees(PixelBox(32, 100, 160, 400)) < 0.1
    assert look.sees(PixelBox(260, 0, 512, 512)) == 1.0


@pytest.mark.parametrize("seed", range(5))
def test_the_ragged_rim_of_a_cloud_hides_ground_too(seed: int) -> None:
    opacity = ragged_cloud(seed)
    usable = look_at(make_tile(under(ground(), opacity))).usable
    assert float(usable[by_cell(opacity) >= 0.5].mean()) < 0.15
    assert float(usable[by_cell(opacity) < 0.02].mean()) > 0.7


def test_a_dense_cloud_with_structure_of_its_own_hides_the_ground() -> None:
    pixels = ground()
    pixels[:, :220] = dense_cloud()[:, :220]
    look = look_at(make_tile(pixels))
    assert look.sees(PixelBox(32, 32, 160, 480)) < 0.1
    assert look.sees(PixelBox(280, 0, 512, 512)) == 1.0


def test_a_small_dense_cloud_over_one_stand_hides_it() -> None:
    middle = np.hypot(*np.meshgrid(np.arange(512) - 256, np.arange(512) - 256))
    opacity = np.clip(1.25 - middle / 120, 0, 1).astype(np.float32)[..., None]
    pixels = as_pixels(ground() * (1 - opacity) + (248 - 0.3 * middle)[..., None] * opacity)
    look = look_at(make_tile(pixels))
    assert look.sees(PixelBox(226, 226, 286, 286)) == 0.0
    assert look.sees(PixelBox(0, 0, 128, 512)) == 1.0


def test_white_roofs_of_ordinary_size_are_not_taken_for_a_cloud() -> None:
    pixels = ground()
    pixels[100:210, 100:210] = dense_cloud()[:110, :110]
    assert look_at(make_tile(pixels)).sees(PixelBox(100, 100, 210, 210)) == 1.0


def test_a_tile_under_a_closed_cloud_is_clouded() -> None:
    assert judged(make_tile(with_cloud(ground(), 0, 512))) is Reject.CLOUDED


def test_a_small_even_concrete_apron_is_not_taken_for_a_cloud() -> None:
    pixels = ground()
    pixels[100:300, 100:300] = 185
    assert look_at(make_tile(pixels)).sees(PixelBox(100, 100, 300, 300)) == 1.0


def test_a_senders_cloud_estimate_does_not_outweigh_a_clear_picture() -> None:
    assert isinstance(judged(make_tile(ground(), cloud_fraction=1.0)), Look)


def test_a_senders_cloud_estimate_decides_where_the_picture_shows_no_structure() -> None:
    dull = np.random.default_rng(3).normal(120, 1, (256, 256, 3))
    assert judged(make_tile(as_pixels(dull), cloud_fraction=1.0)) is Reject.CLOUDED
    assert isinstance(judged(make_tile(as_pixels(dull))), Look)


def test_a_tile_without_valid_pixels_has_no_data() -> None:
    assert judged(make_tile(ground(), valid=np.zeros((512, 512), bool))) is Reject.NO_DATA


def test_an_exactly_black_border_carries_no_data() -> None:
    pixels = ground()
    pixels[:, :128] = 0
    look = look_at(make_tile(pixels))
    assert look.usable_fraction == pytest.approx(0.75)
    assert look.sees(PixelBox(0, 0, 128, 512)) == 0.0


def test_a_black_roof_inside_the_tile_is_ground() -> None:
    pixels = ground()
    pixels[200:280, 200:280] = 0
    assert look_at(make_tile(pixels)).usable_fraction == 1.0


def test_a_tile_of_another_place_is_off_site() -> None:
    site = Site("far", GeoBounds(west=10.0, south=50.0, east=10.1, north=50.1))
    assert assess(make_tile(ground()), site, SETTINGS) is Reject.OFF_SITE


def test_a_tile_that_shows_only_a_sliver_of_the_site_is_off_site() -> None:
    tile = make_tile(ground())
    edge = tile.grid.to_ground(480, 0).lng
    site = Site("beside", GeoBounds(edge, tile.bounds.south, edge + 0.01, tile.bounds.north))
    assert assess(tile, site, SETTINGS) is Reject.OFF_SITE


def test_only_ground_inside_the_site_counts_for_the_usable_fraction() -> None:
    tile = make_tile(with_cloud(ground(), 0, 220))
    middle = tile.grid.to_ground(256, 0).lng
    east_half = Site("east", GeoBounds(middle, tile.bounds.south, tile.bounds.east, tile.bounds.north))
    look = assess(tile, east_half, SETTINGS)
    assert isinstance(look, Look)
    assert look.usable_fraction == pytest.approx(1.0, abs=0.05)


def test_a_tile_over_the_antimeridian_is_seen() -> None:
    assert look_at(make_tile(ground(), north_west=LngLat(179.999, 10.0))).usable_fraction == 1.0


def test_a_tile_of_odd_size_is_seen_to_its_last_pixel() -> None:
    look = look_at(make_tile(ground(500, 333)))
    assert look.usable.shape == (21, 32)
    assert look.usable_fraction == pytest.approx(1.0)


def test_a_look_of_the_wrong_shape_says_what_it_expected() -> None:
    with pytest.raises(ValueError, match=r"expected \(4, 4\) cells, got \(3, 4\)"):
        Look(usable=np.ones((3, 4), bool), width_px=64, height_px=64, usable_fraction=1.0)


def test_ground_beyond_the_edge_of_the_tile_was_not_seen() -> None:
    look = make_look(make_tile(ground(64, 64)))
    assert look.sees(PixelBox(32, 0, 96, 64)) == pytest.approx(0.5)


side = st.floats(-200.0, 700.0, allow_nan=False)


@given(x=side, y=side, width=st.floats(0.1, 400), height=st.floats(0.1, 400), seed=st.integers(0, 99))
def test_the_seen_share_of_any_box_lies_between_none_and_all(
    x: float, y: float, width: float, height: float, seed: int
) -> None:
    cells = np.random.default_rng(seed).random((32, 31)) < 0.5
    look = Look(usable=cells, width_px=490, height_px=505, usable_fraction=0.5)
    assert 0.0 <= look.sees(PixelBox(x, y, x + width, y + height)) <= 1.0
