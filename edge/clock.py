"""What time it is, and what that rests on: GNSS, NTP, a battery clock, or nothing.

The system's clock is only read. Where GNSS knows better, time is counted on from the newest fix, so that a
device with a wrong clock still tells the right time; setting the clock is for `edge set-clock`, which is a
program of its own.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from edge.acquire.plausible import Heard

# Built after this instant: a clock that shows an earlier one is wrong, whatever else it says.
BUILT_AFTER = datetime(2026, 1, 1, tzinfo=UTC)
# A serial line tells the time some tenths of a second late; more apart than this are two different times.
MAX_ERROR_S = 2.0
# A fix tells the time for so long: a bad crystal (100 ppm) is wrong by 2 s then.
HOLD_S = 6 * 3600.0
# A clock without a keeper that jumps by more than this was set by hand, and nobody knows to what.
MAX_STEP_S = 60.0

# adjtimex(2): the kernel's answer where nothing keeps the clock in step.
_TIME_ERROR = 5
# struct timex is 208 bytes on 64-bit Linux; modes = 0 in its first field only asks.
_TIMEX_BYTES = 256


class Clock(StrEnum):
    """What the device's time rests on, from best to worst."""

    GNSS = "gnss"
    NTP = "ntp"
    RTC = "rtc"
    UNTRUSTED = "untrusted"

    @property
    def is_known(self) -> bool:
        """True where somebody outside the device vouches for the time."""
        return self in {Clock.GNSS, Clock.NTP}


def wall() -> datetime:
    """The system's clock."""
    return datetime.now(UTC)


def ticks() -> float:
    """Seconds since the boot: no step of the clock moves it, and sleep counts."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot_id() -> str:
    """Which boot the ticks count from."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def is_synchronised() -> bool:
    """True if the kernel says that NTP keeps its clock in step (adjtimex); False where it cannot be asked."""
    state: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return 0 <= state < _TIME_ERROR


def has_rtc() -> bool:
    """True if the machine has a clock that runs without power."""
    return Path("/sys/class/rtc/rtc0").exists()


@dataclass(frozen=True, slots=True)
class Machine:
    """What the machine says of time; a test puts its own in place."""

    wall: Callable[[], datetime] = wall
    ticks: Callable[[], float] = ticks
    is_synchronised: Callable[[], bool] = is_synchronised
    has_rtc: Callable[[], bool] = has_rtc


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the clock.

    now        the best that is known, aware, UTC
    clock      what it rests on
    ticks_s    the same moment, counted since the boot
    error_s    by which the system's clock is ahead of GNSS, or None where no fix tells
    """

    now: datetime
    clock: Clock
    ticks_s: float
    error_s: float | None = None

    @property
    def booted_at(self) -> datetime:
        """When the boot was, by this reading: the same from all readings of a clock that is right."""
        return self.now - timedelta(seconds=self.ticks_s)


class Timekeeper:
    """Reads the clock, and judges it by all that is known; it belongs to one thread."""

    def __init__(self, machine: Machine | None = None, not_before: datetime = BUILT_AFTER) -> None:
        """Begin with what the clock shows now.

        not_before  an instant that has surely passed: a battery clock behind it is wrong
        """
        self._machine = machine or Machine()
        self._not_before = max(not_before, BUILT_AFTER)
        # When the boot was: by who vouched for the time last, or else by the clock that was found.
        self._booted_at = self._machine.wall() - timedelta(seconds=self._machine.ticks())
        self._was_known = False

    def read(self, heard: Heard | None = None) -> Reading:
        """What time it is.

        heard  the newest fix that was believed, or None without one
        """
        wall, ticks_s = self._machine.wall(), self._machine.ticks()
        is_kept = wall >= BUILT_AFTER and self._machine.is_synchronised()
        by_gnss = _counted_on(heard, ticks_s)
        error_s = None if by_gnss is None else (wall - by_gnss).total_seconds()
        now, clock = self._unvouched(wall, ticks_s)
        agrees = error_s is not None and abs(error_s) <= MAX_ERROR_S
        if by_gnss is not None and (agrees or not is_kept):
            now, clock = (wall if agrees else by_gnss), Clock.GNSS
        elif is_kept:
            # Where the two disagree, one receiver is the likelier fault than several servers.
            now, clock = wall, Clock.NTP
        if clock.is_known:
            self._booted_at = now - timedelta(seconds=ticks_s)
            self._was_known = True
        return Reading(now, clock, ticks_s, error_s)

    def _unvouched(self, wall: datetime, ticks_s: float) -> tuple[datetime, Clock]:
        """The time that runs on from when it was right: since somebody vouched for it, or on a battery.

        A battery clock is believed while nothing contradicts it: what surely passed, or a jump.
        """
        runs_on = self._booted_at + timedelta(seconds=ticks_s)
        is_steady = abs((wall - runs_on).total_seconds()) <= MAX_STEP_S
        if self._was_known:
            return (wall if is_steady else runs_on), Clock.RTC
        is_sound = self._machine.has_rtc() and wall >= self._not_before and is_steady
        return wall, Clock.RTC if is_sound else Clock.UNTRUSTED


def _counted_on(heard: Heard | None, ticks_s: float) -> datetime | None:
    """The time by the newest fix, or None where that is too long ago."""
    if heard is None or ticks_s - heard.ticks_s > HOLD_S:
        return None
    return heard.fix.at + timedelta(seconds=ticks_s - heard.ticks_s)
