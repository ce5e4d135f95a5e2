"""`edge archive`: the desk's archive of alerts and pictures; stores what comes, or lists what is stored."""

from __future__ import annotations

import argparse
import importlib
import re
import signal
import socket
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

from edge.commands import broker_arguments
from edge.errors import ConfigFault, EdgeError
from edge.monitor.finding import Kind, Severity
from edge.receive.archive import ArchiveSettings, run_archive
from edge.receive.archive_store import ArchiveStore, Asked, Kept, open_sqlite
from edge.receive.feed import Feed
from edge.receive.pictures import save_picture
from edge.receive.slot import Slot
from edge.transmit.link import Incoming
from edge.transmit.topics import Topics, checked_name

# As libpq reads a url, or its words KEY=VALUE: PostgreSQL, section 34.1.1.
_HOLDS_PASSWORD = re.compile(r"password\s*=|://[^@]*:[^@]*@")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the broker, the database, and what to list."""
    add = parser.add_argument
    add("broker", metavar="BROKER-URL", nargs="?", help="mqtt://HOST:1883 or mqtts://HOST:8883")
    add(
        "--database",
        required=True,
        metavar="FILE|URL",
        help="an SQLite file, or postgresql://USER@HOST/DATABASE",
    )
    add("--share", default="archive", metavar="NAME", help="archivers of one name divide the messages")
    add("--id", metavar="NAME", help="the broker's name for this archiver; without: the machine's, numbered")
    add("--keep-days", type=_days, metavar="DAYS", help="delete what came longer ago; without: never")
    broker_arguments.add_credentials(parser)
    _add_list_arguments(parser)


def _add_list_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("read what is stored")
    add = group.add_argument
    add("--list", action="store_true", help="show the newest alerts instead of storing new ones")
    add("--json", action="store_true", help="JSON Lines: the alerts as they came")
    add("--limit", type=int, default=100, metavar="N", help="at most so many (default: %(default)s)")
    add("--since", type=_instant, metavar="TIME", help="seen then or later, as 2024-12-13T08:30:00Z")
    add("--pictures", type=Path, metavar="DIR", help="save the pictures of what is shown")
    for name in ("device", "site"):
        add(f"--{name}", action="append", default=[], metavar="ID", help=f"only this {name}; may be repeated")
    add("--kind", action="append", default=[], choices=list(Kind), help="only this kind; may be repeated")
    add("--severity", choices=list(Severity), help="only alerts of this severity or a graver one")


def run(arguments: argparse.Namespace) -> int:
    """Store until interrupted, or list."""
    if arguments.list:
        _list(arguments)
        return 0
    if arguments.broker is None:
        print("edge archive: BROKER-URL: expected mqtt://HOST[:PORT] or mqtts://HOST[:PORT]", file=sys.stderr)
        return 2
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with closing(Slot(f"{arguments.broker} {arguments.share} {arguments.database}")) as slot:
        name = arguments.id or f"{socket.gethostname()}-{slot.name}"
        settings = ArchiveSettings(
            mqtt=broker_arguments.settings("edge archive", arguments),
            share=_name("share", arguments.share),
            client_id=f"edge-archive-{_name('id', name)}",
            keep_days=arguments.keep_days,
        )
        # The first time a fault of the database is the operator's to see; later ones pass.
        _open(arguments.database).close()
        run_archive(
            settings,
            open_store=lambda: _open(arguments.database),
            stop=stop,
            now=lambda: datetime.now(UTC),
        )
    return 0


def _is_postgres(database: str) -> bool:
    return database.startswith(("postgresql://", "postgres://"))


def _open(database: str) -> ArchiveStore:
    if _HOLDS_PASSWORD.search(unquote(database)):
        # Everybody on the machine can read the command line. The url itself is not told.
        raise ConfigFault("edge archive: --database: expected no password in it; use ?passfile=FILE")
    if not _is_postgres(database):
        return open_sqlite(Path(database))
    try:
        postgres = importlib.import_module("edge.receive.archive_postgres")
    except ModuleNotFoundError as missing:
        raise EdgeError(
            f"--database: expected the extra `archive` for PostgreSQL, {missing.name} is not installed: "
            "pip install 'edge-monitor[archive]'"
        ) from missing
    store: ArchiveStore = postgres.open_postgres(database)
    return store


def _list(arguments: argparse.Namespace) -> None:
    database = arguments.database
    if not _is_postgres(database) and not Path(database).exists():
        raise EdgeError(f"--database: {database}: expected a file that `edge archive` made, got none")
    asked = Asked(
        devices=arguments.device,
        sites=arguments.site,
        kinds=arguments.kind,
        severities=_from_severity(arguments.severity),
        since=arguments.since,
        limit=arguments.limit,
    )
    feed = Feed(json_lines=arguments.json)
    with closing(_open(database)) as store:
        for kept in store.alerts(asked):
            incoming = Incoming(Topics(kept.device).alert(kept.site), kept.body, is_retained=False)
            sys.stdout.writelines(f"{line}\n" for line in feed.lines(incoming))
            if arguments.pictures is not None:
                _save_pictures(store, kept, arguments.pictures)


def _save_pictures(store: ArchiveStore, kept: Kept, folder: Path) -> None:
    for n, jpeg in store.pictures(kept):
        save_picture(folder, Topics(kept.device).evidence(kept.site, kept.alert_id, n), jpeg)


def _from_severity(least: str | None) -> list[str]:
    """The severities from this one on; none where all are asked for."""
    return [] if least is None else [*map(str, Severity)][Severity(least).rank :]


def _name(option: str, name: str) -> str:
    try:
        return checked_name(name, f"--{option}")
    except ValueError as fault:
        raise ConfigFault(f"edge archive: {fault}") from None


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise argparse.ArgumentTypeError(f"expected a zone, as in 2024-12-13T08:30:00Z, got {text}")
    return instant


def _days(text: str) -> float:
    days = float(text)
    if not 0 < days <= 36_500:
        raise argparse.ArgumentTypeError(f"expected more than 0 and at most 36500 days, got {text}")
    return days
