"""What came and went in real pairs and nobody labelled: vehicles, ships, aircraft.

The labelled pairs know buildings only, but their streets are full of cars that stand there in one year and
not in the other. Learnt as "nothing changed", they teach a network to be silent about the very things that it
must tell. So whatever the object model sees in either look counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge.detect.manifest import Model
from edge.detect.objects import DetectSettings, detect
from models.train.change.data import LEVIR_GSD_M, Pair, Rgb

# Low: an object that is left out wrongly costs a few pixels of ground to learn from.
_MIN_SCORE = 0.3
_RIM_PX = 3


def without_unlabelled(labelled: Iterable[Pair], model: Model) -> list[Pair]:
    """The same pairs, with what the object model sees in either look as unsure, unless it is labelled."""
    return [replace(pair, unsure=_unsure(pair, model)) for pair in labelled]


def _unsure(pair: Pair, model: Model) -> NDArray[np.bool_]:
    unsure = np.zeros(pair.changed.shape, np.bool_)
    for look in (pair.before, pair.after):
        for top, bottom, left, right in _boxes(look, model):
            unsure[max(top, 0) : bottom, max(left, 0) : right] = True
    return unsure & ~pair.changed


def _boxes(look: Rgb, model: Model) -> Iterable[tuple[int, int, int, int]]:
    """Rows and columns of what is seen, with a rim."""
    found = detect(look, LEVIR_GSD_M, model=model, settings=DetectSettings(min_score=_MIN_SCORE))
    for box in (one.box for one in found):
        top, bottom = int(box.top) - _RIM_PX, int(np.ceil(box.bottom)) + _RIM_PX
        left, right = int(box.left) - _RIM_PX, int(np.ceil(box.right)) + _RIM_PX
        yield top, bottom, left, right
