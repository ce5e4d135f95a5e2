from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.monitor.finding import Kind, Phase, Severity
from edge.receive.feed import Feed, Wanted, printable
from edge.transmit.alert import Alert, to_json
from edge.transmit.link import Incoming
from edge.transmit.state import open_json
from tests.transmit.make import RECORDED_AT, make_alert, make_blind, make_finding, make_object

TOPIC = "edge/v1/pier-7/north-airfield/alert"
OPEN = "edge/v1/pier-7/north-airfield/open"
STATUS = "edge/v1/pier-7/status"


def text(incoming: Incoming) -> list[str]:
    return Feed(json_lines=False).lines(incoming)


def alert(made: Alert) -> Incoming:
    return Incoming(TOPIC, to_json(made), is_retained=False)


def test_an_alert_is_told_in_two_lines() -> None:
    made = make_alert(sequence=4211)
    assert text(alert(made)) == [
        "2024-12-13T08:30:00Z  MODERATE  north-airfield  1 aircraft left apron; 8 to 10 remain",
        f"    departure new  confidence 0.93  16.98421 N 27.00312 E  pier-7 #4211  {made.alert_id}",
    ]


def test_an_alert_without_a_place_tells_none() -> None:
    made = make_alert(make_blind(), sequence=1)
    assert text(alert(made))[1] == f"    blind new  confidence 1.00  pier-7 #1  {made.alert_id}"


def test_an_exercise_says_so_before_anything_else() -> None:
    assert "Z  EXERCISE  MODERATE" in text(alert(make_alert(sequence=1, exercise=True)))[0]


def test_south_and_west_are_told_as_such() -> None:
    made = make_alert(make_finding(objects=(make_object(-70.5, -33.25),) * 3), sequence=1)
    assert "33.25000 S 70.50000 W and 2 more" in text(alert(made))[1]


def test_a_repeat_is_not_told_again() -> None:
    feed = Feed(json_lines=False)
    feed.lines(alert(make_alert(sequence=1)))
    assert feed.lines(alert(make_alert(sequence=1))) == []


def test_the_end_of_a_story_is_told_under_the_same_id() -> None:
    feed = Feed(json_lines=False)
    feed.lines(alert(make_alert(sequence=1)))
    assert "departure end" in feed.lines(alert(make_alert(make_finding(phase=Phase.END), sequence=2)))[1]


def test_a_change_of_a_device_is_told_once() -> None:
    feed = Feed(json_lines=False)
    said = (b"online", b"online", b"offline")
    found = [feed.lines(Incoming(STATUS, status, is_retained=False)) for status in said]
    assert found == [["pier-7 is online"], [], ["pier-7 is offline"]]


def opened(*, is_retained: bool) -> Incoming:
    messages = [to_json(make_alert(sequence=3))]
    return Incoming(
        OPEN, open_json("pier-7", "north-airfield", RECORDED_AT, messages, 1), is_retained=is_retained
    )


def test_a_late_joiner_is_told_the_open_alerts() -> None:
    assert text(opened(is_retained=True)) == text(alert(make_alert(sequence=3)))


def test_an_open_alert_that_was_told_before_is_not_told_again() -> None:
    feed = Feed(json_lines=False)
    feed.lines(alert(make_alert(sequence=3)))
    assert feed.lines(opened(is_retained=True)) == []


def test_the_open_alerts_of_a_device_that_just_connected_wait_for_its_alerts() -> None:
    assert text(opened(is_retained=False)) == []


def test_cleared_open_alerts_are_nothing() -> None:
    assert text(Incoming(OPEN, b"", is_retained=True)) == []


def test_json_lines_give_the_alert_as_it_came() -> None:
    made = make_alert(sequence=1)
    [line] = Feed(json_lines=True).lines(alert(made))
    assert line == to_json(made).decode()


def test_a_message_over_several_lines_is_still_one_json_line() -> None:
    pretty = json.dumps(json.loads(to_json(make_alert(sequence=1))), indent=2).encode()
    [line] = Feed(json_lines=True).lines(Incoming(TOPIC, pretty, is_retained=False))
    assert "\n" not in line


def test_json_lines_give_the_state_of_devices() -> None:
    [line] = Feed(json_lines=True).lines(Incoming(STATUS, b"online", is_retained=True))
    assert json.loads(line) == {"device": "pier-7", "status": "online"}


def test_nobody_can_write_to_the_terminal_through_a_headline() -> None:
    assert printable("\x1b[2Jgone\r\nü") == "\\x1b[2Jgone\\r\\nü"


SEVERE = alert(make_alert(make_finding(opened_by="b", severity=Severity.SEVERE), sequence=2))
ARRIVAL = alert(make_alert(make_finding(opened_by="c", kind=Kind.ARRIVAL), sequence=3))


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        (Wanted(), [True, True]),
        (Wanted(frozenset({"arrival"})), [False, True]),
        (Wanted(min_severity=Severity.MODERATE), [True, True]),
        (Wanted(min_severity=Severity.SEVERE), [True, False]),
        (Wanted(frozenset({"arrival"}), Severity.SEVERE), [False, False]),
    ],
)
def test_only_wanted_alerts_are_told(wanted: Wanted, shown: list[bool]) -> None:
    feed = Feed(json_lines=True, wanted=wanted)
    assert [bool(feed.lines(incoming)) for incoming in (SEVERE, ARRIVAL)] == shown


def test_a_severity_of_a_later_release_is_never_left_out() -> None:
    assert Wanted(min_severity=Severity.EXTREME).takes("arrival", "catastrophic")


def test_only_the_pictures_of_told_alerts_are_wanted() -> None:
    feed = Feed(json_lines=False, wanted=Wanted(frozenset({"arrival"})))
    feed.lines(SEVERE)
    feed.lines(ARRIVAL)
    ids = [json.loads(incoming.payload)["id"] for incoming in (SEVERE, ARRIVAL)]
    base = "edge/v1/pier-7/north-airfield/evidence"
    assert [feed.wants_picture(f"{base}/{alert_id}/0") for alert_id in ids] == [False, True]


def test_without_a_filter_every_picture_is_wanted() -> None:
    assert Feed(json_lines=False).wants_picture("edge/v1/pier-7/north-airfield/evidence/7Q2M5K0C9T4E/0")
    assert not Feed(json_lines=False).wants_picture(TOPIC)


JSON = st.recursive(st.none() | st.text(), st.lists)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_what_is_no_alert_is_refused_and_harms_nothing(payload: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any text will do, no other exception will
        text(Incoming(TOPIC, payload, is_retained=False))
