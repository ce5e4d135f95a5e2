"""A model looks at validation images through edge.detect, as in the field, and is judged label by label."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edge.detect.detection import Detection
from edge.detect.manifest import Model
from edge.detect.objects import DetectSettings, detect
from models.train.data import LABELS, Item, Part
from models.train.matching import Floats, Judged, Matches, match


@dataclass(frozen=True, slots=True)
class Seen:
    """One image and what a model found in it."""

    item: Item
    detections: tuple[Detection, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One label over one part."""

    part: str
    label: str
    judged: list[Judged]


def look(part: Part, model: Model, min_score: float, *, at_gsd: bool = False) -> list[Seen]:
    """What a model finds in the images of a part.

    at_gsd  reduced to the working ground sample distance, where that of the set is known; else as they are
    """
    settings = DetectSettings(min_score=min_score)
    is_served = at_gsd and part.source.is_served_at
    return [
        Seen(
            item,
            tuple(detect(item.pixels, item.gsd_m if is_served else None, model=model, settings=settings)),
        )
        for item in part.items
    ]


def rows(part: str, seen: Sequence[Seen]) -> Iterator[Row]:
    """A row for each label that is labelled and stands in some image; each over the images that label it."""
    for index, label in enumerate(LABELS):
        judged = [judge(one, label) for one in seen if index in one.item.known]
        if any(one.n_true for one in judged):
            yield Row(part, label, judged)


def together(table: Iterable[Row], label: str) -> list[Judged]:
    """All images in which a label was judged."""
    return [one for row in table if row.label == label for one in row.judged]


def judge(seen: Seen, label: str) -> Judged:
    """One label of one image."""
    matches, truth = matched(seen, label)
    scores = np.array([one.score for one in seen.detections if one.label == label])
    height, width = seen.item.pixels.shape[:2]
    return Judged(scores, matches.is_right, len(truth), height * width * seen.item.gsd_m**2 / 1e6)


def matched(seen: Seen, label: str, threshold: float = 0.0) -> tuple[Matches, Floats]:
    """The detections of a label from a threshold on, matched to the true boxes, and those."""
    chosen = [one for one in seen.detections if one.label == label and one.score >= threshold]
    boxes = [(one.box.left, one.box.top, one.box.right, one.box.bottom) for one in chosen]
    truth = seen.item.boxes[seen.item.boxes[:, 4] == LABELS.index(label), :4].astype(np.float64)
    scores = np.array([one.score for one in chosen])
    return match(np.array(boxes, np.float64).reshape(-1, 4), scores, truth), truth
