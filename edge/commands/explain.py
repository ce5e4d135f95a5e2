"""`edge explain`: why an alert was made, decided once more from what the device keeps."""

from __future__ import annotations

import argparse
from contextlib import closing

from edge import commands, config
from edge.errors import StoreBroken
from edge.explain.explanation import explain, the_alert
from edge.explain.text import as_json, as_text
from edge.station import DATABASE, open_store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the alert and the form."""
    commands.add_config(parser)
    parser.add_argument(
        "alert",
        metavar="ALERT-ID",
        help="as `edge watch` and the alert show it; its first 4 characters or more will do",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Explain it, beside the daemon, running or not; 1 where it does not follow from what is kept."""
    settings = config.load(arguments.config)
    if not (settings.state.folder / DATABASE).exists():
        folder = settings.state.folder
        raise StoreBroken(f"{folder}: expected {DATABASE}, which the daemon makes; it has not run here yet")
    with closing(open_store(settings)) as store:
        explanation = explain(store, the_alert(store, arguments.alert))
    print(as_json(explanation).decode() if arguments.json else as_text(explanation))
    return int(not explanation.agrees)
