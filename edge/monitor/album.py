"""The kept pictures of one object: the looks before this one, cut out and laid where it stands now. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from edge.acquire.overlay import Laid
from edge.acquire.tile import Rgb, Tile
from edge.monitor.coverage import Sight
from edge.monitor.likeness import Crop, crop_of, square_of
from edge.monitor.state import PastLook
from edge.monitor.track import GroundBox

# Share of an object's ground that a look must clearly show to tell its appearance.
MIN_SHOWN = 0.95


@dataclass(slots=True, eq=False)
class Album:
    """One tile at one site, with the earlier looks that are still kept; each is read once.

    past_pixels  the pixels of an earlier tile by its SHA-256, or None where it is no longer kept
    """

    tile: Tile
    sight: Sight
    recent: Sequence[PastLook]
    past_pixels: Callable[[str], Rgb | None]
    _read: dict[str, Rgb | None] = field(default_factory=dict)

    def before(self, box: GroundBox) -> list[PastLook]:
        """The looks before this one that clearly show a box, oldest first; none where this one does not."""
        if self.sight.share(box) < MIN_SHOWN:
            return []
        now = self.sight.seen_at
        return [one for one in self.recent if one.sight.seen_at < now and one.sight.share(box) >= MIN_SHOWN]

    def crop(self, box: GroundBox, past: PastLook | None = None) -> Crop | None:
        """The object at an earlier look, or now; None where the tile is not kept any more."""
        pixels_box = self.sight.pixels_of(box)
        square = square_of(pixels_box, self.tile.gsd_m)
        pixels = self.tile.pixels if past is None else self._pixels(past)
        if pixels is None:
            return None
        before = self.sight.alignment if past is None else past.sight.alignment
        left, top, side = square
        laid = Laid(pixels, before, self.sight.alignment)
        part = laid.part(slice(top, top + side), slice(left, left + side))
        return crop_of(part, square, pixels_box, self.tile.gsd_m)

    def _pixels(self, past: PastLook) -> Rgb | None:
        if past.sha256 not in self._read:
            self._read[past.sha256] = self.past_pixels(past.sha256)
        return self._read[past.sha256]
