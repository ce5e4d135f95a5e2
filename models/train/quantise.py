"""Small and fast copies of a model: `python -m models.train.quantise --data DATA --manifest MANIFEST`.

Packs the weights of the model itself (FP16 on the disk, float32 from the load on), makes an INT8 variant
calibrated on training crops, measures both beside the plain one through edge.detect, and enters them into the
manifest. `edge models bench` then says on each device which one is the faster.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnx

from edge.acquire.tile import Rgb
from edge.detect.detection import Detection
from edge.detect.manifest import Manifest, Model
from edge.detect.model import load, read_manifest
from edge.detect.objects import DetectSettings
from edge.detect.prepare import feed
from edge.detect.windows import crop, windows
from models.train.data import SOURCES, Part, validation
from models.train.matching import at, average_precision, interval
from models.train.measure import Row, Seen, look, rows, together
from models.train.pack import packed
from models.train.static import Feed, static_int8

N_WINDOWS, N_TIMES = 96, 20
MIN_SCORE = DetectSettings().min_score


@dataclass(frozen=True, slots=True)
class Copy:
    """One way to store and to compute the model."""

    name: str
    model: Model
    n_bytes: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What a copy saw, and what a window costs it in ms of CPU."""

    copy: Copy
    ms: float
    seen: list[Seen]

    @property
    def table(self) -> list[Row]:
        """A row for each label; the parts are looked at together."""
        return list(rows("all", self.seen))


def training_windows(data: Path, manifest: Manifest, n_windows: int) -> Iterator[Rgb]:
    """Windows from random places of random training images, as often from each set as it is learnt from."""
    rng = np.random.default_rng(0)
    shares = np.array([source.share for source in SOURCES])
    files = {source.name: sorted((data / source.name / "train").glob("*")) for source in SOURCES}
    size = (manifest.input.width, manifest.input.height)
    for number in rng.choice(len(SOURCES), n_windows, p=shares / shares.sum()):
        among = files[SOURCES[number].name]
        bgr = cv2.imread(str(among[rng.integers(len(among))]))
        if bgr is None:
            raise ValueError(f"{data / SOURCES[number].name}: expected images only")
        pixels = np.ascontiguousarray(bgr[..., ::-1], np.uint8)
        places = windows(pixels.shape[1], pixels.shape[0], size, manifest.max_object_px)
        yield crop(pixels, places[rng.integers(len(places))])


def feeds(data: Path, manifest: Manifest, n_windows: int = N_WINDOWS) -> Iterator[Feed]:
    """The same as a session takes them."""
    return (feed(manifest.input, window) for window in training_windows(data, manifest, n_windows))


def measured(copies: Sequence[Copy], parts: Sequence[Part]) -> list[Measured]:
    """Every copy on the same images."""
    times = _timed(copies, parts[0].items[0].pixels)
    return [
        Measured(copy, ms, [one for part in parts for one in look(part, copy.model, MIN_SCORE, at_gsd=True)])
        for copy, ms in zip(copies, times, strict=True)
    ]


def _timed(copies: Sequence[Copy], pixels: Rgb) -> list[float]:
    """Median ms of CPU a window; the copies take turns, so that a slow minute hits all alike."""
    some = copies[0].model.manifest
    size = (some.input.width, some.input.height)
    window = crop(pixels, windows(pixels.shape[1], pixels.shape[0], size, some.max_object_px)[0])
    times = np.zeros((N_TIMES, len(copies)))
    for turn in times:
        for number, copy in enumerate(copies):
            started = time.process_time()
            copy.model.infer(window)
            turn[number] = time.process_time() - started
    return [1000 * float(ms) for ms in np.median(times, axis=0)]


def score_differences(seen: Sequence[Seen], other: Sequence[Seen]) -> np.ndarray:
    """How far the scores of the same objects lie apart; one that only one of them sees counts in full."""
    apart = [
        abs(one.score - _score_of(one, there.detections))
        for here, there in zip(seen, other, strict=True)
        for one in here.detections
    ]
    return np.array(apart or [0.0])


def _score_of(wanted: Detection, among: Sequence[Detection]) -> float:
    same = [one.score for one in among if one.label == wanted.label and one.box.iou(wanted.box) >= 0.5]
    return max(same, default=0.0)


