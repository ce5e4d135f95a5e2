"""Which layouts the outputs of a graph may have, worked out from their shapes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from edge.detect.graph import Activation, Layout
from edge.fitting.facts import Port

_LABEL_TYPES = ("tensor(int64)", "tensor(int32)")


@dataclass(frozen=True, slots=True)
class Fit:
    """One way to read the outputs.

    names       of the outputs in the graph, by their role in the layout
    activation  what is still to be done to the scores
    """

    layout: Layout
    names: dict[str, str]
    activation: Activation = Activation.NONE


def fits(outputs: Sequence[Port], n_labels: int, *, is_change: bool) -> list[Fit]:
    """Every layout that the outputs could have, for that many labels."""
    if is_change:
        return list(_masks(outputs))
    single = list(_single(outputs, n_labels)) if len(outputs) == 1 else []
    return [*single, *_several(outputs, n_labels)]


def _masks(outputs: Sequence[Port]) -> Iterator[Fit]:
    planes = [one for one in outputs if len(one.shape) == 4 and one.shape[1] in {1, 2}]
    if len(planes) == 1:
        yield Fit(Layout.MASK, {"rows": planes[0].name})


def _single(outputs: Sequence[Port], n_labels: int) -> Iterator[Fit]:
    """The layouts with one table; one with more rows of numbers than boxes is taken for none."""
    [table] = outputs
    if len(table.shape) != 3:
        return
    _, first, second = table.shape
    tests: dict[Layout, Callable[[], bool]] = {
        Layout.YOLOV8: lambda: first == 4 + n_labels and not _is_below(second, first),
        Layout.YOLOV5: lambda: second == 5 + n_labels and not _is_below(first, second),
        Layout.DETR_ROWS: lambda: second == 4 + n_labels and not _is_below(first, second),
        Layout.END_TO_END: lambda: second == 6 and not _is_below(first, second),
    }
    for layout, fit in tests.items():
        if fit():
            yield Fit(layout, {"rows": table.name})


def _is_below(axis: int | str | None, other: int | str | None) -> bool:
    return isinstance(axis, int) and isinstance(other, int) and axis < other


def _several(outputs: Sequence[Port], n_labels: int) -> Iterator[Fit]:
    """The layouts with boxes in an output of their own."""
    boxes = [one for one in outputs if len(one.shape) == 3 and one.shape[2] == 4]
    tables = [one for one in outputs if len(one.shape) == 3 and one.shape[2] in {n_labels, n_labels + 1}]
    rows = [one for one in outputs if len(one.shape) == 2]
    labels = [one for one in rows if one.type in _LABEL_TYPES or one.name == "labels"]
    scores = [one for one in rows if one not in labels]
    if len(boxes) == len(labels) == len(scores) == 1:
        names = {"labels": labels[0].name, "boxes": boxes[0].name, "scores": scores[0].name}
        yield Fit(Layout.LABELS_BOXES_SCORES, names)
    for box in boxes:
        for table in tables:
            if table != box:
                yield from _pair(box.name, table, n_labels)


def _pair(boxes: str, table: Port, n_labels: int) -> Iterator[Fit]:
    """Boxes and a table of scores: whose names tell of logits are DETR's, else both ways are possible."""
    names = {"boxes": boxes, "scores": table.name}
    if table.shape[2] == n_labels + 1:
        yield Fit(Layout.DETR, names, Activation.SOFTMAX)
    elif "logit" in table.name.lower():
        yield Fit(Layout.DETR, names, Activation.SIGMOID)
    else:
        yield Fit(Layout.BOXES_SCORES, names)
        yield Fit(Layout.DETR, names)
