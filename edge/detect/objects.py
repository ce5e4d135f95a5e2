"""Objects in one tile: windows at the model's own ground sample distance, their boxes merged. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import cv2
import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from edge.acquire.quality import Reject
from edge.acquire.tile import Mask, Rgb
from edge.detect.detection import Detection
from edge.detect.manifest import Boxes, Manifest, Model
from edge.detect.passes import Pass, passes
from edge.detect.size import SHORTEST_M, doubted
from edge.detect.windows import Window, crop, has_any, windows
from edge.errors import ModelRefused
from edge.geo import PixelBox

# Rows of the table of pairs that are made at once: 2.5 MB each at the most candidates.
_BLOCK = 128


class DetectSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How boxes become detections."""

    # Score from which a box is kept as a candidate. Far below the thresholds of the models: a weak sight of
    # an object that is known to stand there is worth having, and what it is worth is decided later.
    min_score: Annotated[float, Meta(gt=0, le=1)] = 0.1
    # Boxes of one label whose intersection over union is above this are one object.
    # hrplanesv2, nwpu-vhr10, aerial-airport, aerial-cars, boats-rf: of 16,152 true boxes no two reach 0.3.
    max_iou: Annotated[float, Meta(gt=0, le=1)] = 0.4
    # Boxes of one label of which the smaller lies to more than this share in the larger are one object.
    # The same boxes: one pair is above 0.7.
    max_inside_fraction: Annotated[float, Meta(gt=0, le=1)] = 0.7
    # At most so many boxes a tile, the best ones, are merged: bounds the work where a model goes wild.
    # The fullest of the same images holds 127 objects.
    max_detections: Annotated[int, Meta(ge=1, le=20_000)] = 5000
    # Metres of the longer side of a box from which its label is believed; what is smaller loses score. Asked
    # only where the ground sample distance is known.
    shortest_m: Mapping[str, Annotated[float, Meta(gt=0, le=1000)]] = msgspec.field(
        default_factory=lambda: dict(SHORTEST_M)
    )


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What may be an object, N of them.

    boxes   (N, 4) float32, left top right bottom in pixels of one image
    scores  (N,) float32 in [0, 1]
    labels  (N,) integer, index into the labels of the manifest
    """

    boxes: Boxes
    scores: NDArray[np.float32]
    labels: NDArray[np.intp]

    def at(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Candidates:
        """Those that a mask or an index chooses."""
        return Candidates(self.boxes[chosen], self.scores[chosen], self.labels[chosen])


def refusal(gsd_m: float, manifest: Manifest) -> Reject | None:
    """Why a tile of that ground sample distance cannot be served, or None where it can."""
    if gsd_m < manifest.gsd_m.min:
        return Reject.GSD_TOO_FINE
    return Reject.GSD_TOO_COARSE if gsd_m > manifest.gsd_m.max else None


def detect(
    pixels: Rgb,
    gsd_m: float | None,
    *,
    model: Model,
    settings: DetectSettings,
    usable: Mask | None = None,
    labels: Collection[str] | None = None,
    long: Collection[str] | None = None,
) -> list[Detection]:
    """The objects in an image, the best score first.

    pixels   (H, W, 3) uint8 RGB
    gsd_m    metres per pixel, within the range of the model (ask refusal first); None: used as it is
    usable   (h, w) bool over the same ground in cells of any size; a window owning no True cell is left out
    labels   what to look for, None: all that the model knows; what nobody asks for may cost no pass
    long     of which of them long objects may cost a pass, None: all
    returns  with boxes in pixels of the image as given; the same image gives the same list
    """
    if gsd_m is not None and refusal(gsd_m, model.manifest):
        raise ValueError(f"gsd_m: expected what {model.manifest.name} serves, got {gsd_m}")
    search = _Search(model, settings.min_score, usable)
    found = merge(
        _together([_seen_in(one, pixels, search) for one in passes(model.manifest, gsd_m, labels, long)]),
        settings,
    )
    detections = [
        Detection(model.manifest.labels[label], score, PixelBox(*box))
        for box, score, label in zip(found.boxes.tolist(), found.scores.tolist(), found.labels, strict=True)
    ]
    return detections if gsd_m is None else _sized(detections, gsd_m, model.manifest, settings)


def _sized(
    detections: Sequence[Detection], gsd_m: float, manifest: Manifest, settings: DetectSettings
) -> list[Detection]:
    """The detections with what their size says of them, the best first again."""
    weighed = [
        doubted(one, gsd_m, max(gsd_m, manifest.gsd_m.working_of(one.label)), settings.shortest_m)
        for one in detections
    ]
    likely = [one for one in weighed if one.score >= settings.min_score]
    return sorted(likely, key=lambda one: -one.score)


@dataclass(frozen=True, slots=True)
class _Search:
    """What is the same in every pass over a tile."""

    model: Model
    min_score: float
    usable: Mask | None

    def sought(self, labels: Collection[str]) -> NDArray[np.bool_]:
        """(L,) bool over the labels of the manifest."""
        return np.array([label in labels for label in self.model.manifest.labels])


def _seen_in(one: Pass, pixels: Rgb, search: _Search) -> Candidates:
    """What one pass over a tile finds, in pixels of the tile as it came."""
    reduced = _reduced(pixels, one.share)
    found = _look(reduced, search, search.sought(one.labels))
    size = np.array(pixels.shape[1::-1] * 2, np.float64)
    boxes = np.minimum(found.boxes * (size / (reduced.shape[1::-1] * 2)), size)
    seen = Candidates(boxes.astype(np.float32), found.scores, found.labels)
    if not one.longer_px:
        return seen
    return seen.at((boxes[:, 2:] - boxes[:, :2]).max(1, initial=0) >= one.longer_px)


def _reduced(pixels: Rgb, share: float) -> Rgb:
    """The image with its sides reduced to a share in (0, 1].

    Down to a half, bilinear leaves no pixel out and takes a sixth of the time of INTER_AREA; on 26 passes of
    airports at 0.5 m it found as many aircraft. What is reduced further is halved before, which INTER_AREA
    does fast.
    """
    if share >= 1:
        return pixels
    width, height = (max(1, round(side * share)) for side in pixels.shape[1::-1])
    while min(pixels.shape[0] // height, pixels.shape[1] // width) >= 2:
        half = pixels.shape[1] // 2, pixels.shape[0] // 2
        pixels = np.asarray(cv2.resize(pixels, half, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _look(pixels: Rgb, search: _Search, sought: NDArray[np.bool_]) -> Candidates:
    """What the model sees in all windows of an image, each object from the window that owns it."""
    height, width = pixels.shape[:2]
    manifest = search.model.manifest
    size = (manifest.input.width, manifest.input.height)
    return _together(
        [
            _look_through(window, pixels, search, sought)
            for window in windows(width, height, size, manifest.max_object_px)
            if search.usable is None or has_any(search.usable, window, width, height)
        ]
    )


def _together(parts: Sequence[Candidates]) -> Candidates:
    if not parts:
        return Candidates(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.intp))
    return Candidates(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )


def _look_through(window: Window, pixels: Rgb, search: _Search, sought: NDArray[np.bool_]) -> Candidates:
    """What the model sees in one window and the window owns, in pixels of the image and within it."""
    model = search.model
    boxes, scores = model.infer(crop(pixels, window))
    # Flat: nonzero takes ten times as long over two axes.
    rows, labels = np.divmod(np.flatnonzero(scores >= search.min_score), scores.shape[1])
    rows, labels = rows[sought[labels]], labels[sought[labels]]
    height, width = pixels.shape[:2]
    corner = np.array([window.columns.start, window.rows.start] * 2, np.float32)
    found = Candidates(boxes[rows] + corner, scores[rows, labels], labels)
    if not np.isfinite(found.boxes).all():
        raise ModelRefused(f"{model.manifest.file}: boxes: expected finite numbers, got NaN or infinity")
    owned = found.at(window.owns(found.boxes))
    np.clip(owned.boxes, 0, np.array([width, height] * 2, np.float32), out=owned.boxes)
    return owned.at((owned.boxes[:, 0] < owned.boxes[:, 2]) & (owned.boxes[:, 1] < owned.boxes[:, 3]))


def merge(found: Candidates, settings: DetectSettings) -> Candidates:
    """The best of those that show one object, best score first; equal ones in the order of label and box."""
    best_first = np.lexsort((*found.boxes.T[::-1], found.labels, -found.scores))
    ranked = found.at(best_first[: settings.max_detections])
    kept = np.ones(len(ranked.scores), np.bool_)
    for start in range(0, len(kept), _BLOCK):
        # By the time a row comes, everything better has been kept or dropped for good.
        rows, columns = np.nonzero(_same_object(ranked, start, settings))
        for better, worse in zip((rows + start).tolist(), (columns + start).tolist(), strict=True):
            if better < worse and kept[better]:
                kept[worse] = False
    return ranked.at(kept)


def _same_object(ranked: Candidates, start: int, settings: DetectSettings) -> NDArray[np.bool_]:
    """(at most _BLOCK, N - start) bool; True where two of the candidates from start on show one object."""
    left, top, right, bottom = ranked.boxes[start:].T
    some = np.s_[:_BLOCK, None]
    widths = np.minimum(right[some], right) - np.maximum(left[some], left)
    heights = np.minimum(bottom[some], bottom) - np.maximum(top[some], top)
    inner = np.maximum(widths, 0) * np.maximum(heights, 0)
    area, label = (right - left) * (bottom - top), ranked.labels[start:]
    is_one = inner > settings.max_iou * (area[some] + area - inner)
    is_inside = inner > settings.max_inside_fraction * np.minimum(area[some], area)
    return np.asarray((is_one | is_inside) & (label[some] == label))
