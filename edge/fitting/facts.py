"""What an ONNX file of anybody's says of itself: operators, inputs, outputs, what its exporter wrote."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.detect import onnx_file
from edge.detect.fit import Node
from edge.detect.session import opened
from edge.errors import ModelRefused


@dataclass(frozen=True, slots=True)
class Port:
    """One input or output; an axis that the graph leaves open is a name, or None where it has none."""

    name: str
    type: str
    shape: tuple[int | str | None, ...]

    def __str__(self) -> str:
        axes = ", ".join("?" if axis is None else str(axis) for axis in self.shape)
        return f"{self.name} {self.type} [{axes}]"


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a file says without being asked.

    labels  as its exporter named them, in the order of the scores; None where it did not
    size    width and height of a window as its exporter wrote them, None where it did not
    """

    opset: int
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    metadata: Mapping[str, str]
    labels: tuple[str, ...] | None
    size: tuple[int, int] | None


def read(path: Path) -> Facts:
    """The facts of a file; ModelRefused where it is none that this ONNX Runtime can run."""
    try:
        weights = path.read_bytes()
    except OSError as error:
        raise ModelRefused(f"{path}: expected a readable file, got {error.strerror}") from error
    session = opened(weights, path)
    metadata = onnx_file.metadata(weights)
    return Facts(
        onnx_file.opset(weights),
        _ports(session.get_inputs()),
        _ports(session.get_outputs()),
        metadata,
        _labels(metadata),
        _size(metadata),
    )


def _ports(nodes: Sequence[Node]) -> tuple[Port, ...]:
    return tuple(Port(node.name, node.type, tuple(node.shape)) for node in nodes)


def _labels(metadata: Mapping[str, str]) -> tuple[str, ...] | None:
    """From ultralytics' `names`, {0: 'plane', 1: ...}: a Python literal, or a list of names."""
    names = _literal(metadata.get("names", ""))
    if isinstance(names, dict) and sorted(names) == list(range(len(names))):
        return tuple(str(names[number]) for number in range(len(names))) or None
    return tuple(map(str, names)) or None if isinstance(names, list) else None


def _size(metadata: Mapping[str, str]) -> tuple[int, int] | None:
    """From ultralytics' `imgsz`, [height, width] or one number for both."""
    said = _literal(metadata.get("imgsz", ""))
    if isinstance(said, int):
        return said, said
    if isinstance(said, list) and len(said) == 2 and all(isinstance(side, int) for side in said):
        height, width = said
        return width, height
    return None


def _literal(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
