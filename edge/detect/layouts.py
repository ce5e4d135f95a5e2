"""What each layout of an object model gives, and how it becomes boxes and scores. Pure.

A decoder takes what the graph gave, in the order of the layout's roles, and returns boxes in pixels of the
window and one score a label. Overlaps are left in: edge.detect.objects merges them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.detect.graph import ROLES, Activation, Layout
from edge.detect.manifest import Boxes, Manifest, Scores
from edge.errors import ModelRefused

Floats = NDArray[np.float32]
Shape = tuple[int | str, ...]
Decode = Callable[[Sequence[NDArray[Any]]], tuple[Boxes, Scores]]

N = "N"
"""In a Shape: any number of boxes, the same in all outputs."""

FLOATS, LABEL_NUMBERS = ("float32",), ("int64", "int32", "float32")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One output that a layout needs, by its name in the graph."""

    name: str
    shape: Shape
    dtypes: tuple[str, ...] = FLOATS


def wanted(manifest: Manifest) -> list[Wanted]:
    """The outputs that a model with this manifest must have."""
    output, n_labels = manifest.output, len(manifest.labels)
    n_scores = n_labels + (output.activation is Activation.SOFTMAX)
    shapes: Mapping[Layout, tuple[Shape, ...]] = {
        Layout.BOXES_SCORES: ((1, N, 4), (1, N, n_labels)),
        Layout.YOLOV5: ((1, N, 5 + n_labels),),
        Layout.YOLOV8: ((1, 4 + n_labels, N),),
        Layout.END_TO_END: ((1, N, 6),),
        Layout.LABELS_BOXES_SCORES: ((1, N), (1, N, 4), (1, N)),
        Layout.DETR: ((1, N, 4), (1, N, n_scores)),
        Layout.DETR_ROWS: ((1, N, 4 + n_labels),),
    }
    return [
        Wanted(name, shape, LABEL_NUMBERS if role == "labels" else FLOATS)
        for role, name, shape in zip(ROLES[output.layout], output.names, shapes[output.layout], strict=True)
    ]


def decoder(manifest: Manifest) -> Decode:
    """How the outputs of a model with this manifest are read."""
    n_labels, file = len(manifest.labels), manifest.file
    size = (manifest.input.width, manifest.input.height)
    decoders: Mapping[Layout, Decode] = {
        Layout.BOXES_SCORES: lambda given: boxes_scores(given[0], given[1]),
        Layout.YOLOV5: lambda given: yolov5(given[0]),
        Layout.YOLOV8: lambda given: yolov8(given[0]),
        Layout.END_TO_END: lambda given: end_to_end(given[0], n_labels, file),
        Layout.LABELS_BOXES_SCORES: lambda given: labels_boxes_scores(*given, n_labels=n_labels, file=file),
        Layout.DETR: lambda given: detr(given[0], given[1], manifest.output.activation, size),
        Layout.DETR_ROWS: lambda given: detr(given[0][..., :4], given[0][..., 4:], Activation.NONE, size),
    }
    return decoders[manifest.output.layout]


def boxes_scores(boxes: Floats, scores: Floats) -> tuple[Boxes, Scores]:
    """Boxes (1, N, 4) left top right bottom in pixels, scores (1, N, L): as they are."""
    return boxes[0], scores[0]


def yolov5(rows: Floats) -> tuple[Boxes, Scores]:
    """Rows (1, N, 5 + L): middle and size in pixels, objectness, scores; a score counts times objectness."""
    return _sides(rows[0, :, :4]), rows[0, :, 5:] * rows[0, :, 4:5]


def yolov8(rows: Floats) -> tuple[Boxes, Scores]:
    """Rows (1, 4 + L, N): middle and size in pixels, scores."""
    return _sides(rows[0, :4].T), np.ascontiguousarray(rows[0, 4:].T)


def end_to_end(rows: Floats, n_labels: int, file: str) -> tuple[Boxes, Scores]:
    """Rows (1, N, 6): left top right bottom in pixels, score, label; rows with score 0 fill up the table."""
    return rows[0, :, :4], _by_label(rows[0, :, 5], rows[0, :, 4], n_labels, file)


def labels_boxes_scores(
    labels: NDArray[Any], boxes: Floats, scores: Floats, *, n_labels: int, file: str
) -> tuple[Boxes, Scores]:
    """Labels (1, N), boxes (1, N, 4) left top right bottom in pixels, scores (1, N)."""
    return boxes[0], _by_label(labels[0], scores[0], n_labels, file)


def detr(
    boxes: Floats, scores: Floats, activation: Activation, size: tuple[int, int]
) -> tuple[Boxes, Scores]:
    """Boxes (1, N, 4): middle and size as shares of the window; scores (1, N, L).

    activation  what is still to be done to the scores; softmax: they are (1, N, L + 1), "no object" last
    size        width and height of the window in pixels
    """
    sides = _sides(boxes[0]) * np.array(size * 2, np.float32)
    found = activated(scores[0], activation, axis=1)
    return sides, found[:, :-1] if activation is Activation.SOFTMAX else found


def activated(logits: Floats, activation: Activation, *, axis: int) -> Floats:
    """Scores in [0, 1] from what a model gave, along the axis of its classes."""
    if activation is Activation.NONE:
        return logits
    if activation is Activation.SIGMOID:
        # Half of 1 + tanh(x / 2): the same number, without an overflow at large negative ones.
        return np.asarray(0.5 + 0.5 * np.tanh(logits / 2), np.float32)
    raised = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return np.asarray(raised / raised.sum(axis=axis, keepdims=True), np.float32)


def _sides(middles: Floats) -> Boxes:
    """(N, 4) middle x, middle y, width, height -> left top right bottom."""
    half = middles[:, 2:] / 2
    return np.concatenate([middles[:, :2] - half, middles[:, :2] + half], axis=1)


def _by_label(labels: NDArray[Any], scores: Floats, n_labels: int, file: str) -> Scores:
    """(N, L) scores, each in the column of its label and 0 elsewhere."""
    said = scores != 0
    odd = said & ~((labels >= 0) & (labels < n_labels) & (labels == np.floor(labels)))
    if odd.any():
        got = labels[odd][0]
        raise ModelRefused(f"{file}: labels: expected numbers from 0 to {n_labels - 1}, got {got:g}")
    table = np.zeros((len(scores), n_labels), np.float32)
    rows = np.flatnonzero(said)
    table[rows, labels[rows].astype(np.intp)] = scores[rows]
    return table
