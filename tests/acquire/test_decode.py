from __future__ import annotations

import hashlib
import importlib.util
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.acquire import decode, image_header, sidecar
from edge.acquire.decode import DecodeSettings
from edge.acquire.tile import Tile
from edge.errors import TileRefused
from edge.geo import GeoBounds
from tests.acquire.files import (
    BBOX,
    HEIGHT_PX,
    NAMED,
    NOW,
    SETTINGS,
    SITE,
    WIDTH_PX,
    drop,
    drop_named,
    encoded,
    item,
    pixels,
)

AT = datetime(2024, 6, 1, 10, tzinfo=UTC)
WEST, SOUTH, EAST, NORTH = BBOX
RFC_3339 = "RFC 3339 with an offset, as 2024-06-01T10:00:00Z"


def read(folder: Path, **changes: Any) -> Tile:
    """The tile of a good image and a sidecar with changes."""
    return read_at(folder, NOW, **changes)


def read_at(folder: Path, now: datetime | None, /, **changes: Any) -> Tile:
    """The same with another clock."""
    image = drop(folder, sidecar=item(**changes))
    return decode.read(image, image.with_suffix(".json"), [SITE], SETTINGS, now)


def picture(path: Path, settings: DecodeSettings = SETTINGS) -> np.ndarray[Any, Any]:
    return decode.pixels_of(path, settings)[0]


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def refusal(folder: Path, **changes: Any) -> str:
    with pytest.raises(TileRefused) as raised:
        read(folder, **changes)
    return str(raised.value)


def test_a_sidecar_gives_id_place_time_and_gsd(tmp_path: Path) -> None:
    tile = read(tmp_path)
    assert (tile.tile_id, tile.acquired_at, tile.gsd_m, tile.site_id) == ("t-1", AT, 0.5, None)
    assert tile.bounds == GeoBounds(*BBOX)


def test_the_hash_of_a_tile_is_that_of_its_file(tmp_path: Path) -> None:
    tile = read(tmp_path)
    assert tile.sha256 == hashlib.sha256((tmp_path / "t.jpg").read_bytes()).hexdigest()


def test_heights_in_the_bounds_are_left_out(tmp_path: Path) -> None:
    assert read(tmp_path, bbox=[WEST, SOUTH, 10, EAST, NORTH, 90]).bounds == GeoBounds(*BBOX)


def test_without_a_gsd_the_bounds_give_it(tmp_path: Path) -> None:
    assert read(tmp_path, gsd=...).gsd_m == pytest.approx(0.5, rel=1e-3)


def test_cloud_cover_comes_in_percent(tmp_path: Path) -> None:
    assert read(tmp_path, **{"eo:cloud_cover": 40}).cloud_fraction == 0.4


def test_unknown_cloud_cover_is_none(tmp_path: Path) -> None:
    assert read(tmp_path).cloud_fraction is None


@pytest.mark.parametrize(
    "text", ["2024-06-01T13:00:00+03:00", "2024-06-01t10:00:00z", "2024-06-01 10:00:00.000000000-00:00"]
)
def test_a_time_with_any_offset_becomes_utc(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, datetime=text).acquired_at == AT


def test_a_null_datetime_is_the_middle_of_start_and_end(tmp_path: Path) -> None:
    span = {"start_datetime": "2024-06-01T09:00:00Z", "end_datetime": "2024-06-01T11:00:00Z"}
    assert read(tmp_path, datetime=None, **span).acquired_at == AT


def test_an_end_before_its_start_is_refused(tmp_path: Path) -> None:
    span = {"start_datetime": "2024-06-01T11:00:00Z", "end_datetime": "2024-06-01T09:00:00Z"}
    assert refusal(tmp_path, datetime=None, **span).startswith("bad_time: t.json: properties.end_datetime")


def test_bounds_over_the_antimeridian_are_taken(tmp_path: Path) -> None:
    half = (EAST - WEST) / 2
    assert read(tmp_path, bbox=[180 - half, SOUTH, half - 180, NORTH]).gsd_m == 0.5


def test_a_thumbnail_does_not_make_it_the_sidecar_of_another_image(tmp_path: Path) -> None:
    thumbnail = {"href": "small.png", "roles": ["thumbnail"]}
    assert read(tmp_path, assets={"thumbnail": thumbnail}).tile_id == "t-1"


