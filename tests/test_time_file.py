"""The time goes from the daemon, which may not set the clock, to the command that may; all is checked."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from edge import clock, time_file
from edge.clock import HOLD_S, Clock, Reading, Timekeeper
from edge.errors import ClockUnset, StoreBroken
from tests.acquire.sky import NOW
from tests.clocks import Device
from tests.e2e.program import run_edge
from tests.settings import TEXT

YEARS = timedelta(days=20 * 365)


def told(folder: Path, device: Device) -> Path:
    path = folder / "time.json"
    time_file.write(path, Timekeeper(device.machine).read(device.heard), "boot-1")
    return path


def test_the_time_is_right_however_late_the_file_is_read(tmp_path: Path) -> None:
    device = Device(off=-YEARS)
    path = told(tmp_path, device)
    device.wait(1234)
    by_gnss = time_file.read(path, device.machine, "boot-1")
    assert by_gnss == device.true
    assert time_file.error_s(by_gnss, device.machine) == YEARS.total_seconds()


def test_a_clock_that_is_right_is_left_alone(tmp_path: Path) -> None:
    device = Device(off=timedelta(seconds=1))
    assert (
        time_file.error_s(time_file.read(told(tmp_path, device), device.machine, "boot-1"), device.machine)
        == 0
    )


def test_a_clock_that_ntp_keeps_is_left_alone() -> None:
    device = Device(off=timedelta(hours=1), is_synchronised=True)
    assert time_file.error_s(device.true, device.machine) == 0


def test_a_time_of_an_earlier_boot_is_refused(tmp_path: Path) -> None:
    device = Device()
    with pytest.raises(ClockUnset, match="expected a time of this boot"):
        time_file.read(told(tmp_path, device), device.machine, "boot-2")


@pytest.mark.parametrize("wait_s", [HOLD_S + 1, -1.0])
def test_a_time_of_long_ago_or_of_the_future_is_refused(tmp_path: Path, wait_s: float) -> None:
    device = Device()
    path = told(tmp_path, device)
    device.wait(wait_s)
    with pytest.raises(ClockUnset, match="expected an age of 0 to 21600 s"):
        time_file.read(path, device.machine, "boot-1")


@pytest.mark.parametrize("at", ["2025-12-31T23:59:59Z", "2045-01-01T00:00:00Z", "2026-05-01T12:00:00"])
def test_an_impossible_time_is_refused(tmp_path: Path, at: str) -> None:
    path = tmp_path / "time.json"
    path.write_text(json.dumps({"at": at, "ticks_s": 100.0, "boot_id": "boot-1"}))
    with pytest.raises(ClockUnset, match="at: expected an instant in 2026 to 2040"):
        time_file.read(path, Device().machine, "boot-1")


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"[]", b'{"at": 7}', b'{"at": "2026-05-01T12:00:00Z"}', b"{" * 5000]
)
def test_a_file_that_says_nothing_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "time.json"
    path.write_bytes(content)
    with pytest.raises(ClockUnset, match="expected a time by GNSS"):
        time_file.read(path, Device().machine, "boot-1")


def test_a_file_that_is_not_there_is_no_fix_yet(tmp_path: Path) -> None:
    with pytest.raises(ClockUnset, match="got no file"):
        time_file.read(tmp_path / "none", Device().machine, "boot-1")


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreBroken, match="No such file or directory"):
        time_file.write(tmp_path / "none" / "time", Reading(NOW, Clock.GNSS, 1.0), "boot-1")


def write_config(folder: Path, gnss: str) -> Path:
    path = folder / "edge.yaml"
    path.write_text(f"{gnss}\n{TEXT}")
    return path


def test_set_clock_says_what_it_would_do_and_does_nothing(tmp_path: Path) -> None:
    config = write_config(tmp_path, f"gnss: {{port: /dev/null, time_file: {tmp_path}/time}}")
    ahead = Reading(clock.wall() + timedelta(hours=1), Clock.GNSS, clock.ticks())
    time_file.write(tmp_path / "time", ahead, clock.boot_id())
    before = clock.wall()
    run = run_edge("set-clock", "--dry-run", "-c", config)
    assert run.returncode == 0, run.stderr
    assert clock.wall() - before < timedelta(minutes=30)
    kept = clock.is_synchronised()
    assert ("NTP keeps it" in run.stdout) == kept
    assert ("would be moved by +" in run.stdout) == (not kept)


def test_set_clock_without_a_file_to_read_is_a_wrong_configuration(tmp_path: Path) -> None:
    run = run_edge("set-clock", "-c", write_config(tmp_path, "gnss: {port: /dev/null}"))
    assert (run.returncode, "gnss.time_file: expected a path" in run.stderr) == (78, True)


def test_set_clock_before_the_first_fix_says_so(tmp_path: Path) -> None:
    config = write_config(tmp_path, f"gnss: {{port: /dev/null, time_file: {tmp_path}/time}}")
    run = run_edge("set-clock", "-c", config)
    assert (run.returncode, "got no file" in run.stderr) == (1, True)
