"""What a model says of itself: its manifest, and the value of a model that was found to keep it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from edge import yamltree
from edge.acquire.tile import Rgb
from edge.conform import conform
from edge.detect.graph import Input, Output, disagreements
from edge.errors import ModelRefused
from edge.yamltree import Fault, Node

Boxes = NDArray[np.float32]
"""(N, 4) float32, left top right bottom, in pixels of the window."""

Scores = NDArray[np.float32]
"""(N, L) float32 in [0, 1], one column a label, in the order of the manifest."""

Infer = Callable[[Rgb], tuple[Boxes, Scores]]
"""One window of exactly the model's input size -> what the model sees in it."""

ChangeScore = NDArray[np.float32]
"""(H, W) float32 in [0, 1], one a pixel of the window; 1 means surely changed."""

InferChange = Callable[[Rgb, Rgb], ChangeScore]
"""The same ground earlier and later, two windows of exactly the model's input size -> what changed."""

Label = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_]{0,31}\Z", description="a word in snake_case")]
Name = Annotated[
    str, Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z", description="a name without spaces")
]
File = Annotated[
    str,
    Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z", description="the name of a file beside this one"),
]
Sha256 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z", description="64 digits of lower-case hex")]
Positive = Annotated[float, Meta(gt=0, le=1000)]
Fraction = Annotated[float, Meta(ge=0, le=1)]


VariantName = Annotated[
    str, Meta(pattern=r"\A(?!plain\Z)[a-z][a-z0-9_]{0,31}\Z", description="a word in snake_case, not plain")
]

PLAIN = "plain"
"""The weights of the manifest itself, beside its variants."""


