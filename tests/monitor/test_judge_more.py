"""The rules `convoy` and `trend` against looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pytest

from edge.geo import PixelBox, Site, Zone, ZoneKind
from edge.monitor import count
from edge.monitor.activity import Activity, key_of
from edge.monitor.coverage import Coverage
from edge.monitor.finding import Count, Finding, Kind, Phase
from edge.monitor.inventory import Inventory, Recall, update
from edge.monitor.judge import judge
from edge.monitor.rules import AnyRule, ConvoyRule, Direction, TrendRule
from edge.monitor.scene import Passing, Scene, Story
from edge.monitor.track import Sighting
from tests.monitor.scenes import BOUNDS, GSD_M, SETTINGS, day, make_sight

# A road from west to east through the middle of the site.
ROAD = Zone(
    "gate-road",
    ZoneKind.ROAD,
    line=(
        make_sight(day(1)).alignment.ground_at(10.0, 512.0),
        make_sight(day(1)).alignment.ground_at(1014.0, 512.0),
    ),
    width_m=20.0,
)
SITE = Site("gate", BOUNDS, (ROAD,))
RECALL = Recall({"vehicle": 0.85, "aircraft": 0.9})
COLUMN = tuple(150.0 + 60.0 * n for n in range(7))
UNEVEN = tuple(x + off for x, off in zip(COLUMN, (0, 9, -8, 11, 0, -10, 6), strict=True))


class Gate:
    """A site with a road and one rule, over several looks."""

    def __init__(self, rule: AnyRule) -> None:
        self.rule = rule
        self.inventory, self.coverage = Inventory(), Coverage.empty(SITE)
        self.stories: Mapping[str, Story] = {}
        self.passing: Mapping[str, Passing] = {}
        self.activity = Activity()

    def drive(self, at: datetime, *along_px: float) -> Sequence[Finding]:
        """A look with vehicles on the road's south lane, at these columns of the tile."""
        sight = make_sight(at)
        boxes = [PixelBox(x - 5, 515, x + 5, 519) for x in along_px]
        shown = [Sighting("vehicle", 0.9, sight.ground_of(box), box) for box in boxes]
        self.inventory, delta = update(
            self.inventory, sight, shown, self.coverage, site=SITE, recall=RECALL, settings=SETTINGS
        )
        self.coverage = self.coverage.after(sight)
        return self._judged(Scene(
            SITE, sight, self.inventory, delta, self._count, passing=self.passing, recall=RECALL,
        ))  # fmt: skip

    def number(self, at: datetime, mean: float, variance: float = 0.3) -> Sequence[Finding]:
        """A look at which so many aircraft are counted."""
        self.activity = self.activity.with_counts(at, {key_of("aircraft", None): (mean, variance)})
        delta = update(
            Inventory(), make_sight(at), (), self.coverage, site=SITE, recall=RECALL, settings=SETTINGS
        )[1]
        told = Count(round(mean), round(mean), round(mean))
        return self._judged(Scene(
            SITE, make_sight(at), Inventory(), delta, lambda _label, _zone: told, activity=self.activity,
        ))  # fmt: skip

    def _judged(self, scene: Scene) -> Sequence[Finding]:
        verdict = judge(scene, (self.rule,), self.stories)
        self.inventory, self.stories, self.passing = verdict.inventory, verdict.stories, verdict.passing
        return verdict.findings

    def _count(self, _label: str, _zone: str | None) -> Count:
        return count.counted(self.inventory.tracks, day(1), unfound=0.1, settings=SETTINGS)


CONVOY = ConvoyRule(convoy="vehicle", zone="gate-road", at_least=5)
TREND = TrendRule(trend="aircraft", over_days=14)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def test_a_column_is_told_with_its_number_length_and_spacing() -> None:
    gate = Gate(CONVOY)
    gate.drive(day(1))
    (finding,) = gate.drive(day(2), *COLUMN)
    assert (finding.kind, finding.phase, finding.count, len(finding.objects)) == (
        Kind.CONVOY,
        Phase.NEW,
        7,
        7,
    )
    assert finding.headline == "column of 7 vehicles on gate-road, 180 m long"
    assert finding.why[0]["spacing_m"] == pytest.approx(60 * GSD_M, abs=0.5)


