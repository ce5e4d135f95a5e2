"""From a manifest and a file of weights to a Model, or to a reason why not."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.detect import fit, layouts, layouts_change
from edge.detect.graph import Input
from edge.detect.manifest import (
    PLAIN,
    Boxes,
    ChangeModel,
    ChangeScore,
    Infer,
    InferChange,
    Manifest,
    Model,
    Scores,
    parse,
)
from edge.detect.prepare import Tensor, feed
from edge.detect.session import opened, run
from edge.errors import ModelRefused

if TYPE_CHECKING:
    import onnxruntime as ort

    from edge.acquire.tile import Rgb

# Windows of which a change model's features are remembered: 1.1 MB each with the shipped one. What a tile is
# compared with is laid onto that very tile, so only the questions of one tile find them again.
MAX_FEATURES = 4

__all__ = ["ChangeModel", "Manifest", "Model", "Models", "describe", "load", "load_change", "read_manifest"]


def describe(model: Model | ChangeModel) -> str:
    """Name and hash of a model, as they stand in an alert."""
    return f"{model.manifest.name} sha256:{model.sha256}"


@dataclass(frozen=True, slots=True)
class Models:
    """What runs over a tile.

    change  None where nothing compares two looks: then detections alone decide
    """

    objects: Model
    change: ChangeModel | None = None

    @property
    def names(self) -> Mapping[str, str]:
        """Task to "NAME sha256:HEX", as it stands in an alert."""
        found = {"objects": describe(self.objects)}
        return found if self.change is None else found | {"change": describe(self.change)}


def read_manifest(path: Path) -> Manifest:
    """The manifest in a file; ModelRefused where it cannot be read or is not one."""
    try:
        return parse(_read(path).decode(), str(path))
    except UnicodeDecodeError as error:
        raise ModelRefused(
            f"{path}: expected UTF-8 text, got {error.reason} at byte {error.start}"
        ) from error


def load(manifest_path: Path, *, threads: int = 1, variant: str = PLAIN) -> Model:
    """The object model behind a manifest, checked against it and ready to run.

    threads  how many threads one inference may use
    variant  which of its weights
    """
    checked = _checked(manifest_path, "objects", threads, variant)
    return Model(checked.manifest, checked.manifest.sha256, _infer(checked))


def load_change(manifest_path: Path, *, threads: int = 1, variant: str = PLAIN) -> ChangeModel:
    """The same for a change model."""
    checked = _checked(manifest_path, "change", threads, variant)
    return ChangeModel(checked.manifest, checked.manifest.sha256, _infer_change(checked))


@dataclass(frozen=True, slots=True)
class _Checked:
    """A session over weights that were found to be what the manifest says."""

    manifest: Manifest
    session: ort.InferenceSession


def _checked(manifest_path: Path, kind: str, threads: int, variant: str) -> _Checked:
    whole = read_manifest(manifest_path)
    if whole.kind != kind:
        raise ModelRefused(f"{manifest_path}: kind: expected {kind}, got {whole.kind}")
    if variant not in whole.names:
        raise ModelRefused(f"{manifest_path}: variants: expected {variant}, got {', '.join(whole.names)}")
    manifest = whole.of(variant)
    weights_path = manifest_path.parent / manifest.file
    weights = _read(weights_path)
    sha256 = hashlib.sha256(weights).hexdigest()
    if sha256 != manifest.sha256:
        raise ModelRefused(
            f"{weights_path}: sha256: expected {manifest.sha256} ({manifest_path}), got {sha256}"
        )
    session = opened(weights, weights_path, threads=threads, axes=manifest.input.axes)
    if found := fit.faults(session, manifest):
        raise ModelRefused("\n".join(f"{weights_path}: {fault}" for fault in found))
    return _Checked(manifest, session)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelRefused(f"{path}: expected a readable file, got {error.strerror}") from error


def _infer(checked: _Checked) -> Infer:
    manifest, session = checked.manifest, checked.session
    names, decode = manifest.output.names, layouts.decoder(manifest)

    def infer(window: Rgb) -> tuple[Boxes, Scores]:
        boxes, scores = decode(run(session, names, feed(manifest.input, window), manifest.file))
        _check_scores(scores, manifest)
        return boxes, scores

    return infer


def _infer_change(checked: _Checked) -> InferChange:
    manifest, session = checked.manifest, checked.session
    names, activation = manifest.output.names, manifest.output.activation
    feeds = _both_images if manifest.input.cached is None else _with_features(checked)

    def infer(before: Rgb, after: Rgb) -> ChangeScore:
        [planes] = run(session, names, feeds(manifest.input, before, after), manifest.file)
        score = layouts_change.mask(planes, activation)
        _check_scores(score, manifest)
        return score

    return infer


def _both_images(wanted: Input, before: Rgb, after: Rgb) -> dict[str, Tensor]:
    return feed(wanted, before, after)


def _with_features(checked: _Checked) -> Callable[[Input, Rgb, Rgb], dict[str, Tensor]]:
    """The earlier window as its features, which are remembered for the last few windows."""
    session, taken = checked.session, checked.manifest.input
    cached, given = str(taken.cached), str(checked.manifest.output.features)
    shape = next(node.shape for node in session.get_inputs() if node.name == cached)
    nothing = np.zeros(shape, np.float32)
    known: OrderedDict[bytes, Tensor] = OrderedDict()

    def features(window: Rgb) -> Tensor:
        key = hashlib.blake2b(window.tobytes(), digest_size=16).digest()
        if key not in known:
            given_for_it = feed(taken, window) | {cached: nothing}
            [made] = run(session, [given], given_for_it, checked.manifest.file)
            # A copy: the runtime's own array would keep a hole in the memory that all models work in.
            known[key] = made.copy()
            if len(known) > MAX_FEATURES:
                known.popitem(last=False)
        known.move_to_end(key)
        return known[key]

    def feeds(wanted: Input, before: Rgb, after: Rgb) -> dict[str, Tensor]:
        return feed(wanted, after) | {cached: features(before)}

    return feeds


def _check_scores(scores: Any, manifest: Manifest) -> None:
    """Refuses what is no score, NaN too: it would read as nothing found."""
    low, high = float(scores.min(initial=0)), float(scores.max(initial=0))
    if not (low >= 0 and high <= 1):
        raise ModelRefused(f"{manifest.file}: scores: expected numbers in [0, 1], got {low} to {high}")
