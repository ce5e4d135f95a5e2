"""Rules against looks."""

from __future__ import annotations

import pytest

from edge.monitor.finding import Finding, Kind, Phase, Severity
from edge.monitor.quiet import NOTHING, Quiet, QuietPlace
from edge.monitor.rules import ArrivalRule, BlindRule, CountRule, DepartureRule, DwellRule, MovedRule
from tests.monitor.guard import Guard
from tests.monitor.scenes import day

ON_APRON = (200.0, 200.0)
ALSO_ON_APRON = (200.0, 400.0)
OFF_APRON = (800.0, 800.0)


def test_an_arrival_in_the_zone_is_told_with_its_number_and_place() -> None:
    guard = Guard(ArrivalRule(arrival="aircraft", zone="apron", severity=Severity.SEVERE))
    guard.findings(day(1), ON_APRON)
    (finding,) = guard.findings(day(2), ON_APRON, ALSO_ON_APRON)
    assert (finding.kind, finding.phase, finding.count, finding.zone) == (Kind.ARRIVAL, Phase.NEW, 1, "apron")
    assert finding.severity is Severity.SEVERE
    assert finding.headline.startswith("1 aircraft arrived at apron; 2")


def test_an_arrival_outside_the_zone_is_not_told() -> None:
    guard = Guard(ArrivalRule(arrival="aircraft", zone="apron"))
    guard.findings(day(1), ON_APRON)
    assert guard.findings(day(2), ON_APRON, OFF_APRON) == ()


def test_several_objects_of_one_rule_in_one_look_are_one_finding() -> None:
    guard = Guard(ArrivalRule(arrival="aircraft"))
    guard.findings(day(1))
    (finding,) = guard.findings(day(2), ON_APRON, ALSO_ON_APRON, OFF_APRON)
    assert finding.count == len(finding.objects) == 3


def test_the_reason_stands_in_the_finding_as_data() -> None:
    guard = Guard(DepartureRule(departure="aircraft"))
    guard.findings(day(1), ON_APRON)
    (finding,) = guard.findings(day(2))
    assert [step["detected"] for step in finding.why] == [True, False]


def test_a_rule_that_wants_to_be_surer_speaks_when_a_later_look_makes_it_sure() -> None:
    guard = Guard(DepartureRule(departure="aircraft", confidence=0.95))
    for number in range(1, 7):
        guard.findings(day(number), ON_APRON, score=0.7)
    assert guard.findings(day(7)) == ()
    (finding,) = guard.findings(day(8))
    assert finding.confidence >= 0.95
    assert guard.findings(day(9)) == ()


def test_what_was_seen_once_and_doubtfully_has_not_departed() -> None:
    guard = Guard(DepartureRule(departure="aircraft"))
    guard.findings(day(1), ON_APRON, score=0.6)
    assert [guard.findings(day(number)) for number in (2, 3)] == [(), ()]


def test_a_rule_for_another_label_says_nothing() -> None:
    guard = Guard(ArrivalRule(arrival="ship"), DepartureRule(departure="ship"))
    guard.findings(day(1), ON_APRON)
    assert guard.findings(day(2), OFF_APRON) == ()


@pytest.mark.parametrize("kind", ["arrival", "departure"])
def test_what_is_shorter_than_the_rule_asks_for_neither_comes_nor_goes(kind: str) -> None:
    told = {}
    for min_length_m in (10.0, 100.0):
        rule = (
            ArrivalRule(arrival="aircraft", min_length_m=min_length_m)
            if kind == "arrival"
            else DepartureRule(departure="aircraft", min_length_m=min_length_m)
        )
        guard = Guard(rule)
        guard.findings(day(1), ON_APRON)
        told[min_length_m] = [
            *guard.findings(day(2), ON_APRON, ALSO_ON_APRON),
            *guard.findings(day(3)),
            *guard.findings(day(4)),
        ]
    assert [finding.kind for finding in told[10.0]][:1] == [Kind(kind)]
    assert told[100.0] == []


def test_a_move_below_the_limit_of_the_rule_is_not_told() -> None:
    guard = Guard(MovedRule(moved="aircraft", at_least_m=18.0))
    guard.findings(day(1), ON_APRON)
    assert guard.findings(day(2), (ON_APRON[0] + 30, ON_APRON[1])) == ()


