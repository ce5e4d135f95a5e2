"""The packed alert: what it keeps, what it costs, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import PayloadRefused
from edge.geo import LngLat
from edge.monitor.finding import Kind, Phase, Severity
from edge.transmit.alert import CLOCKS, to_json
from edge.transmit.brief import Brief, brief_of, device_number, name_number, site_number
from edge.transmit.packed import (
    MAX_MESSAGE_BYTES,
    MAX_RECORDS,
    RECORD_BYTES,
    Refusal,
    Refused,
    pack,
    unpack,
)
from tests.transmit.make import RECORDED_AT, SEEN_AT, make_alert, make_blind, make_finding, make_object

KEY = bytes(range(32))
KEYS = {"pier-7": KEY, "pier-8": bytes(32)}


def brief(**changed: object) -> Brief:
    return replace(brief_of(to_json(make_alert(sequence=4211))), **changed)  # type: ignore[arg-type]


def one(message: bytes) -> Brief | Refused:
    [found] = unpack(message, KEYS)
    return found


def reason(message: bytes) -> Refusal:
    found = one(message)
    assert isinstance(found, Refused)
    return found.reason


def test_an_alert_costs_one_credit_of_50_bytes() -> None:
    assert len(pack(brief(), KEY)) == RECORD_BYTES <= 50


def test_seven_alerts_fill_one_message() -> None:
    several = [brief(sequence=n) for n in range(MAX_RECORDS)]
    message = b"".join(pack(each, KEY) for each in several)
    assert MAX_RECORDS == 7
    assert len(message) <= MAX_MESSAGE_BYTES
    assert [found.sequence for found in unpack(message, KEYS) if isinstance(found, Brief)] == list(range(7))


def test_the_far_side_has_what_the_alert_said() -> None:
    found = one(pack(brief(), KEY))
    assert isinstance(found, Brief)
    assert found.alert_id == make_alert().alert_id
    assert (found.device_id, found.site_number) == ("pier-7", site_number("north-airfield"))
    assert (found.label_number, found.zone_number) == (name_number("aircraft"), name_number("apron"))
    assert (found.kind, found.severity, found.phase) == (Kind.DEPARTURE, Severity.MODERATE, Phase.NEW)
    assert (found.sequence, found.count, found.confidence, found.clock) == (4211, 1, 0.93, "gnss")
    assert found.position == LngLat(27.00312, 16.98421)
    assert (found.seen_at, found.recorded_at) == (SEEN_AT, RECORDED_AT.replace(second=0))


def test_an_alert_about_no_object_has_no_place() -> None:
    found = one(pack(brief_of(to_json(make_alert(make_blind(), sequence=1))), KEY))
    assert isinstance(found, Brief)
    assert (found.position, found.label_number, found.zone_number) == (None, None, None)


@pytest.mark.parametrize(("lng", "lat"), [(180.0, 90.0), (-180.0, -90.0), (0.0, 0.0), (-179.99999, 89.99999)])
def test_the_poles_and_the_antimeridian_have_a_place(lng: float, lat: float) -> None:
    found = one(pack(brief(position=LngLat(lng, lat)), KEY))
    assert isinstance(found, Brief)
    assert found.position == LngLat(lng, lat)


def test_a_count_beyond_16_bits_says_the_most_it_can() -> None:
    found = one(pack(brief(count=100_000), KEY))
    assert isinstance(found, Brief)
    assert found.count == 65_535


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (timedelta(minutes=-5), timedelta(0)),
        (timedelta(hours=68, minutes=15), timedelta(hours=68, minutes=15)),
        (timedelta(hours=69, minutes=59), timedelta(hours=69)),
        (timedelta(days=400), timedelta(hours=4095)),
    ],
    ids=["a clock set back", "minutes", "hours", "beyond"],
)
def test_when_it_was_made_is_told_ever_more_coarsely(after: timedelta, told: timedelta) -> None:
    found = one(pack(brief(recorded_at=SEEN_AT + after), KEY))
    assert isinstance(found, Brief)
    assert found.recorded_at - found.seen_at == told


def test_a_sight_before_1970_is_refused_with_its_field() -> None:
    with pytest.raises(PayloadRefused, match="seen_minute: expected 0 to 268435455, got -"):
        pack(brief(seen_at=datetime(1969, 12, 31, tzinfo=UTC)), KEY)


@pytest.mark.parametrize(
    "message",
    [b"", b"{}", b"\xff", b"[" * 2000, to_json(make_alert(sequence=1)).replace(b"edge/pier-7/", b"edge/")],
    ids=["nothing", "no alert", "no text", "a well", "no site"],
)
def test_what_is_no_alert_is_not_packed(message: bytes) -> None:
    with pytest.raises(PayloadRefused):
        brief_of(message)


@pytest.mark.parametrize("n_bytes", [0, 1, 47, 49, 95, 340, 8 * 48])
def test_a_message_that_is_not_whole_records_is_refused(n_bytes: int) -> None:
    assert reason(bytes(n_bytes)) is Refusal.WRONG_LENGTH


def test_another_version_is_refused() -> None:
    record = pack(brief(), KEY)
    assert reason(bytes([record[0] ^ 0x30]) + record[1:]) is Refusal.UNKNOWN_VERSION


def test_a_device_without_a_key_here_is_refused_with_its_number() -> None:
    found = one(pack(brief(device_id="pier-9"), KEY))
    assert isinstance(found, Refused)
    assert str(found).startswith("unknown_device: ")
    assert f"{device_number('pier-9'):08x}" in str(found)


def test_another_device_s_key_does_not_vouch() -> None:
    assert reason(pack(brief(), KEYS["pier-8"])) is Refusal.BAD_TAG


def test_a_shared_key_does_not_let_one_device_speak_for_another() -> None:
    shared = {"pier-7": KEY, "pier-8": KEY}
    record = pack(brief(), KEY)
    forged = pack(brief(device_id="pier-8"), KEY)[:40] + record[40:]
    [found] = unpack(forged, shared)
    assert isinstance(found, Refused)
    assert found.reason is Refusal.BAD_TAG


@given(st.integers(0, 8 * RECORD_BYTES - 1))
def test_no_bit_can_be_changed_unseen(bit: int) -> None:
    record = bytearray(pack(brief(), KEY))
    record[bit // 8] ^= 1 << bit % 8
    assert isinstance(one(bytes(record)), Refused)


def test_a_signed_record_that_means_nothing_is_malformed() -> None:
    assert reason(pack(brief(confidence=1.27), KEY)) is Refusal.MALFORMED


def test_one_bad_record_does_not_cost_the_others() -> None:
    good, bad = pack(brief(), KEY), bytes(RECORD_BYTES)
    found = unpack(good + bad + good, KEYS)
    assert [isinstance(each, Brief) for each in found] == [True, False, True]


def test_only_what_fits_the_id_is_an_id() -> None:
    with pytest.raises(PayloadRefused, match="alert: expected an id of 12 characters"):
        pack(brief(alert_id="ILOU"), KEY)


def test_a_clock_that_has_no_number_is_refused() -> None:
    with pytest.raises(PayloadRefused, match="expected one of gnss, ntp, rtc, untrusted, got 'sun'"):
        pack(brief(clock="sun"), KEY)


@given(
    kind=st.sampled_from(list(Kind)),
    severity=st.sampled_from(list(Severity)),
    phase=st.sampled_from(list(Phase)),
    clock=st.sampled_from(CLOCKS),
    sequence=st.integers(1, 2**32 - 1),
    count=st.integers(0, 65_535),
    confidence=st.integers(0, 100),
    exercise=st.booleans(),
    late=st.booleans(),
    lng=st.integers(-18_000_000, 18_000_000),
    lat=st.integers(-9_000_000, 9_000_000),
)
def test_every_value_comes_back(lng: int, lat: int, confidence: int, **values: object) -> None:
    position = LngLat(lng / 100_000, lat / 100_000)
    said = brief(position=position, confidence=confidence / 100, recorded_at=SEEN_AT, **values)
    assert one(pack(said, KEY)) == said


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_by_name_and_nothing_escapes(message: bytes) -> None:
    assert all(isinstance(found, Refused) for found in unpack(message, KEYS))


def test_the_first_object_is_the_place() -> None:
    finding = make_finding(objects=(make_object(1.0, 2.0), make_object(3.0, 4.0)))
    found = brief_of(to_json(make_alert(finding, sequence=1)))
    assert found.position == LngLat(1.0, 2.0)


def test_names_that_need_escaping_are_the_same_on_both_sides() -> None:
    message = json.loads(to_json(make_alert(sequence=1)))
    message["source"] = "edge/pier%207/north%20field"
    found = brief_of(json.dumps(message).encode())
    assert (found.device_id, found.site_number) == ("pier 7", site_number("north field"))
