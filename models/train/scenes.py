"""Whole rendered places: `python -m models.train.scenes --out FOLDER --images 400 --held-out 60`.

What the sets do not show: ships at their berths, helicopters and vehicles on an apron, snow, and all five
labels in one picture. Airfields, harbours and roads of the drill, each with other objects on its stands,
another sun, season and air; every object is labelled, so what has no box is a negative for all labels. They
are written as the sets are: images, and COCO beside them. Seeds begin far above those of the scenarios.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from edge.drill.catalogue import KINDS
from edge.drill.events import scene_of
from edge.drill.render import Placed
from edge.drill.scenario import Arrival, ColumnSettings, LookSettings, Scenario
from edge.drill.scene import Scene, Stand
from edge.drill.way import Way, ways_of
from edge.drill.write import play, stage_of
from models.train.data import LABELS, SCENES

Place = Literal["airfield", "harbour", "road"]
Season = Literal["summer", "autumn", "snow"]

_FIRST_SEEDS = {"train": 500_000, "val": 600_000}
_PLACES: tuple[Place, ...] = ("airfield", "airfield", "harbour", "harbour", "road")
_SEASONS: tuple[Season, ...] = ("summer", "summer", "autumn", "snow")
_GSD_M = (0.4, 1.0)
# The share of the stands that is taken.
_TAKEN = (0.25, 0.9)
_MAX_HAZE, _MAX_BLUR_PX, _MAX_NOISE = 0.45, 1.2, 0.02
# Less of an object than this is nothing anybody would label, nor call ground.
_SEEN_FRACTION = 0.4
_JPEG_QUALITY = 92
# Places of a yard, where nothing parks.
_YARD_M = 14.0
_STORES = ("container", "pallet", "truck", "military_truck")
_DRIVEN = ("military_truck", "truck", "tanker", "van", "bus")
COLUMN_FRACTION = 0.3
_WHOLE_FRACTION = 0.75
# What comes for a stand, by the label of what the place is watched for, and how often.
_COMERS = {
    "aircraft": (
        "airliner_narrow", "airliner_wide", "transport", "business_jet", "business_jet", "light", "light",
        "fighter", "fighter", "helicopter", "helicopter",
    ),
    "ship": (
        "container_ship", "tanker_ship", "frigate", "coaster", "patrol_boat", "harbour_tug", "fishing_boat",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One look at one place.

    pixels  (H, W, 3) uint8 RGB
    placed  what is to be seen of the labels, with its boxes
    """

    pixels: NDArray[np.uint8]
    gsd_m: float
    placed: tuple[Placed, ...]


def pictures(n: int, first_seed: int = _FIRST_SEEDS["train"]) -> Iterator[Picture]:
    """Looks at as many places, the same ones for the same seed; one to three seconds each."""
    for seed in range(first_seed, first_seed + n):
        scenario = a_scenario(seed)
        for shot in play(scenario, stage_of(scenario)):
            seen = (one for one in shot.view.placed if one.visible_fraction >= _SEEN_FRACTION)
            labelled = tuple(one for one in seen if label_of(one) in LABELS)
            yield Picture(shot.view.pixels, scenario.gsd_m, labelled)


def label_of(one: Placed) -> str:
    """What a detector should call it: of the drill's aircraft, those with a rotor are helicopters."""
    return one.thing.kind if one.thing.kind == "helicopter" else one.label


def a_scenario(seed: int) -> Scenario:
    """One look at a place, with a part of its stands taken."""
    rng = np.random.default_rng(seed)
    kind = _PLACES[rng.integers(len(_PLACES))]
    bare = Scenario(
        scene=kind,
        site=f"learnt-{seed}",
        seed=seed,
        gsd_m=round(math.exp(rng.uniform(*np.log(_GSD_M))), 2),
        shuffled=True,
        west=float(rng.uniform(-20, 60)),
        north=float(rng.uniform(15, 55)),
        looks=(a_look(rng),),
    )
    return _peopled(bare, rng)


def a_look(rng: np.random.Generator) -> LookSettings:
    """A day of the year between morning and afternoon."""
    at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=int(rng.integers(366)), hours=rng.uniform(7, 12))
    return LookSettings(
        at=at.replace(microsecond=0),
        season=_SEASONS[rng.integers(len(_SEASONS))],
        haze_fraction=float(rng.uniform(0, _MAX_HAZE)),
        blur_px=float(rng.uniform(0.3, _MAX_BLUR_PX)),
        noise_fraction=float(rng.uniform(0.002, _MAX_NOISE)),
        traffic_fraction=float(rng.uniform(0.2, 1.0)),
    )


