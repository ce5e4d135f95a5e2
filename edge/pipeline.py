"""One tile through every step: what is seen, what changed, what matters. Pure.

The field and a replay run this very code. Nothing here reads a clock, a file or a device; what is outside
comes in as values and plain functions.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from edge.acquire import quality, reference, registration
from edge.acquire.quality import Look, QualitySettings, Reject
from edge.acquire.reference import ReferenceSettings
from edge.acquire.registration import Alignment, NotAligned, Reference, RegistrationSettings
from edge.acquire.tile import Mask, Rgb, Tile
from edge.detect import objects
from edge.detect.detection import Detection
from edge.detect.manifest import Manifest, Model
from edge.detect.model import Models
from edge.detect.objects import DetectSettings
from edge.geo import PixelBox, Site, Zone
from edge.monitor import alteration, count, inventory, ledger, observation
from edge.monitor.activity import MIN_SEEN, Activity, Index, index, key_of
from edge.monitor.album import Album
from edge.monitor.blind import blind
from edge.monitor.budget import BudgetSettings
from edge.monitor.changed_ground import ChangedGround
from edge.monitor.count import NOBODY, Standing
from edge.monitor.coverage import Sight
from edge.monitor.finding import Count
from edge.monitor.inventory import AskChange, InventorySettings, Recall, not_asked
from edge.monitor.judge import judge
from edge.monitor.kinds import Kinds, all_of, fused, is_a, widest
from edge.monitor.places import Places
from edge.monitor.quiet import NOTHING, Heard, Quiet, heard
from edge.monitor.rules import AlteredRule, AnyRule, GroundChangeRule
from edge.monitor.scene import Scene, Story
from edge.monitor.state import PastLook, SiteState
from edge.monitor.survey import Survey
from edge.monitor.track import Sighting, Status, Track
from edge.monitor.witness import Witness
from edge.tell import Told, told

# A box this near the border of the tile is cut by it.
BORDER_PX = 2.0
# A detection of which less is on usable ground is none.
MIN_USABLE = 0.5
# An object of which less is on usable ground is cut by its edge.
MIN_WHOLE = 0.95
# A tile that is not aligned is refused if the reference shows so much of its ground: it should have been.
MIN_COMPARABLE = 0.5


@dataclass(frozen=True, slots=True)
class WatchedSite:
    """A site with everything that its configuration says of it.

    budget  None where every alert is told at once
    """

    site: Site
    rules: tuple[AnyRule, ...]
    quality: QualitySettings
    registration: RegistrationSettings
    reference: ReferenceSettings
    inventory: InventorySettings
    budget: BudgetSettings | None = field(default_factory=BudgetSettings)


@dataclass(frozen=True, slots=True)
class Tools:
    """What the pipeline is handed from outside.

    past_pixels  the pixels of an earlier tile by its SHA-256, or None where it is no longer kept
    """

    models: Models
    detect: DetectSettings
    past_pixels: Callable[[str], Rgb | None]

    @property
    def recall(self) -> Recall:
        """The measured recall of the model, by label."""
        return recall_of(self.models.objects)


def recall_of(model: Model) -> Recall:
    """The recall that a model's manifest states, by label."""
    return Recall({label: one.recall for label, one in model.manifest.quality.items()})


