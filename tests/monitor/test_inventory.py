"""What the inventory makes of looks."""

from __future__ import annotations

from dataclasses import replace

from edge.geo import PixelBox
from edge.monitor.inventory import InventorySettings, Recall
from edge.monitor.track import Delta, Status
from tests.monitor.scenes import Watch, day, make_sight, seen

STAND_1 = (200.0, 200.0)
STAND_2 = (500.0, 500.0)


def test_what_stands_there_at_the_first_look_did_not_arrive() -> None:
    watch = Watch()
    assert watch.look(day(1), STAND_1).arrived == ()
    assert len(watch.inventory.present("aircraft")) == 1


def test_an_aircraft_on_ground_that_was_empty_arrived() -> None:
    watch = Watch()
    watch.look(day(1), STAND_1)
    (arrived,) = watch.look(day(2), STAND_1, STAND_2).arrived
    assert arrived.arrived_at == day(2)


def test_an_aircraft_whose_stand_is_clearly_seen_empty_departed() -> None:
    watch = Watch()
    watch.look(day(1), STAND_1, STAND_2)
    (departed,) = watch.look(day(2), STAND_1).departed
    assert departed.last_seen == day(1)


def test_nothing_is_reported_of_a_normal_week() -> None:
    watch = Watch()
    deltas = [watch.look(day(n), STAND_1, STAND_2) for n in range(1, 8)]
    assert not any(delta.arrived or delta.departed or delta.moved for delta in deltas)


def test_an_aircraft_under_a_cloud_has_not_departed() -> None:
    watch = Watch()
    watch.look(day(1), STAND_1, STAND_2)
    cloud = PixelBox(100, 100, 300, 300)
    assert watch.look(day(2), STAND_2, hidden=cloud).departed == ()
    assert watch.look(day(3), STAND_1, STAND_2).arrived == ()


def test_an_aircraft_that_left_under_a_cloud_departs_at_the_next_clear_look() -> None:
    watch = Watch()
    watch.look(day(1), STAND_1, STAND_2)
    watch.look(day(2), STAND_2, hidden=PixelBox(100, 100, 300, 300))
    assert len(watch.look(day(3), STAND_2).departed) == 1


def test_ground_that_is_seen_for_the_first_time_has_no_arrivals() -> None:
    watch = Watch()
    watch.look(day(1), STAND_2, hidden=PixelBox(100, 100, 300, 300))
    assert watch.look(day(2), STAND_1, STAND_2).arrived == ()


def test_a_weak_detection_denies_a_departure() -> None:
    watch = Watch()
    watch.look(day(1), STAND_1)
    sight = make_sight(day(2))
    assert watch.show(sight, [seen(sight, *STAND_1, score=0.3)]).departed == ()


def test_a_weak_detection_is_no_arrival() -> None:
    watch = Watch()
    watch.look(day(1), STAND_1)
    sight = make_sight(day(2))
    assert watch.show(sight, [seen(sight, *STAND_1), seen(sight, *STAND_2, score=0.3)]).arrived == ()


def test_what_was_weak_and_becomes_strong_had_been_there_all_along() -> None:
    watch = Watch()
    sight = make_sight(day(1))
    watch.show(sight, [seen(sight, *STAND_1, score=0.3)])
    assert watch.look(day(2), STAND_1).arrived == ()


def test_a_single_miss_minutes_later_is_not_yet_a_departure() -> None:
    watch = Watch()
    watch.look(day(1), STAND_1)
    watch.look(day(2), STAND_1)
    assert watch.look(day(2.005)).departed == ()


def test_misses_look_after_look_are_a_departure_once() -> None:
    watch = Watch()
    watch.look(day(1), STAND_1)
    watch.look(day(2), STAND_1)
    found = [len(watch.look(day(2 + n / 200)).departed) for n in range(1, 8)]
    assert sum(found) == 1


def test_an_aircraft_pushed_on_its_stand_moved_and_neither_left_nor_came() -> None:
    watch = Watch()
    watch.look(day(1), STAND_1)
    delta = watch.look(day(2), (STAND_1[0] + 30.0, STAND_1[1]))
    (move,) = delta.moved
    assert 14.0 < move.distance_m < 16.0
    assert delta.arrived == delta.departed == ()


def test_another_tile_of_the_same_pass_does_not_tell_an_arrival_twice() -> None:
    watch = Watch()
    watch.look(day(1))
    watch.look(day(2), STAND_1)
    again = replace(make_sight(day(2)), tile_id="overlap")
    assert watch.show(again, [seen(again, *STAND_1)]).arrived == ()


def test_a_late_tile_of_an_earlier_day_does_not_undo_what_is_known() -> None:
    watch = Watch()
    watch.look(day(1))
    watch.look(day(3), STAND_1)
    delta = watch.look(day(2), STAND_2)
    assert delta.arrived == delta.departed == ()
    assert len(watch.inventory.present()) == 1


def test_an_aircraft_cut_by_the_border_of_a_tile_begins_no_track() -> None:
    watch = Watch()
    sight = make_sight(day(1))
    watch.show(sight, [replace(seen(sight, *STAND_1), whole=False)])
    assert watch.inventory.tracks == ()


def test_a_part_seen_at_the_border_shows_that_the_aircraft_is_still_there() -> None:
    watch = Watch()
    watch.look(day(1), STAND_1)
    sight = make_sight(day(2))
    watch.show(sight, [replace(seen(sight, STAND_1[0] + 20, STAND_1[1], side_px=40.0), whole=False)])
    assert len(watch.inventory.present()) == 1


