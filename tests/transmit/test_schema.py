from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from edge.acquire.fix import Fix
from edge.acquire.nmea import Mode
from edge.clock import Clock
from edge.geo import LngLat
from edge.health import Health, SiteHealth, StateFacts, TileCounts
from edge.health import to_json as health_json
from edge.monitor.finding import Count, Kind, Severity
from edge.schema import NAMES, schema_text
from edge.transmit.alert import evidence_of, to_json
from edge.transmit.outbox import OutboxStatistics
from edge.transmit.state import Standing, inventory_json, open_json
from tests.transmit.make import RECORDED_AT, SEEN_AT, make_alert, make_blind, make_finding, make_look


def check(name: str, message: bytes) -> Any:
    schema = json.loads(schema_text(name))
    found = json.loads(message)
    jsonschema.Draft202012Validator(schema).validate(found)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_is_itself_valid(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(schema_text(name)))


@pytest.mark.parametrize("kind", list(Kind))
def test_an_alert_of_every_kind_keeps_to_its_schema(kind: Kind) -> None:
    check("alert", to_json(make_alert(make_finding(kind=kind), look=make_look(), sequence=1)))


@pytest.mark.parametrize("severity", list(Severity))
def test_an_alert_of_every_severity_keeps_to_its_schema(severity: Severity) -> None:
    check("alert", to_json(make_alert(make_finding(severity=severity), sequence=1)))


def test_a_blind_alert_keeps_to_its_schema() -> None:
    check("alert", to_json(make_alert(make_blind(), sequence=1)))


def test_an_alert_with_pictures_keeps_to_its_schema() -> None:
    pictures = (evidence_of("before", b"1"), evidence_of("after", b"2"))
    check("alert", to_json(make_alert(evidence=pictures, sequence=1)))


def test_a_key_that_nobody_agreed_on_is_refused() -> None:
    message = json.loads(to_json(make_alert(sequence=1)))
    message["data"]["properties"]["mood"] = "calm"
    with pytest.raises(jsonschema.ValidationError, match="mood"):
        check("alert", json.dumps(message).encode())


def test_the_open_alerts_keep_to_their_schema() -> None:
    alerts = [to_json(make_alert(sequence=1)), to_json(make_alert(make_blind(), sequence=2))]
    found = check("open", open_json("pier-7", "north-airfield", RECORDED_AT, alerts, 2))
    assert [feature["properties"]["sequence"] for feature in found["features"]] == [1, 2]


def test_an_alert_with_the_device_s_own_place_keeps_to_the_schema() -> None:
    fix = Fix(RECORDED_AT, LngLat(27.0, -16.98), Mode.DIFFERENTIAL, 8, 0.9, None)
    found = check("alert", to_json(replace(make_alert(sequence=9), fix=fix)))
    assert found["data"]["properties"]["device"] == {
        "at": "2024-12-13T09:02:11Z",
        "lng": 27.0,
        "lat": -16.98,
        "mode": "differential",
        "n_satellites": 8,
        "hdop": 0.9,
        "altitude_m": None,
    }


def test_no_open_alert_keeps_to_the_schema_too() -> None:
    check("open", open_json("pier-7", "north-airfield", RECORDED_AT, [], 0))


def test_the_oldest_of_too_many_open_alerts_are_counted_and_not_told() -> None:
    found = check(
        "open", open_json("pier-7", "north-airfield", RECORDED_AT, [to_json(make_alert(sequence=9))], 7)
    )
    assert found["omitted"] == 6


def test_an_inventory_keeps_to_its_schema() -> None:
    standings = [
        Standing("aircraft", "apron", Count(9, 8, 10)),
        Standing("aircraft", None, Count(31, 29, 33)),
    ]
    check("inventory", inventory_json("pier-7", "north-airfield", SEEN_AT, 0.97, standings))


@pytest.mark.parametrize(
    "site", [SiteHealth(), SiteHealth(newest_look_at=SEEN_AT), SiteHealth(SEEN_AT, "too_dark", RECORDED_AT)]
)
def test_a_health_message_keeps_to_its_schema(site: SiteHealth) -> None:
    health = Health(
        device_id="pier-7",
        at=RECORDED_AT,
        version="0.1.0",
        clock=Clock.NTP,
        uptime_s=3600.0,
        sites={"north-airfield": site},
        tiles=TileCounts(3, 2, 1),
        outbox=OutboxStatistics(2, 1, 4096, {"minor": 5, "observation": 7}),
        link=None,
        state=StateFacts(),
        free_bytes=1,
        used_bytes=2,
        memory_bytes=3,
        temperature_c=61.5,
        models={"objects": "objects-2 sha256:" + "ab" * 32},
    )
    check("health", health_json(health))
