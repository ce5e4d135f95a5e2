"""Archives that leave no doubt: dark ground, red squares as aircraft, and a model that finds just those."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml

from edge.acquire.tile import Rgb
from edge.drill.write import sidecar
from edge.geo import GeoBounds, LngLat, moved_by
from tests.detect.make import write_model

GSD_M = 0.5
SIDE_PX = 512
OBJECT_PX = 24
ORIGIN = LngLat(27.0, 17.0)
FIRST_AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)

RULES: tuple[dict[str, Any], ...] = (
    {"arrival": "aircraft", "zone": "apron"},
    {"departure": "aircraft", "severity": "severe"},
    {"count": "aircraft", "at_least": 3},
)

A, B, C, D, E = (64, 64), (160, 96), (320, 128), (96, 320), (400, 400)
# Who stands where on each day: arrivals, departures, a count that is reached and left again.
STORY = (
    (A, B), (A, B, C), (A, B, C), (A, C), (A, C, D), (A, C, D, E),
    (A, C, D, E), (A, D, E), (D, E), (B, D, E), (B, C, D, E), (B, C),
)  # fmt: skip

Place = tuple[int, int]
"""x, y of the top-left corner of an object in pixels; a multiple of 4, at least 48 from the next one."""


def bounds_of(width_px: int = SIDE_PX, height_px: int = SIDE_PX, east_px: int = 0) -> GeoBounds:
    """The ground of so many pixels, its west side so many pixels east of the origin."""
    north_west = moved_by(ORIGIN, east_px * GSD_M, 0.0)
    # Both corners by the scale of one latitude: tiles side by side share their border exactly.
    south_east = moved_by(ORIGIN, (east_px + width_px) * GSD_M, -height_px * GSD_M)
    return GeoBounds(north_west.lng, south_east.lat, south_east.lng, north_west.lat)


def ground(width_px: int = SIDE_PX, height_px: int = SIDE_PX, seed: int = 7) -> Rgb:
    """Ground without objects: patches of all sizes with sharp edges, darker than the model looks for."""
    random = np.random.default_rng(seed)
    patches = np.zeros((height_px, width_px), np.float32)
    for size in (4, 16, 64):
        coarse = random.uniform(0, 30, (height_px // size + 1, width_px // size + 1))
        patches += coarse.repeat(size, 0).repeat(size, 1)[:height_px, :width_px].astype(np.float32)
    return np.repeat((10 + patches).astype(np.uint8)[..., None], 3, axis=2)


def picture(places: Sequence[Place], day: int, under: Rgb | None = None) -> Rgb:
    """One look at the ground (`ground()` if None): the objects, and the sensor's noise of that day."""
    base = ground() if under is None else under
    noise = np.random.default_rng(day).integers(0, 4, base.shape, dtype=np.uint8)
    pixels = base + noise
    for x, y in places:
        pixels[y : y + OBJECT_PX, x : x + OBJECT_PX] = (230, 20, 20)
    return pixels


def put(folder: Path, name: str, pixels: Rgb, at: datetime, bounds: GeoBounds | None = None) -> Path:
    """A tile with its sidecar, each renamed into place, the image last."""
    folder.mkdir(parents=True, exist_ok=True)
    image = folder / f"{name}.png"
    item = sidecar(name, bounds=bounds or bounds_of(), at=at, gsd_m=GSD_M, image=image.name)
    data = cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()
    _replace(image.with_suffix(".json"), json.dumps(item).encode())
    _replace(image, data)
    return image


def put_look(folder: Path, day: int, places: Sequence[Place]) -> Path:
    """The tile of one day, counted from 1."""
    at = FIRST_AT + timedelta(days=day - 1)
    return put(folder, f"day-{day:02}", picture(places, day), at)


def write_archive(folder: Path, story: Sequence[Sequence[Place]] = STORY) -> list[Path]:
    """One tile a day; the images in order."""
    return [put_look(folder, day, places) for day, places in enumerate(story, 1)]


def drop(spool: Path, image: Path) -> None:
    """A tile of an archive into the spool, as a careful sender does it."""
    spool.mkdir(parents=True, exist_ok=True)
    for path in (image.with_suffix(".json"), image):
        part = spool / f".{path.name}.part"
        shutil.copy2(path, part)
        part.replace(spool / path.name)


def site(bounds: GeoBounds | None = None, rules: Sequence[Mapping[str, Any]] = RULES) -> dict[str, Any]:
    """A site of a configuration with an apron that covers all of it."""
    sides = bounds or bounds_of()
    ring = [
        [sides.west, sides.south], [sides.east, sides.south],
        [sides.east, sides.north], [sides.west, sides.north],
    ]  # fmt: skip
    return {
        "bounds": {key: getattr(sides, key) for key in ("west", "south", "east", "north")},
        "zones": {"apron": {"kind": "parking", "polygon": ring}},
        "rules": [dict(rule) for rule in rules],
    }


def write_config(
    folder: Path, url: str | None = None, sites: Mapping[str, Any] | None = None, **changed: object
) -> Path:
    """A configuration whose spool, state and model lie beside it; changed replaces whole keys."""
    folder.mkdir(parents=True, exist_ok=True)
    write_model(folder, max_object_px=OBJECT_PX + 8)
    values: dict[str, object] = {
        "device": {"id": "pier-7"},
        "spool": {"folder": "spool", "settle_s": 0},
        "state": {"folder": "state"},
        "models": {"objects": "blobs.yaml"},
        "sites": dict(sites or {"field": site()}),
        "transmit": {} if url is None else {"mqtt": {"url": url}, "uplink": {"retry_max_s": 1.0}},
        **changed,
    }
    path = folder / "edge.yaml"
    _replace(path, yaml.safe_dump(values, sort_keys=False).encode())
    return path


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_bytes(data)
    temporary.replace(path)
