"""The rule `convoy`: is there a column on a road at this look. Pure.

A column is news, not a state: it is told when it is seen, and told again under the same id while looks
minutes apart show it grown or tell its speed. It has no end; the next column is another story.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from edge.geo import Zone
from edge.monitor import headline
from edge.monitor.column import Column, Past, Road, Vehicle, find_column, length_of
from edge.monitor.finding import Finding, FoundObject, Phase
from edge.monitor.rules import ConvoyRule
from edge.monitor.scene import Passing, Scene, Story
from edge.monitor.track import Track

# Two looks tell a speed, and are of one column, within this time; at 10 m/s it is 18 km on by then.
MAX_AGE = timedelta(minutes=30)
# Vehicles of which the next look is told: beyond this the road is one jam.
MAX_PASSING = 150


def judge_convoy(rule: ConvoyRule, scene: Scene, stories: dict[str, Story]) -> list[Finding]:
    """New when a column is seen, an update when a look soon after tells more of it."""
    story = stories.get(rule.rule_id)
    now = scene.sight.seen_at
    if story is not None and not timedelta(0) <= now - story.opened_at <= MAX_AGE:
        del stories[rule.rule_id]
        story = None
    zone = scene.zone(rule.zone)
    column = None if zone is None or not zone.line else _column(rule.convoy, scene, zone)
    if column is None or column.count < rule.at_least or column.confidence < rule.confidence:
        return []
    opened_by = scene.sight.tile_id if story is None else story.opened_by
    stories[rule.rule_id] = Story(rule.rule_id, opened_by, now, count=column.count)
    if story is None:
        return [_finding(rule, scene, column, Phase.NEW, opened_by)]
    tells_more = column.count > (story.count or 0) or column.speed is not None
    return [_finding(rule, scene, column, Phase.UPDATE, opened_by)] if tells_more else []


def passing_of(scene: Scene, rules: Sequence[ConvoyRule]) -> Mapping[str, Passing]:
    """The vehicles on the watched roads at this look; a road of which it shows nothing new keeps the last."""
    after = {}
    for rule in rules:
        zone, key = scene.zone(rule.zone), f"{rule.convoy}@{rule.zone}"
        if zone is None or not zone.line:
            continue
        last = scene.passing.get(key)
        if last is not None and last.seen_at >= scene.sight.seen_at:
            after[key] = last
            continue
        places = [Road.of(zone).place(track.box.position) for track in _shown(rule.convoy, scene, zone)]
        along, aside = ([round(place[i] * 10) for place in places[:MAX_PASSING]] for i in (0, 1))
        after[key] = Passing(scene.sight.seen_at, tuple(along), tuple(aside))
    return after


def _shown(label: str, scene: Scene, zone: Zone) -> list[Track]:
    """The vehicles on the road that this very look shows."""
    return [
        track
        for track in scene.inventory.tracks
        if scene.is_a(track, label)
        and track.last_seen == scene.sight.seen_at
        and zone.contains(track.box.position)
    ]


def _column(label: str, scene: Scene, zone: Zone) -> Column | None:
    road = Road.of(zone)
    vehicles = [_vehicle(track, road) for track in _shown(label, scene, zone)]
    last = scene.passing.get(f"{label}@{zone.name}")
    return find_column(vehicles, road, recall=scene.recall.of(label), past=_past(last, scene))


def _past(last: Passing | None, scene: Scene) -> Past | None:
    if last is None or not timedelta(0) < scene.sight.seen_at - last.seen_at <= MAX_AGE:
        return None
    along, aside = (tuple(value / 10 for value in values) for values in (last.along_dm, last.aside_dm))
    return Past((scene.sight.seen_at - last.seen_at).total_seconds(), along, aside)


def _vehicle(track: Track, road: Road) -> Vehicle:
    along_m, aside_m = road.place(track.box.position)
    length_m = length_of(track.box.width_m, track.box.height_m, road.bearing_deg(along_m))
    before = track.history[-2:-1]
    return Vehicle(
        track.track_id, along_m, aside_m, length_m, track.strength,
        stands=any(step.score is not None for step in before),
        unknown=track.newness == 0.0 and not before,
    )  # fmt: skip


def _finding(rule: ConvoyRule, scene: Scene, column: Column, phase: Phase, opened_by: str) -> Finding:
    tracks = {track.track_id: track for track in scene.inventory.tracks}
    return Finding(
        site_id=scene.site.site_id,
        rule_id=rule.rule_id,
        kind=rule.kind,
        severity=rule.severity,
        phase=phase,
        opened_by=opened_by,
        seen_at=scene.sight.seen_at,
        confidence=column.confidence,
        headline=headline.of_column(column, rule.convoy, rule.zone or ""),
        label=rule.convoy,
        zone=rule.zone,
        tile_id=scene.sight.tile_id,
        count=column.count,
        remaining=scene.counts(rule.convoy, rule.zone),
        objects=tuple(_object(tracks[name]) for name in column.names),
        why=(_why(column, scene),),
    )


def _object(track: Track) -> FoundObject:
    return FoundObject(
        track.track_id, track.label, track.box.position, track.box.length_m, track.strength,
        track.first_seen, track.last_seen,
    )  # fmt: skip


def _why(column: Column, scene: Scene) -> Mapping[str, object]:
    step: dict[str, object] = {
        "look": scene.sight.seen_at,
        "tile": scene.sight.tile_id,
        "seen": len(column.names),
        "count": column.count,
        "length_m": round(column.length_m),
        "spacing_m": round(column.spacing_m, 1),
        "bearing_deg": round(column.bearing_deg),
        "has_direction": False,
    }
    speed = column.speed
    if speed is not None:
        low, high = sorted((abs(speed.low), abs(speed.high))) if speed.has_direction else (0.0, speed.high)
        step |= {
            "has_direction": speed.has_direction,
            "speed_m_per_s": round(abs(speed.m_per_s), 1),
            "speed_low_m_per_s": round(low, 1),
            "speed_high_m_per_s": round(max(high, abs(speed.low)), 1),
            "matched": speed.n_matched,
        }
    return step
