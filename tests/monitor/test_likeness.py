"""What is measured of two looks at one object, and the tables that weigh it."""

from __future__ import annotations

import numpy as np

from benchmarks.likeness_table import FILE, Term, written
from edge.acquire.tile import Rgb
from edge.geo import PixelBox
from edge.monitor.likeness import Crop, crop_of, square_of, unlike
from edge.monitor.likeness_weights import altered_log_odds, other_log_odds

GSD_M = 0.5
BOX = PixelBox(80, 80, 140, 160)


def crop(*, without_wing: bool = False, gain: float = 1.0, shift_px: int = 0) -> Crop:
    pixels = np.random.default_rng(1).normal(90, 3, (240, 240)).astype(np.float32)
    pixels[82:158, 104:116] = 200
    if not without_wing:
        pixels[110:120, 82:138] = 190
    pixels = np.roll(pixels, shift_px, (0, 1)) * gain
    rgb: Rgb = np.repeat(np.clip(pixels, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    left, top, side = square = square_of(BOX, GSD_M)
    return crop_of(rgb[top : top + side, left : left + side], square, BOX, GSD_M)


def test_a_crop_is_like_itself() -> None:
    found = unlike([crop()], [crop()])
    assert (found.fraction, found.lost_m2, found.gained_m2) == (0.0, 0.0, 0.0)
    assert altered_log_odds(found.features, 1, 1) < 0


def test_another_exposure_and_two_pixels_aside_change_nothing() -> None:
    found = unlike([crop()], [crop(gain=0.8, shift_px=2)])
    assert found.fraction < 0.01
    assert altered_log_odds(found.features, 1, 1) < 0


def test_a_wing_that_is_gone_is_lost_ground_of_about_its_size() -> None:
    found = unlike([crop(), crop()], [crop(without_wing=True)])
    wing_m2 = (56 - 12) * 10 * GSD_M**2
    assert 0.5 * wing_m2 < found.lost_m2 < 1.5 * wing_m2
    assert found.gained_m2 < 0.2 * wing_m2
    assert altered_log_odds(found.features, 2, 1) > 2


def test_a_wing_that_is_gone_leaves_the_same_aircraft() -> None:
    found = unlike([crop(), crop()], [crop(without_wing=True)])
    assert other_log_odds(found.features) < 0


def test_what_came_at_one_of_two_looks_only_is_not_there() -> None:
    found = unlike([crop(without_wing=True)], [crop(), crop(without_wing=True)])
    assert found.fraction == 0.0


def test_a_fit_replaces_its_own_table_and_nothing_else() -> None:
    text = written("other", [Term("pattern share", None)], [(1.25,)], (-0.5,))
    assert '("pattern share", None, (1.250, ))' in text
    before, after = FILE.read_text(encoding="utf-8").split("# Fitted: other.\n")
    assert text.startswith(before)
    assert text.endswith(after.split("# Fitted so far: other.\n")[1])
