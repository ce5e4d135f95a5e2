"""What the doctor finds on a device, and what it advises."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import serial

from edge import doctor
from edge.acquire.gnss import GnssSettings
from edge.config import Settings
from edge.doctor import Check, Verdict, check_broker
from edge.transmit.mqtt_settings import MqttSettings
from tests.acquire.sky import SerialLine, indoors, speaking
from tests.broker import running_broker
from tests.detect.make import write_model
from tests.settings import TEXT, make_settings, with_line


def settings(folder: Path, text: str = TEXT) -> Settings:
    write_model(folder)
    return make_settings(folder, f"models: {{objects: blobs.yaml}}\n{text}")


def examined(subject: Settings, now: datetime | None = None) -> dict[str, Check]:
    return {check.name: check for check in doctor.examine(subject, now or datetime.now(UTC))}


def test_a_sound_device_passes_where_it_can_be_judged(tmp_path: Path) -> None:
    with running_broker(tmp_path) as broker:
        mqtt = f"  mqtt: {{url: 'mqtt://127.0.0.1:{broker.port}'}}"
        checks = examined(settings(tmp_path, with_line("mqtt:", mqtt)))
    assert {checks[name].verdict for name in ("python", "model", "broker", "spool folder")} == {Verdict.OK}
    assert checks["broker"].found == f"127.0.0.1:{broker.port} answers, MQTT 5"


def test_a_broker_that_keeps_nothing_is_doubtful(tmp_path: Path) -> None:
    with running_broker(tmp_path, ["allow_anonymous true", "retain_available false"]) as broker:
        found = check_broker(MqttSettings(url=broker.url))
    assert (found.verdict, found.found) == (
        Verdict.WARN,
        f"127.0.0.1:{broker.port} answers, MQTT 5, keeps no retained messages",
    )


def test_a_broker_that_does_not_answer_fails(tmp_path: Path) -> None:
    assert examined(settings(tmp_path))["broker"].verdict is Verdict.FAIL


def test_without_a_broker_there_is_a_warning(tmp_path: Path) -> None:
    assert examined(settings(tmp_path, with_line("mqtt:", "  outbox: {}")))["broker"].verdict is Verdict.WARN


def test_a_model_that_is_not_its_manifest_s_fails(tmp_path: Path) -> None:
    subject = settings(tmp_path)
    (tmp_path / "blobs.onnx").write_bytes(b"another model")
    check = examined(subject)["model"]
    assert check.verdict is Verdict.FAIL
    assert "sha256" in check.found


def test_a_folder_that_the_daemon_can_make_is_fine(tmp_path: Path) -> None:
    subject = settings(tmp_path)
    (tmp_path / "spool").rmdir()
    found = f"{tmp_path}/spool is not there yet, the daemon makes it"
    assert examined(subject)["spool folder"] == Check("spool folder", Verdict.OK, found)


def test_a_folder_that_cannot_be_made_fails(tmp_path: Path) -> None:
    subject = settings(tmp_path)
    (tmp_path / "spool").rmdir()
    (tmp_path / "spool").write_bytes(b"")
    check = examined(subject)["spool folder"]
    assert check == Check(
        "spool folder", Verdict.FAIL, f"{tmp_path}/spool is not there", f"mkdir -p {tmp_path}/spool"
    )


def test_a_clock_behind_the_newest_file_fails(tmp_path: Path) -> None:
    check = examined(settings(tmp_path), datetime(1970, 1, 1, tzinfo=UTC))["clock"]
    assert check.verdict is Verdict.FAIL
    assert "1970-01-01T00:00:00Z, untrusted" in check.found


def test_a_state_file_from_the_future_shows_that_the_clock_went_back(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    subject = settings(tmp_path)
    ahead = (now + timedelta(days=1)).timestamp()
    (tmp_path / "state" / "store").write_bytes(b"")
    os.utime(tmp_path / "state" / "store", (ahead, ahead))
    assert examined(subject, now)["clock"].verdict is Verdict.FAIL


@pytest.fixture
def line(tmp_path: Path) -> Iterator[SerialLine]:
    plugged = SerialLine(tmp_path / "ttyGNSS")
    yield plugged
    plugged.unplug()


def test_a_receiver_with_a_fix_passes_and_tells_the_place(line: SerialLine) -> None:
    with speaking(line):
        check = doctor.check_gnss(GnssSettings(port=line.path))
    assert check.verdict is Verdict.OK
    assert "fix, -16.98421 27.00312, the clock is " in check.found


def test_a_receiver_without_a_view_of_the_sky_warns(line: SerialLine) -> None:
    with speaking(line, indoors):
        check = doctor.check_gnss(GnssSettings(port=line.path), listen_s=0.5)
    assert (check.verdict, "free view of the sky" in check.advice) == (Verdict.WARN, True)


def test_a_receiver_at_another_rate_warns(line: SerialLine) -> None:
    with speaking(line, lambda: b"\xf8\x1c\x00$\xe0\n"):
        check = doctor.check_gnss(GnssSettings(port=line.path), listen_s=0.5)
    assert (check.verdict, "gnss.baud" in check.advice) == (Verdict.WARN, True)


def test_a_receiver_that_says_nothing_warns(line: SerialLine) -> None:
    check = doctor.check_gnss(GnssSettings(port=line.path), listen_s=0.1)
    assert (check.verdict, "silent" in check.found) == (Verdict.WARN, True)


def test_a_receiver_that_is_not_there_warns(tmp_path: Path) -> None:
    check = doctor.check_gnss(GnssSettings(port=tmp_path / "none"), listen_s=0.1)
    assert (check.verdict, "No such file" in check.found) == (Verdict.WARN, True)


def test_a_receiver_that_the_daemon_reads_is_left_to_it(line: SerialLine) -> None:
    with closing(serial.Serial(str(line.path), exclusive=True)):
        check = doctor.check_gnss(GnssSettings(port=line.path), listen_s=0.1)
    assert (check.verdict, "is in use" in check.found) == (Verdict.OK, True)


def test_a_receiver_is_only_listened_to_where_one_is_configured(tmp_path: Path) -> None:
    assert "gnss" not in examined(settings(tmp_path))


@pytest.mark.parametrize(
    ("hottest_c", "verdict"),
    [(None, "ok"), (69.9, "ok"), (70.0, "warn"), (79.9, "warn"), (80.0, "fail")],
)
def test_heat_is_judged_by_where_the_board_slows_down(hottest_c: float | None, verdict: str) -> None:
    assert doctor.of_temperature(hottest_c).verdict == verdict


@pytest.mark.parametrize(("free", "verdict"), [(10**8, "fail"), (10**9, "warn"), (10**10, "ok")])
def test_a_disk_needs_room_for_what_the_state_may_grow_to(free: int, verdict: str) -> None:
    assert doctor.of_disk(free, used_bytes=10**6, max_bytes=2 * 10**9).verdict == verdict


def test_every_check_that_is_not_ok_says_what_to_do(tmp_path: Path) -> None:
    subject = settings(tmp_path, with_line("spool:", "spool: {folder: blobs.onnx}"))
    checks = doctor.examine(subject, datetime(1970, 1, 1, tzinfo=UTC))
    assert not [check for check in checks if (check.verdict is Verdict.OK) != (not check.advice)]


def test_a_check_is_one_line_of_json() -> None:
    line = doctor.to_json(Check("disk", Verdict.WARN, "1 MB free", "Free some space."))
    expected = {"name": "disk", "verdict": "warn", "found": "1 MB free", "advice": "Free some space."}
    assert msgspec.json.decode(line) == expected


def test_a_check_reads_as_verdict_name_and_finding() -> None:
    assert str(Check("disk", Verdict.OK, "9 MB free")) == "ok    disk: 9 MB free"
