"""What the shipped model gets right and wrong: `python -m models.train.contact_sheet --data DATA`.

One picture: for each label a row of hits, of misses and of false alarms at the threshold. The images belong
to their owners, so it goes into a folder that git ignores.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detect.manifest import Model
from edge.detect.model import load
from models.train.augment import Rgb
from models.train.data import validation
from models.train.evaluate import MIN_SCORE
from models.train.matching import Floats
from models.train.measure import Seen, look, matched

CELL_PX = 128
COLUMNS = 14
# How much is shown around a box, in its longest sides, and at least so many pixels.
_MARGIN, _MIN_VIEW_PX = 1.5, 48
HIT, MISS, FALSE_ALARM = (60, 220, 60), (255, 60, 60), (255, 210, 0)

Place = tuple[Rgb, Floats]
"""An image and a box on it."""


def places(seen: Sequence[Seen], label: str, threshold: float) -> dict[tuple[int, int, int], list[Place]]:
    """Hits, misses and false alarms of a label, by the colour of their boxes."""
    found: dict[tuple[int, int, int], list[Place]] = {HIT: [], MISS: [], FALSE_ALARM: []}
    for one in seen:
        matches, truth = matched(one, label, threshold)
        chosen = [d.box for d in one.detections if d.label == label and d.score >= threshold]
        boxes = np.array([(b.left, b.top, b.right, b.bottom) for b in chosen]).reshape(-1, 4)
        found[HIT] += [(one.item.pixels, box) for box in boxes[matches.is_right]]
        found[MISS] += [(one.item.pixels, box) for box in truth[~matches.is_found]]
        found[FALSE_ALARM] += [(one.item.pixels, box) for box in boxes[~matches.is_right]]
    return found


def sheet(by_label: Mapping[str, Sequence[Seen]], model: Model) -> Rgb:
    """The whole picture, the same one for the same model."""
    rng, lines = np.random.default_rng(0), []
    for label, seen in by_label.items():
        for colour, chosen in places(seen, label, model.manifest.thresholds[label]).items():
            some = [chosen[i] for i in rng.permutation(len(chosen))[:COLUMNS]]
            lines.append(line([cell(pixels, box, colour) for pixels, box in some]))
    return np.vstack(lines)


def line(cells: Sequence[Rgb]) -> Rgb:
    """Cells side by side, filled up with black."""
    empty = np.zeros((CELL_PX, CELL_PX, 3), np.uint8)
    return np.hstack([*cells, *[empty] * (COLUMNS - len(cells))])


def cell(pixels: Rgb, box: Floats, colour: tuple[int, int, int]) -> Rgb:
    """The surroundings of a box, with the box."""
    middle = (box[:2] + box[2:]) / 2
    side = max(_MARGIN * float((box[2:] - box[:2]).max()), _MIN_VIEW_PX)
    scale, corner = CELL_PX / side, middle - side / 2
    matrix = np.array([[scale, 0, -corner[0] * scale], [0, scale, -corner[1] * scale]])
    cell: NDArray[np.uint8] = np.asarray(cv2.warpAffine(pixels, matrix, (CELL_PX, CELL_PX)), np.uint8)
    left, top, right, bottom = ((box - np.tile(corner, 2)) * scale).round().astype(int).tolist()
    cv2.rectangle(cell, (left, top), (right, bottom), colour, 1)
    return cell


def _seen(data: Path, model: Model) -> Iterator[tuple[str, list[Seen]]]:
    parts = validation(data)
    looks = {part.name: look(part, model, MIN_SCORE, at_gsd=True) for part in parts}
    for label in model.manifest.labels:
        labelled = [part.name for part in parts if label in part.source.labels]
        yield label, [one for name in labelled for one in looks[name]]


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the sets")
    parser.add_argument("--model", type=Path, default=Path("models/objects.yaml"))
    parser.add_argument("--out", type=Path, default=Path(".train/contact-sheet.png"))
    arguments = parser.parse_args()
    model = load(arguments.model)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(arguments.out), sheet(dict(_seen(arguments.data, model)), model)[..., ::-1])
    print(arguments.out)


if __name__ == "__main__":
    main()
