"""Which fixes are believed: no impossible date, no jump, nothing that the receiver made up. Pure.

A receiver is right for years and then tells a wrong week, a place from its memory or a reflection off a roof.
A single fix is never believed: some must agree first, and more where they contradict what was known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from edge.acquire.fix import Fix
from edge.acquire.nmea import Mode
from edge.geo import LngLat, distance_m

# The week number of GPS has 10 bits (IS-GPS-200, 20.3.3.3.1.1): a receiver that lost count is wrong by this.
ROLLOVER = timedelta(weeks=1024)
# A release is trusted to know the era for so long; shorter than ROLLOVER, so that only one era is possible.
GOOD_FOR = timedelta(days=15 * 365)

# So many fixes in a row must agree before the first is believed, and before they outweigh what was known.
N_TO_BELIEVE = 3
N_TO_OVERRULE = 30
# Metres that a standing receiver's position may wander from one fix to the next.
WANDER_M = 100.0
# Seconds by which a sentence may come later than another one after its moment: a busy board, a full buffer.
JITTER_S = 2.0
# Share by which the device's oscillator may run wrong: 200 ppm is a bad crystal.
DRIFT = 0.0002

_MADE_UP = frozenset({Mode.ESTIMATED, Mode.MANUAL, Mode.SIMULATED})
# What receivers say before they know anything.
_NULL_ISLAND = LngLat(0.0, 0.0)


class FixReject(StrEnum):
    """Why a fix was not believed; the value is what the operator reads."""

    MADE_UP = "made_up"
    VAGUE = "vague"
    IMPOSSIBLE_DATE = "impossible_date"
    TIME_JUMPED = "time_jumped"
    PLACE_JUMPED = "place_jumped"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Heard:
    """A fix and when it was heard, in seconds of a clock that never jumps."""

    fix: Fix
    ticks_s: float


class Judge:
    """Believes or refuses one fix after the other."""

    def __init__(self, *, not_before: datetime, max_speed_m_per_s: float, max_hdop: float) -> None:
        """Begin without knowing anything.

        not_before  an instant that has surely passed, such as the build of this release
        """
        self._not_before = not_before
        self._max_speed_m_per_s = max_speed_m_per_s
        self._max_hdop = max_hdop
        self._believed: Heard | None = None
        self._trial: Heard | None = None
        self._n_agreeing = 0

    def judge(self, fix: Fix, ticks_s: float) -> Fix | FixReject:
        """The fix, its week put right where it rolled over, or why it is not believed."""
        at = right_week(fix.at, self._not_before)
        if at is None:
            return FixReject.IMPOSSIBLE_DATE
        if fix.mode in _MADE_UP or fix.position == _NULL_ISLAND:
            return FixReject.MADE_UP
        if fix.hdop is not None and fix.hdop > self._max_hdop:
            return FixReject.VAGUE
        heard = Heard(replace(fix, at=at), ticks_s)
        against = self._contradiction(self._believed, heard)
        if self._believed is None:
            against = FixReject.UNCONFIRMED
        return self._tried(heard, against) if against else self._believe(heard)

    def _tried(self, heard: Heard, against: FixReject) -> Fix | FixReject:
        """One more that is not believed by itself; enough of them that agree are."""
        agrees = self._trial is not None and self._contradiction(self._trial, heard) is None
        self._n_agreeing = self._n_agreeing + 1 if agrees else 1
        self._trial = heard
        needed = N_TO_BELIEVE if self._believed is None else N_TO_OVERRULE
        return self._believe(heard) if self._n_agreeing >= needed else against

    def _believe(self, heard: Heard) -> Fix:
        self._believed, self._trial, self._n_agreeing = heard, None, 0
        return heard.fix

    def _contradiction(self, known: Heard | None, heard: Heard) -> FixReject | None:
        if known is None:
            return None
        waited_s = heard.ticks_s - known.ticks_s
        went_by_s = (heard.fix.at - known.fix.at).total_seconds()
        if abs(went_by_s - waited_s) > JITTER_S + DRIFT * waited_s:
            return FixReject.TIME_JUMPED
        reach_m = WANDER_M + self._max_speed_m_per_s * waited_s
        gone_m = distance_m(known.fix.position, heard.fix.position)
        return FixReject.PLACE_JUMPED if gone_m > reach_m else None


def right_week(at: datetime, not_before: datetime) -> datetime | None:
    """The instant, moved by whole rollovers into the years in which a release is in use; None: none fits."""
    n_rollovers = -((at - not_before) // ROLLOVER)
    moved = at + n_rollovers * ROLLOVER
    return moved if moved < not_before + GOOD_FOR else None
