"""A tree of YAML -> a settings class, with every fault and not the first only. Pure.

Walks any msgspec.Struct: its fields are the keys, Annotated bounds are checked, keys without a default must
be there, unknown keys are refused. Of several classes in one place (the kinds of rules) the one is meant
whose first key without a default is present.
"""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from edge.errors import EdgeError
from edge.yamltree import Fault, Node, join

T = TypeVar("T")

NOT_A_KEY = "not_a_key"
"""In a field's Meta(extra={NOT_A_KEY: True}): filled in by the program, no key of the file."""

_NAMES: dict[object, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a path",
    datetime: "a time in UTC, as 2024-06-01T10:00:00Z",
    type(None): "nothing",
}


def conform(
    node: Node,
    kind: type[T],
    *,
    path_of: Callable[[str], Path] = Path,
) -> tuple[T | None, list[Fault]]:
    """The settings in a tree, or None and everything that is wrong with them.

    path_of  what a text means where a path is wanted; ValueError where it means nothing
    """
    walk = _Walk(path_of)
    value = walk.value(node, kind, "")
    return (None if walk.faults else value), walk.faults


def keys(kind: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    """The keys that a settings class has in the file, in its order."""
    fields = msgspec.structs.fields(kind)
    return {field.name: field for field in fields if not (_meta(field.type).extra or {}).get(NOT_A_KEY)}


def first_key(kind: type[msgspec.Struct]) -> str:
    """The first key without a default: the word by which one kind of several is told."""
    return next(name for name, field in keys(kind).items() if field.required)


@dataclass(slots=True)
class _Walk:
    """One walk over a tree. A method returns None where it noted a fault; nobody reads a value then."""

    path_of: Callable[[str], Path]
    faults: list[Fault] = field(default_factory=list)

    def value(self, node: Node, kind: Any, path: str) -> Any:
        bare, origin = _bare(kind), get_origin(_bare(kind))
        if origin in {Union, types.UnionType}:
            return self._union(node, kind, path)
        if _is_struct(bare):
            return self._struct(node, bare, path)
        if origin in {dict, Mapping}:
            return self._mapping(node, kind, path)
        if origin in {tuple, list, Sequence}:
            return self._list(node, kind, path)
        return self._scalar(node, kind, path)

    def _refuse(self, node: Node, path: str, text: str) -> None:
        self.faults.append(Fault(node.line, path, text))

    def _unlike(self, node: Node, kind: Any, path: str) -> None:
        self._refuse(node, path, f"expected {wanted(kind)}, got {node.described}")

    def _struct(self, node: Node, kind: type[msgspec.Struct], path: str) -> Any:
        if not isinstance(node.value, dict):
            return self._unlike(node, kind, path)
        n_before, fields = len(self.faults), keys(kind)
        for name in node.value.keys() - fields.keys():
            self._refuse(node.value[name], join(path, name), self._unknown(name, list(fields)))
        for name, info in fields.items():
            if info.required and name not in node.value:
                self._refuse(node, join(path, name), f"expected {wanted(info.type)}, got nothing")
        values = {
            name: self.value(child, fields[name].type, join(path, name))
            for name, child in node.value.items()
            if name in fields
        }
        if len(self.faults) > n_before:
            return None
        try:
            return kind(**values)
        except (ValueError, EdgeError) as error:
            return self._refuse(node, path, str(error).removeprefix(f"{path.rpartition('.')[2]}: "))

    @staticmethod
    def _unknown(name: str, known: list[str]) -> str:
        near = difflib.get_close_matches(name, known, n=1)
        if near:
            return f"expected a known key, got {name}; did you mean {near[0]}?"
        return f"expected one of {', '.join(known)}, got {name}"

    def _union(self, node: Node, kind: Any, path: str) -> Any:
        options = [option for option in get_args(_bare(kind)) if option is not type(None)]
        if node.value is None and len(options) < len(get_args(_bare(kind))):
            return None
        if len(options) == 1:
            return self.value(node, options[0], path)
        if all(_is_struct(_bare(option)) for option in options):
            return self._one_of(node, options, path)
        for option in options:
            trial = _Walk(self.path_of)
            found = trial.value(node, option, path)
            if not trial.faults:
                return found
        return self._unlike(node, kind, path)

    def _one_of(self, node: Node, options: list[type[msgspec.Struct]], path: str) -> Any:
        if not isinstance(node.value, dict):
            return self._unlike(node, options[0], path)
        present = [option for option in options if first_key(option) in node.value]
        if len(present) == 1:
            return self._struct(node, present[0], path)
        firsts = [first_key(option) for option in options]
        if present:
            both = " and ".join(first_key(option) for option in present)
            return self._refuse(node, path, f"expected one of {', '.join(firsts)}, got {both} together")
        odd = [name for name in node.value if not any(name in keys(option) for option in options)]
        if not odd:
            return self._refuse(node, path, f"expected one of {', '.join(firsts)}, got none of them")
        return self._refuse(node.value[odd[0]], join(path, odd[0]), self._unknown(odd[0], firsts))

    def _mapping(self, node: Node, kind: Any, path: str) -> Any:
        if not isinstance(node.value, dict):
            return self._unlike(node, kind, path)
        key_kind, value_kind = get_args(_bare(kind))
        self._check_length(node, kind, path, len(node.value))
        for name, child in node.value.items():
            if not _keeps(name, _meta(key_kind)):
                self._refuse(child, path, f'expected as a name {wanted(key_kind)}, got "{name}"')
        return {name: self.value(child, value_kind, join(path, name)) for name, child in node.value.items()}

    def _list(self, node: Node, kind: Any, path: str) -> Any:
        if not isinstance(node.value, list):
            return self._unlike(node, kind, path)
        arguments = get_args(_bare(kind))
        fixed = get_origin(_bare(kind)) is tuple and Ellipsis not in arguments
        if fixed and len(arguments) != len(node.value):
            return self._unlike(node, kind, path)
        self._check_length(node, kind, path, len(node.value))
        kinds = arguments if fixed else arguments[:1] * len(node.value)
        pairs = enumerate(zip(node.value, kinds, strict=True))
        values = [self.value(child, child_kind, join(path, i)) for i, (child, child_kind) in pairs]
        return tuple(values) if get_origin(_bare(kind)) is not list else values

    def _check_length(self, node: Node, kind: Any, path: str, length: int) -> None:
        low, high = _meta(kind).min_length or 0, _meta(kind).max_length
        if length < low or (high is not None and length > high):
            limit = f"at least {low}" if length < low else f"at most {high}"
            self._refuse(node, path, f"expected {limit} entries, got {length}")

    def _scalar(self, node: Node, kind: Any, path: str) -> Any:
        bare, value = _bare(kind), node.value
        if get_origin(bare) is Literal and any(value == word for word in get_args(bare)):
            return value
        if isinstance(bare, type) and issubclass(bare, Enum) and any(value == word.value for word in bare):
            return bare(value)
        if bare is Path and isinstance(value, str) and value:
            return self._path(node, value, path)
        if bare is datetime and isinstance(value, str) and (instant := _instant(value)) is not None:
            return instant
        if bare is float and type(value) is int:
            value = float(value)
        if type(value) is bare and _keeps(value, _meta(kind)):
            return value
        return self._unlike(node, kind, path)

    def _path(self, node: Node, text: str, path: str) -> Path | None:
        try:
            return self.path_of(text)
        except ValueError as error:
            self._refuse(node, path, str(error))
            return None


def _instant(text: str) -> datetime | None:
    """An instant in UTC, or None where a text is none; a local time is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.utcoffset() == timedelta(0) else None


def _is_struct(bare: Any) -> bool:
    return isinstance(bare, type) and issubclass(bare, msgspec.Struct)


def _bare(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _meta(kind: Any) -> msgspec.Meta:
    """The bounds of a kind; msgspec allows several Meta, we write one."""
    metas = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
    return next((meta for meta in metas if isinstance(meta, msgspec.Meta)), msgspec.Meta())


def _keeps(value: Any, meta: msgspec.Meta) -> bool:
    """True if a scalar keeps the bounds."""
    return (
        (meta.gt is None or value > meta.gt)
        and (meta.ge is None or value >= meta.ge)
        and (meta.lt is None or value < meta.lt)
        and (meta.le is None or value <= meta.le)
        and (meta.min_length is None or len(value) >= meta.min_length)
        and (meta.max_length is None or len(value) <= meta.max_length)
        and (meta.pattern is None or re.search(meta.pattern, value) is not None)
    )


def wanted(kind: Any) -> str:
    """A kind in the operator's words, for "expected ..."."""
    bare, origin = _bare(kind), get_origin(_bare(kind))
    if origin in {Union, types.UnionType}:
        options = [option for option in get_args(bare) if option is not type(None)]
        return " or ".join(dict.fromkeys(wanted(option) for option in options))
    if origin is Literal:
        return _choice([str(word) for word in get_args(bare)])
    if isinstance(bare, type) and issubclass(bare, Enum):
        return _choice([str(word.value) for word in bare])
    if origin is tuple and Ellipsis not in get_args(bare):
        return f"a list of {len(get_args(bare))}: {', '.join(wanted(option) for option in get_args(bare))}"
    if origin in {tuple, list, Sequence}:
        return "a list"
    return _meta(kind).description or _NAMES.get(bare, "a mapping") + _bounds(_meta(kind))


def _choice(words: list[str]) -> str:
    return f"one of {', '.join(words)}" if len(words) > 1 else words[0]


def _bounds(meta: msgspec.Meta) -> str:
    if meta.ge is not None and meta.le is not None:
        return f" in [{meta.ge:.9g}, {meta.le:.9g}]"
    limits = {">": meta.gt, ">=": meta.ge, "<": meta.lt, "<=": meta.le}
    words = [f"{sign} {limit:.9g}" for sign, limit in limits.items() if limit is not None]
    if meta.pattern is not None:
        words.append(f"that matches {meta.pattern}")
    if meta.min_length is not None and meta.pattern is None:
        words.append(f"of at least {meta.min_length} characters")
    if meta.max_length is not None and meta.pattern is None:
        words.append(f"of at most {meta.max_length} characters")
    return f" {' and '.join(words)}" if words else ""
