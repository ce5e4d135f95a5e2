"""At which ground sample distances a tile is searched, and for which labels. Pure.

A car wants finer pixels than a ship, but every pass over a tile costs its windows: labels that want nearly
the same pixels share one. A tanker is longer than what the model sees at once: long objects get a coarser
pass, which is cheap.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from edge.detect.manifest import Manifest

# Labels whose reductions differ by no more than this factor share a pass, at the finer of the two. Detectors
# learn from crops scaled by far more than that.
SAME_PASS = 1.1


@dataclass(frozen=True, slots=True)
class Pass:
    """One search of a whole tile.

    share      in (0, 1], the tile's sides are reduced to this much; 1: it is searched as it is
    labels     what is looked for in it
    longer_px  only what has a longer side of so many pixels of the tile, at least
    """

    share: float
    labels: frozenset[str]
    longer_px: float = 0.0


def passes(
    manifest: Manifest,
    gsd_m: float | None,
    labels: Collection[str] | None = None,
    long: Collection[str] | None = None,
) -> list[Pass]:
    """The fewest passes that give each label its working ground sample distance, finest first.

    Behind them those for long objects, where the tile is fine enough for one.

    gsd_m   of the tile; None: unknown, it is searched as it is, once
    labels  those asked for, None: all; one that the model does not know asks for nothing
    long    those of them of which long objects may cost a pass, None: all
    """
    wanted = [label for label in manifest.labels if labels is None or label in labels]
    shares = {label: _share(manifest, label, gsd_m) for label in wanted}
    found: list[Pass] = []
    for label in sorted(wanted, key=lambda label: -shares[label]):
        if found and shares[label] * SAME_PASS >= found[-1].share:
            found[-1] = Pass(found[-1].share, found[-1].labels | {label})
        else:
            found.append(Pass(shares[label], frozenset({label})))
    return found if gsd_m is None else [*found, *_for_long(manifest, gsd_m, shares, long)]


def _for_long(
    manifest: Manifest, gsd_m: float, shares: Mapping[str, float], asked: Collection[str] | None
) -> Iterator[Pass]:
    """A coarser pass for each label that has one, where the tile is finer than that."""
    for label, long in manifest.gsd_m.long.items():
        share = gsd_m / long.working
        is_asked = label in shares and (asked is None or label in asked)
        if is_asked and share * SAME_PASS < shares[label]:
            yield Pass(share, frozenset({label}), long.from_m / gsd_m)


def _share(manifest: Manifest, label: str, gsd_m: float | None) -> float:
    return 1.0 if gsd_m is None else min(1.0, gsd_m / manifest.gsd_m.working_of(label))
