"""Rendered places looked at twice: `python -m models.train.change.places --out FOLDER --images 200`.

What objects laid onto single images do not show: the same place under two suns with the shadows of everything
that stands there, on water, in the snow and out of it, with some who came, some who left and some who were
altered, cars and carts among them, and a building less. Two looks at the places of `models.train.scenes`, and
beside them which pixel belongs to which change. Seeds begin far above those of the scenarios and the scenes.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from edge.drill.catalogue import KINDS, plan_of
from edge.drill.draw import to_pixels, window_of
from edge.drill.events import Moment, moments, scene_of
from edge.drill.look import Light, Look, light_of
from edge.drill.noise import Raster
from edge.drill.render import Stage, View, render
from edge.drill.scenario import LookSettings, Scenario
from edge.drill.scene import Scene, SceneObject
from edge.drill.stamp import Solid, pose_of, seen_outline, shadow_mask, stamp
from edge.drill.traffic import ordinary
from edge.drill.way import ways_of
from edge.drill.write import stage_of
from models.train.change.data import PLACES, UNSURE, Place, Rgb, Standing
from models.train.change.staging import ALTERED_CONTRAST, MIN_CONTRAST, RIM_ALPHA, RIM_SHADE, SURE_ALPHA
from models.train.data import LABELS
from models.train.scenes import COLUMN_FRACTION, a_column, a_look, a_scenario, an_arrival, label_of

_FIRST_SEEDS = {"train": 700_000, "val": 800_000}
_GSD_M = (0.4, 0.65)
# Of those who are there at the first look, and of the stands that are free at the second.
_LEAVES, _ALTERED, _COMES = 0.25, 0.25, 0.25
_GONE_BUILDING = 0.08
# Half of the second looks follow within weeks, the others come at any time of the next years.
_SOON_DAYS, _LATE_DAYS = 20, 900
_RING_PX = 5
_NEUTRAL = 0.5
_JPEG_QUALITY = 95


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that stands in one look only, or differs between them.

    solids      it in the first look and in the second; None where it is not there
    is_altered  it stands in both, in another state
    """

    solids: tuple[Solid | None, Solid | None]

    @property
    def is_altered(self) -> bool:
        """Whether it stands in both."""
        return None not in self.solids


def pictures(n: int, first_seed: int) -> Iterator[Place]:
    """As many places, each looked at twice, the same ones for the same seed; three to six seconds each."""
    for seed in range(first_seed, first_seed + n):
        yield _pair(a_story(seed), np.random.default_rng([seed, 2]))


def a_story(seed: int) -> Scenario:
    """A place at two looks that lie on each other to the pixel."""
    rng = np.random.default_rng([seed, 1])
    bare = a_scenario(seed)
    bare = replace(bare, site=f"twice-{seed}", gsd_m=round(float(rng.uniform(*_GSD_M)), 2))
    [first] = bare.looks
    days = rng.integers(1, _SOON_DAYS if (is_soon := rng.random() < 0.5) else _LATE_DAYS)
    second = a_look(rng)
    second = replace(
        second,
        at=first.at + timedelta(days=int(days), hours=float(rng.uniform(-3, 3))),
        season=first.season if is_soon else second.season,
        shift_px=(0.0, 0.0),
        rotation_deg=0.0,
    )
    return replace(bare, looks=(first, _happening(second, bare, rng)))


def _happening(look: LookSettings, bare: Scenario, rng: np.random.Generator) -> LookSettings:
    """Some leave, some are altered, others come, also to where one left."""
    scene, alter, depart = scene_of(bare), {}, []
    for one in bare.present:
        others = [state for state in KINDS[one.kind].states if state != one.state]
        if rng.random() < _LEAVES:
            depart.append(one.id)
        elif others and rng.random() < _ALTERED:
            alter[one.id] = str(rng.choice(others))
    taken = {one.stand for one in bare.present if one.id not in depart}
    arrive = tuple(
        replace(an_arrival(name, stand, scene, rng), id=f"new-{name}")
        for name, stand in scene.stands.items()
        if name not in taken and rng.random() < _COMES
    )
    columns = tuple(a_column(way, rng) for way in ways_of(scene) if rng.random() < COLUMN_FRACTION)
    return replace(look, arrive=arrive, depart=tuple(depart), alter=alter, columns=columns)


