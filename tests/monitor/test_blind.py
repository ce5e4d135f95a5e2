"""When nobody could see."""

from __future__ import annotations

from edge.monitor.blind import blind
from edge.monitor.finding import Phase
from edge.monitor.rules import BlindRule
from tests.monitor.scenes import day

RULES = (BlindRule(blind_hours=72.0),)


def test_a_site_is_blind_from_the_instant_its_newest_look_is_too_old() -> None:
    (finding,), _ = blind("s", RULES, {}, newest_look_at=day(1), now=day(4), last_reject="clouded")
    assert (finding.phase, finding.seen_at) == (Phase.NEW, day(4))
    assert finding.why[0]["reason"] == "clouded"


def test_a_site_is_not_blind_just_before_the_limit() -> None:
    findings, _ = blind("s", RULES, {}, newest_look_at=day(1), now=day(3.99), last_reject=None)
    assert findings == ()


def test_blindness_is_told_once_and_ends_under_the_same_name() -> None:
    (new,), stories = blind("s", RULES, {}, newest_look_at=day(1), now=day(5), last_reject=None)
    again, stories = blind("s", RULES, stories, newest_look_at=day(1), now=day(6), last_reject=None)
    (end,), stories = blind("s", RULES, stories, newest_look_at=day(7), now=day(7), last_reject=None)
    assert again == ()
    assert (end.phase, end.opened_by) == (Phase.END, new.opened_by)
    assert stories == {}


def test_a_site_that_was_never_seen_is_not_blind_yet() -> None:
    findings, _ = blind("s", RULES, {}, newest_look_at=None, now=day(9), last_reject="clouded")
    assert findings == ()