def test_one_asset_of_several_may_be_the_image(tmp_path: Path) -> None:
    assets = {"red": {"href": "red.tif"}, "all": {"href": "s3://store.example/x/t.jpg"}}
    assert read(tmp_path, assets=assets).tile_id == "t-1"


def test_a_name_gives_site_time_and_the_bounds_of_the_site(tmp_path: Path) -> None:
    tile = decode.read(drop_named(tmp_path), None, [SITE], SETTINGS, NOW)
    assert (tile.tile_id, tile.site_id, tile.acquired_at, tile.bounds) == (NAMED, "north", AT, SITE.bounds)


def test_a_suffix_may_be_in_capitals(tmp_path: Path) -> None:
    assert decode.read(drop_named(tmp_path, f"{NAMED}.JPG"), None, [SITE], SETTINGS, NOW).site_id == "north"


def test_a_sidecar_has_the_last_word_but_the_name_still_names_the_site(tmp_path: Path) -> None:
    image = drop(tmp_path, sidecar=item(assets={}, datetime="2024-05-01T00:00:00Z"), name=f"{NAMED}.jpg")
    tile = decode.read(image, image.with_suffix(".json"), [SITE], SETTINGS, NOW)
    assert (tile.site_id, tile.acquired_at.month) == ("north", 5)


def test_a_time_at_the_limit_of_the_future_is_taken(tmp_path: Path) -> None:
    now = AT - timedelta(seconds=SETTINGS.max_future_s)
    assert read_at(tmp_path, now).acquired_at == AT


def test_a_time_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TileRefused, match=r"^future_time: t\.jpg: time: expected at most 600 s after 2024"):
        read_at(tmp_path, AT - timedelta(seconds=SETTINGS.max_future_s + 1))


def test_without_a_trusted_clock_no_time_is_in_the_future(tmp_path: Path) -> None:
    assert read_at(tmp_path, None, datetime="2099-01-01T00:00:00Z").acquired_at.year == 2099


def test_the_time_of_an_archive_is_read_without_the_image(tmp_path: Path) -> None:
    image = drop(tmp_path, image=b"no image at all")
    assert decode.acquired_at(image, image.with_suffix(".json"), SETTINGS) == AT
    assert decode.acquired_at(tmp_path / f"{NAMED}.png", None, SETTINGS) == AT


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gsd": -0.5}, "bad_gsd: t.json: properties.gsd: expected a number > 0, got -0.5"),
        ({"gsd": "0.5"}, "bad_gsd: t.json: properties.gsd: expected a number, got '0.5'"),
        ({"gsd": float("nan")}, "bad_gsd: t.json: properties.gsd: expected a finite number, got nan"),
        ({"gsd": 10**400}, "bad_gsd: t.json: properties.gsd: expected a finite number, got inf"),
        ({"bbox": [1, 2, 3]}, "bad_bounds: t.json: bbox: expected 4 or 6 numbers, got [1, 2, 3]"),
        ({"assets": ["t.jpg"]}, "bad_sidecar: t.json: assets: expected an object, got a list"),
        (
            {"assets": {"a": {"href": "../b.jpg"}}},
            "other_image: t.json: assets: expected t.jpg among them, got 'b.jpg'",
        ),
        (
            {"datetime": "now"},
            f"bad_time: t.json: properties.datetime: expected {RFC_3339}, got 'now'",
        ),
        (
            {"id": "a\nb"},
            "bad_tile_id: t.jpg: tile id: expected 1 to 128 printable letters, no slash, got 'a\\nb'",
        ),
    ],
)
def test_a_refusal_says_where_what_was_expected_and_what_came(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    assert refusal(tmp_path, **changes) == message


def test_a_tile_id_may_have_128_letters_and_no_more(tmp_path: Path) -> None:
    assert len(read(tmp_path, id="i" * 128).tile_id) == 128
    assert refusal(tmp_path, id="i" * 129).startswith("bad_tile_id")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.sampled_from(["id", "bbox", "datetime", "gsd", "eo:cloud_cover", "assets"]), JSON))
def test_no_sidecar_does_anything_but_speak_or_be_refused(changes: dict[str, Any]) -> None:
    try:
        found = sidecar.parse(json.dumps(item(**changes)).encode(), "t.json", "t.jpg")
    except TileRefused:
        return
    assert found.bounds.width_deg <= 180
    assert found.gsd_m is None or found.gsd_m > 0


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_an_image_without_loss_comes_back_as_red_green_blue(tmp_path: Path, suffix: str) -> None:
    found = picture(put(tmp_path, f"t{suffix}", encoded(suffix)))
    assert (found == pixels()).all()
    assert found.flags.c_contiguous


