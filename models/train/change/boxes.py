"""What a change model says of the places of aircraft: `python -m models.train.change.boxes --data DATA`.

Held-out airfields are looked at twice through other light and air, a few pixels apart; some of the
aircraft are taken out of one of the looks. The shares printed are what edge.monitor.presence weighs an
answer with. With --places the same of all labels of the held-out rendered places.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.detect.change import Comparison
from edge.detect.manifest import ChangeModel
from edge.detect.model import load_change
from edge.geo import PixelBox
from models.train.change.data import Ground, Place, grounds, places
from models.train.change.looks import looked_at, pointed, tone_of
from models.train.change.staging import Stage
from models.train.data import LABELS

SEED, MAX_SHIFT_PX, N_GROUNDS = 3, 2.0, 120
LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)

Scores = NDArray[np.float64]


def answers(single: list[Ground], model: ChangeModel) -> tuple[Scores, Scores]:
    """Scores at places where an aircraft came or went, and where it stayed."""
    rng = np.random.default_rng(SEED)
    tones = [tone_of(ground.pixels) for ground in single]
    changed: list[float] = []
    same: list[float] = []
    for ground in single:
        boxes = ground.boxes[ground.boxes[:, 4] == LABELS.index("aircraft")]
        if not len(boxes):
            continue
        stage = Stage(ground.pixels, ground.pixels, np.zeros(ground.pixels.shape[:2], np.bool_))
        stage.take_away(boxes, rng)
        gone = {tuple(round(float(side)) for side in placed.box) for placed in stage.placed}
        before = looked_at(pointed(stage.before, rng, MAX_SHIFT_PX), tones, rng)
        after = looked_at(stage.after, tones, rng)
        comparison = Comparison(before, after, None, model=model)
        for box in boxes[:, :4]:
            score = comparison.score_of(PixelBox(*(float(side) for side in box)))
            (changed if tuple(round(float(side)) for side in box) in gone else same).append(score)
    return np.array(changed), np.array(same)


def answers_at(rendered: list[Place], model: ChangeModel) -> dict[str, tuple[Scores, Scores]]:
    """The same of the objects of rendered places, by label."""
    rng = np.random.default_rng(SEED)
    found: dict[str, tuple[list[float], list[float]]] = {label: ([], []) for label in LABELS}
    for place in rendered:
        before = pointed(place.before, rng, MAX_SHIFT_PX)
        comparison = Comparison(before, place.after, None, model=model)
        for one in place.objects:
            changed, same = found[one.label]
            (changed if one.changed else same).append(comparison.score_of(PixelBox(*one.box)))
    return {label: (np.array(changed), np.array(same)) for label, (changed, same) in found.items()}


def _print(label: str, changed: Scores, same: Scores) -> None:
    print(f"{label}: {len(changed)} came or went, {len(same)} stayed")
    if len(changed) and len(same):
        for level in LEVELS:
            print(f"{level:.2f}: recall {(changed >= level).mean():.3f}, false {(same >= level).mean():.3f}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds change/ and objects/")
    parser.add_argument("--model", type=Path, default=Path("models/change.yaml"))
    parser.add_argument("--places", type=Path, help="folder of models.train.change.places")
    arguments = parser.parse_args()
    model = load_change(arguments.model)
    single = grounds(arguments.data / "objects", is_learnt=False, without_research_only=False)[:N_GROUNDS]
    _print("aircraft", *answers(single, model))
    for label, both in answers_at(places(arguments.places, "val"), model).items() if arguments.places else ():
        _print(f"rendered {label}", *both)


if __name__ == "__main__":
    main()
