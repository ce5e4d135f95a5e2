"""Bytes of a model -> a session that can run them, or a reason why not.

ONNX Runtime is known here and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.detect import onnx_file
from edge.errors import ModelRefused

if TYPE_CHECKING:
    import onnxruntime as ort

# How an arena grows: ONNX Runtime's kSameAsRequested; -1 leaves a setting to it.
_AS_REQUESTED = 1


def opened(
    weights: bytes, path: Path, *, threads: int = 1, axes: Mapping[str, int] | None = None
) -> ort.InferenceSession:
    """A session over the very bytes that were hashed; weights in further files are not reached this way.

    path  where the bytes come from, for the message of a refusal
    axes  axes that the graph leaves open, and what they shall be
    """
    import onnxruntime as ort  # noqa: PLC0415 - slow to load, and needed only here

    opset = onnx_file.opset(weights)
    if 0 < opset < onnx_file.MIN_OPSET:
        raise ModelRefused(f"{path}: opset: expected {onnx_file.MIN_OPSET} or later, got {opset}")
    try:
        return ort.InferenceSession(
            weights, _options(threads, axes or {}), providers=["CPUExecutionProvider"]
        )
    except _faults() as error:
        raise ModelRefused(f"{path}: {_why_not(str(error), weights)}") from error


def run(session: ort.InferenceSession, names: list[str], feed: Mapping[str, Any], file: str) -> list[Any]:
    """The outputs of these names; ModelRefused where the graph fails on what it promises to take."""
    try:
        return list(session.run(names, dict(feed)))
    except _faults() as error:
        raise ModelRefused(
            f"{file}: expected to run on one window, got {' '.join(str(error).split())}"
        ) from error


def _faults() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises."""
    from onnxruntime.capi import onnxruntime_pybind11_state as reasons  # noqa: PLC0415 - as above

    return (reasons.Fail, reasons.InvalidArgument, reasons.InvalidGraph, reasons.InvalidProtobuf,
            reasons.NoSuchFile, reasons.NotImplemented, reasons.RuntimeException)  # fmt: skip


def _options(threads: int, axes: Mapping[str, int]) -> ort.SessionOptions:
    import onnxruntime as ort  # noqa: PLC0415 - as above

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Waiting threads that spin burn three times the CPU of the inference at ten calls a second.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # 19 to 84 MB, and no faster.
    options.enable_mem_pattern = False
    _share_arena()
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.log_severity_level = 4  # what is wrong is raised below, once
    for name, length in axes.items():
        options.add_free_dimension_override_by_name(name, length)
    return options


@cache
def _share_arena() -> None:
    """Have all models work in the same memory, which grows by what is asked for and no more.

    Models run one after the other. With an arena of its own a change model that is first asked after
    thousands of tiles takes another 5 MB then, in pieces of a power of two.
    """
    import onnxruntime as ort  # noqa: PLC0415 - as above

    kind = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
    ort.create_and_register_allocator(kind, ort.OrtArenaCfg(0, _AS_REQUESTED, -1, -1))


def _why_not(error: str, weights: bytes) -> str:
    """What ONNX Runtime said, in one line."""
    newest = re.search(r"is till opset (\d+)", error)
    if newest:
        got = onnx_file.opset(weights)
        return f"opset: expected at most {newest[1]}, which this ONNX Runtime knows, got {got}"
    reason = " ".join(error.split())
    return f"expected an ONNX model that this ONNX Runtime can run, got {reason}"
