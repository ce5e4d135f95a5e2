"""What the change model says of a place enters the inventory as a likelihood."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from edge.explain.chain import chain_of
from edge.monitor import presence
from edge.monitor.inventory import Answer, update
from edge.monitor.presence import PresenceSettings
from edge.monitor.track import Delta, GroundBox
from tests.monitor.scenes import RECALL, SETTINGS, SITE, Watch, day, make_sight, seen

STAND_1, STAND_2 = (200.0, 200.0), (500.0, 500.0)
DAYS = PresenceSettings()


class Asked(Watch):
    """A site over several looks, with somebody who was asked whether ground changed."""

    def __init__(self, *, changed: bool | None) -> None:
        super().__init__()
        self.asked_before: list[datetime] = []
        self._changed = changed

    @property
    def n_asked(self) -> int:
        return len(self.asked_before)

    def answer(self, _box: GroundBox, seen_at: datetime) -> Answer | None:
        self.asked_before.append(seen_at)
        return None if self._changed is None else Answer(self._changed, day(1))

    def compared(self, at: datetime, *places: tuple[float, float], score: float = 0.6) -> Delta:
        sight = make_sight(at)
        sightings = [seen(sight, x, y, score=score) for x, y in places]
        self.inventory, delta = update(
            self.inventory, sight, sightings, self.coverage,
            site=SITE, recall=RECALL, settings=SETTINGS, changed=self.answer,
        )  # fmt: skip
        self.coverage = self.coverage.after(sight)
        return delta


def after_a_miss(*, changed: bool | None) -> float:
    watch = Asked(changed=changed)
    watch.compared(day(1), STAND_1, STAND_2)
    watch.compared(day(2), STAND_1)
    return min(track.presence for track in watch.inventory.tracks)


def after_a_find(*, changed: bool | None) -> float:
    watch = Asked(changed=changed)
    watch.compared(day(1), STAND_1)
    watch.compared(day(2), STAND_1, STAND_2)
    return max(track.newness for track in watch.inventory.tracks)


def test_an_object_lost_on_unchanged_ground_is_there_more_surely() -> None:
    assert after_a_miss(changed=True) < after_a_miss(changed=None) < after_a_miss(changed=False)


def test_an_object_found_on_unchanged_ground_came_less_surely() -> None:
    assert after_a_find(changed=False) < after_a_find(changed=None) < after_a_find(changed=True)


def test_nobody_is_asked_about_what_was_found_again() -> None:
    watch = Asked(changed=True)
    watch.compared(day(1), STAND_1, STAND_2)
    watch.compared(day(2), STAND_1, STAND_2)
    assert watch.n_asked == 0


def test_nobody_is_asked_about_what_is_shown_as_faintly_as_ever() -> None:
    watch = Asked(changed=True)
    for n in (1, 2):
        watch.compared(day(n), STAND_1)
    watch.compared(day(3), STAND_1, score=0.45)
    assert watch.n_asked == 0
    watch.compared(day(4), STAND_1, score=0.12)
    assert watch.n_asked == 1


def asked_about_a_weak_sight(*, n_looks: int) -> int:
    watch = Asked(changed=True)
    for n in range(n_looks):
        watch.compared(day(1) + timedelta(hours=n), STAND_1, score=0.9)
    watch.compared(day(1) + timedelta(hours=n_looks), STAND_1, score=0.4)
    return watch.n_asked


def test_a_weak_sight_of_what_changed_ground_could_not_make_doubtful_costs_no_question() -> None:
    assert (asked_about_a_weak_sight(n_looks=1), asked_about_a_weak_sight(n_looks=4)) == (1, 0)


def test_the_answer_stands_in_the_history_of_the_track() -> None:
    watch = Asked(changed=False)
    watch.compared(day(1), STAND_1, STAND_2)
    watch.compared(day(2), STAND_1)
    assert [step.changed for track in watch.inventory.tracks for step in track.history].count(False) == 1


def test_nobody_is_asked_about_what_does_not_count_yet() -> None:
    watch = Asked(changed=True)
    watch.compared(day(1), STAND_1)
    watch.compared(day(2), STAND_1)
    watch.compared(day(3), STAND_2, score=0.3)
    assert watch.n_asked == 1  # of the first stand, where one was lost


def test_what_was_shown_once_and_faintly_did_not_leave_though_its_ground_changed() -> None:
    watch = Asked(changed=True)
    watch.compared(day(1), STAND_1, STAND_2)
    watch.compared(day(2), STAND_1)
    assert min(track.left_share for track in watch.inventory.tracks if track.presence < 0.5) < 0.6


def test_what_was_shown_at_every_look_left_when_its_ground_changed() -> None:
    watch = Asked(changed=True)
    for n in (1, 2, 3):
        watch.compared(day(n), STAND_1, STAND_2)
    (departed,) = watch.compared(day(4), STAND_1).departed
    assert departed.departure_confidence > 0.7


def test_it_is_asked_about_once_it_counts() -> None:
    watch = Asked(changed=True)
    watch.compared(day(1))
    watch.compared(day(2), STAND_1, score=0.45)
    n_before = watch.n_asked
    delta = watch.compared(day(3), STAND_1, score=0.9)
    watch.compared(day(4), STAND_1, score=0.9)
    assert (n_before, watch.n_asked, len(delta.arrived)) == (0, 1, 1)


def test_the_answer_is_about_the_time_before_it_was_first_seen() -> None:
    watch = Asked(changed=True)
    watch.compared(day(1))
    watch.compared(day(2), STAND_1, score=0.45)
    watch.compared(day(3), STAND_1, score=0.9)
    assert watch.asked_before == [day(2)]


def test_what_came_of_the_answer_can_be_worked_out_again() -> None:
    watch = Asked(changed=False)
    watch.compared(day(1))
    watch.compared(day(2), STAND_1, score=0.45)
    watch.compared(day(3), STAND_1, score=0.9)
    [track] = watch.inventory.tracks
    assert chain_of(track, SETTINGS, RECALL.of("aircraft"), {}).newness == pytest.approx(track.newness)


def test_nobody_is_asked_where_it_is_no_arrival_whatever_the_answer() -> None:
    watch = Asked(changed=True)
    watch.compared(day(1))
    watch.compared(day(1) + timedelta(seconds=1), STAND_1)
    assert watch.n_asked == 0


@pytest.mark.parametrize("before", [0.05, 0.5, 0.95])
def test_an_answer_weighs_by_bayes_over_the_four_ways_to_get_here(before: float) -> None:
    turned = presence.turnover(2.0, DAYS)
    recall, false, mistaken = DAYS.change_recall, DAYS.change_false, DAYS.change_by_mistake
    there = before * (1 - turned) * false + (1 - before) * turned * recall
    gone = before * turned * recall + (1 - before) * (1 - turned) * mistaken
    prior = before * (1 - turned) + (1 - before) * turned
    moved = presence.after_comparison(presence.logit(prior), before, 2.0, changed=True, settings=DAYS)
    assert presence.probability(moved) == pytest.approx(there / (there + gone), abs=1e-6)


def test_without_an_answer_nothing_moves() -> None:
    assert presence.after_comparison(1.3, 0.8, 2.0, changed=None, settings=DAYS) == 1.3
