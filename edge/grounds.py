"""What an alert was decided on, kept beside it so that `edge explain` can decide it once more. Pure.

Only what the decision reads is kept: a rule is asked again with the scene it was asked with, and must say the
same. It is small, since it lies on the device for as long as its alert does.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec
from msgspec.structs import replace as renewed

from edge.errors import StoreBroken
from edge.geo import Site
from edge.monitor.activity import Series, key_of
from edge.monitor.budget import Budget, BudgetSettings
from edge.monitor.changed_ground import ChangedGround
from edge.monitor.finding import Finding, Kind
from edge.monitor.indicator import SignSeen
from edge.monitor.inventory import InventorySettings
from edge.monitor.quiet import NOTHING, Quiet
from edge.monitor.rules import RULES, AnyRule
from edge.monitor.scene import Passing, Story
from edge.monitor.state import SiteState
from edge.monitor.track import Delta, Track
from edge.pipeline import SiteOutcome, WatchedSite
from edge.tell import Told

VERSION = 1
# Looks of a track that is only counted: whether a vehicle drives is told by the one before.
_SHORT = 2


class SceneGrounds(msgspec.Struct, frozen=True, kw_only=True):
    """The scene of a look, as far as one rule sees it.

    as_of    when the newest look was: a tile may come late
    tracks   of the rule's label, as they were when it was asked; those it told of with their history
    recall   of its label
    unfound  chance that an object of the label is in no track; None where the rule is about no label
    ground   places whose ground is not what it was, as the rule sees them
    """

    site: Site
    tile_id: str
    seen_at: datetime
    as_of: datetime
    tracks: tuple[Track, ...]
    delta: Delta
    settings: InventorySettings
    recall: float
    turnover_per_day: float
    unfound: float | None
    series: dict[str, Series]
    passing: dict[str, Passing]
    ground: tuple[ChangedGround, ...] = ()


class Grounds(msgspec.Struct, frozen=True, kw_only=True):
    """What one message of an alert was decided on.

    rule     as it stood in the configuration; None for a digest, which has none
    stories  of the rule, before it was asked
    scene    None where no look is behind it
    quiet    what was kept quiet at that instant
    signs    what an indicator had seen
    budget   of a digest: what was held back
    limits   of a digest: the settings it was made under
    """

    version: int = VERSION
    rule: dict[str, object] | None = None
    stories: dict[str, Story] = {}
    scene: SceneGrounds | None = None
    quiet: Quiet = NOTHING
    signs: tuple[SignSeen, ...] = ()
    budget: Budget | None = None
    limits: BudgetSettings | None = None

    def the_rule(self) -> AnyRule | None:
        """The rule as a value again."""
        if self.rule is None:
            return None
        word = next((word for word in RULES if word in self.rule), None)
        return None if word is None else msgspec.convert(self.rule, RULES[word])


def to_bytes(grounds: Grounds) -> bytes:
    """The form in which they are kept."""
    return zlib.compress(msgspec.msgpack.encode(grounds), 6)


def from_bytes(data: bytes) -> Grounds:
    """The grounds that `to_bytes` wrote; StoreBroken for anything else."""
    try:
        grounds = msgspec.msgpack.decode(zlib.decompress(data), type=Grounds)
    except (msgspec.DecodeError, ValueError, zlib.error) as error:
        raise StoreBroken(
            f"grounds of an alert: expected version {VERSION} of their form, got: {error}"
        ) from error
    if grounds.version != VERSION:
        raise StoreBroken(
            f"grounds of an alert: expected version {VERSION} of their form, got {grounds.version}"
        )
    return grounds


@dataclass(frozen=True, slots=True)
class Basis:
    """All that the findings of one tile, or of one instant without a tile, rest on.

    before, after  the states of all sites
    outcomes       of the tile, by site
    """

    watched: Mapping[str, WatchedSite]
    before: Mapping[str, SiteState]
    after: Mapping[str, SiteState]
    quiet_of: Callable[[str], Quiet]
    outcomes: Mapping[str, SiteOutcome] = field(default_factory=dict)


def grounded(found: Sequence[Told], basis: Basis) -> list[Told]:
    """The findings with what they were decided on."""
    return [replace(one, grounds=to_bytes(_grounds(one.finding, basis))) for one in found]


def _grounds(finding: Finding, basis: Basis) -> Grounds:
    name = finding.site_id
    site, state = basis.watched[name], basis.before[name]
    quiet = basis.quiet_of(name).at(finding.seen_at)
    if finding.kind is Kind.DIGEST:
        return Grounds(budget=replace(state.budget, threads=()), limits=site.budget, quiet=quiet)
    rule = next((one for one in site.rules if one.rule_id == finding.rule_id), None)
    if rule is None:
        return Grounds()
    outcome = None if finding.tile_id is None else basis.outcomes.get(name)
    return Grounds(
        rule=msgspec.to_builtins(rule),
        stories={key: one for key, one in state.stories.items() if key.startswith(rule.rule_id)},
        scene=None if outcome is None else _seen(outcome, rule, finding, site.inventory),
        quiet=quiet,
        signs=basis.after[name].signs.get(rule.rule_id, ()) if finding.kind is Kind.INDICATOR else (),
    )


def _seen(
    outcome: SiteOutcome, rule: AnyRule, finding: Finding, settings: InventorySettings
) -> SceneGrounds | None:
    scene, counts = outcome.scene, outcome.counts
    if scene is None or counts is None:
        return None
    told = {one.track_id for one in finding.objects}
    key = f"{rule.label}@{rule.zone}"
    series = key_of(rule.label or "", rule.zone)
    return SceneGrounds(
        site=scene.site,
        tile_id=scene.sight.tile_id,
        seen_at=scene.sight.seen_at,
        as_of=counts.state.newest_look_at or scene.sight.seen_at,
        tracks=tuple(
            track if track.track_id in told else renewed(track, history=track.history[-_SHORT:])
            for track in scene.inventory.tracks
            if scene.is_a(track, rule.label or "")
        ),
        delta=scene.delta,
        settings=settings,
        recall=scene.recall.of(rule.label or ""),
        turnover_per_day=scene.turnover_per_day,
        unfound=None if rule.label is None else counts.unfound_fraction(rule.label, rule.zone),
        series={series: scene.activity.series[series]} if series in scene.activity.series else {},
        passing={key: scene.passing[key]} if key in scene.passing else {},
        ground=scene.ground.get(rule.rule_id, ()),
    )
