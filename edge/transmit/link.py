"""What a link takes and gives, whatever it is made of, and how its wait for the network is ended."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field


class Wake:
    """Lets one thread end another one's wait for the network."""

    def __init__(self) -> None:
        # A counter in the kernel (eventfd(2)): a write is cheap, and the one who waits reads once.
        self._counter = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._is_closed = False
        self._closing = threading.Lock()
        self.is_cancelled = False

    def cancel(self) -> None:
        """End the wait for good: a connect that is under way gives up too."""
        self.is_cancelled = True
        self.set()

    def set(self) -> None:
        """End the wait that is on, or the next one."""
        with self._closing:
            if not self._is_closed:
                os.eventfd_write(self._counter, 1)

    def clear(self) -> None:
        """Forget that it was set, however often."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._counter)

    def fileno(self) -> int:
        """What to wait on."""
        return self._counter

    def close(self) -> None:
        """Give it back; nobody waits any more."""
        with self._closing:
            # Twice is once: the number may be another file's by then.
            if not self._is_closed:
                self._is_closed = True
                os.close(self._counter)


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says when we vanish without a goodbye.

    is_retained  False for a broker that keeps nothing
    """

    topic: str
    payload: bytes
    is_retained: bool = True


@dataclass(frozen=True, slots=True)
class Ack:
    """The broker's answer to one message.

    number  what `publish` returned
    reason  None where it was taken, or why not, with the code
    code    reason code of MQTT 5; 0 on 3.1.1, which knows none
    word    the reason in snake_case, for counting; "" where it was taken
    """

    number: int
    reason: str | None
    code: int
    word: str = ""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message that came on a subscription; the sender is told that we have it with the next step.

    is_repeat    True where it may have come before
    reply_topic  where an answer is wanted (MQTT 5), or None
    correlation  what the answer must bring along (MQTT 5), or None
    number       by which the broker knows it, where it must be taken by hand
    """

    topic: str
    payload: bytes = field(repr=False)
    is_retained: bool
    is_repeat: bool = False
    reply_topic: str | None = None
    correlation: bytes | None = field(default=None, repr=False)
    number: int = 0


@dataclass(frozen=True, slots=True)
class Arrived:
    """What one step brought.

    is_woken  True if `Wake.set` ended the wait
    """

    acks: Sequence[Ack] = ()
    messages: Sequence[Incoming] = ()
    is_woken: bool = False
