"""Everything the device must not forget, in one SQLite file.

What one tile leaves behind is one `Commit`, written in one transaction: cut the power at any line and either
the tile is still to do, or all of it has happened. A `Store` belongs to the thread that opened it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import msgspec

from edge import clock, quietbook, row_crc, salvage, soundness
from edge.clock import Reading
from edge.database import Database, instant_text
from edge.errors import DiskFull
from edge.monitor.finding import Kind
from edge.quietbook import QuietBook
from edge.transmit import inbox, outbox, satmodem_ledger, state, untimed
from edge.transmit.alert import Alert, Evidence, as_acked, to_json
from edge.transmit.correction import corrected
from edge.transmit.inbox import Inbox
from edge.transmit.outbox import Message, Outbox, OutboxSettings, add_to_counter
from edge.transmit.satmodem_ledger import ModemLedger
from edge.transmit.topics import Topics
from edge.transmit.untimed import Untimed, UntimedAlerts

MIGRATIONS = (
    (
        *outbox.SCHEMA,
        """CREATE TABLE tiles (
            sha256 TEXT PRIMARY KEY,
            tile_id TEXT NOT NULL,
            site_ids TEXT NOT NULL,
            acquired_at TEXT,
            outcome TEXT NOT NULL,
            done_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE looks (
            site_id TEXT NOT NULL,
            seen_at TEXT NOT NULL,
            tile_id TEXT NOT NULL,
            body BLOB NOT NULL,
            PRIMARY KEY (site_id, seen_at, tile_id)
        ) STRICT""",
        "CREATE INDEX looks_by_age ON looks (seen_at)",
        "CREATE TABLE site_state (site_id TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT",
        """CREATE TABLE alerts (
            sequence INTEGER PRIMARY KEY,
            id TEXT NOT NULL,
            site_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            phase TEXT NOT NULL,
            is_open INTEGER NOT NULL,
            seen_at TEXT NOT NULL,
            body BLOB NOT NULL
        ) STRICT""",
        "CREATE INDEX alerts_by_id ON alerts (id)",
        "CREATE INDEX open_alerts ON alerts (site_id) WHERE is_open",
        """CREATE TABLE evidence (
            sequence INTEGER NOT NULL REFERENCES alerts (sequence) ON DELETE CASCADE,
            n INTEGER NOT NULL,
            role TEXT NOT NULL,
            sha256 TEXT NOT NULL,
            jpeg BLOB NOT NULL,
            PRIMARY KEY (sequence, n)
        ) STRICT""",
    ),
    (*inbox.SCHEMA, *quietbook.SCHEMA),
    satmodem_ledger.SCHEMA,
    outbox.TURNS,
    untimed.SCHEMA,
    soundness.SCHEMA,
    (
        # Held back by the alarm budget: kept to be listed in a digest, explained and shown, and never sent.
        """CREATE TABLE held (
            sequence INTEGER PRIMARY KEY REFERENCES alerts (sequence) ON DELETE CASCADE
        ) STRICT""",
        """CREATE TABLE grounds (
            sequence INTEGER PRIMARY KEY REFERENCES alerts (sequence) ON DELETE CASCADE,
            body BLOB NOT NULL
        ) STRICT""",
    ),
)

_KNOWN_TIME = "known_time_s"
# The sequence up to which the lists of open alerts have been told.
_OPEN_TOLD = "open_told"
_SITES_SINCE = "SELECT DISTINCT site_id FROM alerts WHERE sequence > ?"
_TOLD_ALL = """INSERT OR REPLACE INTO counters (name, value)
    SELECT ?, ifnull(max(sequence), 0) FROM alerts"""

_PUT_ALERT = """INSERT INTO alerts (sequence, id, site_id, kind, phase, is_open, seen_at, body, crc32)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_PUT_AGAIN = """INSERT INTO alerts (sequence, id, site_id, kind, phase, is_open, seen_at, body)
    SELECT ?, id, site_id, kind, ?, ?, seen_at, ? FROM alerts WHERE sequence = ?"""
_ALERT_COLUMNS = "SELECT sequence, id, site_id, is_open, body, sequence IN held FROM alerts"

# Of the last ones: over all that are kept it would take ever longer.
_NEWEST_OF_SITE = """SELECT max(seen_at) FROM
    (SELECT seen_at FROM alerts WHERE site_id = ? ORDER BY sequence DESC LIMIT 20)"""

_IS_FOLLOWED = """SELECT 1 FROM alerts, alerts AS later
    WHERE alerts.sequence = ? AND later.id = alerts.id AND later.sequence > alerts.sequence
        AND later.sequence NOT IN held LIMIT 1"""

# How long looks and alerts are kept where there is room: long enough to explain last year's season.
KEEP_DAYS = 400

# Days for which a quiet that has ended is remembered: a tile may come so late.
LATE_DAYS = 30

# Alerts that one epoch may number: more than a device makes in its life.
EPOCH_LENGTH = 10_000_000

# Days for which an arrival, a departure, a move or a column stays among the open alerts: a weekend and a day.
NEWS_DAYS = 3

# Rows deleted per transaction while making room, so that a commit never waits long behind a sweep.
_SWEEP_ROWS = 200

# Given up in this order when the file is too large: pictures, then what explains alerts (their grounds, the
# ledger), then the oldest ended stories.
_MAKE_ROOM = (
    "DELETE FROM evidence WHERE rowid IN (SELECT rowid FROM evidence ORDER BY sequence LIMIT ?)",
    "DELETE FROM grounds WHERE sequence IN (SELECT sequence FROM grounds ORDER BY sequence LIMIT ?)",
    "DELETE FROM looks WHERE rowid IN (SELECT rowid FROM looks ORDER BY seen_at LIMIT ?)",
    """DELETE FROM alerts WHERE sequence IN
        (SELECT sequence FROM alerts WHERE NOT is_open ORDER BY sequence LIMIT ?)""",
)


@dataclass(frozen=True, slots=True)
class TileDone:
    """A tile that needs no more work.

    outcome  one word: looked, or why not
    """

    sha256: str
    tile_id: str
    site_ids: tuple[str, ...]
    acquired_at: datetime | None
    outcome: str


@dataclass(frozen=True, slots=True)
class LookRecord:
    """One line of the ledger of looks: what was seen and how well.

    body  JSON, the caller's own
    """

    site_id: str
    tile_id: str
    seen_at: datetime
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Commit:
    """Everything that one tile, or one passed limit without a tile, leaves behind.

    tile         the tile that is done, or None where no tile is behind it (blind, device)
    site_states  the new state of each site it changed
    alerts       in the order in which they are to go; their sequence is given here
    held         numbered and kept after them, and not sent: a digest tells of them
    messages     to be queued besides the alerts: observation records
    retained     topic to payload, where the newest is all that matters; `open` is made here
    """

    done_at: datetime
    tile: TileDone | None = None
    site_states: Mapping[str, bytes] = field(default_factory=dict)
    looks: Sequence[LookRecord] = ()
    alerts: Sequence[Alert] = ()
    held: Sequence[Alert] = ()
    messages: Sequence[Message] = ()
    retained: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """One message of a story, as it was sent.

    body     the JSON of the alert topic
    is_held  True where it was held back: a digest tells of it
    """

    sequence: int
    alert_id: str
    site_id: str
    is_open: bool
    body: bytes = field(repr=False)
    is_held: bool = False


class Store:
    """One connection to the file; open another one in another thread."""

    def __init__(
        self,
        path: Path,
        outbox_settings: OutboxSettings,
        ticks: Callable[[], float] = clock.ticks,
        boot_id: Callable[[], str] = clock.boot_id,
    ) -> None:
        self._database = Database(path, MIGRATIONS)
        self.outbox = Outbox(self._database, outbox_settings)
        self.modem_ledger = ModemLedger(self._database)
        self._untimed = UntimedAlerts(self._database, ticks, boot_id)
        self.inbox = Inbox(self._database)
        self.quiet = QuietBook(self._database)
        # A power cut may have left something to tell.
        self._is_open_due = True

    def transaction(self) -> AbstractContextManager[None]:
        """All that happens in the block or nothing, for what is not a `Commit`."""
        return self._database.transaction()

    @property
    def epoch(self) -> int:
        """How often a damaged file was replaced by this one and those before it."""
        return self._counter("epoch")

    def begin_epoch(self, epoch: int) -> None:
        """A damaged file, or its counters, were replaced: what was lost of the sequence is jumped over."""
        with self._database.transaction():
            newest = int(self._database.rows("SELECT ifnull(max(sequence), 0) FROM alerts")[0][0] or 0)
            epoch = max(epoch, newest // EPOCH_LENGTH + 1)
            sequence = max(self._counter("sequence"), epoch * EPOCH_LENGTH)
            for name, value in (("epoch", epoch), ("sequence", sequence)):
                self._database.change(
                    "INSERT OR REPLACE INTO counters (name, value) VALUES (?, ?)", (name, value)
                )

    def absorb(self, file: Path, *, with_history: bool) -> int:
        """Take over every row of another store's file that can still be read; how many.

        with_history  False leaves out the ledger and the pictures of alerts that were sent
        """
        return salvage.copy(file, self._database, with_history=with_history)

    def lend(self) -> None:
        """Note that the rows of the outbox as they are now were taken over from another file."""
        with self._database.transaction():
            self._database.change(
                "INSERT OR REPLACE INTO counters (name, value) "
                "SELECT 'lent_seq', ifnull(max(seq), 0) FROM outbox"
            )

    def bring_home(self, file: Path) -> int:
        """Take back what went on in another file that had begun as a copy of this one; how many rows."""
        return salvage.bring_home(file, self._database)

    def set_damaged_aside(self) -> Mapping[str, int]:
        """Take every row that is not what was written out of use; how many, by table.

        Raises StoreCorrupt where that does not heal the file.
        """
        found = soundness.set_damaged_aside(self._database)
        if "counters" in found:
            self.begin_epoch(self.epoch + 1)
        if found.keys() & {"command_floor", "command_ids"}:
            with self._database.transaction():
                self.inbox.raise_floor(self._counter(_KNOWN_TIME))
        return found

    def require_sound(self) -> None:
        """Raises StoreCorrupt where the file is not what was written."""
        soundness.require_sound(self._database)

    @property
    def n_set_aside(self) -> int:
        """Rows that were found damaged and set aside since the file was made."""
        return soundness.n_set_aside(self._database)

    def close(self) -> None:
        """Give the file back."""
        self._database.close()

    def _counter(self, name: str) -> int:
        rows = self._database.rows("SELECT value FROM counters WHERE name = ?", (name,))
        return int(rows[0][0] or 0) if rows else 0

    def seen(self, sha256: str) -> bool:
        """True if a tile of these bytes is done."""
        return bool(self._database.rows("SELECT 1 FROM tiles WHERE sha256 = ?", (sha256,)))

    def site_state(self, site_id: str) -> bytes | None:
        """What the last commit left for a site, or None before the first."""
        rows = self._database.rows(
            "SELECT body FROM site_state WHERE site_id = ? ORDER BY turn DESC LIMIT 1", (site_id,)
        )
        return cast("bytes", rows[0][0]) if rows else None

    def commit(self, outcome: Commit) -> bool:
        """Write all of it or nothing; False, and nothing written, if the tile was done before.

        Raises DiskFull where the disk has no room beside the ballast, which is for sending alone.
        """
        if not self._database.ballast.hold():
            raise DiskFull(f"{self._database.path}: expected room on the disk, got none")
        with self._database.transaction():
            if outcome.tile is not None and self.seen(outcome.tile.sha256):
                return False
            self._put_tile(outcome)
            self._put_alerts(outcome)
            self.outbox.put(outcome.messages, outcome.done_at)
            for topic, payload in outcome.retained.items():
                self.outbox.put_retained(topic, payload)
        return True

    def correct(self, device_id: str, known: Reading, late_after: timedelta) -> int:
        """Say again, with the right time, what was said while nobody vouched for the clock; how many alerts.

        Of each story only its newest message: what was said before it is history, in order by its sequence.

        known  a look at a clock that somebody vouches for
        """
        if not self._untimed.n_noted:
            return 0
        with self._database.transaction():
            due = self._untimed.take(known)
            said = [one for one in due if self._correct(device_id, one, known, late_after)]
        return len(said)

    def _correct(self, device_id: str, due: Untimed, known: Reading, late_after: timedelta) -> bool:
        found = self._alerts(f"{_ALERT_COLUMNS} WHERE sequence = ?", due.sequence)
        if not found or self._database.rows(_IS_FOLLOWED, (due.sequence,)):
            return False
        old, sequence = found[0], add_to_counter(self._database, "sequence", 1)
        new = corrected(
            old.body, error=due.error, clock=known.clock, late_after=late_after, sequence=sequence
        )
        self._database.change("UPDATE alerts SET is_open = 0 WHERE sequence = ?", (old.sequence,))
        self._database.change(
            _PUT_AGAIN,
            (sequence, new.phase, int(old.is_open), new.body, old.sequence),
        )
        topic = Topics(device_id).alert(old.site_id)
        words = Message(topic, new.body, alert_id=old.alert_id, severity=new.severity)
        self.outbox.put([words], known.now)
        self.put_open(device_id, old.site_id, known.now)
        return True

    def known_time(self) -> datetime | None:
        """The newest instant that surely passed, as `note_known_time` left it."""
        rows = self._database.rows("SELECT value FROM counters WHERE name = ?", (_KNOWN_TIME,))
        return datetime.fromtimestamp(int(rows[0][0] or 0), UTC) if rows else None

    def note_known_time(self, now: datetime) -> None:
        """Somebody vouched for this instant: after a restart a clock that is behind it is wrong."""
        with self._database.transaction():
            self._database.change(
                "INSERT INTO counters (name, value) VALUES (?1, ?2) "
                "ON CONFLICT (name) DO UPDATE SET value = max(value, ?2)",
                (_KNOWN_TIME, int(now.timestamp())),
            )

    def open_alerts(self, site_id: str) -> list[StoredAlert]:
        """The newest message of each story of a site that still goes on, oldest first."""
        return self._alerts(f"{_ALERT_COLUMNS} WHERE is_open AND site_id = ? ORDER BY sequence", site_id)

    def alert(self, alert_id: str) -> list[StoredAlert]:
        """Every message of one story, in order; empty where it is not known."""
        return self._alerts(f"{_ALERT_COLUMNS} WHERE id = ? ORDER BY sequence", alert_id)

    def alert_ids(self, prefix: str) -> list[str]:
        """The ids that begin so, in order; an id is of digits and capital letters."""
        rows = self._database.rows(
            "SELECT DISTINCT id FROM alerts WHERE id >= ?1 AND id < ?1 || '~' ORDER BY id", (prefix,)
        )
        return [str(row[0]) for row in rows]

    def grounds(self, sequence: int) -> bytes | None:
        """What a message was decided on, or None where that is not kept (any more)."""
        rows = self._database.rows("SELECT body FROM grounds WHERE sequence = ?", (sequence,))
        return cast("bytes", rows[0][0]) if rows else None

    def evidence(self, sequence: int) -> list[Evidence]:
        """The pictures of one message, as far as they are still kept."""
        rows = self._database.rows(
            "SELECT role, sha256, jpeg FROM evidence WHERE sequence = ? ORDER BY n", (sequence,)
        )
        return [Evidence(*row) for row in cast("list[tuple[str, str, bytes]]", rows)]

    def looks(self, site_id: str, since: datetime) -> list[LookRecord]:
        """The ledger of a site from an instant on, in order of time."""
        rows = self._database.rows(
            "SELECT site_id, tile_id, seen_at, body FROM looks WHERE site_id = ? AND seen_at >= ? "
            "ORDER BY seen_at, tile_id",
            (site_id, instant_text(since)),
        )
        found = cast("list[tuple[str, str, str, bytes]]", rows)
        return [LookRecord(site, tile, datetime.fromisoformat(at), body) for site, tile, at, body in found]

    def make_room(self, n_bytes: int) -> int:
        """Delete the oldest pictures of alerts that were made until so much is free; how many."""
        wanted, n_deleted, n_rows = self._database.used_bytes() - n_bytes, 0, _SWEEP_ROWS
        while n_rows == _SWEEP_ROWS and self._database.used_bytes() > wanted:
            n_rows = self._delete(_MAKE_ROOM[0], _SWEEP_ROWS)
            n_deleted += n_rows
        self._database.freeing(self._database.shrink)
        return n_deleted

    def sweep(self, now: datetime, max_bytes: int) -> int:
        """Delete what is too old, then what is too much; how many rows. What waits to be sent stays."""
        n_deleted = self._delete_older(now)
        for sql in _MAKE_ROOM:
            n_rows = _SWEEP_ROWS
            while n_rows == _SWEEP_ROWS and self._database.used_bytes() > max_bytes:
                n_rows = self._delete(sql, _SWEEP_ROWS)
                n_deleted += n_rows
        self._database.shrink()
        return n_deleted

    def _delete_older(self, now: datetime) -> int:
        # A clock that jumped ahead must not wipe the ledger: age is counted from the newest look at most.
        newest = self._newest_look_at()
        if newest is None:
            return 0
        seen_until = min(now, newest)
        limit = seen_until - timedelta(days=KEEP_DAYS)
        with self._database.transaction():
            # A tile may come late: what was quiet when its ground was seen is quiet still.
            n_quiet = self.quiet.sweep(seen_until - timedelta(days=LATE_DAYS))
        return n_quiet + sum(
            self._delete(sql, instant_text(limit))
            for sql in (
                "DELETE FROM looks WHERE seen_at < ?",
                "DELETE FROM alerts WHERE seen_at < ?",
                "DELETE FROM tiles WHERE ifnull(acquired_at, done_at) < ?",
            )
        )

    def _newest_look_at(self) -> datetime | None:
        """By the ledger; a row that the disk gave back wrong may be no instant any more."""
        rows = self._database.rows("SELECT seen_at FROM looks ORDER BY seen_at DESC LIMIT 20")
        instants = []
        for (text,) in rows:
            with suppress(ValueError, TypeError):
                instants.append(datetime.fromisoformat(cast("str", text)).astimezone(UTC))
        return max(instants, default=None)

    def _delete(self, sql: str, value: str | int) -> int:
        def delete() -> int:
            with self._database.transaction():
                return self._database.change(sql, (value,))

        return self._database.freeing(delete)

    def _put_tile(self, outcome: Commit) -> None:
        tile = outcome.tile
        if tile is not None:
            acquired_at = None if tile.acquired_at is None else instant_text(tile.acquired_at)
            site_ids = msgspec.json.encode(tile.site_ids).decode()
            self._database.change(
                "INSERT INTO tiles VALUES (?, ?, ?, ?, ?, ?)",
                (
                    tile.sha256,
                    tile.tile_id,
                    site_ids,
                    acquired_at,
                    tile.outcome,
                    instant_text(outcome.done_at),
                ),
            )
        self._database.change_many(
            "INSERT INTO site_state (site_id, turn, body) "
            "SELECT ?1, ifnull(max(turn), 0) + 1, ?2 FROM site_state WHERE site_id = ?1",
            list(outcome.site_states.items()),
        )
        self._database.change_many(
            "DELETE FROM site_state WHERE site_id = ?1 AND turn < "
            "(SELECT max(turn) - 1 FROM site_state WHERE site_id = ?1)",
            [(name,) for name in outcome.site_states],
        )
        self._database.change_many(
            "INSERT OR REPLACE INTO looks (site_id, seen_at, tile_id, body) VALUES (?, ?, ?, ?)",
            [(look.site_id, instant_text(look.seen_at), look.tile_id, look.body) for look in outcome.looks],
        )

    def _put_alerts(self, outcome: Commit) -> None:
        numbered, held = self._numbered(outcome.alerts), self._numbered(outcome.held)
        words = [_words(alert) for alert in numbered]
        for alert, said in zip(numbered, words, strict=True):
            self._put_alert(alert, said.payload)
        for alert in held:
            self._put_held(alert)
        # The words of all alerts go before the first picture.
        self.outbox.put(words, outcome.done_at)
        self.outbox.put([picture for alert in numbered for picture in _pictures(alert)], outcome.done_at)
        self._untimed.note(numbered)
        self._is_open_due |= bool(numbered)

    def tell_open(self, device_id: str, as_of: datetime) -> bool:
        """Tell anew which alerts are open at the sites where there were some; True if there is news.

        No alert waits for it: it is told after the commit; what a power cut left untold, at the next start.
        """
        if not self._is_open_due:
            return False
        with self._database.transaction():
            due = self._database.rows(_SITES_SINCE, (self._counter(_OPEN_TOLD),))
            for site_id in map(str, (row[0] for row in due)):
                self._close_old_news(site_id)
                self.put_open(device_id, site_id, as_of)
            if due:
                self._database.change(_TOLD_ALL, (_OPEN_TOLD,))
        self._is_open_due = False
        return bool(due)

    def _numbered(self, alerts: Sequence[Alert]) -> list[Alert]:
        """Each at its place in the device's order, and marked where somebody has read an earlier message."""
        numbered = [one.with_sequence(add_to_counter(self._database, "sequence", 1)) for one in alerts]
        return [as_acked(one) if self.quiet.is_acked(one.alert_id) else one for one in numbered]

    def close_alert(self, alert_id: str) -> None:
        """It is not open any more, inside the caller's transaction."""
        self._database.change("UPDATE alerts SET is_open = 0 WHERE id = ? AND is_open", (alert_id,))

    def put_open(self, device_id: str, site_id: str, as_of: datetime) -> None:
        """Tell anew which alerts of a site are open, inside the caller's transaction."""
        bodies, n_open = self._newest_open(site_id)
        acked = {body.alert_id for body in bodies if self.quiet.is_acked(body.alert_id)}
        payload = state.open_json(
            device_id, site_id, as_of, [one.body for one in bodies], n_open, acked=acked
        )
        self.outbox.put_retained(Topics(device_id).open(site_id), payload)

    def _close_old_news(self, site_id: str) -> None:
        """What happened once has no end of its own: it stays open for some days before the newest alert."""
        newest = self._database.rows(_NEWEST_OF_SITE, (site_id,))[0][0]
        if newest is None:
            return
        limit = datetime.fromisoformat(str(newest)) - timedelta(days=NEWS_DAYS)
        self._database.change(
            "UPDATE alerts SET is_open = 0 "
            "WHERE is_open AND site_id = ? AND kind IN (?, ?, ?, ?) AND seen_at < ?",
            (site_id, Kind.ARRIVAL, Kind.DEPARTURE, Kind.MOVED, Kind.CONVOY, instant_text(limit)),
        )

    def _newest_open(self, site_id: str) -> tuple[list[StoredAlert], int]:
        """What `open` tells, oldest first, and how many there are in all: they may be many more."""
        newest = self._alerts(
            f"{_ALERT_COLUMNS} WHERE is_open AND site_id = ? ORDER BY sequence DESC LIMIT {state.MAX_OPEN}",
            site_id,
        )
        counted = self._database.rows("SELECT count(*) FROM alerts WHERE is_open AND site_id = ?", (site_id,))
        return newest[::-1], int(counted[0][0] or 0)

    def _put_held(self, alert: Alert) -> None:
        """Keep it as one that is not open and never was told; what is open under its id stays so."""
        self._put_row(alert, to_json(alert), is_open=False)
        self._database.change("INSERT INTO held VALUES (?)", (alert.sequence,))

    def _put_alert(self, alert: Alert, body: bytes) -> None:
        self.close_alert(alert.alert_id)
        self._put_row(alert, body, is_open=alert.is_open)

    def _put_row(self, alert: Alert, body: bytes, *, is_open: bool) -> None:
        finding = alert.finding
        row = (
            *(alert.sequence, alert.alert_id, alert.site_id, finding.kind, finding.phase),
            *(int(is_open), instant_text(finding.seen_at), body),
        )
        self._database.change(_PUT_ALERT, (*row, row_crc.crc_of(row)))
        assert alert.sequence is not None, "an alert is numbered before it is put"
        self.quiet.put_subject(alert.sequence, finding)
        if alert.grounds:
            self._database.change("INSERT INTO grounds VALUES (?, ?)", (alert.sequence, alert.grounds))
        self._database.change_many(
            "INSERT INTO evidence VALUES (?, ?, ?, ?, ?)",
            [
                (alert.sequence, n, shown.role, shown.sha256, shown.jpeg)
                for n, shown in enumerate(alert.evidence)
            ],
        )

    def _alerts(self, sql: str, value: str | int) -> list[StoredAlert]:
        rows = cast("list[tuple[int, str, str, int, bytes, int]]", self._database.rows(sql, (value,)))
        return [
            StoredAlert(sequence, alert_id, site_id, bool(is_open), body, bool(is_held))
            for sequence, alert_id, site_id, is_open, body, is_held in rows
        ]


def _words(alert: Alert) -> Message:
    topic = Topics(alert.device_id).alert(alert.site_id)
    return Message(topic, to_json(alert), alert_id=alert.alert_id, severity=alert.finding.severity)


def _pictures(alert: Alert) -> list[Message]:
    topics = Topics(alert.device_id)
    return [
        Message(
            topics.evidence(alert.site_id, alert.alert_id, n),
            shown.jpeg,
            alert_id=alert.alert_id,
            severity=alert.finding.severity,
            is_picture=True,
        )
        for n, shown in enumerate(alert.evidence)
    ]
