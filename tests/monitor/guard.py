"""A site that is watched over several looks, with rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from edge.monitor import count
from edge.monitor.coverage import Sight
from edge.monitor.finding import Count, Finding
from edge.monitor.judge import judge
from edge.monitor.quiet import NOTHING
from edge.monitor.rules import AnyRule
from edge.monitor.scene import Scene, Story
from edge.monitor.track import Sighting
from tests.monitor.scenes import RECALL, SETTINGS, SITE, Watch, day, make_sight, seen


class Guard(Watch):
    """A watch with rules."""

    def __init__(self, *rules: AnyRule) -> None:
        super().__init__()
        self.rules = rules
        self.stories: Mapping[str, Story] = {}
        self.quiet = NOTHING

    def findings(self, at: datetime, *places: tuple[float, float], score: float = 0.95) -> Sequence[Finding]:
        """What the rules say of a look with an aircraft at each of the places."""
        sight = make_sight(at)
        return self.show_all(sight, [seen(sight, x, y, score=score) for x, y in places])

    def show_all(self, sight: Sight, sightings: Sequence[Sighting]) -> Sequence[Finding]:
        """What the rules say of a look with these sightings."""
        delta = self.show(sight, sightings)
        scene = Scene(SITE, sight, self.inventory, delta, self.number, quiet=self.quiet)
        verdict = judge(scene, self.rules, self.stories)
        self.inventory, self.stories = verdict.inventory, verdict.stories
        return verdict.findings

    def number(self, label: str, zone: str | None) -> Count:
        """The count the rules ask for."""
        tracks = [t for t in self.inventory.tracks if zone is None or zone in SITE.zones_at(t.box.position)]
        at = max((t.looked_at for t in tracks), default=day(1))
        return count.counted(tracks, at, unfound=1.0 - RECALL.of(label), settings=SETTINGS)
