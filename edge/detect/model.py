"""From a manifest and a file of weights to a Model, or to a reason why not.

ONNX Runtime is known here and nowhere else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.detect.manifest import Boxes, Infer, Layout, Manifest, Model, Scores, parse
from edge.errors import ModelRefused

if TYPE_CHECKING:
    import onnxruntime as ort

    from edge.acquire.tile import Rgb

__all__ = ["Manifest", "Model", "describe", "load", "read_manifest"]


def describe(model: Model) -> str:
    """Name and hash of a model, as they stand in an alert."""
    return f"{model.manifest.name} sha256:{model.sha256}"


def read_manifest(path: Path) -> Manifest:
    """The manifest in a file; ModelRefused where it cannot be read or is not one."""
    try:
        return parse(_read(path).decode(), str(path))
    except UnicodeDecodeError as error:
        raise ModelRefused(
            f"{path}: expected UTF-8 text, got {error.reason} at byte {error.start}"
        ) from error


def load(manifest_path: Path, *, threads: int = 1) -> Model:
    """The model behind a manifest, checked against it and ready to run.

    threads  how many threads one inference may use
    """
    manifest = read_manifest(manifest_path)
    weights_path = manifest_path.parent / manifest.file
    weights = _read(weights_path)
    sha256 = hashlib.sha256(weights).hexdigest()
    if sha256 != manifest.sha256:
        raise ModelRefused(
            f"{weights_path}: sha256: expected {manifest.sha256} ({manifest_path}), got {sha256}"
        )
    session = _session(weights, weights_path, threads)
    reading = _READINGS[manifest.output.layout]
    faults = [*_input_faults(session, manifest), *reading.faults(session, manifest)]
    if faults:
        raise ModelRefused("\n".join(f"{weights_path}: {fault}" for fault in faults))
    return Model(manifest, sha256, _infer(session, manifest, reading))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelRefused(f"{path}: expected a readable file, got {error.strerror}") from error


def _session(weights: bytes, path: Path, threads: int) -> ort.InferenceSession:
    """A session over the very bytes that were hashed; weights in further files are not reached this way."""
    import onnxruntime as ort  # noqa: PLC0415 - slow to load, and needed only here
    from onnxruntime.capi import onnxruntime_pybind11_state as reasons  # noqa: PLC0415 - as above

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Waiting threads that spin burn three times the CPU of the inference at ten calls a second.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # 19 to 84 MB, and no faster.
    options.enable_mem_pattern = False
    options.log_severity_level = 4  # what is wrong is raised below, once
    faults = (reasons.Fail, reasons.InvalidArgument, reasons.InvalidGraph, reasons.InvalidProtobuf,
              reasons.NoSuchFile, reasons.NotImplemented, reasons.RuntimeException)  # fmt: skip
    try:
        return ort.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    except faults as error:
        reason = " ".join(str(error).split())
        raise ModelRefused(
            f"{path}: expected an ONNX model that this ONNX Runtime can run, got {reason}"
        ) from error


def _input_faults(session: ort.InferenceSession, manifest: Manifest) -> Iterator[str]:
    wanted = manifest.input
    inputs = session.get_inputs()
    names = [node.name for node in inputs]
    if names != [wanted.name]:
        yield f"inputs: expected {wanted.name}, got {', '.join(names) or 'none'}"
        return
    yield from _node_faults(inputs[0], f"input {wanted.name}", "uint8", [1, wanted.height, wanted.width, 3])


def _node_faults(node: ort.NodeArg, where: str, dtype: str, shape: Sequence[int | str]) -> Iterator[str]:
    """Faults of one input or output; a shape may hold "N" where any fixed number will do."""
    runtime_type = {"uint8": "tensor(uint8)", "float32": "tensor(float)"}[dtype]
    if node.type != runtime_type:
        yield f"{where}: expected {dtype}, got {node.type}"
    fits = len(node.shape) == len(shape) and all(
        isinstance(got, int) and expected in ("N", got)
        for expected, got in zip(shape, node.shape, strict=True)
    )
    if not fits:
        yield f"{where}: expected shape {list(shape)}, got {node.shape}"


def _boxes_scores_faults(session: ort.InferenceSession, manifest: Manifest) -> Iterator[str]:
    nodes = {node.name: node for node in session.get_outputs()}
    wanted = {manifest.output.boxes: 4, manifest.output.scores: len(manifest.labels)}
    if missing := wanted.keys() - nodes.keys():
        yield f"outputs: expected {', '.join(sorted(missing))}, got {', '.join(nodes)}"
        return
    for name, n_columns in wanted.items():
        yield from _node_faults(nodes[name], f"output {name}", "float32", [1, "N", n_columns])
    n_rows = {str(nodes[name].shape[1:2]) for name in wanted}
    if len(n_rows) > 1:
        yield f"outputs: expected as many boxes as scores, got {' and '.join(sorted(n_rows))}"


def _boxes_scores(outputs: Sequence[Any]) -> tuple[Boxes, Scores]:
    boxes, scores = outputs
    return boxes[0], scores[0]


@dataclass(frozen=True, slots=True)
class _Reading:
    """How to check and to read the outputs of one layout."""

    faults: Callable[[ort.InferenceSession, Manifest], Iterator[str]]
    decode: Callable[[Sequence[Any]], tuple[Boxes, Scores]]


_READINGS: Mapping[Layout, _Reading] = {Layout.BOXES_SCORES: _Reading(_boxes_scores_faults, _boxes_scores)}


def _infer(session: ort.InferenceSession, manifest: Manifest, reading: _Reading) -> Infer:
    names = [manifest.output.boxes, manifest.output.scores]

    def infer(window: Rgb) -> tuple[Boxes, Scores]:
        feed = {manifest.input.name: np.ascontiguousarray(window)[None]}
        boxes, scores = reading.decode(session.run(names, feed))
        low, high = float(scores.min()), float(scores.max())
        if not (low >= 0 and high <= 1):  # also refuses NaN: it would read as nothing found
            raise ModelRefused(f"{manifest.file}: scores: expected numbers in [0, 1], got {low} to {high}")
        return boxes, scores

    return infer