def _peopled(bare: Scenario, rng: np.random.Generator) -> Scenario:
    """With somebody on a part of the stands, and now and then a column on a road."""
    scene, share = scene_of(bare), rng.uniform(*_TAKEN)
    arrivals = tuple(
        an_arrival(name, stand, scene, rng) for name, stand in scene.stands.items() if rng.random() < share
    )
    columns = tuple(a_column(way, rng) for way in ways_of(scene) if rng.random() < COLUMN_FRACTION)
    [look] = bare.looks
    return replace(bare, present=arrivals, looks=(replace(look, columns=columns),))


def an_arrival(name: str, stand: Stand, scene: Scene, rng: np.random.Generator) -> Arrival:
    """Somebody who fits on a stand."""
    comers = _COMERS.get(next(iter(scene.subjects), ""), ()) if stand.length_m > _YARD_M else ()
    fitting = [kind for kind in comers if KINDS[kind].length_m <= stand.length_m] or _STORES
    kind = KINDS[chosen := str(rng.choice(fitting))]
    # Who lies at a berth is not under way, and most of what stands anywhere is whole.
    is_whole = stand.quay_deg is not None or rng.random() < _WHOLE_FRACTION
    paint, state = str(rng.choice(kind.paints)), kind.states[0] if is_whole else str(rng.choice(kind.states))
    return Arrival(id=f"on-{name}", kind=chosen, stand=name, paint=paint, state=state)


def a_column(way: Way, rng: np.random.Generator) -> ColumnSettings:
    """Vehicles on a road, within the picture, the first vehicle ahead of the others."""
    spacing_m = float(rng.uniform(14, 40))
    room = int(0.75 * way.length_m / (1.15 * spacing_m))
    n_vehicles = int(rng.integers(1, min(room, 12) + 1))
    tail_m = 1.15 * spacing_m * n_vehicles
    return ColumnSettings(
        id=f"column-{way.name}",
        road=way.name,
        n_vehicles=n_vehicles,
        at_m=float(rng.uniform(tail_m, way.length_m - 15)),
        spacing_m=spacing_m,
        kinds=tuple(str(kind) for kind in rng.choice(_DRIVEN, 2)),
        paint=str(rng.choice(KINDS["truck"].paints)),
    )


def write(folder: Path, n: int, split: str = "train") -> None:
    """The images and their labels, as `data.scenes` reads them."""
    images, annotations = [], []
    (folder / SCENES.name / split).mkdir(parents=True, exist_ok=True)
    for index, picture in enumerate(pictures(n, _FIRST_SEEDS[split])):
        file = f"{index:05d}-{round(100 * picture.gsd_m)}cm.jpg"
        height, width = picture.pixels.shape[:2]
        path = folder / SCENES.name / split / file
        cv2.imwrite(str(path), picture.pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        images.append(
            {"id": index, "file_name": file, "width": width, "height": height, "gsd": picture.gsd_m}
        )
        annotations += [
            {"image_id": index, "category_id": LABELS.index(label_of(one)), "bbox": _bbox(one, width, height)}
            for one in picture.placed
        ]
    categories = [{"id": index, "name": name} for index, name in enumerate(LABELS)]
    coco = {"images": images, "annotations": annotations, "categories": categories}
    (folder / SCENES.name / f"{split}.json").write_text(json.dumps(coco), encoding="utf-8")


def _bbox(one: Placed, width: int, height: int) -> list[float]:
    left, top = max(one.box.left, 0.0), max(one.box.top, 0.0)
    right, bottom = min(one.box.right, float(width)), min(one.box.bottom, float(height))
    return [round(left, 2), round(top, 2), round(right - left, 2), round(bottom - top, 2)]


def main() -> None:
    """Write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder beside whose sets they are put")
    parser.add_argument("--images", type=int, default=400, help="to learn from (default: %(default)s)")
    parser.add_argument("--held-out", type=int, default=60, help="to be judged by (default: %(default)s)")
    arguments = parser.parse_args()
    for split, n in (("train", arguments.images), ("val", arguments.held_out)):
        if n:
            write(arguments.out, n, split)


if __name__ == "__main__":
    main()
