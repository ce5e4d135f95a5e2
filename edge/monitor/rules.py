"""The rules that an operator writes: what matters at a site, one class a kind. Pure.

The first field of each class is the word that names the rule in the configuration:
`{arrival: aircraft, zone: apron}` is an ArrivalRule.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from edge.monitor.finding import Kind, Severity

Label = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Confidence = Annotated[float, msgspec.Meta(gt=0, lt=1)]


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all rules have."""

    # A zone of the site; without it the whole site counts.
    zone: str | None = None
    # CAP 1.2's words: minor, moderate, severe, extreme.
    severity: Severity = Severity.MODERATE
    # An alert is made only from this confidence on; a later look may still bring it there.
    confidence: Confidence = 0.5

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
    kind: ClassVar[Kind] = Kind.ARRIVAL


class DepartureRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An object of this label left: its place was clearly seen without it."""

    departure: Label
    kind: ClassVar[Kind] = Kind.DEPARTURE


class MovedRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An object of this label stands elsewhere on its own footprint: pushed, turned, pulled up."""

    moved: Label
    # From this distance between the two positions on.
    at_least_m: Annotated[float, msgspec.Meta(gt=0)] = 8.0
    kind: ClassVar[Kind] = Kind.MOVED


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


AnyRule = ArrivalRule | DepartureRule | MovedRule | CountRule | DwellRule | BlindRule

# By the word that names the rule in the configuration.
RULES: dict[str, type[AnyRule]] = {
    "arrival": ArrivalRule,
    "departure": DepartureRule,
    "moved": MovedRule,
    "count": CountRule,
    "dwell": DwellRule,
    "blind_hours": BlindRule,
}


def default_rules(labels: tuple[str, ...]) -> tuple[AnyRule, ...]:
    """What a site gets in a replay without a configuration: arrivals, departures, and blindness."""
    both = [rule for label in labels for rule in (ArrivalRule(arrival=label), DepartureRule(departure=label))]
    return (*both, BlindRule(blind_hours=72.0))
