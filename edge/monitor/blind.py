"""When a place was not seen for too long: the age of the newest usable look against its limit. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from edge.monitor import headline
from edge.monitor.finding import Finding, Phase
from edge.monitor.rules import AnyRule, BlindRule
from edge.monitor.scene import Story


def blind(
    site_id: str,
    rules: Sequence[AnyRule],
    stories: Mapping[str, Story],
    *,
    newest_look_at: datetime | None,
    now: datetime,
    last_reject: str | None,
) -> tuple[tuple[Finding, ...], Mapping[str, Story]]:
    """What to say at this instant, and the stories after it.

    newest_look_at  of the newest usable look; None before the first: then nothing is said, the site has only
                    been set up
    now             the instant to judge at: a tile's acquired_at, or the clock where it is trusted
    last_reject     why the newest tile was not usable, or None where no tile came at all
    """
    still = dict(stories)
    findings: list[Finding] = []
    for rule in rules:
        if not isinstance(rule, BlindRule) or newest_look_at is None:
            continue
        limit_at = newest_look_at + timedelta(hours=rule.blind_hours)
        story = still.get(rule.rule_id)
        if story is None and now >= limit_at:
            # The look that went stale names the story: the daemon and a replay come to the same id.
            opened_by = f"blind since {newest_look_at.isoformat()}"
            still[rule.rule_id] = Story(rule.rule_id, opened_by, newest_look_at)
            findings.append(_new(site_id, rule, opened_by, limit_at, last_reject))
        elif story is not None and newest_look_at > story.opened_at:
            del still[rule.rule_id]
            findings.append(_end(site_id, rule, story, newest_look_at))
    return tuple(findings), still


def _new(
    site_id: str, rule: BlindRule, opened_by: str, limit_at: datetime, last_reject: str | None
) -> Finding:
    newest_look_at = limit_at - timedelta(hours=rule.blind_hours)
    return Finding(
        site_id=site_id,
        rule_id=rule.rule_id,
        kind=rule.kind,
        severity=rule.severity,
        phase=Phase.NEW,
        opened_by=opened_by,
        seen_at=limit_at,
        confidence=1.0,
        headline=headline.of(rule, Phase.NEW, 0, None),
        why=(
            {
                "newest_look": newest_look_at,
                "reason": last_reject or "no tile",
                "limit_hours": rule.blind_hours,
            },
        ),
    )


def _end(site_id: str, rule: BlindRule, story: Story, newest_look_at: datetime) -> Finding:
    return Finding(
        site_id=site_id,
        rule_id=rule.rule_id,
        kind=rule.kind,
        severity=rule.severity,
        phase=Phase.END,
        opened_by=story.opened_by,
        seen_at=newest_look_at,
        confidence=1.0,
        headline=headline.of(rule, Phase.END, 0, None),
        why=(
            {"newest_look": newest_look_at, "blind_since": story.opened_at, "limit_hours": rule.blind_hours},
        ),
    )
