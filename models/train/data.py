"""What the object models learn from and are judged by: the sets, their licences, and what each labels.

A set labels only the classes named here; everything else in its images is unlabelled, not absent, so neither
the loss nor a score may count it. The held-out parts and the val splits are never learnt from.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

LABELS = ("aircraft", "ship", "vehicle", "storage_tank", "helicopter")

# No set labels it: it is learnt from renderings alone.
RENDERED = "helicopter"

_SHIP, _VEHICLE, _HELICOPTER = (LABELS.index(label) for label in ("ship", "vehicle", "helicopter"))

Boxes = NDArray[np.float32]
"""(N, 5) float32, left top right bottom in pixels, and the index of the label."""


@dataclass(frozen=True, slots=True)
class Source:
    """One set.

    licence        as its source states it
    share          of the training crops, before the shares are made to sum to 1
    labels         what is labelled in all of its images
    absent         what stands in none of its images, so that whatever is found there is false
    gsd_m          assumed where an area is needed: the middle of what the data's README states
    is_served_at   pass gsd_m to the detector: the stated range is narrow enough to be called the truth
    """

    name: str
    licence: str
    share: float
    labels: tuple[str, ...]
    gsd_m: float
    is_served_at: bool = False
    is_research_only: bool = False
    absent: tuple[str, ...] = ()


SOURCES = (
    Source("hrplanesv2", "CC BY 4.0", 0.36, ("aircraft",), 1.1),
    Source("aerial-airport", "Public Domain", 0.20, ("aircraft",), 1.7),
    Source(
        "nwpu-vhr10",
        "research purposes only",
        0.23,
        ("aircraft", "ship", "storage_tank"),
        1.0,
        is_research_only=True,
        absent=("helicopter",),
    ),
    Source(
        "boats-rf",
        "CC BY 4.0",
        0.06,
        ("ship",),
        0.3,
        is_served_at=True,
        absent=("aircraft", "storage_tank", "helicopter"),
    ),
    Source(
        "aerial-cars",
        "CC-BY",
        0.15,
        ("vehicle",),
        0.3,
        is_served_at=True,
        absent=("aircraft", "ship", "helicopter"),
    ),
)

# Whole rendered places, made by models.train.scenes: everything in them is labelled.
SCENES = Source("rendered-scenes", "our own", 0.26, LABELS, 0.6, is_served_at=True)

# Neighbouring frames of a street look alike, so a whole scene is held out.
_HELD_OUT_SCENE = "MunichStreet02"
_BOATS_LEARNT_FRACTION = 0.85
# Ships are in few images of nwpu-vhr10: those are drawn this much more often.
_SHIP_WEIGHT = 3.5
# And helicopters and long ships in few of the rendered places.
_HELICOPTER_WEIGHT, _LONG_SHIP_WEIGHT = 3.0, 2.0
_LONG_SHIP_M = 60.0
# nwpu-vhr10 labels vehicles in its very fine infrared images and nowhere else: there they are learnt, reduced
# to the sizes that a model serves; nothing is measured on them.
_FINE_GSD_M = 0.08


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One image and what is known of it.

    pixels  (H, W, 3) uint8 RGB
    known   indices of the labels of which every object in it has a box
    absent  indices of the labels of which nothing stands in it
    weight  how often it is drawn, against the others of its set
    is_to_scale  gsd_m is true of it, and not the middle of what its set is said to have
    """

    file: str
    pixels: NDArray[np.uint8]
    boxes: Boxes
    known: tuple[int, ...]
    gsd_m: float
    weight: float = 1.0
    absent: tuple[int, ...] = ()
    is_to_scale: bool = False

    @property
    def has_long_ships(self) -> bool:
        """Whether ships are in it of which a fine crop shows no more than a part."""
        ships = self.boxes[self.boxes[:, 4] == _SHIP]
        return float((ships[:, 2:4] - ships[:, :2]).max(initial=0)) * self.gsd_m > _LONG_SHIP_M


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Images of one set that are used together."""

    name: str
    source: Source
    items: tuple[Item, ...]


def chosen(*, without_research_only: bool) -> tuple[Source, ...]:
    """The sets to learn from."""
    return tuple(source for source in SOURCES if not (without_research_only and source.is_research_only))


def named(names: Iterable[str]) -> tuple[Source, ...]:
    """The sets of these names, in their own order."""
    wanted = set(names)
    return tuple(source for source in SOURCES if source.name in wanted)


def labels_of(sources: Iterable[Source]) -> tuple[str, ...]:
    """What a model that learnt from these sets can know, in the order of its scores."""
    taught = {label for source in sources for label in source.labels} | {RENDERED}
    return tuple(label for label in LABELS if label in taught)


def training(root: Path, sources: Iterable[Source]) -> list[Part]:
    """What is learnt from."""
    parts = []
    for source in sources:
        items = _read(root, source, "train")
        parts.append(Part(f"{source.name} train", source, tuple(items[: _n_learnt(source, items)])))
    return [
        Part(
            part.name, part.source, tuple(item for item in part.items if not _is_held_out(part.source, item))
        )
        for part in parts
    ]


def scenes(root: Path, split: str = "train") -> Part:
    """The rendered places that models.train.scenes wrote there: those of train, or of val."""
    return Part(f"{SCENES.name} {split}", SCENES, tuple(_read(root, SCENES, split)))


def validation(root: Path, sources: Iterable[Source] = SOURCES) -> list[Part]:
    """What thresholds, calibration and the figures of the card come from: val, or the held-out part."""
    return [part for source in sources for part in _validation(root, source)]


def _validation(root: Path, source: Source) -> list[Part]:
    if (root / source.name / "val.json").exists():
        return [Part(f"{source.name} val", source, tuple(_read(root, source, "val")))]
    items = _read(root, source, "train")
    learnt = _n_learnt(source, items)
    kept = [item for index, item in enumerate(items) if index >= learnt or _is_held_out(source, item)]
    return [Part(f"{source.name} held out", source, tuple(kept))]


def _n_learnt(source: Source, items: list[Item]) -> int:
    return int(len(items) * _BOATS_LEARNT_FRACTION) if source.name == "boats-rf" else len(items)


def _is_held_out(source: Source, item: Item) -> bool:
    return source.name == "aerial-cars" and item.file.startswith(_HELD_OUT_SCENE)


def _read(root: Path, source: Source, split: str) -> list[Item]:
    """The images of a split in the order of its file, all in memory: 1.1 GB for all sets."""
    coco = json.loads((root / source.name / f"{split}.json").read_text(encoding="utf-8"))
    label_of = {one["id"]: LABELS.index(one["name"]) for one in coco["categories"] if one["name"] in LABELS}
    boxes: dict[int, list[list[float]]] = {image["id"]: [] for image in coco["images"]}
    for one in coco["annotations"]:
        left, top, width, height = one["bbox"]
        if width > 1 and height > 1 and one["category_id"] in label_of:
            label = label_of[one["category_id"]]
            boxes[one["image_id"]].append([left, top, left + width, top + height, label])
    return [_item(root / source.name / split, image, boxes[image["id"]], source) for image in coco["images"]]


def _item(folder: Path, image: dict[str, Any], boxes: list[list[float]], source: Source) -> Item:
    file = str(image["file_name"])
    bgr = cv2.imread(str(folder / file))
    if bgr is None:
        raise ValueError(f"{folder / file}: expected an image, got something else")
    pixels = np.ascontiguousarray(bgr[..., ::-1], np.uint8)
    found = np.array(boxes, np.float32).reshape(-1, 5)
    known, absent = _indices(source.labels), _indices(source.absent)
    if source is SCENES:
        item = Item(file, pixels, found, known, float(image["gsd"]), is_to_scale=True)
        weight = _LONG_SHIP_WEIGHT if item.has_long_ships else 1.0
        return replace(item, weight=_HELICOPTER_WEIGHT if _HELICOPTER in found[:, 4] else weight)
    if source.name != "nwpu-vhr10":
        return Item(file, pixels, found, known, source.gsd_m, absent=absent)
    if _VEHICLE in found[:, 4]:
        taught = (*known, _VEHICLE) if folder.name == "train" else known
        return Item(file, pixels, found, taught, _FINE_GSD_M, absent=absent)
    weight = _SHIP_WEIGHT if _SHIP in found[:, 4] else 1.0
    return Item(file, pixels, found, known, source.gsd_m, weight, absent)


def _indices(labels: Iterable[str]) -> tuple[int, ...]:
    return tuple(LABELS.index(label) for label in labels)
