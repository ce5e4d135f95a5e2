"""Alerts made before the time was known: said again with the right one, once, under the same id."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from edge.clock import Timekeeper
from edge.monitor.finding import Phase
from edge.schema import schema_text
from edge.store import Commit, Store
from edge.transmit.alert import evidence_of
from edge.transmit.outbox import OutboxSettings
from edge.transmit.untimed import RTC_IS_GOOD_S
from tests.clocks import Device
from tests.transmit.make import make_alert, make_finding

SITE = "north-airfield"
YEARS = timedelta(days=20 * 365)
LATE = timedelta(hours=6)


class Desk:
    """A device's store, and what a desk would hear of it."""

    def __init__(self, folder: Path, off: timedelta = -YEARS, boot: str = "boot-1") -> None:
        self.device = Device(off=off)
        self._folder = folder
        self.keeper = Timekeeper(self.device.machine)
        self.store = self.reopened(boot)

    def reopened(self, boot: str) -> Store:
        """The store as the program finds it after a start."""
        self.store = Store(
            self._folder / "edge.sqlite", OutboxSettings(), lambda: self.device.ticks_s, lambda: boot
        )
        return self.store

    def alert(self, phase: Phase = Phase.NEW, clock: str = "untrusted", tile: str = "t-1") -> None:
        """Make one now, by the clock as it stands; its ground was seen an hour ago."""
        seen_at = self.device.true - timedelta(hours=1)
        finding = replace(make_finding(phase=phase, opened_by=tile), seen_at=seen_at)
        now = self.device.true + (timedelta(0) if clock in ("gnss", "ntp") else self.device.off)
        made = replace(
            make_alert(finding, evidence=(evidence_of("after", b"1"),)), clock=clock, recorded_at=now
        )
        self.store.commit(Commit(done_at=now, alerts=[made]))

    def correct(self) -> int:
        """The time becomes known now."""
        known = self.keeper.read(self.device.heard)
        return self.store.correct("pier-7", known, LATE)

    def heard(self) -> list[dict[str, Any]]:
        """Every alert in the queue, in order."""
        rows = self.store.outbox.waiting(0, 100)
        return [json.loads(row.payload) for row in rows if row.topic.endswith("/alert")]


def times(event: Mapping[str, Any]) -> tuple[int, str, str, str, bool]:
    said = event["data"]["properties"]
    return event["sequence"], event["recordedtime"], said["phase"], said["clock"], said["late"]


@pytest.mark.parametrize("off", [-YEARS, -timedelta(hours=1), YEARS])
def test_an_alert_is_said_again_with_the_time_at_which_it_was_made(tmp_path: Path, off: timedelta) -> None:
    desk = Desk(tmp_path, off)
    desk.alert()
    desk.device.wait(300)
    assert desk.correct() == 1
    first, again = desk.heard()
    assert first["data"]["properties"]["clock"] == "untrusted"
    assert times(again) == (2, "2026-05-01T12:00:00Z", "update", "gnss", False)
    assert (again["id"], again["data"]["properties"]["corrects"]) == (first["id"], 1)


def test_a_correction_keeps_to_the_schema(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.alert()
    desk.correct()
    Draft202012Validator(json.loads(schema_text("alert"))).validate(desk.heard()[1])


def test_a_correction_changes_the_time_and_nothing_else(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.alert()
    desk.correct()
    first, again = desk.heard()
    properties = {**first["data"]["properties"], "phase": "update", "clock": "gnss", "corrects": 1}
    expected = {**first, "sequence": 2, "recordedtime": "2026-05-01T12:00:00Z"}
    assert again == {**expected, "data": {**first["data"], "properties": properties}}


def test_a_tile_that_was_late_by_the_true_time_is_late_in_the_correction(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    finding = replace(make_finding(), seen_at=desk.device.true - timedelta(days=2))
    now = desk.device.true + desk.device.off
    made = replace(make_alert(finding), clock="untrusted", recorded_at=now)
    desk.store.commit(Commit(done_at=now, alerts=[made]))
    desk.correct()
    assert [times(event)[4] for event in desk.heard()] == [False, True]


def test_pictures_are_not_sent_twice(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.alert()
    desk.correct()
    assert sum("/evidence/" in row.topic for row in desk.store.outbox.waiting(0, 100)) == 1


def test_a_correction_is_made_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.alert()
    assert (desk.correct(), desk.correct()) == (1, 0)


def test_a_correction_outlives_a_restart_of_the_program(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.alert()
    desk.reopened("boot-1")
    assert desk.correct() == 1


def test_after_another_boot_nobody_knows_when_it_was(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.alert()
    desk.reopened("boot-2")
    assert (desk.correct(), len(desk.heard())) == (0, 1)


@pytest.mark.parametrize("clock", ["gnss", "ntp"])
def test_an_alert_made_by_a_known_clock_is_not_said_again(tmp_path: Path, clock: str) -> None:
    desk = Desk(tmp_path)
    desk.alert(clock=clock)
    assert desk.correct() == 0


@pytest.mark.parametrize(("off_s", "n"), [(RTC_IS_GOOD_S, 0), (RTC_IS_GOOD_S + 1, 1)])
def test_an_alert_by_a_battery_clock_is_said_again_where_that_was_wrong(
    tmp_path: Path, off_s: float, n: int
) -> None:
    desk = Desk(tmp_path, timedelta(seconds=off_s))
    desk.alert(clock="rtc")
    assert desk.correct() == n


def test_of_a_story_only_the_newest_message_is_said_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.alert()
    desk.alert(Phase.UPDATE)
    desk.alert(tile="t-2")
    assert desk.correct() == 2
    assert [event["data"]["properties"].get("corrects") for event in desk.heard()] == [None, None, None, 2, 3]


def test_a_story_that_went_on_by_a_known_clock_is_left_alone(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.alert()
    desk.alert(Phase.UPDATE, clock="gnss")
    assert desk.correct() == 0


def test_a_story_that_ended_has_ended_in_the_correction_too(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.alert()
    desk.alert(Phase.END)
    desk.correct()
    assert times(desk.heard()[-1])[2] == "end"
    assert desk.store.open_alerts(SITE) == []


def test_the_open_alerts_tell_the_right_time_and_each_story_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.alert()
    desk.correct()
    assert [stored.sequence for stored in desk.store.open_alerts(SITE)] == [2]
    [retained] = desk.store.outbox.retained(only_dirty=True)
    [feature] = json.loads(retained.payload)["features"]
    assert feature["properties"]["recordedtime"] == "2026-05-01T12:00:00Z"


def test_a_device_that_never_learns_the_time_does_not_fill_its_disk(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    commits = [replace(make_alert(make_finding(opened_by=f"t-{n}")), clock="untrusted") for n in range(1100)]
    desk.store.commit(Commit(done_at=desk.device.true, alerts=commits))
    assert desk.correct() == 1000


def test_the_newest_known_time_is_kept_over_a_restart_and_never_goes_back(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    before = desk.store.known_time()
    desk.store.note_known_time(desk.device.true)
    desk.store.note_known_time(desk.device.true - YEARS)
    assert (before, desk.reopened("boot-2").known_time()) == (None, desk.device.true)
