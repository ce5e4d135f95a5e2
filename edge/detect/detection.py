"""One object in one tile. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from edge.geo import PixelBox


@dataclass(frozen=True, slots=True)
class Detection:
    """One object found by a model in one tile.

    label  its class, one of the model's labels
    score  model confidence in [0, 1]
    box    in pixels of the tile as it came, never of the resampled one
    """

    label: str
    score: float
    box: PixelBox
