"""`edge replay`: an archive through the same pipeline; nothing is sent."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import msgspec

from edge import __version__, config
from edge.acquire.decode import DecodeSettings
from edge.config import ModelsSettings, Settings
from edge.detect.model import Models, load, load_change
from edge.errors import ConfigFault, TileRefused
from edge.progress import progress
from edge.replay import ArchivedTile, Replay, Step, archive
from edge.report import html
from edge.report.collect import Collector
from edge.transmit.alert import Alert, to_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the folder and what is written."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="tiles with sidecars, in it and below")
    parser.add_argument(
        "-c", "--config", type=Path, metavar="FILE", help="without: each folder that holds tiles is a site"
    )
    parser.add_argument(
        "--observations", type=Path, metavar="F.jsonl", help="write one record a tile and site"
    )
    parser.add_argument(
        "--alerts", type=Path, metavar="F.jsonl", help="write the alerts (default: to stdout)"
    )
    parser.add_argument("--report", type=Path, metavar="DIR", help="write a page with pictures and counts")
    parser.add_argument(
        "--against", type=Path, metavar="OLD.yaml", help="print which alerts come (+) and go (-) against OLD"
    )
    parser.add_argument(
        "--threads", type=int, default=1, metavar="N", help="of the model (default: %(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Replay, write what was asked for, and say what became of the tiles; 1 if there was no tile."""
    if arguments.against and not arguments.config:
        raise ConfigFault("--against: expected a configuration to compare with (-c FILE), got none")
    settings = config.load(arguments.config) if arguments.config else None
    old = config.load(arguments.against) if arguments.against else None
    found = archive(arguments.folder, settings.decode if settings else DecodeSettings())
    replay = Replay(_models(settings, arguments.threads), settings)
    collector = Collector(replay.watched)
    outcomes: Counter[str] = Counter()
    alerts: list[Alert] = []
    for image, refused in found.refused:
        _say_refused(image, refused, outcomes)
    with ExitStack() as files:
        observations = _opened(arguments.observations, files)
        written = None if old else _opened(arguments.alerts, files) or sys.stdout.buffer
        for step in progress(replay.run(found.tiles), len(found.tiles), "replay", sys.stderr):
            _write(step, observations, written)
            _count(step, outcomes)
            alerts += step.alerts if old else ()
            if arguments.report:
                collector.add(step)
    if arguments.report:
        _write_report(arguments.report, collector, replay, arguments.folder)
    if old is not None:
        _say_difference(alerts, _alerts_under(old, found.tiles, arguments.threads))
    if replay.n_waiting:
        outcomes["held for the next digest"] += replay.n_waiting
    said = ", ".join(f"{n} {what}" for what, n in sorted(outcomes.items())) or "no tiles found"
    print(f"{arguments.folder}: {said}", file=sys.stderr)
    return 0 if found.tiles else 1


def _models(settings: Settings | None, threads: int) -> Models:
    wanted = ModelsSettings() if settings is None else settings.models
    change = None if wanted.change is None else load_change(wanted.change, threads=threads)
    return Models(load(wanted.objects, threads=threads), change)


def _opened(path: Path | None, files: ExitStack) -> BinaryIO | None:
    return None if path is None else files.enter_context(path.open("wb"))


def _write(step: Step, observations: BinaryIO | None, alerts: BinaryIO | None) -> None:
    if observations is not None:
        observations.writelines(msgspec.json.encode(outcome.record) + b"\n" for outcome in step.outcomes)
    if alerts is not None:
        alerts.writelines(to_json(alert) + b"\n" for alert in step.alerts)


def _count(step: Step, outcomes: Counter[str]) -> None:
    if step.refused is not None:
        _say_refused(step.file.image, step.refused, outcomes)
    for outcome in step.outcomes:
        outcomes[outcome.reject or "looked"] += 1
    outcomes["alerts"] += len(step.alerts)


def _say_refused(image: Path, refused: TileRefused, outcomes: Counter[str]) -> None:
    outcomes[refused.reason] += 1
    print(f"{image}: {refused}", file=sys.stderr)


def _write_report(folder: Path, collector: Collector, replay: Replay, archived: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "index.html"
    report = collector.report(
        f"Replay of {archived.resolve().name}", made_by=f"edge {__version__}", models=replay.models
    )
    page.write_text(html(report), encoding="utf-8")
    print(f"report: {page}", file=sys.stderr)


def _alerts_under(settings: Settings, tiles: Sequence[ArchivedTile], threads: int) -> list[Alert]:
    """The alerts of the same tiles under another configuration."""
    steps = Replay(_models(settings, threads), settings).run(tiles)
    return [alert for step in progress(steps, len(tiles), "against", sys.stderr) for alert in step.alerts]


def _say_difference(new: Sequence[Alert], old: Sequence[Alert]) -> None:
    """What came and what went; an alert's id follows from device, site, rule and look."""
    lines = {_key(alert): ("+", alert) for alert in new}
    for alert in old:
        if lines.pop(_key(alert), None) is None:
            lines[_key(alert)] = ("-", alert)
    for sign, alert in sorted(lines.values(), key=lambda line: (line[1].finding.seen_at, line[1].alert_id)):
        told = alert.finding
        print(f"{sign} {told.seen_at:%Y-%m-%dT%H:%MZ} {alert.site_id}: {told.severity}: {told.headline}")


def _key(alert: Alert) -> tuple[str, str]:
    return alert.alert_id, alert.finding.phase
