"""What a desk finds at the broker after a few tiles: alerts, the inventory, the health, the observations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jsonschema
import pytest

from edge import __version__
from edge.schema import schema_text
from tests.broker import Subscriber, running_broker
from tests.e2e.archive import STORY, drop, site, write_archive, write_config
from tests.e2e.program import alerts_heard, running

PREFIX = "edge/v1/pier-7"


@dataclass(frozen=True, slots=True)
class Heard:
    """Everything that came live, and what a late joiner finds retained."""

    live: list[tuple[str, bytes]]
    retained: dict[str, bytes]

    def under(self, topic: str) -> Any:
        return json.loads(self.retained[f"{PREFIX}/{topic}"])


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Heard]:
    """Three tiles and one in the dark, then a late joiner."""
    folder = tmp_path_factory.mktemp("messages")
    images = write_archive(folder / "tiles", STORY[:3])
    with running_broker(folder) as broker:
        transmit = {"mqtt": {"url": broker.url}, "observations": True}
        # Sites that no tile ever shows are part of the health message too.
        sites = {
            "field": site(),
            "unseen": {"bounds": {"west": 1.0, "south": 1.0, "east": 1.1, "north": 1.1}},
        }
        config = write_config(folder / "device", sites=sites, transmit=transmit)
        early = Subscriber(broker, folder)
        with running(config) as daemon:
            for image in images:
                drop(daemon.spool, image)
            daemon.wait_until_done(3)
            alerts_heard(early, 2)
            early.wait_for(3, "/observation")
            assert daemon.stop() == 0
        # The health message at the start of a second life speaks of what the first one left.
        with running(config):
            early.wait_for(2, "/health")
            late = Subscriber(broker, folder)
            for topic in ("/field/inventory", "/field/open", "/health"):
                late.wait_for(1, topic)
            late.wait_for_payload(b"online", "/status")
            retained = dict(late.heard())
        early.stop()
        late.stop()
        yield Heard(early.heard(), retained)


def check(name: str, message: Any) -> None:
    jsonschema.Draft202012Validator(json.loads(schema_text(name))).validate(message)


def test_every_alert_keeps_to_its_schema(heard: Heard) -> None:
    alerts = [json.loads(payload) for topic, payload in heard.live if topic.endswith("/alert")]
    assert len(alerts) >= 2
    for alert in alerts:
        check("alert", alert)


def test_the_words_of_an_alert_go_before_its_pictures(heard: Heard) -> None:
    topics = [topic for topic, _ in heard.live if "/alert" in topic or "/evidence/" in topic]
    assert topics[0] == f"{PREFIX}/field/alert"
    assert f"{PREFIX}/field/evidence" in topics[1]


def test_the_inventory_says_what_stands_there(heard: Heard) -> None:
    inventory = heard.under("field/inventory")
    check("inventory", inventory)
    counts = {(one["label"], one["zone"]): one["value"] for one in inventory["counts"]}
    assert counts == {("aircraft", None): 3, ("aircraft", "apron"): 3}
    assert inventory["as_of"] == "2026-03-03T08:30:00Z"


def test_the_open_alerts_keep_to_their_schema(heard: Heard) -> None:
    check("open", heard.under("field/open"))


def test_the_health_says_when_each_site_was_seen(heard: Heard) -> None:
    health = heard.under("health")
    check("health", health)
    assert health["sites"]["field"]["newest_look_at"] == "2026-03-03T08:30:00Z"
    assert health["sites"]["unseen"]["newest_look_at"] is None


def test_the_health_names_what_runs(heard: Heard) -> None:
    health = heard.under("health")
    assert health["version"] == __version__
    assert health["models"]["objects"].startswith("blobs-1 sha256:")
    assert health["outbox"]["dead"] == 0


def test_an_observation_comes_for_every_tile_where_it_is_configured(heard: Heard) -> None:
    tiles = [json.loads(payload)["tile"] for topic, payload in heard.live if topic.endswith("/observation")]
    assert tiles == ["day-01", "day-02", "day-03"]