@dataclass(frozen=True, slots=True)
class SiteOutcome:
    """What one tile did to one site.

    reject     why the tile was not used here, or None
    record     the observation record (CONTRACT.md), plain data
    reference  a new reference image for the site, or None where the old one stays
    n_hidden   changes and findings that were not told, because an operator keeps them quiet
    scene      what the rules were asked with, and counts: the numbers of the site then; None for a reject
    """

    site_id: str
    state: SiteState
    reject: str | None
    record: Mapping[str, object]
    told: tuple[Told, ...]
    reference: Reference | None = None
    n_hidden: int = 0
    scene: Scene | None = None
    counts: Counts | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A site with what was known of it before the tile, and what is kept quiet there."""

    watched: WatchedSite
    state: SiteState
    reference: Reference | None
    quiet: Quiet = NOTHING


def process(tile: Tile, sites: Sequence[Known], tools: Tools) -> tuple[SiteOutcome, ...]:
    """One tile at every site whose ground it shows; the model runs once for all of them."""
    picture = picture_of(tile)
    sights = _sights(tile, sites, tools, picture)
    usable = [sight.look.usable for sight in sights if isinstance(sight, Sight)]
    detections: list[Detection] = []
    if usable:
        anywhere = usable[0] if len(usable) == 1 else sum(usable[1:], usable[0])
        asked = asked_about(sites)
        detections = objects.detect(
            tile.pixels,
            tile.gsd_m,
            model=tools.models.objects,
            settings=tools.detect,
            usable=anywhere,
            labels=sought(asked, tools.models.objects.manifest),
            long=asked,
        )
    outcomes = [
        _looked(tile, known, sight, detections, tools)
        if isinstance(sight, Sight)
        else _rejected(tile, known, sight)
        for known, sight in zip(sites, sights, strict=True)
    ]
    return tuple(replace(one, state=replace(one.state, picture=picture)) for one in outcomes)


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a tile is of no use to a site, and what was measured, in words."""

    reason: str
    detail: str | None = None


def _sights(tile: Tile, sites: Sequence[Known], tools: Tools, picture: int) -> Sequence[Sight | _Refusal]:
    """What the tile shows of each site; what all of them begin with is made once, and dropped."""
    half = quality.halved(tile.pixels)
    return [_sight(tile, known, tools, picture, half) for known in sites]


def _sight(tile: Tile, known: Known, tools: Tools, picture: int, half: Rgb) -> Sight | _Refusal:
    """What the tile shows of the site, or why nothing."""
    gsd_refusal = objects.refusal(tile.gsd_m, tools.models.objects.manifest)
    if gsd_refusal is not None:
        served = tools.models.objects.manifest.gsd_m
        return _Refusal(gsd_refusal, f"gsd_m: expected {served.min:g} to {served.max:g}, got {tile.gsd_m:g}")
    if known.state.picture == picture:
        return _Refusal(Reject.FROZEN)
    look = quality.assess(tile, known.watched.site, known.watched.quality, half)
    if not isinstance(look, Look):
        return _Refusal(look)
    alignment = _alignment(tile, look, known, half)
    if isinstance(alignment, NotAligned):
        return _Refusal(Reject.NOT_ALIGNED, alignment.reason)
    return Sight(tile.tile_id, tile.acquired_at, tile.gsd_m, look, alignment)


def picture_of(tile: Tile) -> int:
    """A checksum of every fourth row: a camera or a feed that hangs sends the same picture under new times.

    The noise of a sensor, let alone a cloud or a clock in the picture, is in no three rows alone.
    """
    return zlib.crc32(np.ascontiguousarray(tile.pixels[::4]).data)


def _alignment(tile: Tile, look: Look, known: Known, half: Rgb) -> Alignment | NotAligned:
    """The tile on the reference; ground that the reference hardly shows yet is taken to lie where it says.

    A site larger than one tile would otherwise never get its second part.
    """
    if known.reference is None:
        return Alignment.identity(tile.grid)
    found = registration.align(tile, look, known.reference, known.watched.registration, half)
    if isinstance(found, NotAligned) and _shown_fraction(tile, known.reference) < MIN_COMPARABLE:
        return Alignment.identity(tile.grid)
    return found


def _shown_fraction(tile: Tile, known: Reference) -> float:
    """Share in [0, 1] of the tile's ground on the site that the reference shows."""
    ground = tile.bounds.intersection(known.grid.bounds)
    if ground is None:
        return 0.0
    box = known.grid.box_of(ground)
    part = known.valid[int(box.top) : math.ceil(box.bottom), int(box.left) : math.ceil(box.right)]
    return float(part.mean()) if part.size else 0.0


