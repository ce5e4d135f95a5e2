"""What the graph of a model takes and gives, as its manifest states it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

TensorName = Annotated[str, Meta(min_length=1, max_length=200)]
Side = Annotated[int, Meta(ge=32, le=4096)]
Share = Annotated[float, Meta(ge=-1000, le=1000)]
Spread = Annotated[float, Meta(gt=0, le=1000)]


class Layout(StrEnum):
    """How the outputs of a model are to be read; B boxes or rows, L labels, all of one window."""

    # boxes [1, B, 4] left top right bottom in pixels, scores [1, B, L]: what models/train writes.
    BOXES_SCORES = "boxes_scores"
    # rows [1, B, 5 + L]: middle x, middle y, width, height in pixels, objectness, scores. YOLOv5, v7, X.
    YOLOV5 = "yolov5"
    # rows [1, 4 + L, B]: middle x, middle y, width, height in pixels, scores. YOLOv8, v9, 11.
    YOLOV8 = "yolov8"
    # rows [1, B, 6]: left top right bottom in pixels, score, label. YOLOv10, and exports with NMS inside.
    END_TO_END = "end_to_end"
    # labels [1, B], boxes [1, B, 4] left top right bottom in pixels, scores [1, B]. RT-DETR, D-FINE.
    LABELS_BOXES_SCORES = "labels_boxes_scores"
    # boxes [1, B, 4] middle x, middle y, width, height as shares of the window, scores [1, B, L]. DETR kin.
    DETR = "detr"
    # rows [1, B, 4 + L]: boxes and scores of detr side by side. RT-DETR as ultralytics exports it.
    DETR_ROWS = "detr_rows"
    # rows [1, 1, H, W] how surely a pixel changed, or [1, 2, H, W] unchanged and changed.
    MASK = "mask"


class Activation(StrEnum):
    """What is still to be done to a model's scores before they lie in [0, 1]."""

    NONE = "none"
    SIGMOID = "sigmoid"
    # Over the labels of each box and one more, "no object", that stands last; or over the two of a mask.
    SOFTMAX = "softmax"


# Which keys of Output a layout needs.
ROLES: Mapping[Layout, tuple[str, ...]] = {
    Layout.BOXES_SCORES: ("boxes", "scores"),
    Layout.YOLOV5: ("rows",),
    Layout.YOLOV8: ("rows",),
    Layout.END_TO_END: ("rows",),
    Layout.LABELS_BOXES_SCORES: ("labels", "boxes", "scores"),
    Layout.DETR: ("boxes", "scores"),
    Layout.DETR_ROWS: ("rows",),
    Layout.MASK: ("rows",),
}


class Input(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The input: a window of an image."""

    # Name of the input in the graph; where kind is change, of the one that takes the earlier image.
    name: TensorName
    # Where kind is change: name of the input that takes the later image.
    after: TensorName | None = None
    # Where kind is change, instead of after: name of an input [1, F] that takes what output.features gave for
    # the earlier image; name is then the later image's, and what is known of a reference is computed once.
    cached: TensorName | None = None
    # Name of a further input [1, 2] that wants the width and height of the window: RT-DETR and D-FINE.
    size: TensorName | None = None
    # Size of a window in pixels.
    width: Side
    height: Side
    # [1, height, width, 3] or [1, 3, height, width].
    layout: Literal["nhwc", "nchw"]
    # uint8 takes the bytes as they are; float32 takes (byte / 255 - mean) / std.
    dtype: Literal["uint8", "float32"]
    # Order of the three bands, of mean and std too.
    colour: Literal["rgb", "bgr"]
    mean: tuple[Share, Share, Share] = (0.0, 0.0, 0.0)
    std: tuple[Spread, Spread, Spread] = (1.0, 1.0, 1.0)
    # Axes that the graph leaves open, by their name in it, and what they are here: {batch: 1}.
    axes: Mapping[str, Annotated[int, Meta(ge=1, le=4096)]] = msgspec.field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Of the tensor that takes one window."""
        size = (self.height, self.width)
        return (1, *size, 3) if self.layout == "nhwc" else (1, 3, *size)

    @property
    def images(self) -> tuple[str, ...]:
        """Names of the inputs that take an image."""
        return (self.name,) if self.after is None else (self.name, self.after)


class Output(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The outputs: how to read them, and the names in the graph of those that the layout needs."""

    layout: Layout
    boxes: TensorName | None = None
    scores: TensorName | None = None
    labels: TensorName | None = None
    # The one output of a layout that has a single one.
    rows: TensorName | None = None
    # With input.cached: name of the output [1, F] of what is to be compared of the image.
    features: TensorName | None = None
    activation: Activation = Activation.NONE

    @property
    def names(self) -> list[str]:
        """Of the outputs in the graph, in the order of the layout's roles."""
        return [getattr(self, role) for role in ROLES[self.layout]]


def disagreements(kind: str, taken: Input, given: Output) -> Iterator[tuple[str, str]]:
    """Where the keys of input and output do not agree with each other: the key and what is wrong."""
    needed = ROLES[given.layout]
    present = [role for role in ("boxes", "scores", "labels", "rows") if getattr(given, role) is not None]
    if set(present) != set(needed):
        yield (
            "output",
            f"expected {', '.join(needed)} with {given.layout}, got {', '.join(present) or 'none'}",
        )
    if (given.layout is Layout.MASK) != (kind == "change"):
        yield "output", f"layout: expected {'mask' if kind == 'change' else 'boxes'}, got {given.layout}"
    if given.activation is not Activation.NONE and given.layout not in {Layout.DETR, Layout.MASK}:
        yield "output", f"activation: expected none with {given.layout}, got {given.activation}"
    seconds = [name for name in (taken.after, taken.cached) if name is not None]
    if len(seconds) != (kind == "change"):
        expected = "one of them" if kind == "change" else "neither with objects"
        yield "input", f"after, cached: expected {expected}, got {', '.join(seconds) or 'neither'}"
    if (taken.cached is None) != (given.features is None):
        expected = "nothing without input.cached" if taken.cached is None else "a name with input.cached"
        yield "output", f"features: expected {expected}, got {given.features or 'nothing'}"
    if taken.dtype == "uint8" and (taken.mean, taken.std) != ((0.0,) * 3, (1.0,) * 3):
        yield "input", "mean, std: expected them with float32 only, got them with uint8"
    names = [name for name in (*taken.images, taken.cached, taken.size) if name is not None]
    if len(set(names)) < len(names):
        yield "input", f"expected each name once, got {', '.join(names)}"
