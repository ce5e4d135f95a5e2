"""The rules `altered` and `ground_change`: what becomes of objects that stay, and of the ground."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from msgspec.structs import replace as renewed

from edge.monitor.changed_ground import ChangedGround
from edge.monitor.finding import Count, Finding, Kind, Phase
from edge.monitor.inventory import Inventory
from edge.monitor.judge import judge
from edge.monitor.quiet import NOTHING, Quiet, QuietPlace
from edge.monitor.rules import AlteredRule, AnyRule, GroundChangeRule
from edge.monitor.scene import Scene, Story
from edge.monitor.track import Alteration, Delta, GroundBox, Status, Track
from tests.monitor.scenes import SITE, day, make_sight

RULE = AlteredRule(altered="aircraft", quiet_days=10)
GROUND = GroundChangeRule(ground_change=True, looks=3)
BOX = GroundBox(SITE.bounds.centre, 16.0, 17.0)


def helicopter(track_id: str = "h1") -> Track:
    return Track(track_id, "aircraft", BOX, 0.9, 4.0, Status.PRESENT, day(1), day(1), day(1))


def step(
    number: float, *, lost_m2: float = 20.0, gained_m2: float = 0.0, log_odds: float = 3.0
) -> Alteration:
    at = day(number)
    return Alteration(at, at - timedelta(days=1), at, 0.2, lost_m2, gained_m2, log_odds, 1.0, -2.0)


class Hangar:
    """A site with one rule, whose tracks are as a test says."""

    def __init__(self, rule: AnyRule = RULE) -> None:
        self.rule = rule
        self.stories: Mapping[str, Story] = {}
        self.quiet: Quiet = NOTHING
        self.ground: tuple[ChangedGround, ...] = ()

    def look(
        self, number: float, *tracks: Track, altered: Sequence[Track] = (), departed: Sequence[Track] = ()
    ) -> Sequence[Finding]:
        scene = Scene(
            SITE, make_sight(day(number)), Inventory(tracks),
            Delta(altered=tuple(altered), departed=tuple(departed)), lambda _label, _zone: Count(1, 1, 1),
            quiet=self.quiet, ground={self.rule.rule_id: self.ground},
        )  # fmt: skip
        verdict = judge(scene, [self.rule], self.stories)
        self.stories = verdict.stories
        return verdict.findings

    def steps(self, track: Track, *numbers: float) -> list[Finding]:
        """The track altered on each of these days."""
        found: list[Finding] = []
        for number in numbers:
            track = renewed(track, alterations=(*track.alterations, step(number)))
            found += self.look(number, track, altered=[track])
        return found


def test_what_is_taken_apart_and_gone_is_one_story() -> None:
    hangar, whole = Hangar(), helicopter()
    told = hangar.steps(whole, 2, 4)
    gone = renewed(whole, status=Status.GONE, alterations=(step(2), step(4)))
    told += hangar.look(5, gone, departed=[gone])
    assert [one.phase for one in told] == [Phase.NEW, Phase.UPDATE, Phase.END]
    assert len({one.opened_by for one in told}) == 1
    assert hangar.stories == {}


def test_each_message_says_every_step_and_its_instants() -> None:
    hangar = Hangar()
    *_, update = hangar.steps(helicopter(), 2, 4)
    assert [(one["step"], one["look"]) for one in update.why] == [(1, day(2)), (2, day(4))]
    assert all(one["lost_m2"] == 20.0 and one["since"] < one["look"] for one in update.why)  # type: ignore[operator]


def test_the_headline_grows_with_the_story() -> None:
    hangar, whole = Hangar(), helicopter()
    told = hangar.steps(whole, 2, 4)
    gone = renewed(whole, status=Status.GONE, alterations=(step(2), step(4)))
    told += hangar.look(5, gone, departed=[gone])
    assert [one.headline for one in told] == [
        "1 aircraft altered at the site",
        "1 aircraft being taken apart at the site, 2nd time since 2 Dec",
        "1 aircraft taken apart at the site since 2 Dec is gone",
    ]


def test_what_is_opened_and_closed_is_not_taken_apart() -> None:
    hangar, track = Hangar(), helicopter()
    opened = renewed(track, alterations=(step(2, gained_m2=15.0),))
    hangar.look(2, opened, altered=[opened])
    closed = renewed(track, alterations=(*opened.alterations, step(4, gained_m2=18.0)))
    (update,) = hangar.look(4, closed, altered=[closed])
    assert update.headline == "1 aircraft altered again at the site, 2nd time since 2 Dec"


def test_a_look_that_adds_nothing_says_nothing() -> None:
    hangar = Hangar()
    hangar.steps(helicopter(), 2)
    assert hangar.look(3, renewed(helicopter(), alterations=(step(2),))) == ()


def test_a_story_without_another_step_ends_after_its_days() -> None:
    hangar, track = Hangar(), renewed(helicopter(), alterations=(step(2),))
    hangar.steps(helicopter(), 2)
    assert hangar.look(12, track) == ()
    (end,) = hangar.look(12.5, track)
    assert end.phase is Phase.END
    assert end.headline == "1 aircraft altered at the site since 2 Dec: nothing more for 10 days"


def test_two_that_are_altered_at_one_look_are_one_story() -> None:
    hangar = Hangar()
    both = [renewed(helicopter(name), alterations=(step(2),)) for name in ("h1", "h2")]
    (told,) = hangar.look(2, *both, altered=both)
    assert told.count == 2
    one = renewed(both[0], status=Status.GONE)
    (update,) = hangar.look(3, one, both[1], departed=[one])
    assert (update.phase, update.count) == (Phase.UPDATE, 1)


def test_another_object_altered_later_is_a_story_of_its_own() -> None:
    hangar = Hangar()
    first, second = (renewed(helicopter(f"h{n}"), alterations=(step(n),)) for n in (2, 3))
    told = [*hangar.look(2, first, altered=[first]), *hangar.look(3, first, second, altered=[second])]
    assert [one.phase for one in told] == [Phase.NEW, Phase.NEW]
    assert len({one.opened_by for one in told}) == 2


def test_an_alteration_below_the_rules_confidence_is_not_told() -> None:
    hangar = Hangar(AlteredRule(altered="aircraft", confidence=0.99))
    assert hangar.steps(helicopter(), 2) == []


def test_a_quiet_place_is_not_told() -> None:
    hangar = Hangar()
    hangar.quiet = Quiet((QuietPlace("A", Kind.ALTERED, "aircraft", BOX.position, 20.0, day(9)),))
    assert hangar.steps(helicopter(), 2) == []


def place(n_looks: int, *, at: float = 5.0, score: float = 0.9) -> ChangedGround:
    corner = SITE.bounds.centre
    box = GroundBox(corner, 30.0, 22.0)
    return ChangedGround((corner,) * 4, box, 650.0, score, day(1), day(at - n_looks + 1), day(at), n_looks)


@pytest.mark.parametrize(("n_looks", "is_told"), [(1, False), (2, False), (3, True), (4, False)])
def test_changed_ground_is_told_once_with_its_last_look(n_looks: int, *, is_told: bool) -> None:
    hangar = Hangar(GROUND)
    hangar.ground = (place(n_looks),)
    assert bool(hangar.look(5)) is is_told


def test_changed_ground_is_told_with_its_area_and_outline() -> None:
    hangar = Hangar(GROUND)
    hangar.ground = (place(3),)
    (told,) = hangar.look(5)
    assert told.headline == "ground changed at 1 place of the site, 650 m2, since 3 Dec"
    assert told.why[0]["area_m2"] == 650.0
    assert len(told.why[0]["outline"]) == 4  # type: ignore[arg-type]


def test_changed_ground_that_this_look_did_not_see_is_not_told() -> None:
    hangar = Hangar(GROUND)
    hangar.ground = (place(3, at=4),)
    assert hangar.look(5) == ()


def test_changed_ground_that_is_not_sure_enough_is_not_told() -> None:
    hangar = Hangar(GROUND)
    hangar.ground = (place(3, score=0.4),)
    assert hangar.look(5) == ()


def test_changed_ground_at_a_quiet_place_is_not_told() -> None:
    hangar = Hangar(GROUND)
    hangar.quiet = Quiet((QuietPlace("A", Kind.GROUND_CHANGE, "ground", BOX.position, 20.0, day(9)),))
    hangar.ground = (place(3),)
    assert hangar.look(5) == ()