def _rejected(tile: Tile, known: Known, refusal: _Refusal) -> SiteOutcome:
    """The tile told nothing, except that time went by: a site may have become blind."""
    state = replace(known.state, last_reject=refusal.reason, last_reject_at=tile.acquired_at)
    sightless = _blind(known, state, tile)
    record = observation.of_reject(
        tile,
        known.watched.site.site_id,
        refusal.reason,
        refusal.detail,
        ledger.of_reject(known.watched.site, refusal.reason),
    )
    return SiteOutcome(
        known.watched.site.site_id,
        replace(state, stories=sightless.stories),
        refusal.reason,
        record,
        tuple(Told(finding, None) for finding in sightless.findings),
        n_hidden=sightless.n_hidden,
    )


def _blind(known: Known, state: SiteState, tile: Tile) -> Heard[Story]:
    findings, stories = blind(
        known.watched.site.site_id,
        known.watched.rules,
        state.stories,
        newest_look_at=state.newest_look_at,
        now=tile.acquired_at,
        last_reject=state.last_reject,
    )
    return heard(findings, state.stories, stories, quiet=known.quiet, at=tile.acquired_at)


def _looked(
    tile: Tile, known: Known, sight: Sight, detections: Sequence[Detection], tools: Tools
) -> SiteOutcome:
    """A usable look: the inventory moves, the rules are asked."""
    watched, state = known.watched, known.state
    before = _blind(known, state, tile)
    kinds = watched.inventory.kinds
    sightings = fused(_sightings(tile, sight, detections), kinds)
    tracks, delta = inventory.update(
        state.inventory, sight, sightings, state.coverage,
        site=watched.site, recall=tools.recall, settings=watched.inventory,
        changed=_witness(tile, sight, known, tools),
    )  # fmt: skip
    tracks, altered = alteration.examined(
        state.inventory, tracks, _appearances(watched), _album(tile, sight, known, tools)
    )
    delta = replace(delta, altered=altered)
    after = replace(
        state,
        coverage=state.coverage.after(sight),
        recent=state.remembering(PastLook(sight, tile.sha256)),
        newest_look_at=max(filter(None, (state.newest_look_at, tile.acquired_at))),
        last_reject=None,
        last_reject_at=None,
        n_looks=state.n_looks + 1,
        stories=before.stories,
        ground=_ground(tile, sight, known, (*state.inventory.tracks, *tracks.tracks), tools),
    )
    counts = Counts.made(watched, replace(after, inventory=tracks), tools.recall)
    after = replace(after, activity=counts.activity_after(sight))
    scene = Scene(
        watched.site, sight, tracks, delta, counts.of,
        activity=after.activity, passing=state.passing, recall=tools.recall,
        turnover_per_day=watched.inventory.turnover_per_day, quiet=known.quiet,
        ground=after.ground, kinds=kinds,
    )  # fmt: skip
    verdict = judge(scene, watched.rules, after.stories)
    judged = heard(verdict.findings, after.stories, verdict.stories, quiet=known.quiet, at=tile.acquired_at)
    after = replace(after, inventory=verdict.inventory, stories=judged.stories, passing=verdict.passing)
    ended = _blind(known, after, tile)
    said = (
        *(Told(finding, None) for finding in before.findings),
        *(
            told(finding, tile, sight, state, tools.past_pixels)
            for finding in (*ended.findings, *judged.findings)
        ),
    )
    numbers = {label: counts.of(label, None) for label in counts.labels()}
    record = observation.of_look(
        tile, watched.site.site_id, sight, sightings=sightings, delta=delta, counts=numbers,
        zones=ledger.of_look(watched.site, after.coverage, sight, tracks),
        indices={key: index(series) for key, series in after.activity.series.items()},
    )  # fmt: skip
    return SiteOutcome(
        watched.site.site_id,
        replace(after, stories=ended.stories),
        None,
        record,
        said,
        _reference(tile, known, sight),
        before.n_hidden + judged.n_hidden + known.quiet.n_hidden(delta, tile.acquired_at),
        scene,
        counts,
    )


