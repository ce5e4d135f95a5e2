"""`edge detect`: the objects in single images, one JSON object an image."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from edge import shipped
from edge.acquire import decode
from edge.acquire.decode import DecodeSettings
from edge.acquire.tile import Rgb
from edge.detect.model import load
from edge.detect.objects import DetectSettings
from edge.detect.record import records
from edge.progress import progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the images, their ground sample distance and the model."""
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="JPEG, PNG or TIFF file")
    parser.add_argument(
        "--gsd",
        type=float,
        metavar="M",
        help="metres per pixel of the images; without it they are searched as they are",
    )
    parser.add_argument(
        "--model", type=Path, metavar="FILE", help="manifest of a model (default: the shipped one)"
    )
    parser.add_argument(
        "--threads", type=int, default=1, metavar="N", help="of the model (default: %(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print JSON Lines as the images are done."""
    model = load(arguments.model or shipped.model("objects"), threads=arguments.threads)
    found = records(arguments.images, arguments.gsd, model=model, settings=DetectSettings(), read=_pixels)
    for record in progress(found, len(arguments.images), "detect", sys.stderr):
        print(msgspec.json.encode(record).decode(), flush=True)
    return 0


def _pixels(image: str) -> Rgb:
    return decode.pixels_of(Path(image), DecodeSettings())[0]
