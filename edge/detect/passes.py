"""At which ground sample distances a tile is searched, and for which labels. Pure.

A car wants finer pixels than a ship, but every pass over a tile costs its windows: labels that want nearly
the same pixels share one.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from edge.detect.manifest import Manifest

# Labels whose reductions differ by no more than this factor share a pass, at the finer of the two. Detectors
# learn from crops scaled by far more than that.
SAME_PASS = 1.1


@dataclass(frozen=True, slots=True)
class Pass:
    """One search of a whole tile.

    share   in (0, 1], the tile's sides are reduced to this much; 1: it is searched as it is
    labels  what is looked for in it
    """

    share: float
    labels: frozenset[str]


def passes(manifest: Manifest, gsd_m: float | None, labels: Collection[str] | None = None) -> list[Pass]:
    """The fewest passes that give each label its working ground sample distance, the finest first.

    gsd_m   of the tile; None: unknown, it is searched as it is, once
    labels  those asked for, None: all; one that the model does not know asks for nothing
    """
    wanted = [label for label in manifest.labels if labels is None or label in labels]
    shares = {label: _share(manifest, label, gsd_m) for label in wanted}
    found: list[Pass] = []
    for label in sorted(wanted, key=lambda label: -shares[label]):
        if found and shares[label] * SAME_PASS >= found[-1].share:
            found[-1] = Pass(found[-1].share, found[-1].labels | {label})
        else:
            found.append(Pass(shares[label], frozenset({label})))
    return found


def _share(manifest: Manifest, label: str, gsd_m: float | None) -> float:
    return 1.0 if gsd_m is None else min(1.0, gsd_m / manifest.gsd_m.working_of(label))
