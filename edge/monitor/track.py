"""One object over revisits, and what was decided about it at one look. Pure.

What every look makes anew by the hundred is a msgspec.Struct: it is made, and made again with a change, in a
twentieth of the time of a frozen dataclass, which is most of what a look costs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from edge.geo import LngLat, PixelBox


class Status(StrEnum):
    """What the inventory believes of a track."""

    TENTATIVE = "tentative"  # seen, but not surely an object
    PRESENT = "present"
    GONE = "gone"  # kept for a while, so that later looks can make a departure surer


class GroundBox(msgspec.Struct, frozen=True, gc=False):
    """A box on the ground, north up: its middle and its sides in metres."""

    position: LngLat
    width_m: float
    height_m: float

    @property
    def length_m(self) -> float:
        """The longer side."""
        return max(self.width_m, self.height_m)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A detection put on the ground of the site's reference.

    box     on the ground, after alignment
    pixels  the same in the tile's own pixels
    whole   False where the border of the tile cuts it: then it proves presence, but not place and size
    """

    label: str
    score: float
    box: GroundBox
    pixels: PixelBox
    whole: bool = True


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """What one look said of a track: a step of the decision, kept to explain it.

    seen_fraction  share of its ground that was clearly seen
    score          of the detection there, None where there was none
    log_odds       of its presence, after this look
    changed        whether its ground differs from an earlier look, None where that was not asked
    since          that look; of a first sight, the earlier clear view of the empty ground; None: no such look
    strength       of the track, from which the chance of a miss follows; None where it was surely detected
    recall         of the model for what the track was called then; None where its label cannot waver
    """

    seen_at: datetime
    tile_id: str
    seen_fraction: float
    score: float | None
    log_odds: float
    changed: bool | None = None
    since: datetime | None = None
    strength: float | None = None
    recall: float | None = None


@dataclass(frozen=True, slots=True)
class Alteration:
    """One time that an object became another than it was, and stayed.

    seen_at     the first look that shows it so
    since       the last look before that shows it as it was
    decided_at  the look that made it sure; seen_at, or one of the next
    fraction    share in [0, 1] of its box that changed
    lost_m2, gained_m2  ground on which something of it vanished, and on which something appeared
    log_odds    how sure
    east_m, north_m  where on it: the middle of what changed, from the middle of its box
    """

    seen_at: datetime
    since: datetime
    decided_at: datetime
    fraction: float
    lost_m2: float
    gained_m2: float
    log_odds: float
    east_m: float
    north_m: float

    @property
    def is_loss(self) -> bool:
        """True if there is less of the object than before."""
        return self.lost_m2 > 2.0 * self.gained_m2

    @property
    def confidence(self) -> float:
        """Chance in [0, 1] that it is so."""
        return 1.0 / (1.0 + math.exp(-self.log_odds))


class Track(msgspec.Struct, frozen=True):
    """One object of a site's inventory.

    strength        highest score it was detected with lately, in [0, 1]: how easily the model finds it
    log_odds        of its presence now
    newness         chance in [0, 1] that it came between two looks, and was not missed before
    left_share      of the chance that it is absent, the share that it was there and left, not a false alarm
    first_seen      the first look that detected it; last_seen: the latest; looked_at: the latest clear view
    arrived_at      the look at which its arrival was reported; None while it was not
    departed_at     the look at which its departure was reported; None while it was not
    waiting         ids of the rules that want to be surer of its arrival or departure before they speak
    history         the latest looks, oldest first
    same_since      since when it looks as it does, as far as anybody compared; None: since it was first seen
    alterations     the latest times that it was altered, oldest first
    votes           what it was called, by scores that fade; empty where no label is a kind of another
    """

    track_id: str
    label: str
    box: GroundBox
    strength: float
    log_odds: float
    status: Status
    first_seen: datetime
    last_seen: datetime
    looked_at: datetime
    newness: float = 0.0
    left_share: float = 0.0
    arrived_at: datetime | None = None
    departed_at: datetime | None = None
    moved_at: datetime | None = None
    waiting: tuple[str, ...] = ()
    history: tuple[Evidence, ...] = ()
    same_since: datetime | None = None
    alterations: tuple[Alteration, ...] = ()
    votes: Mapping[str, float] = {}

    @property
    def presence(self) -> float:
        """Chance in [0, 1] that the object is there now."""
        return 1.0 / (1.0 + math.exp(-self.log_odds))

    @property
    def arrival_confidence(self) -> float:
        """Chance in [0, 1] that it is there and that it came since the look before."""
        return self.presence * self.newness

    @property
    def departure_confidence(self) -> float:
        """Chance in [0, 1] that it was there and is not any more."""
        return (1.0 - self.presence) * self.left_share


@dataclass(frozen=True, slots=True)
class Move:
    """A track that stays on its footprint but stands elsewhere on it."""

    track: Track
    before: LngLat
    distance_m: float


@dataclass(frozen=True, slots=True)
class Delta:
    """What one look changed in the inventory of a site; each track as it is after the look."""

    arrived: tuple[Track, ...] = ()
    departed: tuple[Track, ...] = ()
    moved: tuple[Move, ...] = ()
    altered: tuple[Track, ...] = ()
