"""What a run of looks should report: who arrived, who left, against what was seen before."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.drill.events import Moment
from edge.drill.render import Placed, Stage, View, visible_fraction
from edge.geo import Grid, PixelBox

# Below half its box nobody can be asked to see an aircraft.
_SEEN_FRACTION = 0.5
# A look that shows less ground than this is worth nothing.
_USABLE_FRACTION = 0.2

_Key = tuple[str, float, float]


@dataclass(frozen=True, slots=True)
class Shot:
    """A rendered look of a scenario and the name of its image."""

    moment: Moment
    view: View
    image: str


def truth_of(stage: Stage, shots: Iterable[Shot]) -> dict[str, Any]:
    """The whole truth of a site, in the pixels of each look and of the first one, its reference.

    arrived and departed are null for the first look and for one that shows no ground: it reports nothing.
    """
    known: dict[_Key, Placed] = {}
    passes: list[dict[str, Any]] = []
    reference: NDArray[np.float64] | None = None
    for shot in shots:
        reference = shot.view.to_scene if reference is None else reference
        passes.append(_pass(shot, known, reference, stage, is_first=not passes))
        known = _updated(known, shot.view)
    width, height = stage.raster.tile_px
    return {
        "site": stage.scene.site_id,
        "gsd_m": stage.raster.gsd_m,
        "size": [width, height],
        "passes": passes,
    }


def _pass(
    shot: Shot, known: Mapping[_Key, Placed], reference: NDArray[np.float64], stage: Stage, *, is_first: bool
) -> dict[str, Any]:
    view = shot.view
    seen, hidden = _aircraft(view, seen=True), _aircraft(view, seen=False)
    usable = float((view.opacity < _SEEN_FRACTION).mean())
    is_usable = usable >= _USABLE_FRACTION
    arrived = [one for one in seen if _key(one) not in known and not one.truncated]
    departed = _gone(known, view)
    came = {one.thing.object_id: one for one in arrived}
    moved = [(old, came[old.thing.object_id]) for old in departed if old.thing.object_id in came]
    says = is_usable and not is_first

    def record(one: Placed) -> dict[str, Any]:
        return _record(one, reference, stage)

    return {
        "image": shot.image,
        "at": shot.moment.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "usable_fraction": round(usable, 3),
        "aircraft": [record(one) for one in seen],
        "hidden": [record(one) for one in hidden],
        "others": [
            record(one)
            for one in view.placed
            if one.label != "aircraft" and one.visible_fraction >= _SEEN_FRACTION
        ],
        "to_reference": _composed(view.to_scene, reference).round(6).tolist(),
        "inliers": None,
        "shift_px": [round(value, 3) for value in shot.moment.look.shift_px],
        "arrived": [_rounded(_mapped(one.scene_box, reference)) for one in arrived] if says else None,
        "departed": [_rounded(_mapped(one.scene_box, reference)) for one in departed] if says else None,
        "moved": [[_rounded(_mapped(one.scene_box, reference)) for one in both] for both in moved]
        if says
        else None,
        "altered": [_rounded(_mapped(one.scene_box, reference)) for one in _altered(known, seen)]
        if says
        else None,
    }


def _key(one: Placed) -> _Key:
    return one.thing.object_id, one.thing.x_m, one.thing.y_m


def _aircraft(view: View, *, seen: bool) -> list[Placed]:
    return [
        one
        for one in view.placed
        if one.label == "aircraft" and (one.visible_fraction >= _SEEN_FRACTION) == seen
    ]


def _gone(known: Mapping[_Key, Placed], view: View) -> list[Placed]:
    """Who was there and is not, where the ground it stood on can be seen."""
    present = {_key(one) for one in view.placed}
    absent = [one for key, one in known.items() if key not in present and not one.truncated]
    return [one for one in absent if visible_fraction(view, one.scene_box) >= _SEEN_FRACTION]


def _altered(known: Mapping[_Key, Placed], seen: Iterable[Placed]) -> list[Placed]:
    return [one for one in seen if _key(one) in known and known[_key(one)].thing.state != one.thing.state]


def _updated(known: Mapping[_Key, Placed], view: View) -> dict[_Key, Placed]:
    gone = {_key(one) for one in _gone(known, view)}
    still = {key: one for key, one in known.items() if key not in gone}
    return still | {_key(one): one for one in _aircraft(view, seen=True)}


def _record(one: Placed, reference: NDArray[np.float64], stage: Stage) -> dict[str, Any]:
    box = _mapped(one.scene_box, reference)
    position = Grid(stage.bounds, *stage.raster.tile_px).to_ground(*box.centre)
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
        "visible_fraction": round(one.visible_fraction, 3),
    }


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
