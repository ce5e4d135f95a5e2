"""Findings on their way to alerts: the pictures that show them, and the stamp of the device. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from edge.acquire.fix import Fix
from edge.acquire.tile import Rgb, Tile
from edge.monitor.coverage import Sight
from edge.monitor.finding import Finding, Kind
from edge.monitor.state import PastLook, SiteState
from edge.monitor.track import GroundBox
from edge.transmit import alert, pictures
from edge.transmit.alert import Alert, Evidence, LookFacts, evidence_of

# Objects of one alert that are shown in pictures, the surest first: an alert is few words with evidence, and
# each picture costs up to 48 KiB of a poor link.
MAX_PICTURED = 3
# A past look shows the ground of an object if so much of it was usable.
MIN_SHOWN = 0.85
# Age of a tile from which its alerts are late.
LATE_AFTER_S = 6 * 3600.0

# The least that lies between two looks.
_MOMENT = timedelta(microseconds=1)

EXERCISE = "EXERCISE"


@dataclass(frozen=True, slots=True)
class Told:
    """A finding with its pictures.

    grounds  what it was decided on, for the store: edge/grounds.py
    """

    finding: Finding
    look: LookFacts | None
    evidence: tuple[Evidence, ...] = ()
    grounds: bytes = field(default=b"", repr=False)


def told(
    finding: Finding, tile: Tile, sight: Sight, before: SiteState, past_pixels: Callable[[str], Rgb | None]
) -> Told:
    """The finding with the look behind it and the pictures of its surest objects.

    before       the site as it was before this look
    past_pixels  the pixels of an earlier tile by its SHA-256, or None where it is no longer kept
    """
    facts = LookFacts(
        tile.tile_id,
        sight.look.usable_fraction,
        sight.alignment.shift_px,
        sight.alignment.residual_px,
        tile.gsd_m,
    )
    shown: list[Evidence] = []
    boxes = {track.track_id: track.box for track in before.inventory.tracks}
    as_it_was = _as_it_was(finding)
    for found in sorted(finding.objects, key=lambda one: -one.score)[:MAX_PICTURED]:
        box = GroundBox(found.position, found.length_m, found.length_m)
        past = _past_look(before, boxes.get(found.track_id, box), as_it_was.get(found.track_id))
        pixels = past_pixels(past.sha256) if past else None
        if past is not None and pixels is not None:
            shown.append(evidence_of("before", _picture(pixels, past.sight, box)))
        shown.append(evidence_of("after", _picture(tile.pixels, sight, box)))
    return Told(finding, facts, tuple(shown))


def _as_it_was(finding: Finding) -> dict[str, datetime]:
    """Of each object, until when it was seen as it was before, where that is known."""
    match finding.kind:
        case Kind.DEPARTURE:
            return {found.track_id: found.last_seen for found in finding.objects}
        case Kind.ARRIVAL:
            return {found.track_id: found.first_seen - _MOMENT for found in finding.objects}
        case Kind.ALTERED | Kind.GROUND_CHANGE:
            steps = ((str(step["track"]), step["since"]) for step in finding.why)
            return {track_id: since for track_id, since in steps if isinstance(since, datetime)}
        case _:
            return {}


def _past_look(before: SiteState, box: GroundBox, as_it_was: datetime | None) -> PastLook | None:
    """The newest kept look that clearly shows the ground before what happened to the object."""
    for past in reversed(before.recent):
        if (as_it_was is None or past.sight.seen_at <= as_it_was) and past.sight.share(box) >= MIN_SHOWN:
            return past
    return None


def _picture(pixels: Rgb, sight: Sight, box: GroundBox) -> bytes:
    centre = sight.alignment.pixel_at(box.position)
    return pictures.jpeg(pictures.crop(pixels, centre, pictures.side_m(box.length_m) / sight.gsd_m))


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the device knows when it makes an alert.

    recorded_at  its clock, aware, UTC; a replay takes the tile's time: two runs give the same bytes
    clock        what that time rests on
    fix          the device's newest fix, or None where it has no receiver or never had one
    late_after_s age of a tile from which its alerts are marked as late
    """

    device_id: str
    recorded_at: datetime
    models: Mapping[str, str]
    config_sha256: str
    clock: str = "untrusted"
    exercise: bool = False
    late_after_s: float = LATE_AFTER_S
    fix: Fix | None = None

    def is_late(self, seen_at: datetime) -> bool:
        """True where a tile of that time is late; never by a clock that nobody trusts: it cannot tell."""
        age_s = (self.recorded_at - seen_at).total_seconds()
        return self.clock != "untrusted" and age_s > self.late_after_s


def alerts_of(told: Sequence[Told], stamp: Stamp) -> tuple[Alert, ...]:
    """The alerts of findings, in order, without their sequence."""
    return tuple(
        alert.compose(
            _marked(one.finding) if stamp.exercise else one.finding,
            device_id=stamp.device_id,
            recorded_at=stamp.recorded_at,
            look=one.look,
            models=stamp.models,
            config_sha256=stamp.config_sha256,
            evidence=one.evidence,
            sequence=None,
            clock=stamp.clock,
            exercise=stamp.exercise,
            late=stamp.is_late(one.finding.seen_at),
            fix=stamp.fix,
            grounds=one.grounds,
        )
        for one in told
    )


def drilled(told: Sequence[Told]) -> list[Told]:
    """What an exercise may tell: of its objects; a count or a blindness would be said of the site itself."""
    return [one for one in told if one.finding.objects]


def _marked(finding: Finding) -> Finding:
    """A finding of a drill, so that nobody who reads only the headline acts on it."""
    return replace(finding, headline=f"{EXERCISE}: {finding.headline}")
