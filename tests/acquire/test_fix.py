"""Sentences of one moment become one fix, in whatever order and set a receiver sends them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from edge.acquire import nmea
from edge.acquire.fix import Collector, Fix
from edge.acquire.nmea import Mode
from tests.acquire.sky import HERE, NOW, gga, rmc, zda

SECOND = timedelta(seconds=1)


def fixes(*lines: bytes) -> list[Fix]:
    collector, found = Collector(), []
    for line in lines:
        sentence = nmea.read(nmea.checked(line) or [""])
        if sentence is not None and (fix := collector.take(sentence)):
            found.append(fix)
    return found


@pytest.mark.parametrize("lines", list(permutations((rmc(), gga(), zda()))))
def test_one_moment_is_one_fix_in_whatever_order_it_is_told(lines: tuple[bytes, ...]) -> None:
    [fix] = fixes(*lines)
    assert (fix.at, fix.mode) == (NOW, Mode.AUTONOMOUS)


def test_a_receiver_without_rmc_tells_date_and_place_apart() -> None:
    [fix] = fixes(gga(), zda())
    assert (fix.at, fix.n_satellites) == (NOW, 8)


def test_a_place_without_a_date_is_no_fix() -> None:
    assert fixes(gga(), gga(NOW + SECOND)) == []


def test_a_date_without_a_place_is_no_fix() -> None:
    assert fixes(zda(), rmc(place=None)) == []


def test_the_date_of_one_moment_is_not_that_of_the_next() -> None:
    assert fixes(zda(NOW), gga(NOW + SECOND)) == []


def test_the_quality_told_shortly_before_holds() -> None:
    assert [fix.hdop for fix in fixes(gga(), rmc(NOW + SECOND))] == [0.9]


def test_the_quality_told_long_ago_does_not() -> None:
    assert [fix.hdop for fix in fixes(gga(), rmc(NOW + 11 * SECOND))] == [None]


def test_the_quality_holds_over_midnight() -> None:
    before = datetime(2026, 5, 1, 23, 59, 59, tzinfo=UTC)
    assert [fix.hdop for fix in fixes(gga(before), rmc(before + SECOND))] == [0.9]


def test_a_fix_of_a_local_time_is_refused() -> None:
    with pytest.raises(ValueError, match="expected UTC"):
        Fix(NOW.replace(tzinfo=None), HERE, Mode.AUTONOMOUS)