def _appearances(watched: WatchedSite) -> frozenset[str]:
    """The labels of which a rule asks whether they are still what they were."""
    asked = (rule.altered for rule in watched.rules if isinstance(rule, AlteredRule))
    return frozenset(label for one in asked for label in all_of(one, watched.inventory.kinds))


def _album(tile: Tile, sight: Sight, known: Known, tools: Tools) -> Album:
    """The pictures in which objects are looked at again."""
    return Album(tile, sight, known.state.recent, tools.past_pixels)


def _ground(
    tile: Tile, sight: Sight, known: Known, tracks: Sequence[Track], tools: Tools
) -> Mapping[str, tuple[ChangedGround, ...]]:
    """The places whose ground is not what it was, by the rules that ask for them."""
    site, recent, model = known.watched.site, known.state.recent, tools.models.change
    rules = [rule for rule in known.watched.rules if isinstance(rule, GroundChangeRule)]
    survey = Survey(site, tile, sight, recent, tracks, model, tools.past_pixels)
    return survey.after(known.state.ground, rules)


def _witness(tile: Tile, sight: Sight, known: Known, tools: Tools) -> AskChange:
    """Whom the inventory asks whether ground changed."""
    if tools.models.change is None:
        return not_asked
    level = known.watched.inventory.change_from
    return Witness(tile, sight, known.state.recent, tools.models.change, tools.past_pixels, level).answer


def asked_about(sites: Sequence[Known]) -> frozenset[str]:
    """The labels that a rule of any of the sites is about."""
    return frozenset(
        label
        for known in sites
        for rule in known.watched.rules
        for label in all_of(rule.label or "", known.watched.inventory.kinds)
    )


def sought(asked: Collection[str], manifest: Manifest) -> tuple[str, ...]:
    """What is looked for: all that costs no pass of its own, and what a rule is about.

    A label with a finer working ground sample distance has the tile searched once more.
    """
    gsd_m = manifest.gsd_m
    return tuple(
        label for label in manifest.labels if gsd_m.working_of(label) >= gsd_m.working or label in asked
    )


def _reference(tile: Tile, known: Known, sight: Sight) -> Reference | None:
    """The reference that this look makes, extends or renews; None where the old one stays."""
    return reference.following(
        known.reference,
        tile,
        sight.look,
        alignment=sight.alignment,
        site=known.watched.site,
        settings=known.watched.reference,
    )


def _sightings(tile: Tile, sight: Sight, detections: Sequence[Detection]) -> list[Sighting]:
    """The detections on usable ground, put on the ground of the reference."""
    boxes = np.array([(box.left, box.top, box.right, box.bottom) for box in (one.box for one in detections)])
    shares = sight.look.shares(boxes.reshape(-1, 4)).tolist()
    return [
        Sighting(
            found.label, found.score, sight.ground_of(found.box), found.box, _is_whole(found.box, tile, share)
        )
        for found, share in zip(detections, shares, strict=True)
        if share >= MIN_USABLE
    ]


