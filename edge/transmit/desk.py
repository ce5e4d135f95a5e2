"""What was sent and is not yet confirmed by the desk's archive (`ack: e2e`). Pure: time is an argument.

A broker may lose what it has acknowledged, so a queued message stays in the outbox until the archive says
that it has stored it, and goes again when it does not say so. Only digests and row numbers are held here. It
outlives a connection: what the broker took before the loss is not sent again for the loss alone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from edge.transmit.receipt import digest, read_receipt
from edge.transmit.topics import is_archived
from edge.transmit.uplink import Outgoing

# Messages that the archive may owe an answer for before the next ones wait. Mosquitto drops for a slow
# subscriber from 1,000 on; ten devices that come back at once stay below it.
WINDOW = 100

# Rows that are remembered as sent; about 2 MB. Beyond, nothing new is sent until the archive has answered.
MAX_AWAITED = 10_000

# Copies that go at the same pace: where one of two archivers is dead, every second copy is for it.
_EAGER = 5

# The longest time between two copies of one message, and between two questions to a silent archive.
_RESEND_MAX_S = 3600.0
_PROBE_MAX_S = 600.0

# The one archive of a device to which any will do.
_ANY = ""


@dataclass(frozen=True, slots=True)
class _Awaited:
    """One row that the archive has not confirmed.

    since_s  when it was sent, or when the broker took it
    n_sent   how often it was sent
    has_it   the archives that have confirmed it, where others must too
    """

    digest: str
    since_s: float
    n_sent: int
    has_it: frozenset[str] = frozenset()


class Desk:
    """The messages of one device that are on their way to the archive."""

    def __init__(self, resend_after_s: float | None, now_s: float, archives: Collection[str] = ()) -> None:
        """Start with nothing sent.

        resend_after_s  how long the archive may take before a message is sent again; None: it is not asked,
                        and everything here is free to go
        now_s           monotonic seconds, as everywhere here
        archives        those that must all confirm a message; none: whichever does
        """
        self._archives = frozenset(archives)
        self.is_asked = resend_after_s is not None
        self._resend_after_s = resend_after_s or 0.0
        # The least recently sent first.
        self._awaited: OrderedDict[int, _Awaited] = OrderedDict()
        self._seqs: dict[str, set[int]] = {}
        self._heard_at_s_of = dict.fromkeys(self._archives or {_ANY}, now_s)
        self._probed_at_s = now_s
        self._is_silent = False

    def sent(self, outgoing: Outgoing, now_s: float) -> None:
        """A message goes out; from here on its receipt may come, even before the broker's answer."""
        if not self.is_asked or outgoing.seq is None or not outgoing.qos or not is_archived(outgoing.topic):
            return
        before = self._awaited.pop(outgoing.seq, None)
        key = before.digest if before else digest(outgoing.topic, outgoing.payload)
        has_it = before.has_it if before else frozenset()
        # A repeat is a question, whoever it was meant for.
        self._probed_at_s = now_s if before else self._probed_at_s
        self._awaited[outgoing.seq] = _Awaited(key, now_s, before.n_sent + 1 if before else 1, has_it)
        self._seqs.setdefault(key, set()).add(outgoing.seq)

    def awaits(self, seq: int | None) -> bool:
        """True if the archive owes an answer for this row."""
        return seq in self._awaited

    def reached_broker(self, seq: int | None, now_s: float) -> bool:
        """The broker took a row; True if it must wait for the archive. Its time counts from here."""
        found = None if seq is None else self._awaited.pop(seq, None)
        if seq is None or found is None:
            return False
        self._awaited[seq] = replace(found, since_s=now_s)
        return True

    def confirmed(self, payload: bytes, now_s: float) -> list[int]:
        """The rows that may go now that a receipt came; a ValueError says that it is none."""
        receipt = read_receipt(payload)
        archive = receipt.archive if self._archives else _ANY
        if archive is None or archive not in self._heard_at_s_of:
            return []
        self._heard_at_s_of[archive] = now_s
        told = [seq for key in receipt.stored for seq in sorted(self._seqs.get(key, ()))]
        seqs = [seq for seq in told if self._is_everywhere(seq, archive)]
        for seq in seqs:
            self.forget(seq)
        return seqs

    def _is_everywhere(self, seq: int, archive: str) -> bool:
        """Note that an archive has a row; True if none is missing now."""
        found = self._awaited[seq]
        has_it = found.has_it | {archive}
        # In its place: the order is that of sending.
        self._awaited[seq] = replace(found, has_it=has_it)
        return has_it >= self._archives

    @property
    def _heard_at_s(self) -> float:
        """When the archive that is silent for longest was heard."""
        return min(self._heard_at_s_of.values())

    def forget(self, seq: int | None) -> None:
        """A row was refused, given up, or did not reach the broker."""
        found = None if seq is None else self._awaited.pop(seq, None)
        if seq is None or found is None:
            return
        others = self._seqs[found.digest]
        others.discard(seq)
        if not others:
            del self._seqs[found.digest]

    def room(self, now_s: float) -> int:
        """How many messages may be sent now.

        What is overdue does not count: while the archive is away the news still reach everybody else.
        """
        if not self.is_asked:
            return MAX_AWAITED
        if len(self._awaited) >= MAX_AWAITED:
            return 0
        n_expected = 0
        for one in reversed(self._awaited.values()):
            if n_expected >= WINDOW or now_s - one.since_s >= self._resend_after_s:
                break
            n_expected += 1
        return WINDOW - n_expected

    def due(self, now_s: float, in_flight: Collection[int]) -> list[int]:
        """The rows to send again now, the least recently sent first.

        An archive that is silent is asked with one message now and then; all others follow when it answers.

        in_flight  rows that the broker has not answered for: they are under way
        """
        if not self._awaited:
            return []
        answering = frozenset(name for name in self._heard_at_s_of if self._answers(name, now_s))
        missing = list(self._overdue(now_s, in_flight, self.room(now_s), answering)) if answering else []
        return missing or self._question(now_s, in_flight)

    def _question(self, now_s: float, in_flight: Collection[int]) -> list[int]:
        """One message that asks an archive that is silent whether it is back, or none yet."""
        if now_s - self._heard_at_s < self._resend_after_s:
            return []
        pause_s = min(max(self._resend_after_s, (now_s - self._heard_at_s) / 2), _PROBE_MAX_S)
        if now_s - self._probed_at_s < pause_s:
            return []
        return list(self._overdue(now_s, in_flight, 1, frozenset(self._heard_at_s_of)))

    def _answers(self, archive: str, now_s: float) -> bool:
        return now_s - self._heard_at_s_of[archive] < self._resend_after_s

    def news(self, now_s: float) -> str | None:
        """What an operator must hear of, once: that the archive fell silent, or that it answers again."""
        silent_s = now_s - self._heard_at_s
        is_silent = bool(self._awaited) and silent_s >= self._resend_after_s
        if is_silent == self._is_silent:
            return None
        self._is_silent = is_silent
        if not is_silent:
            return "archive answers again"
        who = min(self._heard_at_s_of, key=self._heard_at_s_of.__getitem__)
        name = "" if who == _ANY else f" archive={who}"
        return f"archive is silent:{name} messages={len(self._awaited)} silent_s={silent_s:.0f}"

    def _overdue(
        self, now_s: float, in_flight: Collection[int], limit: int, archives: frozenset[str]
    ) -> Iterator[int]:
        """What one of these archives should have confirmed by now."""
        n_found = 0
        for seq, one in self._awaited.items():
            age_s = now_s - one.since_s
            if n_found >= limit or age_s < self._resend_after_s:
                return
            if age_s >= self._patience_s(one) and seq not in in_flight and archives - one.has_it:
                n_found += 1
                yield seq

    def _patience_s(self, one: _Awaited) -> float:
        """Doubles in the end: one that an answering archive never confirms must not eat up the link."""
        doubled = self._resend_after_s * 2.0 ** min(max(0, one.n_sent - _EAGER), 30)
        return min(doubled, max(_RESEND_MAX_S, self._resend_after_s))
