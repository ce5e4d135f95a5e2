"""The facts of a file and what its owner says -> the values of a manifest, or what is missing. Pure.

Nothing is guessed that would be silently wrong: what the file does not tell, its owner must.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from edge.detect.graph import Activation, Layout
from edge.errors import ModelRefused
from edge.fitting.facts import Facts, Port
from edge.fitting.layout import Fit, fits

Values = dict[str, Any]

CHANGED = "changed"
"""The one label of a change model."""

_DTYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}
_ULTRALYTICS_TASK = "detect"
# Of a window, as in the shipped model: the longest object that is sure to lie whole in one of them.
_MAX_OBJECT_FRACTION = 4


@dataclass(frozen=True, slots=True)
class Said:
    """What the owner says; None is left to the file.

    ask  called for what neither says, with the option's name and what is wanted; returns the answer
    """

    ask: Callable[[str, str], str]
    labels: tuple[str, ...] | None = None
    gsd_m: tuple[float, float, float] | None = None
    layout: Layout | None = None
    activation: Activation | None = None
    size: tuple[int, int] | None = None
    colour: str = "rgb"
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    max_object_px: int | None = None
    threshold: float = 0.5


def propose(facts: Facts, said: Said, *, name: str, file: str, sha256: str) -> Values:
    """The values of a manifest; ModelRefused says of the file what was expected and what it has."""
    task = facts.metadata.get("task", _ULTRALYTICS_TASK)
    if task != _ULTRALYTICS_TASK:
        raise ModelRefused(f"{file}: task: expected {_ULTRALYTICS_TASK} in its metadata, got {task}")
    images = [one for one in facts.inputs if len(one.shape) == 4]
    is_change = len(images) == 2
    labels = _labels(facts, said, is_change=is_change)
    taken = _input(facts, images, said, file)
    fit = _fit(facts, said, labels, file)
    low, working, high = said.gsd_m or _three(
        said.ask("--gsd", "min, working and max metres per pixel"), file
    )
    side = min(taken["width"], taken["height"])
    return {
        "name": name,
        "kind": "change" if is_change else "objects",
        "file": file,
        "sha256": sha256,
        "labels": list(labels),
        "input": taken,
        "gsd_m": {"min": low, "working": working, "max": high},
        "output": _output(fit, said),
        "max_object_px": said.max_object_px or side // _MAX_OBJECT_FRACTION,
        "thresholds": dict.fromkeys(labels, said.threshold),
        "quality": {label: {"recall": 0.0, "false_alarms_per_km2": 0.0} for label in labels},
    }


def _labels(facts: Facts, said: Said, *, is_change: bool) -> tuple[str, ...]:
    if is_change:
        return (CHANGED,)
    if said.labels is not None:
        return said.labels
    if facts.labels is not None:
        return tuple(_snake(label) for label in facts.labels)
    answer = said.ask("--labels", "its labels in the order of its scores, separated by commas")
    return tuple(_snake(label) for label in answer.split(",") if label.strip())


def _snake(label: str) -> str:
    """A name as exporters write it, as a label: "Small Vehicle" is small_vehicle."""
    return re.sub(r"[^a-z0-9]+", "_", label.strip().lower()).strip("_")


def _three(answer: str, file: str) -> tuple[float, float, float]:
    try:
        low, working, high = (float(number) for number in answer.replace(",", " ").split())
    except ValueError:
        raise ModelRefused(f"{file}: gsd: expected three numbers, min working max, got {answer}") from None
    return low, working, high


def _input(facts: Facts, images: Sequence[Port], said: Said, file: str) -> Values:
    """The inputs: one image, or two for change, and perhaps one that wants the size of the window."""
    sizes = [one for one in facts.inputs if one.type == "tensor(int64)" and len(one.shape) == 2]
    if len(images) not in {1, 2} or len(images) + len(sizes) < len(facts.inputs) or len(sizes) > 1:
        got = "; ".join(map(str, facts.inputs))
        raise ModelRefused(
            f"{file}: inputs: expected one image, or two for change, of [1, height, width, 3] or "
            f"[1, 3, height, width], got {got}"
        )
    first = images[0]
    layout, (height, width) = _axes_of(first, file)
    size = said.size or facts.size
    axes = _closed([*images, *sizes], size, file)
    sides = [
        axis if isinstance(axis, int) else (size or (0, 0))[number]
        for number, axis in ((1, height), (0, width))
    ]
    values: Values = {"name": first.name}
    if len(images) == 2:
        values["after"] = images[1].name
    if sizes:
        values["size"] = sizes[0].name
    values |= {"width": sides[1], "height": sides[0], "layout": layout}
    values |= {"dtype": _dtype(first, file), "colour": said.colour}
    values |= {
        key: list(three) for key, three in (("mean", said.mean), ("std", said.std)) if three is not None
    }
    return values | ({"axes": axes} if axes else {})


def _dtype(image: Port, file: str) -> str:
    if image.type not in _DTYPES:
        raise ModelRefused(f"{file}: input {image.name}: expected uint8 or float32, got {image.type}")
    return _DTYPES[image.type]


def _axes_of(image: Port, file: str) -> tuple[str, tuple[int | str | None, int | str | None]]:
    _, second, third, last = image.shape
    if second == 3:
        return "nchw", (third, last)
    if last == 3:
        return "nhwc", (second, third)
    raise ModelRefused(
        f"{file}: input {image.name}: expected three bands in its second or last axis, got {image}"
    )


def _closed(ports: Sequence[Port], size: tuple[int, int] | None, file: str) -> dict[str, int]:
    """A length for each axis that the inputs leave open: one window, of the size that is said."""
    found: dict[str, int] = {}
    for port in ports:
        for number, axis in enumerate(port.shape):
            if isinstance(axis, int):
                continue
            if axis is None:
                raise ModelRefused(f"{file}: input {port.name}: expected fixed or named axes, got {port}")
            if number == 0:
                found[axis] = 1
            elif size is None:
                raise ModelRefused(f"{file}: input {port.name}: expected --size WIDTH HEIGHT with {port}")
            else:
                is_height = number == (2 if port.shape[1] == 3 else 1)
                found[axis] = size[1] if is_height else size[0]
    return found


def _fit(facts: Facts, said: Said, labels: Sequence[str], file: str) -> Fit:
    """The one layout that the outputs have."""
    images = [one for one in facts.inputs if len(one.shape) == 4]
    possible = fits(facts.outputs, len(labels), is_change=len(images) == 2)
    if said.layout is None and facts.metadata.get("end2end", "").lower() == "true":
        possible = [one for one in possible if one.layout is Layout.END_TO_END]
    chosen = [one for one in possible if said.layout in {None, one.layout}]
    if len(chosen) == 1:
        return chosen[0]
    got = "; ".join(map(str, facts.outputs))
    if not chosen:
        wanted = said.layout or f"one of {', '.join(Layout)}"
        raise ModelRefused(f"{file}: outputs: expected {wanted} with {len(labels)} labels, got {got}")
    names = [str(one.layout) for one in chosen]
    answer = said.ask("--layout", f"{' or '.join(names)}, which both fit {got}")
    if answer not in names:
        raise ModelRefused(f"{file}: layout: expected {' or '.join(names)}, got {answer}")
    return next(one for one in chosen if one.layout == answer)


def _output(fit: Fit, said: Said) -> Values:
    activation = said.activation or fit.activation
    values: Values = {"layout": str(fit.layout), **fit.names}
    return values if activation is Activation.NONE else {**values, "activation": str(activation)}
