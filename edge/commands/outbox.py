"""`edge outbox`: what waits, what was refused and why; retry or drop it."""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import asdict

import msgspec

from edge import commands, config
from edge.errors import StoreBroken
from edge.station import DATABASE, open_store
from edge.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the action and the rows."""
    commands.add_config(parser)
    parser.add_argument("action", nargs="?", choices=("list", "retry", "drop"), default="list")
    parser.add_argument(
        "seq", nargs="*", type=int, help="rows as `list` numbers them; without: every refused one"
    )
    parser.add_argument("--json", action="store_true", help="JSON Lines: one row a line")


def run(arguments: argparse.Namespace) -> int:
    """List, retry or drop, on the outbox of the configured device, running or not."""
    settings = config.load(arguments.config)
    if not (settings.state.folder / DATABASE).exists():
        raise StoreBroken(
            f"{settings.state.folder}: expected {DATABASE}, which the daemon makes; it has not run here yet"
        )
    with closing(open_store(settings)) as store:
        if arguments.action == "list":
            _list(store, as_json=arguments.json)
        else:
            change = store.outbox.retry if arguments.action == "retry" else store.outbox.drop
            n_rows = change(arguments.seq or None)
            print(f"{arguments.action}: {n_rows} messages")
    return 0


def _list(store: Store, *, as_json: bool) -> None:
    for entry in store.outbox.entries():
        if as_json:
            print(msgspec.json.encode(asdict(entry)).decode())
        else:
            reason = f"  {entry.reason}" if entry.reason else ""
            size = f"{entry.size_bytes:>7} B"
            print(f"{entry.seq:>8}  {entry.state:<7}  {entry.enqueued_at}  {size}  {entry.topic}{reason}")
