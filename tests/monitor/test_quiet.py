"""What is kept quiet, and what never is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.geo import LngLat, moved_by
from edge.monitor.finding import Finding, Kind, Phase, Severity
from edge.monitor.quiet import Quiet, QuietPlace, QuietSettings, Snooze, heard
from edge.monitor.scene import Story
from tests.transmit.make import SEEN_AT, make_finding, make_object

HERE = LngLat(27.00312, 16.98421)
LENGTH_M = 50.0
ALERT = "7Q2M5K0C9T4E"
RULE = "departure:aircraft@apron"
LATER = SEEN_AT + timedelta(days=30)
STORY = Story(RULE, "tile-1", SEEN_AT)


def place(kind: Kind = Kind.DEPARTURE, radius_m: float = LENGTH_M) -> QuietPlace:
    return QuietPlace(ALERT, kind, "aircraft", HERE, radius_m, LATER)


def snooze(rule_id: str | None = RULE) -> Quiet:
    return Quiet(snoozes=(Snooze(ALERT, rule_id, LATER),))


def told(finding: Finding, quiet: Quiet, *, was_open: bool = False) -> tuple[int, dict[str, Story]]:
    """How many findings are told, and the stories after it."""
    before = {RULE: STORY} if was_open else {}
    after = {} if finding.phase is Phase.END else {RULE: replace(STORY, track_ids=("a9",))}
    found = heard([finding], before, after, quiet=quiet, at=SEEN_AT)
    return len(found.findings), dict(found.stories)


@given(
    bearing=st.floats(0, 6.28),
    radius_lengths=st.floats(0.01, 1.99),
    length_m=st.floats(1, 200),
    away=st.floats(2.0, 10.0),
)
def test_a_new_object_two_lengths_away_is_never_hidden(
    bearing: float, radius_lengths: float, length_m: float, away: float
) -> None:
    radius_m = QuietSettings(radius_lengths=radius_lengths).radius_lengths * length_m
    step = complex(away * length_m, 0) * complex(0, 1) ** bearing
    there = moved_by(HERE, step.real, step.imag)
    assert not place(radius_m=radius_m).hides(Kind.DEPARTURE, "aircraft", there, SEEN_AT)


def test_the_same_thing_half_a_length_off_is_hidden() -> None:
    assert place().hides(Kind.DEPARTURE, "aircraft", moved_by(HERE, LENGTH_M / 2, 0.0), SEEN_AT)


@pytest.mark.parametrize(
    ("kind", "label", "is_hidden"),
    [
        (Kind.DEPARTURE, "aircraft", True),
        (Kind.ARRIVAL, "aircraft", True),
        (Kind.MOVED, "aircraft", False),
        (Kind.DWELL, "aircraft", False),
        (Kind.DEPARTURE, "ship", False),
    ],
)
def test_only_the_same_kind_of_thing_is_hidden(kind: Kind, label: str, is_hidden: bool) -> None:
    assert place().hides(kind, label, HERE, SEEN_AT) is is_hidden


def test_what_was_called_an_aircraft_and_is_a_helicopter_now_stays_hidden() -> None:
    assert place().hides(Kind.DEPARTURE, "helicopter", HERE, SEEN_AT)


def test_quiet_ends_at_its_very_instant() -> None:
    assert place().hides(Kind.DEPARTURE, "aircraft", HERE, LATER - timedelta(seconds=1))
    assert not place().hides(Kind.DEPARTURE, "aircraft", HERE, LATER)


def test_a_finding_with_one_object_elsewhere_is_told() -> None:
    elsewhere = make_object(lng=27.01)
    quiet = Quiet((place(),))
    assert told(make_finding(), quiet)[0] == 0
    assert told(make_finding(objects=(make_object(), elsewhere)), quiet)[0] == 1


@pytest.mark.parametrize("severity", list(Severity))
@pytest.mark.parametrize("rule_id", [RULE, None], ids=["rule", "site"])
def test_a_snooze_never_hides_what_is_severe(severity: Severity, rule_id: str | None) -> None:
    n_told, _ = told(make_finding(severity=severity), snooze(rule_id))
    assert n_told == (severity in (Severity.SEVERE, Severity.EXTREME))


def test_a_snooze_of_another_rule_hides_nothing() -> None:
    assert told(make_finding(), snooze("arrival:ship@*"))[0] == 1


def test_a_story_that_would_begin_under_a_snooze_begins_after_it() -> None:
    assert told(make_finding(), snooze()) == (0, {})


def test_an_update_under_a_snooze_is_told_after_it() -> None:
    finding = make_finding(phase=Phase.UPDATE)
    assert told(finding, snooze(), was_open=True) == (0, {RULE: STORY})


def test_the_end_of_a_story_that_was_told_is_told() -> None:
    assert told(make_finding(phase=Phase.END), snooze(), was_open=True) == (1, {})


def test_without_anything_quiet_all_is_told_as_before() -> None:
    finding, stories = make_finding(), {RULE: STORY}
    found = heard([finding], {}, stories, quiet=Quiet(), at=SEEN_AT)
    assert (found.findings, found.stories, found.n_hidden) == ((finding,), stories, 0)


def test_what_has_ended_does_not_hold_any_more() -> None:
    quiet = Quiet((place(),), snooze().snoozes)
    assert quiet.at(LATER - timedelta(seconds=1)) == quiet
    assert quiet.at(LATER) == Quiet()
