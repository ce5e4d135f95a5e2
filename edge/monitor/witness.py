"""Whether the ground of a box changed since it was last seen: asked of the change model. Pure.

An object that the object model lost where the ground is as it was has been missed; one that it found where
nothing changed was there all along.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from edge.acquire.overlay import Laid
from edge.acquire.tile import Rgb, Tile
from edge.detect.change import Comparison
from edge.detect.manifest import ChangeModel
from edge.monitor.coverage import Sight
from edge.monitor.inventory import Answer
from edge.monitor.state import PastLook
from edge.monitor.track import GroundBox

# Share of a box that both looks must clearly show.
MIN_SHOWN = 0.85
# Looks that are laid onto the tile at most: the newest nearly always shows all that is asked.
MAX_COMPARED = 2


@dataclass(slots=True, eq=False)
class Witness:
    """One tile at one site, with the earlier looks that are still kept.

    past_pixels   the pixels of an earlier tile by its SHA-256, or None where it is no longer kept
    changed_from  mean score of a box from which its ground counts as changed
    """

    tile: Tile
    sight: Sight
    recent: Sequence[PastLook]
    model: ChangeModel
    past_pixels: Callable[[str], Rgb | None]
    changed_from: float
    _compared: dict[str, Comparison | None] = field(default_factory=dict)

    def answer(self, box: GroundBox, seen_at: datetime) -> Answer | None:
        """What the newest earlier look that clearly shows the box says of it."""
        for past in reversed(self.recent):
            if past.sight.seen_at >= seen_at or past.sight.share(box) < MIN_SHOWN:
                continue
            comparison = self._comparison(past)
            if comparison is None:
                return None
            score = comparison.score_of(self.sight.pixels_of(box))
            return Answer(score >= self.changed_from, past.sight.seen_at)
        return None

    def _comparison(self, past: PastLook) -> Comparison | None:
        if past.sha256 not in self._compared and len(self._compared) < MAX_COMPARED:
            self._compared[past.sha256] = self._laid(past)
        return self._compared.get(past.sha256)

    def _laid(self, past: PastLook) -> Comparison | None:
        served = self.model.manifest.gsd_m
        pixels = self.past_pixels(past.sha256)
        if pixels is None or not served.min <= self.tile.gsd_m <= served.max:
            return None
        shown = Laid(pixels, past.sight.alignment, self.sight.alignment)
        return Comparison(shown.part, self.tile.pixels, self.tile.gsd_m, model=self.model)
