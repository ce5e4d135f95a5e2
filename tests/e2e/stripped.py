"""Tiles of a place where a transport is opened, stripped and gone while a hall is built beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from edge.drill.look import Look
from edge.drill.render import render
from edge.drill.scene import SceneObject
from edge.drill.sun import Sun
from edge.drill.write import sidecar, write_tile
from tests.monitor.yard import FIRST_AT, GSD_M, stage

TRANSPORT = SceneObject("t1", "transport", 170.0, 150.0, 20.0, "white")
# Day by day: what is left of the transport, None where it is gone, and whether the hall stands.
STORY = (
    ("whole", False), ("whole", False), ("whole", False), ("nose_open", False), ("nose_open", True),
    ("nose_open", True), ("tail_off", True), ("tail_off", True), (None, True), (None, True),
)  # fmt: skip
RULES = ({"altered": "aircraft", "severity": "severe"}, {"ground_change": True, "looks": 3})


def write_tiles(folder: Path) -> list[Path]:
    """One tile a day; the images in order."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_tile(folder, number, *one) for number, one in enumerate(STORY, 1)]


def _tile(folder: Path, number: int, state: str | None, is_built: bool) -> Path:
    things = () if state is None else (replace(TRANSPORT, state=state),)
    sun = Sun(140.0 + 6.0 * (number % 3), 48.0 - 2.0 * (number % 4))
    place = stage(is_built=is_built)
    view = render(place, things, Look(seed=number, sun=sun, shift_px=(1.5 * (number % 2), -1.0)))
    at = FIRST_AT + timedelta(days=number)
    name = f"yard-{number:02}"
    item = sidecar(name, bounds=place.bounds, at=at, gsd_m=GSD_M, image=f"{name}.jpg")
    write_tile(folder, f"{name}.jpg", view.pixels, item)
    return folder / f"{name}.jpg"


def sites() -> dict[str, Any]:
    """The place with its rules."""
    bounds = stage(is_built=False).bounds
    sides = {key: getattr(bounds, key) for key in ("west", "south", "east", "north")}
    return {"yard": {"bounds": sides, "rules": [dict(rule) for rule in RULES]}}
