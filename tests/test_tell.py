"""The stamp of the device on what it tells."""

from __future__ import annotations

from datetime import timedelta

import pytest

from edge.tell import LATE_AFTER_S, Stamp
from tests.acquire.sky import NOW


@pytest.mark.parametrize(
    ("clock", "age_s", "is_late"),
    [
        ("gnss", LATE_AFTER_S, False),
        ("gnss", LATE_AFTER_S + 1, True),
        ("rtc", LATE_AFTER_S + 1, True),
        ("untrusted", LATE_AFTER_S + 1, False),
    ],
)
def test_a_tile_is_late_from_six_hours_on_by_a_clock_that_can_tell(
    clock: str, age_s: float, is_late: bool
) -> None:
    stamp = Stamp("pier-7", NOW, {}, "", clock)
    assert stamp.is_late(NOW - timedelta(seconds=age_s)) is is_late
