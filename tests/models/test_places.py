"""Rendered places looked at twice: what came, left or was altered is marked, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.drill.events import moments, scene_of
from edge.drill.render import visible_fraction
from edge.drill.write import play, stage_of
from models.train.change.data import UNSURE, Place, places
from models.train.change.places import a_story, pictures, write

SEED = 700_004


@pytest.fixture(scope="module")
def place() -> Place:
    """An airfield, at first in summer."""
    return next(pictures(1, SEED))


def marked(place: Place) -> np.ndarray:
    return (place.owner > 0) & (place.owner < UNSURE)


def test_a_seed_makes_the_same_place_again(place: Place) -> None:
    again = next(pictures(1, SEED))
    assert np.array_equal(place.owner, again.owner)
    assert np.array_equal(place.before, again.before)
    assert np.array_equal(place.after, again.after)


def test_whoever_came_or_left_in_full_view_is_marked_and_whoever_stayed_is_not(place: Place) -> None:
    story = a_story(SEED)
    first, second = ({one.object_id: one for one in moment.present} for moment in moments(story))
    views = [shot.view for shot in play(story, stage_of(story))]
    shares: dict[bool, list[float]] = {True: [], False: []}
    for view in views:
        for one in view.placed:
            box, thing = one.scene_box, one.thing
            if thing.object_id not in first.keys() | second.keys() or visible_fraction(view, box) < 1:
                continue
            inside = marked(place)[int(box.top) : int(box.bottom), int(box.left) : int(box.right)]
            shares[first.get(thing.object_id) != second.get(thing.object_id)].append(float(inside.mean()))
    assert len(shares[True]) >= 2
    assert len(shares[False]) >= 2
    assert np.median(shares[True]) > 0.15
    assert max(shares[False]) < 0.1


def test_what_is_not_marked_looks_alike_but_for_light_and_shadow(place: Place) -> None:
    """Edges of the two looks agree better on unmarked ground than on what is marked."""
    grey = [look.astype(np.float32).mean(-1) for look in (place.before, place.after)]
    steps = [np.hypot(*np.gradient(one)) for one in grey]
    apart = {
        kind: np.corrcoef(steps[0][here], steps[1][here])[0, 1]
        for kind, here in (("marked", marked(place)), ("ground", place.owner == 0))
    }
    assert apart["ground"] > apart["marked"] + 0.1


def test_the_tanks_of_the_place_are_there_at_both_looks(place: Place) -> None:
    tanks = [one for one in scene_of(a_story(SEED)).fixed if one.kind == "storage_tank"]
    assert tanks
    assert {one.changed for one in place.objects if one.label == "storage_tank"} == {False}


def test_what_is_written_is_read_as_it_was(place: Place, tmp_path: Path) -> None:
    write(tmp_path, 1, "train")
    [read] = places(tmp_path, "train")
    [made] = pictures(1, 700_000)
    assert np.array_equal(read.owner, made.owner)
    assert read.altered == made.altered
    assert read.objects == made.objects
    assert {one.changed for one in read.objects} == {True, False}
    assert np.abs(read.after.astype(int) - made.after).mean() < 3
    assert len(read.middles) == len(read.areas) == len(np.unique(made.owner[marked(made)]))


def test_a_folder_without_its_numbers_is_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path, 1, "val")
    [path] = tmp_path.glob("rendered-places/val/owner/*.png")
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match=f"{path.name}.*expected an image of 16 bits"):
        places(tmp_path, "val")
