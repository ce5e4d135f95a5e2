"""What operators said of alerts: read, false, not now. Tables in the store's file.

What changes something runs inside the caller's transaction: the word and the answer to it are written as one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import msgspec

from edge import row_crc
from edge.database import Database, instant_text
from edge.geo import LngLat
from edge.monitor.finding import Finding, Kind, Severity
from edge.monitor.quiet import Quiet, QuietPlace, Snooze

SCHEMA = (
    # What an alert is about, beyond what its message says.
    """CREATE TABLE subjects (
        sequence INTEGER PRIMARY KEY REFERENCES alerts (sequence) ON DELETE CASCADE,
        rule_id TEXT NOT NULL,
        severity TEXT NOT NULL,
        objects BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE quiet_places (
        site_id TEXT NOT NULL,
        alert_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        label TEXT NOT NULL,
        lng REAL NOT NULL,
        lat REAL NOT NULL,
        radius_m REAL NOT NULL,
        until_at TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX quiet_places_of_site ON quiet_places (site_id)",
    # An empty rule_id is the whole site.
    """CREATE TABLE snoozes (
        site_id TEXT NOT NULL,
        rule_id TEXT NOT NULL,
        is_feedback INTEGER NOT NULL,
        alert_id TEXT NOT NULL,
        until_at TEXT NOT NULL,
        PRIMARY KEY (site_id, rule_id, is_feedback)
    ) STRICT, WITHOUT ROWID""",
    "CREATE TABLE acks (alert_id TEXT PRIMARY KEY, acked_at TEXT NOT NULL) STRICT, WITHOUT ROWID",
)


@dataclass(frozen=True, slots=True)
class Place:
    """An object of an alert: where it stood and how long it is."""

    label: str
    position: LngLat
    length_m: float


@dataclass(frozen=True, slots=True)
class Subject:
    """What a story is about, over all its messages.

    seen_at  the ground of its newest message
    places   its objects, each track once
    """

    alert_id: str
    site_id: str
    kind: Kind
    rule_id: str
    severity: Severity
    seen_at: datetime
    places: tuple[Place, ...]


class QuietBook:
    """The operators' word over one connection; it belongs to the thread that made it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put_subject(self, sequence: int, finding: Finding) -> None:
        """Note what an alert is about, inside the caller's transaction."""
        objects = {one.track_id: Place(one.label, one.position, one.length_m) for one in finding.objects}
        row = (sequence, finding.rule_id, finding.severity, msgspec.msgpack.encode(objects))
        self._database.change(
            "INSERT INTO subjects (sequence, rule_id, severity, objects, crc32) VALUES (?, ?, ?, ?, ?)",
            (*row, row_crc.crc_of(row)),
        )

    def subject(self, alert_id: str) -> Subject | None:
        """What a story is about, or None where it is not known (any more)."""
        rows = self._database.rows(
            "SELECT site_id, kind, rule_id, severity, seen_at, objects "
            "FROM alerts JOIN subjects USING (sequence) WHERE id = ? ORDER BY sequence",
            (alert_id,),
        )
        if not rows:
            return None
        objects: dict[str, Place] = {}
        for row in rows:
            objects |= msgspec.msgpack.decode(cast("bytes", row[5]), type=dict[str, Place])
        site_id, kind, rule_id, severity, seen_at = (str(value) for value in rows[-1][:5])
        return Subject(
            alert_id,
            site_id,
            Kind(kind),
            rule_id,
            Severity(severity),
            datetime.fromisoformat(seen_at),
            tuple(objects.values()),
        )

    def at(self, site_id: str) -> Quiet:
        """All that is kept quiet at a site, in the order in which it was said."""
        places = self._database.rows(
            "SELECT alert_id, kind, label, lng, lat, radius_m, until_at FROM quiet_places "
            "WHERE site_id = ? ORDER BY rowid",
            (site_id,),
        )
        snoozes = self._database.rows(
            "SELECT alert_id, rule_id, until_at, is_feedback FROM snoozes WHERE site_id = ? "
            "ORDER BY rule_id, is_feedback",
            (site_id,),
        )
        return Quiet(
            tuple(_place(row) for row in cast("list[_PlaceRow]", places)),
            tuple(
                Snooze(alert_id, rule_id or None, datetime.fromisoformat(until_at), bool(is_feedback))
                for alert_id, rule_id, until_at, is_feedback in cast(
                    "list[tuple[str, str, str, int]]", snoozes
                )
            ),
        )

    def site_ids(self) -> tuple[str, ...]:
        """The sites at which something is kept quiet."""
        rows = self._database.rows(
            "SELECT site_id FROM quiet_places UNION SELECT site_id FROM snoozes ORDER BY site_id"
        )
        return tuple(str(row[0]) for row in rows)

    def add_places(self, site_id: str, places: Sequence[QuietPlace]) -> None:
        """Keep places quiet; those of the same alerts are replaced."""
        self.lift_places(site_id, {place.alert_id for place in places})
        self._database.change_many(
            "INSERT INTO quiet_places (site_id, alert_id, kind, label, lng, lat, radius_m, until_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    *(site_id, place.alert_id, place.kind, place.label, place.position.lng),
                    *(place.position.lat, place.radius_m, instant_text(place.until_at)),
                )
                for place in places
            ],
        )

    def lift_places(self, site_id: str, alert_ids: Iterable[str]) -> None:
        """Tell again of the places of these alerts."""
        self._database.change_many(
            "DELETE FROM quiet_places WHERE site_id = ? AND alert_id = ?",
            [(site_id, alert_id) for alert_id in alert_ids],
        )

    def put_snooze(self, site_id: str, snooze: Snooze) -> None:
        """Let a rule or a site be quiet; a later word replaces an earlier one."""
        self._database.change(
            "INSERT OR REPLACE INTO snoozes (site_id, rule_id, is_feedback, alert_id, until_at) "
            "VALUES (?, ?, ?, ?, ?)",
            (
                *(site_id, snooze.rule_id or "", int(snooze.is_feedback)),
                *(snooze.alert_id, instant_text(snooze.until_at)),
            ),
        )

    def lift_snooze(self, site_id: str, rule_id: str | None, *, is_feedback: bool) -> int:
        """Let a rule or a site speak again; how many snoozes that ended."""
        return self._database.change(
            "DELETE FROM snoozes WHERE site_id = ? AND rule_id = ? AND is_feedback = ?",
            (site_id, rule_id or "", int(is_feedback)),
        )

    def ack(self, alert_id: str, at: datetime) -> bool:
        """Somebody has read this alert; True the first time."""
        return bool(
            self._database.change(
                "INSERT OR IGNORE INTO acks (alert_id, acked_at) VALUES (?, ?)", (alert_id, instant_text(at))
            )
        )

    def is_acked(self, alert_id: str) -> bool:
        """True if somebody has read it."""
        return bool(self._database.rows("SELECT 1 FROM acks WHERE alert_id = ?", (alert_id,)))

    def sweep(self, before: datetime) -> int:
        """Delete what ended before an instant, and words about alerts that are not kept; how many rows."""
        limit = (instant_text(before),)
        return (
            self._database.change("DELETE FROM quiet_places WHERE until_at < ?", limit)
            + self._database.change("DELETE FROM snoozes WHERE until_at < ?", limit)
            + self._database.change("DELETE FROM acks WHERE alert_id NOT IN (SELECT id FROM alerts)")
        )


_PlaceRow = tuple[str, str, str, float, float, float, str]


def _place(row: _PlaceRow) -> QuietPlace:
    alert_id, kind, label, lng, lat, radius_m, until_at = row
    return QuietPlace(
        alert_id, Kind(kind), label, LngLat(lng, lat), radius_m, datetime.fromisoformat(until_at)
    )
