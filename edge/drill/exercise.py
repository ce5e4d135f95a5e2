"""A rendered arrival on the newest real look of a site: the tile of `edge drill SITE`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.acquire.tile import Rgb
from edge.drill.catalogue import KINDS
from edge.drill.look import Look
from edge.drill.overlay import lay_over
from edge.drill.scene import SceneObject
from edge.drill.sun import Sun, sun_at
from edge.drill.write import sidecar, write_tile
from edge.errors import EdgeError
from edge.geo import PixelBox, Site, distance_m
from edge.monitor.coverage import Sight
from edge.monitor.track import GroundBox, Status, Track

# What arrives, by the label of the rule: of a size that the shipped models know well.
ARRIVALS: Mapping[str, str] = MappingProxyType(
    {"aircraft": "airliner_narrow", "ship": "coaster", "vehicle": "truck", "storage_tank": "storage_tank"}
)
# Ground around what is laid down that must be free of other objects and on the tile.
_CLEAR_M = 8.0
_STEP_M = 6.0
# Neither long shadows nor none, whatever the hour of the real look.
_ELEVATIONS_DEG = (25.0, 60.0)


class NoRoom(EdgeError):
    """There is no place on the site for what should arrive."""


@dataclass(frozen=True, slots=True)
class Exercise:
    """What was laid where; the tile it went into.

    bearing_deg  where its nose points
    """

    tile_id: str
    image: Path
    label: str
    kind: str
    place: GroundBox
    bearing_deg: float


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """The newest usable look of a site: its pixels, what they show, and what stands there."""

    site: Site
    pixels: Rgb
    sight: Sight
    tracks: tuple[Track, ...]


def write_exercise(spool: Path, ground: Ground, *, label: str, zone: str | None, at: datetime) -> Exercise:
    """Drop the tile of an exercise into a spool, as a sender would.

    zone  where the object shall arrive, or None for anywhere on the site
    """
    kind = ARRIVALS[label]
    side_m = KINDS[kind].length_m
    place = _place(ground, side_m, zone)
    x, y = place.centre
    seed = int(at.timestamp())
    bearing = float(np.random.default_rng(seed).uniform(0, 360))
    gsd_m = ground.sight.gsd_m
    thing = SceneObject("exercise", kind, x * gsd_m, y * gsd_m, bearing)
    look = Look(sun=_sun(ground), seed=seed, haze_fraction=0.1)
    pixels = lay_over(ground.pixels, gsd_m, [thing], look)
    stamp = at.strftime("%Y%m%dT%H%M%SZ")
    tile_id = f"exercise-{ground.site.site_id}-{stamp}"
    name = f"{ground.site.site_id}_exercise-{stamp}.jpg"
    bounds = ground.sight.alignment.grid.bounds
    item = sidecar(tile_id, bounds=bounds, at=at, gsd_m=gsd_m, image=name, is_exercise=True)
    image = write_tile(spool, name, pixels, item)
    return Exercise(tile_id, image, label, kind, ground.sight.ground_of(place), bearing)


def _sun(ground: Ground) -> Sun:
    centre = ground.site.bounds.centre
    sun = sun_at(ground.sight.seen_at, centre.lng, centre.lat)
    return replace(sun, elevation_deg=float(np.clip(sun.elevation_deg, *_ELEVATIONS_DEG)))


def _place(ground: Ground, side_m: float, zone: str | None) -> PixelBox:
    """The plainest free ground: a roof or a kerb under an aircraft would be no drill of the model."""
    detail = _detail(ground.pixels)
    boxes = list(_free(ground, side_m, zone))
    if not boxes:
        where = zone or "the site"
        raise NoRoom(
            f"{ground.site.site_id}: {where}: expected {side_m + 2 * _CLEAR_M:.0f} m of free ground that the "
            f"newest look shows, got none"
        )
    return min(boxes, key=lambda box: _mean_of(detail, box))


def _free(ground: Ground, side_m: float, zone: str | None) -> Iterator[PixelBox]:
    """Boxes of the tile on which nothing stands, clearly seen, their middle in the zone."""
    sight, half_px = ground.sight, side_m / 2 / ground.sight.gsd_m
    rim_px = half_px + _CLEAR_M / sight.gsd_m
    step_px = _STEP_M / sight.gsd_m
    height, width = ground.pixels.shape[:2]
    for y in np.arange(rim_px, height - rim_px, step_px):
        for x in np.arange(rim_px, width - rim_px, step_px):
            box = PixelBox(x - half_px, y - half_px, x + half_px, y + half_px)
            if _is_free(ground, box, zone):
                yield box


def _is_free(ground: Ground, box: PixelBox, zone: str | None) -> bool:
    place = ground.sight.ground_of(box)
    if zone is None:
        inside = ground.site.bounds.contains(place.position)
    else:
        inside = zone in ground.site.zones_at(place.position)
    return inside and ground.sight.share(place) >= 1.0 and not _touches(place, ground.tracks)


def _touches(place: GroundBox, tracks: Iterable[Track]) -> bool:
    return any(
        distance_m(place.position, track.box.position) < (place.length_m + track.box.length_m) / 2 + _CLEAR_M
        for track in tracks
        if track.status is not Status.GONE
    )


def _detail(pixels: Rgb) -> NDArray[np.float64]:
    """Sums of the gradient from the top-left corner, (H + 1, W + 1): any box costs four look-ups."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    return np.asarray(cv2.integral(cv2.magnitude(across, down)), np.float64)


def _mean_of(sums: NDArray[np.float64], box: PixelBox) -> float:
    left, top, right, bottom = (int(value) for value in (box.left, box.top, box.right, box.bottom))
    total = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return float(total) / ((right - left) * (bottom - top))
