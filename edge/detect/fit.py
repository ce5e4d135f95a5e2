"""Whether the inputs and outputs of a graph are those that its manifest states. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from edge.detect import layouts, layouts_change
from edge.detect.graph import Activation, Layout
from edge.detect.layouts import N
from edge.detect.manifest import Manifest

_RUNTIME_TYPES: Mapping[str, str] = {
    "uint8": "tensor(uint8)",
    "float32": "tensor(float)",
    "int32": "tensor(int32)",
    "int64": "tensor(int64)",
}
# With the merging of boxes inside the graph their number may differ from window to window.
_MAY_VARY = frozenset({Layout.END_TO_END, Layout.LABELS_BOXES_SCORES})


class Node(Protocol):
    """One input or output, as ONNX Runtime tells it."""

    @property
    def name(self) -> str:
        """In the graph."""

    @property
    def type(self) -> str:
        """Such as tensor(float)."""

    @property
    def shape(self) -> Sequence[int | str | None]:
        """A name or None where an axis is open."""


class Signature(Protocol):
    """What of a session is needed here."""

    def get_inputs(self) -> Sequence[Node]:
        """In the order of the graph."""

    def get_outputs(self) -> Sequence[Node]:
        """In the order of the graph."""


def faults(signature: Signature, manifest: Manifest) -> list[str]:
    """Everything about a graph that is not as its manifest says; none where it fits."""
    return [*_input_faults(signature, manifest), *_output_faults(signature, manifest)]


def _input_faults(signature: Signature, manifest: Manifest) -> Iterator[str]:
    wanted = manifest.input
    nodes = {node.name: node for node in signature.get_inputs()}
    names = [name for name in (*wanted.images, wanted.cached, wanted.size) if name is not None]
    if set(names) != nodes.keys():
        yield f"inputs: expected {', '.join(names)}, got {', '.join(nodes) or 'none'}"
        return
    for name in wanted.images:
        yield from _node_faults(nodes[name], f"input {name}", (wanted.dtype,), wanted.shape)
    if wanted.cached is not None:
        yield from _node_faults(nodes[wanted.cached], f"input {wanted.cached}", ("float32",), (1, N))
    if wanted.size is not None:
        yield from _node_faults(nodes[wanted.size], f"input {wanted.size}", ("int64",), (1, 2))


def _output_faults(signature: Signature, manifest: Manifest) -> Iterator[str]:
    nodes = {node.name: node for node in signature.get_outputs()}
    if missing := [name for name in manifest.output.names if name not in nodes]:
        yield f"outputs: expected {', '.join(sorted(missing))}, got {', '.join(nodes)}"
    elif manifest.kind == "change":
        yield from _mask_faults(nodes, manifest)
        yield from _features_faults(signature, manifest)
    else:
        yield from _boxes_faults(nodes, manifest)


def _features_faults(signature: Signature, manifest: Manifest) -> Iterator[str]:
    """What an image gives to be compared is what the next run takes."""
    given, taken = manifest.output.features, manifest.input.cached
    outputs = {node.name: node for node in signature.get_outputs()}
    shapes = [node.shape for node in signature.get_inputs() if node.name == taken]
    if given is None or not shapes:
        return
    if given not in outputs:
        yield f"outputs: expected {given}, got {', '.join(outputs)}"
    else:
        wanted = [one for one in shapes[0] if one is not None]
        yield from _node_faults(outputs[given], f"output {given}", ("float32",), wanted)


def _boxes_faults(nodes: Mapping[str, Node], manifest: Manifest) -> Iterator[str]:
    wanted = layouts.wanted(manifest)
    may_vary = manifest.output.layout in _MAY_VARY
    for one in wanted:
        where = f"output {one.name}"
        yield from _node_faults(nodes[one.name], where, one.dtypes, one.shape, may_vary=may_vary)
    n_rows = {str(nodes[one.name].shape[1:2]) for one in wanted}
    if len(n_rows) > 1:
        yield f"outputs: expected as many boxes as scores, got {' and '.join(sorted(n_rows))}"


def _mask_faults(nodes: Mapping[str, Node], manifest: Manifest) -> Iterator[str]:
    one = layouts_change.wanted(manifest)
    n_planes = (2,) if manifest.output.activation is Activation.SOFTMAX else (1, 2)
    faults = [
        list(_node_faults(nodes[one.name], f"output {one.name}", one.dtypes, (1, n, *one.shape[2:])))
        for n in n_planes
    ]
    if all(faults):
        yield from faults[-1]


def _node_faults(
    node: Node,
    where: str,
    dtypes: Sequence[str],
    shape: Sequence[int | str],
    *,
    may_vary: bool = False,
) -> Iterator[str]:
    """Faults of one input or output.

    shape     may hold "N" where any number will do
    may_vary  True if that number need not be fixed
    """
    if node.type not in [_RUNTIME_TYPES[dtype] for dtype in dtypes]:
        yield f"{where}: expected {' or '.join(dtypes)}, got {node.type}"
    fits = len(node.shape) == len(shape) and all(
        expected == got or (expected == N and (may_vary or isinstance(got, int)))
        for expected, got in zip(shape, node.shape, strict=True)
    )
    if not fits:
        yield f"{where}: expected shape {list(shape)}, got {node.shape}"