def _pair(story: Scenario, rng: np.random.Generator) -> Place:
    stage = stage_of(story)
    looks = list(moments(story))
    things = [_things(stage.scene, moment) for moment in looks]
    gone = [index for index in range(len(stage.structures)) if rng.random() < _GONE_BUILDING]
    without = int(rng.integers(2))
    stages = [_without(stage, gone) if side == without else stage for side in (0, 1)]
    views = [
        render(one, objects, moment.look) for one, objects, moment in zip(stages, things, looks, strict=True)
    ]
    changes = _changes(*things)
    for index in gone:
        solid = stage.structures[index]
        changes.append(Change((None, solid) if without == 0 else (solid, None)))
    pixels = views[0].pixels, views[1].pixels
    owner = _owners(changes, (looks[0].look, looks[1].look), stage.raster, pixels)
    altered = frozenset(number for number, one in enumerate(changes, 1) if one.is_altered)
    seen = [(*stage.scene.fixed, *objects) for objects in things]
    return Place(story.site, pixels[0], pixels[1], owner, altered, tuple(_standing(views, *seen)))


def _things(scene: Scene, moment: Moment) -> tuple[SceneObject, ...]:
    vehicles = ordinary(scene, moment.look.seed, moment.things, full_fraction=moment.traffic_fraction)
    return (*moment.things, *vehicles)


def _standing(
    views: Sequence[View], before: Sequence[SceneObject], after: Sequence[SceneObject]
) -> Iterator[Standing]:
    """Those of the labels that stand in one look, or in both as they are, in full view."""
    both = {_nameless(one) for one in before} & {_nameless(one) for one in after}
    altered = {_stateless(one) for one in before} & {_stateless(one) for one in after}
    for view, is_last in zip(views, (False, True), strict=True):
        for placed in view.placed:
            label, is_same = label_of(placed), _nameless(placed.thing) in both
            if label not in LABELS or placed.truncated or (is_same and not is_last):
                continue
            if is_same or _stateless(placed.thing) not in altered:
                box = placed.box
                yield Standing(label, (box.left, box.top, box.right, box.bottom), not is_same)


def _without(stage: Stage, gone: Sequence[int]) -> Stage:
    kept = tuple(solid for index, solid in enumerate(stage.structures) if index not in gone)
    return Stage(stage.scene, stage.raster, stage.ground, kept)


def _changes(before: Sequence[SceneObject], after: Sequence[SceneObject]) -> list[Change]:
    """What differs between two sets of objects; another one in the same place went and came."""
    same = {_nameless(one) for one in before} & {_nameless(one) for one in after}
    old, new = ([one for one in side if _nameless(one) not in same] for side in (before, after))
    restated = {_stateless(one): one for one in new}
    found = []
    for one in old:
        other = restated.pop(_stateless(one), None)
        found.append(Change((_solid(one), _solid(other) if other else None)))
    return found + [Change((None, _solid(one))) for one in restated.values()]


def _nameless(one: SceneObject) -> SceneObject:
    return dataclasses.replace(one, object_id="")


def _stateless(one: SceneObject) -> SceneObject:
    return dataclasses.replace(one, state="")


def _solid(one: SceneObject) -> Solid:
    return plan_of(one.kind, one.paint, one.state), pose_of(one)


def _owners(
    changes: Sequence[Change], looks: tuple[Look, Look], raster: Raster, pixels: tuple[Rgb, Rgb]
) -> NDArray[np.uint16]:
    """(H, W): the number of the change a pixel belongs to, from 1; 0 none, UNSURE for rims and shadows."""
    painter = _Painter(raster)
    for side in (0, 1):
        light = light_of(looks[side])
        only = {number: one.solids[side] for number, one in enumerate(changes, 1) if not one.is_altered}
        there = {number: solid for number, solid in only.items() if solid is not None}
        shadow = shadow_mask(there.values(), (), light, raster)
        painter.owner[1 - shadow * (1 - min(light.shade)) < RIM_SHADE] = UNSURE
        for number, solid in there.items():
            painter.lay(number, solid, light, pixels[side])
    for number, one in enumerate(changes, 1):
        first, second = one.solids
        if first is not None and second is not None:
            painter.alter(number, (first, second), light_of(looks[0]))
    return np.ascontiguousarray(painter.owner[painter.inside])