class LongObjects(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the long ones of a label are looked for."""

    # Metres of the longer side of its box from which an object counts as long.
    from_m: Positive
    # The tile is reduced to this ground sample distance for them.
    working: Positive


class GsdRange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ground sample distances that the model serves, in metres per pixel."""

    # Tiles finer than this are refused.
    min: Positive
    # Finer tiles are reduced to this one; coarser ones are used as they are.
    working: Positive
    # Tiles coarser than this are refused.
    max: Positive
    # For labels that want another one than working. A tile is searched once for each that differs by more
    # than a tenth after the reduction, so a label with a finer one costs a pass of its own.
    by_label: Mapping[str, Positive] = msgspec.field(default_factory=dict)
    # For labels whose long objects do not fit into what the model sees at once: these are looked for in a
    # coarser pass as well, which keeps nothing shorter.
    long: Mapping[str, LongObjects] = msgspec.field(default_factory=dict)

    def working_of(self, label: str) -> float:
        """What a finer tile is reduced to when this label is looked for."""
        return self.by_label.get(label, self.working)


class Quality(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How good the model was for one label on images it had not seen, at the threshold of that label."""

    # Share of the objects that it found.
    recall: Fraction
    # Detections without an object, per square kilometre of ground.
    false_alarms_per_km2: Annotated[float, Meta(ge=0, le=1_000_000)]


class Variant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Other weights for the same inputs and outputs: quantised, for boards on which that is faster."""

    file: File
    sha256: Sha256
    # Where they differ from those of the model itself.
    thresholds: Mapping[str, Fraction] | None = None
    quality: Mapping[str, Quality] | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything the daemon has to know of a model before it runs it."""

    # Name and version, as it stands in every alert.
    name: Name
    kind: Literal["objects", "change"]
    # The weights, a file beside the manifest.
    file: File
    # Of the weights, in hex: what was measured is what is run.
    sha256: Sha256
    # The same model stored or computed in another way, by name: {int8: {file: ..., sha256: ...}}.
    variants: Mapping[VariantName, Variant] = msgspec.field(default_factory=dict)
    # What it finds, in the order of its scores.
    labels: Annotated[tuple[Label, ...], Meta(min_length=1, max_length=256)]
    input: Input
    gsd_m: GsdRange
    output: Output
    # The longest side of an object, in pixels of the window; windows overlap by this much.
    max_object_px: Annotated[int, Meta(ge=1)]
    # Score per label from which a detection counts as an object.
    thresholds: Mapping[str, Fraction]
    # What to expect of the model per label.
    quality: Mapping[str, Quality]

    @property
    def names(self) -> tuple[str, ...]:
        """What there is to choose from: plain, and the variants."""
        return (PLAIN, *self.variants)

    def of(self, name: str) -> Manifest:
        """The manifest with the file, the hash and the figures of a variant, or itself for plain."""
        if name == PLAIN:
            return self
        chosen = self.variants[name]
        return msgspec.structs.replace(
            self,
            file=chosen.file,
            sha256=chosen.sha256,
            thresholds=self.thresholds if chosen.thresholds is None else chosen.thresholds,
            quality=self.quality if chosen.quality is None else chosen.quality,
        )


@dataclass(frozen=True, slots=True)
class Model:
    """A model that was loaded and found to be what its manifest says.

    sha256  of the weights that were loaded
    infer   runs it on one window
    """

    manifest: Manifest
    sha256: str
    infer: Infer


@dataclass(frozen=True, slots=True)
class ChangeModel:
    """The same for a model that compares two looks."""

    manifest: Manifest
    sha256: str
    infer: InferChange


@lru_cache(maxsize=4)
def parse(text: str, where: str) -> Manifest:
    """The manifest in a YAML text; ModelRefused names every fault, one a line, with its place in the text.

    Remembered for the last few: a start asks what is chosen for a model, and then for the model.
    """
    root, faults = yamltree.parse(text)
    if root is None:
        raise _refused(faults, where)
    manifest, more = conform(root, Manifest)
    faults += more if manifest is None else _contradictions(manifest, root)
    if manifest is None or faults:
        raise _refused(faults, where)
    return manifest


def _refused(faults: Iterable[Fault], where: str) -> ModelRefused:
    return ModelRefused(
        "\n".join(fault.said_of(where) for fault in sorted(faults, key=lambda fault: fault.line))
    )


def _contradictions(manifest: Manifest, root: Node) -> Iterator[Fault]:
    """Where keys that are each well formed do not agree with each other."""
    lines = {key: node.line for key, node in root.value.items()} if isinstance(root.value, dict) else {}
    for key, text in _disagreements(manifest):
        yield Fault(lines.get(key.partition(".")[0], root.line), key, text)


def _disagreements(manifest: Manifest) -> Iterator[tuple[str, str]]:
    labels = manifest.labels
    yield from (("gsd_m", text) for text in _unlike_gsd(manifest.gsd_m, labels))
    if len(set(labels)) < len(labels):
        yield "labels", f"expected each once, got {', '.join(labels)}"
    if manifest.max_object_px >= min(manifest.input.width, manifest.input.height):
        yield "max_object_px", f"expected less than the side of a window, got {manifest.max_object_px}"
    yield from disagreements(manifest.kind, manifest.input, manifest.output)
    yield from _unlike_labels("", manifest)
    for name in manifest.variants:
        yield from _unlike_labels(f"variants.{name}.", manifest.of(name))


def _unlike_gsd(gsd_m: GsdRange, labels: Sequence[str]) -> Iterator[str]:
    if not gsd_m.min <= gsd_m.working <= gsd_m.max:
        yield f"expected min <= working <= max, got {gsd_m.min:g}, {gsd_m.working:g}, {gsd_m.max:g}"
    for label, working in gsd_m.by_label.items():
        if label not in labels:
            yield f"by_label: expected one of {', '.join(labels)}, got {label}"
        elif not gsd_m.min <= working <= gsd_m.max:
            served = f"{gsd_m.min:g} to {gsd_m.max:g}"
            yield f"by_label.{label}: expected what the model serves, {served}, got {working:g}"
    for label, long in gsd_m.long.items():
        if label not in labels:
            yield f"long: expected one of {', '.join(labels)}, got {label}"
        elif not gsd_m.working_of(label) < long.working <= gsd_m.max:
            wanted = f"more than its {gsd_m.working_of(label):g} and up to {gsd_m.max:g}"
            yield f"long.{label}.working: expected {wanted}, got {long.working:g}"


def _unlike_labels(where: str, manifest: Manifest) -> Iterator[tuple[str, str]]:
    for key, mapping in (("thresholds", manifest.thresholds), ("quality", manifest.quality)):
        if set(mapping) != set(manifest.labels):
            expected, got = ", ".join(manifest.labels), ", ".join(mapping) or "none"
            yield f"{where}{key}", f"expected one for each of {expected}, got {got}"
