"""A finding decided once more: the rule asked again with the scene it was asked with. Pure.

A new kind of rule needs no line here where `judge` decides it. What has no look behind it (blindness,
indicators, digests) has an own way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import numpy as np

from edge.acquire.quality import Look
from edge.acquire.registration import Alignment
from edge.geo import Grid
from edge.grounds import Grounds, SceneGrounds
from edge.monitor import count
from edge.monitor.activity import Activity
from edge.monitor.blind import blind
from edge.monitor.coverage import Sight
from edge.monitor.digest import digest_until
from edge.monitor.finding import Count, Finding, Kind, Phase
from edge.monitor.indicator import indicate
from edge.monitor.inventory import Inventory, Recall
from edge.monitor.judge import judge
from edge.monitor.kinds import is_a
from edge.monitor.rules import AnyRule
from edge.monitor.scene import Scene, Story
from edge.transmit.alert import alert_id


@dataclass(frozen=True, slots=True)
class Told:
    """What of a message says which decision it was.

    usable_looks  when the ledger has usable looks of the site, in order
    last_reject   of a blindness: why the newest tile was of no use, as it was told
    """

    alert_id: str
    device_id: str
    site_id: str
    kind: Kind
    phase: Phase
    seen_at: datetime
    usable_looks: tuple[datetime, ...]
    last_reject: str | None = None


def decided_again(told: Told, grounds: Grounds) -> Finding | None:
    """The finding that follows from what is kept; None where none does."""
    return _WAYS.get(told.kind, _at_a_look)(told, grounds)


def is_kept(told: Told, grounds: Grounds) -> bool:
    """True if what the decision needs was kept."""
    if told.kind is Kind.DIGEST:
        return grounds.budget is not None and grounds.limits is not None
    if grounds.the_rule() is None:
        return False
    return grounds.scene is not None or told.kind in _WAYS


def _at_a_look(told: Told, grounds: Grounds) -> Finding | None:
    rule = grounds.the_rule()
    if rule is None or grounds.scene is None:
        return None
    verdict = judge(scene_of(grounds.scene, grounds, rule), [rule], grounds.stories)
    # A rule that follows single things may tell of several stories at one look; repeats go under an older id.
    same = [one for one in verdict.findings if _id_of(one, told) == told.alert_id]
    return _of_kind(same or verdict.findings, told.kind)


def _id_of(finding: Finding, told: Told) -> str:
    return alert_id(told.device_id, told.site_id, finding.rule_id, finding.opened_by)


def _of_kind(findings: Sequence[Finding], kind: Kind) -> Finding | None:
    return next((one for one in findings if one.kind is kind), None)


def scene_of(kept: SceneGrounds, grounds: Grounds, rule: AnyRule) -> Scene:
    """The scene as a rule sees it; the pixels behind it are gone, and no rule asks for them."""
    nothing = Look(np.ones((1, 1), dtype=bool), 1, 1, 1.0)
    sight = Sight(kept.tile_id, kept.seen_at, 1.0, nothing, Alignment.identity(Grid(kept.site.bounds, 1, 1)))
    return Scene(
        kept.site, sight, Inventory(kept.tracks), kept.delta, partial(count_of, kept),
        activity=Activity(kept.series), passing=kept.passing, recall=Recall({rule.label or "": kept.recall}),
        turnover_per_day=kept.turnover_per_day, quiet=grounds.quiet,
        ground={rule.rule_id: kept.ground}, kinds=kept.settings.kinds,
    )  # fmt: skip


def count_of(kept: SceneGrounds, label: str, zone: str | None) -> Count:
    """The count of a label in the rule's zone with its interval, from the tracks."""
    tracks = [
        track
        for track in kept.tracks
        if is_a(track.label, label, kept.settings.kinds)
        and (zone is None or zone in kept.site.zones_at(track.box.position))
    ]
    return count.counted(tracks, kept.as_of, unfound=kept.unfound or 0.0, settings=kept.settings)


def _blind(told: Told, grounds: Grounds) -> Finding | None:
    """By the ledger: the newest look was too old then; or the look before it was, and it ended that."""
    rule = grounds.the_rule()
    rules = [] if rule is None else [rule]
    looks = [one for one in told.usable_looks if one <= told.seen_at]
    stories: Mapping[str, Story] = grounds.stories
    findings: Sequence[Finding] = ()
    for newest in looks[-1:] if told.phase is not Phase.END else looks[-2:]:
        findings, stories = blind(
            told.site_id, rules, stories,
            newest_look_at=newest, now=told.seen_at, last_reject=told.last_reject,
        )  # fmt: skip
    return _of_kind(findings, Kind.BLIND)


def _indicator(told: Told, grounds: Grounds) -> Finding | None:
    rule = grounds.the_rule()
    if rule is None:
        return None
    seen = {rule.rule_id: grounds.signs}
    again = indicate(told.site_id, [rule], [], at=told.seen_at, stories=grounds.stories, seen=seen)
    return _of_kind(again.findings, Kind.INDICATOR)


def _digest(told: Told, grounds: Grounds) -> Finding | None:
    if grounds.budget is None or grounds.limits is None:
        return None
    return digest_until(
        told.site_id, grounds.budget, told.seen_at, grounds.limits,
        alert_id_of=partial(alert_id, told.device_id, told.site_id), quiet=grounds.quiet,
    )[1]  # fmt: skip


_WAYS: dict[Kind, Callable[[Told, Grounds], Finding | None]] = {
    Kind.BLIND: _blind,
    Kind.INDICATOR: _indicator,
    Kind.DIGEST: _digest,
}