class _Painter:
    """Lays changes one after the other onto a raster, with its margin."""

    def __init__(self, raster: Raster) -> None:
        self._raster = raster
        width, height = raster.size_px
        self.owner = np.zeros((height, width), np.uint16)
        self._canvas = np.zeros((height, width, 3), np.float32)
        margin, (across, down) = raster.margin_px, raster.tile_px
        self.inside = slice(margin, margin + down), slice(margin, margin + across)

    def lay(self, number: int, solid: Solid, light: Light, pixels: Rgb) -> None:
        """Something that stands in one look; what does not stand out from its ground there is unsure."""
        here = self._window(solid)
        alpha = 1 - (self._stamped(solid, light, 1.0, here) - self._stamped(solid, light, 0.0, here)).mean(-1)
        owner, sure = self.owner[here], alpha > SURE_ALPHA
        owner[alpha > RIM_ALPHA] = UNSURE
        owner[sure] = number
        if not self._stands_out(number, here, pixels):
            owner[sure] = UNSURE

    def alter(self, number: int, solids: tuple[Solid, Solid], light: Light) -> None:
        """Something that stands in both looks: where its states differ before neutral ground."""
        here = self._window(*solids)
        states = [self._stamped(solid, light, _NEUTRAL, here) for solid in solids]
        contrast = np.abs(states[0] - states[1]).max(-1) * (255 * light.level)
        owner = self.owner[here]
        owner[contrast > ALTERED_CONTRAST / 3] = UNSURE
        owner[contrast > ALTERED_CONTRAST] = number

    def _window(self, *solids: Solid) -> tuple[slice, slice]:
        seen = [to_pixels(seen_outline(plan, pose), self._raster) for plan, pose in solids]
        return window_of(seen, self._raster).slices

    def _stamped(
        self, solid: Solid, light: Light, ground: float, here: tuple[slice, slice]
    ) -> NDArray[np.float32]:
        self._canvas[here] = ground
        stamp(self._canvas, *solid, light, self._raster)
        return self._canvas[here].copy()

    def _stands_out(self, number: int, here: tuple[slice, slice], pixels: Rgb) -> bool:
        """Whether it differs from the ground around it, as the look shows both."""
        margin, (across, down) = self._raster.margin_px, self._raster.tile_px
        rows, columns = (
            slice(max(0, part.start - margin - _RING_PX), min(length, max(0, part.stop - margin + _RING_PX)))
            for part, length in zip(here, (down, across), strict=True)
        )
        owner = self.owner[self.inside][rows, columns]
        if not (own := owner == number).any():
            return False
        near = cv2.dilate(own.astype(np.uint8), np.ones((2 * _RING_PX + 1, 2 * _RING_PX + 1), np.uint8))
        if not (ring := (near > 0) & (owner == 0)).any():
            return False
        seen = pixels[rows, columns].astype(np.float32)
        return float(np.abs(seen[own] - seen[ring].mean(0)).mean()) > MIN_CONTRAST


def write(folder: Path, n: int, split: str) -> None:
    """The looks, and which pixel belongs to which change, as `data.places` reads them."""
    root = folder / PLACES / split
    for name in ("A", "B", "owner"):
        (root / name).mkdir(parents=True, exist_ok=True)
    truth = {}
    for place in pictures(n, _FIRST_SEEDS[split]):
        for side, pixels in (("A", place.before), ("B", place.after)):
            path = root / side / f"{place.name}.jpg"
            cv2.imwrite(str(path), pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        cv2.imwrite(str(root / "owner" / f"{place.name}.png"), place.owner)
        truth[place.name] = {"altered": sorted(place.altered), "objects": place.objects}
        (root / "truth.json").write_text(json.dumps(truth), encoding="utf-8")


def main() -> None:
    """Write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder that they are put into")
    parser.add_argument("--images", type=int, default=200, help="to learn from (default: %(default)s)")
    parser.add_argument("--held-out", type=int, default=24, help="to be judged by (default: %(default)s)")
    arguments = parser.parse_args()
    for split, n in (("train", arguments.images), ("val", arguments.held_out)):
        if n:
            write(arguments.out, n, split)


if __name__ == "__main__":
    main()