def test_a_wing_reported_as_a_second_aircraft_is_not_counted() -> None:
    watch = Watch()
    watch.look(day(1), STAND_1)
    sight = make_sight(day(2))
    wing = seen(sight, STAND_1[0] + 25, STAND_1[1], side_px=24.0)
    assert watch.show(sight, [seen(sight, *STAND_1), wing]).arrived == ()


def test_an_aircraft_on_a_stand_left_the_day_before_is_another_arrival() -> None:
    watch = Watch()
    watch.look(day(1), STAND_1)
    watch.look(day(2))
    (arrived,) = watch.look(day(3), STAND_1).arrived
    assert arrived.first_seen == day(3)


def test_a_departed_track_is_forgotten_in_the_end() -> None:
    watch = Watch(InventorySettings(forget_gone_after_days=3.0))
    watch.look(day(1), STAND_1)
    watch.look(day(2))
    assert [track.status for track in watch.inventory.tracks] == [Status.GONE]
    watch.look(day(6))
    assert watch.inventory.tracks == ()


def test_a_weak_sight_speaks_no_more_against_an_object_than_none() -> None:
    seen_weakly, unseen = Watch(), Watch()
    for watch in (seen_weakly, unseen):
        for n in (1, 2, 3):
            sight = make_sight(day(n))
            watch.show(sight, [seen(sight, *STAND_1, score=0.6), seen(sight, *STAND_2)])
    sight = make_sight(day(4))
    seen_weakly.show(sight, [seen(sight, *STAND_1, score=0.11), seen(sight, *STAND_2)])
    unseen.show(sight, [seen(sight, *STAND_2)])
    assert seen_weakly.inventory.tracks[1].log_odds >= unseen.inventory.tracks[1].log_odds


def test_a_mark_that_was_taken_for_something_small_is_not_the_aircraft_that_comes() -> None:
    watch = Watch()
    watch.look(day(1), STAND_2)
    sight = make_sight(day(2))
    watch.show(sight, [seen(sight, *STAND_1, score=0.3, side_px=40), seen(sight, *STAND_2)])
    assert len(watch.look(day(3), STAND_1, STAND_2).arrived) == 1


def test_a_small_mark_on_the_stand_does_not_deny_that_an_aircraft_left() -> None:
    watch = Watch()
    watch.look(day(1), STAND_1, STAND_2)
    sight = make_sight(day(2))
    delta = watch.show(sight, [seen(sight, *STAND_1, score=0.3, side_px=40), seen(sight, *STAND_2)])
    assert len(delta.departed) == 1


def test_a_box_that_is_half_as_large_again_is_the_same_aircraft() -> None:
    watch = Watch()
    sight = make_sight(day(1))
    watch.show(sight, [seen(sight, *STAND_1, side_px=80)])
    sight = make_sight(day(2))
    delta = watch.show(sight, [seen(sight, *STAND_1, side_px=96)])
    assert (delta.arrived, delta.departed) == ((), ())


def test_a_weak_sight_through_a_cloud_speaks_against_nothing() -> None:
    watch = Watch()
    watch.look(day(1), STAND_1, STAND_2)
    sight = make_sight(day(2), hidden=PixelBox(100, 100, 300, 220))
    watch.show(sight, [seen(sight, *STAND_1, score=0.1), seen(sight, *STAND_2)])
    assert watch.inventory.tracks[0].looked_at == day(1)


POOR = Recall({"aircraft": 0.5})
# False alarms that hardly ever come back to the same spot, as those on water.
FLEETING = InventorySettings(false_again={"aircraft": 0.1})


def shown(watch: Watch, number: int, score: float | None, recall: Recall = POOR) -> Delta:
    sight = make_sight(day(number))
    return watch.show(sight, [] if score is None else [seen(sight, *STAND_1, score=score)], recall)


def test_faint_sights_on_one_spot_at_look_after_look_are_an_object() -> None:
    watch = Watch(FLEETING)
    for n in range(1, 6):
        shown(watch, n, 0.2)
    assert len(watch.inventory.present("aircraft")) == 1


def test_faint_sights_that_may_as_well_be_a_bush_are_none() -> None:
    watch = Watch(InventorySettings(false_again={"aircraft": 0.6}))
    for n in range(1, 6):
        shown(watch, n, 0.2)
    assert watch.inventory.present("aircraft") == ()


def test_faint_sights_each_on_another_spot_are_none() -> None:
    watch = Watch(FLEETING)
    for n in range(1, 6):
        sight = make_sight(day(n))
        watch.show(sight, [seen(sight, 150.0 * n, 200.0, score=0.2)], POOR)
    assert watch.inventory.present("aircraft") == ()


def test_a_faint_sight_begins_a_track_only_where_the_model_finds_poorly() -> None:
    poor, good = Watch(), Watch()
    shown(poor, 1, 0.2)
    shown(good, 1, 0.2, Recall({"aircraft": 0.95}))
    assert (len(poor.inventory.tracks), len(good.inventory.tracks)) == (1, 0)


def test_a_doubtful_track_outlives_a_miss_where_misses_are_common() -> None:
    poor, good = Watch(), Watch()
    for watch, recall in ((poor, POOR), (good, Recall({"aircraft": 0.95}))):
        shown(watch, 1, 0.3, recall)
        shown(watch, 2, None, recall)
    assert (len(poor.inventory.tracks), len(good.inventory.tracks)) == (1, 0)


def test_what_was_seen_faintly_for_days_and_then_not_at_all_departed() -> None:
    watch = Watch(FLEETING)
    for n in range(1, 7):
        shown(watch, n, 0.3)
    assert sum(len(shown(watch, n, None).departed) for n in range(7, 14)) == 1