def test_a_jpeg_comes_back_as_red_green_blue(tmp_path: Path) -> None:
    found = picture(put(tmp_path, "t.jpg", encoded(".jpg")))
    assert np.abs(found.astype(int) - pixels()).mean() < 3


def test_a_grey_image_is_the_same_in_all_three(tmp_path: Path) -> None:
    grey = pixels()[..., 0]
    found = picture(put(tmp_path, "t.png", encoded(".png", grey)))
    assert (found == grey[..., None]).all()


def test_of_sixteen_bits_the_whole_range_is_white_unless_the_settings_say_less(tmp_path: Path) -> None:
    path = put(tmp_path, "t.png", encoded(".png", np.full((8, 8, 3), 2047, np.uint16)))
    assert (picture(path) == 8).all()
    assert (picture(path, DecodeSettings(white_16bit=2047)) == 255).all()


def test_sixteen_bits_above_white_stay_white(tmp_path: Path) -> None:
    path = put(tmp_path, "t.png", encoded(".png", np.full((8, 8), 60_000, np.uint16)))
    assert (picture(path, DecodeSettings(white_16bit=2047)) == 255).all()


def test_alpha_zero_is_no_data(tmp_path: Path) -> None:
    alpha = np.full((HEIGHT_PX, WIDTH_PX, 1), 255, np.uint8)
    alpha[:16] = 0
    path = put(tmp_path, "t.png", encoded(".png", np.dstack([pixels(), alpha])))
    _, valid = decode.pixels_of(path, SETTINGS)
    assert valid is not None
    assert (valid == (alpha[..., 0] > 0)).all()


def test_alpha_that_hides_nothing_is_no_mask(tmp_path: Path) -> None:
    opaque = np.dstack([pixels(), np.full((HEIGHT_PX, WIDTH_PX), 255, np.uint8)])
    assert decode.pixels_of(put(tmp_path, "t.png", encoded(".png", opaque)), SETTINGS)[1] is None


def test_floating_point_samples_are_refused(tmp_path: Path) -> None:
    path = put(tmp_path, "t.tif", encoded(".tif", pixels().astype(np.float32)))
    with pytest.raises(TileRefused, match=r"^undecodable: t\.tif: expected 1, 3 or 4 bands of 8 or 16 bits"):
        picture(path)


def test_the_orientation_in_exif_is_ignored(tmp_path: Path) -> None:
    tag = "0001 0112 0003 00000001 0006 0000 00000000"
    turned = bytes.fromhex(f"ffe1 0022 457869660000 4d4d002a00000008 {tag}")
    content = encoded(".jpg")
    assert picture(put(tmp_path, "t.jpg", content[:2] + turned + content[2:])).shape == pixels().shape


def test_a_progressive_jpeg_with_padding_behind_its_end_is_whole(tmp_path: Path) -> None:
    how = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 4]
    _, data = cv2.imencode(".jpg", pixels(), how)
    assert picture(put(tmp_path, "t.jpg", data.tobytes() + bytes(100))).shape == pixels().shape


def test_a_kept_tile_needs_no_suffix(tmp_path: Path) -> None:
    assert picture(put(tmp_path, "0f" * 32, encoded(".jpg"))).shape == pixels().shape


@pytest.mark.parametrize(
    ("key", "reason"),
    [("max_pixels", "too_many_pixels"), ("max_side_px", "too_many_pixels"), ("max_file_bytes", "too_large")],
)
def test_a_limit_holds_at_the_limit_and_not_beyond(tmp_path: Path, key: str, reason: str) -> None:
    path = put(tmp_path, "t.png", encoded(".png"))
    limit = {
        "max_pixels": WIDTH_PX * HEIGHT_PX,
        "max_side_px": WIDTH_PX,
        "max_file_bytes": path.stat().st_size,
    }
    assert picture(path, DecodeSettings(**{key: limit[key]})).shape == pixels().shape
    with pytest.raises(TileRefused, match=reason):
        picture(path, DecodeSettings(**{key: limit[key] - 1}))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_an_image_cut_anywhere_is_refused(tmp_path: Path, suffix: str) -> None:
    content = encoded(suffix)
    for n_bytes in range(0, len(content), 97):
        with pytest.raises(TileRefused):
            decode.pixels_of(put(tmp_path, f"t{suffix}", content[:n_bytes]), SETTINGS)


