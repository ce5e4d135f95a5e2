"""Rules over rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import pytest

from edge.monitor.finding import Finding, Kind, Phase, Severity
from edge.monitor.indicator import Seen, indicate
from edge.monitor.rules import IndicatorRule, Sign
from edge.monitor.scene import Story
from tests.monitor.scenes import day

RULE = IndicatorRule(
    indicator="draw-down",
    of=(
        Sign(kind=Kind.ALTERED, label="aircraft"),
        Sign(kind=Kind.CONVOY, zone="gate-road", at_least=6),
        Sign(kind=Kind.DEPARTURE, label="ship", site="harbour"),
        Sign(kind=Kind.TREND),
    ),
    at_least=3,
    within_days=7,
    severity=Severity.SEVERE,
)


def said(
    kind: Kind,
    at: datetime,
    *,
    label: str = "aircraft",
    zone: str = "apron",
    site: str = "airfield",
    n: int = 1,
    phase: Phase = Phase.NEW,
) -> Finding:
    return Finding(
        site, f"{kind}:{label}@{zone}", kind, Severity.MODERATE, phase, f"tile-{at:%d}", at, 0.9,
        f"{kind} on {at:%d %b}", label, zone, f"tile-{at:%d}", n,
    )  # fmt: skip


ALTERED = said(Kind.ALTERED, day(1))
SHIP = said(Kind.DEPARTURE, day(2), label="ship", zone="pier", site="harbour")
CONVOY = said(Kind.CONVOY, day(3), label="vehicle", zone="gate-road", n=8)


class Desk:
    """An airfield with the rule, as findings come in."""

    def __init__(self, rule: IndicatorRule = RULE) -> None:
        self.rule = rule
        self.stories: Mapping[str, Story] = {}
        self.seen: Seen = {}

    def hear(self, at: datetime, *findings: Finding) -> Sequence[Finding]:
        told = indicate("airfield", [self.rule], findings, at=at, stories=self.stories, seen=self.seen)
        self.stories, self.seen = told.stories, told.seen
        return told.findings


def opened() -> tuple[Desk, Finding]:
    desk = Desk()
    assert desk.hear(day(1), ALTERED) == ()
    assert desk.hear(day(2), SHIP) == ()
    (finding,) = desk.hear(day(3), CONVOY)
    return desk, finding


def test_three_of_four_signs_within_a_week_are_told_with_which_ones_and_when() -> None:
    _, finding = opened()
    assert (finding.kind, finding.phase, finding.severity) == (Kind.INDICATOR, Phase.NEW, Severity.SEVERE)
    assert finding.headline == "draw-down: 3 of 4 signs since 1 Dec"
    assert [step["look"] for step in finding.why] == [day(1), day(3), day(2)]
    assert [step["site"] for step in finding.why] == ["airfield", "airfield", "harbour"]


def test_another_sign_is_an_update_under_the_same_id() -> None:
    desk, first = opened()
    (update,) = desk.hear(day(4), said(Kind.TREND, day(4)))
    assert (update.phase, update.opened_by, update.count) == (Phase.UPDATE, first.opened_by, 4)


def test_a_sign_that_is_seen_again_says_nothing_new() -> None:
    desk, _ = opened()
    assert desk.hear(day(4), said(Kind.ALTERED, day(4))) == ()


def test_it_ends_when_too_few_signs_are_left_of_the_week() -> None:
    desk, first = opened()
    assert desk.hear(day(8)) == ()
    (end,) = desk.hear(day(8.5))
    assert (end.phase, end.opened_by) == (Phase.END, first.opened_by)
    assert desk.stories == {}


@pytest.mark.parametrize(
    "other",
    [
        said(Kind.CONVOY, day(3), zone="gate-road", n=5),
        said(Kind.CONVOY, day(3), zone="ring-road", n=9),
        said(Kind.CONVOY, day(3), zone="gate-road", n=9, site="harbour"),
        said(Kind.CONVOY, day(3), zone="gate-road", n=9, phase=Phase.END),
        said(Kind.DEPARTURE, day(3), label="aircraft", site="harbour"),
    ],
    ids=["too few", "another road", "another site", "an end", "another label"],
)
def test_what_no_sign_waits_for_does_not_count(other: Finding) -> None:
    desk = Desk()
    desk.hear(day(1), ALTERED)
    desk.hear(day(2), SHIP)
    assert desk.hear(day(3), other) == ()


def test_signs_that_are_too_far_apart_do_not_come_together() -> None:
    desk = Desk()
    desk.hear(day(1), ALTERED)
    desk.hear(day(2), SHIP)
    assert desk.hear(day(9), said(Kind.CONVOY, day(9), label="vehicle", zone="gate-road", n=8)) == ()


def test_a_sign_that_the_rule_no_longer_lists_is_forgotten() -> None:
    desk, _ = opened()
    desk.rule = IndicatorRule(indicator="draw-down", of=RULE.of[:2], at_least=2)
    desk.hear(day(4))
    assert [one.sign for one in desk.seen["indicator:draw-down@*"]] == [str(sign) for sign in RULE.of[:2]]


def test_a_sign_reads_as_an_operator_would_say_it() -> None:
    assert str(RULE.of[1]) == "6 convoy at gate-road"
    assert str(RULE.of[2]) == "departure ship at harbour"


def test_a_rule_that_can_never_come_true_is_refused() -> None:
    with pytest.raises(ValueError, match="expected at most 2"):
        IndicatorRule(indicator="x", of=RULE.of[:2], at_least=3)
    with pytest.raises(ValueError, match="each sign once"):
        IndicatorRule(indicator="x", of=(RULE.of[0], RULE.of[0]))
    with pytest.raises(ValueError, match="got indicator"):
        Sign(kind=Kind.INDICATOR)
