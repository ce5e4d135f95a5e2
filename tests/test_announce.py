"""Home Assistant finds the device where the configuration says so, and forgets it where not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.broker import Broker, Subscriber, running_broker
from tests.e2e.archive import STORY, drop, site, write_archive, write_config
from tests.e2e.program import Daemon, running
from tests.transmit.test_home_assistant import rendered

TOPIC = "homeassistant/device/edge_pier-7/config"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running_broker(tmp_path) as broker:
        yield broker


@pytest.fixture
def listener(tmp_path: Path, broker: Broker) -> Iterator[Subscriber]:
    listener = Subscriber(broker, tmp_path)
    yield listener
    listener.stop()


def configured(
    folder: Path, broker: Broker, *, is_on: bool, rules: list[dict[str, Any]] | None = None
) -> Path:
    path = write_config(folder, broker.url)
    values = yaml.safe_load(path.read_text())
    values["transmit"]["mqtt"]["home_assistant"] = is_on
    if rules is not None:
        values["sites"]["field"] = site(rules=rules)
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    return path


def reloaded(daemon: Daemon) -> None:
    n_before = daemon.log_text().count("settings reloaded")
    daemon.ask_to_reload()
    daemon.wait_for("settings reloaded", n_before + 1)


def announced(listener: Subscriber, n: int) -> dict[str, Any]:
    """The entities of the n-th announcement, by their keys."""
    payload = listener.wait_for(n, TOPIC)[n - 1][1]
    found: dict[str, Any] = json.loads(payload)["components"]
    return found


def test_nothing_is_announced_unless_asked_for(tmp_path: Path, broker: Broker, listener: Subscriber) -> None:
    with running(configured(tmp_path / "device", broker, is_on=False)):
        listener.wait_for(1, "/health")
    assert listener.heard(TOPIC) == []


def test_an_announced_count_can_be_read_from_what_the_device_sends(
    tmp_path: Path, broker: Broker, listener: Subscriber
) -> None:
    [first] = write_archive(tmp_path / "tiles", STORY[:1])
    with running(configured(tmp_path / "device", broker, is_on=True)) as daemon:
        drop(daemon.spool, first)
        entity = announced(listener, 1)["field_count_aircraft@*"]
        [(topic, payload)] = listener.wait_for(1, "/inventory")[:1]
    assert entity["state_topic"] == topic
    assert rendered(entity["value_template"], payload) == "2"


def test_a_rule_that_is_gone_takes_its_entity_with_it(
    tmp_path: Path, broker: Broker, listener: Subscriber
) -> None:
    with running(configured(tmp_path / "device", broker, is_on=True)) as daemon:
        assert "unique_id" in announced(listener, 1)["field_count_aircraft@apron"]
        configured(tmp_path / "device", broker, is_on=True, rules=[{"arrival": "aircraft"}])
        reloaded(daemon)
        entities = announced(listener, 2)
    assert entities["field_count_aircraft@apron"] == {"platform": "sensor"}
    assert "unique_id" in entities["field_count_aircraft@*"]


def test_turned_off_while_it_runs_the_device_is_removed(
    tmp_path: Path, broker: Broker, listener: Subscriber
) -> None:
    with running(configured(tmp_path / "device", broker, is_on=True)) as daemon:
        announced(listener, 1)
        configured(tmp_path / "device", broker, is_on=False)
        reloaded(daemon)
        listener.wait_for_payload(b"", TOPIC)
    assert kept_by(broker, tmp_path) == []


def test_turned_off_while_it_was_stopped_the_device_is_removed(
    tmp_path: Path, broker: Broker, listener: Subscriber
) -> None:
    with running(configured(tmp_path / "device", broker, is_on=True)):
        announced(listener, 1)
    with running(configured(tmp_path / "device", broker, is_on=False)):
        listener.wait_for_payload(b"", TOPIC)
    assert kept_by(broker, tmp_path) == []


def test_a_site_that_is_not_watched_any_more_leaves_nothing_at_the_broker(
    tmp_path: Path, broker: Broker, listener: Subscriber
) -> None:
    first, second = write_archive(tmp_path / "tiles", STORY[:2])
    config = write_config(tmp_path / "device", broker.url)
    topics = ["edge/v1/pier-7/field/inventory", "edge/v1/pier-7/field/open"]
    with running(config) as daemon:
        drop(daemon.spool, first)
        drop(daemon.spool, second)
        for topic in topics:
            listener.wait_for(1, topic)
        write_config(tmp_path / "device", broker.url, sites={"harbour": site()})
        reloaded(daemon)
        for topic in topics:
            listener.wait_for_payload(b"", topic)
    late = Subscriber(broker, tmp_path, "edge/v1/pier-7/#")
    late.wait_for(1, "/health")
    assert late.heard("/field/inventory") == late.heard("/field/open") == []
    late.stop()


def kept_by(broker: Broker, folder: Path) -> list[tuple[str, bytes]]:
    """What a late joiner is told under Home Assistant's prefix; the device's own status comes first."""
    late = Subscriber(broker, folder, "#")
    late.wait_for(1, "/status")
    late.wait_for(1, "/health")
    heard = late.heard(TOPIC)
    late.stop()
    return heard
