"""YAML text -> a tree in which every value knows its line; strict where YAML is generous. Pure.

Scalars follow the YAML 1.2 core schema: only true and false are bools (no, on and off are text), 12:30 and
010 are text, so that nothing becomes a number that nobody wrote. Merge keys and tags are refused; anchors are
fine.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

# A configuration of hundreds of sites is far below these; an alias bomb is far above them.
MAX_BYTES = 1_000_000
MAX_NODES = 100_000
MAX_DEPTH = 32

_INT = re.compile(r"[-+]?(?:0|[1-9][0-9_]{0,30})")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,30}|[0-9]{1,30}(?:\.[0-9]{0,30})?)(?:[eE][-+]?[0-9]{1,3})?")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]")
_FOUND = re.compile("(alias|anchor|handle) '[^']*'")
_UNTAGGED = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map")}
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in a file.

    line  counted from 1
    path  the key, dotted, with [i] for the i-th entry of a list counted from 0; empty for the whole file
    text  what was expected and what came
    """

    line: int
    path: str
    text: str

    def said_of(self, file: str) -> str:
        """The fault as the operator reads it."""
        return f"{file}:{self.line}: {self.path + ': ' if self.path else ''}{self.text}"


@dataclass(frozen=True, slots=True)
class Node:
    """A value with its place.

    value  a scalar, or the nodes of a mapping or a list
    line   counted from 1: of its key where it has one
    text   a scalar as it was written
    """

    value: Scalar | dict[str, Node] | list[Node]
    line: int
    text: str = ""

    @property
    def described(self) -> str:
        """What it is, for "got ...", in a few words."""
        if isinstance(self.value, dict):
            return "a mapping"
        if isinstance(self.value, list):
            return f"a list of {len(self.value)}"
        if self.value is None:
            return "nothing"
        short = self.text if len(self.text) <= 60 else f"{self.text[:57]}..."
        return f'"{short}"' if isinstance(self.value, str) else short

    def child(self, key: str | int) -> Node:
        """The node under a key of a mapping or an index of a list; LookupError where there is none."""
        if isinstance(self.value, dict) and isinstance(key, str):
            return self.value[key]
        if isinstance(self.value, list) and isinstance(key, int):
            return self.value[key]
        raise KeyError(key)


def join(path: str, key: str | int) -> str:
    """The path of a value inside a mapping or a list."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


def parse(text: str) -> tuple[Node | None, list[Fault]]:
    """The tree of one YAML document and what is wrong with it; None where there is no tree at all."""
    if len(text) > MAX_BYTES:
        return None, [Fault(1, "", f"expected at most {MAX_BYTES} characters, got {len(text)}")]
    try:
        root = yaml.compose(text, yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        return None, [Fault(_line(error.problem_mark), "", f"expected YAML, got: {_reason(error)}")]
    except (yaml.YAMLError, RecursionError) as error:
        return None, [Fault(1, "", f"expected YAML, got: {' '.join(str(error).split())}")]
    if root is None:
        return None, [Fault(1, "", "expected a mapping, got an empty file")]
    growth = _Growth()
    try:
        return growth.node(root, "", _line(root.start_mark), 0), growth.faults
    except _TooMuch as error:
        return None, [Fault(error.line, "", str(error))]


class _TooMuch(Exception):
    """The tree is larger or deeper than any configuration."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


@dataclass(slots=True)
class _Growth:
    """One walk over the composed nodes; aliases are walked again each time, so their cost is counted."""

    faults: list[Fault] = field(default_factory=list)
    n_nodes: int = 0

    def node(self, raw: yaml.Node, path: str, line: int, depth: int) -> Node:
        self.n_nodes += 1
        if self.n_nodes > MAX_NODES or depth > MAX_DEPTH:
            limits = f"{MAX_NODES} values, {MAX_DEPTH} deep"
            raise _TooMuch(line, f"expected at most {limits}, got more (an alias counts each time)")
        if raw.tag not in _UNTAGGED:
            self.faults.append(Fault(line, path, "expected no tag (!), got one"))
        if isinstance(raw, yaml.MappingNode):
            return Node(dict(self._entries(raw, path, depth)), line)
        if isinstance(raw, yaml.SequenceNode):
            return Node([self._entry(child, join(path, i), depth) for i, child in enumerate(raw.value)], line)
        assert isinstance(raw, yaml.ScalarNode)
        return Node(raw.value if raw.style else scalar(raw.value), line, raw.value)

    def _entry(self, raw: yaml.Node, path: str, depth: int) -> Node:
        return self.node(raw, path, _line(raw.start_mark), depth + 1)

    def _entries(self, raw: yaml.MappingNode, path: str, depth: int) -> Iterator[tuple[str, Node]]:
        first_lines: dict[str, int] = {}
        for key, value in raw.value:
            line = _line(key.start_mark)
            refused = self._refused_key(key, first_lines)
            if refused:
                self.faults.append(Fault(line, path, refused))
                continue
            first_lines[key.value] = line
            yield key.value, self.node(value, join(path, key.value), line, depth + 1)

    def _refused_key(self, key: yaml.Node, first_lines: dict[str, int]) -> str:
        if not isinstance(key, yaml.ScalarNode):
            return "expected a word as the key, got a list or a mapping"
        if key.value == "<<":
            return "expected every key written out, got a merge (<<)"
        if key.value in first_lines:
            return f"expected {key.value} once, got it again; it stands in line {first_lines[key.value]} too"
        return ""


def scalar(text: str) -> Scalar:
    """What a plain (unquoted) scalar means."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INT.fullmatch(text):
        return int(text.replace("_", ""))
    if _FLOAT.fullmatch(text) and not _LEADING_ZERO.match(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text


def _line(mark: yaml.Mark | None) -> int:
    return mark.line + 1 if mark else 1


def _reason(error: yaml.MarkedYAMLError) -> str:
    """What PyYAML says, without the words that it found: one may be a secret that begins with * or !."""
    text = " ".join(f"{error.context or ''} {error.problem or ''}".split())
    return _FOUND.sub(r"\1", text)
