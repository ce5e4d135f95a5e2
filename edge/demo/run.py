"""The demo from end to end: renders, starts what it needs, sends tile after tile, compares, reports."""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TextIO

from edge import __version__
from edge.demo import words
from edge.demo.broker import running_broker
from edge.demo.listener import Heard, Listener
from edge.demo.process import Running, running
from edge.demo.stagecraft import config_text, site_of
from edge.demo.verdict import happened, told, verdict
from edge.drill.library import built_in
from edge.drill.render import Stage
from edge.drill.scenario import Scenario
from edge.drill.truth import Shot, truth_of
from edge.drill.write import play, stage_of, write_shot
from edge.geo import Grid, Site
from edge.report import Picture, Report, ReportAlert, SiteReport, html
from edge.report.facts import Event, look_of
from edge.report.thumbnail import site_picture

# Generous for a small board: the daemon loads a model, then each tile takes seconds.
_ONLINE_WITHIN_S = 60.0
_LOOK_WITHIN_S = 90.0
_POLL_S = 1.0


class _Show:
    """Sends one look after another and says what came of it."""

    def __init__(self, stage: Stage, listener: Listener, daemon: Running, spool: Path, out: TextIO) -> None:
        self.shots: list[Shot] = []
        self.dropped_s: dict[str, float] = {}
        self._stage = stage
        self._listener = listener
        self._daemon = daemon
        self._spool = spool
        self._out = out

    def begin(self) -> None:
        """Wait until the daemon has told the broker that it is there."""
        self._wait("come online", _ONLINE_WITHIN_S, lambda heard: heard.status == "online")

    def send(self, shot: Shot) -> None:
        """Drop a tile into the spool as a sender would, and wait until the daemon has told of it."""
        tile_id = self._tile_id(shot)
        self.shots.append(shot)
        self.dropped_s[tile_id] = time.monotonic()
        write_shot(self._spool, shot, self._stage)
        self._wait(f"tell of {tile_id}", _LOOK_WITHIN_S, lambda heard: heard.has_all_of(tile_id))
        heard = self._listener.heard
        _say(self._out, words.day_line(shot.moment, heard.observations[tile_id], heard.events_of(tile_id)))

    def numbers(self) -> dict[str, int]:
        """The number of each look, by its tile."""
        return {self._tile_id(shot): shot.moment.number for shot in self.shots}

    def _tile_id(self, shot: Shot) -> str:
        return f"{self._stage.scene.site_id}-{shot.moment.number}"

    def _wait(self, what: str, within_s: float, is_there: Callable[[Heard], bool]) -> None:
        deadline = time.monotonic() + within_s
        while not self._listener.wait_for(is_there, _POLL_S):
            self._daemon.check()
            if time.monotonic() > deadline:
                raise self._daemon.failed(f"did not {what} within {within_s:g} s")


def run_demo(folder: Path, out: TextIO, scenario: Scenario | None = None) -> int:
    """Show the main job; 0 only if alerts arrived over MQTT.

    folder    where the report goes
    out       takes the story
    scenario  what to render; eight days at an airfield for None
    """
    started_s = time.monotonic()
    scenario = scenario or built_in("airfield-days")
    stage = stage_of(scenario)
    site = site_of(stage)
    with _ended_by_sigterm(), tempfile.TemporaryDirectory(prefix="edge-demo-") as name:
        show, heard = _play(scenario, stage, site, Path(name), out)
    _say(out, "")
    for line in _summary(stage, site, heard, show):
        _say(out, line)
    _say(out, f"report     {_write_report(folder, _site_report(stage, site, heard, show), heard)}")
    _say(out, f"took       {time.monotonic() - started_s:.0f} s")
    return 0 if heard.alerts else 1


def _play(scenario: Scenario, stage: Stage, site: Site, folder: Path, out: TextIO) -> tuple[_Show, Heard]:
    """Everything that runs: broker, subscriber, daemon; they end in the reverse order."""
    spool, config = folder / "spool", folder / "edge.yaml"
    spool.mkdir()
    with running_broker(folder) as (url, name), Listener(url, out) as listener:
        config.write_text(config_text(site, folder, url), encoding="utf-8")
        command = [sys.executable, "-m", "edge", "run", "-c", str(config)]
        with running("daemon", command, folder / "daemon.log") as daemon:
            show = _Show(stage, listener, daemon, spool, out)
            show.begin()
            _say(out, f"{name} at {url}; {len(scenario.looks)} looks at {site.site_id}, rendered one by one")
            _say(out, f"They are dated {scenario.looks[0].at:%B %Y}: the daemon marks their alerts as late.")
            for shot in play(scenario, stage):
                show.send(shot)
        listener.wait_for(lambda heard: heard.status == "stopped", _POLL_S)
    return show, listener.heard


def _summary(stage: Stage, site: Site, heard: Heard, show: _Show) -> list[str]:
    """What was told against what was rendered, and how long it took."""
    events = [alert.event for alert in heard.alerts]
    grid = Grid(stage.bounds, *stage.raster.tile_px)
    truth = happened(truth_of(stage, show.shots), grid, site.zones[0])
    delays_s = [
        alert.at_s - show.dropped_s[tile_id]
        for alert in heard.alerts
        if (tile_id := alert.tile_id) is not None
    ]
    records = [heard.observations[tile_id] for tile_id in show.dropped_s]
    result = verdict(truth, told(events, show.numbers()))
    return words.summary(result, records, events, heard.n_pictures(), delays_s)


def _site_report(stage: Stage, site: Site, heard: Heard, show: _Show) -> SiteReport:
    """The report of what came over MQTT; only the picture of the site is the renderer's."""
    looks = tuple(look_of(heard.observations[tile_id]) for tile_id in show.dropped_s)
    seen = [shot for shot, look in zip(show.shots, looks, strict=True) if look.rejected is None]
    picture = None
    if seen:
        last = seen[-1]
        picture = site_picture(last.view.pixels, stage.bounds, site.bounds, last.moment.at)
    alerts = tuple(_report_alert(alert.event, heard) for alert in heard.alerts)
    return SiteReport(site, looks, alerts, picture)


def _report_alert(event: Event, heard: Heard) -> ReportAlert:
    named = event.data.properties.evidence
    shown = tuple(
        Picture(one.role, heard.pictures[one.sha256]) for one in named if one.sha256 in heard.pictures
    )
    return ReportAlert(event, shown)


def _write_report(folder: Path, site: SiteReport, heard: Heard) -> Path:
    """The page on the disk, whole or not at all."""
    models = {
        task: name for alert in heard.alerts for task, name in alert.event.data.properties.models.items()
    }
    report = Report("edge demo: a rendered airfield", f"edge {__version__}", (site,), models)
    folder.mkdir(parents=True, exist_ok=True)
    page, part = folder / "index.html", folder / ".index.html.part"
    part.write_text(html(report), encoding="utf-8")
    part.replace(page)
    return page


def _say(out: TextIO, line: str) -> None:
    out.write(f"{line}\n")
    out.flush()


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl-C does: what it started is stopped and its folder removed."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
