"""What a rule may ask: a site after one look, and the stories that go on there. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import compress

from edge.geo import Site, Zone
from edge.monitor.activity import Activity
from edge.monitor.changed_ground import ChangedGround
from edge.monitor.coverage import Sight
from edge.monitor.finding import Count
from edge.monitor.inventory import Inventory, Recall
from edge.monitor.kinds import USUAL, Kinds, is_a
from edge.monitor.places import Places
from edge.monitor.quiet import NOTHING, Quiet
from edge.monitor.rules import AnyRule
from edge.monitor.track import Delta, Track


@dataclass(frozen=True, slots=True)
class Passing:
    """The vehicles on a road at one look, along it and left of its middle in tenths of a metre."""

    seen_at: datetime
    along_dm: tuple[int, ...]
    aside_dm: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Episode:
    """A trend, by the numbers of its days.

    normal    mean of a day before it; now: as it was last told
    last_day  where it is over; None while it goes on
    """

    normal: float
    now: float
    first_day: int
    last_day: int | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """A finding that has begun and not ended: a count beyond its limit, an aircraft being taken apart.

    opened_by  what the alert id follows from; track_ids: whom it is about, empty where it is about no object
    count      of a column, as it was last told
    episode    of a trend
    """

    rule_id: str
    opened_by: str
    opened_at: datetime
    track_ids: tuple[str, ...] = ()
    count: int | None = None
    episode: Episode | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """A site after one look: all that a rule may ask.

    counts    number of objects of a label in a zone (None: the site), with its interval
    activity  days of the counts, this look's included
    passing   vehicles on roads at the look before, by zone and label
    recall    of the model, by label
    turnover_per_day  chance that an object leaves within a day
    quiet     places of which nothing is told
    ground    by rule, the places whose ground is not what it was, after this look
    kinds     labels that are kinds of a wider one
    """

    site: Site
    sight: Sight
    inventory: Inventory
    delta: Delta
    counts: Callable[[str, str | None], Count]
    activity: Activity = field(default_factory=Activity)
    passing: Mapping[str, Passing] = field(default_factory=dict)
    recall: Recall = field(default_factory=lambda: Recall({}))
    turnover_per_day: float = 0.3
    quiet: Quiet = NOTHING
    ground: Mapping[str, tuple[ChangedGround, ...]] = field(default_factory=dict)
    kinds: Kinds = field(default_factory=lambda: dict(USUAL))

    def is_a(self, track: Track, label: str) -> bool:
        """True if a rule about this label is about the track."""
        return is_a(track.label, label, self.kinds)

    def audible(self, rule: AnyRule, tracks: Sequence[Track]) -> list[Track]:
        """Those of which the rule may tell."""
        return self.quiet.audible(rule.kind, tracks, self.sight.seen_at)

    def in_zone(self, track: Track, zone: str | None) -> bool:
        """True if the track stands in the zone; everything is in no zone."""
        return zone is None or zone in self.site.zones_at(track.box.position)

    def standing_in(self, zone: str | None, tracks: Sequence[Track]) -> list[Track]:
        """Those of many tracks that stand in the zone."""
        found = self.zone(zone)
        if found is None:
            return list(tracks) if zone is None else []
        return list(compress(tracks, Places.of([track.box for track in tracks]).within(found)))

    def zone(self, name: str | None) -> Zone | None:
        """A zone of the site by its name; None for the whole site."""
        return next((zone for zone in self.site.zones if zone.name == name), None)
