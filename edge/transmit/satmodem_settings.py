"""The satellite modem: which port, and how much it may be used. The key is named by file, never held."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from edge.monitor.finding import Severity


class SatmodemSettings(msgspec.Struct, frozen=True, kw_only=True):
    """An Iridium SBD modem (9602, 9603, RockBLOCK) on a serial port."""

    # The serial port; /dev/serial/by-id/... stays the same whatever else is plugged in.
    port: Path
    # Bits per second; 19200 is how these modems are delivered.
    baud: Annotated[int, Meta(ge=300, le=921_600)] = 19_200
    # A file with the secret of this device, 32 or more hexadecimal digits: openssl rand -hex 32. The desk has
    # a copy, and nobody else can make or change an alert.
    key_file: Path = Path("/etc/edge/device.key")
    # Minutes for which no broker took anything before the modem is used; 0 uses it at once.
    after_minutes: Annotated[float, Meta(ge=0, le=43_200)] = 30.0
    # What is worth its price; less severe alerts wait for the broker.
    min_severity: Severity = Severity.SEVERE
    # Bytes that may be billed in a day (UTC), in steps of 50 as the operator of the satellites counts them;
    # an alert is 50. What does not fit waits for the next day or for the broker.
    max_bytes_per_day: Annotated[int, Meta(ge=50)] = 5_000
    # Bars, 1 to 5, below which no session is tried; a try that fails costs power, and minutes.
    min_signal: Annotated[int, Meta(ge=1, le=5)] = 1
    # Minutes between two looks for a message to this device while no broker answers; each costs 50 bytes of
    # the day. Without it, a message comes with the next alert.
    mailbox_minutes: Annotated[float, Meta(ge=5, le=43_200)] | None = None
    # Seconds within which the modem answers what it can answer by itself.
    answer_timeout_s: Annotated[float, Meta(gt=0, le=60)] = 5.0
    # Seconds that one session with the satellites may take.
    session_timeout_s: Annotated[float, Meta(gt=0, le=600)] = 90.0
