"""What a replay told of a rendered site against its truth. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from edge.geo import LngLat, distance_m
from edge.monitor.finding import Finding, Kind, Phase
from edge.monitor.kinds import USUAL, is_a

# An event may be told at its look or at one of the next two that show the site: one look can be a poor one,
# and one under cloud is none.
MAX_LATE_LOOKS = 2
MAX_LATE_TREND_LOOKS = 3
# A box that holds a part of an object still lies within half its length of the middle.
MIN_REACH_M = 12.0
# Of the vehicles of a column.
COUNT_TOLERANCE = 0.2
# A look that shows less of the site than this does not end a time of blindness.
_CLEAR_FRACTION = 0.5
_ASKED = (Kind.ARRIVAL, Kind.DEPARTURE, Kind.ALTERED, Kind.CONVOY)

Event = Mapping[str, Any]


@dataclass(slots=True)
class Score:
    """Counts that add up over sites and seeds; by kind, but for the alerts.

    n_alerts     stories that began; n_false: those of them in which nothing was true
    site_months  how long was watched, in sites times months of 30 days
    """

    found: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    false: Counter[str] = field(default_factory=Counter)
    n_alerts: int = 0
    n_false: int = 0
    site_months: float = 0.0

    def add(self, other: Score) -> None:
        """Another site or seed."""
        self.found += other.found
        self.missed += other.missed
        self.false += other.false
        self.n_alerts += other.n_alerts
        self.n_false += other.n_false
        self.site_months += other.site_months


def scored(
    truth: Mapping[str, Any], findings: Sequence[Finding], rules: Sequence[Mapping[str, Any]]
) -> Score:
    """One site: every finding of a story that began there, against what its rules ask for."""
    score = Score(site_months=_months(truth))
    asked = _asked(truth, rules)
    left = list(asked)
    for finding in _as_they_stand(findings):
        if finding.phase is not Phase.NEW and not _is_further_step(finding):
            continue
        n_true, n_false = _judged(finding, asked, left, truth)
        score.false[finding.kind] += n_false
        score.n_alerts += finding.phase is Phase.NEW
        score.n_false += finding.phase is Phase.NEW and n_true == 0
    missed = Counter(str(event["kind"]) for event in left)
    score.missed += missed
    score.found += Counter(str(event["kind"]) for event in asked) - missed
    return score


def _as_they_stand(findings: Sequence[Finding]) -> list[Finding]:
    """The findings, each column as its last update tells it: that is what the desk reads then."""
    last = {(one.rule_id, one.opened_by): one for one in findings if one.kind is Kind.CONVOY}
    return [
        replace(last[one.rule_id, one.opened_by], phase=one.phase) if one.kind is Kind.CONVOY else one
        for one in findings
    ]


def _is_further_step(finding: Finding) -> bool:
    """An object of an open story was altered again: that is an event of its own."""
    return finding.kind is Kind.ALTERED and bool(_altered_now(finding))


def _altered_now(finding: Finding) -> set[object]:
    """The tracks of which this very look makes an alteration sure."""
    return {step["track"] for step in finding.why if step["decided"] == finding.seen_at}


def _months(truth: Mapping[str, Any]) -> float:
    first, last = (_instant(truth["passes"][index]["at"]) for index in (0, -1))
    return float((last - first) / timedelta(days=30))


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _asked(truth: Mapping[str, Any], rules: Sequence[Mapping[str, Any]]) -> list[Event]:
    """The events that a rule of the site is about, and the trend where one is.

    A move from stand to stand is a departure and an arrival, and nobody has to say more.
    """
    pairs = {(next(iter(rule)), next(iter(rule.values()))) for rule in rules}
    events = [
        event
        for event in truth["events"]
        if event["kind"] in _ASKED
        and any(event["kind"] == kind and is_a(event["label"], str(label), USUAL) for kind, label in pairs)
    ]
    events = [event for event in events if event["kind"] != Kind.CONVOY] + _columns(events)
    trend = truth["trend"]
    if trend is not None and trend["visible_look"] is not None and ("trend", trend["label"]) in pairs:
        events.append(trend | {"kind": "trend", "look": trend["from_look"]})
    return events


def _columns(events: Sequence[Event]) -> list[Event]:
    """Each column once, with all looks that show it: one may tell it at any of them."""
    columns: dict[str, dict[str, Any]] = {}
    for event in events:
        if event["kind"] == Kind.CONVOY:
            columns.setdefault(event["id"], {**event, "looks": []})["looks"].append(event["look"])
    return list(columns.values())


def _judged(
    finding: Finding, asked: Sequence[Event], left: list[Event], truth: Mapping[str, Any]
) -> tuple[int, int]:
    """How much of a finding is true and how much is not; what it found is taken out of `left`."""
    look = _look(finding, truth)
    if finding.kind is Kind.BLIND:
        return (0, 1) if _saw(truth, finding) else (1, 0)
    if finding.kind in {Kind.TREND, Kind.CONVOY}:
        true = [
            event
            for event in asked
            if _is_trend(event, finding, look, truth) or _is_column(event, finding, look)
        ]
        # Told again, under another id, it is still no false alarm.
        left[:] = [event for event in left if event not in true[:1]]
        return (1, 0) if true else (0, 1)
    n_true = n_false = 0
    told = _altered_now(finding) if finding.kind is Kind.ALTERED else None
    for found in finding.objects:
        if told is not None and found.track_id not in told:
            continue
        near = [event for event in left if _is_same(event, finding, found.position, look, truth)]
        right, wrong = _taken(near, left)
        if wrong and finding.kind is Kind.MOVED and _was_moved(truth, found.position, look):
            right, wrong = 1, 0
        n_true, n_false = n_true + right, n_false + wrong
    return n_true, n_false


def _taken(matches: Iterable[Event], left: list[Event]) -> tuple[int, int]:
    match = next(iter(matches), None)
    if match is None:
        return 0, 1
    left.remove(match)
    return 1, 0


def _look(finding: Finding, truth: Mapping[str, Any]) -> int:
    """The number of the look of a finding; of the first one after it where no tile is behind it."""
    if finding.tile_id is not None:
        return int(finding.tile_id.rpartition("-")[2])
    later = (n for n, one in enumerate(truth["passes"], 1) if _instant(one["at"]) >= finding.seen_at)
    return next(later, len(truth["passes"]))


def _is_same(event: Event, finding: Finding, position: LngLat, look: int, truth: Mapping[str, Any]) -> bool:
    return (
        event["kind"] == finding.kind
        and is_a(event["label"], finding.label, USUAL)
        and _is_timely(event, look, truth)
        and distance_m(LngLat(event["lng"], event["lat"]), position) <= _reach_m(event, truth["gsd_m"])
    )


def _is_timely(event: Event, look: int, truth: Mapping[str, Any]) -> bool:
    """Not before it, and not more than so many looks after it that show half of the site."""
    happened = int(event["look"])
    return look >= happened and _n_clear(truth, happened, look) <= MAX_LATE_LOOKS


def _n_clear(truth: Mapping[str, Any], after: int, until: int) -> int:
    """Looks after one and until another that show half of the site."""
    return sum(one["usable_fraction"] >= _CLEAR_FRACTION for one in truth["passes"][after:until])


def _reach_m(event: Event, gsd_m: float) -> float:
    left, top, right, bottom = event["in_reference"]
    return float(max(MIN_REACH_M, max(right - left, bottom - top) * gsd_m / 2))


def _was_moved(truth: Mapping[str, Any], position: LngLat, look: int) -> bool:
    """Something moved to or from there; a rule on moves is right to say so, and nobody has to."""
    moves = (event for event in truth["events"] if event["kind"] == "moved")
    return any(
        _is_timely(event, look, truth)
        and distance_m(LngLat(*place), position) <= _reach_m(event, truth["gsd_m"])
        for event in moves
        for place in (event["from"], (event["lng"], event["lat"]))
    )


def _is_column(event: Event, finding: Finding, look: int) -> bool:
    """The same road at a look that shows it, and about as many vehicles."""
    return (
        event["kind"] == finding.kind == Kind.CONVOY
        and look in event["looks"]
        and finding.zone in (None, *event["zones"])
        and abs(finding.count - event["count"]) <= max(1.0, COUNT_TOLERANCE * event["count"])
    )


def _is_trend(event: Event, finding: Finding, look: int, truth: Mapping[str, Any]) -> bool:
    return bool(
        event["kind"] == finding.kind == Kind.TREND
        and event["label"] == finding.label
        and event["from_look"] <= look
        and _n_clear(truth, event["visible_look"], look) <= MAX_LATE_TREND_LOOKS
    )


def _saw(truth: Mapping[str, Any], finding: Finding) -> bool:
    """True if the site was clearly seen in the hours for which it is said to be blind."""
    hours = float(str(finding.why[0]["limit_hours"]))
    start = finding.seen_at - timedelta(hours=hours)
    return any(
        start < _instant(one["at"]) <= finding.seen_at and one["usable_fraction"] >= _CLEAR_FRACTION
        for one in truth["passes"]
    )
