"""All that is remembered of one site between two tiles, and its form on disk. Pure."""

from __future__ import annotations

import statistics
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from typing import Self

import msgspec
import numpy as np

from edge.acquire.quality import Look
from edge.acquire.registration import Alignment
from edge.errors import StoreBroken
from edge.geo import GeoBounds, Site
from edge.monitor.activity import Activity, Day, Series, Slot
from edge.monitor.budget import Budget
from edge.monitor.changed_ground import ChangedGround
from edge.monitor.coverage import NEVER, Coverage, Sight
from edge.monitor.indicator import Seen, SignSeen
from edge.monitor.inventory import Inventory
from edge.monitor.scene import Passing, Story

# Looks whose tiles are kept for the "before" picture; older ones seldom show the ground as it was.
MAX_RECENT = 6
# Raised when the form below changes; a state of another version is refused, not guessed at. 2 added what
# trends, columns and indicators remember: a state of version 1 is read as one that remembers nothing of that.
VERSION = 2
READABLE = (1, 2)
# The first byte of a zlib stream (RFC 1950, section 2.2); in msgpack the number 120.
_ZLIB = b"\x78"

_DAY = np.dtype([("number", "<i4"), ("n_looks", "<i4"), ("mean", "<f8"), ("variance", "<f8")])


@dataclass(frozen=True, slots=True)
class PastLook:
    """A look whose tile is still kept, so that an alert can show the ground before."""

    sight: Sight
    sha256: str


@dataclass(frozen=True, slots=True)
class SiteState:
    """One site as the last look left it.

    newest_look_at  of the newest usable look, None before the first
    last_reject     why the newest tile was not usable, None where it was
    last_reject_at  when that tile was seen
    picture         checksum of the newest tile's pixels: a source that repeats one picture is found by it
    n_looks         usable looks so far
    activity        days of the counts, by label and zone
    passing         vehicles on the watched roads at the newest look
    signs           what the indicators of this site have seen, here and at other sites
    budget          what was told of it, and what is held back
    ground          by rule, the places whose ground is not what it was
    """

    inventory: Inventory
    coverage: Coverage
    stories: Mapping[str, Story] = field(default_factory=dict)
    recent: tuple[PastLook, ...] = ()
    newest_look_at: datetime | None = None
    last_reject: str | None = None
    last_reject_at: datetime | None = None
    picture: int | None = None
    n_looks: int = 0
    activity: Activity = field(default_factory=Activity)
    passing: Mapping[str, Passing] = field(default_factory=dict)
    signs: Seen = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    ground: Mapping[str, tuple[ChangedGround, ...]] = field(default_factory=dict)

    @classmethod
    def empty(cls, site: Site) -> Self:
        """A site that nobody has looked at."""
        return cls(Inventory(), Coverage.empty(site))

    @property
    def every_days(self) -> float:
        """Usual time between two looks, by those that are kept; a day where there are not two."""
        instants = [past.sight.seen_at for past in self.recent]
        gaps = [(after - before).total_seconds() / 86_400.0 for before, after in pairwise(instants)]
        return statistics.median(gaps) if gaps else 1.0

    def remembering(self, look: PastLook) -> tuple[PastLook, ...]:
        """The recent looks with one more, newest last."""
        return tuple(sorted((*self.recent, look), key=lambda one: one.sight.seen_at)[-MAX_RECENT:])

    def on(self, site: Site) -> SiteState:
        """The same state for a site whose bounds were edited: the ledger begins anew, tracks outside go."""
        if self.coverage.bounds == site.bounds:
            return self
        tracks = tuple(t for t in self.inventory.tracks if site.bounds.contains(t.box.position))
        return replace(self, inventory=replace(self.inventory, tracks=tracks), coverage=Coverage.empty(site))


class _StoredCoverage(msgspec.Struct, frozen=True):
    bounds: GeoBounds
    rows: int
    columns: int
    first_at: bytes
    latest_at: bytes


class _StoredLook(msgspec.Struct, frozen=True):
    tile_id: str
    seen_at: datetime
    gsd_m: float
    alignment: Alignment
    usable: bytes
    width_px: int
    height_px: int
    usable_fraction: float
    cell_px: int
    sha256: str


class _StoredSeries(msgspec.Struct, frozen=True):
    """days: number, looks, mean and variance, as an array of _DAY; the profile as it is."""

    days: bytes
    weekdays: tuple[Slot, ...]
    months: tuple[Slot, ...]
    first_day: int | None


