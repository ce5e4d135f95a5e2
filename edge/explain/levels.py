"""The levels that a decision had to pass, with the figures worked out anew; by kind. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from edge.explain.again import count_of
from edge.explain.chain import Chain
from edge.grounds import SceneGrounds
from edge.monitor import presence
from edge.monitor.finding import Finding, Kind
from edge.monitor.rules import (
    AnyRule,
    ConvoyRule,
    CountRule,
    DwellRule,
    GroundChangeRule,
    IndicatorRule,
    MovedRule,
    TrendRule,
)
from edge.monitor.trend import limit_of

_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Level:
    """One comparison: `presence of a7: 0.12 <= 0.25`."""

    what: str
    value: float
    limit: float
    is_upper: bool = False

    @property
    def is_passed(self) -> bool:
        """True if the value is at the limit or beyond it."""
        return self.value <= self.limit if self.is_upper else self.value >= self.limit


@dataclass(frozen=True, slots=True)
class Case:
    """What the levels are worked out from; again: the finding decided once more."""

    rule: AnyRule
    again: Finding
    scene: SceneGrounds | None
    chains: Sequence[Chain]


def levels(case: Case) -> list[Level]:
    """Those of its kind, then that of the rule's confidence where it has objects."""
    found = list(_LEVELS.get(case.rule.kind, _none)(case))
    if case.again.kind not in (Kind.BLIND, Kind.INDICATOR):
        found.append(Level("confidence, the rule's", case.again.confidence, case.rule.confidence))
    return found


def _none(_case: Case) -> Iterator[Level]:
    return iter(())


def _present(one: Chain) -> float:
    derived = one.steps[-1].derived if one.steps else None
    return one.track.presence if derived is None else presence.probability(derived)


def _arrival(case: Case) -> Iterator[Level]:
    for one in case.chains:
        newness = one.track.newness if one.newness is None else one.newness
        surely_new = _present(one) * newness
        limit = case.scene.settings.present_from if case.scene else 0.0
        yield Level(
            f"{one.track.track_id}: present and come since, inventory.present_from", surely_new, limit
        )


def _departure(case: Case) -> Iterator[Level]:
    for one in case.chains:
        limit = case.scene.settings.gone_below if case.scene else 1.0
        what = f"{one.track.track_id}: presence, inventory.gone_below"
        yield Level(what, _present(one), limit, is_upper=True)


def _moved(case: Case) -> Iterator[Level]:
    if isinstance(case.rule, MovedRule) and case.scene is not None:
        for move in case.scene.delta.moved:
            if move.track.track_id in {one.track_id for one in case.again.objects}:
                yield Level(
                    f"{move.track.track_id}: metres moved, at_least_m", move.distance_m, case.rule.at_least_m
                )


def _count(case: Case) -> Iterator[Level]:
    if isinstance(case.rule, CountRule) and case.scene is not None:
        number = count_of(case.scene, case.rule.count, case.rule.zone)
        if case.rule.at_least is not None:
            yield Level("low end of the count, at_least", number.low, case.rule.at_least)
        elif case.rule.at_most is not None:
            yield Level("high end of the count, at_most", number.high, case.rule.at_most, is_upper=True)


def _dwell(case: Case) -> Iterator[Level]:
    if isinstance(case.rule, DwellRule):
        for one in case.again.objects:
            hours = (one.last_seen - one.first_seen).total_seconds() / _HOUR_S
            yield Level(f"{one.track_id}: hours since it was first seen, hours", hours, case.rule.hours)


def _convoy(case: Case) -> Iterator[Level]:
    if isinstance(case.rule, ConvoyRule):
        yield Level("vehicles in line, at_least", case.again.count, case.rule.at_least)


def _trend(case: Case) -> Iterator[Level]:
    told = case.again.why[0].get("standard_errors") if case.again.why else None
    if isinstance(case.rule, TrendRule) and isinstance(told, float):
        limit = limit_of(case.rule.false_alarms_per_year)
        yield Level("standard errors from the normal, false_alarms_per_year", abs(told), limit)


def _ground_change(case: Case) -> Iterator[Level]:
    if isinstance(case.rule, GroundChangeRule) and case.scene is not None:
        for one in case.scene.ground:
            if one.seen_at == case.again.seen_at and one.n_looks == case.rule.looks:
                yield Level("square metres of one place, area_m2", one.area_m2, case.rule.area_m2)
                yield Level("looks that show it, looks", one.n_looks, case.rule.looks)


def _indicator(case: Case) -> Iterator[Level]:
    if isinstance(case.rule, IndicatorRule):
        yield Level("signs within the days, at_least", case.again.count, case.rule.at_least)


_LEVELS: dict[Kind, Callable[[Case], Iterator[Level]]] = {
    Kind.ARRIVAL: _arrival,
    Kind.DEPARTURE: _departure,
    Kind.MOVED: _moved,
    Kind.COUNT: _count,
    Kind.DWELL: _dwell,
    Kind.CONVOY: _convoy,
    Kind.TREND: _trend,
    Kind.GROUND_CHANGE: _ground_change,
    Kind.INDICATOR: _indicator,
}
