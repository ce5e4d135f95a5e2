"""What Home Assistant is told: it must be able to read our real messages by it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import jinja2
import pytest

from edge import health
from edge.clock import Clock
from edge.monitor.finding import Count
from edge.transmit.alert import to_json
from edge.transmit.home_assistant import Counted, discovery, discovery_topic
from edge.transmit.outbox import OutboxStatistics
from edge.transmit.state import Standing, inventory_json, open_json
from tests.transmit.make import RECORDED_AT, make_alert, make_finding

SITES = {
    "north-airfield": [Counted("aircraft", None), Counted("aircraft", "apron"), Counted('odd "}}" one', None)]
}


def told(sites: dict[str, list[Counted]] = SITES, before: bytes = b"") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(discovery("pier-7", "1.2.3", sites, before))
    return found


def rendered(template: str, payload: bytes) -> str:
    """As Home Assistant renders it: an undefined variable is a fault here."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701 - no HTML
    try:
        value_json = json.loads(payload)
    except ValueError:
        value_json = None
    return environment.from_string(template).render(value=payload.decode(), value_json=value_json)


def state(key: str, payload: bytes) -> str:
    return rendered(told()["components"][key]["value_template"], payload)


def attributes(key: str, payload: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        rendered(told()["components"][key]["json_attributes_template"], payload)
    )
    return found


def inventory() -> bytes:
    standings = [
        Standing("aircraft", None, Count(9, 8, 10)),
        Standing("aircraft", "apron", Count(4, 3, 6)),
        Standing('odd "}}" one', None, Count(2, 2, 2)),
    ]
    return inventory_json("pier-7", "north-airfield", RECORDED_AT, 0.9, standings)


def health_message(temperature_c: float | None = 41.5) -> bytes:
    return health.to_json(
        health.Health(
            device_id="pier-7",
            at=RECORDED_AT,
            version="1.2.3",
            clock=Clock.NTP,
            uptime_s=1.0,
            sites={"north-airfield": health.SiteHealth(datetime(2024, 12, 13, 8, 30, tzinfo=UTC))},
            tiles=health.TileCounts(),
            outbox=OutboxStatistics(n_waiting=3, n_dead=1, size_bytes=10, n_dropped={}),
            link=None,
            state=health.StateFacts(in_memory=False, epoch=0, trouble=None),
            free_bytes=1000,
            used_bytes=10,
            memory_bytes=10,
            temperature_c=temperature_c,
            models={},
        )
    )


def test_every_entity_has_a_name_of_its_own_and_is_unavailable_with_the_device() -> None:
    components = told()["components"]
    assert len({one["unique_id"] for one in components.values()}) == len(components)
    assert {key for key, one in components.items() if "availability_topic" not in one} == {"connected"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("north-airfield_count_aircraft@*", "9"),
        ("north-airfield_count_aircraft@apron", "4"),
        ('north-airfield_count_odd "}}" one@*', "2"),
    ],
)
def test_a_count_is_read_from_the_inventory(key: str, value: str) -> None:
    assert state(key, inventory()) == value


def test_a_count_says_its_interval() -> None:
    assert attributes("north-airfield_count_aircraft@apron", inventory()) == {
        "low": 3,
        "high": 6,
        "as_of": "2024-12-13T09:02:11Z",
    }


def test_a_label_that_the_inventory_does_not_tell_of_is_none() -> None:
    empty = inventory_json("pier-7", "north-airfield", RECORDED_AT, 0.9, [])
    assert state("north-airfield_count_aircraft@*", empty) == "0"
    assert attributes("north-airfield_count_aircraft@*", empty)["high"] == 0


def test_the_last_alert_is_its_headline_with_its_facts() -> None:
    made = make_alert(sequence=1)
    assert state("north-airfield_alert", to_json(made)) == made.finding.headline
    facts = attributes("north-airfield_alert", to_json(made))
    assert (facts["id"], facts["severity"], facts["zone"]) == (made.alert_id, "moderate", "apron")


def test_a_long_headline_is_cut_to_what_a_state_can_hold() -> None:
    event = json.loads(to_json(make_alert(sequence=1)))
    event["data"]["properties"]["headline"] = "x" * 400
    assert len(state("north-airfield_alert", json.dumps(event).encode())) <= 255


def test_open_alerts_are_counted() -> None:
    messages = [to_json(make_alert(make_finding(opened_by=f"{n}"), sequence=n)) for n in range(3)]
    assert (
        state("north-airfield_open", open_json("pier-7", "north-airfield", RECORDED_AT, messages, 5)) == "5"
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("clock", "ntp"),
        ("outbox", "3"),
        ("dead", "1"),
        ("disk", "1000"),
        ("storage", "sound"),
        ("temperature", "41.5"),
        ("north-airfield_look", "2024-12-13T08:30:00Z"),
    ],
)
def test_the_health_of_the_device_is_read_from_its_message(key: str, value: str) -> None:
    assert state(key, health_message()) == value


def test_what_the_device_cannot_measure_is_unknown() -> None:
    # Home Assistant takes this word for "unknown".
    assert state("temperature", health_message(None)) == "None"


@pytest.mark.parametrize(("status", "is_on"), [(b"online", "ON"), (b"offline", "OFF"), (b"stopped", "OFF")])
def test_a_device_that_stopped_or_vanished_is_not_connected(status: bytes, is_on: str) -> None:
    assert state("connected", status) == is_on
    template = told()["components"]["clock"]["availability_template"]
    assert rendered(template, status) == ("online" if is_on == "ON" else "offline")


def test_the_last_picture_is_taken_from_the_evidence_of_the_site() -> None:
    picture = told()["components"]["north-airfield_picture"]
    assert picture["image_topic"] == "edge/v1/pier-7/north-airfield/evidence/+/+"
    assert (picture["platform"], picture["content_type"]) == ("image", "image/jpeg")


def test_an_entity_that_is_no_longer_configured_is_removed_by_name() -> None:
    before = discovery("pier-7", "1.2.3", SITES)
    after = told({"north-airfield": []}, before)["components"]
    assert after["north-airfield_count_aircraft@*"] == {"platform": "sensor"}
    assert told(SITES, json.dumps({"components": after}).encode()) == json.loads(before)


def test_the_topic_holds_only_what_home_assistant_takes_there() -> None:
    assert discovery_topic("pier-7") == "homeassistant/device/edge_pier-7/config"
    assert discovery_topic("pier.7") == "homeassistant/device/edge_pier_7/config"