def test_a_look_minutes_later_tells_under_the_same_id_where_it_heads_and_how_fast() -> None:
    gate = Gate(CONVOY)
    gate.drive(day(1))
    (new,) = gate.drive(day(2), *UNEVEN)
    (update_,) = gate.drive(day(2) + seconds(20), *(x + 400.0 for x in UNEVEN))
    assert (update_.phase, update_.opened_by) == (Phase.UPDATE, new.opened_by)
    assert update_.headline.endswith("heading east at about 36 km/h")
    assert update_.why[0]["speed_m_per_s"] == pytest.approx(10.0, abs=0.3)


def test_a_row_that_still_stands_there_the_next_day_is_no_column() -> None:
    gate = Gate(CONVOY)
    gate.drive(day(1))
    gate.drive(day(2), *COLUMN)
    assert gate.drive(day(3), *COLUMN) == ()


def test_a_column_on_another_day_is_another_story() -> None:
    gate = Gate(CONVOY)
    gate.drive(day(1))
    (first,) = gate.drive(day(2), *COLUMN)
    assert gate.drive(day(3)) == ()
    (second,) = gate.drive(day(4), *(x + 25.0 for x in COLUMN))
    assert second.phase is Phase.NEW
    assert second.opened_by != first.opened_by


def test_fewer_than_the_rule_wants_are_not_told() -> None:
    gate = Gate(ConvoyRule(convoy="vehicle", zone="gate-road", at_least=9))
    gate.drive(day(1))
    assert gate.drive(day(2), *COLUMN) == ()


def test_a_draw_down_is_told_once_with_what_is_normal_and_what_is_now() -> None:
    gate = Gate(TREND)
    told = [finding for n in range(1, 25) for finding in gate.number(day(n), 10.0 + n % 2)]
    told += [finding for n in range(25, 29) for finding in gate.number(day(n), 2.0)]
    assert [(one.kind, one.phase) for one in told] == [(Kind.TREND, Phase.NEW)]
    assert told[0].headline.startswith("draw-down: aircraft at the site went from ")
    assert told[0].headline.endswith("since 25 Dec")
    assert told[0].why[0]["false_alarms_per_year"] <= told[0].why[0]["limit_per_year"]  # type: ignore[operator]


def test_it_is_told_again_when_it_goes_on_and_ends_when_they_are_back() -> None:
    gate = Gate(TREND)
    counts = [20.0, 21.0] * 12 + [7.0] * 4 + [0.0] * 8 + [20.0] * 9
    told = [finding for n, mean in enumerate(counts, 1) for finding in gate.number(day(n), mean)]
    assert [one.phase for one in told] == [Phase.NEW, Phase.UPDATE, Phase.END]
    assert len({one.opened_by for one in told}) == 1
    assert told[-1].headline == "aircraft at the site are back to the usual 20"


def test_what_stays_is_the_new_normal_after_some_weeks() -> None:
    gate = Gate(TREND)
    counts = [20.0, 21.0] * 12 + [8.0] * 60
    told = [finding for n, mean in enumerate(counts, 1) for finding in gate.number(day(n), mean)]
    assert [one.phase for one in told] == [Phase.NEW, Phase.END]
    assert "at a new normal of 8" in told[-1].headline


def test_a_rule_for_a_draw_down_is_silent_about_a_build_up() -> None:
    gate = Gate(TrendRule(trend="aircraft", direction=Direction.DRAW_DOWN))
    counts = [5.0, 6.0] * 12 + [30.0] * 4
    assert not [finding for n, mean in enumerate(counts, 1) for finding in gate.number(day(n), mean)]


def test_a_normal_month_says_nothing() -> None:
    gate = Gate(TREND)
    counts = [9.0, 11.0, 10.0, 8.0, 12.0, 10.0] * 6
    assert not [finding for n, mean in enumerate(counts, 1) for finding in gate.number(day(n), mean)]