def lines(found: Sequence[Measured], manifest: Manifest) -> Iterator[str]:
    """The table for the card."""
    yield "| weights | bytes | ms CPU | scores apart: mean, worst | label | AP50 | 90 % interval | recall |"
    yield "|---|--:|--:|--:|---|--:|--:|--:|"
    for one in found:
        apart = score_differences(found[0].seen, one.seen)
        for row in one.table:
            if row.label in manifest.labels:
                low, high = interval(row.judged)
                recall = at(row.judged, manifest.thresholds[row.label]).recall
                yield (
                    f"| {one.copy.name} | {one.copy.n_bytes} | {one.ms:.1f} "
                    f"| {apart.mean():.4f}, {apart.max():.3f} "
                    f"| {row.label} | {average_precision(row.judged):.3f} | {low:.3f} to {high:.3f} "
                    f"| {recall:.2f} |"
                )


def with_variant(text: str, plain: Path, name: str, variant: Path, quality: str) -> str:
    """The manifest's text with the hash of the plain weights and a variant, in place of what stood there."""
    text = re.sub(r"^variants:\n(?:[ #].*\n)+", "", text, flags=re.MULTILINE)
    entry = f"variants:\n  {name}:\n    file: {variant.name}\n    sha256: {_sha256(variant)}\n{quality}"
    return re.sub(r"^sha256: .*\n", f"sha256: {_sha256(plain)}\n{entry}", text, flags=re.MULTILINE)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def quality_of(found: Measured, plain: Measured, manifest: Manifest) -> str:
    """What the variant loses or gains against the plain weights, on top of what the manifest says of those.

    The images here are fewer than those behind the manifest's figures, so only the difference is taken over.
    """
    parts = []
    for label, said in manifest.quality.items():
        judged, before = together(found.table, label), together(plain.table, label)
        recall, false_alarms = said.recall, said.false_alarms_per_km2
        if judged and before:
            threshold = manifest.thresholds[label]
            now, then = at(judged, threshold), at(before, threshold)
            recall = min(1.0, max(0.0, recall + now.recall - then.recall))
            false_alarms = max(0.0, false_alarms + now.false_alarms_per_km2 - then.false_alarms_per_km2)
        parts.append(f"      {label}: {{recall: {recall:.2f}, false_alarms_per_km2: {false_alarms:.2f}}}\n")
    return "    quality:\n" + "".join(parts)


def _first(part: Part, n_images: int) -> Part:
    return Part(part.name, part.source, part.items[:n_images])


def main() -> None:
    """Pack, quantise, measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the sets")
    parser.add_argument("--manifest", type=Path, default=Path("models/objects.yaml"))
    parser.add_argument(
        "--weights", choices=("fp16", "int8"), default="fp16", help="how the model itself is stored"
    )
    parser.add_argument("--reduce-range", action="store_true", help="7-bit weights, for x86 without VNNI")
    parser.add_argument("--images", type=int, default=40, metavar="N", help="of each validation part")
    parser.add_argument("--sets", nargs="+", default=[source.name for source in SOURCES], metavar="SET")
    arguments = parser.parse_args()
    path = arguments.manifest
    manifest = read_manifest(path)
    plain = path.parent / manifest.file
    variant = plain.with_name(f"{plain.stem}-int8.onnx")
    sources = [source for source in SOURCES if source.name in arguments.sets]
    parts = [_first(part, arguments.images) for part in validation(arguments.data, sources)]
    before = Copy("as it came", load(path), plain.stat().st_size)

    whole = onnx.load(plain)
    small = static_int8(whole, feeds(arguments.data, manifest), reduce_range=arguments.reduce_range)
    variant.write_bytes(packed(small, "fp16").SerializeToString())
    plain.write_bytes(packed(whole, arguments.weights).SerializeToString())
    text = path.read_text(encoding="utf-8")
    path.write_text(with_variant(text, plain, "int8", variant, ""), encoding="utf-8")
    stored = Copy(f"stored as {arguments.weights}", load(path), plain.stat().st_size)
    fast = Copy("int8", load(path, variant="int8"), variant.stat().st_size)
    found = measured([before, stored, fast], parts)
    quality = quality_of(found[2], found[1], manifest)
    path.write_text(with_variant(text, plain, "int8", variant, quality), encoding="utf-8")
    read_manifest(path)
    print("\n".join(lines(found, manifest)))


if __name__ == "__main__":
    main()
