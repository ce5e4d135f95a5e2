"""The alarm budget: what goes out at once, what waits for the digest, and that nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.geo import LngLat
from edge.monitor import state as site_state
from edge.monitor.budget import BudgetSettings
from edge.monitor.digest import digest_due_at
from edge.monitor.finding import Finding, FoundObject, Kind, Phase, Severity
from edge.monitor.quiet import Quiet, QuietPlace, Snooze, is_always_said
from edge.transmit.alert import alert_id
from tests.monitor.alarms import DEVICE, Desk, month
from tests.monitor.scenes import BOUNDS, SITE, day

FEW = BudgetSettings(alerts_per_week=6)  # four at once, two digests
LENGTH_M = 30.0


def place(n: int) -> LngLat:
    """One of several stands, two lengths of an aircraft apart."""
    return LngLat(BOUNDS.west + 0.0002 + n * 2 * LENGTH_M / 106_460.0, BOUNDS.centre.lat)


def found(
    at: datetime,
    *stands: int,
    kind: Kind = Kind.ARRIVAL,
    phase: Phase = Phase.NEW,
    severity: Severity = Severity.MODERATE,
    opened_by: str | None = None,
) -> Finding:
    """What a rule says of a look, about the objects on these stands; a count is about none."""
    objects = tuple(FoundObject(f"a{n}", "aircraft", place(n), LENGTH_M, 0.9, at, at) for n in stands)
    return Finding(
        SITE.site_id, f"{kind}:aircraft@*", kind, severity, phase, opened_by or f"tile {at.isoformat()}", at,
        0.9, f"{len(objects)} aircraft", "aircraft", count=len(objects), objects=objects,
    )  # fmt: skip


def crowded(desk: Desk, n: int, first: datetime, kind: Kind = Kind.ARRIVAL) -> None:
    """So many arrivals, one an hour, each on a stand of its own."""
    for i in range(n):
        at = first + timedelta(hours=i)
        desk.take([found(at, i, kind=kind)], at)


def test_within_the_budget_every_alert_is_told_at_once() -> None:
    desk = Desk(FEW)
    crowded(desk, 4, day(1))
    assert [one.kind for one in desk.told] == [Kind.ARRIVAL] * 4
    assert desk.state.budget.n_waiting == 0


def test_beyond_the_budget_alerts_wait_for_the_digest() -> None:
    desk = Desk(FEW)
    crowded(desk, 6, day(1))
    assert (len(desk.told), desk.state.budget.n_waiting) == (4, 2)


def test_the_digest_comes_at_its_hour_and_lists_what_was_held_back() -> None:
    desk = Desk(FEW)
    crowded(desk, 6, day(1))
    desk.take([], day(2))
    digest = desk.told[-1]
    assert (digest.kind, digest.severity, digest.count) == (Kind.DIGEST, Severity.MINOR, 2)
    assert digest.seen_at == day(2).replace(hour=6, minute=0)
    assert digest.headline == "2 held back by the alarm budget: 2 arrival"
    summary, *lines = digest.why
    assert summary["kinds"] == {"arrival": 2}
    at = day(1) + timedelta(hours=4)
    assert lines[0]["alert"] == alert_id(DEVICE, SITE.site_id, "arrival:aircraft@*", f"tile {at.isoformat()}")
    assert lines[0]["lng"] == pytest.approx(place(4).lng)


def test_nothing_held_back_makes_no_digest() -> None:
    desk = Desk(FEW)
    crowded(desk, 4, day(1))
    desk.take([], day(3))
    assert desk.told[-1].kind is Kind.ARRIVAL


def test_a_week_later_there_is_room_again() -> None:
    desk = Desk(FEW)
    crowded(desk, 5, day(1))
    at = day(1) + timedelta(days=7)
    desk.take([found(at, 9)], at)
    assert desk.told[-1].opened_by == f"tile {at.isoformat()}"


@pytest.mark.parametrize("severity", [Severity.SEVERE, Severity.EXTREME])
def test_a_severe_alert_is_told_however_much_was_spent(severity: Severity) -> None:
    desk = Desk(FEW)
    crowded(desk, 9, day(1))
    desk.take([found(day(2), 20, severity=severity)], day(2))
    assert desk.told[-1].severity is severity


def test_a_severe_alert_spends_nothing() -> None:
    desk = Desk(FEW)
    desk.take([found(day(1), n, severity=Severity.SEVERE) for n in range(9)], day(1))
    assert desk.state.budget.n_used(day(1)) == 0


def test_the_same_thing_at_the_same_place_becomes_an_update_under_the_first_id() -> None:
    desk = Desk(FEW)
    crowded(desk, 1, day(1))
    at = day(1) + timedelta(hours=6)
    desk.take([found(at, 0)], at)
    first, second = desk.told
    assert (second.phase, second.opened_by) == (Phase.UPDATE, first.opened_by)
    assert second.headline == "1 aircraft; 2 times since 1 Dec"
    assert second.why[0]["times"] == 2


def test_a_repeat_is_told_the_second_fourth_and_eighth_time() -> None:
    desk = Desk(BudgetSettings())
    told = []
    for n in range(1, 10):
        at = day(1) + timedelta(hours=n)
        told.append(bool(desk.take([found(at, 0)], at).told))
    assert [n for n, was in enumerate(told, 1) if was] == [1, 2, 4, 8]


def test_a_neighbour_two_lengths_away_is_no_repeat() -> None:
    desk = Desk(FEW)
    crowded(desk, 2, day(1))
    assert [one.phase for one in desk.told] == [Phase.NEW, Phase.NEW]


def test_the_same_thing_days_later_is_news() -> None:
    desk = Desk(FEW)
    crowded(desk, 1, day(1))
    desk.take([found(day(3), 0)], day(3))
    assert [one.phase for one in desk.told] == [Phase.NEW, Phase.NEW]


def test_the_end_of_what_was_told_is_told_however_much_was_spent() -> None:
    desk = Desk(FEW)
    desk.take([found(day(1), kind=Kind.COUNT, opened_by="t-1")], day(1))
    crowded(desk, 9, day(2))
    desk.take([found(day(3), kind=Kind.COUNT, phase=Phase.END, opened_by="t-1")], day(3))
    assert (desk.told[-1].phase, desk.told[-1].opened_by) == (Phase.END, "t-1")


def test_the_end_of_what_was_held_back_is_not_told() -> None:
    desk = Desk(FEW)
    crowded(desk, 9, day(1))
    desk.take(
        [
            found(
                day(
                    1,
                )
                + timedelta(hours=9),
                kind=Kind.COUNT,
                opened_by="t-1",
            )
        ],
        day(1),
    )
    desk.take([found(day(2), kind=Kind.COUNT, phase=Phase.END, opened_by="t-1")], day(2))
    assert Kind.COUNT not in {one.kind for one in desk.told}


def test_the_end_of_a_repeat_that_was_told_stands_under_the_first_id() -> None:
    desk = Desk(FEW)
    for hours, phase, opened_by in ((0, Phase.NEW, "t-1"), (1, Phase.END, "t-1"), (2, Phase.NEW, "t-3")):
        at = day(1) + timedelta(hours=hours)
        desk.take([found(at, kind=Kind.COUNT, phase=phase, opened_by=opened_by)], at)
    desk.take([found(day(2), kind=Kind.COUNT, phase=Phase.END, opened_by="t-3")], day(2))
    assert [one.phase for one in desk.told] == [Phase.NEW, Phase.END, Phase.UPDATE, Phase.END]
    assert {one.opened_by for one in desk.told} == {"t-1"}


def test_a_story_that_was_held_back_is_new_to_the_desk_when_it_goes_on_with_room() -> None:
    desk = Desk(FEW)
    crowded(desk, 4, day(1))
    desk.take([found(day(2), kind=Kind.TREND, opened_by="t-1")], day(2))
    later = day(9)
    desk.take([found(later, kind=Kind.TREND, phase=Phase.UPDATE, opened_by="t-1")], later)
    trend = [one for one in desk.told if one.kind is Kind.TREND]
    assert [(one.phase, one.opened_by) for one in trend] == [(Phase.NEW, "t-1")]


def test_a_story_from_before_the_budget_goes_on_as_an_update() -> None:
    desk = Desk(FEW)
    desk.take([found(day(1), kind=Kind.TREND, phase=Phase.UPDATE, opened_by="t-0")], day(1))
    assert [one.phase for one in desk.told] == [Phase.UPDATE]


def test_a_site_that_is_snoozed_gets_its_digest_when_that_is_over() -> None:
    desk = Desk(FEW, quiet=Quiet(snoozes=(Snooze("A", None, day(4)),)))
    crowded(desk, 6, day(1))
    desk.take([], day(3))
    n_before = len(desk.told)
    desk.take([], day(5))
    assert (n_before, desk.told[-1].seen_at) == (4, day(5).replace(hour=6, minute=0))


def test_what_was_called_false_meanwhile_is_not_listed() -> None:
    false = QuietPlace("A", Kind.ARRIVAL, "aircraft", place(4), LENGTH_M, day(30))
    desk = Desk(FEW)
    crowded(desk, 6, day(1))
    desk.quiet = Quiet(places=(false,))
    desk.take([], day(2))
    assert [line["lng"] for line in desk.told[-1].why[1:]] == [pytest.approx(place(5).lng)]


def test_the_budget_outlives_a_restart() -> None:
    desk = Desk(FEW)
    crowded(desk, 6, day(1))
    after = Desk(FEW, state=site_state.from_bytes(site_state.to_bytes(desk.state), SITE))
    after.take([found(day(1) + timedelta(hours=8), 20)], day(1) + timedelta(hours=8))
    assert (after.told, after.state.budget.n_waiting) == ([], 3)


def test_a_lower_budget_keeps_digests_a_week_in_step_with_it() -> None:
    assert [BudgetSettings(alerts_per_week=n).n_digests for n in (2, 3, 12, 21, 100)] == [1, 1, 4, 7, 7]


def test_with_one_digest_a_week_the_second_waits_for_a_week() -> None:
    settings = BudgetSettings(alerts_per_week=2)
    desk = Desk(settings)
    for n in (1, 2, 3):
        crowded(desk, 3, day(n))
    due = digest_due_at(desk.state.budget, settings)
    assert due == day(9).replace(hour=6, minute=0)


MANY = st.lists(
    st.tuples(
        st.floats(0.0, 40.0),
        st.sampled_from([Kind.ARRIVAL, Kind.DEPARTURE, Kind.COUNT, Kind.DWELL]),
        st.sampled_from([Phase.NEW, Phase.NEW, Phase.UPDATE, Phase.END]),
        st.sampled_from([*Severity, Severity.MODERATE, Severity.MODERATE]),
        st.lists(st.integers(0, 12), max_size=2, unique=True),
    ),
    max_size=80,
)


def story_of(steps: list[tuple[float, Kind, Phase, Severity, list[int]]]) -> list[tuple[datetime, Finding]]:
    """Findings in order of time; updates and ends are of the rule's latest story."""
    at, story, opened = day(1), [], dict[Kind, Finding]()
    for hours, kind, phase, severity, stands in steps:
        at += timedelta(hours=hours)
        finding = found(at, *stands, kind=kind, phase=phase, severity=severity)
        if phase is not Phase.NEW:
            if kind not in opened:
                continue
            of = opened[kind]
            finding = replace(finding, opened_by=of.opened_by, severity=of.severity)
        else:
            opened[kind] = finding
        story.append((at, finding))
    return story


