"""Rendered looks as files; the one part of the renderer that touches the disk."""

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.acquire.sidecar import EXERCISE
from edge.drill.events import moments, scene_of
from edge.drill.render import Stage, prepare, render
from edge.drill.scenario import Scenario, Story
from edge.drill.traffic import ordinary
from edge.drill.truth import Shot, truth_of
from edge.drill.watch import config_text
from edge.geo import GeoBounds

CONFIG = "edge.yaml"
_JPEG_QUALITY = 92


def play(scenario: Scenario, stage: Stage, stem: str = "pass-{number}") -> Iterator[Shot]:
    """Render the looks of a scenario one after another."""
    for moment in moments(scenario):
        vehicles = ordinary(
            stage.scene, moment.look.seed, moment.things, full_fraction=moment.traffic_fraction
        )
        view = render(stage, (*moment.things, *vehicles), moment.look)
        yield Shot(moment, view, f"{stem.format(site=stage.scene.site_id, number=moment.number)}.jpg")


def stage_of(scenario: Scenario) -> Stage:
    """The stage of a scenario, at its ground sample distance."""
    return prepare(scene_of(scenario), scenario.gsd_m)


def write_scenario(folder: Path, scenario: Scenario, stem: str = "pass-{number}") -> list[Path]:
    """An archive of a site: an image and a sidecar for each look, and truth.json; returns the images.

    stem  the name of a tile, of {site} and {number}
    """
    folder.mkdir(parents=True, exist_ok=True)
    stage = stage_of(scenario)
    shots, images = [], []
    for shot in play(scenario, stage, stem):
        images.append(write_shot(folder, shot, stage))
        shots.append(shot)
    _replace(folder / "truth.json", _json(truth_of(stage, shots, scenario.trend)))
    return images


def write_story(folder: Path, story: Story) -> Iterator[Path]:
    """The archive of a story: a folder a site, and edge.yaml, which watches them; each image when written."""
    folder.mkdir(parents=True, exist_ok=True)
    text = config_text([scene_of(site) for site in story.sites])
    _replace(folder / CONFIG, text.encode())
    (folder / "spool").mkdir(exist_ok=True)
    for site in story.sites:
        yield from write_scenario(folder / site.site, site)


def write_shot(folder: Path, shot: Shot, stage: Stage) -> Path:
    """One look of a scenario as a tile; its id is SITE-NUMBER."""
    tile_id = f"{stage.scene.site_id}-{shot.moment.number}"
    item = sidecar(
        tile_id, bounds=stage.bounds, at=shot.moment.at, gsd_m=stage.raster.gsd_m, image=shot.image
    )
    return write_tile(folder, shot.image, shot.view.pixels, item)


def write_tile(folder: Path, image: str, pixels: NDArray[np.uint8], item: dict[str, Any]) -> Path:
    """A tile, whole: the sidecar first, the image last, each renamed into place.

    pixels  (H, W, 3) uint8 RGB
    """
    path = folder / image
    coded, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not coded:
        raise ValueError(
            f"{path}: expected pixels of shape (H, W, 3) uint8, got {pixels.shape} {pixels.dtype}"
        )
    _replace(path.with_suffix(".json"), _json(item))
    _replace(path, data.tobytes())
    return path


def sidecar(
    tile_id: str,
    *,
    bounds: GeoBounds,
    at: datetime,
    gsd_m: float,
    image: str,
    is_exercise: bool = False,
) -> dict[str, Any]:
    """The STAC Item (1.0.0) of a tile."""
    mark = {EXERCISE: True} if is_exercise else {}
    west, south, east, north = bounds.west, bounds.south, bounds.east, bounds.north
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": tile_id,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": [west, south, east, north],
        "properties": {
            "datetime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "gsd": gsd_m,
            "platform": "rendered",
            **mark,
        },
        "links": [],
        "assets": {"image": {"href": image, "type": "image/jpeg", "roles": ["data"]}},
    }


def _json(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()


def _replace(path: Path, data: bytes) -> None:
    """Nobody sees a part of the file; the temporary name is hidden, so that no spool takes it for a tile."""
    temporary = path.with_name(f".{path.name}.part")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
