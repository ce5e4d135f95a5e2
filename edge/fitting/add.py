"""An own ONNX file becomes a model: inspected, dry-run, and only then given a manifest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from edge.detect.manifest import PLAIN, Manifest, parse
from edge.errors import ModelRefused
from edge.fitting.dry_run import dry_run
from edge.fitting.facts import Facts, read
from edge.fitting.proposal import Said, Values, propose

# What PyYAML writes behind a bare word.
_END = "...\n"
# Comments that the manifest gets above some of its keys.
_NOTES = {
    "max_object_px": "The longest object in pixels of the window; windows overlap by this much.",
    "thresholds": "Not measured: replace them by the scores of the best F1 on images it has not seen.",
    "quality": "Not measured: 0 promises nothing. The inventory weighs a missing detection by the recall.",
}


@dataclass(frozen=True, slots=True)
class Added:
    """A model that was taken.

    seen  what it found on the rendered tile
    """

    path: Path
    manifest: Manifest
    facts: Facts
    seen: str


def add(file: Path, said: Said, *, name: str | None = None) -> Added:
    """Inspect, try and write FILE's manifest beside it; ModelRefused where the file does not fit."""
    path = file.with_suffix(".yaml")
    if path.exists():
        raise ModelRefused(f"{path}: expected no manifest yet, found one; move it away to add {file} anew")
    facts = read(file)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    values = propose(facts, said, name=name or _name(file), file=file.name, sha256=sha256)
    text = _text(values)
    # Tried under a name that nothing reads, so that a manifest stands there only for a model that runs.
    trial = file.with_suffix(".yaml.part")
    manifest = parse(text, str(path))
    try:
        trial.write_text(text, encoding="utf-8")
        seen = dry_run(trial, manifest, PLAIN)
        trial.rename(path)
    except OSError as error:
        raise ModelRefused(f"{path}: expected a folder that can be written, got {error.strerror}") from error
    finally:
        trial.unlink(missing_ok=True)
    return Added(path, manifest, facts, seen)


def assumed(added: Added, said: Said) -> Iterator[str]:
    """What neither the file nor its owner said and the manifest now states, a sentence each."""
    taken = added.manifest.input
    if taken.dtype == "float32" and said.mean is None and said.std is None:
        yield "input in [0, 1]: byte / 255 (else --mean and --std)"
    yield f"bands in the order {taken.colour} (else --colour)"
    if taken.after is not None:
        yield f"{taken.name} takes the earlier image and {taken.after} the later one"
    if said.max_object_px is None:
        yield f"objects of at most {added.manifest.max_object_px} px (else --max-object-px)"
    yield "thresholds and quality are not measured yet"


def _name(file: Path) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", file.stem).lstrip("._-") or "model"


def _text(values: Values) -> str:
    """A manifest as YAML, one line a key where it fits."""
    lines = ["# Written by `edge models add`."]
    for key, value in values.items():
        if key in _NOTES:
            lines.append(f"# {_NOTES[key]}")
        lines.append(_line(key, value))
    return "\n".join(lines) + "\n"


def _line(key: str, value: Any) -> str:
    flow = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
    return f"{key}: {flow.removesuffix(_END).rstrip()}"
