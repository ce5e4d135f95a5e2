"""What an Iridium SBD modem says, what its numbers mean, and when to try again. Pure.

After the AT command references of the 9523 and 9602 (ISU AT Command Reference): +CSQ, +SBDIX, +SBDRB, +SBDWB.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from edge.errors import LinkDown

# How alerts and commands name this link.
VIA = "sbd"

MAX_TO_DEVICE_BYTES = 270
BILLED_BY_BYTES = 50

# +SBDIX: 0 to 4 say that what was sent has arrived.
_LAST_SUCCESS = 4

_STATUS = {
    10: "the gateway gave up: it took too long",
    11: "the gateway's queue for this modem is full",
    12: "the gateway counts too many segments",
    13: "the gateway did not complete the session",
    14: "the gateway refused the size of a segment",
    15: "access denied: is the modem activated and paid for?",
    16: "the modem is locked (AT+CULK)",
    17: "the gateway did not answer",
    18: "the radio link was lost",
    19: "the radio link failed",
    32: "no network service",
    33: "the antenna is at fault",
    34: "the radio is switched off (AT*R1)",
    35: "the modem is busy",
    36: "registered less than three minutes ago",
    37: "the service is off for a while",
    38: "the network asks to wait",
    64: "outside the permitted band",
    65: "the radio does not lock: a fault of the hardware",
}

# Seconds to wait after so many failures in a row, as a share of a random number: at once, twice within 5,
# twice within 30, then every five minutes.
_WAITS_S = (0.0, 5.0, 5.0, 30.0, 30.0)
LONGEST_WAIT_S = 300.0

# These say themselves how long: three minutes between two registrations, and not before the network likes.
_MIN_WAITS_S = {36: 180.0, 37: 300.0, 38: 300.0}

_SESSION = re.compile(r"\+SBDIX:\s*" + r"\s*,\s*".join([r"(\d{1,5})"] * 6) + r"\Z", re.ASCII)
_SIGNAL = re.compile(r"\+CSQF?:\s*([0-5])\Z", re.ASCII)
_BUFFERS = re.compile(r"\+SBDSX:\s*" + r"\s*,\s*".join([r"(-?\d{1,5})"] * 6) + r"\Z", re.ASCII)


class ModemState(StrEnum):
    """How the modem is; the value is what the operator reads."""

    STANDBY = "standby"
    IDLE = "idle"
    SENDING = "sending"
    NO_KEY = "no_key"
    NO_BUDGET = "no_budget"
    NO_PORT = "no_port"
    NO_ANSWER = "no_answer"
    GARBLED = "garbled"
    REFUSED = "refused"
    NO_SIGNAL = "no_signal"
    NO_SESSION = "no_session"


class ModemDown(LinkDown):
    """The modem cannot carry anything now.

    state   what is wrong, one of ModemState
    text    the same with what was expected and what came
    status  the MO status of the session that failed, or None where there was none
    """

    def __init__(self, state: ModemState, text: str, status: int | None = None) -> None:
        super().__init__(f"{state}: {text}")
        self.state = state
        self.text = text
        self.status = status


@dataclass(frozen=True, slots=True)
class Session:
    """The answer to +SBDIX.

    status         of what was sent; see `is_sent`
    momsn          the number that the modem gave it
    is_received    True where a message to the device came
    n_bytes        of that message
    n_queued       messages that still wait for the device
    """

    status: int
    momsn: int
    is_received: bool
    n_bytes: int
    n_queued: int

    @property
    def is_sent(self) -> bool:
        """True where what was in the buffer has arrived."""
        return self.status <= _LAST_SUCCESS

    @property
    def meaning(self) -> str:
        """The status as an operator reads it."""
        return f"status {self.status}: {_STATUS.get(self.status, 'failed for a reason that is not known')}"


def session_in(line: str) -> Session | None:
    """What a session came to, or None where the line is no answer to +SBDIX."""
    found = _SESSION.match(line)
    if found is None:
        return None
    status, momsn, mt_status, _mtmsn, n_bytes, n_queued = map(int, found.groups())
    return Session(status, momsn, mt_status == 1, n_bytes, n_queued)


def signal_in(line: str) -> int | None:
    """Bars from 0 to 5, or None where the line is no answer to +CSQ."""
    found = _SIGNAL.match(line)
    return None if found is None else int(found[1])


def holds_received(line: str) -> bool | None:
    """True if a message to the device lies in the modem, or None where the line is no answer to +SBDSX."""
    found = _BUFFERS.match(line)
    return None if found is None else found[3] == "1"


def checksum(payload: bytes) -> bytes:
    """Two bytes behind a binary message: the low 16 bits of the sum of its bytes."""
    return (sum(payload) & 0xFFFF).to_bytes(2, "big")


def billed_bytes(n_bytes: int) -> int:
    """What so many bytes are charged as; a session without any is charged as one step."""
    return BILLED_BY_BYTES * max(1, -(-n_bytes // BILLED_BY_BYTES))


def retry_wait_s(n_failures: int, draw: float, status: int | None = None) -> float:
    """Seconds until the next try.

    n_failures  in a row, 1 after the first
    draw        a random number in [0, 1], so that a fleet under one satellite does not call as one
    status      of the session that failed, where there was one
    """
    planned = draw * _WAITS_S[n_failures - 1] if n_failures <= len(_WAITS_S) else LONGEST_WAIT_S
    return max(planned, _MIN_WAITS_S.get(status or 0, 0.0))
