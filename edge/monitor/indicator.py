"""A rule over rules: so many of these findings within so many days, at one site or at several. Pure.

It reads what the other rules said, whatever tile they said it at, and remembers for each of its signs when it
was last seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from edge.monitor import headline
from edge.monitor.finding import Finding, Kind, Phase
from edge.monitor.rules import AnyRule, IndicatorRule, Sign
from edge.monitor.scene import Story


@dataclass(frozen=True, slots=True)
class SignSeen:
    """The newest finding that an indicator took for one of its signs.

    sign      in words
    rule_id, opened_by  of the finding: with its site they give the id of its alert
    """

    sign: str
    site_id: str
    rule_id: str
    opened_by: str
    seen_at: datetime
    headline: str


Seen = Mapping[str, tuple[SignSeen, ...]]
"""What was seen, by the id of the indicator's rule: each sign once, in the order of the rule."""


@dataclass(frozen=True, slots=True)
class Indicated:
    """What the indicators of a site say, the stories that stay open, and what they remember."""

    findings: tuple[Finding, ...]
    stories: Mapping[str, Story]
    seen: Seen


def indicate(
    site_id: str,
    rules: Sequence[AnyRule],
    said: Sequence[Finding],
    *,
    at: datetime,
    stories: Mapping[str, Story],
    seen: Seen,
) -> Indicated:
    """The indicators of one site after what was said at any site, at an instant."""
    findings: list[Finding] = []
    still, after = dict(stories), {}
    for rule in rules:
        if isinstance(rule, IndicatorRule):
            known = _remembered(rule, site_id, said, seen.get(rule.rule_id, ()))
            after[rule.rule_id] = known
            findings += _judged(rule, site_id, known, at, still)
    return Indicated(tuple(findings), still, after)


def _remembered(
    rule: IndicatorRule, site_id: str, said: Sequence[Finding], known: Sequence[SignSeen]
) -> tuple[SignSeen, ...]:
    """The newest finding for each sign; what the rule no longer asks for is forgotten."""
    newest = {one.sign: one for one in known}
    for sign in rule.of:
        for finding in said:
            last = newest.get(str(sign))
            if _is(sign, site_id, finding) and (last is None or last.seen_at < finding.seen_at):
                newest[str(sign)] = SignSeen(
                    str(sign), finding.site_id, finding.rule_id, finding.opened_by,
                    finding.seen_at, finding.headline,
                )  # fmt: skip
    return tuple(newest[str(sign)] for sign in rule.of if str(sign) in newest)


def _is(sign: Sign, site_id: str, finding: Finding) -> bool:
    """True if a finding is what a sign waits for; the end of something is not."""
    return (
        finding.phase in (Phase.NEW, Phase.UPDATE)
        and finding.kind is sign.kind
        and finding.site_id == (sign.site or site_id)
        and sign.label in (None, finding.label)
        and sign.zone in (None, finding.zone)
        and (finding.count >= sign.at_least or finding.kind is Kind.BLIND)
    )


def _judged(
    rule: IndicatorRule, site_id: str, known: Sequence[SignSeen], at: datetime, stories: dict[str, Story]
) -> list[Finding]:
    """New when enough signs came together, an update when one joins, the end when too few remain."""
    window = timedelta(days=rule.within_days)
    fresh = [one for one in known if timedelta(0) <= at - one.seen_at <= window]
    story = stories.get(rule.rule_id)
    signs = tuple(one.sign for one in fresh)
    if len(fresh) < rule.at_least:
        if story is None:
            return []
        del stories[rule.rule_id]
        return [_finding(rule, site_id, fresh, at, (Phase.END, story.opened_by))]
    if story is None:
        latest = max(fresh, key=lambda one: one.seen_at)
        opened_by = f"{latest.site_id} {latest.rule_id} {latest.opened_by}"
        stories[rule.rule_id] = Story(rule.rule_id, opened_by, at, signs)
        return [_finding(rule, site_id, fresh, at, (Phase.NEW, opened_by))]
    joined = set(signs) - set(story.track_ids)
    stories[rule.rule_id] = replace(story, track_ids=signs)
    return [_finding(rule, site_id, fresh, at, (Phase.UPDATE, story.opened_by))] if joined else []


def _finding(
    rule: IndicatorRule, site_id: str, fresh: Sequence[SignSeen], at: datetime, told: tuple[Phase, str]
) -> Finding:
    """The finding; told is its phase and what opened its story."""
    phase, opened_by = told
    since = min((one.seen_at for one in fresh), default=at)
    return Finding(
        site_id=site_id,
        rule_id=rule.rule_id,
        kind=rule.kind,
        severity=rule.severity,
        phase=phase,
        opened_by=opened_by,
        seen_at=at,
        # It adds nothing to what its findings are sure of, and each of them passed its own rule.
        confidence=1.0,
        headline=headline.of_indicator(rule.indicator, phase, len(fresh), len(rule.of), since.date()),
        count=len(fresh),
        why=tuple(_why(one) for one in fresh),
    )


def _why(one: SignSeen) -> Mapping[str, object]:
    return {
        "sign": one.sign,
        "look": one.seen_at,
        "site": one.site_id,
        "rule": one.rule_id,
        "headline": one.headline,
    }
