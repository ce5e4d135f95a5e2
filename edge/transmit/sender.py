"""The thread that empties the outbox over MQTT: it connects, sends, and comes back after every loss.

It shares nothing with the rest of the program but the outbox, whose file it opens for itself.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing

from edge.errors import LinkDown, StoreBroken, StoreCorrupt
from edge.transmit.desk import Desk
from edge.transmit.link import Wake, Will
from edge.transmit.mqtt import open_link
from edge.transmit.mqtt_settings import MqttSettings
from edge.transmit.outbox import Outbox
from edge.transmit.reception import Reception
from edge.transmit.session import Session
from edge.transmit.tally import LinkStatistics, Tally
from edge.transmit.topics import Topics
from edge.transmit.uplink import UplinkSettings, backoff_s, failures_in_a_row

log = logging.getLogger(__name__)


class Sender:
    """Sends what the outbox holds from a thread of its own, from `start` until `stop`."""

    def __init__(
        self,
        device_id: str,
        settings: MqttSettings,
        uplink: UplinkSettings,
        open_outbox: Callable[[], Outbox],
        draw: Callable[[], float] = random.random,
        *,
        open_reception: Callable[[], Reception] | None = None,
        tally: Tally | None = None,
    ) -> None:
        """Prepare the thread.

        open_outbox     opens the outbox anew for the thread that calls it
        draw            a random number in [0, 1), for the waits
        open_reception  likewise the door for commands; None where none are taken
        tally           where a sender before this one counted
        """
        self._client_id = f"edge-{device_id}"
        self._topics = Topics(device_id)
        self._settings = settings
        self._uplink = uplink
        self._open_outbox = open_outbox
        self._draw = draw
        self._open_reception = open_reception
        resend_after_s = settings.resend_after_s if settings.ack == "e2e" else None
        self._desk = Desk(resend_after_s, time.monotonic(), settings.archives)
        self._wake = Wake()
        self._stopping = threading.Event()
        self._tally = tally or Tally()
        self._tally.last_turn_at = time.monotonic()
        # A daemon thread: a name server that never answers must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name="mqtt-sender", daemon=True)

    def start(self) -> None:
        """Start sending; a broker that cannot be reached is no error."""
        self._thread.start()

    def wake(self) -> None:
        """Something was committed: send it now rather than at the next look."""
        self._wake.set()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Say `stopped` and end; True if the thread ended in time. What waits stays in the outbox.

        A thread that hangs cannot be ended from outside; should it wake up later, it finds that it is to end.
        """
        self._stopping.set()
        self._wake.cancel()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        if self._thread.is_alive():
            return False
        self._wake.close()
        return True

    @property
    def longest_turn_s(self) -> float:
        """What one turn may take by the settings: a connect with its handshake, or a wait before it."""
        settings, uplink = self._settings, self._uplink
        return settings.connect_timeout_s + settings.keepalive_s + uplink.retry_max_s

    @property
    def is_alive(self) -> bool:
        """False where the thread has ended; before `stop` that is a fault of this program."""
        return self._thread.is_alive()

    def statistics(self) -> LinkStatistics:
        """How the link is, at this moment."""
        return self._tally.statistics()

    def _run(self) -> None:
        with closing(self._wake):
            self._send_until_stopped()

    def _send_until_stopped(self) -> None:
        n_failures = 0
        while not self._stopping.is_set():
            started_at, n_taken = time.monotonic(), self._tally.n_taken
            self._tally.last_turn_at = started_at
            try:
                with ExitStack() as opened:
                    outbox = opened.enter_context(closing(self._open_outbox()))
                    reception = self._open_reception() if self._open_reception else None
                    if reception is not None:
                        opened.callback(reception.close)
                    self._carry(outbox, reception)
            except (LinkDown, StoreBroken) as fault:
                if self._stopping.is_set():
                    return
                n_failures = failures_in_a_row(
                    n_failures,
                    reason=_word(fault),
                    lasted_s=time.monotonic() - started_at,
                    has_sent=self._tally.n_taken > n_taken,
                )
                self._note(fault)
                self._stopping.wait(backoff_s(n_failures, self._draw(), self._uplink))

    def _carry(self, outbox: Outbox, reception: Reception | None) -> None:
        """One connection, from `online` to its loss or to `stopped`."""
        will = Will(self._topics.status, b"offline")
        link = open_link(self._settings, self._client_id, self._wake, will)
        self._tally.up("5" if link.is_v5 else "3.1.1")
        log.info("link up: link=mqtt broker=%s mqtt=%s", self._settings.broker, self._tally.mqtt)
        if not link.is_v5:
            log.warning("link is blind to refusals: link=mqtt broker=%s mqtt=3.1.1", self._settings.broker)
        if not link.retains:
            log.warning("broker keeps no states: link=mqtt broker=%s", self._settings.broker)
        session = Session(
            outbox, link, self._topics, self._uplink, self._tally, reception=reception, desk=self._desk
        )
        try:
            session.greet()
            while not self._stopping.is_set():
                self._tally.last_turn_at = time.monotonic()
                session.turn()
            session.say_goodbye()
        finally:
            self._tally.is_connected = False
            link.abort()
            session.end()

    def _note(self, fault: LinkDown | StoreBroken) -> None:
        """Log a fault once, not at every try of a long outage."""
        self._tally.damage = fault if isinstance(fault, StoreCorrupt) else None
        level = logging.WARNING if self._tally.down(str(fault), _word(fault)) else logging.DEBUG
        log.log(level, "link down: link=mqtt broker=%s reason=%s", self._settings.broker, fault)


def _word(fault: LinkDown | StoreBroken) -> str:
    """The reason as it is counted."""
    return fault.reason if isinstance(fault, LinkDown) else "state_broken"
