"""An explanation for a person, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

import msgspec

from edge.explain.chain import Chain, Step
from edge.explain.explanation import Check, Explained, Explanation
from edge.explain.levels import Level
from edge.grounds import SceneGrounds
from edge.monitor import presence
from edge.monitor.presence import PresenceSettings
from edge.monitor.track import Status


def as_text(explanation: Explanation) -> str:
    """All of it, to be read from top to bottom."""
    lines = [f"{explanation.alert_id}  {explanation.site_id}"]
    for message in explanation.messages:
        lines += ["", *_message(message)]
    return "\n".join(lines)


def _message(message: Explained) -> Iterator[str]:
    said = message.said
    place = f" at {said.zone}" if said.zone else ""
    held = "  HELD BACK by the alarm budget: a digest tells of it" if message.is_held else ""
    when = _at(message.seen_at)
    yield f"{said.phase} {said.kind}{place}  {when}  {said.severity}  #{message.sequence}{held}"
    yield f"  {said.headline}"
    if message.rule is not None:
        yield f"  rule      {_pairs(message.rule)}"
    if said.models:
        yield f"  models    {', '.join(f'{task}: {name[:27]}' for task, name in said.models.items())}"
    if message.scene is not None:
        yield from _settings(message.scene)
    if message.coverage is not None:
        yield f"  look      {_pairs(message.coverage)}"
    for chain in message.chains:
        yield from _chain(chain)
    if not message.chains:
        yield from (f"  why       {_pairs(step)}" for step in said.why)
    yield from (f"  level     {_level(level)}" for level in message.levels)
    yield from (f"  {_verdict(check.agrees)} {_check(check)}" for check in message.checks)
    yield from (f"  missing   {text}" for text in message.missing)


def _settings(scene: SceneGrounds) -> Iterator[str]:
    settings = scene.settings
    yield (
        f"  detector  recall {scene.recall:g}, min_miss {settings.min_miss:g}, turnover_per_day "
        f"{settings.turnover_per_day:g}, change_recall {settings.change_recall:g}, change_false "
        f"{settings.change_false:g}, change_by_mistake {settings.change_by_mistake:g}, change_from "
        f"{settings.change_from:g}"
    )


def _chain(chain: Chain) -> Iterator[str]:
    track = chain.track
    position = track.box.position
    place = f"{position.lat:.5f} {position.lng:.5f}, {track.box.length_m:.0f} m"
    yield f"  object {track.track_id}  {track.label} at {place}"
    for step in chain.steps:
        yield f"    {_verdict(step.agrees)} {_step(step)}"
    if chain.newness is not None:
        yield f"    came since the ground was last seen: {chain.newness:.3f} (kept {track.newness:.3f})"
    if chain.left_share is not None and track.status is Status.GONE:
        kept = f"(kept {track.left_share:.3f})"
        yield f"    left, and was no false alarm: {chain.left_share:.3f} of its absence {kept}"


def _step(step: Step) -> str:
    look = step.look
    words = [
        f"no detection, {look.seen_fraction:.2f} of it seen"
        if look.score is None
        else f"score {look.score:.3f}",
        "" if step.miss is None else f"chance of a miss {step.miss:.3f}",
        "" if look.changed is None else f"ground {'changed' if look.changed else 'as it was'}",
        "" if look.since is None else f"since {_at(look.since)}",
    ]
    moved = [("time", step.by_time), ("detector", step.by_sight), ("change", step.by_change)]
    sums = "".join(f"; {name} {value:+.2f}" for name, value in moved if value is not None)
    derived = look.log_odds if step.derived is None else step.derived
    end = f"log-odds {derived:+.3f}, presence {presence.probability(derived):.3f}"
    ledger = ", not so in the ledger" if step.in_ledger is False else ""
    kept = "" if step.agrees else f" (kept {look.log_odds:+.3f}{ledger})"
    return f"{_at(look.seen_at)} {look.tile_id}: {', '.join(filter(None, words))}{sums} -> {end}{kept}"


def _level(level: Level) -> str:
    sign = "<=" if level.is_upper else ">="
    passed = "" if level.is_passed else "  not passed"
    return f"{level.what}: {level.value:.4g} {sign} {level.limit:.4g}{passed}"


def _check(check: Check) -> str:
    if check.agrees:
        return f"{check.what}: {_short(check.derived)}"
    return f"{check.what}: told {_short(check.told)}, follows {_short(check.derived)}"


def _verdict(agrees: bool) -> str:  # noqa: FBT001
    return "agrees  " if agrees else "DIFFERS "


def _short(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= 90 else f"{text[:87]}..."


def _pairs(values: object) -> str:
    plain = msgspec.json.decode(msgspec.json.encode(values))
    return ", ".join(f"{key} {_short(value)}" for key, value in plain.items() if value is not None)


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%MZ}"


def as_json(explanation: Explanation) -> bytes:
    """One object; every figure with what was told or kept and what follows from it."""
    return msgspec.json.encode(
        {
            "alert": explanation.alert_id,
            "site": explanation.site_id,
            "agrees": explanation.agrees,
            "messages": [_plain_message(one) for one in explanation.messages],
        },
    )


def _plain_message(message: Explained) -> dict[str, object]:
    said = message.said
    scene = message.scene
    return {
        "sequence": message.sequence,
        "held": message.is_held,
        "time": message.seen_at,
        "phase": said.phase,
        "kind": said.kind,
        "label": said.label,
        "zone": said.zone,
        "severity": said.severity,
        "headline": said.headline,
        "models": said.models,
        "config": said.config,
        "rule": message.rule,
        "recall": None if scene is None else scene.recall,
        "inventory": None if scene is None else _inventory(scene.settings),
        "coverage": message.coverage,
        "objects": [_plain_chain(one) for one in message.chains],
        "levels": [{**asdict(one), "is_passed": one.is_passed} for one in message.levels],
        "checks": [{**asdict(one), "agrees": one.agrees} for one in message.checks],
        "why": said.why,
        "missing": message.missing,
        "agrees": message.agrees,
    }


def _inventory(settings: PresenceSettings) -> object:
    return msgspec.to_builtins(settings)


def _plain_chain(chain: Chain) -> dict[str, object]:
    return {
        "track": chain.track.track_id,
        "newness": {"kept": chain.track.newness, "derived": chain.newness},
        "left_share": {"kept": chain.track.left_share, "derived": chain.left_share},
        "looks": [_plain_step(step) for step in chain.steps],
        "agrees": chain.agrees,
    }


def _plain_step(step: Step) -> dict[str, object]:
    look = step.look
    return {
        "look": look.seen_at,
        "tile": look.tile_id,
        "score": look.score,
        "seen_fraction": look.seen_fraction,
        "changed": look.changed,
        "since": look.since,
        "miss_chance": step.miss,
        "by_time": step.by_time,
        "by_detector": step.by_sight,
        "by_change": step.by_change,
        "log_odds": {"kept": look.log_odds, "derived": step.derived},
        "in_ledger": step.in_ledger,
        "agrees": step.agrees,
    }
