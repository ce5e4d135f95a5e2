"""Commands done between two tiles: judged by age and id, done and answered in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from edge import opinions
from edge.monitor.quiet import QuietSettings
from edge.opinions import Result
from edge.store import Store
from edge.transmit import reply
from edge.transmit.command import (
    Ack,
    AnyCommand,
    EvidenceRequest,
    Feedback,
    Ping,
    Refusal,
    Refused,
    Reload,
    Snooze,
    age_refusal,
    parse,
)
from edge.transmit.inbox import Waiting
from edge.transmit.reception import CommandCounts

log = logging.getLogger(__name__)

# A command that was begun so often and never ended brought the device down: it is not tried again.
MAX_ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class Powers:
    """What a command may set off beyond the store.

    facts     what a ping is told
    picture   cuts the asked ground and queues it, inside the transaction
    reload    reads the configuration anew; None, or why it was refused
    """

    facts: Callable[[], Mapping[str, object]]
    picture: Callable[[EvidenceRequest, datetime], Result]
    reload: Callable[[], str | None]


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, and whether that is sure."""

    now: datetime
    is_trusted: bool


class Orders:
    """Does what waits in the inbox; it belongs to the daemon's loop."""

    def __init__(self, store: Store, device_id: str, powers: Powers, counts: CommandCounts) -> None:
        self._store = store
        self._device_id = device_id
        self._powers = powers
        self._counts = counts

    def take_next(self, moment: Moment, settings: QuietSettings) -> bool:
        """Do the oldest command that waits; False where none does."""
        waiting = self._store.inbox.next()
        if waiting is None:
            return False
        if waiting.attempts >= MAX_ATTEMPTS:
            self._give_up(waiting)
            return True
        self._store.inbox.begin(waiting.seq)
        command = parse(waiting.received.verb, waiting.received.payload)
        if isinstance(command, Refusal):  # an earlier release knew a verb that this one does not
            self._end(waiting, None, command)
        else:
            self._obey(waiting, command, moment, settings)
        return True

    def _obey(self, waiting: Waiting, command: AnyCommand, moment: Moment, settings: QuietSettings) -> None:
        refusal = age_refusal(command, moment.now, is_trusted=moment.is_trusted)
        if refusal is None and self._store.inbox.is_replay(command):
            refusal = Refusal(Refused.REPLAYED, f"id: expected a new one, got {command.id} again")
        if refusal is not None:
            self._end(waiting, command, refusal)
            return
        # Outside the transaction: it opens others of its own, and doing it twice does no harm.
        reloaded = self._reload() if isinstance(command, Reload) else None
        with self._store.transaction():
            result = reloaded or self._done(command, moment, settings)
            self._store.inbox.remember(command, moment.now if moment.is_trusted else None)
            self._close(waiting, command, result)
        self._note(waiting, command, result)

    def _done(self, command: AnyCommand, moment: Moment, settings: QuietSettings) -> Result:
        store, now = self._store, _latest(moment, command)
        match command:
            case Ack():
                return opinions.acknowledge(store, self._device_id, command.alert, moment.now)
            case Snooze():
                is_site = command.scope == "site"
                return opinions.snooze(
                    store, command.alert, command.until_at, is_whole_site=is_site, now=now, settings=settings
                )
            case Feedback():
                is_true = command.verdict == "true"
                return opinions.feedback(
                    store, self._device_id, command.alert, is_true=is_true, now=now, settings=settings
                )
            case EvidenceRequest():
                return self._powers.picture(command, moment.now)
            case Ping() | Reload():
                return self._powers.facts()

    def _reload(self) -> Result | None:
        fault = self._powers.reload()
        return None if fault is None else Refusal(Refused.FAULTY_SETTINGS, fault)

    def _give_up(self, waiting: Waiting) -> None:
        tried = f"begun {waiting.attempts} times, never ended"
        log.error(
            "command given up: via=%s verb=%s reason=%s", waiting.received.via, waiting.received.verb, tried
        )
        command = parse(waiting.received.verb, waiting.received.payload)
        known = None if isinstance(command, Refusal) else command
        self._end(waiting, known, Refusal(Refused.FAILED, tried))

    def _end(self, waiting: Waiting, command: AnyCommand | None, refusal: Refusal) -> None:
        with self._store.transaction():
            self._close(waiting, command, refusal)
        self._note(waiting, command, refusal)

    def _close(self, waiting: Waiting, command: AnyCommand | None, result: Result) -> None:
        """Write down that it is over, with the answer where one is wanted."""
        verb, command_id = waiting.received.verb, None if command is None else command.id
        answer = None
        if isinstance(result, Refusal):
            # The broker sent it twice, to be sure: the first one is answered, and one answer is enough.
            if not (waiting.received.is_repeat and result.reason is Refused.REPLAYED):
                answer = reply.refused(self._device_id, verb, command_id, result)
        elif command is not None:
            answer = reply.done(self._device_id, verb, command.id, result)
        self._store.inbox.end(waiting.seq, answer)

    def _note(self, waiting: Waiting, command: AnyCommand | None, result: Result) -> None:
        via, command_id = waiting.received.via, "-" if command is None else command.id
        if isinstance(result, Refusal):
            level = logging.WARNING if self._counts.add_refused(result.reason) else logging.DEBUG
            log.log(
                level,
                "command refused: via=%s verb=%s id=%s reason=%s",
                via, waiting.received.verb, command_id, result.reason,
            )  # fmt: skip
        else:
            self._counts.add_done()
            log.info("command done: via=%s verb=%s id=%s", via, waiting.received.verb, command_id)


def _latest(moment: Moment, command: AnyCommand) -> datetime:
    """Now, or where the device's clock is not trusted what the sender's says, if that is later."""
    if moment.is_trusted:
        return moment.now
    return max(moment.now, command.issued_at.astimezone(UTC))
