"""Which detection of this look is which track: the same kind of thing on the same footprint. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.monitor.kinds import USUAL, Kinds
from edge.monitor.places import Indices, Places, areas_m2, touching
from edge.monitor.track import Sighting, Status, Track

# Two objects cannot share a footprint: a fifth of common ground is the same object, or another one that
# stands where it stood, and no picture tells them apart.
MIN_IOU = 0.2
# Where one of the two is doubtful, its whole box cannot have so many times the ground of the other: a mark on
# the ground that is now and then taken for something small is not the airliner that came to stand there. Two
# sure ones may differ so: boxes of real aircraft, one beside the other or half in the shade, do.
MAX_AREAS = 2.5
SURE = 0.5
# Of a box cut by the border of the tile only a part is there; this share of it on the track is enough.
MIN_PART = 0.5

Overlaps = NDArray[np.float64]
"""(K,) float64 in (0, 1], of K pairs of a track and a detection."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """The result: at most one detection a track, and the detections left over, best score first."""

    by_track: Mapping[str, Sighting]
    unmatched: tuple[Sighting, ...]

    def sighting_of(self, track: Track) -> Sighting | None:
        """The detection on a track."""
        return self.by_track.get(track.track_id)


def pairs(tracks: Sequence[Track], sightings: Sequence[Sighting], kinds: Kinds = USUAL) -> Pairs:
    """Match greedily, most common ground first; tracks that are gone take no detection."""
    gone = Status.GONE
    alive = [track for track in tracks if track.status is not gone]
    rows, columns, common = overlaps(alive, sightings, kinds)
    scores = np.array([sighting.score for sighting in sightings])
    best_first = np.lexsort((columns, rows, -scores[columns], -common))
    by_track: dict[str, Sighting] = {}
    used: set[int] = set()
    for i, j in zip(rows[best_first].tolist(), columns[best_first].tolist(), strict=True):
        if alive[i].track_id not in by_track and j not in used:
            by_track[alive[i].track_id] = sightings[j]
            used.add(j)
    left = [sighting for j, sighting in enumerate(sightings) if j not in used]
    return Pairs(by_track, tuple(sorted(left, key=lambda one: -one.score)))


def overlaps(
    tracks: Sequence[Track], sightings: Sequence[Sighting], kinds: Kinds = USUAL
) -> tuple[Indices, Indices, Overlaps]:
    """The tracks and detections that may be the same object, by their numbers, and their common ground."""
    if not tracks:
        return np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0)
    origin = tracks[0].box.position
    old = Places.of([track.box for track in tracks]).sides_m(origin)
    new = Places.of([sighting.box for sighting in sightings]).sides_m(origin)
    rows, columns, inner = touching(old, new)
    whole = np.array([sighting.whole for sighting in sightings], dtype=bool)[columns]
    its, mine = areas_m2(old)[rows], areas_m2(new)[columns]
    common = inner / np.where(whole, its + mine - inner, mine)
    its_kind = np.array([kinds.get(track.label, track.label) for track in tracks], object)
    my_kind = np.array([kinds.get(sighting.label, sighting.label) for sighting in sightings], object)
    alike = np.asarray(its_kind[rows] == my_kind[columns], bool)
    tentative = Status.TENTATIVE
    doubtful = np.array([track.status is tentative for track in tracks], dtype=bool)[rows]
    doubtful |= np.array([sighting.score < SURE for sighting in sightings], dtype=bool)[columns]
    of_a_size = ~(whole & doubtful) | (np.maximum(its, mine) <= MAX_AREAS * np.minimum(its, mine))
    same = alike & of_a_size & (common >= np.where(whole, MIN_IOU, MIN_PART))
    return rows[same], columns[same], common[same]
