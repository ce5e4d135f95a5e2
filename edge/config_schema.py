"""The settings classes -> a JSON Schema (draft 2020-12) of the configuration, for editors that complete keys.

`python -m edge.config_schema` prints it; the shipped copy is edge/schema/config-v1.json.
"""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from edge.config import Settings
from edge.conform import keys

Schema = dict[str, Any]

_SCALARS: Mapping[object, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    Path: "string",
    type(None): "null",
}
_KEYWORDS = {
    "gt": "exclusiveMinimum",
    "ge": "minimum",
    "lt": "exclusiveMaximum",
    "le": "maximum",
    "pattern": "pattern",
    "description": "description",
}


def schema() -> Schema:
    """The schema of a whole configuration file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "edge/config-v1.json",
        "title": "Configuration of edge",
        **_of(Settings),
    }


def _of(kind: Any) -> Schema:
    if get_origin(kind) is Annotated:
        bare, *metas = get_args(kind)
        inner = _of(bare)
        return inner | {name: word for meta in metas for name, word in _limits(meta, inner).items()}
    if get_origin(kind) in {Union, types.UnionType}:
        return {"anyOf": [_of(option) for option in get_args(kind)]}
    if get_origin(kind) is Literal:
        return {"enum": list(get_args(kind))}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [word.value for word in kind]}
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _of_struct(kind)
    return _of_collection(kind) if get_origin(kind) else {"type": _SCALARS[kind]}


def _of_collection(kind: Any) -> Schema:
    arguments = get_args(kind)
    if get_origin(kind) in {dict, Mapping}:
        names, values = _of(arguments[0]), _of(arguments[1])
        return {"type": "object", "propertyNames": names, "additionalProperties": values}
    if get_origin(kind) is tuple and Ellipsis not in arguments:
        n = len(arguments)
        items = [_of(option) for option in arguments]
        return {"type": "array", "prefixItems": items, "minItems": n, "maxItems": n}
    assert get_origin(kind) in {tuple, list, Sequence}
    return {"type": "array", "items": _of(arguments[0])}


def _of_struct(kind: type[msgspec.Struct]) -> Schema:
    fields = keys(kind)
    return {
        "type": "object",
        "properties": {name: _of(info.type) | _default(info) for name, info in fields.items()},
        "required": [name for name, info in fields.items() if info.required],
        "additionalProperties": False,
    }


def _default(info: msgspec.structs.FieldInfo) -> Schema:
    """The default of a scalar key; that of a section is its keys' defaults."""
    if isinstance(info.default, str | int | float | bool):
        return {"default": info.default}
    return {"default": str(info.default)} if isinstance(info.default, Path) else {}


def _limits(meta: msgspec.Meta, inner: Schema) -> Schema:
    limits = {word: getattr(meta, name) for name, word in _KEYWORDS.items()}
    unit = {"string": "Length", "array": "Items", "object": "Properties"}.get(inner.get("type", ""), "")
    limits |= {f"min{unit}": meta.min_length, f"max{unit}": meta.max_length}
    return {word: limit for word, limit in limits.items() if limit is not None}


def text() -> str:
    """The schema as it is shipped."""
    return json.dumps(schema(), indent=1) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
