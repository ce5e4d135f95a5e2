"""`edge feedback`: say on the device that an alert was false, or true after all; list what is kept quiet."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime

import msgspec

from edge import commands, config, opinions
from edge.config import Settings
from edge.errors import StoreBroken
from edge.monitor.quiet import QuietPlace, Snooze
from edge.station import DATABASE, open_store
from edge.store import Store
from edge.transmit.command import Refusal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the alert and the verdict."""
    commands.add_config(parser)
    parser.add_argument("alert", nargs="?", metavar="ALERT-ID", help="as `edge watch` and the alert show it")
    parser.add_argument(
        "verdict",
        nargs="?",
        choices=("false", "true"),
        help="false: quiet the same thing at the same place for a time; true: tell of it again",
    )
    parser.add_argument("--list", action="store_true", help="what is kept quiet, by whom and until when")
    parser.add_argument("--json", action="store_true", help="JSON Lines")
    parser.set_defaults(usage=parser.error)


def run(arguments: argparse.Namespace) -> int:
    """Say it or list it, beside the daemon, running or not; 1 where it was refused."""
    if arguments.list == (arguments.alert is not None) or (arguments.alert and not arguments.verdict):
        arguments.usage("expected ALERT-ID and false or true, or --list alone")
    settings = config.load(arguments.config)
    if not (settings.state.folder / DATABASE).exists():
        raise StoreBroken(
            f"{settings.state.folder}: expected {DATABASE}, which the daemon makes; it has not run here yet"
        )
    with closing(open_store(settings)) as store:
        if arguments.list:
            for line in _lines(store, datetime.now(UTC), as_json=arguments.json):
                print(line)
            return 0
        return _say(store, settings, arguments)


def _say(store: Store, settings: Settings, arguments: argparse.Namespace) -> int:
    is_true = arguments.verdict == "true"
    with store.transaction():
        result = opinions.feedback(
            store,
            settings.device.id,
            arguments.alert,
            is_true=is_true,
            now=datetime.now(UTC),
            settings=settings.quiet,
        )
    if isinstance(result, Refusal):
        print(f"edge feedback: {result.reason}: {result.detail}", file=sys.stderr)
        return 1
    if arguments.json:
        print(msgspec.json.encode(result).decode())
    else:
        print("  ".join(f"{key}={value}" for key, value in result.items()))
    return 0


def _lines(store: Store, now: datetime, *, as_json: bool) -> Iterator[str]:
    for site_id in store.quiet.site_ids():
        quiet = store.quiet.at(site_id).at(now)
        found: tuple[QuietPlace | Snooze, ...] = (*quiet.places, *quiet.snoozes)
        for one in found:
            yield _json(site_id, one) if as_json else _line(site_id, one)


def _json(site_id: str, quiet: QuietPlace | Snooze) -> str:
    return msgspec.json.encode({"site": site_id, "why": _why(quiet), **asdict(quiet)}).decode()


def _line(site_id: str, quiet: QuietPlace | Snooze) -> str:
    if isinstance(quiet, QuietPlace):
        at = quiet.position
        what = f"{quiet.label} within {quiet.radius_m:.0f} m of {at.lat:.5f} {at.lng:.5f}"
    else:
        what = quiet.rule_id or "the whole site"
    return f"{quiet.alert_id}  {_why(quiet):<7}  {site_id}  {what}  until {quiet.until_at:%Y-%m-%dT%H:%MZ}"


def _why(quiet: QuietPlace | Snooze) -> str:
    return "snoozed" if isinstance(quiet, Snooze) and not quiet.is_feedback else "false"
