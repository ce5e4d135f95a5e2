"""A process of its own that does one part of the work again and again, and says what CPU time it took.

    python -m benchmarks.worker floor|detect MANIFEST GSD_M JPEG...

For each line with a number N on standard input, N tiles are worked on and the CPU seconds are printed.
floor   decode, and raw ONNX Runtime over the same windows, cut beforehand
detect  decode, and edge.detect
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from edge.acquire.tile import Rgb
from edge.detect.manifest import Manifest, Model
from edge.detect.model import load, read_manifest
from edge.detect.objects import DetectSettings, detect
from edge.detect.windows import crop, windows


def decoded(path: Path) -> Rgb:
    """Pixels of a JPEG, by the shortest way."""
    return np.asarray(cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR_RGB), np.uint8)


def floor_of(manifest_path: Path, gsd_m: float, image: Path) -> Callable[[Path], None]:
    """The least that anyone could do: no merging, no resampling, no checks, nothing kept."""
    import onnxruntime as ort  # noqa: PLC0415 - the floor has its own session, tuned the same

    manifest = read_manifest(manifest_path)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_mem_pattern = False
    session = ort.InferenceSession(
        manifest_path.parent / manifest.file, options, providers=["CPUExecutionProvider"]
    )
    cut = windows_of(decoded(image), gsd_m, manifest)

    def work(path: Path) -> None:
        decoded(path)
        for window in cut:
            session.run(None, {manifest.input.name: window})

    return work


def windows_of(pixels: Rgb, gsd_m: float, manifest: Manifest) -> list[Rgb]:
    """The windows of one tile as the model takes them, (1, h, w, 3)."""
    share = min(1.0, gsd_m / manifest.gsd_m.working)
    reduced = np.asarray(cv2.resize(pixels, None, fx=share, fy=share, interpolation=cv2.INTER_AREA), np.uint8)
    size = manifest.input.width, manifest.input.height
    places = windows(reduced.shape[1], reduced.shape[0], size, manifest.max_object_px)
    return [np.ascontiguousarray(crop(reduced, window))[None] for window in places]


def detect_with(model: Model, gsd_m: float) -> Callable[[Path], None]:
    """What `edge detect` does to an image."""
    settings = DetectSettings()

    # As the daemon does at a site whose rules are about aircraft: nobody pays for a finer or a coarser pass.
    labels = [label for label in model.manifest.labels if label not in model.manifest.gsd_m.by_label]

    def work(path: Path) -> None:
        detect(decoded(path), gsd_m, model=model, settings=settings, labels=labels, long=())

    return work


def main() -> None:
    """Work as often as standard input asks for."""
    cv2.setNumThreads(1)
    part, manifest_path, gsd_m = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    images = [Path(name) for name in sys.argv[4:]]
    if part == "floor":
        work = floor_of(manifest_path, gsd_m, images[0])
    else:
        work = detect_with(load(manifest_path), gsd_m)
    in_turn = itertools.cycle(images)
    for line in sys.stdin:
        start_s = time.process_time()
        for _ in range(int(line)):
            work(next(in_turn))
        print(time.process_time() - start_s, flush=True)


if __name__ == "__main__":
    main()
