from collections.abc import Callable
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.drill.catalogue import KINDS
from edge.drill.countryside import countryside
from edge.drill.harbour import harbour
from edge.drill.library import parse
from edge.drill.look import CloudBank, Look
from edge.drill.render import Stage, prepare, render
from edge.drill.scene import Scene, SceneObject
from edge.drill.sun import Sun
from edge.drill.write import play, stage_of
from tests.drill.make import inside, make_look, make_object, make_stage


def grey(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)


def changed(with_it: NDArray[np.uint8], without: NDArray[np.uint8], at_least: int = 25) -> NDArray[np.bool_]:
    return np.asarray(cv2.absdiff(with_it, without).max(axis=2) >= at_least, np.bool_)


def test_the_same_look_gives_the_same_bytes() -> None:
    first, second = (render(make_stage(), [make_object()], Look(seed=4)).pixels for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_another_seed_gives_other_noise() -> None:
    first, second = (render(make_stage(), [], Look(seed=seed)).pixels for seed in (1, 2))
    assert first.tobytes() != second.tobytes()


def test_a_tile_has_the_pixels_its_ground_and_gsd_ask_for() -> None:
    assert render(make_stage(gsd_m=0.8), [], make_look()).pixels.shape == (300, 300, 3)


@pytest.mark.parametrize("kind", [kind for kind, value in KINDS.items() if value.label == "aircraft"])
def test_every_kind_of_aircraft_changes_most_of_what_its_box_spans(kind: str) -> None:
    view = render(make_stage(), [make_object(kind)], make_look())
    box = view.placed[-1].box
    rows, columns = np.nonzero(changed(view.pixels, render(make_stage(), [], make_look()).pixels))
    near = inside(box, view.opacity.shape)[rows, columns]
    assert np.ptp(rows[near]) > 0.8 * box.height - 2
    assert np.ptp(columns[near]) > 0.8 * box.width - 2


def test_nothing_changes_outside_the_box_but_the_shadow() -> None:
    view = render(make_stage(), [make_object()], make_look())
    difference = changed(view.pixels, render(make_stage(), [], make_look()).pixels)
    shadow_px = int(12.0 / np.tan(np.radians(40)) / 0.6) + 3
    assert not difference[~inside(view.placed[-1].box, view.opacity.shape, shadow_px)].any()


def test_a_box_does_not_hold_the_shadow() -> None:
    low_sun = replace(make_look(), sun=Sun(90.0, 12.0))
    high, low = (
        render(make_stage(), [make_object()], look).placed[-1].box for look in (make_look(), low_sun)
    )
    assert high == low


@pytest.mark.parametrize("azimuth_deg", [60.0, 150.0, 240.0, 330.0])
def test_the_shadow_lies_opposite_the_sun(azimuth_deg: float) -> None:
    look = make_look(azimuth_deg=azimuth_deg)
    view = render(make_stage(), [make_object("light")], look)
    gain = view.pixels.astype(float).mean(axis=2) - render(make_stage(), [], look).pixels.mean(axis=2)
    x, y = np.array(view.placed[-1].box.centre)
    rows, columns = np.nonzero(gain < -20)
    toward = np.array([np.sin(np.radians(azimuth_deg)), -np.cos(np.radians(azimuth_deg))])
    assert (np.array([columns.mean() - x, rows.mean() - y]) @ toward) < -1


def test_the_shift_in_the_truth_is_the_shift_of_the_pixels() -> None:
    still, moved = (
        grey(render(make_stage(), [], make_look(shift_px=shift)).pixels) for shift in ((0, 0), (4.0, -3.0))
    )
    shift_px, _ = cv2.phaseCorrelate(moved, still, cv2.createHanningWindow((400, 400), cv2.CV_32F))
    assert shift_px == pytest.approx((4.0, -3.0), abs=0.1)


def test_a_shifted_look_moves_the_box_and_not_the_position() -> None:
    still = render(make_stage(), [make_object()], make_look()).placed[-1]
    moved = render(make_stage(), [make_object()], make_look(shift_px=(4.0, -3.0))).placed[-1]
    assert (moved.box.left - still.box.left, moved.box.top - still.box.top) == pytest.approx((-4.0, 3.0))
    assert moved.position == still.position


def test_an_aircraft_keeps_its_place_in_metres_at_every_gsd() -> None:
    fine, coarse = (
        render(make_stage(gsd_m=gsd), [make_object()], make_look()).placed[-1] for gsd in (0.5, 1.0)
    )
    assert np.array(fine.box.centre) * 0.5 == pytest.approx(np.array(coarse.box.centre))


def test_an_aircraft_under_a_cloud_is_not_visible() -> None:
    thing = make_object()
    look = replace(make_look(), clouds=(CloudBank(thing.x_m, thing.y_m, 50.0),))
    assert render(make_stage(), [thing], look).placed[-1].visible_fraction < 0.3


def test_a_fully_clouded_look_shows_no_ground() -> None:
    assert render(make_stage(), [], replace(make_look(), cloud_fraction=1.0)).opacity.min() > 0.5


def test_a_look_at_night_is_dark() -> None:
    assert render(make_stage(), [], replace(make_look(), sun=Sun(0.0, -30.0))).pixels.mean() < 12


def test_an_aircraft_cut_by_the_rim_is_truncated() -> None:
    view = render(make_stage(), [replace(make_object(), x_m=2.0)], make_look())
    assert view.placed[-1].truncated


def test_an_aircraft_off_the_tile_is_not_in_the_truth() -> None:
    view = render(make_stage(), [replace(make_object(), x_m=-500.0)], make_look())
    assert all(one.thing.object_id != "one" for one in view.placed)


@pytest.mark.parametrize("state", ["rotor_off", "tail_off"])
def test_an_altered_helicopter_looks_different(state: str) -> None:
    whole, altered = (
        render(make_stage(), [make_object("helicopter", state=s)], make_look()) for s in ("whole", state)
    )
    assert changed(whole.pixels, altered.pixels).sum() > 20


def test_the_bounds_of_the_tile_are_as_wide_as_the_scene() -> None:
    assert make_stage().bounds.size_m == pytest.approx((240.0, 240.0), rel=1e-6)


@pytest.mark.parametrize("build", [harbour, countryside])
def test_every_scene_is_rendered_at_the_size_of_its_ground(build: Callable[..., Scene]) -> None:
    stage = prepare(build("site", west=27.0, north=44.0), 2.0)
    assert render(stage, [], make_look()).pixels.shape == (307, 307, 3)


@cache
def at_sea() -> Stage:
    return prepare(harbour("site", west=27.0, north=44.0), 0.8)


def make_ship(state: str = "whole", kind: str = "coaster") -> SceneObject:
    place = at_sea().scene.stands["F1"]
    return SceneObject("one", kind, place.x_m, place.y_m, place.heading_deg, "red", state)


def test_a_ship_under_way_drags_a_wake_and_a_moored_one_does_not() -> None:
    moored, under_way = (
        render(at_sea(), [make_ship(state)], make_look()) for state in ("whole", "under_way")
    )
    outside = ~inside(moored.placed[-1].box, moored.opacity.shape, 2)
    assert changed(moored.pixels, under_way.pixels, 12)[outside].sum() > 200


def test_waves_are_other_ones_at_every_look_and_the_quay_is_not() -> None:
    first, second = (render(at_sea(), [], make_look(seed=seed)).pixels for seed in (1, 2))
    difference = cv2.absdiff(first, second).mean(axis=2)
    assert difference[550:700].mean() > 4 * difference[300:340].mean()


@pytest.mark.parametrize("kind", [kind for kind, value in KINDS.items() if value.label == "ship"])
def test_every_kind_of_ship_is_as_long_as_it_says(kind: str) -> None:
    plain = replace(make_ship(kind=kind), heading_deg=90.0)
    box = render(at_sea(), [plain], make_look()).placed[-1].box
    assert box.width * 0.8 == pytest.approx(KINDS[kind].length_m, abs=0.5)
    assert box.height * 0.8 == pytest.approx(KINDS[kind].width_m, abs=0.5)


def test_a_shadow_can_be_put_on_an_object_whose_cloud_is_elsewhere() -> None:
    text = """
gsd_m: 2.0
present: [{id: a, kind: transport, stand: S3}]
looks:
  - {at: 2024-06-01T09:00:00Z}
  - {at: 2024-06-02T09:00:00Z, clouds: [{shadow_over: a, radius_m: 50}]}
"""
    (scenario,) = parse(text, "shadow.yaml").sites
    clear, shaded = (shot.view for shot in play(scenario, stage_of(scenario)))
    one = next(one for one in shaded.placed if one.thing.object_id == "a")
    x, y = (round(value) for value in one.box.centre)
    assert one.visible_fraction > 0.5
    assert (
        grey(shaded.pixels)[y - 8 : y + 8, x - 8 : x + 8].mean()
        < grey(clear.pixels)[y - 8 : y + 8, x - 8 : x + 8].mean()
    )
