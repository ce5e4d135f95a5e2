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
from edge.detect.change import ChangeSettings, Comparison, changed, regions
from edge.detect.manifest import ChangeModel, ChangeScore
from edge.detect.model import load_change
from edge.geo import PixelBox
from models.train.change.data import LEVIR_GSD_M, Pair, grounds, pairs
from models.train.change.pairs import Made, Pairs

# A hundred pairs are 6.5 megapixels; the objects in them are some 200.
N_STAGED, N_STAGED_MODELS, STAGED_SEED = 160, 250, 2024
_CELL_PX, _CELL_SHARE = 256, 0.01
_RESAMPLES = 1000


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


def scores_of(pair: Pair | Made, model: ChangeModel) -> ChangeScore:
    """The score map of a pair that lies on each other."""
    return Comparison(pair.before, pair.after, None, model=model).score_map()


def f1(masks: Sequence[NDArray[np.bool_]], labels: Sequence[NDArray[np.bool_]]) -> Interval:
    """Of changed pixels."""
    both = [2.0 * float((mask & label).sum()) for mask, label in zip(masks, labels, strict=True)]
    all_ = [float(mask.sum() + label.sum()) for mask, label in zip(masks, labels, strict=True)]
    return ratio(both, all_)


@dataclass(frozen=True, slots=True, eq=False)
class Staged:
    """Laid-on objects of known place: what was found of them, and false regions beside them."""

    lengths_px: NDArray[np.float64]
    is_found: NDArray[np.bool_]
    n_false: list[float]
    megapixels: list[float]

    def recall(self, low: float, high: float) -> tuple[float, int]:
        """Share found of the objects of these lengths, and how many those are."""
        chosen = (self.lengths_px >= low) & (self.lengths_px < high)
        return float(self.is_found[chosen].mean()) if chosen.any() else float("nan"), int(chosen.sum())


def staged(made: Sequence[Made], maps: Sequence[ChangeScore], model: ChangeModel, level: float) -> Staged:
    """An object is found where a third of its changed pixels are; a region without any of them is false."""
    settings = ChangeSettings(min_score=level)
    lengths, found, false, area = [], [], [], []
    for one, score in zip(made, maps, strict=True):
        mask = changed(score, model=model, settings=settings, gsd_m=LEVIR_GSD_M)
        for part in _parts(one):
            hit = part.inside & mask[part.here]
            lengths.append(part.length_px)
            found.append(hit.sum() >= part.inside.sum() / 3)
        unsure = np.maximum(one.changed, (one.weight == 0).astype(np.uint8))
        near = cv2.dilate(unsure, np.ones((9, 9), np.uint8))
        boxes = regions(score, model=model, settings=settings, gsd_m=LEVIR_GSD_M)
        false.append(float(sum(not _any(near, region.box) for region in boxes)))
        area.append(score.size / 1e6)
    return Staged(np.array(lengths, float), np.array(found, bool), false, area)


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One laid-on object that lies wholly in a pair.

    here    its rows and columns
    inside  (h, w) bool there
    """

    here: tuple[slice, slice]
    inside: NDArray[np.bool_]

    @property
    def length_px(self) -> float:
        return float(max(self.inside.shape))


def _parts(one: Made) -> Iterator[_Part]:
    n, parts, stats, _ = cv2.connectedComponentsWithStats(one.changed)
    for index in range(1, n):
        left, top, width, height, _ = (int(v) for v in stats[index])
        here = slice(top, top + height), slice(left, left + width)
        inside = parts[here] == index
        is_whole = left > 0 and top > 0 and left + width < parts.shape[1] and top + height < parts.shape[0]
        if is_whole and one.weight[here][inside].max() > 0:
            yield _Part(here, inside)


def _any(mask: NDArray[np.uint8], box: PixelBox) -> bool:
    left, top, right, bottom = (int(side) for side in (box.left, box.top, box.right, box.bottom))
    return bool(mask[top:bottom, left:right].any())


def staged_pairs(data: Path, n: int = N_STAGED) -> list[Made]:
    """Pairs with objects laid onto held-out ground, the same ones every time."""
    still = [pair for pair in pairs(data / "change" / "levir-val") if not pair.changed.any()]
    single = grounds(data / "objects", is_learnt=False, without_research_only=False)
    source = Pairs(still, single, STAGED_SEED, n_models=N_STAGED_MODELS)
    return [source.made() for _ in range(n)]


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
    made = staged_pairs(arguments.data)
    found = staged(made, [scores_of(one, model) for one in made], model, level)
    print(f"laid-on objects: false regions per 10 Mpx {_ten(ratio(found.n_false, found.megapixels))}")
    for low, high in ((6, 12), (12, 1000)):
        recall, n = found.recall(low, high)
        print(f"laid-on objects of {low} to {high} px: recall {recall:.3f} of {n}")


def _ten(one: Interval) -> Interval:
    return Interval(10 * one.value, 10 * one.low, 10 * one.high)


if __name__ == "__main__":
    main()
