"""The time of the year: how green the ground is, how the leaves have turned, how much snow lies. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import cos, exp, pi
from types import MappingProxyType

import numpy as np

from edge.drill.scene import Colour

# Nearer to the equator leaves do not turn by the calendar.
_TURNS_FROM_LAT = 25.0
# 22 October in the north: half of the leaves have turned, most of them still hang.
_AUTUMN_DAY = 295
_LEAF = np.array((0.23, 0.29, 0.17))
_TURNED = ((0.46, 0.35, 0.17), (0.41, 0.27, 0.16), (0.40, 0.34, 0.20), (0.32, 0.28, 0.17))
_SNOW = np.array((0.86, 0.88, 0.92))


@dataclass(frozen=True, slots=True)
class Season:
    """Each in [0, 1].

    greenness  of grass and crops: dry is 0, lush is 1
    turned     share of the leaves that have their autumn colour
    snow       how much of what can hold snow is under it
    """

    greenness: float = 0.4
    turned: float = 0.0
    snow: float = 0.0


NAMED: Mapping[str, Season] = MappingProxyType(
    {"summer": Season(0.95), "autumn": Season(0.35, 0.9), "snow": Season(0.1, 0.6, 0.9)}
)


def season_at(at: datetime, lat: float) -> Season:
    """The season of a date without snow, which no calendar tells; of either hemisphere."""
    day = at.timetuple().tm_yday + (0 if lat >= 0 else 182)
    greenness = 0.5 + 0.5 * cos(2 * pi * (day - 150) / 365)
    away = (day - _AUTUMN_DAY + 182) % 365 - 182
    turned = exp(-((away / 32) ** 2)) if abs(lat) > _TURNS_FROM_LAT else 0.0
    return Season(greenness, turned)


def leaf_colour(season: Season, rng: np.random.Generator) -> Colour:
    """The colour of one crown: each turns at its own time, and snow whitens it."""
    red, green, blue = _LEAF * rng.uniform(0.8, 1.25)
    if rng.random() < season.turned:
        red, green, blue = np.array(_TURNED[rng.integers(len(_TURNED))]) * rng.uniform(0.85, 1.15)
    return whitened((float(red), float(green), float(blue)), 0.45 * season.snow)


def whitened(colour: Colour, snow: float) -> Colour:
    """A colour under a cover of snow, in [0, 1]."""
    red, green, blue = np.array(colour) + snow * (_SNOW - colour)
    return float(red), float(green), float(blue)
