"""How the daemon, which may not set the clock, tells the time to `edge set-clock`, which may.

The file says which instant belonged to which tick of this boot, so it stays right however late it is read.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from edge.acquire.plausible import GOOD_FOR
from edge.clock import BUILT_AFTER, HOLD_S, MAX_ERROR_S, Machine, Reading
from edge.errors import ClockUnset, StoreBroken

_MAX_BYTES = 1000


class ToldTime(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One instant by GNSS.

    at       aware, UTC
    ticks_s  the same moment, counted since the boot
    boot_id  which boot
    """

    at: datetime
    ticks_s: float
    boot_id: str


def write(path: Path, reading: Reading, boot_id: str) -> None:
    """Replace the file by what a look at the clock said."""
    told = ToldTime(at=reading.now, ticks_s=reading.ticks_s, boot_id=boot_id)
    # No fsync: after a power cut another boot begins, and the file is of no use to it.
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(msgspec.json.encode(told))
        part.replace(path)
    except OSError as error:
        raise StoreBroken(f"{path}: expected a file that can be written, got: {error.strerror}") from error


def read(path: Path, machine: Machine, boot_id: str) -> datetime:
    """What time it is now by the file; ClockUnset where it does not say, or says what cannot be.

    Written by a program that reads what comes over radio and network, so nothing in it is believed unchecked.
    """
    try:
        with path.open("rb") as file:
            told = msgspec.json.decode(file.read(_MAX_BYTES), type=ToldTime)
    except FileNotFoundError:
        raise ClockUnset(f"{path}: expected a time by GNSS, got no file: no need so far, or no fix") from None
    except (OSError, msgspec.MsgspecError) as error:
        raise ClockUnset(f"{path}: expected a time by GNSS, got: {error}") from error
    if told.boot_id != boot_id:
        raise ClockUnset(f"{path}: expected a time of this boot, got one of an earlier boot")
    age_s = machine.ticks() - told.ticks_s
    if not 0 <= age_s <= HOLD_S:
        raise ClockUnset(f"{path}: expected an age of 0 to {HOLD_S:.0f} s, got {age_s:.0f}")
    if told.at.tzinfo is None or not BUILT_AFTER <= told.at.astimezone(UTC) < BUILT_AFTER + GOOD_FOR:
        years = f"{BUILT_AFTER:%Y} to {BUILT_AFTER + GOOD_FOR:%Y}"
        raise ClockUnset(f"{path}: at: expected an instant in {years} with its offset, got {told.at}")
    return told.at.astimezone(UTC) + timedelta(seconds=age_s)


def error_s(by_gnss: datetime, machine: Machine) -> float:
    """By how much the system's clock must be moved; 0 where it is right, or where NTP keeps it."""
    ahead_s = (by_gnss - machine.wall()).total_seconds()
    if abs(ahead_s) <= MAX_ERROR_S or (machine.is_synchronised() and machine.wall() >= BUILT_AFTER):
        return 0.0
    return ahead_s
