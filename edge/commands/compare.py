"""`edge compare`: what changed between two images of one place, as JSON, a mask and pictures."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import msgspec
import numpy as np

from edge import shipped
from edge.acquire import decode
from edge.acquire.decode import DecodeSettings
from edge.acquire.registration import RegistrationSettings
from edge.acquire.tile import Rgb
from edge.compare import Compared, Picture, compare
from edge.detect.change import ChangeRegion, ChangeSettings
from edge.detect.manifest import ChangeModel
from edge.detect.model import load_change
from edge.errors import ArgumentRefused
from edge.transmit.pictures import jpeg

# Of the regions, the largest are shown; ground shown around each, as a share of its longer side.
MAX_PICTURES = 50
AROUND = 0.6
MIN_SIDE_PX = 96


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the two images and what is written."""
    parser.add_argument("before", type=Path, metavar="BEFORE", help="the earlier image")
    parser.add_argument(
        "after", type=Path, metavar="AFTER", help="the later one, of the same ground and size"
    )
    parser.add_argument(
        "--gsd", type=float, metavar="M", help="metres per pixel; without it the images are used as they are"
    )
    parser.add_argument("--mask", type=Path, metavar="OUT.png", help="write the changed pixels, 0 or 255")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="write before and after of each region")
    parser.add_argument(
        "--model", type=Path, metavar="FILE", help="manifest of a change model (default: the shipped one)"
    )
    parser.add_argument(
        "--threads", type=int, default=1, metavar="N", help="of the model (default: %(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print one JSON object."""
    model = load_change(arguments.model or shipped.model("change"), threads=arguments.threads)
    before, after = (_picture(path) for path in (arguments.before, arguments.after))
    _check(arguments, before, after, model)
    found = compare(
        before,
        after,
        gsd_m=arguments.gsd,
        model=model,
        settings=ChangeSettings(),
        registration=RegistrationSettings(),
    )
    if arguments.mask is not None:
        _write(arguments.mask, cv2.imencode(".png", found.mask.astype(np.uint8) * 255)[1].tobytes())
    if arguments.pictures is not None:
        _write_pictures(arguments.pictures, found, after.pixels)
    print(msgspec.json.encode(found.plain()).decode(), flush=True)
    return 0


def _picture(path: Path) -> Picture:
    return Picture(*decode.pixels_of(path, DecodeSettings()))


def _check(arguments: argparse.Namespace, before: Picture, after: Picture, model: ChangeModel) -> None:
    served = model.manifest.gsd_m
    if arguments.gsd is not None and not served.min <= arguments.gsd <= served.max:
        text = f"gsd_m: {model.manifest.name} serves {served.min:g} to {served.max:g}, got {arguments.gsd:g}"
        raise ArgumentRefused(f"--gsd: {text}")
    first, second = (f"{one.pixels.shape[1]} x {one.pixels.shape[0]}" for one in (before, after))
    if first != second:
        text = f"expected {first} pixels as of {arguments.before}, got {second}"
        raise ArgumentRefused(f"{arguments.after}: {text}")


def _write_pictures(folder: Path, found: Compared, after: Rgb) -> None:
    """Before and after side by side, the largest regions first."""
    for number, region in enumerate(found.regions[:MAX_PICTURES], start=1):
        rows, columns = _around(region, after.shape)
        sides = np.hstack([found.before[rows, columns], after[rows, columns]])
        _write(folder / f"region-{number:02d}.jpg", jpeg(sides))


def _around(region: ChangeRegion, shape: tuple[int, ...]) -> tuple[slice, slice]:
    x, y = region.box.centre
    longer = max(region.box.width, region.box.height)
    half = max(longer * (0.5 + AROUND), MIN_SIDE_PX / 2)
    top, left = max(0, int(y - half)), max(0, int(x - half))
    return slice(top, min(shape[0], int(y + half) + 1)), slice(left, min(shape[1], int(x + half) + 1))


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise ArgumentRefused(f"{path}: expected a file that can be written, got {error.strerror}") from error
