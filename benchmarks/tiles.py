"""Tiles to measure with: rendered looks at an airfield, as many files as needed of a few pictures."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.drill.library import built_in
from edge.drill.scenario import LookSettings, Scenario
from edge.drill.write import play, sidecar, stage_of
from edge.geo import GeoBounds, Grid

SITE_ID = "bench"
N_PICTURES = 6
# A look an hour: 10,000 of them end long before today, for a tile from the future is refused.
FIRST_AT = datetime(2022, 1, 1, 8, 30, tzinfo=UTC)
STEP = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Archive:
    """Pictures of one place, to be taken in turn.

    jpegs   each a whole file
    bounds  the ground of all of them
    """

    jpegs: tuple[bytes, ...]
    bounds: GeoBounds
    gsd_m: float

    def jpeg(self, number: int) -> bytes:
        """The file of a tile: no two numbers give the same bytes (ITU T.81, B.2.4.5: a comment segment)."""
        jpeg = self.jpegs[number % len(self.jpegs)]
        comment = b"%012d" % number
        return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]

    def write(self, folder: Path, number: int, every: timedelta = STEP) -> None:
        """A tile with its sidecar, renamed into place; every: the time from one number to the next."""
        name = f"{SITE_ID}-{number:06d}"
        item = sidecar(
            name, bounds=self.bounds, at=FIRST_AT + number * every, gsd_m=self.gsd_m, image=f"{name}.jpg"
        )
        for suffix, data in ((".json", json.dumps(item).encode()), (".jpg", self.jpeg(number))):
            hidden = folder / f".{name}{suffix}.part"
            hidden.write_bytes(data)
            hidden.replace(folder / f"{name}{suffix}")


def rendered(side_px: int) -> Archive:
    """Looks at one airfield under a moving sun, with other cars and shifts, cut to at most 1024 px."""
    scenario = _quiet(built_in("airfield-days"))
    stage = stage_of(scenario)
    shots = [shot.view.pixels for shot in play(scenario, stage)]
    height, width = shots[0].shape[:2]
    grid = Grid(stage.bounds, width, height)
    left, top = (width - side_px) // 2, (height - side_px) // 2
    north_west, south_east = grid.to_ground(left, top), grid.to_ground(left + side_px, top + side_px)
    bounds = GeoBounds(north_west.lng, south_east.lat, south_east.lng, north_west.lat)
    cut = [pixels[top : top + side_px, left : left + side_px] for pixels in shots]
    return Archive(tuple(_jpeg(pixels) for pixels in cut), bounds, scenario.gsd_m)


def _quiet(scenario: Scenario) -> Scenario:
    """The scenario's place and aircraft at clear looks of a day each, at which nothing comes or goes."""
    ats = [datetime(2024, 12, 1 + n, 8 + n % 4, 30, tzinfo=UTC) for n in range(N_PICTURES)]
    return Scenario(
        looks=tuple(LookSettings(at=at) for at in ats),
        present=scenario.present,
        scene=scenario.scene,
        gsd_m=scenario.gsd_m,
        seed=scenario.seed,
    )


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    coded, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    if not coded:
        raise ValueError(f"picture: expected pixels that can be coded, got shape {pixels.shape}")
    return data.tobytes()