WRONG_BYTES = st.lists(st.tuples(st.integers(0), st.integers(0, 255)), min_size=1, max_size=4)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from([".jpg", ".png", ".tif"]), WRONG_BYTES)
def test_a_file_with_wrong_bytes_is_read_or_refused_and_nothing_else(
    suffix: str, wrong: list[tuple[int, int]]
) -> None:
    content = bytearray(encoded(suffix))
    for at, byte in wrong:
        content[at % len(content)] = byte
    with suppress(TileRefused):
        assert image_header.parse(bytes(content), f"t{suffix}").n_pixels >= 0


has_rasterio = importlib.util.find_spec("rasterio") is not None


def geotiff(folder: Path, name: str, **changes: Any) -> Path:
    """A GeoTIFF of 0.5 m pixels in UTM zone 36 north; its corner lies at 33 degrees east."""
    import rasterio  # noqa: PLC0415 - an extra

    path = folder / name
    ground = rasterio.Affine(0.5, 0, 500_000, 0, -0.5, 2_000_000)
    profile = {
        "driver": "GTiff", "width": WIDTH_PX, "height": HEIGHT_PX, "count": 3, "dtype": "uint8",
        "photometric": "RGB", "crs": "EPSG:32636", "transform": ground,
    }  # fmt: skip
    with rasterio.open(path, "w", **{**profile, **changes}) as dataset:
        dataset.write(np.moveaxis(pixels(), 2, 0), [1, 2, 3])
    return path


@pytest.mark.skipif(not has_rasterio, reason="needs the extra geo")
def test_a_geotiff_says_its_own_ground_and_its_name_the_time(tmp_path: Path) -> None:
    tile = decode.read(geotiff(tmp_path, "scene_20240601T100000Z.tif"), None, [SITE], SETTINGS, NOW)
    assert tile.bounds.west == pytest.approx(33.0)
    assert tile.gsd_m == pytest.approx(0.5, rel=0.01)
    assert (tile.acquired_at, tile.site_id) == (AT, None)
    assert (tile.pixels == pixels()).all()


@pytest.mark.skipif(not has_rasterio, reason="needs the extra geo")
def test_a_geotiff_that_is_not_north_up_is_refused(tmp_path: Path) -> None:
    import rasterio  # noqa: PLC0415

    turned = rasterio.Affine(0.5, 0.1, 500_000, 0.1, -0.5, 2_000_000)
    path = geotiff(tmp_path, "scene_20240601T100000Z.tif", transform=turned)
    with pytest.raises(TileRefused, match=r"^bad_georeference: scene_"):
        decode.read(path, None, [SITE], SETTINGS, NOW)


@pytest.mark.skipif(not has_rasterio, reason="needs the extra geo")
def test_near_infrared_in_a_fourth_band_is_no_mask(tmp_path: Path) -> None:
    path = geotiff(tmp_path, "scene_20240601T100000Z.tif", count=4, alpha="unspecified")
    found, valid = decode.pixels_of(path, SETTINGS)
    assert (found == pixels()).all()
    assert valid is None


@pytest.mark.skipif(not has_rasterio, reason="needs the extra geo")
def test_inner_tiles_larger_than_the_image_count_as_pixels(tmp_path: Path) -> None:
    path = geotiff(tmp_path, "scene_20240601T100000Z.tif", tiled=True, blockxsize=512, blockysize=512)
    assert (picture(path) == pixels()).all()
    with pytest.raises(TileRefused, match="too_many_pixels"):
        picture(path, DecodeSettings(max_pixels=512 * 512 - 1))


@pytest.mark.skipif(has_rasterio, reason="needs an installation without the extra geo")
def test_without_the_extra_a_geotiff_is_refused_with_the_name_of_the_extra(tmp_path: Path) -> None:
    path = put(tmp_path, "scene_20240601T100000Z.tif", with_geo_keys(encoded(".tif")))
    with pytest.raises(TileRefused, match=r"^needs_geo: scene_.*edge-monitor\[geo\]"):
        decode.read(path, None, [SITE], SETTINGS, NOW)


def with_geo_keys(content: bytes) -> bytes:
    """A TIFF whose tag 284 (planar layout, which it can do without) is renamed to GeoKeyDirectory."""
    at = content.index((284).to_bytes(2, "little"), int.from_bytes(content[4:8], "little"))
    return content[:at] + (34735).to_bytes(2, "little") + content[at + 2 :]
