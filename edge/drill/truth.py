"""What looks should report: what came, left, moved and changed against what was seen before. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.drill.catalogue import is_aircraft
from edge.drill.columns import Line
from edge.drill.events import Moment
from edge.drill.render import Placed, Stage, View, visible_fraction
from edge.drill.scenario import TrendTruth
from edge.drill.story import counts_of, tracks_of, trend_of
from edge.drill.watch import site_of, zone_keys
from edge.geo import Grid, PixelBox, Site, distance_m

# Below half its box nobody can be asked to see an object.
_SEEN_FRACTION = 0.5
# A look that shows less ground than this is worth nothing.
_USABLE_FRACTION = 0.2

_Key = tuple[str, float, float]
_Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shot:
    """A rendered look of a scenario and the name of its image."""

    moment: Moment
    view: View
    image: str


def truth_of(stage: Stage, shots: Iterable[Shot], trend: TrendTruth | None = None) -> _Record:
    """The whole truth of a site, in the pixels of each look and of the first one, its reference.

    arrived and departed are null for the first look and for one that shows no ground: it reports nothing.
    """
    site = site_of(stage.scene)
    teller = _Teller(stage, site)
    taken = list(shots)
    passes = [teller.told(shot) for shot in taken]
    width, height = stage.raster.tile_px
    counts = counts_of(stage, (shot.view for shot in taken))
    return {
        "site": stage.scene.site_id,
        "gsd_m": stage.raster.gsd_m,
        "size": [width, height],
        "zones": {zone.name: zone_keys(zone) for zone in site.zones},
        "passes": [one | {"counts": count} for one, count in zip(passes, counts, strict=True)],
        "events": teller.events,
        "tracks": tracks_of(stage, [shot.moment for shot in taken]),
        "trend": trend_of(trend, counts),
        "fixed": teller.fixed,
    }


@dataclass(slots=True)
class _Teller:
    """Tells look after look; remembers who was seen where, and what each line of vehicles did."""

    stage: Stage
    site: Site
    events: list[_Record] = field(default_factory=list)
    fixed: list[_Record] = field(default_factory=list)
    _known: dict[_Key, Placed] = field(default_factory=dict)
    _reference: NDArray[np.float64] | None = None
    _lines: dict[str, tuple[Moment, Line]] = field(default_factory=dict)

    def told(self, shot: Shot) -> _Record:
        """One look; what happened by then joins the events."""
        is_first = self._reference is None
        if self._reference is None:
            self._reference = shot.view.to_scene
            self.fixed = [self._record(one) for one in shot.view.placed if self._is_fixed(one)]
        usable = float((shot.view.opacity < _SEEN_FRACTION).mean())
        says = usable >= _USABLE_FRACTION and not is_first
        seen, hidden = self._story_of(shot, seen=True), self._story_of(shot, seen=False)
        happened = _Happened.between(self._known, seen, shot.view)
        if says:
            self._tell(happened, shot)
        self._known = happened.updated(self._known, seen)
        return {
            "image": shot.image,
            "at": _text(shot.moment),
            "usable_fraction": round(usable, 3),
            "aircraft": [self._record(one) for one in seen if is_aircraft(one.label)],
            "hidden": [self._record(one) for one in hidden],
            "others": [self._record(one) for one in self._others(shot)],
            "lines": [self._line(line, shot) for line in shot.moment.lines],
            "to_reference": _composed(shot.view.to_scene, self._reference).round(6).tolist(),
            "inliers": None,
            "shift_px": [round(value, 3) for value in shot.moment.look.shift_px],
            "arrived": self._boxes(happened.arrived) if says else None,
            "departed": self._boxes(happened.departed) if says else None,
            "moved": [self._boxes(both) for both in happened.moved if is_aircraft(both[0].label)]
            if says
            else None,
            "altered": self._boxes(one for _, one in happened.altered) if says else None,
        }

    def _story_of(self, shot: Shot, *, seen: bool) -> list[Placed]:
        """Objects of the story that a look shows, or hides."""
        ids = {thing.object_id for thing in shot.moment.present}
        return [
            one
            for one in shot.view.placed
            if one.thing.object_id in ids and (one.visible_fraction >= _SEEN_FRACTION) == seen
        ]

    def _is_fixed(self, one: Placed) -> bool:
        return one.thing in self.stage.scene.fixed

    def _others(self, shot: Shot) -> list[Placed]:
        return [
            one
            for one in shot.view.placed
            if not is_aircraft(one.label)
            and one.visible_fraction >= _SEEN_FRACTION
            and not self._is_fixed(one)
        ]

    def _tell(self, happened: _Happened, shot: Shot) -> None:
        moment = shot.moment
        moved = {id(one) for both in happened.moved for one in both}
        for kind, group in (("arrival", happened.arrived), ("departure", happened.departed)):
            for one in group:
                self.events.append(self._event(kind, one, moment) | {"moved": id(one) in moved})
        for old, new in happened.moved:
            start = self._record(old)
            from_where = {"from": [start["lng"], start["lat"]]}
            self.events.append(self._event("moved", new, moment) | from_where)
        for old, new in happened.altered:
            states = {"from": old.thing.state, "to": new.thing.state}
            self.events.append(self._event("altered", new, moment) | states)
        for line in moment.lines:
            told = self._line(line, shot)
            if line.is_driving and told["seen"] >= _SEEN_FRACTION * told["count"]:
                what = {"kind": "convoy", "look": moment.number, "at": _text(moment), "label": "vehicle"}
                self.events.append(what | told)

    def _event(self, kind: str, one: Placed, moment: Moment) -> _Record:
        record = self._record(one)
        box = record["in_reference"]
        place = {key: record[key] for key in ("label", "id", "lng", "lat", "zones")}
        return {"kind": kind, "look": moment.number, "at": _text(moment), **place, "in_reference": box}

    def _line(self, line: Line, shot: Shot) -> _Record:
        """A column or a queue: where, how long, and how fast since the look before if it was seen then."""
        grid = Grid(self.stage.bounds, round(self.stage.scene.width_m), round(self.stage.scene.height_m))
        first, last = (grid.to_ground(one.x_m, one.y_m) for one in (line.vehicles[0], line.vehicles[-1]))
        ids = {vehicle.object_id for vehicle in line.vehicles}
        before, moment, speed = self._lines.get(line.line_id), shot.moment, None
        if before is not None and before[0].number == moment.number - 1:
            seconds = (moment.at - before[0].at).total_seconds()
            speed = round(abs(line.along_m[0] - before[1].along_m[0]) / seconds, 2)
        self._lines[line.line_id] = (moment, line)
        return {
            "id": line.line_id,
            "is_driving": line.is_driving,
            "zones": [line.road],
            "count": len(line.vehicles),
            "seen": sum(one.thing.object_id in ids for one in self._others(shot)),
            "length_m": round(line.length_m, 1),
            "bearing_deg": round(line.vehicles[0].heading_deg, 1),
            "speed_m_per_s": speed,
            "first": [round(first.lng, 7), round(first.lat, 7)],
            "last": [round(last.lng, 7), round(last.lat, 7)],
            "spread_m": round(distance_m(first, last), 1),
        }

    def _boxes(self, group: Iterable[Placed]) -> list[list[float]]:
        """Of aircraft of any kind alone, in pixels of the reference."""
        return [self._record(one)["in_reference"] for one in group if is_aircraft(one.label)]

    def _record(self, one: Placed) -> _Record:
        assert self._reference is not None, "the first look is the reference of all"
        box = _mapped(one.scene_box, self._reference)
        position = Grid(self.stage.bounds, *self.stage.raster.tile_px).to_ground(*box.centre)
        return {
            "box": _rounded(one.box),
            "in_reference": _rounded(box),
            "truncated": one.truncated,
            "label": one.label,
            "kind": one.thing.kind,
            "id": one.thing.object_id,
            "state": one.thing.state,
            "lng": round(position.lng, 7),
            "lat": round(position.lat, 7),
            "zones": list(self.site.zones_at(position)),
            "visible_fraction": round(one.visible_fraction, 3),
        }


@dataclass(frozen=True, slots=True)
class _Happened:
    """What is other than it was last seen; each object as it was, and as it is."""

    arrived: tuple[Placed, ...]
    departed: tuple[Placed, ...]
    moved: tuple[tuple[Placed, Placed], ...]
    altered: tuple[tuple[Placed, Placed], ...]

    @classmethod
    def between(cls, known: Mapping[_Key, Placed], seen: list[Placed], view: View) -> _Happened:
        """From what is known and what a look shows."""
        arrived = tuple(one for one in seen if _key(one) not in known and not one.truncated)
        departed = _gone(known, view)
        came = {one.thing.object_id: one for one in arrived}
        moved = tuple((old, came[old.thing.object_id]) for old in departed if old.thing.object_id in came)
        # Getting under way is no alteration of a ship, and a stack is not the same stack.
        altered = tuple(
            (old, one)
            for one in seen
            if is_aircraft(one.label)
            and (old := known.get(_key(one))) is not None
            and old.thing.state != one.thing.state
        )
        return cls(arrived, departed, moved, altered)

    def updated(self, known: Mapping[_Key, Placed], seen: Iterable[Placed]) -> dict[_Key, Placed]:
        """What is known after the look."""
        gone = {_key(one) for one in self.departed}
        still = {key: one for key, one in known.items() if key not in gone}
        return still | {_key(one): one for one in seen}


def _text(moment: Moment) -> str:
    return moment.at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _key(one: Placed) -> _Key:
    return one.thing.object_id, one.thing.x_m, one.thing.y_m


def _gone(known: Mapping[_Key, Placed], view: View) -> tuple[Placed, ...]:
    """Who was there and is not, where the ground it stood on can be seen."""
    present = {_key(one) for one in view.placed}
    absent = (one for key, one in known.items() if key not in present and not one.truncated)
    return tuple(one for one in absent if visible_fraction(view, one.scene_box) >= _SEEN_FRACTION)


def _composed(own: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pixel positions of a look to those of the reference, (2, 3)."""
    back = np.linalg.inv(reference[:, :2])
    return np.column_stack([back @ own[:, :2], back @ (own[:, 2] - reference[:, 2])])


def _mapped(box: PixelBox, reference: NDArray[np.float64]) -> PixelBox:
    """A box of an unshifted look in pixels of the reference; its turn is too small to widen it."""
    x, y = np.linalg.inv(reference[:, :2]) @ (np.array(box.centre) - reference[:, 2])
    return PixelBox(x - box.width / 2, y - box.height / 2, x + box.width / 2, y + box.height / 2)


def _rounded(box: PixelBox) -> list[float]:
    return [round(float(value), 1) for value in (box.left, box.top, box.right, box.bottom)]
