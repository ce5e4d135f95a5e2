"""How good a change model is: `python -m models.train.change.evaluate --data DATA [--test]`.

Everything goes through edge.detect with the settings of the field. Without --test only held-out parts are
used; --test adds levir-test and no-change, which nothing is chosen by.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.acquire.registration import RegistrationSettings
from edge.compare import Picture, compare
from edge.detect.change import ChangeRegion, ChangeSettings, Comparison, changed, regions
from edge.detect.manifest import ChangeModel, ChangeScore
from edge.detect.model import load_change
from edge.geo import PixelBox
from models.train.change.data import LEVIR_GSD_M, UNSURE, Pair, Place, grounds, pairs, places
from models.train.change.looks import pointed
from models.train.change.pairs import Made, Pairs
from models.train.change.staging import Placed

# A hundred pairs are 6.5 megapixels; the objects in them are some 200.
N_STAGED, N_STAGED_MODELS, STAGED_SEED = 160, 250, 2024
_CELL_PX, _CELL_SHARE = 256, 0.01
_RESAMPLES = 1000
_SHIFT_PX = 2.0


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure, and where it would lie for nine of ten other draws of as many images."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def ratio(above: Sequence[float], below: Sequence[float]) -> Interval:
    """Sum over sum, resampled over the images."""
    top, bottom = np.array(above, float), np.array(below, float)
    chosen = np.random.default_rng(0).integers(0, len(top), (_RESAMPLES, len(top)))
    drawn = top[chosen].sum(1) / np.maximum(bottom[chosen].sum(1), 1e-9)
    low, high = np.quantile(drawn, [0.05, 0.95])
    return Interval(float(top.sum() / max(bottom.sum(), 1e-9)), float(low), float(high))


def scores_of(pair: Pair | Made, model: ChangeModel, n_views: int = ChangeSettings().n_views) -> ChangeScore:
    """The score map of a pair that lies on each other, as `edge compare` makes it."""
    return Comparison(pair.before, pair.after, None, model=model, n_views=n_views).score_map()


def f1(masks: Sequence[NDArray[np.bool_]], labels: Sequence[NDArray[np.bool_]]) -> Interval:
    """Of changed pixels."""
    both = [2.0 * float((mask & label).sum()) for mask, label in zip(masks, labels, strict=True)]
    all_ = [float(mask.sum() + label.sum()) for mask, label in zip(masks, labels, strict=True)]
    return ratio(both, all_)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What is to be seen of one laid-on object that lies wholly in a pair.

    here        its rows and columns
    inside      (h, w) bool, its changed pixels there
    is_altered  it stands in both looks, in another state
    """

    here: tuple[slice, slice]
    inside: NDArray[np.bool_]
    is_altered: bool

    @property
    def length_px(self) -> float:
        """Its longer side."""
        return float(max(self.inside.shape))

    def is_found(self, mask: NDArray[np.bool_]) -> bool:
        """A third of its changed pixels are."""
        return bool((self.inside & mask[self.here]).sum() >= self.inside.sum() / 3)


@dataclass(frozen=True, slots=True, eq=False)
class Staged:
    """Laid-on objects of known place: what was found of them, and false regions beside them.

    is_found  of each pair, of each of its parts
    """

    parts: list[list[Part]]
    is_found: list[list[bool]]
    n_false: list[float]
    megapixels: list[float]

    def recall(self, low_px: float, high_px: float, *, is_altered: bool) -> tuple[Interval, int]:
        """Share found of the objects of these lengths, and how many those are."""
        chosen = [
            [
                found
                for part, found in zip(parts, is_found, strict=True)
                if part.is_altered == is_altered and low_px <= part.length_px < high_px
            ]
            for parts, is_found in zip(self.parts, self.is_found, strict=True)
        ]
        counts = [float(len(one)) for one in chosen]
        return ratio([float(sum(one)) for one in chosen], counts), int(sum(counts))


def staged(made: Sequence[Made], maps: Sequence[ChangeScore], model: ChangeModel, level: float) -> Staged:
    """What is found of each object; a region that meets nothing changed is false."""
    settings = ChangeSettings(min_score=level)
    result = Staged([], [], [], [])
    for one, score in zip(made, maps, strict=True):
        mask = changed(score, model=model, settings=settings, gsd_m=LEVIR_GSD_M)
        parts = list(parts_of(one))
        result.parts.append(parts)
        result.is_found.append([part.is_found(mask) for part in parts])
        found = regions(score, model=model, settings=settings, gsd_m=LEVIR_GSD_M)
        result.n_false.append(float(len(false_ones(found, one.changed, one.weight == 0))))
        result.megapixels.append(score.size / 1e6)
    return result


def parts_of(one: Made) -> Iterator[Part]:
    """Those of a pair; of an object cut by its border nobody knows how large it is."""
    height, width = one.owner.shape
    for number, placed in enumerate(one.placed, 1):
        rows, columns = np.nonzero(one.owner == number)
        if not rows.size:
            continue
        top, bottom, left, right = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
        if top > 0 and left > 0 and bottom < height and right < width:
            here = slice(int(top), int(bottom)), slice(int(left), int(right))
            yield Part(here, one.owner[here] == number, placed.is_altered)


