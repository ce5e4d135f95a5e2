"""Checkpoint to model: `python -m models.train.export --data DATA --checkpoint .train/objects-1/last.pt`.

Writes the ONNX file, runs it over the validation images, fits the calibration, folds that in, and writes the
manifest with the thresholds and the quality that were measured there.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from edge.detect.manifest import parse
from edge.detect.model import load
from models.train.calibrate import MIN_SCORE, Calibration, Fitted, fitted
from models.train.data import LABELS, RENDERED, Part, labels_of, named, scenes
from models.train.deploy import WINDOW_PX, deployed, write_onnx
from models.train.heldout import judged_by, only
from models.train.matching import Figures, best
from models.train.measure import look, rows, together
from models.train.network import Network, read_checkpoint

MANIFEST = """\
# Written by models/train/export.py; objects.md says what stands behind the figures.
name: {name}
kind: objects
file: {file}
sha256: {sha256}
labels: [{labels}]
input: {{name: image, width: {window}, height: {window}, layout: nhwc, dtype: uint8, colour: rgb}}
gsd_m:
  min: 0.3
  working: 0.7
  max: 2.0
  by_label: {{vehicle: 0.35}}
  long: {{ship: {{from_m: 60, working: 1.4}}}}
output: {{layout: boxes_scores, boxes: boxes, scores: scores}}
max_object_px: 128
# Of the best F1 on the validation images, after calibration.
thresholds: {{{thresholds}}}
# On the same images at these thresholds; ground sample distances where a set states a range: its middle.
quality:
{quality}
"""


@dataclass(frozen=True, slots=True)
class Weights:
    """What a checkpoint holds for a model: the averaged weights and the labels they know."""

    network: Mapping[str, torch.Tensor]
    labels: tuple[str, ...]
    step: int

    @classmethod
    def read(cls, path: Path) -> Weights:
        """From a checkpoint."""
        saved = read_checkpoint(path)
        return cls(saved.ema, labels_of(named(saved.sources)), saved.step)

    def write(self, path: Path, calibrations: Sequence[Calibration]) -> float:
        """As an ONNX file; returns ms of CPU a window."""
        network = Network()
        network.load_state_dict(self.network)
        channels = [LABELS.index(label) for label in self.labels]
        return write_onnx(deployed(network, channels, calibrations), path)


def manifest(name: str, weights: Path, figures: Mapping[str, Figures]) -> str:
    """The text of a manifest, checked."""
    quality = "\n".join(
        f"  {label}: {{recall: {one.recall:.2f}, false_alarms_per_km2: {one.false_alarms_per_km2:.2f}}}"
        for label, one in figures.items()
    )
    text = MANIFEST.format(
        name=name,
        file=weights.name,
        sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
        labels=", ".join(figures),
        window=WINDOW_PX,
        thresholds=", ".join(f"{label}: {one.threshold:.2f}" for label, one in figures.items()),
        quality=quality,
    ).rstrip("\n")
    parse(text, f"{name}.yaml")
    return f"{text}\n"


def measured(
    weights: Weights, parts: Sequence[Part], *, at_gsd: bool
) -> tuple[dict[str, Fitted], dict[str, Figures]]:
    """Calibration of each label, and what its best threshold then gives."""
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.onnx"
        weights.write(raw, [Calibration()] * len(weights.labels))
        unknown = dict.fromkeys(weights.labels, Figures(0.5, 0.0, 0.0, 0.0))
        raw.with_suffix(".yaml").write_text(manifest("raw", raw, unknown), encoding="utf-8")
        model = load(raw.with_suffix(".yaml"))
        table = [
            row for part in parts for row in rows(part.name, look(part, model, MIN_SCORE, at_gsd=at_gsd))
        ]
    judged = {label: together(table, label) for label in weights.labels}
    fits = {label: fitted(judged[label]) for label in weights.labels}
    return fits, {label: best(fits[label].calibration.of(judged[label])) for label in weights.labels}


def main() -> None:
    """Export as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the sets")
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("models/objects.onnx"))
    parser.add_argument("--name", default="objects-2")
    parser.add_argument(
        "--as-they-are",
        action="store_true",
        help="calibrate on images as they are, not reduced to the working ground sample distance",
    )
    parser.add_argument(
        "--scenes", type=Path, help="folder that models.train.scenes wrote to, for what no real set labels"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", message="You are using the legacy TorchScript-based ONNX export")
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    weights = Weights.read(arguments.checkpoint)
    parts = judged_by(arguments.data)
    if arguments.scenes:
        parts.append(only(scenes(arguments.scenes, "val"), RENDERED))
    fits, figures = measured(weights, parts, at_gsd=not arguments.as_they_are)
    fresh = arguments.out.with_suffix(".fresh")
    ms = weights.write(fresh, [fits[label].calibration for label in weights.labels])
    fresh.replace(arguments.out)
    text = manifest(arguments.name, arguments.out, figures)
    arguments.out.with_suffix(".yaml").write_text(text, encoding="utf-8")
    print(f"step {weights.step}, {arguments.out.stat().st_size} bytes, {ms:.0f} ms CPU a window, one thread")
    print(
        "label         candidates  scale   bias  error: before  after elsewhere  threshold  recall  precision"
    )
    for label, fit in fits.items():
        said, found = fit.calibration, figures[label]
        print(
            f"{label:13s} {fit.n_candidates:10d} {said.scale:6.2f} {said.bias:+6.2f} {fit.error_before:14.3f}"
            f"{fit.error_after:6.3f} {fit.error_elsewhere:9.3f} {found.threshold:10.2f} {found.recall:7.2f} "
            f"{found.precision:10.2f}"
        )


if __name__ == "__main__":
    main()
