"""How wrong a mask is: cross entropy where somebody can say, and the overlap of the changed pixels."""

from __future__ import annotations

import torch.nn.functional as F  # noqa: N812 - as torch's own documents write it
from torch import Tensor

# A wrong alarm must hurt: few pixels change, and most places never do.
_OVERLAP_WEIGHT = 0.7
_SMOOTH_PX = 100.0


def loss(logits: Tensor, changed: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Both parts; logits (N, 1, H, W), changed in {0, 1} and weight (N, H, W)."""
    logits = logits[:, 0]
    each = F.binary_cross_entropy_with_logits(logits, changed, reduction="none")
    entropy = (each * weight).sum() / weight.sum().clamp(min=1)
    p = logits.sigmoid() * weight.clamp(max=1)
    true = changed * weight.clamp(max=1)
    overlap = 1 - (2 * (p * true).sum() + _SMOOTH_PX) / (p.sum() + true.sum() + _SMOOTH_PX)
    return entropy * 5, _OVERLAP_WEIGHT * overlap
