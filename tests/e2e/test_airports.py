"""Real airports through the real daemon: what a replay of them tells comes over MQTT."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge.acquire.decode import DecodeSettings
from edge.replay import archive
from tests.broker import Broker, Subscriber
from tests.e2e.archive import drop, write_config
from tests.e2e.program import alerts_heard, replayed, running, told

AIRPORTS = Path(__file__).parents[3] / "shared" / "data" / "airports"
RULES = [{"arrival": "aircraft"}, {"departure": "aircraft"}, {"blind_hours": 72}]


def airport_sites() -> dict[str, Any]:
    """Each sequence as a site, on the ground of its first pass."""
    sites = {}
    for sidecar in sorted(AIRPORTS.glob("*/pass-1.json")):
        bbox = json.loads(sidecar.read_text())["bbox"]
        bounds = dict(zip(("west", "south", "east", "north"), bbox, strict=True))
        sites[sidecar.parent.name] = {"bounds": bounds, "rules": RULES}
    return sites


@pytest.mark.long
@pytest.mark.skipif(not AIRPORTS.is_dir(), reason="needs the airport sequences in ../shared/data")
def test_passes_dropped_one_by_one_tell_over_mqtt_what_a_replay_of_them_tells(
    tmp_path: Path, broker: Broker, listener: Subscriber
) -> None:
    models = {"objects": "shipped:objects"}
    config = write_config(tmp_path / "device", broker.url, sites=airport_sites(), models=models)
    expected = replayed(config, AIRPORTS)
    with running(config) as daemon:
        for n, tile in enumerate(archive(AIRPORTS, DecodeSettings()).tiles, 1):
            drop(daemon.spool, tile.image)
            daemon.wait_for("tile done", n)
        heard = alerts_heard(listener, len(expected))
    assert len(heard) > 40
    assert told(heard) == told(expected)
