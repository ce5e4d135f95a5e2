"""What the monitor says: the words, counts and objects of a finding, before it becomes a message. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from edge.geo import LngLat


class Kind(StrEnum):
    """What happened; the value stands in the alert and in its type."""

    ARRIVAL = "arrival"
    DEPARTURE = "departure"
    ALTERED = "altered"
    MOVED = "moved"
    COUNT = "count"
    DWELL = "dwell"
    CONVOY = "convoy"
    GROUND_CHANGE = "ground_change"
    TREND = "trend"
    INDICATOR = "indicator"
    BLIND = "blind"
    DEVICE = "device"
    DIGEST = "digest"


class Severity(StrEnum):
    """The words of CAP 1.2, section 3.2.2, from least to most."""

    MINOR = "minor"
    MODERATE = "moderate"
    SEVERE = "severe"
    EXTREME = "extreme"

    @property
    def rank(self) -> int:
        """0 for minor to 3 for extreme."""
        return list(Severity).index(self)


class Phase(StrEnum):
    """Where a story under one alert id stands."""

    NEW = "new"
    UPDATE = "update"
    END = "end"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Count:
    """A number of objects with the interval that holds the truth in 90 % of looks."""

    value: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class FoundObject:
    """One object of a finding, as the inventory knows it.

    length_m  the longer side of its box on the ground
    """

    track_id: str
    label: str
    position: LngLat
    length_m: float
    score: float
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that came true (or ended) at one look of one site.

    rule_id     which rule, stable over restarts: its kind, label and zone as text, "arrival:aircraft@apron"
    opened_by   the tile (or the instant, for blind) that opened the story: the alert id follows from it
    seen_at     when the ground was seen; for blind, the instant at which the limit was passed
    tile_id     the tile of this look, None where no tile is behind it (blind)
    confidence  in [0, 1]
    remaining   how many of the label are left in the zone, where that is known
    objects     those it is about; empty for blind
    why         the steps of the decision as plain data, one mapping a look or limit
    """

    site_id: str
    rule_id: str
    kind: Kind
    severity: Severity
    phase: Phase
    opened_by: str
    seen_at: datetime
    confidence: float
    headline: str
    label: str | None = None
    zone: str | None = None
    tile_id: str | None = None
    count: int = 0
    remaining: Count | None = None
    objects: tuple[FoundObject, ...] = ()
    why: tuple[Mapping[str, object], ...] = ()

    @property
    def story_key(self) -> str:
        """Under what its story is kept: a rule has one at a time, but for those that follow single things."""
        return story_key(self.rule_id, self.opened_by) if self.kind in _OF_SINGLE_THINGS else self.rule_id


_OF_SINGLE_THINGS = frozenset({Kind.ALTERED})


def story_key(rule_id: str, opened_by: str) -> str:
    """The key of one of several stories of a rule."""
    return f"{rule_id} {opened_by}"
