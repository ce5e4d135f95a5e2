"""What `edge detect` prints: one record an image, plain data ready for JSON. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from edge.acquire.tile import Rgb
from edge.detect.detection import Detection
from edge.detect.manifest import Model
from edge.detect.objects import DetectSettings, detect, refusal
from edge.errors import TileRefused


def records(
    images: Iterable[str],
    gsd_m: float | None,
    *,
    model: Model,
    settings: DetectSettings,
    read: Callable[[str], Rgb],
) -> Iterator[dict[str, object]]:
    """One record an image, each as soon as it is made: CONTRACT.md, "Command line".

    images  their paths, as they shall stand in the records
    gsd_m   metres per pixel of all of them, or None: they are searched as they are
    read    the pixels behind a path; what it refuses is not caught here
    """
    for image in images:
        _check_gsd(image, gsd_m, model)
        found = detect(read(image), gsd_m, model=model, settings=settings)
        yield {"image": image, "gsd_m": gsd_m, "detections": [_plain(detection) for detection in found]}


def _check_gsd(image: str, gsd_m: float | None, model: Model) -> None:
    reason = None if gsd_m is None else refusal(gsd_m, model.manifest)
    if reason is not None:
        served = model.manifest.gsd_m
        detail = (
            f"{image}: gsd_m: {model.manifest.name} serves {served.min:g} to {served.max:g}, got {gsd_m:g}"
        )
        raise TileRefused(reason, detail)


def _plain(detection: Detection) -> dict[str, object]:
    """A detection in hundredths of a pixel and ten-thousandths of a score: more would be noise."""
    box = detection.box
    sides = [round(side, 2) for side in (box.left, box.top, box.right, box.bottom)]
    return {"label": detection.label, "score": round(detection.score, 4), "box": sides}
