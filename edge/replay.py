"""An archive of tiles through the pipeline of the field, in the order of acquisition; nothing is sent.

Two runs over the same files give the same bytes: what an alert says of "now" is the time of its tile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from edge.acquire import decode
from edge.acquire.decode import DecodeSettings
from edge.acquire.quality import QualitySettings
from edge.acquire.reference import ReferenceSettings
from edge.acquire.registration import Reference, RegistrationSettings
from edge.acquire.tile import Rgb, Tile
from edge.config import Settings
from edge.detect.manifest import Model
from edge.detect.model import Models
from edge.detect.objects import DetectSettings
from edge.errors import TileRefused
from edge.geo import Site, sites_under
from edge.monitor.inventory import InventorySettings
from edge.monitor.quiet import NOTHING
from edge.monitor.rules import default_rules
from edge.monitor.state import SiteState
from edge.pipeline import Known, SiteOutcome, Tools, WatchedSite, process
from edge.rationing import rationed
from edge.station import watched_site
from edge.tell import Stamp, Told, alerts_of, drilled
from edge.together import together
from edge.transmit.alert import Alert

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff"})
# Stands in for the device and the configuration that a replay without a configuration does not have.
REPLAY_DEVICE = "replay"
NO_CONFIG_SHA256 = "0" * 64
# A tile this much coarser than what a label is searched at still shows it about as well.
MAX_COARSER = 1.2


@dataclass(frozen=True, slots=True)
class ArchivedTile:
    """A tile file of an archive with its sidecar.

    order  time of acquisition, then path: the order of the replay
    """

    image: Path
    sidecar: Path | None
    acquired_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """What became of one file: a refusal, or what it did at each site, with the alerts in order."""

    file: ArchivedTile
    refused: TileRefused | None = None
    tile: Tile | None = None
    outcomes: tuple[SiteOutcome, ...] = ()
    alerts: tuple[Alert, ...] = ()


@dataclass(frozen=True, slots=True)
class Archive:
    """The tiles of a folder in the order of their acquisition, and the files that cannot be tiles."""

    tiles: tuple[ArchivedTile, ...]
    refused: tuple[tuple[Path, TileRefused], ...]


def archive(folder: Path, settings: DecodeSettings) -> Archive:
    """All image files below a folder; only their headers and sidecars are read."""
    tiles: list[ArchivedTile] = []
    refused: list[tuple[Path, TileRefused]] = []
    for image in sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES):
        sidecar = image.with_suffix(".json")
        found = sidecar if sidecar.is_file() else None
        try:
            tiles.append(ArchivedTile(image, found, decode.acquired_at(image, found, settings)))
        except TileRefused as reason:
            refused.append((image, reason))
    return Archive(tuple(sorted(tiles, key=lambda tile: (tile.acquired_at, tile.image))), tuple(refused))


class Replay:
    """The sites of an archive as the tiles go by.

    settings  of a configuration, or None: then each folder that holds tiles is a site of that name, with the
              bounds of its first tile and the default rules
    """

    def __init__(self, models: Models, settings: Settings | None = None) -> None:
        """Begin with nothing seen."""
        self._models = models
        self._settings = settings
        self._decode = DecodeSettings() if settings is None else settings.decode
        self._detect = DetectSettings() if settings is None else settings.detect
        sites = {} if settings is None else settings.sites
        self.watched: dict[str, WatchedSite] = {
            name: watched_site(name, site) for name, site in sites.items()
        }
        self.states: dict[str, SiteState] = {
            name: SiteState.empty(watched.site) for name, watched in self.watched.items()
        }
        self._references: dict[str, Reference] = {}
        self._paths: dict[str, Path] = {}
        self._sequence = 0

    def run(self, tiles: Sequence[ArchivedTile]) -> Iterator[Step]:
        """One step a file; the same bytes a second time are left out, as in the field."""
        for file in tiles:
            try:
                sites = [watched.site for watched in self.watched.values()]
                tile = decode.read(file.image, file.sidecar, sites, self._decode, None)
            except TileRefused as refused:
                yield Step(file, refused=refused)
                continue
            if tile.sha256 in self._paths:
                yield Step(
                    file, refused=TileRefused("repeated", f"{file.image}: the same bytes as an earlier tile")
                )
                continue
            self._paths[tile.sha256] = file.image
            yield self._step(file, tile)

    def _step(self, file: ArchivedTile, tile: Tile) -> Step:
        known = [self._known(name) for name in self._names_under(file, tile)]
        outcomes = process(tile, known, Tools(self._models, self._detect, self._past_pixels))
        told = [one for outcome in outcomes for one in outcome.told]
        if tile.is_exercise:
            return Step(file, None, tile, outcomes, self._alerts(tile, drilled(told)))
        for outcome in outcomes:
            self.states[outcome.site_id] = outcome.state
            if outcome.reference is not None:
                self._references[outcome.site_id] = outcome.reference
        joined = together(self.watched, self.states, [one.finding for one in told], tile.acquired_at)
        self.states |= joined.states
        told += [Told(finding, None) for finding in joined.findings]
        shares = rationed(
            self.watched, self.states, told, tile.acquired_at,
            device_id=self._device_id, quiet_of=lambda _: NOTHING,
        )  # fmt: skip
        self.states |= shares.states
        alerts = self._alerts(tile, shares.told)
        self._sequence += len(shares.held)  # numbered after them, as the store does
        return Step(file, None, tile, outcomes, alerts)

    def _known(self, name: str) -> Known:
        return Known(self.watched[name], self.states[name], self._references.get(name))

    def _names_under(self, file: ArchivedTile, tile: Tile) -> list[str]:
        if self._settings is None:
            return [self._folder_site(file.image.parent.name, tile)]
        names = [
            site.site_id for site in sites_under(tile.bounds, [one.site for one in self.watched.values()])
        ]
        return [tile.site_id] if tile.site_id in names else names

    def _folder_site(self, name: str, tile: Tile) -> str:
        """The site of a folder, made at its first tile."""
        if name not in self.watched:
            self.watched[name] = default_site(name, tile, self._models.objects)
            self.states[name] = SiteState.empty(self.watched[name].site)
        return name

    def _past_pixels(self, sha256: str) -> Rgb | None:
        path = self._paths.get(sha256)
        return None if path is None else decode.pixels_of(path, self._decode)[0]

    def _alerts(self, tile: Tile, told: Sequence[Told]) -> tuple[Alert, ...]:
        numbered = []
        for alert in alerts_of(told, self._stamp(tile)):
            self._sequence += 1
            numbered.append(alert.with_sequence(self._sequence))
        return tuple(numbered)

    @property
    def _device_id(self) -> str:
        return REPLAY_DEVICE if self._settings is None else self._settings.device.id

    @property
    def n_waiting(self) -> int:
        """Findings that wait for a digest that was not due by the last tile."""
        return sum(state.budget.n_waiting for state in self.states.values())

    def _stamp(self, tile: Tile) -> Stamp:
        settings = self._settings
        return Stamp(
            self._device_id,
            tile.acquired_at,
            self.models,
            NO_CONFIG_SHA256 if settings is None else settings.sha256,
            exercise=tile.is_exercise,
        )

    @property
    def models(self) -> Mapping[str, str]:
        """Task to "NAME sha256:HEX" of what runs."""
        return self._models.names


def _found_well(model: Model, gsd_m: float) -> tuple[str, ...]:
    """The labels of which the model finds at least half in tiles of this ground sample distance.

    Rules on the others would tell its own misses; a label that wants finer tiles was not measured in these.
    """
    quality, served = model.manifest.quality, model.manifest.gsd_m
    return tuple(
        label
        for label in model.manifest.labels
        if label in quality
        and quality[label].recall >= 0.5
        and (label not in served.by_label or gsd_m <= MAX_COARSER * served.by_label[label])
    )


def default_site(name: str, tile: Tile, model: Model) -> WatchedSite:
    """A site without a configuration: the ground of its first tile, every arrival and departure."""
    return WatchedSite(
        Site(name, tile.bounds),
        default_rules(_found_well(model, tile.gsd_m)),
        QualitySettings(),
        RegistrationSettings(),
        ReferenceSettings(),
        InventorySettings(),
    )
