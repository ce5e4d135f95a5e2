"""An exercise from end to end: a real daemon, a real broker, the shipped model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from edge.acquire.registration import Alignment
from edge.drill import library
from edge.drill.events import scene_of
from edge.drill.exercise import Ground, NoRoom, write_exercise
from edge.drill.scenario import Scenario
from edge.drill.watch import config_text, site_of
from edge.drill.write import write_scenario
from edge.monitor.coverage import Sight
from tests.broker import Subscriber, running_broker
from tests.e2e.archive import drop
from tests.e2e.program import Daemon, alerts_heard, run_edge, running
from tests.make import ground, make_look, make_site, make_tile

DAYS = """
site: field
present: [{id: a, kind: airliner_narrow, stand: N1}, {id: b, kind: transport, stand: S3}]
looks: [{at: FIRST}, {at: SECOND}]
"""
# In daylight where the site lies, and before the exercise, whatever the hour of this test.
DAY = (datetime.now(UTC) - timedelta(days=2)).replace(hour=9, minute=0, second=0, microsecond=0)


def scenario() -> Scenario:
    days = DAYS.replace("FIRST", f"{DAY:%Y-%m-%dT%H:%M:%SZ}")
    text = days.replace("SECOND", f"{DAY + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}")
    (site,) = library.parse(text, "days.yaml").sites
    return site


@contextmanager
def watched(tmp_path: Path, url: str | None) -> Iterator[tuple[Daemon, list[Path]]]:
    """A daemon that has seen the first of two looks; both images."""
    site = scenario()
    images = write_scenario(tmp_path / "tiles", site)
    values = yaml.safe_load(config_text([scene_of(site)]))
    values["spool"]["settle_s"] = 0
    values |= {} if url is None else {"transmit": {"mqtt": {"url": url}}}
    config = tmp_path / "edge.yaml"
    config.write_text(yaml.safe_dump(values))
    (tmp_path / "spool").mkdir()
    with running(config) as daemon:
        drop(daemon.spool, images[0])
        daemon.wait_until_done(1)
        yield daemon, images


def properties(alert: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = alert["data"]["properties"]
    return found


def test_an_exercise_goes_all_the_way_is_marked_everywhere_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with running_broker(tmp_path) as broker, watched(tmp_path, broker.url) as (daemon, images):
        listener = Subscriber(broker, tmp_path)
        before = daemon.rows("SELECT body FROM site_state")
        run = run_edge("drill", "field", "-c", daemon.config, "--json")
        assert run.returncode == 0, run.stderr
        said = json.loads(run.stdout)
        [alert] = alerts_heard(listener, 1)
        assert said["alerts"] == [alert]
        assert said["is_sent_on"]
        assert properties(alert)["exercise"]
        assert properties(alert)["headline"].startswith("EXERCISE: 1 aircraft arrived at the site")
        assert daemon.rows("SELECT body FROM site_state") == before
        assert daemon.rows("SELECT outcome FROM tiles WHERE tile_id LIKE 'exercise%'") == [("exercise",)]
        assert daemon.rows("SELECT count(*) FROM alerts WHERE is_open") == [(0,)]
        drop(daemon.spool, images[1])
        daemon.wait_until_done(3)
        assert daemon.rows("SELECT count(*) FROM alerts") == [(1,)]
        listener.stop()


def test_without_a_daemon_the_tile_is_taken_back(tmp_path: Path) -> None:
    with watched(tmp_path, None) as (daemon, _):
        assert daemon.stop() == 0
        run = run_edge("drill", "field", "-c", daemon.config, "--wait-s", "0.1")
        assert run.returncode == 1
        assert "expected the daemon to take it within 0.1 s, got nothing" in run.stderr
        assert daemon.waiting() == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("harbour",), 78, "SITE: expected one of field, got harbour"),
        (("field",), 1, "expected edge.sqlite, which the daemon makes; it has not run here yet"),
        ((), 78, "expected either SITE or --scenario NAME, got both or neither"),
        (("--scenario", "road"), 78, "expected --out FOLDER with --scenario, got none"),
        (("--scenario", "flood", "--out", "x"), 78, "expected one of airfield-days, "),
    ],
)
def test_what_cannot_be_drilled_is_refused(
    tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    config = tmp_path / "edge.yaml"
    (tmp_path / "spool").mkdir()
    config.write_text(config_text([scene_of(scenario())]))
    run = run_edge("drill", *arguments, "-c", config, cwd=tmp_path)
    assert run.returncode == code
    assert said in run.stderr


def test_a_scenario_is_rendered_into_a_folder_that_replays(tmp_path: Path) -> None:
    path = tmp_path / "days.yaml"
    text = DAYS.replace("FIRST", "2024-06-01T09:00:00Z").replace("SECOND", "2024-06-02T09:00:00Z")
    path.write_text(f"gsd_m: 2.0\n{text}")
    out = tmp_path / "out"
    assert run_edge("drill", "--scenario", path, "--out", out, "--seed", "5").returncode == 0
    assert sorted(one.name for one in out.iterdir()) == ["edge.yaml", "field", "spool"]
    replay = run_edge("replay", out, "-c", out / "edge.yaml")
    assert replay.returncode == 0, replay.stderr
    assert "2 looked" in replay.stderr


def test_a_folder_with_files_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    run = run_edge("drill", "--scenario", "road", "--out", tmp_path)
    assert run.returncode == 1
    assert "expected an empty or a new folder, got one with files" in run.stderr


def make_ground(width_px: int = 400) -> Ground:
    tile = make_tile(ground(width_px, width_px))
    sight = Sight(tile.tile_id, tile.acquired_at, tile.gsd_m, make_look(tile), Alignment.identity(tile.grid))
    return Ground(make_site(tile), tile.pixels, sight, ())


def test_what_arrives_lies_on_the_tile_and_on_plain_ground(tmp_path: Path) -> None:
    here = make_ground()
    plain = np.array(here.pixels)
    plain[220:380, 20:180] = 90
    sent = write_exercise(tmp_path, replace(here, pixels=plain), label="aircraft", zone=None, at=DAY)
    x, y = here.sight.alignment.pixel_at(sent.place.position)
    assert 20 < x < 180
    assert 220 < y < 380


def test_a_site_without_free_ground_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoRoom, match=r"the site: expected 54 m of free ground .*, got none"):
        write_exercise(tmp_path, make_ground(80), label="aircraft", zone=None, at=DAY)


def test_the_zones_of_a_rendered_site_are_zones_of_its_configuration() -> None:
    scene = scene_of(scenario())
    zones = yaml.safe_load(config_text([scene]))["sites"]["field"]["zones"]
    assert list(zones) == [zone.name for zone in site_of(scene).zones]
