"""A model looks at a rendered tile before it is trusted with a real one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge.acquire.tile import Rgb
from edge.detect.manifest import Boxes, ChangeModel, Manifest, Model
from edge.detect.model import load, load_change
from edge.detect.objects import DetectSettings, detect
from edge.detect.windows import Window, crop, windows
from edge.errors import ModelRefused
from edge.fitting.rendered import Apron, apron

# Boxes of a window lie in it or near it: this many of its sides away is another unit or another order.
_FAR = 4.0
# No box beyond this many pixels in a whole window of hundreds: shares of the window, not pixels.
_SHARES_PX = 2.0
_MIN_IOU = 0.5


def dry_run(manifest_path: Path, manifest: Manifest, variant: str) -> str:
    """What a model found on a rendered tile, in one line; ModelRefused where that cannot be right."""
    scene = apron(manifest)
    if manifest.kind == "change":
        return _compared(load_change(manifest_path, variant=variant), scene)
    return _searched(load(manifest_path, variant=variant), scene)


def _searched(model: Model, scene: Apron) -> str:
    pixels, true_boxes = scene.parked(seed=1)
    _check_boxes(model.infer(crop(pixels, _windows(pixels, model.manifest)[0]))[0], model.manifest)
    found = detect(pixels, None, model=model, settings=DetectSettings())
    sure = [one for one in found if one.score >= model.manifest.thresholds[one.label]]
    said = f"{len(sure)} detections at their thresholds on a rendered airfield at {scene.gsd_m:g} m"
    if "aircraft" not in model.manifest.labels:
        return said
    aircraft = [one.box for one in sure if one.label == "aircraft"]
    n_found = sum(any(box.iou(true) >= _MIN_IOU for box in aircraft) for true in true_boxes)
    return f"{said}, {n_found} of its {len(true_boxes)} airliners among them"


def _windows(pixels: Rgb, manifest: Manifest) -> list[Window]:
    height, width = pixels.shape[:2]
    return windows(width, height, (manifest.input.width, manifest.input.height), manifest.max_object_px)


def _check_boxes(boxes: Boxes, manifest: Manifest) -> None:
    """Numbers that cannot be pixels of the window are refused, whatever their scores."""
    if not len(boxes):
        return
    side = max(manifest.input.width, manifest.input.height)
    low, high = float(boxes.min()), float(boxes.max())
    if not (low > -_FAR * side and high < _FAR * side):
        raise ModelRefused(
            f"{manifest.file}: boxes: expected pixels of a window of {side}, got {low:g} to {high:g}"
        )
    if np.abs(boxes).max() <= _SHARES_PX and not _all_empty(boxes):
        raise ModelRefused(
            f"{manifest.file}: boxes: expected pixels of a window of {side}, got {low:g} to {high:g}: "
            "shares of the window, as in the layouts detr and detr_rows"
        )


def _all_empty(boxes: Boxes) -> bool:
    """True where every row only fills up a table."""
    return not boxes.any()


def _compared(model: ChangeModel, scene: Apron) -> str:
    """The window in which most came: two looks at it empty, and one with aircraft."""
    before, again, (parked, _) = scene.empty(seed=1), scene.empty(seed=2), scene.parked(seed=2)
    [threshold] = model.manifest.thresholds.values()
    place = max(
        _windows(parked, model.manifest),
        key=lambda window: float((crop(parked, window) != crop(again, window)).mean()),
    )
    still, arrived = (
        float((model.infer(crop(before, place), crop(later, place)) >= threshold).mean())
        for later in (again, parked)
    )
    return (
        f"changed share of a rendered airfield at {scene.gsd_m:g} m: {still:.4f} where nothing came, "
        f"{arrived:.4f} where aircraft came"
    )
