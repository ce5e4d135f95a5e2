"""The rules that an operator writes: what matters at a site, one class a kind. Pure.

The first field of each class is the word that names the rule in the configuration:
`{arrival: aircraft, zone: apron}` is an ArrivalRule.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec

from edge.monitor.finding import Kind, Severity
from edge.monitor.kinds import USUAL, Kinds

Label = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Confidence = Annotated[float, msgspec.Meta(gt=0, lt=1)]
# Metres of the longer side of an object's box.
LeastLength = Annotated[float, msgspec.Meta(ge=0, le=1000)]


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all rules have."""

    # A zone of the site; without it the whole site counts.
    zone: str | None = None
    # CAP 1.2's words: minor, moderate, severe, extreme.
    severity: Severity = Severity.MODERATE
    # An alert is made only from this confidence on; a later look may still bring it there. Of arrivals and
    # departures told at rendered airfields 5 of 16 below it were wholly true, and 129 of 145 above.
    confidence: Confidence = 0.7

    kind: ClassVar[Kind]

    @property
    def rule_id(self) -> str:
        """The rule as a short text that stays the same over restarts: part of every alert's id."""
        return f"{self.kind}:{self.subject}@{self.zone or '*'}"

    @property
    def subject(self) -> str:
        """What the rule is about, as it stands in its id: its label, with its limit where it has one."""
        return self.label or ""

    @property
    def label(self) -> str | None:
        """The label it is about, or None where it is about none."""
        value = getattr(self, self.kind, None)
        return value if isinstance(value, str) else None


class ArrivalRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An object of this label came and was not there at the look before."""

    arrival: Label
    # What is shorter is not told: waves, dinghies, and lorries that a model takes for boats.
    min_length_m: LeastLength = 0.0
    kind: ClassVar[Kind] = Kind.ARRIVAL


class DepartureRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An object of this label left: its place was clearly seen without it."""

    departure: Label
    # What is shorter is not told, as with arrivals.
    min_length_m: LeastLength = 0.0
    kind: ClassVar[Kind] = Kind.DEPARTURE


class MovedRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An object of this label stands elsewhere on its own footprint: pushed, turned, pulled up."""

    moved: Label
    # From this distance between the two positions on.
    at_least_m: Annotated[float, msgspec.Meta(gt=0)] = 8.0
    kind: ClassVar[Kind] = Kind.MOVED


class AlteredRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An object of this label stays but is no longer what it was: opened, stripped, taken apart."""

    altered: Label
    # All that becomes of one object is one story; it ends when the object is gone, or after so many days
    # without another alteration.
    quiet_days: Annotated[float, msgspec.Meta(gt=0, le=366)] = 30.0
    kind: ClassVar[Kind] = Kind.ALTERED


class GroundChangeRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ground is no longer what it was and no object explains it: a building, digging, stores laid out."""

    # Always true; the change model, models.change, says where.
    ground_change: bool
    # Ground of one piece from which it matters, in square metres.
    area_m2: Annotated[float, msgspec.Meta(ge=25, le=1_000_000)] = 400.0
    # Looks that must show it changed before it is told.
    looks: Annotated[int, msgspec.Meta(ge=2, le=5)] = 3
    kind: ClassVar[Kind] = Kind.GROUND_CHANGE

    def __post_init__(self) -> None:
        if not self.ground_change:
            raise ValueError("ground_change: expected true, got false; leave the rule out to switch it off")

    @property
    def subject(self) -> str:
        """The limit."""
        return f"{self.area_m2:g}m2"


class CountRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The number of objects of this label crosses a limit; ends when it surely came back."""

    count: Label
    # Give one of the two: the alert comes when the whole 90 % interval lies at or beyond the limit.
    at_least: Annotated[int, msgspec.Meta(ge=1)] | None = None
    at_most: Annotated[int, msgspec.Meta(ge=0)] | None = None
    kind: ClassVar[Kind] = Kind.COUNT

    def __post_init__(self) -> None:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("expected exactly one of at_least and at_most")

    @property
    def subject(self) -> str:
        """The label and the limit."""
        limit = f">={self.at_least}" if self.at_least is not None else f"<={self.at_most}"
        return f"{self.count}{limit}"


class DwellRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An object of this label has stayed for so many hours since it was first seen; ends when it leaves."""

    dwell: Label
    hours: Annotated[float, msgspec.Meta(gt=0)]
    kind: ClassVar[Kind] = Kind.DWELL

    @property
    def subject(self) -> str:
        """The label and the limit."""
        return f"{self.dwell}>={self.hours:g}h"


class BlindRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """There was no usable look at the site for so many hours; ends with the next one."""

    blind_hours: Annotated[float, msgspec.Meta(gt=0)]
    kind: ClassVar[Kind] = Kind.BLIND

    def __post_init__(self) -> None:
        if self.zone is not None:
            raise ValueError("zone: expected none, the age of a look is that of the whole site")

    @property
    def subject(self) -> str:
        """The limit."""
        return f"{self.blind_hours:g}h"


class ConvoyRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Vehicles of this label drive in a column along a road; queues and car parks are none."""

    convoy: Label
    # Vehicles from which a column matters, those between them that were missed included.
    at_least: Annotated[int, msgspec.Meta(ge=4)] = 5
    kind: ClassVar[Kind] = Kind.CONVOY

    def __post_init__(self) -> None:
        if self.zone is None:
            raise ValueError("zone: expected the name of a road drawn as a line, got nothing")

    @property
    def subject(self) -> str:
        """The label and the limit."""
        return f"{self.convoy}>={self.at_least}"


class Direction(StrEnum):
    """Which way a number may go."""

    ANY = "any"
    BUILD_UP = "build_up"
    DRAW_DOWN = "draw_down"


class TrendRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place fills up or empties beyond what is usual; ends when it is as before, or the new is usual."""

    trend: Label
    # The change must lie within so many days; what was before is the normal.
    over_days: Annotated[int, msgspec.Meta(ge=3, le=60)] = 14
    direction: Direction = Direction.ANY
    # How often a year this rule may alarm at a site where nothing changes.
    false_alarms_per_year: Annotated[float, msgspec.Meta(gt=0, le=12)] = 0.5
    kind: ClassVar[Kind] = Kind.TREND

    @property
    def subject(self) -> str:
        """The label, the days and the direction."""
        way = "" if self.direction is Direction.ANY else f" {self.direction}"
        return f"{self.trend}>{self.over_days}d{way}"


class Sign(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the findings that an indicator waits for; what is left out may be anything."""

    kind: Kind
    label: Label | None = None
    zone: str | None = None
    # Another site of this configuration; without it the rule's own.
    site: str | None = None
    # Objects that it must be about.
    at_least: Annotated[int, msgspec.Meta(ge=1)] = 1

    def __post_init__(self) -> None:
        if self.kind in (Kind.INDICATOR, Kind.DIGEST):
            raise ValueError(f"kind: expected what a look can show, got {self.kind}")

    def __str__(self) -> str:
        """In words, as it stands in an alert: "3 altered aircraft at north-airfield/apron"."""
        number = f"{self.at_least} " if self.at_least > 1 else ""
        place = "/".join(filter(None, (self.site, self.zone)))
        what = " ".join(filter(None, (self.kind.replace("_", " "), self.label)))
        return f"{number}{what}{f' at {place}' if place else ''}"


class IndicatorRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule over rules: so many of these findings within so many days, at one site or at several."""

    # What the findings together mean, in the operator's words.
    indicator: Label
    of: Annotated[tuple[Sign, ...], msgspec.Meta(min_length=2, max_length=16)]
    at_least: Annotated[int, msgspec.Meta(ge=2)] = 2
    within_days: Annotated[float, msgspec.Meta(gt=0, le=366)] = 7.0
    kind: ClassVar[Kind] = Kind.INDICATOR

    def __post_init__(self) -> None:
        if self.zone is not None:
            raise ValueError("zone: expected none, each of its findings may have one")
        if self.at_least > len(self.of):
            raise ValueError(f"at_least: expected at most {len(self.of)}, as many as are listed")
        if len({str(sign) for sign in self.of}) < len(self.of):
            raise ValueError("of: expected each sign once")

    @property
    def subject(self) -> str:
        """Its name."""
        return self.indicator

    @property
    def label(self) -> str | None:
        """None: it is about findings, not about objects."""
        return None


AnyRule = (
    ArrivalRule
    | DepartureRule
    | MovedRule
    | AlteredRule
    | GroundChangeRule
    | CountRule
    | DwellRule
    | BlindRule
    | ConvoyRule
    | TrendRule
    | IndicatorRule
)

# By the word that names the rule in the configuration.
RULES: dict[str, type[AnyRule]] = {
    "arrival": ArrivalRule,
    "departure": DepartureRule,
    "moved": MovedRule,
    "altered": AlteredRule,
    "ground_change": GroundChangeRule,
    "count": CountRule,
    "dwell": DwellRule,
    "blind_hours": BlindRule,
    "convoy": ConvoyRule,
    "trend": TrendRule,
    "indicator": IndicatorRule,
}


def default_rules(labels: tuple[str, ...], kinds: Kinds = USUAL) -> tuple[AnyRule, ...]:
    """What a site gets in a replay without a configuration: arrivals, departures, and blindness.

    A label that is a kind of another one of them has no rules of its own: its objects would be told twice.
    """
    widest_ones = [label for label in labels if kinds.get(label) not in labels]
    both = [
        rule for label in widest_ones for rule in (ArrivalRule(arrival=label), DepartureRule(departure=label))
    ]
    return (*both, BlindRule(blind_hours=72.0))
