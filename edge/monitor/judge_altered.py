"""The rule `altered`: what becomes of objects that stay. Pure.

Objects that one look shows altered are one story; it goes on with each further alteration of one of them,
and ends when they are gone. So an aircraft that is taken apart over days and then carried off is told under
one id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from edge.monitor import headline
from edge.monitor.finding import Finding, FoundObject, Phase, story_key
from edge.monitor.rules import AlteredRule
from edge.monitor.scene import Scene, Story
from edge.monitor.track import Alteration, Status, Track


def judge_altered(rule: AlteredRule, scene: Scene, stories: dict[str, Story]) -> list[Finding]:
    """First how the open stories go on, then the one that begins."""
    altered = scene.audible(
        rule,
        [
            track
            for track in scene.delta.altered
            if scene.is_a(track, rule.altered)
            and scene.in_zone(track, rule.zone)
            and track.alterations[-1].confidence >= rule.confidence
        ],
    )
    findings, told = [], set[str]()
    for key, story in list(stories.items()):
        if story.rule_id != rule.rule_id:
            continue
        chapter = _Chapter.of(story, scene, altered)
        told |= set(story.track_ids)
        findings += chapter.judged(rule, scene, stories, key)
    fresh = [track for track in altered if track.track_id not in told]
    if fresh:
        ids = tuple(track.track_id for track in fresh)
        story = Story(rule.rule_id, scene.sight.tile_id, scene.sight.seen_at, ids)
        stories[story_key(rule.rule_id, story.opened_by)] = story
        findings.append(_finding(rule, scene, story, Phase.NEW, fresh))
    return findings


@dataclass(frozen=True, slots=True)
class _Chapter:
    """What one look adds to a story.

    known    its objects as far as they are remembered
    altered  those of them that were altered again, or came back from a silence
    left     those that this look made gone
    """

    story: Story
    known: tuple[Track, ...]
    altered: tuple[Track, ...]
    left: tuple[Track, ...]

    @classmethod
    def of(cls, story: Story, scene: Scene, altered: Sequence[Track]) -> _Chapter:
        """The tracks of a story after a look."""
        departed = {track.track_id for track in scene.delta.departed}
        known = tuple(track for track in scene.inventory.tracks if track.track_id in story.track_ids)
        return cls(
            story,
            known,
            tuple(track for track in altered if track.track_id in story.track_ids),
            tuple(track for track in known if track.track_id in departed),
        )

    def judged(self, rule: AlteredRule, scene: Scene, stories: dict[str, Story], key: str) -> list[Finding]:
        """The end with the last object or after a long silence, an update when something happened."""
        present = [track for track in self.known if track.status is not Status.GONE]
        if not present or self._is_silent(rule, scene):
            del stories[key]
            gone = () if present else self.known
            return [_finding(rule, scene, self.story, Phase.END, present or gone)]
        if self.altered or self.left:
            return [_finding(rule, scene, self.story, Phase.UPDATE, (*self.altered, *self.left))]
        return []

    def _is_silent(self, rule: AlteredRule, scene: Scene) -> bool:
        """True if nothing was altered for so long that the story is over."""
        newest = max(
            (step.decided_at for track in self.known for step in track.alterations),
            default=self.story.opened_at,
        )
        return scene.sight.seen_at - newest > timedelta(days=rule.quiet_days)


def _finding(rule: AlteredRule, scene: Scene, story: Story, phase: Phase, tracks: Sequence[Track]) -> Finding:
    steps = [(track, step) for track in tracks for step in _steps(track, story)]
    newest = [one[-1] for track in tracks if (one := _steps(track, story))]
    remaining = scene.counts(rule.altered, rule.zone)
    return Finding(
        site_id=scene.site.site_id,
        rule_id=rule.rule_id,
        kind=rule.kind,
        severity=rule.severity,
        phase=phase,
        opened_by=story.opened_by,
        seen_at=scene.sight.seen_at,
        confidence=sum(one.confidence for one in newest) / len(newest) if newest else rule.confidence,
        headline=headline.of_altered(
            rule,
            phase,
            max(1, len(tracks)),
            since=min((step.seen_at for _, step in steps), default=story.opened_at).date(),
            n_steps=max((len(_steps(track, story)) for track in tracks), default=1),
            is_loss=bool(steps) and all(step.is_loss for _, step in steps),
            is_gone=bool(tracks) and all(track.status is Status.GONE for track in tracks),
        ),
        label=rule.altered,
        zone=rule.zone,
        tile_id=scene.sight.tile_id,
        count=len(tracks),
        remaining=remaining,
        objects=tuple(_object(track) for track in tracks),
        why=tuple(_why(track, step, number) for track in tracks for number, step in _numbered(track, story)),
    )


def _steps(track: Track, story: Story) -> list[Alteration]:
    """The alterations of a track that belong to the story."""
    return [step for step in track.alterations if step.decided_at >= story.opened_at]


def _numbered(track: Track, story: Story) -> list[tuple[int, Alteration]]:
    return list(enumerate(_steps(track, story), 1))


def _object(track: Track) -> FoundObject:
    return FoundObject(
        track.track_id, track.label, track.box.position, track.box.length_m, track.strength,
        track.first_seen, track.last_seen,
    )  # fmt: skip


def _why(track: Track, step: Alteration, number: int) -> Mapping[str, object]:
    return {
        "track": track.track_id,
        "step": number,
        "look": step.seen_at,
        "since": step.since,
        "decided": step.decided_at,
        "changed_fraction": step.fraction,
        "lost_m2": step.lost_m2,
        "gained_m2": step.gained_m2,
        "east_m": step.east_m,
        "north_m": step.north_m,
        "log_odds": step.log_odds,
        "gone": track.status is Status.GONE,
    }
