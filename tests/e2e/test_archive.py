"""The field and a replay of it tell the same: whatever is cut off, and whenever."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

from tests.broker import Broker, Subscriber
from tests.e2e.archive import STORY, drop, write_archive, write_config
from tests.e2e.program import Daemon, alerts_heard, replayed, running, told, until


def test_tiles_that_come_one_by_one_tell_what_a_replay_of_them_tells(
    tmp_path: Path, broker: Broker, listener: Subscriber
) -> None:
    images = write_archive(tmp_path / "tiles", STORY[:5])
    config = write_config(tmp_path / "device", broker.url)
    expected = replayed(config, tmp_path / "tiles")
    with running(config) as daemon:
        for n, image in enumerate(images, 1):
            drop(daemon.spool, image)
            daemon.wait_for("tile done", n)
        heard = alerts_heard(listener, len(expected))
    assert {alert["data"]["properties"]["kind"] for alert in heard} == {"arrival", "departure", "count"}
    assert told(heard) == told(expected)


def test_a_daemon_that_is_killed_again_and_again_loses_nothing_and_repeats_nothing(
    tmp_path: Path, broker: Broker, listener: Subscriber
) -> None:
    images = write_archive(tmp_path / "tiles")
    config = write_config(tmp_path / "device", broker.url)
    expected = replayed(config, tmp_path / "tiles")
    daemon = Daemon(config)
    try:
        kill_at_random_moments(daemon, images[:10])
        for image in images[10:]:
            drop(daemon.spool, image)
        daemon.start()
        daemon.wait_until_done(len(images))
        heard = alerts_heard(listener, len(expected))
    finally:
        daemon.kill()
    assert daemon.rows("SELECT count(*), count(DISTINCT sha256) FROM tiles") == [(12, 12)]
    assert daemon.rows("SELECT count(*), count(DISTINCT tile_id) FROM looks") == [(12, 12)]
    assert list((daemon.spool / "quarantine").iterdir()) == []
    assert [alert["sequence"] for alert in heard] == list(range(1, len(expected) + 1))
    assert told(heard) == told(expected)


def kill_at_random_moments(daemon: Daemon, images: list[Path]) -> None:
    """Power cuts, each some milliseconds after the first of two new tiles was committed."""
    draw = random.Random(time.time_ns())
    for pair in zip(images[::2], images[1::2], strict=True):
        n_before = daemon.log_text().count("tile done")
        for image in pair:
            drop(daemon.spool, image)
        daemon.start()
        until(lambda: daemon.log_text().count("tile done") > n_before, daemon.log_text)  # noqa: B023 - called at once
        time.sleep(draw.uniform(0.0, 0.1))
        daemon.kill()


def test_alerts_made_while_the_broker_is_away_come_afterwards_once_the_severe_first(tmp_path: Path) -> None:
    stays = ("persistence true", f"persistence_location {tmp_path}/", "allow_anonymous true")
    broker, session = Broker(tmp_path, stays), ("-i", "desk", "-c", "-x", "3600")
    images = write_archive(tmp_path / "tiles", STORY[:6])
    config = write_config(tmp_path / "device", broker.url)
    expected = replayed(config, tmp_path / "tiles")
    broker.start()
    Subscriber(broker, tmp_path, "#", *session).stop()  # the desk is known to the broker from here on
    try:
        with running(config) as daemon:
            broker.stop()
            for image in images:
                drop(daemon.spool, image)
            daemon.wait_until_done(len(images))
            broker.start()
            desk = Subscriber(broker, tmp_path, "#", *session)
            alerts_heard(desk, len(expected))
            assert daemon.stop() == 0
        heard = [payload for _topic, payload in desk.heard("/alert")]
        desk.stop()
    finally:
        broker.kill()
    assert len(heard) == len(expected)
    order = [
        (told["data"]["properties"]["severity"] != "severe", told["sequence"])
        for told in map(json.loads, heard)
    ]
    assert order == sorted(order)
    assert sorted(sequence for _, sequence in order) == list(range(1, len(heard) + 1))
