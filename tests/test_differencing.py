"""The benchmark of plain differencing: what it is held against must be done fairly."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.differencing import Seen, Step, Tally, compared, differenced, matched

NOBODY = np.zeros((0, 3))
NONE = np.zeros((0, 4))


def box(x: float, y: float) -> list[float]:
    return [x - 40, y - 40, x + 40, y + 40]


def seen(*objects: tuple[float, float, float]) -> Seen:
    """Objects as x, y, score."""
    boxes = np.array([box(x, y) for x, y, _ in objects]).reshape(-1, 4)
    return Seen(boxes, np.array([score for *_, score in objects]))


def step(before: Seen, after: Seen, arrived: list[list[float]], told: list[tuple[float, float]]) -> Step:
    boxes, points = (
        np.array(arrived, float).reshape(-1, 4),
        np.array([(*one, 0.9) for one in told], float).reshape(-1, 3),
    )
    return Step(before, after, boxes, NONE, points, NOBODY, (1000.0, 1000.0), 0.5)


def test_what_has_no_counterpart_arrived_and_the_rest_stayed() -> None:
    one = step(seen((200, 200, 0.9)), seen((203, 199, 0.9), (500, 500, 0.9)), [box(500, 500)], [])
    arrived, departed = differenced(0.5, 0.5)(one)
    assert arrived.tolist() == [[500, 500]]
    assert departed.shape == (0, 2)


def test_a_weak_detection_denies_an_event_and_makes_none() -> None:
    one = step(seen((200, 200, 0.3)), seen((200, 200, 0.9), (500, 500, 0.3)), [], [])
    assert [len(points) for points in differenced(0.5, 0.2)(one)] == [0, 0]
    assert [len(points) for points in differenced(0.5, 0.5)(one)] == [1, 0]


def test_one_true_box_is_found_once_and_by_the_nearest() -> None:
    points = np.array([[500.0, 510.0], [505.0, 500.0], [700.0, 700.0]])
    assert matched(points, np.array([box(500, 500)]), 0.5) == Tally(found=1, false=2, missed=0)
    assert matched(NOBODY[:, :2], np.array([box(500, 500)]), 0.5) == Tally(missed=1)


def test_differencing_is_shown_at_its_best_threshold_and_ours_as_it_is() -> None:
    weak_ghost = seen((200, 200, 0.9), (800, 200, 0.4))
    after = seen((200, 200, 0.9), (500, 500, 0.9), (300, 700, 0.6))
    rows = compared([step(weak_ghost, after, [box(500, 500)], [(500.0, 500.0)])])
    assert rows[0].measured.startswith("F1 1.000")
    assert rows[2].measured.startswith("F1 1.000")


def test_f1_weighs_what_is_false_and_what_is_missed_alike() -> None:
    assert (Tally(3, 1, 0) + Tally(0, 0, 1)).f1 == pytest.approx(0.75)
