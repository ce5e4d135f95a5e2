"""A look against the table of rules: what matters becomes a finding. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from msgspec.structs import replace as renewed

from edge.monitor import headline
from edge.monitor.finding import Finding, FoundObject, Kind, Phase
from edge.monitor.inventory import Inventory
from edge.monitor.judge_altered import judge_altered
from edge.monitor.judge_convoy import judge_convoy, passing_of
from edge.monitor.judge_ground import judge_ground
from edge.monitor.judge_trend import judge_trend
from edge.monitor.rules import (
    AlteredRule,
    AnyRule,
    ArrivalRule,
    ConvoyRule,
    CountRule,
    DepartureRule,
    DwellRule,
    GroundChangeRule,
    MovedRule,
    TrendRule,
)
from edge.monitor.scene import Passing, Scene, Story
from edge.monitor.track import Evidence, Status, Track

# Looks of one object that an alert shows; the store keeps the rest for `edge explain`.
MAX_WHY_LOOKS = 3
_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Findings of a look, the stories that stay open, and the inventory with what rules still wait for.

    passing  the vehicles on the roads that a rule watches, for the next look
    """

    findings: tuple[Finding, ...]
    stories: Mapping[str, Story]
    inventory: Inventory
    passing: Mapping[str, Passing]


def judge(scene: Scene, rules: Sequence[AnyRule], stories: Mapping[str, Story]) -> Verdict:
    """Every rule against one look; findings in the order of the rules."""
    findings: list[Finding] = []
    still = dict(stories)
    waiting: defaultdict[str, set[str]] = defaultdict(set)
    waiting |= {track.track_id: set(track.waiting) for track in scene.inventory.tracks if track.waiting}
    for rule in rules:
        if isinstance(rule, ArrivalRule | DepartureRule):
            findings += _come_or_gone(rule, scene, waiting)
        elif isinstance(rule, MovedRule):
            findings += _moved(rule, scene)
        elif isinstance(rule, AlteredRule):
            findings += judge_altered(rule, scene, still)
        elif isinstance(rule, GroundChangeRule):
            findings += judge_ground(rule, scene)
        elif isinstance(rule, CountRule):
            findings += _count(rule, scene, still)
        elif isinstance(rule, DwellRule):
            findings += _dwell(rule, scene, still)
        elif isinstance(rule, ConvoyRule):
            findings += judge_convoy(rule, scene, still)
        elif isinstance(rule, TrendRule):
            findings += judge_trend(rule, scene, still)
    tracks = tuple(
        renewed(track, waiting=tuple(sorted(waiting[track.track_id]))) if track.track_id in waiting else track
        for track in scene.inventory.tracks
    )
    passing = passing_of(scene, [rule for rule in rules if isinstance(rule, ConvoyRule)])
    return Verdict(tuple(findings), still, replace(scene.inventory, tracks=tracks), passing)


def _come_or_gone(
    rule: ArrivalRule | DepartureRule, scene: Scene, waiting: defaultdict[str, set[str]]
) -> list[Finding]:
    """One finding of all objects that the rule is now sure enough of; the others wait for a later look."""
    came = isinstance(rule, ArrivalRule)
    fresh = {track.track_id for track in (scene.delta.arrived if came else scene.delta.departed)}
    wanted = Status.PRESENT if came else Status.GONE
    subject, rule_id = rule.subject, rule.rule_id
    asked = [
        track
        for track in scene.inventory.tracks
        if (rule_id in track.waiting or track.track_id in fresh) and scene.is_a(track, subject)
    ]
    for track in asked:
        waiting[track.track_id].discard(rule_id)
    long = (track for track in asked if track.box.length_m >= rule.min_length_m)
    concerned = scene.standing_in(rule.zone, [track for track in long if track.status is wanted])
    sure = []
    for track in concerned:
        if confidence_of(track) >= rule.confidence:
            sure.append(track)
        else:
            waiting[track.track_id].add(rule_id)
    told = scene.audible(rule, sure)
    return [_finding(rule, scene, Phase.NEW, told)] if told else []


def confidence_of(track: Track) -> float:
    """How sure the latest decision about a track is, in [0, 1]."""
    return track.departure_confidence if track.status is Status.GONE else track.arrival_confidence


def _moved(rule: MovedRule, scene: Scene) -> list[Finding]:
    moves = [
        move
        for move in scene.delta.moved
        if scene.is_a(move.track, rule.moved)
        and move.distance_m >= rule.at_least_m
        and move.track.presence >= rule.confidence
        and scene.in_zone(move.track, rule.zone)
        and scene.audible(rule, [move.track])
    ]
    if not moves:
        return []
    finding = _finding(rule, scene, Phase.NEW, [move.track for move in moves])
    steps = tuple({"track": m.track.track_id, "moved_m": round(m.distance_m, 1)} for m in moves)
    return [replace(finding, why=(*steps, *finding.why))]