class _Stored(msgspec.Struct, frozen=True):
    version: int
    inventory: Inventory
    coverage: _StoredCoverage
    stories: dict[str, Story]
    recent: tuple[_StoredLook, ...]
    newest_look_at: datetime | None
    last_reject: str | None
    last_reject_at: datetime | None
    picture: int | None
    n_looks: int
    activity: dict[str, _StoredSeries] = {}
    passing: dict[str, Passing] = {}
    signs: dict[str, tuple[SignSeen, ...]] = {}
    budget: Budget = Budget()
    ground: dict[str, tuple[ChangedGround, ...]] = {}


def to_bytes(state: SiteState) -> bytes:
    """The state for the store; the same state gives the same bytes."""
    stored = _Stored(
        VERSION,
        state.inventory,
        _packed_coverage(state.coverage),
        dict(sorted(state.stories.items())),
        tuple(_packed_look(look) for look in state.recent),
        state.newest_look_at,
        state.last_reject,
        state.last_reject_at,
        state.picture,
        state.n_looks,
        {key: _packed_series(one) for key, one in sorted(state.activity.series.items())},
        dict(sorted(state.passing.items())),
        dict(sorted(state.signs.items())),
        state.budget,
        dict(sorted(state.ground.items())),
    )
    return zlib.compress(msgspec.msgpack.encode(stored), 1)


def from_bytes(blob: bytes, site: Site) -> SiteState:
    """The state that `to_bytes` wrote, for the site as it is configured now.

    Raises StoreBroken for anything else, naming the site.
    """
    try:
        stored = msgspec.msgpack.decode(_plain(blob), type=_Stored)
        state = _unpacked(stored)
    except (msgspec.DecodeError, ValueError, zlib.error) as error:
        raise StoreBroken(
            f"state of site {site.site_id}: expected version {VERSION} of its form, got: {error}"
        ) from error
    return state.on(site)


def _plain(blob: bytes) -> bytes:
    """The form itself: compressed since version 2, where a map, with which version 1 begins, cannot stand."""
    return zlib.decompress(blob) if blob[:1] == _ZLIB else blob


def _unpacked(stored: _Stored) -> SiteState:
    if stored.version not in READABLE:
        raise ValueError(f"version {stored.version}")
    return SiteState(
        stored.inventory,
        _unpacked_coverage(stored.coverage),
        stored.stories,
        tuple(_unpacked_look(look) for look in stored.recent),
        stored.newest_look_at,
        stored.last_reject,
        stored.last_reject_at,
        stored.picture,
        stored.n_looks,
        Activity({key: _unpacked_series(one) for key, one in stored.activity.items()}),
        stored.passing,
        stored.signs,
        stored.budget,
        stored.ground,
    )


def _packed_series(series: Series) -> _StoredSeries:
    rows = [(day.number, day.n_looks, day.mean, day.variance) for day in series.days]
    return _StoredSeries(
        np.array(rows, dtype=_DAY).tobytes(), series.weekdays, series.months, series.first_day
    )


def _unpacked_series(stored: _StoredSeries) -> Series:
    rows = np.frombuffer(stored.days, dtype=_DAY).tolist()
    days = tuple(Day(number, mean, variance, n_looks) for number, n_looks, mean, variance in rows)
    return Series(days, stored.weekdays, stored.months, stored.first_day)


def _packed_coverage(coverage: Coverage) -> _StoredCoverage:
    rows, columns = coverage.latest_at.shape
    first, latest = (
        zlib.compress(cells.astype("<i4").tobytes()) for cells in (coverage.first_at, coverage.latest_at)
    )
    return _StoredCoverage(coverage.bounds, rows, columns, first, latest)


def _unpacked_coverage(stored: _StoredCoverage) -> Coverage:
    shape = stored.rows, stored.columns
    first, latest = (
        np.frombuffer(zlib.decompress(cells), dtype="<i4").astype(NEVER.dtype).reshape(shape)
        for cells in (stored.first_at, stored.latest_at)
    )
    return Coverage(stored.bounds, first, latest)


def _packed_look(past: PastLook) -> _StoredLook:
    look = past.sight.look
    return _StoredLook(
        past.sight.tile_id,
        past.sight.seen_at,
        past.sight.gsd_m,
        past.sight.alignment,
        zlib.compress(np.packbits(look.usable).tobytes()),
        look.width_px,
        look.height_px,
        look.usable_fraction,
        look.cell_px,
        past.sha256,
    )


def _unpacked_look(stored: _StoredLook) -> PastLook:
    rows, columns = -(-stored.height_px // stored.cell_px), -(-stored.width_px // stored.cell_px)
    bits = np.frombuffer(zlib.decompress(stored.usable), dtype=np.uint8)
    usable = np.unpackbits(bits, count=rows * columns).astype(bool).reshape(rows, columns)
    look = Look(usable, stored.width_px, stored.height_px, stored.usable_fraction, stored.cell_px)
    return PastLook(
        Sight(stored.tile_id, stored.seen_at, stored.gsd_m, look, stored.alignment), stored.sha256
    )
