"""What is too small to be what it is called: a car that a model takes for a light aircraft. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from edge.detect.detection import Detection

# Metres of the longer side of a box. Of the light aircraft that are built in numbers the smallest are 6.2 to
# 7 m long and 7.6 to 9.5 m wide (Van's RV-7, Ikarus C42, Robin DR400); a Robinson R22 is 6.3 m long without
# its rotor. No car is longer than 6 m.
SHORTEST_M: Mapping[str, float] = MappingProxyType({"aircraft": 7.5, "helicopter": 6.0})


def doubted(found: Detection, gsd_m: float, pixel_m: float, shortest_m: Mapping[str, float]) -> Detection:
    """The detection with a score that allows for its size; one that is large enough as it is.

    The log-odds fall by what it takes for a box of the shortest side to be measured so small, where its error
    is one pixel.

    pixel_m     metres per pixel of the image that the model saw
    shortest_m  the longer side of a box of each label, at least
    """
    length_m = max(found.box.width, found.box.height) * gsd_m
    lacking = max(0.0, shortest_m.get(found.label, 0.0) - length_m) / pixel_m
    if not lacking or not 0.0 < found.score < 1.0:
        return found
    odds = found.score / (1.0 - found.score) * math.exp(-0.5 * lacking**2)
    return Detection(found.label, odds / (1.0 + odds), found.box)
