"""The thread that sends the alerts that matter most over the satellite modem, while no broker takes them.

It shares nothing with the rest of the program but the store's file, which it opens for itself; it asks how
the broker is, and what day it is.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime

from edge.errors import ConfigFault, PayloadRefused, StoreBroken, StoreCorrupt
from edge.transmit import sbd, uplink
from edge.transmit.brief import brief_of
from edge.transmit.device_key import read_key
from edge.transmit.modem_tally import ModemStatistics, ModemTally
from edge.transmit.packed import MAX_RECORDS, RECORD_BYTES, pack
from edge.transmit.satmodem import SatModem
from edge.transmit.satmodem_ledger import ModemLedger
from edge.transmit.satmodem_settings import SatmodemSettings
from edge.transmit.sbd import ModemDown, ModemState, Session, billed_bytes, retry_wait_s
from edge.transmit.uplink import Outgoing

log = logging.getLogger(__name__)

# How often the outbox and the broker are looked at while there is nothing to do.
_LOOK_EVERY_S = 2.0
# A key that cannot be read, or a store that is broken: a person, or a disk, must come first.
_FAULT_WAIT_S = 60.0
# What is asked of the modem in one turn at the most, each with its own time to answer: greeting, signal, what
# it holds, put, exchange, take; each may come with noise to drain.
_MAX_QUESTIONS = 24

# Noise on the line spoils one reading of a message to the device, hardly three in a row.
_MAX_UNREADABLE = 3

Received = Callable[[bytes], None]
"""Takes a message to the device; it has written it down, or refused it, when it returns."""


class ModemSender:
    """Works in a thread of its own, from `start` until `stop`."""

    def __init__(
        self,
        settings: SatmodemSettings,
        open_ledger: Callable[[], ModemLedger],
        *,
        broker: Callable[[], tuple[bool, float | None] | None],
        received: Received,
        now: Callable[[], datetime],
        draw: Callable[[], float] = random.random,
        tally: ModemTally | None = None,
    ) -> None:
        """Prepare the thread.

        open_ledger  opens the ledger anew for the thread that calls it
        broker       whether one is connected and how many seconds ago it last took something (None: not since
                     the start); None where none is configured
        received     takes each message to the device, in this thread
        now          for the day of the budget, UTC
        draw         a random number in [0, 1), for the waits
        tally        where a sender before this one counted
        """
        self._settings = settings
        self._open_ledger = open_ledger
        self._broker = broker
        self._received = received
        self._now = now
        self._draw = draw
        self._started_at = time.monotonic()
        self._mailbox_at: float | None = None
        self._has_more = False
        self._n_failures = 0
        self._n_unreadable = 0
        self._is_used = False
        self._stopping = threading.Event()
        self._tally = tally or ModemTally()
        self._tally.last_turn_at = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="satmodem-sender", daemon=True)

    def start(self) -> None:
        """Start; a modem that is not there is no error."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """End, in the middle of a session too; True if the thread ended in time."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def is_alive(self) -> bool:
        """False where the thread has ended; before `stop` that is a fault of this program."""
        return self._thread.is_alive()

    @property
    def longest_turn_s(self) -> float:
        """What one turn may take by the settings: a session with all its questions, or the wait after it."""
        questions_s = _MAX_QUESTIONS * self._settings.answer_timeout_s
        return max(questions_s + self._settings.session_timeout_s, sbd.LONGEST_WAIT_S)

    def statistics(self) -> ModemStatistics:
        """How the modem is, at this moment."""
        return self._tally.statistics()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with closing(self._open_ledger()) as ledger:
                    while not self._stopping.is_set():
                        wait_s = self._turn(ledger)
                        self._tally.last_turn_at = time.monotonic()
                        self._stopping.wait(wait_s)
                        self._tally.last_turn_at = time.monotonic()
            except StoreBroken as fault:
                self._tally.damage = fault if isinstance(fault, StoreCorrupt) else None
                log.error("satellite modem cannot read the outbox, trying again: %s", fault)
                self._stopping.wait(_FAULT_WAIT_S)

    def _turn(self, ledger: ModemLedger) -> float:
        """Do what is due; how many seconds to wait then."""
        self._tally.spent_bytes = ledger.spent_bytes(self._now().date())
        silent_s = self._broker_silent_s()
        if silent_s == 0 or silent_s < 60 * self._settings.after_minutes:
            self._stand_by()
            return _LOOK_EVERY_S
        if not self._is_used:
            self._is_used = True
            log.info("satellite modem is used from now on: no broker takes anything")
        load = ledger.waiting(self._settings.min_severity, MAX_RECORDS)
        if not load and not self._is_mailbox_due():
            self._tally.become(ModemState.IDLE)
            return _LOOK_EVERY_S
        return self._try(ledger, load)

    def _stand_by(self) -> None:
        if self._is_used:
            log.info("satellite modem stands by: a broker takes what it is sent")
        self._is_used, self._n_failures = False, 0
        self._tally.become(ModemState.STANDBY)

    def _broker_silent_s(self) -> float:
        known = self._broker()
        if known is None:
            return float("inf")
        is_connected, since_ack_s = known
        since_start_s = time.monotonic() - self._started_at
        return uplink.silent_s(
            is_connected=is_connected, since_ack_s=since_start_s if since_ack_s is None else since_ack_s
        )

    def _is_mailbox_due(self) -> bool:
        """True where a message to the device waits, or may."""
        minutes = self._settings.mailbox_minutes
        if self._has_more or minutes is None:
            return self._has_more
        return self._mailbox_at is None or time.monotonic() >= self._mailbox_at + 60 * minutes

    def _try(self, ledger: ModemLedger, load: list[Outgoing]) -> float:
        """One try to have a session; how many seconds to wait then."""
        try:
            return self._pay_and_send(ledger, load)
        except ConfigFault as fault:
            self._note(ModemState.NO_KEY, str(fault))
            return _FAULT_WAIT_S

    def _pay_and_send(self, ledger: ModemLedger, load: list[Outgoing]) -> float:
        records = self._packed(ledger, load)
        if load and not records:
            return 0.0
        left = self._settings.max_bytes_per_day - ledger.spent_bytes(self._now().date())
        records = dict(list(records.items())[: max(0, left // sbd.BILLED_BY_BYTES)])
        if left < sbd.BILLED_BY_BYTES:
            self._note(ModemState.NO_BUDGET, f"{self._settings.max_bytes_per_day} bytes a day are used up")
            return _FAULT_WAIT_S
        try:
            self._tally.become(ModemState.SENDING)
            n_queued = self._session(ledger, records)
        except ModemDown as down:
            return 0.0 if self._stopping.is_set() else self._failed(down)
        self._n_failures = 0
        self._tally.become(ModemState.IDLE)
        self._mailbox_at, self._has_more = time.monotonic(), n_queued > 0
        return 0.0

    def _packed(self, ledger: ModemLedger, load: list[Outgoing]) -> dict[int, bytes]:
        """Row to record; what cannot be packed is left to the broker."""
        key = read_key(self._settings.key_file)
        records = {}
        for outgoing in load:
            assert outgoing.seq is not None, "what waits in the outbox has its row"
            try:
                records[outgoing.seq] = pack(brief_of(outgoing.payload), key)
            except PayloadRefused as refusal:
                log.error("alert not packed: link=satmodem seq=%s reason=%s", outgoing.seq, refusal)
                ledger.carry([outgoing.seq])
        return records

    def _session(self, ledger: ModemLedger, records: dict[int, bytes]) -> int:
        """One session, paid for before it begins, lest a power cut makes it free; how many messages wait."""
        day, cost = self._now().date(), billed_bytes(RECORD_BYTES * len(records))
        with closing(SatModem(self._settings, self._stopping.is_set)) as modem:
            if modem.holds_received():
                self._take_received(modem)
            self._check_signal(modem)
            modem.clear_outgoing()
            if records:
                modem.put(b"".join(records.values()))
            ledger.spend(day, cost)
            session = modem.exchange()
            if not session.is_sent:
                ledger.spend(day, -cost)
                raise ModemDown(ModemState.NO_SESSION, session.meaning, session.status)
            ledger.carry(records)
            self._told(session, len(records))
            if session.is_received:
                ledger.spend(day, billed_bytes(session.n_bytes))
                self._take_received(modem)
        return session.n_queued

    def _check_signal(self, modem: SatModem) -> None:
        self._tally.signal = bars = modem.signal()
        if bars < self._settings.min_signal:
            raise ModemDown(
                ModemState.NO_SIGNAL, f"expected {self._settings.min_signal} or more bars of 5, got {bars}"
            )

    def _take_received(self, modem: SatModem) -> None:
        """Hand a message on, and only then let the modem forget it.

        One that can never be read is given up after some tries: no alert could go while it lies there.
        """
        try:
            payload = modem.received()
        except ModemDown as down:
            # A port that is gone, or a stop, says nothing of the message.
            self._n_unreadable += down.state not in {ModemState.NO_PORT, ModemState.STANDBY}
            if self._n_unreadable < _MAX_UNREADABLE:
                raise
            modem.clear_received()
            self._n_unreadable = 0
            log.error("message given up: link=satmodem reason=%s", down)
            return
        self._n_unreadable = 0
        self._received(payload)
        modem.clear_received()
        self._tally.n_received += 1
        log.info("message received: link=satmodem bytes=%d", len(payload))

    def _told(self, session: Session, n_alerts: int) -> None:
        self._tally.n_sent += n_alerts
        self._tally.last_session_at = time.monotonic()
        log.info(
            "session done: link=satmodem alerts=%d status=%d momsn=%d",
            n_alerts,
            session.status,
            session.momsn,
        )

    def _failed(self, down: ModemDown) -> float:
        self._n_failures += 1
        self._note(down.state, str(down))
        return retry_wait_s(self._n_failures, self._draw(), down.status)

    def _note(self, state: ModemState, detail: str) -> None:
        """Log a fault once, not at every try of a long one."""
        level = logging.DEBUG if self._tally.detail == detail else logging.WARNING
        self._tally.become(state, detail)
        log.log(level, "satellite modem cannot send: %s", detail)
