"""What a change model gives, and how it becomes one score a pixel. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.detect.graph import Activation
from edge.detect.layouts import Wanted, activated
from edge.detect.manifest import ChangeScore, Manifest

Floats = NDArray[np.float32]

PLANES = "planes"
"""In a shape: 1 (changed) or 2 (unchanged, changed)."""


def wanted(manifest: Manifest) -> Wanted:
    """The one output that a change model must have."""
    [name] = manifest.output.names
    return Wanted(name, (1, PLANES, manifest.input.height, manifest.input.width))


def mask(planes: Floats, activation: Activation) -> ChangeScore:
    """Planes (1, 1, H, W) changed, or (1, 2, H, W) unchanged and changed -> (H, W) how surely it changed."""
    return np.asarray(activated(planes[0], activation, axis=0)[-1], np.float32)
