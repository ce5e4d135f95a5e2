"""The rule `ground_change`: ground that is no longer what it was, and stays so. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from edge.monitor import headline
from edge.monitor.changed_ground import ChangedGround
from edge.monitor.finding import Finding, FoundObject, Phase
from edge.monitor.rules import GroundChangeRule
from edge.monitor.scene import Scene

LABEL = "ground"


def judge_ground(rule: GroundChangeRule, scene: Scene) -> list[Finding]:
    """One finding of all places that this look has shown changed often enough."""
    places = [one for one in scene.ground.get(rule.rule_id, ()) if _is_told(one, rule, scene)]
    if not places:
        return []
    return [
        Finding(
            site_id=scene.site.site_id,
            rule_id=rule.rule_id,
            kind=rule.kind,
            severity=rule.severity,
            phase=Phase.NEW,
            opened_by=scene.sight.tile_id,
            seen_at=scene.sight.seen_at,
            confidence=sum(one.score for one in places) / len(places),
            headline=headline.of_ground_change(
                len(places),
                sum(one.area_m2 for one in places),
                rule.zone,
                min(one.first_at for one in places).date(),
            ),
            zone=rule.zone,
            tile_id=scene.sight.tile_id,
            count=len(places),
            objects=tuple(_object(number, one) for number, one in enumerate(places, 1)),
            why=tuple(_why(number, one) for number, one in enumerate(places, 1)),
        )
    ]


def _is_told(one: ChangedGround, rule: GroundChangeRule, scene: Scene) -> bool:
    """True at the look that makes the looks enough, where the rule is sure and nobody keeps it quiet."""
    now = scene.sight.seen_at
    is_due = one.seen_at == now and one.n_looks == rule.looks and one.score >= rule.confidence
    return is_due and not scene.quiet.is_quiet_place(rule.kind, LABEL, one.box.position, now)


def _object(number: int, one: ChangedGround) -> FoundObject:
    return FoundObject(
        f"ground-{number}", LABEL, one.box.position, one.box.length_m, round(one.score, 3),
        one.first_at, one.seen_at,
    )  # fmt: skip


def _why(number: int, one: ChangedGround) -> Mapping[str, object]:
    return {
        "track": f"ground-{number}",
        "since": one.since,
        "first_look": one.first_at,
        "look": one.seen_at,
        "looks": one.n_looks,
        "area_m2": one.area_m2,
        "score": round(one.score, 3),
        "outline": [[round(corner.lng, 7), round(corner.lat, 7)] for corner in one.outline],
    }
