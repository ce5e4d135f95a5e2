"""Whether a model is what its manifest says, and whether it runs: every check that there is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge.detect import onnx_file
from edge.detect.manifest import PLAIN, Manifest
from edge.detect.model import load, load_change, read_manifest
from edge.errors import ModelRefused
from edge.fitting.dry_run import dry_run


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of one model's weights.

    name     of the model, or the path of a manifest that cannot be read
    variant  plain, or the name of a variant
    ok       True if nothing is wrong
    found    what was seen, or what is wrong
    """

    name: str
    variant: str
    ok: bool
    found: str

    def __str__(self) -> str:
        return f"{'ok  ' if self.ok else 'FAIL'}  {self.name} ({self.variant}): {self.found}"


def verify(manifest_path: Path) -> list[Verified]:
    """Each of a model's weights: hash, operators, inputs, outputs, labels, and a dry run."""
    try:
        manifest = read_manifest(manifest_path)
    except ModelRefused as refused:
        return [Verified(str(manifest_path), PLAIN, ok=False, found=str(refused))]
    return [_verified(manifest_path, manifest, variant) for variant in manifest.names]


def _verified(path: Path, manifest: Manifest, variant: str) -> Verified:
    chosen = manifest.of(variant)
    try:
        (load_change if manifest.kind == "change" else load)(path, variant=variant)
        opset = onnx_file.opset((path.parent / chosen.file).read_bytes())
        seen = dry_run(path, chosen, variant)
    except (ModelRefused, OSError) as refused:
        return Verified(manifest.name, variant, ok=False, found=str(refused))
    found = f"sha256 {chosen.sha256[:12]}..., opset {opset}, {', '.join(manifest.labels)}; dry run: {seen}"
    return Verified(manifest.name, variant, ok=True, found=found)
