"""How good the shipped model is: `python -m models.train.evaluate --data DATA`, as tables for its card.

Everything goes through edge.detect with the settings of the field. Average precision is at IoU 0.5, with the
interval in which it would lie for nine of ten other draws of as many images.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from edge.detect.manifest import Model
from edge.detect.model import load
from edge.detect.objects import DetectSettings
from models.train.data import Part, scenes
from models.train.heldout import judged_by
from models.train.matching import Judged, at, average_precision, interval
from models.train.measure import Row, look, rows, together

MIN_SCORE = DetectSettings().min_score
BINS = (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)


def measured(parts: Sequence[Part], model: Model) -> tuple[list[Row], list[Row]]:
    """The rows as the field would serve the images, and those of the same images as they are."""
    served: list[Row] = []
    as_they_are: list[Row] = []
    for part in parts:
        served += rows(_name(part), look(part, model, MIN_SCORE, at_gsd=True))
        if part.source.is_served_at:
            as_they_are += rows(f"{part.name}, as it is", look(part, model, MIN_SCORE))
    return served, as_they_are


def _name(part: Part) -> str:
    if all(item.is_to_scale for item in part.items):
        return f"{part.name}, each at its own"
    return f"{part.name}, at {part.source.gsd_m} m" if part.source.is_served_at else part.name


def results(table: Sequence[Row], model: Model) -> Iterator[str]:
    """A line for each label of each part."""
    yield "| images | label | n | objects | AP50 | 90 % interval | precision | recall | false alarms / km² |"
    yield "|---|---|--:|--:|--:|--:|--:|--:|--:|"
    for row in table:
        if row.label not in model.manifest.labels:
            continue
        figures = at(row.judged, model.manifest.thresholds[row.label])
        low, high = interval(row.judged)
        yield (
            f"| {row.part} | {row.label} | {len(row.judged)} | {sum(one.n_true for one in row.judged)} "
            f"| {average_precision(row.judged):.3f} | {low:.3f} to {high:.3f} | {figures.precision:.2f} "
            f"| {figures.recall:.2f} | {figures.false_alarms_per_km2:.2f} |"
        )


def calibration(table: Sequence[Row], model: Model) -> Iterator[str]:
    """Of the detections of a span of scores: how many, their mean score, and the share that is right."""
    spans = [f"{low} to {high}" for low, high in pairwise(BINS)]
    yield f"| label | {' | '.join(spans)} |"
    yield "|---" * (1 + len(spans)) + "|"
    for label in model.manifest.labels:
        yield f"| {label} | {' | '.join(_cells(together(table, label)))} |"


def _cells(judged: Sequence[Judged]) -> Iterator[str]:
    scores = np.concatenate([one.scores for one in judged])
    is_right = np.concatenate([one.is_right for one in judged])
    for low, high in pairwise(BINS):
        here = (scores >= low) & ((scores < high) | (high == BINS[-1]))
        if here.any():
            yield f"{scores[here].mean():.2f}: {is_right[here].mean():.2f} of {here.sum()}"
        else:
            yield "none"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the sets")
    parser.add_argument("--scenes", type=Path, help="folder that models.train.scenes wrote to")
    parser.add_argument("--model", type=Path, default=Path("models/objects.yaml"))
    arguments = parser.parse_args()
    model = load(arguments.model)
    parts = judged_by(arguments.data)
    served, as_they_are = measured(parts, model)
    if arguments.scenes:
        # They count for the results alone: how calibrated scores are, real images say.
        rendered, _ = measured([scenes(arguments.scenes, "val")], model)
    else:
        rendered = []
    print(f"{model.manifest.name} sha256:{model.sha256}\n")
    print("\n".join(results([*served, *as_they_are, *rendered], model)), "\n")
    print("Mean score: share that is right, of so many.\n")
    print("\n".join(calibration(served, model)))


if __name__ == "__main__":
    main()
