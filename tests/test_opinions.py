"""What an operator's word on an alert does to the store."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge import opinions
from edge.geo import LngLat
from edge.monitor.finding import Finding, FoundObject, Kind, Phase, Severity
from edge.monitor.quiet import QuietSettings
from edge.opinions import MAX_PLACES, Result
from edge.store import Commit, Store
from edge.transmit.command import Refusal, Refused
from tests.transmit.make import (
    RECORDED_AT,
    SEEN_AT,
    make_alert,
    make_blind,
    make_finding,
    make_object,
    open_store,
)

SITE = "north-airfield"
SETTINGS = QuietSettings()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path)


def tell(store: Store, finding: Finding | None = None) -> str:
    """An alert of this finding, sent; its id."""
    alert = make_alert(finding)
    store.commit(Commit(done_at=RECORDED_AT, alerts=[alert]))
    return alert.alert_id


def say(store: Store, alert_id: str, *, is_true: bool = False, now: datetime = RECORDED_AT) -> Result:
    with store.transaction():
        return opinions.feedback(store, "pier-7", alert_id, is_true=is_true, now=now, settings=SETTINGS)


def snooze(store: Store, alert_id: str, days: float, *, is_whole_site: bool = False) -> Result:
    until_at = RECORDED_AT + timedelta(days=days)
    with store.transaction():
        return opinions.snooze(
            store, alert_id, until_at, is_whole_site=is_whole_site, now=RECORDED_AT, settings=SETTINGS
        )


def reason_of(result: Result) -> Refused | None:
    return result.reason if isinstance(result, Refusal) else None


def open_ids(store: Store) -> list[str]:
    return [one.alert_id for one in store.open_alerts(SITE)]


def test_false_keeps_each_object_of_an_alert_quiet_at_its_place(store: Store) -> None:
    alert_id = tell(store, make_finding(objects=(make_object(), second())))
    assert reason_of(say(store, alert_id)) is None
    places = store.quiet.at(SITE).places
    assert [(one.position, one.radius_m) for one in places] == [
        (LngLat(27.00312, 16.98421), 50.0),
        (LngLat(27.004, 16.985), 20.0),
    ]


def second() -> FoundObject:
    return FoundObject("a18", "aircraft", LngLat(27.004, 16.985), 20.0, 0.8, SEEN_AT, SEEN_AT)


def test_quiet_is_counted_from_now_or_from_the_look_if_that_is_later(store: Store) -> None:
    alert_id = tell(store)
    say(store, alert_id, now=RECORDED_AT)
    assert store.quiet.at(SITE).places[0].until_at == RECORDED_AT + timedelta(days=30)
    say(store, alert_id, now=datetime(2020, 1, 1, tzinfo=UTC))
    assert store.quiet.at(SITE).places[0].until_at == SEEN_AT + timedelta(days=30)


def test_what_was_made_quiet_is_quiet_after_a_restart(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    alert_id = tell(store)
    say(store, alert_id)
    snooze(store, alert_id, 3)
    assert open_store(tmp_path).quiet.at(SITE) == store.quiet.at(SITE)


def test_false_twice_is_false_once(store: Store) -> None:
    alert_id = tell(store)
    say(store, alert_id)
    say(store, alert_id)
    assert len(store.quiet.at(SITE).places) == 1


def test_a_false_alert_is_not_open_any_more(store: Store) -> None:
    alert_id = tell(store)
    say(store, alert_id)
    assert open_ids(store) == []
    [opened] = [one for one in store.outbox.retained(only_dirty=False) if one.topic.endswith("/open")]
    assert json.loads(opened.payload)["features"] == []


def test_true_lifts_it_by_another_alert_of_the_same_thing_too(store: Store) -> None:
    departed = tell(store)
    arrived = tell(store, make_finding(kind=Kind.ARRIVAL, opened_by="tile-2"))
    say(store, departed)
    assert say(store, arrived, is_true=True) == {"site": SITE, "lifted_places": 1, "lifted_rules": 0}
    assert store.quiet.at(SITE).places == ()


def test_true_on_something_else_lifts_nothing(store: Store) -> None:
    say(store, tell(store))
    other = tell(store, make_finding(opened_by="tile-2", objects=(second(),)))
    say(store, other, is_true=True)
    assert len(store.quiet.at(SITE).places) == 1


def test_a_false_count_keeps_its_rule_quiet(store: Store) -> None:
    alert_id = tell(store, make_finding(kind=Kind.COUNT, objects=()))
    assert reason_of(say(store, alert_id)) is None
    assert [one.rule_id for one in store.quiet.at(SITE).snoozes] == ["departure:aircraft@apron"]
    say(store, alert_id, is_true=True)
    assert store.quiet.at(SITE).snoozes == ()


def test_a_false_count_that_is_severe_is_always_told(store: Store) -> None:
    alert_id = tell(store, make_finding(kind=Kind.COUNT, objects=(), severity=Severity.SEVERE))
    assert reason_of(say(store, alert_id)) is Refused.ALWAYS_SAID


def test_blindness_cannot_be_called_false(store: Store) -> None:
    assert reason_of(say(store, tell(store, make_blind()))) is Refused.NO_PLACE


def test_an_alert_that_is_not_known_is_said(store: Store) -> None:
    assert reason_of(say(store, "0" * 12)) is Refused.UNKNOWN_ALERT
    assert reason_of(snooze(store, "0" * 12, 1)) is Refused.UNKNOWN_ALERT


def test_the_end_of_a_story_still_knows_its_objects(store: Store) -> None:
    tell(store, make_finding(kind=Kind.DWELL))
    alert_id = tell(store, make_finding(kind=Kind.DWELL, phase=Phase.END, objects=()))
    say(store, alert_id)
    assert len(store.quiet.at(SITE).places) == 1


def test_quiet_places_are_bounded(store: Store) -> None:
    crowd = tuple(
        FoundObject(f"a{n}", "aircraft", LngLat(27.0, 16.98), 20.0, 0.8, SEEN_AT, SEEN_AT)
        for n in range(MAX_PLACES)
    )
    assert reason_of(say(store, tell(store, make_finding(objects=crowd)))) is None
    assert reason_of(say(store, tell(store, make_finding(opened_by="tile-2")))) is Refused.TOO_MANY


def test_a_snooze_is_of_the_rule_or_of_the_site(store: Store) -> None:
    alert_id = tell(store)
    snooze(store, alert_id, 1)
    snooze(store, alert_id, 2, is_whole_site=True)
    assert [one.rule_id for one in store.quiet.at(SITE).snoozes] == [None, "departure:aircraft@apron"]


def test_a_rule_that_is_severe_cannot_be_snoozed(store: Store) -> None:
    alert_id = tell(store, make_finding(severity=Severity.SEVERE))
    assert reason_of(snooze(store, alert_id, 1)) is Refused.ALWAYS_SAID
    assert reason_of(snooze(store, alert_id, 1, is_whole_site=True)) is None


def test_a_snooze_exactly_at_the_limit_is_taken(store: Store) -> None:
    alert_id = tell(store)
    assert reason_of(snooze(store, alert_id, SETTINGS.max_snooze_days)) is None
    assert reason_of(snooze(store, alert_id, SETTINGS.max_snooze_days + 0.01)) is Refused.TOO_LONG


def test_a_read_story_goes_on_as_an_update_that_says_so(store: Store) -> None:
    alert_id = tell(store)
    with store.transaction():
        opinions.acknowledge(store, "pier-7", alert_id, RECORDED_AT)
    tell(store)
    told = [json.loads(one.body)["data"]["properties"] for one in store.alert(alert_id)]
    assert [(one["phase"], one.get("acked")) for one in told] == [("new", None), ("update", True)]


def test_what_has_ended_long_ago_is_swept_and_what_holds_is_not(store: Store) -> None:
    say(store, tell(store))
    before = store.quiet.at(SITE)
    with store.transaction():
        store.quiet.sweep(RECORDED_AT + timedelta(days=30))
    assert store.quiet.at(SITE) == before
    with store.transaction():
        store.quiet.sweep(RECORDED_AT + timedelta(days=30, seconds=1))
    assert store.quiet.at(SITE).places == ()
