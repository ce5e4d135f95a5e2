"""Which detection of this look is which track: the same label on the same footprint. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge.geo import distance_m
from edge.monitor.track import GroundBox, Sighting, Status, Track

# Two objects cannot share a footprint: a fifth of common ground is the same object, or another one that
# stands where it stood, and no picture tells them apart.
MIN_IOU = 0.2
# Of a box cut by the border of the tile only a part is there; this share of it on the track is enough.
MIN_PART = 0.5


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
    likely = [
        (overlap(track, sighting), i, j)
        for i, track in enumerate(tracks)
        if track.status is not Status.GONE
        for j, sighting in enumerate(sightings)
        if track.label == sighting.label and _near(track.box, sighting.box)
    ]
    by_track: dict[str, Sighting] = {}
    used: set[int] = set()
    for common, i, j in sorted(likely, key=lambda one: (-one[0], -sightings[one[2]].score, one[1], one[2])):
        if common > 0.0 and tracks[i].track_id not in by_track and j not in used:
            by_track[tracks[i].track_id] = sightings[j]
            used.add(j)
    left = [sighting for j, sighting in enumerate(sightings) if j not in used]
    return Pairs(by_track, tuple(sorted(left, key=lambda one: -one.score)))


def overlap(track: Track, sighting: Sighting) -> float:
    """Common ground of a track and a detection in [0, 1]; 0 where it is too little to be the same."""
    origin = track.box.position
    old, new = track.box.relative_to(origin), sighting.box.relative_to(origin)
    if not sighting.whole:
        part = old.intersection_area(new) / new.area
        return part if part >= MIN_PART else 0.0
    common = old.iou(new)
    return common if common >= MIN_IOU else 0.0


def _near(a: GroundBox, b: GroundBox) -> bool:
    return distance_m(a.position, b.position) <= a.length_m + b.length_m
