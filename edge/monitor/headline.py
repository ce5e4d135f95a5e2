"""The one sentence of an alert, in the words of the person who reads it on a telephone. Pure."""

from __future__ import annotations

from edge.monitor.finding import Count, Phase
from edge.monitor.rules import AnyRule, ArrivalRule, BlindRule, CountRule, DepartureRule, DwellRule, MovedRule

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
        case _:
            text = f"no usable look at {place} for {rule.blind_hours:g} hours"
    return text


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