def _count(rule: CountRule, scene: Scene, stories: dict[str, Story]) -> list[Finding]:
    """New when the whole interval is beyond the limit, end when the whole interval is back."""
    count = scene.counts(rule.count, rule.zone)
    if rule.at_least is not None:
        beyond, back = count.low >= rule.at_least, count.high < rule.at_least
    else:
        beyond, back = count.high <= (rule.at_most or 0), count.low > (rule.at_most or 0)
    story = stories.get(rule.rule_id)
    if story is None and beyond:
        stories[rule.rule_id] = Story(rule.rule_id, scene.sight.tile_id, scene.sight.seen_at)
        return [_finding(rule, scene, Phase.NEW, [])]
    if story is not None and back:
        del stories[rule.rule_id]
        return [replace(_finding(rule, scene, Phase.END, []), opened_by=story.opened_by)]
    return []


def _dwell(rule: DwellRule, scene: Scene, stories: dict[str, Story]) -> list[Finding]:
    """One story of all that stay too long: an update when one joins or leaves, the end with the last."""
    long = [
        track
        for track in scene.inventory.present()
        if scene.is_a(track, rule.dwell)
        and (track.last_seen - track.first_seen).total_seconds() >= rule.hours * _HOUR_S
    ]
    present = scene.standing_in(rule.zone, long)
    staying = scene.audible(rule, present)
    if present and not staying:
        # All of it was called false: nothing ended, so no end is told.
        stories.pop(rule.rule_id, None)
        return []
    story = stories.get(rule.rule_id)
    ids = tuple(track.track_id for track in staying)
    if ids == (story.track_ids if story else ()):
        return []
    if story is None:
        stories[rule.rule_id] = Story(rule.rule_id, scene.sight.tile_id, scene.sight.seen_at, ids)
        return [_finding(rule, scene, Phase.NEW, staying)]
    if ids:
        stories[rule.rule_id] = replace(story, track_ids=ids)
    else:
        del stories[rule.rule_id]
    phase = Phase.UPDATE if ids else Phase.END
    return [replace(_finding(rule, scene, phase, staying), opened_by=story.opened_by)]


def _finding(rule: AnyRule, scene: Scene, phase: Phase, tracks: Sequence[Track]) -> Finding:
    """The finding with all that is common to the kinds."""
    label = rule.label
    remaining = scene.counts(label, rule.zone) if label else None
    return Finding(
        site_id=scene.site.site_id,
        rule_id=rule.rule_id,
        kind=rule.kind,
        severity=rule.severity,
        phase=phase,
        opened_by=scene.sight.tile_id,
        seen_at=scene.sight.seen_at,
        confidence=_confidence(rule, tracks),
        headline=headline.of(rule, phase, len(tracks), remaining),
        label=label,
        zone=rule.zone,
        tile_id=scene.sight.tile_id,
        count=len(tracks) or (remaining.value if remaining else 0),
        remaining=remaining,
        objects=tuple(_object(track) for track in tracks),
        why=tuple(step for track in tracks for step in _why(track)),
    )


def _confidence(rule: AnyRule, tracks: Sequence[Track]) -> float:
    """The mean over the objects; of a count, whose 90 % interval is beyond the limit, one tail is left."""
    if not tracks:
        return 0.95
    if rule.kind in (Kind.MOVED, Kind.DWELL):
        return sum(track.presence for track in tracks) / len(tracks)
    return sum(confidence_of(track) for track in tracks) / len(tracks)


def _object(track: Track) -> FoundObject:
    return FoundObject(
        track.track_id, track.label, track.box.position, track.box.length_m, track.strength,
        track.first_seen, track.last_seen,
    )  # fmt: skip


def _why(track: Track) -> list[Mapping[str, object]]:
    return [_step(track, step) for step in track.history[-MAX_WHY_LOOKS:]]


def _step(track: Track, step: Evidence) -> Mapping[str, object]:
    return {
        "track": track.track_id,
        "look": step.seen_at,
        "tile": step.tile_id,
        "detected": step.score is not None,
        "score": None if step.score is None else round(step.score, 3),
        "seen_fraction": step.seen_fraction,
        "log_odds": step.log_odds,
        **({} if step.changed is None else {"changed": step.changed}),
    }
