"""What time it is and what that rests on, whatever happens to the system's clock."""

from __future__ import annotations

from datetime import timedelta

import pytest

from edge import clock
from edge.acquire.fix import Fix
from edge.acquire.nmea import Mode
from edge.acquire.plausible import Heard
from edge.clock import BUILT_AFTER, HOLD_S, MAX_ERROR_S, MAX_STEP_S, Clock, Timekeeper
from tests.acquire.sky import HERE, NOW
from tests.clocks import Device

YEARS = timedelta(days=20 * 365)


@pytest.mark.parametrize(
    ("is_synchronised", "has_rtc", "trust"),
    [(True, True, "ntp"), (True, False, "ntp"), (False, True, "rtc"), (False, False, "untrusted")],
)
def test_a_clock_is_worth_what_keeps_it(is_synchronised: bool, has_rtc: bool, trust: str) -> None:
    assert Device(is_synchronised=is_synchronised, has_rtc=has_rtc).read().clock == trust


def test_a_clock_behind_the_build_is_not_trusted_whoever_keeps_it() -> None:
    off = BUILT_AFTER - timedelta(seconds=1) - NOW
    assert Device(off=off, is_synchronised=True, has_rtc=True).read().clock is Clock.UNTRUSTED


def test_a_battery_clock_behind_what_was_known_before_is_not_trusted() -> None:
    device = Device(has_rtc=True)
    later = NOW + timedelta(seconds=1)
    assert Timekeeper(device.machine, later).read().clock is Clock.UNTRUSTED


@pytest.mark.parametrize("off", [-YEARS, -timedelta(hours=1), YEARS])
def test_with_a_fix_the_time_is_right_whatever_the_clock_shows(off: timedelta) -> None:
    device = Device(off=off)
    reading = Timekeeper(device.machine).read(device.heard)
    assert (reading.now, reading.clock, reading.error_s) == (NOW, Clock.GNSS, off.total_seconds())


def test_time_is_counted_on_from_the_newest_fix() -> None:
    device = Device(off=-YEARS)
    keeper, heard = Timekeeper(device.machine), device.heard
    device.wait(3600)
    assert keeper.read(heard).now == NOW + timedelta(hours=1)


def test_a_fix_of_long_ago_tells_no_time() -> None:
    device = Device(off=-YEARS)
    keeper, heard = Timekeeper(device.machine), device.heard
    device.wait(HOLD_S + 1)
    assert keeper.read(heard).clock is Clock.UNTRUSTED


def test_a_clock_that_agrees_with_the_fix_is_used_as_it_is() -> None:
    device = Device(off=timedelta(seconds=MAX_ERROR_S))
    reading = Timekeeper(device.machine).read(device.heard)
    assert (reading.now, reading.clock) == (NOW + timedelta(seconds=MAX_ERROR_S), Clock.GNSS)


def test_where_ntp_and_the_fix_disagree_ntp_is_believed_and_the_difference_told() -> None:
    device = Device(is_synchronised=True)
    wrong = Heard(Fix(NOW + timedelta(hours=1), HERE, Mode.AUTONOMOUS), device.ticks_s)
    reading = Timekeeper(device.machine).read(wrong)
    assert (reading.now, reading.clock, reading.error_s) == (NOW, Clock.NTP, -3600.0)


@pytest.mark.parametrize("step", [-YEARS, -timedelta(seconds=MAX_STEP_S + 1), YEARS])
def test_a_battery_clock_that_was_stepped_is_not_trusted(step: timedelta) -> None:
    device = Device(has_rtc=True)
    keeper = Timekeeper(device.machine)
    device.wait(60)
    before = keeper.read().clock
    device.off = step
    assert (before, keeper.read().clock) == (Clock.RTC, Clock.UNTRUSTED)


def test_a_clock_that_was_stepped_and_is_kept_again_is_trusted() -> None:
    device = Device(has_rtc=True)
    keeper = Timekeeper(device.machine)
    device.off = -timedelta(days=3)
    before = keeper.read().clock
    device.off, device.is_synchronised = timedelta(0), True
    assert (before, keeper.read().clock) == (Clock.UNTRUSTED, Clock.NTP)


@pytest.mark.parametrize("step", [-YEARS, YEARS])
def test_a_step_after_the_time_was_known_does_not_change_it(step: timedelta) -> None:
    device = Device(is_synchronised=True)
    keeper = Timekeeper(device.machine)
    keeper.read()
    device.off, device.is_synchronised = step, False
    device.wait(3600)
    reading = keeper.read()
    assert (reading.now, reading.clock) == (device.true, Clock.RTC)


def test_time_by_gnss_runs_on_when_the_receiver_has_been_silent_for_long() -> None:
    device = Device(off=-YEARS, has_rtc=True)
    keeper = Timekeeper(device.machine)
    heard = device.heard
    keeper.read(heard)
    device.wait(HOLD_S + 1)
    reading = keeper.read(heard)
    assert (reading.now, reading.clock) == (device.true, Clock.RTC)


def test_without_a_battery_a_clock_that_was_kept_once_runs_on() -> None:
    device = Device(is_synchronised=True)
    keeper = Timekeeper(device.machine)
    keeper.read()
    device.is_synchronised = False
    device.wait(24 * 3600)
    assert keeper.read().clock is Clock.RTC


def test_the_boot_was_when_it_was_by_every_right_reading() -> None:
    device = Device(off=-YEARS)
    keeper = Timekeeper(device.machine)
    first = keeper.read(device.heard).booted_at
    device.wait(1000)
    assert first == keeper.read(device.heard).booted_at == NOW - timedelta(seconds=100)


def test_the_build_lies_in_the_past() -> None:
    assert clock.wall() > BUILT_AFTER


def test_the_real_machine_answers() -> None:
    reading = Timekeeper().read()
    assert reading.clock in set(Clock)
    assert reading.ticks_s <= clock.ticks()
    assert clock.boot_id() == clock.boot_id()