def false_ones(
    found: Sequence[ChangeRegion], is_changed: NDArray[np.generic], is_unsure: NDArray[np.bool_]
) -> list[ChangeRegion]:
    """The regions with nothing changed in them or beside them, nor anything that nobody can judge."""
    either = np.asarray(is_changed, np.uint8) | is_unsure
    near = np.asarray(cv2.dilate(either, np.ones((9, 9), np.uint8)), np.uint8)
    return [region for region in found if not _any(near, region.box)]


def _any(mask: NDArray[np.uint8], box: PixelBox) -> bool:
    left, top, right, bottom = (int(side) for side in (box.left, box.top, box.right, box.bottom))
    return bool(mask[top:bottom, left:right].any())


def staged_pairs(data: Path, n: int = N_STAGED) -> list[Made]:
    """Pairs with objects laid onto held-out ground, the same ones every time."""
    still = [pair for pair in pairs(data / "change" / "levir-val") if not pair.changed.any()]
    single = grounds(data / "objects", is_learnt=False, without_research_only=False)
    source = Pairs(still, single, STAGED_SEED, n_models=N_STAGED_MODELS)
    return [source.made() for _ in range(n)]


def place_pairs(root: Path) -> list[Made]:
    """The held-out rendered places, the first look up to 2 pixels beside the second."""
    rng = np.random.default_rng(STAGED_SEED)
    return [_made(place, rng) for place in places(root, "val")]


def _made(place: Place, rng: np.random.Generator) -> Made:
    unsure = place.owner == UNSURE
    owner = np.where(unsure, 0, place.owner).astype(np.uint16)
    numbers = range(1, int(owner.max()) + 1)
    placed = tuple(Placed(_box_of(owner == number), number in place.altered) for number in numbers)
    before, weight = pointed(place.before, rng, _SHIFT_PX), (~unsure).astype(np.float32)
    return Made(before, place.after, (owner > 0).astype(np.uint8), weight, placed, owner)


def _box_of(inside: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    left, top, width, height = cv2.boundingRect(inside.astype(np.uint8))
    return left, top, left + width, top + height


def no_change(folder: Path, model: ChangeModel) -> Interval:
    """Share of the cells of unchanged places of which more than a hundredth is flagged."""
    flagged, cells = [], []
    for path in sorted((folder / "A").iterdir()):
        before, after = (_picture(folder / side / path.name) for side in ("A", "B"))
        found = compare(
            before,
            after,
            gsd_m=None,
            model=model,
            settings=ChangeSettings(),
            registration=RegistrationSettings(),
        )
        height, width = found.mask.shape
        parts = [
            found.mask[top : top + _CELL_PX, left : left + _CELL_PX].mean() > _CELL_SHARE
            for top in range(0, height - _CELL_PX + 1, _CELL_PX)
            for left in range(0, width - _CELL_PX + 1, _CELL_PX)
        ]
        flagged.append(float(sum(parts)))
        cells.append(float(len(parts)))
    return ratio(flagged, cells)


def _picture(path: Path) -> Picture:
    found = cv2.imread(str(next(path.parent.glob(f"{path.stem}.*"))))
    if found is None:
        raise ValueError(f"{path}: expected an image, got something else")
    return Picture(np.ascontiguousarray(found[..., ::-1]), None)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds change/ and objects/")
    parser.add_argument("--model", type=Path, default=Path("models/change.yaml"))
    parser.add_argument("--test", action="store_true", help="also the sets that nothing is chosen by")
    parser.add_argument(
        "--places", type=Path, help="folder of models.train.change.places: its held-out ones too"
    )
    arguments = parser.parse_args()
    model = load_change(arguments.model)
    level = model.manifest.thresholds["change"]
    print(f"{model.manifest.name} sha256:{model.sha256}, threshold {level:g}\n")
    for name in ("levir-val", *(("levir-test",) if arguments.test else ())):
        labelled = pairs(arguments.data / "change" / name)
        masks = [
            changed(scores_of(pair, model), model=model, settings=ChangeSettings(), gsd_m=LEVIR_GSD_M)
            for pair in labelled
        ]
        print(f"{name}: F1 {f1(masks, [pair.changed for pair in labelled])} over {len(labelled)} pairs")
    if arguments.test:
        print(f"no-change: cells flagged {no_change(arguments.data / 'change' / 'no-change', model)}")
    _print_objects("laid-on objects", staged_pairs(arguments.data), model)
    if arguments.places:
        _print_objects("rendered places", place_pairs(arguments.places), model)


def _print_objects(name: str, made: Sequence[Made], model: ChangeModel) -> None:
    found = staged(made, [scores_of(one, model) for one in made], model, model.manifest.thresholds["change"])
    print(f"{name}: false regions per 10 Mpx {_ten(ratio(found.n_false, found.megapixels))}")
    for word, is_altered in (("came or went", False), ("were altered", True)):
        for low, high in ((6, 12), (12, 1000)):
            recall, n = found.recall(low, high, is_altered=is_altered)
            print(f"{name}, objects of {low} to {high} px that {word}: recall {recall} of {n}")


def _ten(one: Interval) -> Interval:
    return Interval(10 * one.value, 10 * one.low, 10 * one.high)


if __name__ == "__main__":
    main()
