"""What a device lets itself be told: one fixed table of verbs, each with a strict form. Pure.

A message from outside becomes a command or one word of a closed list that says why not; nothing else happens.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

# The largest command of the table has about 300 bytes; more is not read.
MAX_COMMAND_BYTES = 2048

# A command that says nothing of its age could be kept back and sent on years later.
MAX_EXPIRES_S = 7 * 86_400

# Seconds by which the sender's clock may be ahead of a device whose clock is trusted.
MAX_AHEAD_S = 300.0

_EARLIEST, _LATEST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

AlertId = Annotated[
    str, Meta(pattern=r"^[0-9A-HJKMNP-TV-Z]{12}\Z", description="the id of an alert, 12 characters")
]
CommandId = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9._:-]{1,64}\Z", description="letters, digits, . _ : -, at most 64")
]
Instant = Annotated[datetime, Meta(tz=True)]


class Verb(StrEnum):
    """What a command asks for; the last level of its topic."""

    ACK = "ack"
    SNOOZE = "snooze"
    FEEDBACK = "feedback"
    EVIDENCE = "evidence"
    PING = "ping"
    RELOAD = "reload"


class Refused(StrEnum):
    """Why a command was not done; the value stands in the reply and in health."""

    RETAINED = "retained"  # kept by the broker: it would come again at every connect
    TOO_LARGE = "too_large"
    UNKNOWN_VERB = "unknown_verb"
    VERB_OFF = "verb_off"  # this device's configuration does not take it
    MALFORMED = "malformed"
    NOT_AUTHENTIC = "not_authentic"  # the tag of a compact command is not that of this device's key
    BUSY = "busy"  # too many commands wait, or the disk is full
    EXPIRED = "expired"
    FROM_THE_FUTURE = "from_the_future"
    REPLAYED = "replayed"
    UNKNOWN_ALERT = "unknown_alert"
    ALWAYS_SAID = "always_said"  # severe alerts cannot be made quiet
    NO_PLACE = "no_place"  # an alert that is about no place and no count (blind)
    TOO_MANY = "too_many"  # quiet places of the site
    TOO_LONG = "too_long"
    NOT_KEPT = "not_kept"  # the tile behind the alert was deleted meanwhile
    FAULTY_SETTINGS = "faulty_settings"
    FAILED = "failed"  # the device ended twice while it was at it


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command that was not done.

    detail  where, what was expected and what came
    """

    reason: Refused
    detail: str = ""


class Command(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all commands have."""

    # Chosen by the sender, anew for every command: a second one of the same id is a replay.
    id: CommandId
    # By the sender's clock.
    issued_at: Instant
    # Seconds after which nobody wants it done any more.
    expires_s: Annotated[int, Meta(ge=1, le=MAX_EXPIRES_S)]

    verb: ClassVar[Verb]

    def __post_init__(self) -> None:
        _check_instant("issued_at", self.issued_at)

    @property
    def expires_at(self) -> datetime:
        """From here on it must not be done, in UTC."""
        return self.issued_at.astimezone(UTC) + timedelta(seconds=self.expires_s)


class Ack(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody has read an alert: what follows under its id is no news."""

    alert: AlertId
    verb: ClassVar[Verb] = Verb.ACK


class Snooze(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Let the rule behind an alert, or its whole site, be quiet until an instant; severe alerts never."""

    alert: AlertId
    # One that has passed ends a snooze.
    until_at: Instant
    scope: Literal["rule", "site"] = "rule"
    verb: ClassVar[Verb] = Verb.SNOOZE

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_instant("until_at", self.until_at)


class Feedback(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Say that an alert was false, or that it was true after all."""

    alert: AlertId
    verdict: Literal["false", "true"]
    verb: ClassVar[Verb] = Verb.FEEDBACK


class EvidenceRequest(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask for the ground of one object of an alert at the full resolution of its tile."""

    alert: AlertId
    # Which one of the alert's objects, as they stand in it, from 0.
    object: Annotated[int, Meta(ge=0, le=399)] = 0
    # The tile of the alert, or the newest kept one before it.
    role: Literal["before", "after"] = "after"
    # Side of the square in metres.
    side_m: Annotated[float, Meta(ge=10, le=1000)] = 100.0
    verb: ClassVar[Verb] = Verb.EVIDENCE


class Ping(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask whether the device is there."""

    verb: ClassVar[Verb] = Verb.PING


class Reload(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Read the configuration anew, as SIGHUP does."""

    verb: ClassVar[Verb] = Verb.RELOAD


AnyCommand = Ack | Snooze | Feedback | EvidenceRequest | Ping | Reload

TABLE: dict[Verb, type[AnyCommand]] = {
    Verb.ACK: Ack,
    Verb.SNOOZE: Snooze,
    Verb.FEEDBACK: Feedback,
    Verb.EVIDENCE: EvidenceRequest,
    Verb.PING: Ping,
    Verb.RELOAD: Reload,
}

_DECODERS = {verb: msgspec.json.Decoder(form) for verb, form in TABLE.items()}


class CommandSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which commands the device takes; who may send them is the broker's business (its ACL)."""

    # The verbs that are taken; [] takes none and does not even listen.
    verbs: tuple[Verb, ...] = tuple(Verb)


def parse(verb: str, payload: bytes) -> AnyCommand | Refusal:
    """The command in a payload, or why it is none."""
    if verb not in TABLE:
        return Refusal(Refused.UNKNOWN_VERB, f"expected one of {', '.join(Verb)}")
    if len(payload) > MAX_COMMAND_BYTES:
        return Refusal(Refused.TOO_LARGE, f"expected at most {MAX_COMMAND_BYTES} bytes, got {len(payload)}")
    try:
        return _DECODERS[Verb(verb)].decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Refusal(Refused.MALFORMED, str(error))


def to_json(command: AnyCommand) -> bytes:
    """The payload that `parse` reads."""
    return msgspec.json.encode(command)


def age_refusal(command: Command, now: datetime, *, is_trusted: bool) -> Refusal | None:
    """Why a command must not be done at this instant, or None.

    A clock that is not trusted is behind (a board without power boots in the past): it can tell that a
    command is too old, never that it comes from the future.
    """
    if now >= command.expires_at:
        return Refusal(Refused.EXPIRED, f"expected before {command.expires_at:%Y-%m-%dT%H:%M:%SZ}")
    ahead_s = (command.issued_at - now).total_seconds()
    if is_trusted and ahead_s > MAX_AHEAD_S:
        return Refusal(Refused.FROM_THE_FUTURE, f"issued_at: expected the time, is {ahead_s:.0f} s ahead")
    return None


def _check_instant(key: str, instant: datetime) -> None:
    # Near the ends of the calendar a change of time zone overflows.
    if not _EARLIEST.year <= instant.year < _LATEST.year:
        raise ValueError(f"{key}: expected a year from {_EARLIEST.year} on, got {instant.year}")
