"""What the daemon holds open, and what becomes of one claim: read, process, commit, done, in that order.

The clock comes in as an argument; the loop, the signals and the last line of defence are the daemon's.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import msgspec

from edge import closeup
from edge.acquire import decode, reference
from edge.acquire.fix import Fix
from edge.acquire.kept import FreshPixels, KeptTiles
from edge.acquire.spool import Claim, Spool
from edge.acquire.tile import Rgb, Tile
from edge.clock import Clock
from edge.config import Settings, SiteSettings, to_site
from edge.detect.model import Models
from edge.errors import StoreBroken, TileRefused
from edge.geo import sites_under
from edge.grounds import Basis, grounded
from edge.health import BudgetHealth, QuietHealth, budget_health
from edge.monitor import state as site_state
from edge.monitor.blind import blind
from edge.monitor.digest import digest_due_at
from edge.monitor.finding import Finding
from edge.monitor.quiet import Heard, heard
from edge.monitor.scene import Story
from edge.monitor.state import SiteState
from edge.opinions import Result
from edge.pipeline import Counts, Known, SiteOutcome, Tools, WatchedSite, counts_of, process
from edge.rationing import Rationed, rationed
from edge.store import Commit, LookRecord, Store, TileDone
from edge.tell import Stamp, Told, alerts_of, drilled
from edge.together import Together, together
from edge.transmit.command import EvidenceRequest
from edge.transmit.outbox import Message
from edge.transmit.state import Standing, inventory_json
from edge.transmit.topics import Topics

log = logging.getLogger(__name__)

LOOKED = "looked"
OFF_SITE = "off_site"
REPEATED = "repeated"
EXERCISE = "exercise"
DATABASE = "edge.sqlite"


def watched_site(name: str, settings: SiteSettings) -> WatchedSite:
    """A site as the pipeline wants it."""
    return WatchedSite(
        to_site(name, settings),
        settings.rules,
        settings.quality,
        settings.registration,
        settings.reference,
        settings.inventory,
        settings.budget,
    )


class Station:
    """The state of all sites, and the way of a tile through it."""

    def __init__(
        self,
        settings: Settings,
        models: Models,
        store: Store,
        spool: Spool,
        fix: Callable[[], Fix | None] = lambda: None,
        *,
        keeps_tiles: bool = True,
    ) -> None:
        """Read the sites' states from the store.

        Raises StoreBroken where one of them cannot be read.

        keeps_tiles  False where there is no room for them: later alerts lack the picture before
        fix  the device's newest fix, or None
        """
        self._keeps_tiles = keeps_tiles
        folder = settings.state.folder
        self._settings = settings
        self._store = store
        self._spool = spool
        self._models = models
        self._fix = fix
        with _writable(folder):
            self._kept = KeptTiles(folder / "tiles")
        self._fresh = FreshPixels()
        self._references_folder = folder / reference.FOLDER
        self._watched = {name: watched_site(name, site) for name, site in settings.sites.items()}
        self._references = {
            name: reference.load(self._references_folder, watched.site)
            for name, watched in self._watched.items()
        }
        self._states = {name: self._stored_state(name) for name in self._watched}
        self._topics = Topics(settings.device.id)
        self._n_hidden: Counter[str] = Counter()

    @property
    def models(self) -> Mapping[str, str]:
        """Task to "NAME sha256:HEX" of what runs."""
        return self._models.names

    @property
    def states(self) -> Mapping[str, SiteState]:
        """Each site as it stands."""
        return self._states

    def take(self, claim: Claim, now: datetime, clock: Clock) -> str:
        """One claim to its end; the outcome in one word.

        Raises TileRefused where the file is no tile, and StoreBroken where the disk fails.

        now  by the device's clock; only a trusted one can tell that a tile is from the future
        """
        if self._store.seen(claim.sha256):
            log.info("tile is known: file=%s sha256=%s", claim.name, claim.sha256)
            self._spool.done(claim)
            return REPEATED
        tile = self._read(claim, None if clock is Clock.UNTRUSTED else now)
        outcomes = self._process(tile)
        if tile.is_exercise:
            self._commit_exercise(tile, outcomes, now, clock)
            self._spool.done(claim)
            return EXERCISE
        self._save_references(outcomes)
        if self._keeps_tiles and any(outcome.reject is None for outcome in outcomes):
            with _writable(self._settings.state.folder):
                self._kept.keep(claim.image, tile.sha256)
            self._fresh.add(tile.sha256, tile.pixels)
        self._commit(tile, outcomes, now, clock)
        self._spool.done(claim)
        with _writable(self._settings.state.folder):
            self._kept.sweep({look.sha256 for state in self._states.values() for look in state.recent})
        self._fresh.only({state.recent[-1].sha256 for state in self._states.values() if state.recent})
        return _summary(outcomes)

    def tick(self, now: datetime, clock: Clock) -> bool:
        """Time went by without a tile: say so where a site has become blind; True if something was said.

        Nothing is judged by a clock that is not trusted.
        """
        if clock is Clock.UNTRUSTED:
            return False
        said = False
        for name in list(self._states):
            watched, state = self._watched[name], self._states[name]
            findings, stories = blind(
                name,
                watched.rules,
                state.stories,
                newest_look_at=state.newest_look_at,
                now=now,
                last_reject=state.last_reject,
            )
            audible = self._heard(name, findings, stories, now) if findings else None
            if audible is not None and audible.findings:
                told = [Told(finding, None) for finding in audible.findings]
                said |= self._say(told, {name: replace(state, stories=audible.stories)}, now, clock)
        if any(self._is_digest_due(name, now) for name in self._states):
            said |= self._say([], {}, now, clock)
        return said

    def _is_digest_due(self, name: str, now: datetime) -> bool:
        settings = self._watched[name].budget
        due_at = None if settings is None else digest_due_at(self._states[name].budget, settings)
        return due_at is not None and due_at <= now

    def _say(self, found: list[Told], states: dict[str, SiteState], now: datetime, clock: Clock) -> bool:
        """Commit what no tile is behind; True if something was told."""
        joined = self._together(found, states, now)
        states |= joined.states
        found += [Told(finding, None) for finding in joined.findings]
        shares = self._rationed(found, states, now)
        states |= shares.states
        basis = self._basis(states)
        if states:
            self._store.commit(
                Commit(
                    now,
                    site_states={name: site_state.to_bytes(after) for name, after in states.items()},
                    alerts=alerts_of(grounded(shares.told, basis), self._stamp(now, clock)),
                    held=alerts_of(grounded(shares.held, basis), self._stamp(now, clock)),
                )
            )
            self._states |= states
        return bool(shares.told)

    def _heard(
        self, name: str, findings: Sequence[Finding], stories: Mapping[str, Story], now: datetime
    ) -> Heard[Story]:
        quiet = self._store.quiet.at(name)
        return heard(findings, self._states[name].stories, stories, quiet=quiet, at=now)

    def quiet_of(self, name: str) -> QuietHealth:
        """What is kept quiet at a site, in numbers."""
        quiet, state = self._store.quiet.at(name), self._states[name]
        now = quiet if state.newest_look_at is None else quiet.at(state.newest_look_at)
        return QuietHealth(len(now.places), len(now.snoozes), self._n_hidden[name])

    def budget_of(self, name: str) -> BudgetHealth | None:
        """What a site has spent of its alerts by its newest look, or None where it has no budget."""
        settings, state = self._watched[name].budget, self._states[name]
        if settings is None:
            return None
        return budget_health(state.budget, state.newest_look_at, settings)

    def tell_inventories(self) -> None:
        """Say anew what stands on the sites: an operator may have made something quiet meanwhile."""
        for name, state in self._states.items():
            if state.newest_look_at is not None and state.recent:
                counts = counts_of(self._watched[name], state, self._models.objects)
                self._store.outbox.set_retained(*self._inventory(name, counts))

    def picture(self, command: EvidenceRequest, now: datetime) -> Result:
        """Queue what a command asked to see, inside the caller's transaction."""
        return closeup.queue(
            command,
            self._store,
            device_id=self._settings.device.id,
            states=self._states,
            pixels_of=self._past_pixels,
            now=now,
        )

    def _stored_state(self, name: str) -> SiteState:
        site = self._watched[name].site
        blob = self._store.site_state(name)
        return SiteState.empty(site) if blob is None else site_state.from_bytes(blob, site)

    def _read(self, claim: Claim, now: datetime | None) -> Tile:
        sites = [watched.site for watched in self._watched.values()]
        return decode.read(claim.image, claim.sidecar, sites, self._settings.decode, now, sha256=claim.sha256)

    def _process(self, tile: Tile) -> Sequence[SiteOutcome]:
        names = self._names_under(tile)
        quiet = self._store.quiet
        known = [
            Known(self._watched[name], self._states[name], self._references[name], quiet.at(name))
            for name in names
        ]
        return process(tile, known, Tools(self._models, self._settings.detect, self._past_pixels))

    def _names_under(self, tile: Tile) -> list[str]:
        """The sites that the tile shows; where its sender named one, that one alone."""
        sites = sites_under(tile.bounds, [watched.site for watched in self._watched.values()])
        names = [site.site_id for site in sites]
        return [tile.site_id] if tile.site_id in names else names

    def _past_pixels(self, sha256: str) -> Rgb | None:
        """An earlier tile; one that cannot be read any more costs a picture, not the alert."""
        if (pixels := self._fresh.of(sha256)) is not None:
            return pixels
        path = self._kept.path(sha256)
        try:
            return None if path is None else decode.pixels_of(path, self._settings.decode)[0]
        except TileRefused as refused:
            log.warning("kept tile cannot be read: sha256=%s detail=%s", sha256, refused.detail)
            return None

    def _save_references(self, outcomes: Sequence[SiteOutcome]) -> None:
        """Before the commit: a tile that is taken again lies on its own picture, without a shift."""
        for outcome in outcomes:
            if outcome.reference is not None:
                reference.save(self._references_folder, outcome.reference)
                self._references[outcome.site_id] = outcome.reference

    def _commit(self, tile: Tile, outcomes: Sequence[SiteOutcome], now: datetime, clock: Clock) -> None:
        told = [one for outcome in outcomes for one in outcome.told]
        states = {outcome.site_id: outcome.state for outcome in outcomes}
        joined = self._together(told, states, tile.acquired_at)
        told += [Told(finding, None) for finding in joined.findings]
        states |= joined.states
        shares = self._rationed(told, states, tile.acquired_at)
        states |= shares.states
        basis = self._basis(states, outcomes)
        site_ids = tuple(outcome.site_id for outcome in outcomes)
        self._store.commit(
            Commit(
                done_at=now,
                tile=TileDone(tile.sha256, tile.tile_id, site_ids, tile.acquired_at, _summary(outcomes)),
                site_states={name: site_state.to_bytes(state) for name, state in states.items()},
                looks=[_ledger_line(tile, outcome) for outcome in outcomes],
                alerts=alerts_of(grounded(shares.told, basis), self._stamp(now, clock)),
                held=alerts_of(grounded(shares.held, basis), self._stamp(now, clock)),
                messages=self._observations(outcomes),
                retained=dict(
                    self._inventory(outcome.site_id, replace(outcome.counts, state=outcome.state))
                    for outcome in outcomes
                    if outcome.counts is not None
                ),
            )
        )
        self._states |= states
        for outcome in outcomes:
            self._note_hidden(outcome)

    def _together(self, told: Sequence[Told], states: Mapping[str, SiteState], at: datetime) -> Together:
        """What the indicators of all sites make of what was told."""
        return together(self._watched, {**self._states, **states}, [one.finding for one in told], at)

    def _rationed(self, found: Sequence[Told], states: Mapping[str, SiteState], at: datetime) -> Rationed:
        """What of it the budgets of the sites let through."""
        return rationed(
            self._watched,
            {**self._states, **states},
            found,
            at,
            device_id=self._settings.device.id,
            quiet_of=self._store.quiet.at,
        )

    def _basis(self, states: Mapping[str, SiteState], outcomes: Sequence[SiteOutcome] = ()) -> Basis:
        """What the findings of these outcomes rest on, for `edge explain`."""
        by_site = {outcome.site_id: outcome for outcome in outcomes}
        return Basis(self._watched, self._states, {**self._states, **states}, self._store.quiet.at, by_site)

    def _note_hidden(self, outcome: SiteOutcome) -> None:
        if outcome.n_hidden:
            self._n_hidden[outcome.site_id] += outcome.n_hidden
            log.info("kept quiet: site=%s changes=%d", outcome.site_id, outcome.n_hidden)

    def _commit_exercise(
        self, tile: Tile, outcomes: Sequence[SiteOutcome], now: datetime, clock: Clock
    ) -> None:
        """Its alerts go out as those of any tile; inventory, reference and ledger stay as they are."""
        told = drilled([one for outcome in outcomes for one in outcome.told])
        stamp = replace(self._stamp(now, clock), exercise=True)
        site_ids = tuple(outcome.site_id for outcome in outcomes)
        done = TileDone(tile.sha256, tile.tile_id, site_ids, tile.acquired_at, EXERCISE)
        basis = self._basis({outcome.site_id: outcome.state for outcome in outcomes}, outcomes)
        self._store.commit(Commit(done_at=now, tile=done, alerts=alerts_of(grounded(told, basis), stamp)))

    def _stamp(self, now: datetime, clock: Clock) -> Stamp:
        return Stamp(
            self._settings.device.id, now, self.models, self._settings.sha256, str(clock), fix=self._fix()
        )

    def _observations(self, outcomes: Sequence[SiteOutcome]) -> list[Message]:
        if not self._settings.transmit.observations:
            return []
        return [
            Message(self._topics.observation(outcome.site_id), msgspec.json.encode(outcome.record), qos=0)
            for outcome in outcomes
        ]

    def _inventory(self, site_id: str, counts: Counts) -> tuple[str, bytes]:
        """The retained message that says what stands on a site now."""
        state = counts.state
        zones = (None, *(zone.name for zone in self._watched[site_id].site.zones))
        standings = [
            Standing(label, zone, counts.of(label, zone), counts.index(label, zone))
            for label in counts.labels()
            for zone in zones
        ]
        as_of = state.newest_look_at
        assert as_of is not None, "a site that was looked at has a newest look"
        payload = inventory_json(
            self._settings.device.id,
            site_id,
            as_of,
            state.recent[-1].sight.look.usable_fraction,
            standings,
            quiet=self._store.quiet.at(site_id).at(as_of),
        )
        return self._topics.inventory(site_id), payload


def _ledger_line(tile: Tile, outcome: SiteOutcome) -> LookRecord:
    return LookRecord(outcome.site_id, tile.tile_id, tile.acquired_at, msgspec.json.encode(outcome.record))


def _summary(outcomes: Sequence[SiteOutcome]) -> str:
    """What became of the tile: looked at somewhere, or the first reason why not."""
    if not outcomes:
        return OFF_SITE
    return next((LOOKED for outcome in outcomes if outcome.reject is None), outcomes[0].reject or LOOKED)


def open_store(settings: Settings) -> Store:
    """The store in the state folder, which is made where it is missing."""
    folder: Path = settings.state.folder
    with _writable(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return Store(folder / DATABASE, settings.transmit.outbox)


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """What the disk refuses in the block is a fault of the disk, never of the tile at hand."""
    try:
        yield
    except OSError as error:
        raise StoreBroken(f"{folder}: expected a folder that can be written, got: {error}") from error
