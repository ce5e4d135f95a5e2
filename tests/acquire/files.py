"""Tile files as senders write them: images with something to see, STAC sidecars, and what surrounds them."""

from __future__ import annotations

import json
import struct
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edge.acquire.decode import DecodeSettings
from edge.acquire.spool import DONE, QUARANTINE, Spool, SpoolSettings
from edge.acquire.tile import Rgb
from edge.geo import GeoBounds, Site

WIDTH_PX, HEIGHT_PX = 96, 64
# 0.5 m per pixel at the equator, to a thousandth.
BBOX = [27.0, 0.0, 27.0 + WIDTH_PX * 0.5 / 111_320, HEIGHT_PX * 0.5 / 111_320]
SITE = Site("north", GeoBounds(*BBOX))
NAMED = "north_20240601T100000Z"
NOW = datetime(2024, 6, 2, tzinfo=UTC)
SETTINGS = DecodeSettings()


def pixels() -> Rgb:
    """(64, 96, 3) uint8 RGB: red grows to the east, green to the south, the north-west corner is blue."""
    ground = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    ground[..., 0] = np.linspace(0, 250, WIDTH_PX)
    ground[..., 1] = np.linspace(0, 250, HEIGHT_PX)[:, None]
    ground[:16, :16] = 0, 0, 200
    return ground


def encoded(suffix: str, image: np.ndarray[Any, Any] | None = None) -> bytes:
    """The bytes of an image file; the image is RGB, RGBA or grey."""
    image = pixels() if image is None else image
    if image.ndim == 3:
        order = [2, 1, 0, 3][: image.shape[2]]
        image = np.ascontiguousarray(image[..., order])
    coded, data = cv2.imencode(suffix, image)
    assert coded
    return data.tobytes()


def item(**changes: Any) -> dict[str, Any]:
    """A STAC Item for the image t.jpg; a change names a property, or bbox, id, assets; ... leaves it out."""
    whole: dict[str, Any] = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "t-1",
        "bbox": BBOX,
        "properties": {"datetime": "2024-06-01T10:00:00Z", "gsd": 0.5},
        "assets": {"image": {"href": "./t.jpg", "type": "image/jpeg", "roles": ["data"]}},
    }
    for key, value in changes.items():
        target = whole if key in whole else whole["properties"]
        target[key] = value
        if value is ...:
            del target[key]
    return whole


def drop(folder: Path, *, image: bytes | None = None, sidecar: object = None, name: str = "t.jpg") -> Path:
    """An image and its sidecar (bytes, or what JSON is made of) in a folder; returns the image."""
    path = folder / name
    if not isinstance(sidecar, bytes):
        sidecar = json.dumps(item() if sidecar is None else sidecar).encode()
    path.with_suffix(".json").write_bytes(sidecar)
    path.write_bytes(encoded(".jpg") if image is None else image)
    return path


def drop_named(folder: Path, name: str = f"{NAMED}.jpg", image: bytes | None = None) -> Path:
    """An image without a sidecar; its name says site and time."""
    path = folder / name
    path.write_bytes(encoded(path.suffix.lower()) if image is None else image)
    return path


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s

    def passes(self, seconds: float) -> None:
        self.now_s += seconds


def open_spool(folder: Path, clock: Clock | None = None, **settings: Any) -> Spool:
    """A spool; without a clock it takes a file as soon as it sees it."""
    if clock is None:
        settings.setdefault("settle_s", 0.0)
    return Spool(SpoolSettings(folder=folder, **settings), clock or Clock())


def in_done(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / DONE).iterdir())


def in_quarantine(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / QUARANTINE).iterdir())


def reasons(folder: Path) -> dict[str, str]:
    """The reason word beside each file in quarantine, by that file's name."""
    files = (folder / QUARANTINE).glob("*.reason.txt")
    return {file.name.removesuffix(".reason.txt"): file.read_text().partition(":")[0] for file in files}


def waiting(folder: Path) -> list[str]:
    """What still lies in the folder itself."""
    return sorted(path.name for path in folder.iterdir() if path.name not in {".claimed", DONE, QUARANTINE})


def png(width: int, height: int, data: bytes) -> bytes:
    """A PNG file around rows of 8-bit RGB, each behind its filter byte, whether they fit the size or not."""
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", size), (b"IDAT", zlib.compress(data, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
