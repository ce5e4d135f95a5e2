"""What models are judged by: the held-out images, and held-out ground with rendered helicopters on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from models.train.augment import with_helicopters
from models.train.data import LABELS, RENDERED, SOURCES, Item, Part, Source, validation

N_STAGED, SEED = 80, 5


def judged_by(root: Path, sources: Iterable[Source] = SOURCES) -> list[Part]:
    """The parts of validation, and one of rendered helicopters on the ground of the first."""
    parts = validation(root, tuple(sources))
    return [*parts, staged(parts[0])]


def only(part: Part, *labels: str) -> Part:
    """The same images, judged by nothing but these labels."""
    known = tuple(LABELS.index(label) for label in labels)
    return replace(part, items=tuple(replace(item, known=known) for item in part.items))


def staged(part: Part) -> Part:
    """Rendered helicopters on real airfields; nothing else in these images counts."""
    rng = np.random.default_rng(SEED)
    items = tuple(islice(_with_helicopters(part, rng), N_STAGED))
    source = replace(part.source, labels=(RENDERED,), is_served_at=False)
    return Part(f"{part.source.name} val, rendered helicopters", source, items)


def _with_helicopters(part: Part, rng: np.random.Generator) -> Iterator[Item]:
    label = LABELS.index(RENDERED)
    for item in part.items:
        pixels, boxes = with_helicopters(item.pixels, item.boxes, rng)
        yield replace(item, pixels=pixels, boxes=boxes[boxes[:, 4] == label], known=(label,))
