"""What became of an object that stays: rendered aircraft, looked at day after day."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec.structs import replace as renewed

from edge.drill.look import Look
from edge.drill.season import NAMED
from edge.drill.sun import Sun
from edge.monitor.alteration import SURE, set_off
from tests.monitor.apron import CART, HELICOPTER, TRANSPORT, Apron, afternoon


def test_an_opened_nose_is_an_alteration_with_its_instants() -> None:
    apron = Apron()
    first, second = apron.show(), apron.show()
    opened = apron.show("nose_open")
    track = opened if opened.alterations else apron.show("nose_open")
    (step,) = track.alterations
    assert (step.since, step.seen_at) == (second.last_seen, opened.last_seen)
    assert step.since > first.last_seen


def test_the_share_and_the_place_of_what_changed_are_told() -> None:
    apron = Apron()
    apron.show()
    apron.show()
    track = apron.show("wings_off")
    (step,) = track.alterations
    assert 0.02 < step.fraction < 0.5
    assert step.is_loss
    assert abs(step.east_m) < track.box.width_m / 2


def test_what_is_taken_off_in_steps_is_an_alteration_each_time() -> None:
    apron = Apron(HELICOPTER)
    states = ("whole", "whole", "rotor_off", "rotor_off", "tail_off", "tail_off")
    *_, track = [apron.show(state) for state in states]
    assert [step.is_loss for step in track.alterations] == [True, True]


@pytest.mark.parametrize(
    "look",
    [
        afternoon(),
        afternoon(haze_fraction=0.25, gain=0.92),
        Look(sun=Sun(120.0, 35.0), contrast=1.3),
        Look(season=NAMED["autumn"], blur_px=0.8),
        Look(noise_fraction=0.02),
        Look(shift_px=(1.0, -0.8)),
    ],
    ids=["afternoon", "haze", "morning", "autumn and blur", "noise", "a pixel off"],
)
@pytest.mark.parametrize("thing", [TRANSPORT, HELICOPTER], ids=["transport", "helicopter"])
def test_other_light_air_season_and_registration_are_no_alteration(thing: object, look: Look) -> None:
    apron = Apron(thing)  # type: ignore[arg-type]
    apron.show()
    apron.show()
    assert apron.show(look=look).alterations == ()
    assert apron.show(look=replace(look, gain=1.05)).alterations == ()


def test_a_cart_that_comes_and_goes_is_no_alteration() -> None:
    apron = Apron()
    apron.show()
    apron.show()
    apron.show("whole", CART)
    assert apron.show().alterations == ()


def test_what_was_altered_and_stays_so_is_told_once() -> None:
    apron = Apron()
    states = ("whole", "whole", "wings_off", "wings_off", "wings_off")
    *_, track = [apron.show(state) for state in states]
    assert len(track.alterations) == 1


def test_another_aircraft_on_the_same_stand_is_no_alteration() -> None:
    apron = Apron()
    apron.show()
    apron.show()
    apron.thing = replace(TRANSPORT, kind="airliner_wide", heading_deg=200.0, paint="pale_grey")
    assert apron.show().alterations == ()
    assert apron.show().alterations == ()


def test_without_the_earlier_tiles_nothing_is_said() -> None:
    apron = Apron()
    apron.show()
    apron.kept.clear()
    assert apron.show("wings_off").alterations == ()


def test_an_object_that_is_seen_for_the_first_time_has_nothing_to_be_compared_with() -> None:
    track = Apron().show("nose_open")
    assert track.alterations == ()


def test_a_label_that_no_rule_asks_for_is_not_looked_at() -> None:
    apron = Apron()
    apron.show()
    assert apron.track is not None
    apron.track = renewed(apron.track, label="ship")
    assert apron.show("wings_off").alterations == ()


def test_what_a_look_makes_of_every_aircraft_is_no_alteration_of_one() -> None:
    assert set_off(3.0, [2.0, 3.0, 2.5, 3.5, 2.0]) < SURE[-1]


def test_one_of_many_quiet_aircraft_keeps_all_that_speaks_for_it() -> None:
    assert set_off(3.0, [-6.0, -5.5, -6.0, -6.0]) == 3.0


def test_several_that_are_altered_at_one_look_do_not_hide_each_other() -> None:
    assert set_off(3.0, [-6.0, -6.0, -6.0, 4.0, 4.0, 4.0]) == 3.0


def test_of_few_aircraft_a_little_is_always_taken_off() -> None:
    assert SURE[0] <= set_off(3.0, [-6.0, -6.0, -6.0]) < 3.0