@given(MANY, st.integers(2, 40))
def test_whatever_is_found_the_budget_holds_and_nothing_is_lost(
    steps: list[tuple[float, Kind, Phase, Severity, list[int]]], alerts_per_week: int
) -> None:
    desk = Desk(BudgetSettings(alerts_per_week=alerts_per_week))
    story = story_of(steps)
    for at, finding in story:
        shares = desk.take([finding], at)
        assert (
            len([one for one in shares.told if one.finding.kind is not Kind.DIGEST]) + len(shares.held) == 1
        )
        if is_always_said(finding.severity):
            assert shares.told[-1].finding == finding
    assert desk.most_in_a_week <= alerts_per_week
    waiting = {alert_id(DEVICE, SITE.site_id, one.rule_id, one.opened_by) for one in desk.state.budget.held}
    begun = [one for _, one in story if one.phase is Phase.NEW]
    folded = {name for thread in desk.state.budget.threads for name in thread.also}
    lost = [
        one
        for one in begun
        if alert_id(DEVICE, SITE.site_id, one.rule_id, one.opened_by) not in desk.known | waiting
        and one.opened_by not in folded
    ]
    assert lost == []


@given(MANY)
def test_an_end_is_told_if_and_only_if_its_alert_is_open_at_the_desk(
    steps: list[tuple[float, Kind, Phase, Severity, list[int]]],
) -> None:
    desk = Desk(FEW)
    open_at_desk: set[tuple[str, str]] = set()
    for at, finding in story_of(steps):
        if is_always_said(finding.severity):
            continue
        for one in desk.take([finding], at).told:
            key = one.finding.rule_id, one.finding.opened_by
            if one.finding.phase is Phase.END:
                assert key in open_at_desk
                open_at_desk.remove(key)
            elif one.finding.phase is Phase.UPDATE:
                open_at_desk.add(key)
            elif one.finding.kind is not Kind.DIGEST:
                assert key not in open_at_desk
                open_at_desk.add(key)


@pytest.mark.parametrize("seed", range(3))
def test_with_ten_times_the_noise_the_budget_holds_and_no_severe_finding_is_lost(seed: int) -> None:
    told = month(seed, noise=10.0, n_days=10)
    assert told.n_unlimited > 1.5 * told.n_told
    assert told.most_in_a_week <= BudgetSettings().alerts_per_week
    assert (told.n_severe > 0, told.n_severe_lost) == (True, 0)
