"""Which detection of this look is which track: the same label on the same footprint. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.geo import LngLat, offset_m
from edge.monitor.track import GroundBox, Sighting, Status, Track

# Two objects cannot share a footprint: a fifth of common ground is the same object, or another one that
# stands where it stood, and no picture tells them apart.
MIN_IOU = 0.2
# Of a box cut by the border of the tile only a part is there; this share of it on the track is enough.
MIN_PART = 0.5

Sides = NDArray[np.float64]
"""(N, 4) float64, west south east north in metres from a common origin."""

Overlaps = NDArray[np.float64]
"""(tracks, detections) float64 in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """The result: at most one detection a track, and the detections left over, best score first."""

    by_track: Mapping[str, Sighting]
    unmatched: tuple[Sighting, ...]

    def sighting_of(self, track: Track) -> Sighting | None:
        """The detection on a track."""
        return self.by_track.get(track.track_id)


def pairs(tracks: Sequence[Track], sightings: Sequence[Sighting]) -> Pairs:
    """Match greedily, most common ground first; tracks that are gone take no detection."""
    common = overlaps(tracks, sightings)
    rows, columns = np.nonzero(common)
    scores = np.array([sighting.score for sighting in sightings])
    by_track: dict[str, Sighting] = {}
    used: set[int] = set()
    for k in np.lexsort((columns, rows, -scores[columns], -common[rows, columns])):
        i, j = int(rows[k]), int(columns[k])
        if tracks[i].track_id not in by_track and j not in used:
            by_track[tracks[i].track_id] = sightings[j]
            used.add(j)
    left = [sighting for j, sighting in enumerate(sightings) if j not in used]
    return Pairs(by_track, tuple(sorted(left, key=lambda one: -one.score)))


def overlaps(tracks: Sequence[Track], sightings: Sequence[Sighting]) -> Overlaps:
    """Common ground of each track and each detection; 0 where it is too little to be the same object."""
    if not tracks or not sightings:
        return np.zeros((len(tracks), len(sightings)))
    origin = tracks[0].box.position
    inner, old, new = shared_m2([t.box for t in tracks], [s.box for s in sightings], origin)
    iou = inner / (old[:, None] + new - inner)
    part = inner / new
    whole = np.array([sighting.whole for sighting in sightings])
    common = np.where(whole, np.where(iou >= MIN_IOU, iou, 0.0), np.where(part >= MIN_PART, part, 0.0))
    return np.asarray(common * _may_match(tracks, sightings))


def shared_m2(
    old: Sequence[GroundBox], new: Sequence[GroundBox], origin: LngLat
) -> tuple[Overlaps, NDArray[np.float64], NDArray[np.float64]]:
    """The ground in square metres that each two boxes share, and that of the old and of the new boxes."""
    a, b = sides(old, origin), sides(new, origin)
    width = np.minimum(a[:, None, 2], b[:, 2]) - np.maximum(a[:, None, 0], b[:, 0])
    height = np.minimum(a[:, None, 3], b[:, 3]) - np.maximum(a[:, None, 1], b[:, 1])
    inner = np.maximum(width, 0.0) * np.maximum(height, 0.0)
    return inner, (a[:, 2] - a[:, 0]) * (a[:, 3] - a[:, 1]), (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])


def sides(boxes: Sequence[GroundBox], origin: LngLat) -> Sides:
    """The boxes in metres from an origin near them."""
    middle = np.array([offset_m(origin, box.position) for box in boxes], dtype=np.float64).reshape(-1, 2)
    half = np.array([(box.width_m / 2, box.height_m / 2) for box in boxes], dtype=np.float64).reshape(-1, 2)
    return np.hstack([middle - half, middle + half])


def _may_match(tracks: Sequence[Track], sightings: Sequence[Sighting]) -> NDArray[np.bool_]:
    """The same label, and a track that is not gone."""
    seen = np.array([sighting.label for sighting in sightings])
    known = np.array([track.label for track in tracks])
    alive = np.array([track.status is not Status.GONE for track in tracks])
    return np.asarray((known[:, None] == seen) & alive[:, None])
