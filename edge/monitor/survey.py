"""Asks the change model what ground of a site is no longer as it was, without an object's doing. Pure.

A look is compared with the oldest one that is still kept, so that the same place is found changed at several
looks in a row. What stands there as a track, or stood there lately, is left out: other rules tell of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge.acquire.overlay import laid_on, shown_on
from edge.acquire.registration import usable_pixels
from edge.acquire.tile import Mask, Rgb, Tile
from edge.detect.change import ChangeSettings, Comparison, changed
from edge.detect.manifest import ChangeModel, ChangeScore
from edge.geo import LngLat, PixelBox, Site
from edge.monitor.changed_ground import ChangedGround, followed
from edge.monitor.coverage import Sight
from edge.monitor.rules import GroundChangeRule
from edge.monitor.state import PastLook
from edge.monitor.track import Track

# Of an earlier look, the share of its tile that must be usable.
_MIN_USABLE = 0.5
# Ground around an object that may be its shadow, in metres and as a share of its length.
_BESIDE_M, _BESIDE_SHARE = 6.0, 0.3
# Corners of an outline lie this near to the edge of the ground, in metres.
_OUTLINE_M = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """One tile at one site, with the earlier looks that are still kept.

    tracks       before and after this look
    past_pixels  the pixels of an earlier tile by its SHA-256, or None where it is no longer kept
    """

    site: Site
    tile: Tile
    sight: Sight
    recent: Sequence[PastLook]
    tracks: Sequence[Track]
    model: ChangeModel | None
    past_pixels: Callable[[str], Rgb | None]

    def after(
        self, known: Mapping[str, tuple[ChangedGround, ...]], rules: Sequence[GroundChangeRule]
    ) -> dict[str, tuple[ChangedGround, ...]]:
        """The places of each rule after this look; as they were where it can tell nothing."""
        before = {rule.rule_id: known.get(rule.rule_id, ()) for rule in rules}
        compared = self._compared(rules) if rules else None
        if compared is None or self.model is None:
            return before
        past, score = compared
        return {
            rule.rule_id: followed(
                before[rule.rule_id],
                list(self._places(score, past, rule, self.model)),
                self.sight,
                compared_with=past.sight.seen_at,
                n_wanted=rule.looks,
            )
            for rule in rules
        }

    def _compared(self, rules: Sequence[GroundChangeRule]) -> tuple[PastLook, ChangeScore] | None:
        """The oldest look of use, and how the ground differs from it; None where nothing can be said."""
        if self.model is None or not self._is_served(self.model):
            return None
        for past in self.recent:
            pixels = self.past_pixels(past.sha256)
            if pixels is None or past.sight.look.usable_fraction < _MIN_USABLE:
                continue
            sides = {"before": past.sight.alignment, "after": self.sight.alignment}
            comparable = shown_on(usable_pixels(past.sight.look), **sides) & self._asked(rules)
            comparison = Comparison(
                laid_on(pixels, **sides), self.tile.pixels, self.tile.gsd_m,
                model=self.model, comparable=comparable,
            )  # fmt: skip
            return past, comparison.score_map()
        return None

    def _is_served(self, model: ChangeModel) -> bool:
        """False for a tile too fine or too coarse, and for one that comes late."""
        is_newest = all(past.sight.seen_at < self.sight.seen_at for past in self.recent)
        return is_newest and model.manifest.gsd_m.min <= self.tile.gsd_m <= model.manifest.gsd_m.max

    def _asked(self, rules: Sequence[GroundChangeRule]) -> Mask:
        """(H, W) bool, usable ground about the zones of the rules on which no object stands."""
        mask = np.zeros(self.tile.pixels.shape[:2], bool)
        for rule in rules:
            _fill(mask, self._around(rule.zone), value=True)
        for track in self.tracks:
            box, beside_m = self.sight.pixels_of(track.box), _BESIDE_M + _BESIDE_SHARE * track.box.length_m
            _fill(mask, _grown(box, beside_m / self.tile.gsd_m), value=False)
        return mask & usable_pixels(self.sight.look)

    def _around(self, name: str | None) -> PixelBox:
        """The pixels around a zone; of the whole site for None."""
        zone = next((one for one in self.site.zones if one.name == name), None)
        edge = self.site.bounds
        whole = (LngLat(edge.west, edge.north), LngLat(edge.east, edge.south))
        corners = whole if zone is None else (*zone.polygon, *zone.line)
        x, y = np.array([self.sight.alignment.pixel_at(one) for one in corners]).T
        width_m = 0.0 if zone is None else zone.width_m
        around = PixelBox(float(x.min()), float(y.min()), float(x.max()), float(y.max()))
        return _grown(around, width_m / 2 / self.tile.gsd_m)

    def _places(
        self, score: ChangeScore, past: PastLook, rule: GroundChangeRule, model: ChangeModel
    ) -> Iterator[ChangedGround]:
        """Where the score makes regions that are large and sure enough, and in the zone of the rule."""
        settings = ChangeSettings(min_area_m2=rule.area_m2)
        mask = changed(score, model=model, settings=settings, gsd_m=self.tile.gsd_m).astype(np.uint8)
        n, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        for index in range(1, n):
            left, top, width, height, area = (int(value) for value in stats[index])
            box = self.sight.ground_of(PixelBox(left, top, left + width, top + height))
            if rule.zone is not None and rule.zone not in self.site.zones_at(box.position):
                continue
            part = labels[top : top + height, left : left + width] == index
            mean = float(score[top : top + height, left : left + width][part].mean())
            corners = _outline(part, _OUTLINE_M / self.tile.gsd_m)
            yield ChangedGround(
                tuple(self.sight.alignment.ground_at(left + x, top + y) for x, y in corners),
                box, round(area * self.tile.gsd_m**2, 1), mean,
                past.sight.seen_at, self.sight.seen_at, self.sight.seen_at,
            )  # fmt: skip


def _outline(part: Mask, tolerance_px: float) -> list[tuple[float, float]]:
    """The corners of the largest outer edge of a region, in pixels."""
    edges, _ = cv2.findContours(part.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    corners = cv2.approxPolyDP(max(edges, key=cv2.contourArea), tolerance_px, closed=True)
    return [(float(x) + 0.5, float(y) + 0.5) for x, y in corners[:, 0]]


def _grown(box: PixelBox, by_px: float) -> PixelBox:
    return PixelBox(box.left - by_px, box.top - by_px, box.right + by_px, box.bottom + by_px)


def _fill(mask: Mask, box: PixelBox, *, value: bool) -> None:
    left, top, right, bottom = (max(0, round(side)) for side in (box.left, box.top, box.right, box.bottom))
    mask[top:bottom, left:right] = value
