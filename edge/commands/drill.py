"""`edge drill`: an arrival that nobody flew through the chain of the field, or a scenario with its truth."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from edge import commands, config
from edge.acquire import decode
from edge.acquire.kept import KeptTiles
from edge.config import Settings, to_site
from edge.drill import library
from edge.drill.exercise import ARRIVALS, Exercise, Ground, write_exercise
from edge.drill.write import CONFIG, write_story
from edge.errors import ConfigFault, EdgeError, StoreBroken
from edge.monitor import state as site_state
from edge.monitor.rules import ArrivalRule
from edge.progress import progress
from edge.station import DATABASE, open_store
from edge.store import Store, StoredAlert
from edge.transmit.alert import alert_id

_POLL_S = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the two things it does."""
    parser.add_argument("site", nargs="?", metavar="SITE", help="send an exercise to the daemon of this site")
    commands.add_config(parser)
    parser.add_argument(
        "--wait-s", type=float, default=120.0, metavar="S", help="for the alert (default: %(default)g)"
    )
    parser.add_argument("--json", action="store_true", help="of an exercise: what became of it as JSON")
    parser.add_argument(
        "--scenario", metavar="NAME", help=f"render one of {', '.join(library.names())}, or a YAML file"
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where its tiles, truth and edge.yaml go")
    parser.add_argument("--seed", type=int, metavar="N", help="another day, other stands, the same story")


def run(arguments: argparse.Namespace) -> int:
    """Do the one that was asked for; 1 where an exercise brought no alert."""
    if (arguments.site is None) == (arguments.scenario is None):
        raise ConfigFault("edge drill: expected either SITE or --scenario NAME, got both or neither")
    if arguments.scenario is not None:
        return _render(arguments)
    settings = config.load(arguments.config)
    return _exercise(settings, arguments)


def _render(arguments: argparse.Namespace) -> int:
    if arguments.out is None:
        raise ConfigFault("edge drill: expected --out FOLDER with --scenario, got none")
    if arguments.out.exists() and any(arguments.out.iterdir()):
        raise EdgeError(f"{arguments.out}: expected an empty or a new folder, got one with files")
    story = library.story(arguments.scenario)
    if arguments.seed is not None:
        story = library.varied(story, arguments.seed)
    n_tiles = sum(len(site.looks) for site in story.sites)
    for _ in progress(write_story(arguments.out, story), n_tiles, "render", sys.stderr):
        pass
    print(arguments.out)
    config_file = arguments.out / CONFIG
    print(f"{n_tiles} tiles. Replay them: edge replay {arguments.out} -c {config_file}", file=sys.stderr)
    return 0


def _exercise(settings: Settings, arguments: argparse.Namespace) -> int:
    """Write the tile, wait until the daemon has told of it, and say what it told."""
    rule = _rule(settings, arguments.site)
    if not (settings.state.folder / DATABASE).exists():
        raise StoreBroken(
            f"{settings.state.folder}: expected {DATABASE}, which the daemon makes; it has not run here yet"
        )
    with closing(open_store(settings)) as store:
        ground = _ground(settings, arguments.site, store)
        at = datetime.now(UTC).replace(microsecond=0)
        sent = write_exercise(settings.spool.folder, ground, label=rule.arrival, zone=rule.zone, at=at)
        sha256 = hashlib.sha256(sent.image.read_bytes()).hexdigest()
        _say(f"sent       {sent.image.name}: {sent.kind} at {_lng_lat(sent)}")
        started_s = time.monotonic()
        if not _wait(lambda: store.seen(sha256), arguments.wait_s):
            _take_back(sent)
            raise EdgeError(
                f"drill {sent.tile_id}: expected the daemon to take it within {arguments.wait_s:g} s, got "
                f"nothing; is `edge run` running on this configuration? The tile was taken back"
            )
        told = _told(settings, arguments.site, store, sent)
        left_s = max(0.0, arguments.wait_s - (time.monotonic() - started_s))
        is_sent_on = _sent_on(settings, store, told, left_s) if told else False
    result = _Result(sent, told, is_sent_on, time.monotonic() - started_s)
    for line in result.lines():
        _say(line)
    if arguments.json:
        print(result.json())
    return result.exit_code


def _rule(settings: Settings, site: str) -> ArrivalRule:
    """The first rule of the site that an arrival can set off."""
    if site not in settings.sites:
        raise ConfigFault(f"edge drill: SITE: expected one of {', '.join(settings.sites)}, got {site}")
    rules = [rule for rule in settings.sites[site].rules if isinstance(rule, ArrivalRule)]
    rule = next((rule for rule in rules if rule.arrival in ARRIVALS), None)
    if rule is None:
        labels = ", ".join(ARRIVALS)
        raise ConfigFault(f"sites.{site}.rules: expected an arrival rule on one of {labels}, got none")
    return rule


def _ground(settings: Settings, name: str, store: Store) -> Ground:
    """The newest usable look at the site, whose tile the daemon keeps."""
    site = to_site(name, settings.sites[name])
    blob = store.site_state(name)
    state = None if blob is None else site_state.from_bytes(blob, site)
    if state is None or not state.recent:
        raise EdgeError(f"site {name}: expected at least one usable look to draw on, got none yet")
    newest = state.recent[-1]
    path = KeptTiles(settings.state.folder / "tiles").path(newest.sha256)
    if path is None:
        raise EdgeError(f"site {name}: expected the tile of look {newest.sight.tile_id} to be kept, got none")
    pixels, _ = decode.pixels_of(path, settings.decode)
    return Ground(site, pixels, newest.sight, state.inventory.tracks)


def _told(settings: Settings, site: str, store: Store, sent: Exercise) -> list[StoredAlert]:
    """What any rule of the site said of the tile: an id follows from device, site, rule and look."""
    ids = (
        alert_id(settings.device.id, site, rule.rule_id, sent.tile_id) for rule in settings.sites[site].rules
    )
    return [alert for one in ids for alert in store.alert(one)]


@dataclass(frozen=True, slots=True)
class _Result:
    """What became of an exercise.

    told        its alerts, as they stand in the store
    is_sent_on  True where no link has anything of them left to do; None where none is configured
    """

    sent: Exercise
    told: list[StoredAlert]
    is_sent_on: bool | None
    took_s: float

    @property
    def exit_code(self) -> int:
        """1 where something on the way to the desk did not do its part."""
        return 0 if self.told and self.is_sent_on is not False else 1

    def lines(self) -> Iterator[str]:
        """For a person."""
        if not self.told:
            kind, label = self.sent.kind, self.sent.label
            yield f"told       nothing: no rule saw the {kind}; is the model good at {label} here?"
            return
        for alert in self.told:
            headline = msgspec.json.decode(alert.body)["data"]["properties"]["headline"]
            yield f"told       {alert.alert_id}: {headline}"
        if self.is_sent_on:
            yield f"sent on    after {self.took_s:.1f} s"
        else:
            why = "no link is configured" if self.is_sent_on is None else "no link took it yet"
            yield f"sent on    not: {why}; see `edge outbox`"

    def json(self) -> str:
        """For a program."""
        alerts = [msgspec.json.decode(alert.body) for alert in self.told]
        sent_on = {"is_sent_on": self.is_sent_on, "took_s": round(self.took_s, 1)}
        return json.dumps({"tile": self.sent.tile_id, "alerts": alerts, **sent_on})


def _sent_on(settings: Settings, store: Store, told: list[StoredAlert], within_s: float) -> bool | None:
    """Whether a link took everything in time; None where there is none."""
    if settings.transmit.mqtt is None:
        return None
    ids = {alert.alert_id for alert in told}
    return _wait(lambda: not any(entry.alert_id in ids for entry in store.outbox.entries()), within_s)


def _lng_lat(sent: Exercise) -> str:
    return f"{sent.place.position.lng:.5f}, {sent.place.position.lat:.5f}"


def _take_back(sent: Exercise) -> None:
    """A tile that nobody took must not be told hours later."""
    sent.image.unlink(missing_ok=True)
    sent.image.with_suffix(".json").unlink(missing_ok=True)


def _wait(is_done: Callable[[], bool], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while not is_done():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _say(line: str) -> None:
    print(line, file=sys.stderr)
