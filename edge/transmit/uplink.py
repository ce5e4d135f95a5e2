"""Which waiting message goes next, by which link, and how long to wait after a failure. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

import msgspec
from msgspec import Meta

# Health goes out every minute: a broker that takes nothing for three of them does not work, connected or not.
_ANSWERS_WITHIN_S = 180.0

# A connection that lasted so long was a good one: the next wait starts from the shortest again.
_GOOD_AFTER_S = 60.0

# MQTT 5.0, section 4.13: the name of reason code 142.
_TAKEN_OVER = "session_taken_over"


class UplinkSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How hard a link is used."""

    # Messages on their way at once. 20 gave 7,600 messages/s of 1 KB on loopback; more gave nothing.
    window: Annotated[int, Meta(ge=1, le=1000)] = 20
    # Bytes on their way at once, so that a keepalive never waits behind more than a slow link carries in one
    # interval: 64 KiB are 33 s at 2 kB/s. A single larger message still goes, alone.
    window_bytes: Annotated[int, Meta(ge=1024)] = 65_536
    # The longest wait before the second try, in seconds; it doubles with each failure.
    retry_first_s: Annotated[float, Meta(gt=0, le=60)] = 1.0
    # The longest wait between two tries, in seconds. Two minutes keep a fleet of 1,000 below 20 connects/s.
    retry_max_s: Annotated[float, Meta(gt=0, le=3600)] = 120.0
    # A message during which the connection broke so often, without any answer, is put aside as dead.
    max_attempts: Annotated[int, Meta(ge=1)] = 20


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message on its way out.

    seq          its row in the outbox, or None where it is not queued (the status, a retained state)
    version      which version of a retained state it is, or None where it is none
    correlation  of an answer: what the command brought along for it (MQTT 5)
    reply_seq    of an answer: the row of its command
    is_suspect   True if a connection broke while it was on its way: it travels alone, so that the next break
                 tells whether it was the cause
    """

    topic: str
    payload: bytes = field(repr=False)
    qos: int = 1
    is_retained: bool = False
    seq: int | None = None
    version: int | None = None
    correlation: bytes | None = field(default=None, repr=False)
    reply_seq: int | None = None
    is_suspect: bool = False

    @property
    def size_bytes(self) -> int:
        """What it costs on the wire, within a few bytes."""
        return len(self.topic) + len(self.payload)


@dataclass(frozen=True, slots=True)
class LinkState:
    """One way out, as it stands now.

    window           how many messages it takes at once; 1 while a suspect one is on its way
    n_in_flight      messages that it took and that are not answered yet
    in_flight_bytes  the size of those
    """

    name: str
    is_up: bool
    window: int
    n_in_flight: int
    in_flight_bytes: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """Send this message by that link, now."""

    link: str
    outgoing: Outgoing


def next_attempt(
    queued: Sequence[Outgoing], links: Sequence[LinkState], settings: UplinkSettings
) -> Attempt | None:
    """How the first queued message goes out, or None where it must wait.

    Nothing overtakes it: what cannot go now holds up the rest, so the order is kept.

    queued  in the order in which they are to go
    links   in order of preference
    """
    if not queued:
        return None
    first = queued[0]
    return next((Attempt(link.name, first) for link in links if _has_room(link, first, settings)), None)


def _has_room(link: LinkState, outgoing: Outgoing, settings: UplinkSettings) -> bool:
    if not link.is_up or link.n_in_flight >= min(link.window, settings.window):
        return False
    if outgoing.is_suspect:
        return link.n_in_flight == 0
    return link.n_in_flight == 0 or link.in_flight_bytes + outgoing.size_bytes <= settings.window_bytes


def failures_in_a_row(before: int, *, reason: str, lasted_s: float, has_sent: bool) -> int:
    """How many connections in a row were no good, now that one ended.

    One that lasted, or carried something, was good. Not where another client took our place: it has our name,
    and the two would throw each other out once a second for ever.

    reason    why it ended, by which it is counted
    lasted_s  from the start of the connect
    """
    was_good = reason != _TAKEN_OVER and (has_sent or lasted_s > _GOOD_AFTER_S)
    return 1 if was_good else before + 1


def backoff_s(n_failures: int, draw: float, settings: UplinkSettings) -> float:
    """Seconds to wait before the next try: full jitter, so that a fleet does not come back as one.

    n_failures  in a row, 1 after the first
    draw        a random number in [0, 1]
    """
    # The exponent is bounded so that years of failures do not overflow.
    ceiling = settings.retry_first_s * 2.0 ** min(n_failures - 1, 30)
    return draw * min(settings.retry_max_s, ceiling)


def silent_s(*, is_connected: bool, since_ack_s: float) -> float:
    """For how long a link has not worked: 0 where it is up and answered lately.

    A link may be up and take nothing: what counts is when the far side last took something.

    since_ack_s  since the far side last took something, or since the start where it never did
    """
    return 0.0 if is_connected and since_ack_s < _ANSWERS_WITHIN_S else since_ack_s
