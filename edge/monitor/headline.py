"""The one sentence of an alert, in the words of the person who reads it on a telephone. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from edge.monitor.column import Column
from edge.monitor.finding import Count, Phase
from edge.monitor.rules import (
    AlteredRule,
    AnyRule,
    ArrivalRule,
    BlindRule,
    CountRule,
    DepartureRule,
    DwellRule,
    MovedRule,
)
from edge.monitor.trend import Trend

# English plurals of the labels that do not take an s.
_SAME_IN_PLURAL = frozenset({"aircraft"})


def of(rule: AnyRule, phase: Phase, n_objects: int, remaining: Count | None) -> str:
    """What happened, how many, where, and what is there now."""
    place = rule.zone or "the site"
    now = "" if remaining is None else f"; {span(remaining)}"
    match rule:
        case ArrivalRule():
            text = f"{number(n_objects, rule.arrival)} arrived at {place}{now} there now"
        case DepartureRule():
            verb = "remains" if remaining == Count(1, 1, 1) else "remain"
            text = f"{number(n_objects, rule.departure)} left {place}{now} {verb}"
        case MovedRule():
            text = f"{number(n_objects, rule.moved)} moved at {place}"
        case CountRule():
            still = "no longer " if phase is Phase.END else ""
            text = f"{words(rule.count, 2)} at {place} {still}{_limit(rule)}{now} there now"
        case DwellRule() if phase is Phase.END:
            text = f"no {words(rule.dwell, 2)} at {place} for {rule.hours:g} hours or more any longer"
        case DwellRule():
            text = f"{number(n_objects, rule.dwell)} at {place} for {rule.hours:g} hours or more"
        case BlindRule() if phase is Phase.END:
            text = f"{place} is seen again; it was not for {rule.blind_hours:g} hours or more"
        case BlindRule():
            text = f"no usable look at {place} for {rule.blind_hours:g} hours"
        case _:
            raise ValueError(f"headline: expected a rule about single objects, got {rule.rule_id}")
    return text


def of_column(column: Column, label: str, zone: str) -> str:
    """A column: how many, how long, and where it drives as far as two looks tell."""
    text = f"column of {number(column.count, label)} on {zone}, {column.length_m:.0f} m long"
    speed = column.speed
    if speed is None:
        return text
    pace = f"about {abs(speed.m_per_s) * 3.6:.0f} km/h"
    return f"{text}, heading {_compass(column.bearing_deg)} at {pace}" if speed.has_direction else text


def of_trend(trend: Trend, phase: Phase, label: str, zone: str | None, *, since: date, is_back: bool) -> str:
    """A trend: from what to what, and since when."""
    what, place = words(label, 2), zone or "the site"
    if phase is Phase.END:
        state = "back to the usual" if is_back else "at a new normal of"
        return f"{what} at {place} are {state} {trend.now:.0f}"
    way = "build-up" if trend.now > trend.normal else "draw-down"
    numbers = f"from {trend.normal:.0f} to {trend.now:.0f}"
    return f"{way}: {what} at {place} went {numbers} since {since.day} {since:%b}"


def of_indicator(name: str, phase: Phase, n_seen: int, n_signs: int, since: date) -> str:
    """A rule over rules: how many of its findings, and since when."""
    if phase is Phase.END:
        return f"{name}: only {n_seen} of {n_signs} signs remain"
    return f"{name}: {n_seen} of {n_signs} signs since {since.day} {since:%b}"


def of_altered(
    rule: AlteredRule,
    phase: Phase,
    n_objects: int,
    *,
    since: date,
    n_steps: int,
    is_loss: bool,
    is_gone: bool,
) -> str:
    """What became of objects that stayed: how many, how often, and whether less of them is left each time."""
    what, place = number(n_objects, rule.altered), rule.zone or "the site"
    begun = f"since {since.day} {since:%b}"
    if phase is Phase.NEW:
        return f"{what} altered at {place}"
    if is_gone:
        how = "taken apart" if is_loss else "altered"
        return f"{what} {how} at {place} {begun} {'is' if n_objects == 1 else 'are'} gone"
    if phase is Phase.END:
        return f"{what} altered at {place} {begun}: nothing more for {rule.quiet_days:g} days"
    how = "being taken apart" if is_loss else "altered again"
    return f"{what} {how} at {place}, {_ordinal(n_steps)} time {begun}"


def of_ground_change(n_places: int, area_m2: float, zone: str | None, since: date) -> str:
    """Ground that is no longer what it was: how much, and since when at the latest."""
    places = "1 place" if n_places == 1 else f"{n_places} places"
    return (
        f"ground changed at {places} of {zone or 'the site'}, {area_m2:.0f} m2, since {since.day} {since:%b}"
    )


def _ordinal(n: int) -> str:
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def of_repeat(text: str, n_times: int, since: date) -> str:
    """What was told of an earlier time, said again."""
    return f"{text}; {n_times} times since {since.day} {since:%b}"


def of_digest(kinds: Mapping[str, int], n_held: int) -> str:
    """What a day's digest holds: how many of what."""
    named = ", ".join(f"{n} {kind.replace('_', ' ')}" for kind, n in sorted(kinds.items()))
    return f"{n_held} held back by the alarm budget: {named}"


def _compass(bearing_deg: float) -> str:
    names = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
    return names[round(bearing_deg / 45.0) % 8]


def _limit(rule: CountRule) -> str:
    return f"{rule.at_least} or more" if rule.at_least is not None else f"{rule.at_most} or fewer"


def span(count: Count) -> str:
    """A count as text: "9", or "8 to 10" where it is not sure."""
    return str(count.value) if count.low == count.high else f"{count.low} to {count.high}"


def number(n: int, label: str) -> str:
    """So many of a label: "1 storage tank", "2 aircraft"."""
    return f"{n} {words(label, n)}"


def words(label: str, n: int) -> str:
    """A label as it is said of so many."""
    text = label.replace("_", " ")
    return text if n == 1 or label in _SAME_IN_PLURAL else f"{text}s"
