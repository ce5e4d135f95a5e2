"""What the change model learns from and is judged by.

Real labelled changes are of buildings only, so everything else is made: single images become pairs onto which
objects are laid, and pairs of unchanged places are the negatives.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from models.train.data import SOURCES, Boxes, Source, training, validation

Rgb = NDArray[np.uint8]

LEVIR_GSD_M = 0.5
# The folder of rendered places, and the number of the pixels of which nobody can say whether they changed.
PLACES, UNSURE = "rendered-places", 65_535


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two looks at one place.

    before, after  (H, W, 3) uint8 RGB
    changed        (H, W) bool, buildings that came or went
    unsure         (H, W) bool, where nobody can say whether something changed
    """

    name: str
    before: Rgb
    after: Rgb
    changed: NDArray[np.bool_]
    unsure: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """A single image, and the objects in it that may be taken away.

    pixels  (H, W, 3) uint8 RGB
    boxes   (N, 5), left top right bottom and the label
    """

    pixels: Rgb
    boxes: Boxes
    gsd_m: float


class Standing(NamedTuple):
    """One object of a rendered place, in full view of a look.

    box      left top right bottom in pixels
    changed  it stands in one of the looks only; else in both, as it is
    """

    label: str
    box: tuple[float, float, float, float]
    changed: bool


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A rendered place at two looks that lie on each other.

    before, after  (H, W, 3) uint8 RGB
    owner          (H, W) uint16, the change that a pixel belongs to, from 1; 0 none, UNSURE nobody can say
    altered        numbers of the changes that stand in both looks, in another state
    objects        all but those
    middles        (N, 2) row and column of the middle of each change
    areas          (N,) its pixels
    """

    name: str
    before: Rgb
    after: Rgb
    owner: NDArray[np.uint16]
    altered: frozenset[int]
    objects: tuple[Standing, ...]
    middles: NDArray[np.float64] = field(init=False)
    areas: NDArray[np.intp] = field(init=False)

    def __post_init__(self) -> None:
        """Find the middles."""
        rows, columns = np.nonzero((self.owner > 0) & (self.owner < UNSURE))
        _, index, areas = np.unique(self.owner[rows, columns], return_inverse=True, return_counts=True)
        middles = [np.bincount(index, weights=one, minlength=len(areas)) / areas for one in (rows, columns)]
        object.__setattr__(self, "middles", np.stack(middles, 1))
        object.__setattr__(self, "areas", areas)


def places(root: Path, split: str) -> list[Place]:
    """The rendered places of `models.train.change.places` that are learnt from (train) or judged by (val)."""
    folder = root / PLACES / split
    known = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    return [_place(folder, name, truth) for name, truth in known.items()]


def _place(folder: Path, name: str, truth: dict[str, Any]) -> Place:
    path = folder / "owner" / f"{name}.png"
    owner = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if owner is None or owner.dtype != np.uint16:
        raise ValueError(f"{path}: expected an image of 16 bits, got something else")
    before, after = (_image(folder / side, name) for side in ("A", "B"))
    objects = tuple(Standing(label, tuple(box), changed) for label, box, changed in truth["objects"])
    return Place(name, before, after, np.asarray(owner, np.uint16), frozenset(truth["altered"]), objects)


def pairs(folder: Path) -> list[Pair]:
    """The labelled pairs of A, B and label, by name."""
    return [_pair(folder, path) for path in sorted((folder / "label").glob("*.png"))]


def grounds(root: Path, *, is_learnt: bool, without_research_only: bool) -> list[Ground]:
    """The images of the object sets: those that are learnt from, or those held out."""
    sources: Iterable[Source] = (
        source for source in SOURCES if not (without_research_only and source.is_research_only)
    )
    parts = training(root, sources) if is_learnt else validation(root, tuple(sources))
    return [Ground(item.pixels, item.boxes, item.gsd_m) for part in parts for item in part.items]


def _pair(folder: Path, label: Path) -> Pair:
    changed = cv2.imread(str(label), cv2.IMREAD_GRAYSCALE)
    if changed is None:
        raise ValueError(f"{label}: expected a mask, got something else")
    before, after = (_image(folder / side, label.stem) for side in ("A", "B"))
    if before.shape != after.shape or before.shape[:2] != changed.shape:
        raise ValueError(
            f"{label}: {changed.shape} is not the size of its images, {before.shape} {after.shape}"
        )
    return Pair(label.stem, before, after, changed > 127, np.zeros(changed.shape, np.bool_))


def _image(folder: Path, stem: str) -> Rgb:
    found = sorted(folder.glob(f"{stem}.*"))
    pixels = cv2.imread(str(found[0])) if found else None
    if pixels is None:
        raise ValueError(f"{folder / stem}: expected an image, found none that can be read")
    return np.ascontiguousarray(pixels[..., ::-1], np.uint8)
