import numpy as np

from edge.drill.look import Look
from edge.drill.overlay import lay_over
from edge.drill.scene import SceneObject

GREY = np.full((160, 200, 3), 120, np.uint8)
PLANE = SceneObject("one", "airliner_narrow", 60.0, 48.0, 30.0)


def test_an_aircraft_laid_over_an_image_is_brighter_than_the_ground() -> None:
    assert lay_over(GREY, 0.6, [PLANE], Look())[80, 100].min() > 180


def test_an_image_keeps_its_pixels_where_nothing_was_laid() -> None:
    assert (lay_over(GREY, 0.6, [PLANE], Look())[:20] == GREY[:20]).all()


def test_laying_nothing_changes_nothing() -> None:
    assert (lay_over(GREY, 0.6, [], Look()) == GREY).all()


def test_the_same_drill_gives_the_same_bytes() -> None:
    first, second = (lay_over(GREY, 0.6, [PLANE], Look(seed=3)).tobytes() for _ in range(2))
    assert first == second
