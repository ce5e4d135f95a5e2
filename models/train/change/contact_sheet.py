"""What a change model gets right and wrong: `python -m models.train.change.contact_sheet --data DATA`.

One picture of held-out pairs: of objects laid onto the ground those found, those missed and the regions where
nothing changed, then the same of labelled buildings. Each place is a column of before, after and score. The
images belong to their owners, so it goes into a folder that git ignores.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detect.change import ChangeSettings, changed, regions
from edge.detect.manifest import ChangeModel, ChangeScore
from edge.detect.model import load_change
from models.train.augment import Rgb
from models.train.change.data import LEVIR_GSD_M, Pair, pairs
from models.train.change.evaluate import Part, false_ones, parts_of, scores_of, staged_pairs
from models.train.change.pairs import Made
from models.train.contact_sheet import COLUMNS, FALSE_ALARM, HIT, MISS, cell, line
from models.train.matching import Floats

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A box on a pair, and by its colour why it is shown."""

    pair: Pair | Made
    score: ChangeScore
    box: Floats
    colour: Colour

    def column(self) -> Rgb:
        """Before, after and score of its surroundings, above each other."""
        score = np.repeat((self.score[..., None] * 255).astype(np.uint8), 3, axis=2)
        looks = (self.pair.before, self.pair.after, score)
        return np.vstack([cell(look, self.box, self.colour) for look in looks])


def places(
    pair: Pair | Made, parts: Sequence[Part], is_unsure: NDArray[np.bool_], model: ChangeModel
) -> Iterator[Place]:
    """Every part of a pair as a hit or a miss, then its false regions."""
    score, settings = scores_of(pair, model), ChangeSettings()
    mask = changed(score, model=model, settings=settings, gsd_m=LEVIR_GSD_M)
    for part in parts:
        rows, columns = part.here
        box = np.array([columns.start, rows.start, columns.stop, rows.stop], np.float64)
        yield Place(pair, score, box, HIT if part.is_found(mask) else MISS)
    found = regions(score, model=model, settings=settings, gsd_m=LEVIR_GSD_M)
    for region in false_ones(found, pair.changed, is_unsure):
        sides = (region.box.left, region.box.top, region.box.right, region.box.bottom)
        yield Place(pair, score, np.array(sides, np.float64), FALSE_ALARM)


def buildings(pair: Pair) -> Iterator[Part]:
    """The labelled pieces of a pair."""
    n, pieces, stats, _ = cv2.connectedComponentsWithStats(pair.changed.astype(np.uint8))
    for index in range(1, n):
        left, top, width, height = (int(value) for value in stats[index][:4])
        here = slice(top, top + height), slice(left, left + width)
        yield Part(here, pieces[here] == index, is_altered=False)


def sheet(chosen: Sequence[Place]) -> Rgb:
    """Some of the hits, of the misses and of the false alarms, the same ones for the same model."""
    rng, lines = np.random.default_rng(0), []
    for colour in (HIT, MISS, FALSE_ALARM):
        same = [place for place in chosen if place.colour == colour]
        columns = [same[i].column() for i in rng.permutation(len(same))[:COLUMNS]]
        lines += [line(cells) for cells in zip(*(np.vsplit(column, 3) for column in columns), strict=True)]
    return np.vstack(lines)


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds change/ and objects/")
    parser.add_argument("--model", type=Path, default=Path("models/change.yaml"))
    parser.add_argument("--out", type=Path, default=Path(".train/change-sheet.png"))
    arguments = parser.parse_args()
    model = load_change(arguments.model)
    laid = [
        place
        for made in staged_pairs(arguments.data)
        for place in places(made, list(parts_of(made)), made.weight == 0, model)
    ]
    built = [
        place
        for pair in pairs(arguments.data / "change" / "levir-val")
        for place in places(pair, list(buildings(pair)), np.zeros_like(pair.changed), model)
    ]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(arguments.out), np.vstack([sheet(laid), sheet(built)])[..., ::-1])
    print(arguments.out)


if __name__ == "__main__":
    main()
