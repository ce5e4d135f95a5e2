"""`edge replay`: an archive through the same pipeline; nothing is sent."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import msgspec

from edge import config, shipped
from edge.acquire.decode import DecodeSettings
from edge.detect.model import load
from edge.errors import TileRefused
from edge.progress import progress
from edge.replay import Replay, Step, archive
from edge.transmit.alert import to_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the folder and what is written."""
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="tiles with their sidecars, in it and below"
    )
    parser.add_argument(
        "-c", "--config", type=Path, metavar="FILE", help="without: every folder with tiles is a site"
    )
    parser.add_argument(
        "--observations", type=Path, metavar="F.jsonl", help="write one record a tile and site"
    )
    parser.add_argument(
        "--alerts", type=Path, metavar="F.jsonl", help="write the alerts (default: standard output)"
    )
    parser.add_argument("--report", type=Path, metavar="DIR", help="write a page with pictures and counts")
    parser.add_argument(
        "--threads", type=int, default=1, metavar="N", help="of the model (default: %(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Replay, write what was asked for, and say what became of the tiles; 1 if there was no tile."""
    settings = config.load(arguments.config) if arguments.config else None
    found = archive(arguments.folder, settings.decode if settings else DecodeSettings())
    model = load(settings.models.objects if settings else shipped.model("objects"), threads=arguments.threads)
    replay = Replay(model, settings)
    outcomes: Counter[str] = Counter()
    for image, refused in found.refused:
        _say_refused(image, refused, outcomes)
    with ExitStack() as files:
        observations = _opened(arguments.observations, files)
        alerts = _opened(arguments.alerts, files) or sys.stdout.buffer
        for step in progress(replay.run(found.tiles), len(found.tiles), "replay", sys.stderr):
            _write(step, observations, alerts)
            _count(step, outcomes)
    said = ", ".join(f"{n} {what}" for what, n in sorted(outcomes.items())) or "no tiles found"
    print(f"{arguments.folder}: {said}", file=sys.stderr)
    return 0 if found.tiles else 1


def _opened(path: Path | None, files: ExitStack) -> BinaryIO | None:
    return None if path is None else files.enter_context(path.open("wb"))


def _write(step: Step, observations: BinaryIO | None, alerts: BinaryIO) -> None:
    if observations is not None:
        observations.writelines(msgspec.json.encode(outcome.record) + b"\n" for outcome in step.outcomes)
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
