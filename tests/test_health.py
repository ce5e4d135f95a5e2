"""What systemd is told, and what the health message says."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from jsonschema import Draft202012Validator

from edge import health
from edge.acquire.fix import Fix
from edge.acquire.gnss import Receiving, Reception
from edge.acquire.nmea import Mode
from edge.acquire.plausible import Heard
from edge.clock import Clock
from edge.geo import LngLat
from edge.health import CommandHealth, Health, QuietHealth, SiteHealth, StateFacts, TileCounts
from edge.schema import schema_text
from edge.transmit.outbox import OutboxStatistics
from edge.transmit.tally import Tally

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def make_health(**changes: object) -> Health:
    facts: dict[str, object] = {
        "device_id": "pier-7",
        "at": NOW,
        "version": "0.1.0",
        "clock": Clock.NTP,
        "uptime_s": 12.34,
        "sites": {},
        "tiles": TileCounts(),
        "outbox": OutboxStatistics(n_waiting=0, n_dead=0, size_bytes=0, n_dropped={}),
        "link": None,
        "state": StateFacts(),
        "free_bytes": 10**9,
        "used_bytes": 10**6,
        "memory_bytes": 10**8,
        "temperature_c": None,
        "models": {"objects": "objects-1 sha256:" + "0" * 64},
    }
    return Health(**(facts | changes))  # type: ignore[arg-type]


def told(**changes: object) -> dict[str, object]:
    message: dict[str, object] = msgspec.json.decode(health.to_json(make_health(**changes)))
    Draft202012Validator(msgspec.json.decode(schema_text("health"))).validate(message)
    return message


def test_a_device_without_a_look_says_so() -> None:
    sites = {"quarry": SiteHealth()}
    nothing = {"newest_look_at": None, "newest_look_age_s": None, "newest_reject": None}
    quiet = {"places": 0, "rules": 0, "hidden": 0}
    assert told(sites=sites)["sites"] == {"quarry": {**nothing, "quiet": quiet, "budget": None}}


def test_what_is_kept_quiet_is_told_by_site() -> None:
    sites = {"quarry": SiteHealth(quiet=QuietHealth(n_places=2, n_rules=1, n_hidden=7))}
    expected = {"places": 2, "rules": 1, "hidden": 7}
    assert told(sites=sites)["sites"]["quarry"]["quiet"] == expected  # type: ignore[index]


def test_what_became_of_commands_is_told_by_reason() -> None:
    commands = CommandHealth(n_done=3, n_refused={"expired": 2})
    assert told(commands=commands)["commands"] == {"done": 3, "refused": {"expired": 2}}


def test_the_age_of_the_newest_look_counts_from_when_the_ground_was_seen() -> None:
    sites = {"quarry": SiteHealth(newest_look_at=NOW - timedelta(hours=2))}
    assert told(sites=sites)["sites"]["quarry"]["newest_look_age_s"] == 7200.0  # type: ignore[index]


def test_a_look_from_the_future_is_of_age_zero() -> None:
    sites = {"quarry": SiteHealth(newest_look_at=NOW + timedelta(hours=2))}
    assert told(sites=sites)["sites"]["quarry"]["newest_look_age_s"] == 0.0  # type: ignore[index]


def test_the_newest_rejection_is_told_with_its_reason() -> None:
    sites = {"quarry": SiteHealth(newest_reject="clouded", newest_reject_at=NOW)}
    reject = {"reason": "clouded", "at": "2026-05-01T12:00:00Z"}
    assert told(sites=sites)["sites"]["quarry"]["newest_reject"] == reject  # type: ignore[index]


def test_what_the_outbox_lost_is_told() -> None:
    outbox = OutboxStatistics(n_waiting=3, n_dead=1, size_bytes=99, n_dropped={"minor": 2})
    expected = {"depth": 3, "bytes": 99, "dead": 1, "dropped": {"minor": 2}, "last_ack_age_s": 4.0}
    link = replace(Tally().statistics(), last_ack_age_s=4.0)
    assert told(outbox=outbox, link=link)["outbox"] == expected


def test_the_link_is_told_with_every_reason_that_was_given() -> None:
    tally = Tally()
    tally.down("refused by broker.lan:8883: Not authorized", "not_authorized")
    tally.up("5")
    tally.took(is_queued=True)
    tally.refused["too_large"] += 1
    assert told(link=tally.statistics())["link"] == {
        "mqtt": "5",
        "delivered": 1,
        "unconfirmed": 0,
        "refused": {"too_large": 1},
        "lost": {"not_authorized": 1},
        "restarts": 0,
    }


def test_a_state_that_is_not_kept_as_it_should_be_is_told_with_the_reason() -> None:
    state = StateFacts(in_memory=True, epoch=2, trouble="/var/lib/edge: read-only")
    expected = {"in_memory": True, "epoch": 2, "trouble": "/var/lib/edge: read-only", "damaged": 0}
    assert told(state=state)["state"] == expected


def test_a_receiver_is_told_with_its_newest_fix_and_what_it_says_of_the_clock() -> None:
    heard = Heard(Fix(NOW, LngLat(27.123456789, -16.5), Mode.AUTONOMOUS, 8, 0.9, 12.5), 100.0)
    gnss = Receiving(Reception.FIX, heard=heard, n_refused={"vague": 3})
    place = {"at": "2026-05-01T12:00:00Z", "lng": 27.12346, "lat": -16.5}
    quality = {"mode": "autonomous", "n_satellites": 8, "hdop": 0.9, "altitude_m": 12.5}
    expected = {"reception": "fix", "fault": None, "clock_error_s": -1.23, "refused": {"vague": 3}}
    assert told(gnss=gnss, clock_error_s=-1.2345)["gnss"] == {**expected, "fix": {**place, **quality}}


def test_a_port_that_is_not_there_is_told_with_its_fault() -> None:
    expected = {"reception": "closed", "fault": "no such file", "fix": None}
    told_gnss = told(gnss=Receiving(Reception.CLOSED, "no such file"))["gnss"]
    assert told_gnss == {**expected, "clock_error_s": None, "refused": {}}


def test_without_a_receiver_there_is_none_in_the_message() -> None:
    assert told()["gnss"] is None


def test_the_tiles_are_counted_by_their_end() -> None:
    tiles = TileCounts(n_done=5, n_rejected=2, n_quarantined=1)
    assert told(tiles=tiles)["tiles"] == {"done": 5, "rejected": 2, "quarantined": 1}


def test_the_hottest_sensor_counts_and_a_broken_one_does_not(tmp_path: Path) -> None:
    for n, text in enumerate(["41500\n", "63250\n", "broken\n"]):
        (tmp_path / f"thermal_zone{n}").mkdir()
        (tmp_path / f"thermal_zone{n}" / "temp").write_text(text, encoding="ascii")
    assert health.temperature_c(tmp_path) == 63.25


def test_a_machine_without_a_sensor_has_no_temperature(tmp_path: Path) -> None:
    assert health.temperature_c(tmp_path) is None


def test_the_memory_of_this_process_is_some_megabytes() -> None:
    assert 5_000_000 < health.memory_bytes() < 5_000_000_000


def test_the_files_of_a_folder_are_added_up(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    before = health.used_bytes(tmp_path)
    (tmp_path / "sub" / "file").write_bytes(b"x" * 1000)
    assert health.used_bytes(tmp_path) - before == 1000


def test_a_disk_has_some_room(tmp_path: Path) -> None:
    assert health.free_bytes(tmp_path) > 0


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        yield listener


def test_systemd_hears_what_it_is_told(systemd: socket.socket) -> None:
    health.notify(health.READY + "\n" + health.status("watching 2 sites"), systemd.getsockname())
    assert systemd.recv(200) == b"READY=1\nSTATUS=watching 2 sites"


def test_an_abstract_address_is_understood() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0edge-test-{os.getpid()}")
        health.notify(health.WATCHDOG, f"@edge-test-{os.getpid()}")
        assert listener.recv(200) == b"WATCHDOG=1"


@pytest.mark.parametrize("address", [None, "", "/nobody/listens/here"])
def test_without_a_listener_nothing_happens(address: str | None) -> None:
    health.notify(health.READY, address)


def test_a_status_of_two_lines_cannot_smuggle_in_another_message() -> None:
    assert health.status("a\nREADY=1") == "STATUS=a READY=1"


def test_a_reload_is_stamped_in_microseconds() -> None:
    assert health.reloading(1.5) == "RELOADING=1\nMONOTONIC_USEC=1500000"


@pytest.mark.parametrize(
    ("variables", "wanted_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "120000000"}, 120.0),
        ({"WATCHDOG_USEC": "5", "WATCHDOG_PID": "1"}, None),
    ],
)
def test_the_watchdog_is_fed_only_where_systemd_asks_this_process(
    variables: dict[str, str], wanted_s: float | None
) -> None:
    assert health.watchdog_s(variables) == wanted_s
