"""The rule `trend`: does a place fill up or empty, and is it over. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from edge.monitor import headline
from edge.monitor.activity import Series, date_of, day_number
from edge.monitor.finding import Finding, Phase
from edge.monitor.rules import Direction, TrendRule
from edge.monitor.scene import Episode, Scene, Story
from edge.monitor.trend import Trend, likeliest_change, limit_of

# A trend is told again when it has gone on by this share of what was told, and by an object at least.
GONE_ON = 0.5
# Days whose mean says where the number stands now, to tell whether it is back.
BACK_DAYS = 3
# After so many times the rule's days what is new is the normal.
SETTLED = 3
DAYS_A_YEAR = 365.25


def judge_trend(rule: TrendRule, scene: Scene, stories: dict[str, Story]) -> list[Finding]:
    """New when a change stands out, an update when it goes on, the end when half of it is undone or usual."""
    series = scene.activity.of(rule.trend, rule.zone)
    if not series.days or series.days[-1].number != day_number(scene.sight.seen_at):
        return []  # this look showed too little of the zone, or came late: it says nothing of today
    story = stories.get(rule.rule_id)
    if story is not None and story.episode is not None:
        return _followed(rule, scene, series, stories, (story, story.episode))
    found = likeliest_change(
        _without_last(rule, series, stories),
        over_days=rule.over_days,
        turnover_per_day=scene.turnover_per_day,
    )
    if found is None or not _is_told(rule, found):
        return []
    episode = Episode(found.normal, found.now, found.first_day)
    opened_by, now = scene.sight.tile_id, scene.sight.seen_at
    stories[rule.rule_id] = Story(rule.rule_id, opened_by, now, episode=episode)
    return [_finding(rule, scene, found, (Phase.NEW, opened_by))]


def _over(rule: TrendRule) -> str:
    """Under this name the last trend of a rule is remembered when it is over."""
    return f"{rule.rule_id} over"


def _without_last(rule: TrendRule, series: Series, stories: Mapping[str, Story]) -> Series:
    """The days but for those of the last trend: the way back from it is not the next one."""
    last = stories.get(_over(rule))
    if last is None or last.episode is None or last.episode.last_day is None:
        return series
    return series.without(last.episode.first_day, last.episode.last_day)


def _is_told(rule: TrendRule, found: Trend) -> bool:
    way = Direction.BUILD_UP if found.z > 0 else Direction.DRAW_DOWN
    is_meant = rule.direction in (Direction.ANY, way)
    return (
        is_meant
        and abs(found.z) >= limit_of(rule.false_alarms_per_year)
        and _sure(rule, found) >= rule.confidence
    )


def _sure(rule: TrendRule, found: Trend) -> float:
    """Confidence in [0, 1]: the chance that within the days of the rule nothing like it comes by chance."""
    return math.exp(-found.false_alarms_per_year * rule.over_days / DAYS_A_YEAR)


def _followed(
    rule: TrendRule,
    scene: Scene,
    series: Series,
    stories: dict[str, Story],
    going: tuple[Story, Episode],
) -> list[Finding]:
    """What became of a trend that was told."""
    story, episode = going
    recent = series.days[-BACK_DAYS:]
    now, today = sum(day.mean for day in recent) / len(recent), series.days[-1]
    change, told = now - episode.normal, episode.now - episode.normal
    n_days = len([day for day in series.days if day.number >= episode.first_day])
    trend = Trend(episode.first_day, episode.normal, now, 0.0, n_days, 0)
    is_back = change * told <= 0.0 or abs(change) < 0.5 * abs(told)
    if is_back or today.number - episode.first_day > SETTLED * rule.over_days:
        # Back: these days were not normal. Settled: they are the normal, and those before are not.
        left_out = (episode.first_day, today.number - 1) if is_back else (0, episode.first_day - 1)
        over = replace(episode, first_day=left_out[0], last_day=left_out[1])
        del stories[rule.rule_id]
        stories[_over(rule)] = replace(story, episode=over)
        trend = replace(trend, now=today.mean)
        return [_finding(rule, scene, trend, (Phase.END, story.opened_by), is_back=is_back)]
    if abs(change) < abs(told) + max(1.0, GONE_ON * abs(told)):
        return []
    stories[rule.rule_id] = replace(story, episode=replace(episode, now=now))
    return [_finding(rule, scene, trend, (Phase.UPDATE, story.opened_by))]


def _finding(
    rule: TrendRule, scene: Scene, trend: Trend, told: tuple[Phase, str], *, is_back: bool = False
) -> Finding:
    """The finding; told is its phase and what opened its story."""
    phase, opened_by = told
    count = scene.counts(rule.trend, rule.zone)
    return Finding(
        site_id=scene.site.site_id,
        rule_id=rule.rule_id,
        kind=rule.kind,
        severity=rule.severity,
        phase=phase,
        opened_by=opened_by,
        seen_at=scene.sight.seen_at,
        # After it is told it is not tested again: what is said then has the interval of the count.
        confidence=_sure(rule, trend) if phase is Phase.NEW else 0.95,
        headline=headline.of_trend(
            trend, phase, rule.trend, rule.zone, is_back=is_back, since=date_of(trend.first_day)
        ),
        label=rule.trend,
        zone=rule.zone,
        tile_id=scene.sight.tile_id,
        count=count.value,
        remaining=count,
        why=(_why(rule, trend, phase),),
    )


def _why(rule: TrendRule, trend: Trend, phase: Phase) -> dict[str, object]:
    step: dict[str, object] = {
        "since": date_of(trend.first_day).isoformat(),
        "normal": round(trend.normal, 1),
        "now": round(trend.now, 1),
        "days_after": trend.n_days,
        "over_days": rule.over_days,
    }
    if phase is Phase.NEW:
        step |= {
            "days_before": trend.baseline_days,
            "standard_errors": round(trend.z, 2),
            "false_alarms_per_year": float(f"{trend.false_alarms_per_year:.2g}"),
            "limit_per_year": rule.false_alarms_per_year,
        }
    return step