def test_a_move_beyond_the_limit_is_told_with_its_distance() -> None:
    guard = Guard(MovedRule(moved="aircraft", at_least_m=12.0))
    guard.findings(day(1), ON_APRON)
    (finding,) = guard.findings(day(2), (ON_APRON[0] + 30, ON_APRON[1]))
    assert finding.why[0]["moved_m"] == pytest.approx(15.0, abs=0.5)


def test_a_count_beyond_its_limit_opens_a_story_and_ends_it_under_the_same_name() -> None:
    guard = Guard(CountRule(count="aircraft", at_most=1))
    guard.findings(day(1), ON_APRON, ALSO_ON_APRON, OFF_APRON)
    found = [finding for n in (2, 3, 4) for finding in guard.findings(day(n))]
    assert [finding.phase for finding in found] == [Phase.NEW]
    back = [f for n in (5, 6) for f in guard.findings(day(n), ON_APRON, ALSO_ON_APRON, OFF_APRON)]
    assert [finding.phase for finding in back] == [Phase.END]
    assert back[0].opened_by == found[0].opened_by


def test_a_count_that_stays_beyond_its_limit_is_told_once() -> None:
    guard = Guard(CountRule(count="aircraft", at_least=2))
    found = [f for n in range(1, 6) for f in guard.findings(day(n), ON_APRON, ALSO_ON_APRON, OFF_APRON)]
    assert len(found) == 1


def test_an_object_that_stays_too_long_is_told_once_and_ends_when_it_leaves() -> None:
    guard = Guard(DwellRule(dwell="aircraft", hours=48.0))
    phases = [f.phase for n in range(1, 6) for f in guard.findings(day(n), ON_APRON)]
    assert phases == [Phase.NEW]
    assert [f.phase for n in (6, 7) for f in guard.findings(day(n))] == [Phase.END]


def test_each_rule_has_an_id_that_tells_it_from_the_others() -> None:
    rules = [
        ArrivalRule(arrival="aircraft"),
        ArrivalRule(arrival="aircraft", zone="apron"),
        CountRule(count="aircraft", at_least=3),
        CountRule(count="aircraft", at_most=3),
        BlindRule(blind_hours=72),
    ]
    assert len({rule.rule_id for rule in rules}) == len(rules)


def test_a_count_rule_needs_exactly_one_limit() -> None:
    with pytest.raises(ValueError, match="exactly one of at_least and at_most"):
        CountRule(count="aircraft")


def quiet_about(finding: Finding) -> Quiet:
    """What `feedback false` on a finding keeps quiet."""
    return Quiet(
        tuple(
            QuietPlace("7Q2M5K0C9T4E", finding.kind, one.label, one.position, one.length_m, day(40))
            for one in finding.objects
        )
    )


def test_of_several_objects_only_the_one_that_was_called_false_is_left_out() -> None:
    guard = Guard(ArrivalRule(arrival="aircraft"))
    guard.findings(day(1))
    guard.quiet = quiet_about(guard.findings(day(2), ON_APRON)[0])
    guard.findings(day(3))
    (finding,) = guard.findings(day(4), ON_APRON, OFF_APRON)
    assert finding.headline.startswith("1 aircraft arrived")
    assert finding.count == len(finding.objects) == 1


def test_what_was_called_false_is_told_again_when_the_time_is_over() -> None:
    guard = Guard(ArrivalRule(arrival="aircraft"))
    guard.findings(day(1))
    guard.quiet = quiet_about(guard.findings(day(2), ON_APRON)[0])
    guard.findings(day(39))
    assert guard.findings(day(39.5), ON_APRON) == ()
    guard.findings(day(40))
    assert len(guard.findings(day(41), ON_APRON)) == 1


def test_a_stay_that_was_called_false_ends_without_saying_that_something_left() -> None:
    guard = Guard(DwellRule(dwell="aircraft", hours=24))
    guard.findings(day(1), ON_APRON)
    (finding,) = guard.findings(day(3), ON_APRON)
    guard.quiet = quiet_about(finding)
    assert guard.findings(day(4), ON_APRON) == ()
    assert guard.stories == {}
    guard.quiet = NOTHING
    assert [one.phase for one in guard.findings(day(5), ON_APRON)] == [Phase.NEW]
