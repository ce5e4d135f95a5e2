"""The daemon: the loop, the signals and the clock.

The only reader of the clock, and the only `except Exception`.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import FrameType

from edge import __version__, announce, clock, config, health, heap, shelter, time_file
from edge.acquire.fix import Fix
from edge.acquire.gnss import GnssSettings, Receiver
from edge.acquire.plausible import Heard
from edge.acquire.spool import Claim, Spool
from edge.acquire.tile import Rgb
from edge.clock import BUILT_AFTER, MAX_ERROR_S, Clock, Machine, Reading, Timekeeper
from edge.config import Settings
from edge.detect.choice import load_change_chosen, load_chosen
from edge.detect.manifest import Boxes, Model, Scores
from edge.detect.model import Models
from edge.errors import ConfigFault, DiskFull, ModelRefused, StoreBroken, StoreCorrupt, TileRefused
from edge.health import CommandHealth, Health, SiteHealth, StateFacts, TileCounts
from edge.opinions import Result
from edge.orders import Moment, Orders, Powers
from edge.shelter import State
from edge.station import EXERCISE, LOOKED, REPEATED, Station, open_store
from edge.tell import LATE_AFTER_S
from edge.transmit.command import EvidenceRequest
from edge.transmit.device_key import read_key
from edge.transmit.modem_tally import ModemStatistics, ModemTally
from edge.transmit.outbox import Outbox
from edge.transmit.reception import CommandCounts, Reception
from edge.transmit.satmodem_ledger import ModemLedger
from edge.transmit.satmodem_sender import ModemSender
from edge.transmit.satmodem_settings import SatmodemSettings
from edge.transmit.sbd import VIA, ModemState
from edge.transmit.sender import Sender
from edge.transmit.supervisor import Supervisor
from edge.transmit.tally import LinkStatistics, Tally
from edge.transmit.topics import Topics

log = logging.getLogger(__name__)

# Between two looks into an empty spool; a tile waits for its settle time anyway.
IDLE_S = 1.0
# After the store or the disk refused: often enough to go on soon, seldom enough to spare a failing card.
RETRY_S = 5.0
# What is given up of the pictures of past alerts where the disk is full: room for a few new alerts.
ROOM_BYTES = 4 * 1024 * 1024
HEALTH_EVERY_S = 60.0
# From an alert to the list of all that are open: by then the alert is on its way.
OPEN_AFTER_S = 0.3
# A desk that sends a command waits for what it did; a flood of them must not become one of health messages.
HEALTH_AFTER_COMMAND_S = 5.0
SWEEP_EVERY_S = 3600.0
# A quarter of the shortest WatchdogSec that makes sense.
WATCHDOG_EVERY_S = 0.5
# Commands done between two tiles: all that wait are a second's work, a picture takes a third of one.
COMMANDS_A_STEP = 8

MqttSupervisor = Supervisor[Sender, LinkStatistics]
ModemSupervisor = Supervisor[ModemSender, ModemStatistics]


class Reopen(Exception):
    """The state must be opened anew, from the disk or in memory."""

    def __init__(self, settings: Settings, damage: StoreCorrupt | None = None) -> None:
        super().__init__()
        self.settings = settings
        self.damage = damage


class Stopping(Exception):
    """The daemon must end in the middle of a tile; its claim is taken again at the next start."""


@dataclass(slots=True)
class Asked:
    """What the signals asked for; set by the handlers, read by the loop."""

    stop: threading.Event
    reload: threading.Event


def run(path: Path) -> None:
    """Run until SIGTERM or SIGINT.

    Raises ConfigFault, ModelRefused or StoreBroken where it cannot start.
    """
    heap.keep_pages()
    asked = Asked(threading.Event(), threading.Event())
    _listen(asked)
    todo: Reopen | None = Reopen(config.load(path))
    while todo is not None:
        todo = _run_on(path, todo, asked)


def _run_on(path: Path, opening: Reopen, asked: Asked) -> Reopen | None:
    """Run on one opening of the state; what to open next, or None at the end."""
    state = shelter.open_state(opening.settings, opening.damage)
    daemon = None
    try:
        daemon = Daemon(path, opening.settings, state, asked)
        daemon.loop()
    except StoreCorrupt as damage:
        return Reopen(opening.settings if daemon is None else daemon.configured, damage)
    except Reopen as reopen:
        return reopen
    finally:
        if daemon is not None:
            daemon.stop()
        state.store.close()
    return None


def _listen(asked: Asked) -> None:
    def on_signal(number: int, _frame: FrameType | None) -> None:
        (asked.reload if number == signal.SIGHUP else asked.stop).set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, on_signal)


class Daemon:
    """One process: a spool, a station, a sender for each link, and a receiver where there is one."""

    def __init__(
        self, path: Path, configured: Settings, state: State, asked: Asked, machine: Machine | None = None
    ) -> None:
        """Load the models and open everything; senders and receiver run from here on."""
        settings = state.settings
        self.configured = configured
        self._path = path
        self._state = state
        self._store = state.store
        self._asked = asked
        self._settings = settings
        self._machine = machine or Machine()
        self._timekeeper = Timekeeper(self._machine, self._store.known_time() or BUILT_AFTER)
        self._receiver = self._started_receiver(settings.gnss)
        self._was_doubtful = True
        self._spool = Spool(settings.spool)
        self._station = self._new_station(settings)
        announce.follow(settings, self._store.outbox)
        self._commands = CommandCounts()
        self._orders = Orders(self._store, settings.device.id, self._powers(), self._commands)
        self._sender = self._started_sender(settings)
        self._modem = self._started_modem(settings)
        self._modem_told = ModemState.STANDBY
        self._address = health.notify_address()
        self._started_s = time.monotonic()
        self._tiles = TileCounts()
        self._next_health_s = 0.0
        self._next_open_s = 0.0
        self._next_sweep_s = 0.0
        self._next_watchdog_s = 0.0
        self._n_commands_told = 0
        self._reopen_with: Settings | None = None

    def loop(self) -> None:
        """Tile by tile until asked to stop."""
        log.info("daemon is ready: device=%s sites=%d", self._settings.device.id, len(self._settings.sites))
        health.notify(f"{health.READY}\n{health.status('watching')}", self._address)
        while not self._asked.stop.is_set():
            if self._reopen_with is not None:
                raise Reopen(self._reopen_with)
            self._feed_watchdog()
            if self._asked.reload.is_set():
                self._reload()
            try:
                busy = self._step()
            except Stopping:
                break
            except StoreCorrupt:
                raise
            except StoreBroken as broken:
                self._bear(broken)
                self._asked.stop.wait(RETRY_S)
                continue
            if not busy:
                self._asked.stop.wait(IDLE_S)

    def _feed_watchdog(self) -> None:
        """Say that the work gets on; each of a tile's windows comes here, and a message for each is dear."""
        at_s = time.monotonic()
        if at_s >= self._next_watchdog_s:
            self._next_watchdog_s = at_s + WATCHDOG_EVERY_S
            health.notify(health.WATCHDOG, self._address)

    def _bear(self, broken: StoreBroken) -> None:
        """The disk refused something: make room, or move into memory, and say how it is."""
        log.error("state cannot be written, trying again: %s", broken)
        if not self._state.in_memory and not shelter.is_writable(self.configured.state.folder):
            self._reopen_with = self.configured
            return
        with suppress(StoreBroken):
            if isinstance(broken, DiskFull):
                self._store.make_room(ROOM_BYTES)
            self._do_what_is_due(self._timekeeper.read(self._heard()))

    def stop(self) -> None:
        """A clean end: `stopped` to the broker; what waits stays in the outbox."""
        if self._asked.stop.is_set():
            health.notify(health.STOPPING, self._address)
        if self._sender is not None:
            self._sender.stop()
        if self._modem is not None:
            self._modem.stop()
        if self._receiver is not None:
            self._receiver.stop()
        log.info("daemon has stopped: device=%s", self._settings.device.id)

    def _step(self) -> bool:
        """One claim, or what is due without one; True if there was a claim."""
        reading = self._timekeeper.read(self._heard())
        self._correct(reading)
        is_told = self._obey(reading.now, reading.clock)
        claim = self._spool.next_claim()
        if claim is not None:
            self._take(claim, reading.now, reading.clock)
            self._wake()
            self._put_off_open()
        elif self._station.tick(reading.now, reading.clock):
            self._wake()
        self._do_what_is_due(reading)
        return is_told or claim is not None

    def _put_off_open(self) -> None:
        """An alert first, then what is open: the two would only be in each other's way."""
        at_s = time.monotonic()
        if at_s >= self._next_open_s:
            self._next_open_s = at_s + OPEN_AFTER_S

    def _obey(self, now: datetime, clock: Clock) -> bool:
        """Do some of the commands that wait; True if there was one."""
        moment, n_done = Moment(now, clock is not Clock.UNTRUSTED), 0
        while n_done < COMMANDS_A_STEP and self._orders.take_next(moment, self._settings.quiet):
            n_done += 1
        if n_done:
            self._station.tell_inventories()
            self._wake()
        return n_done > 0

    def _powers(self) -> Powers:
        return Powers(
            facts=self._facts,
            picture=self._picture,
            reload=self._reload,
        )

    def _picture(self, command: EvidenceRequest, now: datetime) -> Result:
        """Of the station that runs when it is asked for: a reload makes a new one."""
        return self._station.picture(command, now)

    def _facts(self) -> dict[str, object]:
        """What a ping is told."""
        reading = self._timekeeper.read(self._heard())
        uptime_s = round(time.monotonic() - self._started_s, 1)
        config_sha256 = f"sha256:{self._settings.sha256}"
        return {
            "time": reading.now,
            "clock": reading.clock,
            "version": __version__,
            "uptime_s": uptime_s,
            "config": config_sha256,
        }

    def _take(self, claim: Claim, now: datetime, clock: Clock) -> None:
        try:
            outcome = self._station.take(claim, now, clock)
        except (Stopping, StoreBroken, ModelRefused):
            raise
        except TileRefused as refused:
            log.warning(
                "tile refused: file=%s reason=%s detail=%s", claim.name, refused.reason, refused.detail
            )
            self._quarantine(claim, refused)
        except Exception as error:
            # What is read of a damaged state may do anything: then it is not the tile's fault.
            self._store.require_sound()
            # One tile must not end the watch over all others: it goes aside with what it did.
            log.exception("tile failed: file=%s", claim.name)
            self._quarantine(claim, TileRefused("internal_error", f"{claim.name}: {error!r}"))
        else:
            log.info("tile done: file=%s outcome=%s", claim.name, outcome)
            self._count(outcome)

    def _quarantine(self, claim: Claim, refused: TileRefused) -> None:
        self._spool.quarantine(claim, refused)
        self._tiles = replace(self._tiles, n_quarantined=self._tiles.n_quarantined + 1)

    def _count(self, outcome: str) -> None:
        counts = self._tiles
        if outcome == LOOKED:
            self._tiles = replace(counts, n_done=counts.n_done + 1)
        elif outcome not in {REPEATED, EXERCISE}:
            self._tiles = replace(counts, n_rejected=counts.n_rejected + 1)

    def _do_what_is_due(self, reading: Reading) -> None:
        at_s = time.monotonic()
        if at_s >= self._next_open_s and self._store.tell_open(self._settings.device.id, reading.now):
            self._wake()
        self._check_modem()
        if self._commands.n_ended != self._n_commands_told:
            self._n_commands_told = self._commands.n_ended
            self._next_health_s = min(self._next_health_s, at_s + HEALTH_AFTER_COMMAND_S)
        if self._sender is not None and self._sender.check():
            self._store.require_sound()
        if at_s >= self._next_health_s:
            self._next_health_s = at_s + HEALTH_EVERY_S
            self._station.tell_inventories()
            if self._state.in_memory and shelter.is_writable(self.configured.state.folder):
                self._reopen_with = self.configured
                return
            self._store.outbox.set_retained(self._topics.health, health.to_json(self._health(reading)))
            self._wake()
            self._tell_time(reading)
        if at_s >= self._next_sweep_s:
            # Memory is small, and all that the device has.
            self._next_sweep_s = at_s + (HEALTH_EVERY_S if self._state.in_memory else SWEEP_EVERY_S)
            self._store.sweep(reading.now, self._settings.state.max_bytes)
            if reading.clock.is_known:
                self._store.note_known_time(reading.now)

    def _correct(self, reading: Reading) -> None:
        """As soon as the clock is known, what was said by a doubtful one is said again."""
        if not reading.clock.is_known:
            self._was_doubtful = True
        elif self._was_doubtful:
            device_id = self._settings.device.id
            n_alerts = self._store.correct(device_id, reading, timedelta(seconds=LATE_AFTER_S))
            self._was_doubtful = False
            log.info("clock is known: clock=%s now=%s corrected=%d", reading.clock, reading.now, n_alerts)
            # At once: the desk, and whoever may set the clock, need not wait for their turn.
            self._next_health_s = 0.0

    def _tell_time(self, reading: Reading) -> None:
        """Leave the time for `edge set-clock`, where it is known by GNSS and the system's clock is wrong."""
        gnss, error_s = self._settings.gnss, reading.error_s or 0.0
        if gnss and gnss.time_file and reading.clock is Clock.GNSS and abs(error_s) > MAX_ERROR_S:
            time_file.write(gnss.time_file, reading, clock.boot_id())

    def _health(self, reading: Reading) -> Health:
        folder = self._settings.state.folder
        link = None if self._sender is None else self._sender.statistics()
        return Health(
            device_id=self._settings.device.id,
            at=reading.now,
            version=__version__,
            clock=reading.clock,
            uptime_s=time.monotonic() - self._started_s,
            sites={
                name: SiteHealth(
                    state.newest_look_at,
                    state.last_reject,
                    state.last_reject_at,
                    self._station.quiet_of(name),
                    self._station.budget_of(name),
                )
                for name, state in self._station.states.items()
            },
            tiles=self._tiles,
            outbox=self._store.outbox.statistics(),
            link=link,
            state=StateFacts(
                self._state.in_memory, self._store.epoch, self._state.trouble, self._store.n_set_aside
            ),
            free_bytes=health.free_bytes(folder),
            used_bytes=health.used_bytes(folder),
            memory_bytes=health.memory_bytes(),
            temperature_c=health.temperature_c(),
            models=self._station.models,
            satmodem=None if self._modem is None else self._modem.statistics(),
            gnss=None if self._receiver is None else self._receiver.receiving,
            clock_error_s=reading.error_s,
            commands=CommandHealth(self._commands.n_done, self._commands.refused()),
        )

    def _reload(self) -> str | None:
        """Take the edited file, or keep what runs where it is faulty; then why."""
        self._asked.reload.clear()
        health.notify(health.reloading(time.monotonic()), self._address)
        refused = None
        try:
            self._take_settings(config.load(self._path))
        except (ConfigFault, ModelRefused, StoreBroken) as fault:
            log.error("reload refused, the old settings stay: %s", fault)
            refused = str(fault)
        health.notify(health.READY, self._address)
        return refused

    def _take_settings(self, settings: Settings) -> None:
        old = self.configured
        if (settings.device, settings.spool, settings.state) != (old.device, old.spool, old.state):
            raise ConfigFault(
                f"{self._path}: device, spool and state: expected as at the start; restart to change them"
            )
        if self._state.in_memory:
            self._reopen_with = settings
            return
        station = self._new_station(settings)
        announce.follow(settings, self._store.outbox)
        if settings.transmit != old.transmit:
            if self._sender is not None:
                self._sender.stop()
            if self._modem is not None:
                self._modem.stop()
            self._sender = self._started_sender(settings)
            self._modem = self._started_modem(settings)
        if settings.gnss != old.gnss:
            if self._receiver is not None:
                self._receiver.stop()
            self._receiver = self._started_receiver(settings.gnss)
        self.configured, self._settings, self._station = settings, settings, station
        log.info("settings reloaded: file=%s sha256=%s", self._path, settings.sha256)

    def _new_station(self, settings: Settings) -> Station:
        folder, wanted = settings.state.folder, settings.models
        model = self._interruptible(load_chosen(wanted.objects, folder))
        change = None if wanted.change is None else load_change_chosen(wanted.change, folder)
        keeps_tiles = not self._state.in_memory
        return Station(
            settings, Models(model, change), self._store, self._spool, self._fix, keeps_tiles=keeps_tiles
        )

    def _interruptible(self, model: Model) -> Model:
        """The model, leaving a large tile between two windows when the daemon must end within seconds."""
        infer, stop = model.infer, self._asked.stop

        def guarded(window: Rgb) -> tuple[Boxes, Scores]:
            if stop.is_set():
                raise Stopping
            self._feed_watchdog()
            return infer(window)

        return replace(model, infer=guarded)

    def _started_sender(self, settings: Settings) -> MqttSupervisor | None:
        if settings.transmit.mqtt is None:
            log.warning("no broker is configured: alerts wait in the outbox")
            return None
        device_id, mqtt, uplink = settings.device.id, settings.transmit.mqtt, settings.transmit.uplink
        outbox, reception = _outbox_opener(settings), self._reception_opener(settings)
        tally = Tally()
        sender = Supervisor(
            "mqtt",
            lambda: Sender(device_id, mqtt, uplink, outbox, tally=tally, open_reception=reception),
            tally,
        )
        sender.start()
        return sender

    def _started_modem(self, settings: Settings) -> ModemSupervisor | None:
        satmodem, tally = settings.transmit.satmodem, ModemTally()
        if satmodem is None:
            return None
        received = _compact_taker(satmodem, self._reception_opener(settings))
        modem = Supervisor(
            "satmodem",
            lambda: ModemSender(
                satmodem,
                _ledger_opener(settings),
                broker=self._broker,
                received=received,
                now=lambda: self._timekeeper.read(self._heard()).now,
                tally=tally,
            ),
            tally,
        )
        modem.start()
        return modem

    def _broker(self) -> tuple[bool, float | None] | None:
        """Whether the broker is connected and since when it took nothing, or None where there is none."""
        if self._sender is None:
            return None
        link = self._sender.statistics()
        return link.is_connected, link.last_ack_age_s

    def _check_modem(self) -> None:
        """Say at once what became of the modem; its thread is replaced where it died or hangs."""
        if self._modem is None:
            return
        if self._modem.check():
            self._store.require_sound()
        state = self._modem.statistics().state
        if state not in {ModemState.SENDING, self._modem_told}:
            self._modem_told, self._next_health_s = state, 0.0

    def _started_receiver(self, settings: GnssSettings | None) -> Receiver | None:
        if settings is None:
            return None
        receiver = Receiver(settings, not_before=BUILT_AFTER, ticks=self._machine.ticks)
        receiver.start()
        return receiver

    def _heard(self) -> Heard | None:
        return None if self._receiver is None else self._receiver.receiving.heard

    def _fix(self) -> Fix | None:
        heard = self._heard()
        return None if heard is None else heard.fix

    def _reception_opener(self, settings: Settings) -> Callable[[], Reception]:
        device_id, verbs, counts = settings.device.id, settings.transmit.commands.verbs, self._commands
        return lambda: Reception(device_id, verbs, open_store(settings).inbox, counts)

    def _wake(self) -> None:
        if self._sender is not None:
            self._sender.sender.wake()

    @property
    def _topics(self) -> Topics:
        return Topics(self._settings.device.id)


def _compact_taker(
    settings: SatmodemSettings, open_reception: Callable[[], Reception]
) -> Callable[[bytes], None]:
    """Takes a command in its compact form; all is opened for each, since years may lie between two."""

    def received(data: bytes) -> None:
        with closing(open_reception()) as reception:
            reception.take_compact(data, read_key(settings.key_file), VIA)

    return received


def _ledger_opener(settings: Settings) -> Callable[[], ModemLedger]:
    return lambda: open_store(settings).modem_ledger


def _outbox_opener(settings: Settings) -> Callable[[], Outbox]:
    return lambda: open_store(settings).outbox
