"""A machine whose clocks a test turns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from edge.acquire.fix import Fix
from edge.acquire.nmea import Mode
from edge.acquire.plausible import Heard
from edge.clock import Machine, Reading, Timekeeper
from tests.acquire.sky import HERE, NOW


@dataclass
class Device:
    """True time goes its own way; the system's clock is off by as much as a test wants."""

    true: datetime = NOW
    ticks_s: float = 100.0
    off: timedelta = timedelta(0)
    is_synchronised: bool = False
    has_rtc: bool = False

    @property
    def machine(self) -> Machine:
        return Machine(
            lambda: self.true + self.off,
            lambda: self.ticks_s,
            lambda: self.is_synchronised,
            lambda: self.has_rtc,
        )

    def wait(self, seconds: float) -> None:
        self.true += timedelta(seconds=seconds)
        self.ticks_s += seconds

    @property
    def heard(self) -> Heard:
        """A fix of this moment."""
        return Heard(Fix(self.true, HERE, Mode.AUTONOMOUS), self.ticks_s)

    def read(self) -> Reading:
        return Timekeeper(self.machine).read()
