"""Checkpoint to model: `python -m models.train.change.export --data DATA --checkpoint CHECKPOINT`.

The threshold is that of the best F1 of the held-out labelled pairs.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import warnings
from pathlib import Path

import numpy as np
import torch

from edge.detect.change import ChangeSettings, changed
from edge.detect.manifest import parse
from edge.detect.model import load_change
from models.train.calibrate import Calibration
from models.train.change.data import LEVIR_GSD_M, pairs
from models.train.change.deploy import WINDOW_PX, deployed, write_onnx
from models.train.change.evaluate import Staged, f1, ratio, scores_of, staged, staged_pairs
from models.train.change.network import ChangeNetwork

LEVELS = np.arange(0.20, 0.71, 0.1)

MANIFEST = """\
# Written by models/train/change/export.py; change.md says what stands behind the figures.
name: {name}
kind: change
file: {file}
sha256: {sha256}
labels: [change]
input:
  {{name: image, cached: before, width: {window}, height: {window}, layout: nhwc, dtype: uint8, colour: rgb}}
gsd_m: {{min: 0.2, working: 0.5, max: 2.0}}
output: {{layout: mask, rows: mask, features: features}}
max_object_px: 64
# Chosen on held-out pairs: {why}.
thresholds: {{change: {level:.2f}}}
# Laid-on objects of 12 pixels and more on held-out ground, at this threshold.
quality:
  change: {{recall: {recall:.2f}, false_alarms_per_km2: {false:.2f}}}
"""


def write(checkpoint: Path, calibration: Calibration, out: Path) -> None:
    """The averaged weights of a checkpoint as an ONNX file."""
    network = ChangeNetwork()
    network.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["ema"])
    write_onnx(deployed(network, calibration), out)


def manifest(name: str, weights: Path, *, level: float, why: str, recall: float, false: float) -> str:
    """The text of a manifest, checked."""
    text = MANIFEST.format(
        name=name,
        file=weights.name,
        sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
        window=WINDOW_PX,
        level=level,
        why=why,
        recall=recall,
        false=false,
    )
    parse(text, f"{name}.yaml")
    return text


def come_or_gone(found: Staged, low_px: float, high_px: float) -> float:
    """Recall of the objects of these lengths that came or went."""
    return found.recall(low_px, high_px, is_altered=False)[0].value


def main() -> None:
    """Export as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds change/ and objects/")
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("models/change.onnx"))
    parser.add_argument("--name", default="change-1")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", message="You are using the legacy TorchScript-based ONNX export")
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    write(arguments.checkpoint, Calibration(), arguments.out)
    said = {"level": 0.5, "why": "not yet", "recall": 0.0, "false": 0.0}
    path = arguments.out.with_suffix(".yaml")
    path.write_text(manifest(arguments.name, arguments.out, **said), encoding="utf-8")  # type: ignore[arg-type]
    model = load_change(path)
    labelled, made = pairs(arguments.data / "change" / "levir-val"), staged_pairs(arguments.data)
    maps, laid = [scores_of(one, model) for one in labelled], [scores_of(one, model) for one in made]
    labels = [pair.changed for pair in labelled]
    print("level  levir-val F1             false/10 Mpx  recall 6..12  recall 12..")
    best = (0.0, 0.5)
    for level in LEVELS:
        settings = ChangeSettings(min_score=float(level))
        masks = [changed(one, model=model, settings=settings, gsd_m=LEVIR_GSD_M) for one in maps]
        score, found = f1(masks, labels), staged(made, laid, model, float(level))
        false = 10 * ratio(found.n_false, found.megapixels).value
        small, large = (come_or_gone(found, *lengths) for lengths in ((6, 12), (12, 1000)))
        print(f"{level:.2f}   {score}  {false:10.2f} {small:12.3f} {large:12.3f}")
        best = max(best, (score.value, float(level)))
    level = best[1]
    found = staged(made, laid, model, level)
    said = {
        "level": level,
        "why": "the best F1 of levir-val",
        "recall": come_or_gone(found, 12, 1000),
        "false": ratio(found.n_false, found.megapixels).value / LEVIR_GSD_M**2,
    }
    path.write_text(manifest(arguments.name, arguments.out, **said), encoding="utf-8")  # type: ignore[arg-type]
    print(f"threshold {level:.2f}, {arguments.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
