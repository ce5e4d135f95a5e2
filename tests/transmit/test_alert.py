from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.monitor.finding import Phase
from edge.transmit.alert import MAX_EVIDENCE_BYTES, MAX_OBJECTS, alert_id, evidence_of, to_json
from tests.transmit.make import RECORDED_AT, make_alert, make_blind, make_finding, make_look, make_object

# CONTRACT.md's example, with the figures of the builders.
CONTRACT = (
    '{"specversion":"1.0","id":"ID","source":"edge/pier-7/north-airfield","type":"edge.alert.departure.v1",'
    '"time":"2024-12-13T08:30:00Z","recordedtime":"2024-12-13T09:02:11Z","sequence":4211,'
    '"dataschema":"edge/alert-v1.json","datacontenttype":"application/geo+json",'
    '"data":{"type":"Feature","id":"ID",'
    '"geometry":{"type":"MultiPoint","coordinates":[[27.00312,16.98421]]},'
    '"properties":{"phase":"new","kind":"departure","label":"aircraft","zone":"apron","severity":"moderate",'
    '"headline":"1 aircraft left apron; 8 to 10 remain","confidence":0.93,"exercise":false,"late":false,'
    '"clock":"gnss","count":1,"remaining":{"value":9,"low":8,"high":10},'
    '"objects":[{"track":"a17","label":"aircraft","lng":27.00312,"lat":16.98421,"score":0.912,'
    '"first_seen":"2024-12-01T08:30:00Z","last_seen":"2024-12-12T08:30:00Z"}],'
    '"look":{"tile":"north-airfield-0412","usable_fraction":0.97,"shift_px":[4.2,-1.0],"residual_px":0.6,'
    '"gsd_m":0.5},'
    '"why":[{"look":"2024-12-13T08:30:00Z","detected":false,"change":0.88,"log_odds":-3.1}],'
    '"models":{"objects":"objects-2 sha256:' + "ab" * 32 + '"},"config":"sha256:' + "cd" * 32 + '",'
    '"evidence":[{"role":"before","sha256":"SHA"}]}}}'
)


def test_an_alert_is_written_as_the_contract_says() -> None:
    picture = evidence_of("before", b"jpeg")
    alert = make_alert(look=make_look(), evidence=(picture,), sequence=4211)
    assert to_json(alert).decode() == CONTRACT.replace("ID", alert.alert_id).replace("SHA", picture.sha256)


def test_an_alert_without_objects_has_no_place() -> None:
    message = json.loads(to_json(make_alert(make_blind(), sequence=1)))
    assert message["data"]["geometry"] is None


def test_positions_are_told_to_a_centimetre() -> None:
    alert = make_alert(make_finding(objects=(make_object(lng=0.123456789, lat=-0.987654321),)), sequence=1)
    assert json.loads(to_json(alert))["data"]["geometry"]["coordinates"] == [[0.1234568, -0.9876543]]


def test_a_crowd_is_counted_in_full_and_listed_in_part() -> None:
    alert = make_alert(make_finding(objects=(make_object(),) * (MAX_OBJECTS + 1)), sequence=1)
    assert len(json.loads(to_json(alert))["data"]["properties"]["objects"]) == MAX_OBJECTS


def test_a_name_with_a_space_makes_a_valid_source() -> None:
    message = json.loads(to_json(make_alert(make_finding(site_id="north airfield"), sequence=1)))
    assert message["source"] == "edge/pier-7/north%20airfield"


def test_an_alert_is_not_written_before_the_store_gave_its_sequence() -> None:
    with pytest.raises(ValueError, match="sequence: expected a number from the store, got None"):
        to_json(make_alert())


def test_an_alert_recorded_in_local_time_is_refused() -> None:
    local: datetime = RECORDED_AT.astimezone(timezone(timedelta(hours=3)))
    with pytest.raises(ValueError, match="recorded_at: expected UTC"):
        make_alert(recorded_at=local)


def test_a_picture_above_48_kib_is_no_evidence() -> None:
    with pytest.raises(ValueError, match="evidence after: expected 1 to 49152 bytes, got 49153"):
        evidence_of("after", bytes(MAX_EVIDENCE_BYTES + 1))


@pytest.mark.parametrize(
    ("phase", "is_open"), [(Phase.NEW, True), (Phase.UPDATE, True), (Phase.END, False), (Phase.CANCEL, False)]
)
def test_a_story_is_open_until_it_ends_or_is_cancelled(phase: Phase, is_open: bool) -> None:
    assert make_alert(make_finding(phase=phase)).is_open is is_open


def test_an_id_never_changes_from_release_to_release() -> None:
    assert alert_id("pier-7", "north-airfield", "departure:aircraft@apron", "t-1") == "90G2KYCKC4GT"


NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(st.tuples(NAMES, NAMES, NAMES, NAMES))
def test_an_id_is_twelve_letters_that_can_be_read_out(parts: tuple[str, str, str, str]) -> None:
    found = alert_id(*parts)
    assert len(found) == 12
    assert set(found) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def test_different_stories_have_different_ids() -> None:
    assert len({alert_id("d", "s", "r", f"tile-{n}") for n in range(10_000)}) == 10_000
