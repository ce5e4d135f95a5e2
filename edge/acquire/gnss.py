"""A GNSS receiver on a serial port: a thread reads it, and says at any time what is known.

The port may be missing, vanish and come back, say nothing or nonsense: that is a state, never an error.
"""

from __future__ import annotations

import logging
import termios
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import serial
from msgspec import Meta

from edge.acquire import nmea
from edge.acquire.fix import Collector, Fix
from edge.acquire.plausible import FixReject, Heard, Judge

log = logging.getLogger(__name__)

# Without anything new for so long, what was said is over: a receiver speaks once a second.
FRESH_S = 10.0
# Between two tries to open a port: often enough after a plug, seldom enough for a port that is never there.
RETRY_S = 5.0
# How long one read may wait; the thread ends within it.
_READ_S = 0.5
_READ_BYTES = 4096


class GnssSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A receiver that speaks NMEA 0183."""

    # The serial port; /dev/serial/by-id/... stays the same whatever else is plugged in.
    port: Path
    # Bits per second; 4800 is NMEA's own, most receivers come with 9600.
    baud: Annotated[int, Meta(ge=300, le=921_600)] = 9600
    # Metres per second that the device can move at; a fix that is further away is not believed.
    max_speed_m_per_s: Annotated[float, Meta(gt=0, le=1000)] = 100.0
    # Horizontal dilution of precision above which a fix is not believed. 10 puts it some 50 m wrong.
    max_hdop: Annotated[float, Meta(gt=0, le=50)] = 10.0
    # A file that tells `edge set-clock` the time while the system's clock is wrong; without it there is none.
    time_file: Path | None = None


class Reception(StrEnum):
    """What comes from a receiver; the value is what the operator reads."""

    CLOSED = "closed"
    SILENT = "silent"
    GARBLED = "garbled"
    NO_FIX = "no_fix"
    IMPLAUSIBLE = "implausible"
    FIX = "fix"


@dataclass(frozen=True, slots=True)
class Receiving:
    """How a receiver is, at one moment.

    fault      why the port is closed, or None where it is open
    heard      the newest fix that was believed, however old, or None before the first
    n_refused  fixes that were not believed since the start, by reason
    """

    reception: Reception
    fault: str | None = None
    heard: Heard | None = None
    n_refused: Mapping[str, int] = field(default_factory=dict)


class _Tally:
    """What the thread notes and other threads read; each attribute changes at once."""

    def __init__(self) -> None:
        self.fault: str | None = None
        self.heard: Heard | None = None
        self.n_refused: Counter[str] = Counter()
        self.bytes_s = self.sentence_s = self.reject_s = float("-inf")

    def reception(self, ticks_s: float) -> Reception:
        """What comes now."""
        oldest_s = ticks_s - FRESH_S
        if self.heard is not None and self.heard.ticks_s >= oldest_s:
            return Reception.FIX
        if self.fault is not None:
            return Reception.CLOSED
        if self.bytes_s < oldest_s:
            return Reception.SILENT
        if self.sentence_s < oldest_s:
            return Reception.GARBLED
        return Reception.IMPLAUSIBLE if self.reject_s >= oldest_s else Reception.NO_FIX


class Ear:
    """Bytes in, fixes and counts out; one life of a receiver. It never raises, whatever comes."""

    def __init__(self, settings: GnssSettings, not_before: datetime) -> None:
        """Begin without knowing anything.

        not_before  an instant that has surely passed; a week that rolled over is put right by it
        """
        self._framer = nmea.Framer()
        self._collector = Collector()
        self._judge = Judge(
            not_before=not_before,
            max_speed_m_per_s=settings.max_speed_m_per_s,
            max_hdop=settings.max_hdop,
        )
        self.tally = _Tally()

    def hear(self, data: bytes, ticks_s: float) -> None:
        """Take what came up to this moment; nothing is an answer too."""
        if data:
            self.tally.bytes_s = ticks_s
        for line in self._framer.feed(data):
            fields = nmea.checked(line)
            if fields is not None:
                self.tally.sentence_s = ticks_s
                self._take(nmea.read(fields), ticks_s)

    def _take(self, sentence: nmea.Sentence | None, ticks_s: float) -> None:
        fix = None if sentence is None else self._collector.take(sentence)
        if fix is None:
            return
        verdict = self._judge.judge(fix, ticks_s)
        if isinstance(verdict, Fix):
            self.tally.heard = Heard(verdict, ticks_s)
        elif verdict is not FixReject.UNCONFIRMED:
            self.tally.n_refused[verdict.value] += 1
            self.tally.reject_s = ticks_s

    def receiving(self, ticks_s: float) -> Receiving:
        """How it is, at this moment."""
        tally = self.tally
        return Receiving(tally.reception(ticks_s), tally.fault, tally.heard, dict(tally.n_refused))


class Receiver:
    """Listens to a port from a thread of its own, from `start` until `stop`."""

    def __init__(
        self,
        settings: GnssSettings,
        *,
        not_before: datetime,
        ticks: Callable[[], float],
        retry_s: float = RETRY_S,
    ) -> None:
        """Prepare the thread.

        ticks    seconds of a clock that never jumps, and counts while the device sleeps
        retry_s  between two tries to open the port
        """
        self._settings = settings
        self._ticks = ticks
        self._retry_s = retry_s
        self._ear = Ear(settings, not_before)
        self._stopping = threading.Event()
        self._said: Reception | None = None
        self._thread = threading.Thread(target=self._run, name="gnss", daemon=True)

    def start(self) -> None:
        """Start listening; a port that is not there is no error."""
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Give the port back and end."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    @property
    def receiving(self) -> Receiving:
        """How it is, at this moment."""
        return self._ear.receiving(self._ticks())

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with closing(_opened(self._settings)) as port:
                    self._ear.tally.fault = None
                    self._listen(port)
            # pyserial lets termios.error through, and says ValueError of a rate that the port does not know.
            except (OSError, ValueError, termios.error) as error:
                self._ear.tally.fault = str(error)
                self._note()
                self._stopping.wait(self._retry_s)

    def _listen(self, port: serial.Serial) -> None:
        while not self._stopping.is_set():
            self._ear.hear(_read(port), self._ticks())
            self._note()

    def _note(self) -> None:
        """Log a change of state once, not every second of it."""
        receiving = self.receiving
        if receiving.reception is self._said:
            return
        self._said = receiving.reception
        log.log(
            logging.INFO if receiving.reception is Reception.FIX else logging.WARNING,
            "gnss: port=%s reception=%s fault=%s",
            self._settings.port,
            receiving.reception,
            receiving.fault,
        )


def _opened(settings: GnssSettings) -> serial.Serial:
    """The port, for this program alone: two readers would each get half of the bytes."""
    return serial.Serial(str(settings.port), settings.baud, timeout=_READ_S, exclusive=True)


def _read(port: serial.Serial) -> bytes:
    """What waits in the port, or what comes first; nothing where nothing comes for a while."""
    first: bytes = port.read(1)
    rest: bytes = port.read(min(port.in_waiting, _READ_BYTES)) if first else b""
    return first + rest


def listen(
    settings: GnssSettings, seconds: float, *, not_before: datetime, ticks: Callable[[], float]
) -> Receiving:
    """What comes within some seconds, or until a fix is believed; for a look at a receiver by hand."""
    ear = Ear(settings, not_before)
    deadline_s = ticks() + seconds
    try:
        with closing(_opened(settings)) as port:
            while ticks() < deadline_s and ear.tally.heard is None:
                ear.hear(_read(port), ticks())
    except (OSError, ValueError, termios.error) as error:
        ear.tally.fault = str(error)
    return ear.receiving(ticks())