def _is_whole(box: PixelBox, tile: Tile, share: float) -> bool:
    """False where the border of the tile, of its data or of a cloud cuts the object."""
    return (
        share >= MIN_WHOLE
        and box.left > BORDER_PX
        and box.top > BORDER_PX
        and box.right < tile.width_px - BORDER_PX
        and box.bottom < tile.height_px - BORDER_PX
    )


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of a site as a look left it.

    standing  who is counted, by label and zone; None is the whole site
    """

    watched: WatchedSite
    state: SiteState
    recall: Recall
    standing: Mapping[tuple[str, str | None], Standing]
    _counted: dict[tuple[str, str | None], Count] = field(default_factory=dict)
    _unfound: dict[tuple[str, str | None], float] = field(default_factory=dict)

    @classmethod
    def made(cls, watched: WatchedSite, state: SiteState, recall: Recall) -> Counts:
        """The counts of a site as it stands."""
        at, tracks = state.newest_look_at, state.inventory.tracks
        if at is None:
            return cls(watched, state, recall, {})
        everywhere = Standing.of(tracks, at, watched.inventory)
        labels = np.array([track.label for track in tracks], dtype=object)
        places = Places.of([track.box for track in tracks])
        inside: dict[str | None, Mask] = {None: np.ones(len(tracks), dtype=bool)}
        inside |= {zone.name: places.within(zone) for zone in watched.site.zones}
        standing = {
            (label, zone): everywhere.only(here & called)
            for label, called in _called(labels, watched.inventory.kinds).items()
            for zone, here in inside.items()
        }
        return cls(watched, state, recall, standing)

    def of(self, label: str, zone: str | None) -> Count:
        """How many of a label stand in a zone, or on the whole site for None, with the interval."""
        if self.state.newest_look_at is None:
            return Count(0, 0, 0)
        if (label, zone) not in self._counted:
            counted = count.count_of(self._standing(label, zone), self.unfound_fraction(label, zone))
            self._counted[label, zone] = counted
        return self._counted[label, zone]

    def _standing(self, label: str, zone: str | None) -> Standing:
        return self.standing.get((label, zone), NOBODY)

    def index(self, label: str, zone: str | None) -> Index:
        """The count beside what is usual there."""
        return index(self.state.activity.of(label, zone))

    def activity_after(self, sight: Sight) -> Activity:
        """The days with those of this look, of every zone of which it shows enough."""
        site, at = self.watched.site, self.state.newest_look_at
        zones: dict[str | None, Zone | None] = {None: None, **{zone.name: zone for zone in site.zones}}
        keys = {(label, name) for label in self.labels() for name in zones}
        known = self.state.activity.only(key_of(label, name) for label, name in keys)
        if at != sight.seen_at:
            return known  # a tile that comes late tells of a day that is over, with the counts of today
        fractions = self.state.coverage.seen_fractions(sight, zones.values())
        shown = {name for name, fraction in zip(zones, fractions, strict=True) if fraction >= MIN_SEEN}
        told = {key_of(label, name): self._moments(label, name) for label, name in keys if name in shown}
        return known.with_counts(at, dict(sorted(told.items())))

    def _moments(self, label: str, zone: str | None) -> tuple[float, float]:
        return count.moments(self._standing(label, zone), self.unfound_fraction(label, zone))

    def unfound_fraction(self, label: str, zone: str | None) -> float:
        """Chance that an object of a label that stands in a zone is in no track yet."""
        assert self.state.newest_look_at is not None, "who asks has looked"
        if (label, zone) not in self._unfound:
            self._unfound[label, zone] = count.unfound_fraction(
                self.state.coverage,
                next((one for one in self.watched.site.zones if one.name == zone), None),
                self.state.newest_look_at,
                recall=self.recall.of(label),
                every_days=self.state.every_days,
                settings=self.watched.inventory,
            )
        return self._unfound[label, zone]

    def labels(self) -> tuple[str, ...]:
        """The labels that ever stood there as far as the inventory goes, and those that a rule is about."""
        kinds = self.watched.inventory.kinds
        names = {track.label for track in self.state.inventory.tracks if track.status is not Status.TENTATIVE}
        known = names | {widest(name, kinds) for name in names}
        asked = {rule.label for rule in self.watched.rules if rule.label is not None}
        return tuple(sorted(known | asked))


def _called(labels: NDArray[np.object_], kinds: Kinds) -> dict[str, Mask]:
    """Of each label that stands there, and of the wider ones, who is called so.

    labels  (N,) of the tracks
    """
    names = sorted(set(labels))
    numbers = {name: n for n, name in enumerate(names)}
    each = np.array([numbers[label] for label in labels], np.intp)
    wanted = {*names, *(widest(name, kinds) for name in names)}
    return {one: np.array([is_a(name, one, kinds) for name in names], bool)[each] for one in wanted}


def counts_of(watched: WatchedSite, state: SiteState, model: Model) -> Counts:
    """The counts of a site as it stands."""
    return Counts.made(watched, state, recall_of(model))
