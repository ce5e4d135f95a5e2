"""What was said at one site, for the indicators of all sites: the rules over rules. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from edge.monitor.finding import Finding
from edge.monitor.indicator import indicate
from edge.monitor.rules import IndicatorRule
from edge.monitor.state import SiteState
from edge.pipeline import WatchedSite


@dataclass(frozen=True, slots=True)
class Together:
    """The findings of indicators, and the states of the sites whose indicators moved."""

    findings: tuple[Finding, ...]
    states: Mapping[str, SiteState]


def together(
    watched: Mapping[str, WatchedSite], states: Mapping[str, SiteState], said: Sequence[Finding], at: datetime
) -> Together:
    """The indicators of every site after what was said at any of them.

    states  of all sites, as what was said left them
    at      when the newest tile was seen; one that comes late does not turn time back
    """
    newest = max((at, *(one.newest_look_at for one in states.values() if one.newest_look_at is not None)))
    findings: list[Finding] = []
    changed: dict[str, SiteState] = {}
    for name, one in watched.items():
        if not any(isinstance(rule, IndicatorRule) for rule in one.rules):
            continue
        state = states[name]
        told = indicate(name, one.rules, said, at=newest, stories=state.stories, seen=state.signs)
        findings += told.findings
        after = replace(state, stories=told.stories, signs=told.seen)
        if after.stories != state.stories or after.signs != state.signs:
            changed[name] = after
    return Together(tuple(findings), changed)
