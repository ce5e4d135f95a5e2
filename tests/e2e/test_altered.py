"""An aircraft that is opened, stripped and gone, and ground that is built on, through the real daemon."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.broker import Subscriber, running_broker
from tests.e2e.archive import drop, write_config
from tests.e2e.program import alerts_heard, replayed, run_edge, running, told, until
from tests.e2e.stripped import sites, write_tiles

MODELS = {"objects": "shipped:objects", "change": "shipped:change"}


class Heard:
    """What a desk heard of the days, and what a replay of the same tiles tells."""

    def __init__(self, folder: Path) -> None:
        images = write_tiles(folder / "tiles")
        with running_broker(folder) as broker:
            self.config = write_config(folder / "device", broker.url, sites=sites(), models=MODELS)
            self.expected = replayed(self.config, folder / "tiles")
            desk = Subscriber(broker, folder)
            try:
                self.alerts = self._listen(desk, images)
            finally:
                desk.stop()

    def _listen(self, desk: Subscriber, images: list[Path]) -> list[dict[str, Any]]:
        """The alerts, with all of their pictures there."""
        with running(self.config) as daemon:
            for n, image in enumerate(images, 1):
                drop(daemon.spool, image)
                daemon.wait_until_done(n)
            alerts = alerts_heard(desk, len(self.expected))
            shown = [one["sha256"] for alert in alerts for one in alert["data"]["properties"]["evidence"]]
            until(lambda: set(shown) <= self._pictures(desk), lambda: f"expected pictures {shown}")
        return alerts

    def of(self, kind: str) -> list[dict[str, Any]]:
        found = [alert["data"] for alert in self.alerts]
        return [data for data in found if data["properties"]["kind"] == kind]

    @staticmethod
    def _pictures(desk: Subscriber) -> set[str]:
        return {hashlib.sha256(body).hexdigest() for topic, body in desk.heard() if "/evidence/" in topic}


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Heard:
    return Heard(tmp_path_factory.mktemp("stripped"))


def test_what_becomes_of_the_aircraft_is_one_story_under_one_id(heard: Heard) -> None:
    story = heard.of("altered")
    assert [one["properties"]["phase"] for one in story] == ["new", "update", "end"]
    assert len({one["id"] for one in story}) == 1


def test_the_story_says_each_step_with_its_instants(heard: Heard) -> None:
    *_, end = heard.of("altered")
    steps = end["properties"]["why"]
    assert [one["step"] for one in steps] == [1, 2]
    assert [(one["since"][:10], one["look"][:10]) for one in steps] == [
        ("2024-06-04", "2024-06-05"),
        ("2024-06-07", "2024-06-08"),
    ]


def test_the_ground_is_told_once_with_the_size_of_the_hall(heard: Heard) -> None:
    (one,) = heard.of("ground_change")
    (step,) = one["properties"]["why"]
    assert step["looks"] == 3
    # 30 by 22 m of roof, and at most the shadow of its 7 m beside it.
    assert 0.75 * 30 * 22 < step["area_m2"] < (30 + 7) * (22 + 7)


def test_every_alert_has_its_pictures_before_and_after(heard: Heard) -> None:
    for one in (*heard.of("altered"), *heard.of("ground_change")):
        assert [shown["role"] for shown in one["properties"]["evidence"]] == ["before", "after"]


def test_a_replay_of_the_tiles_tells_the_same(heard: Heard) -> None:
    assert told(heard.alerts) == told(heard.expected)


def test_each_alert_follows_from_what_is_kept(heard: Heard) -> None:
    for alert_id in {alert["id"] for alert in heard.alerts}:
        run = run_edge("explain", alert_id, "-c", heard.config, "--json")
        assert run.returncode == 0, run.stdout + run.stderr
        assert json.loads(run.stdout)
