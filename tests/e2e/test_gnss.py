"""The daemon with a GNSS receiver on a real serial line, and with clocks that are wrong or jump."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from edge import clock, time_file
from edge.clock import Machine
from edge.config import load
from edge.daemon import Asked, Daemon
from edge.geo import LngLat, distance_m
from edge.shelter import State
from edge.station import DATABASE
from edge.store import Store
from tests.acquire.sky import HERE, SerialLine, speaking
from tests.broker import Broker, Subscriber
from tests.e2e.archive import STORY, drop, put_look, write_archive, write_config
from tests.e2e.program import alerts_heard, running, until

YEARS = timedelta(days=20 * 365)


@pytest.fixture
def line(tmp_path: Path) -> Iterator[SerialLine]:
    plugged = SerialLine(tmp_path / "ttyGNSS")
    yield plugged
    plugged.unplug()


def gnss(line: SerialLine, **more: object) -> dict[str, object]:
    return {"port": str(line.path), **more}


def newest_health(listener: Subscriber) -> dict[str, Any]:
    heard = listener.heard("/health")
    found: dict[str, Any] = json.loads(heard[-1][1]) if heard else {"gnss": None, "clock": None}
    return found


def test_health_and_alerts_tell_the_place_and_the_time_by_gnss(
    tmp_path: Path, broker: Broker, listener: Subscriber, line: SerialLine
) -> None:
    first, second = write_archive(tmp_path / "tiles", STORY[:2])
    config = write_config(tmp_path / "device", broker.url, gnss=gnss(line))
    with speaking(line), running(config) as daemon:
        daemon.wait_for("clock is known: clock=gnss")
        until(lambda: newest_health(listener)["clock"] == "gnss", daemon.log_text)
        for image in (first, second):
            drop(daemon.spool, image)
        said = alerts_heard(listener, 1)[0]["data"]["properties"]
    told = newest_health(listener)["gnss"]
    assert (told["reception"], said["clock"]) == ("fix", "gnss")
    assert abs(told["clock_error_s"]) < 2
    for fix in (told["fix"], said["device"]):
        assert distance_m(LngLat(fix["lng"], fix["lat"]), HERE) < 2


def test_a_receiver_that_is_not_there_costs_nothing_but_its_word(
    tmp_path: Path, broker: Broker, listener: Subscriber
) -> None:
    config = write_config(tmp_path / "device", broker.url, gnss={"port": str(tmp_path / "none")})
    [image] = write_archive(tmp_path / "tiles", STORY[:1])
    with running(config) as daemon:
        drop(daemon.spool, image)
        daemon.wait_until_done(1)
        listener.wait_for(1, "/health")
        assert daemon.stop() == 0
    assert daemon.log_text().count("reception=closed") == 1


def test_a_receiver_is_taken_up_with_sighup(tmp_path: Path, line: SerialLine) -> None:
    config = write_config(tmp_path / "device")
    with speaking(line), running(config) as daemon:
        write_config(tmp_path / "device", gnss=gnss(line))
        daemon.ask_to_reload()
        daemon.wait_for("reception=fix")
        assert daemon.stop() == 0


class Stepped:
    """A daemon in this process whose system clock a test sets; its other parts are real."""

    def __init__(self, config: Path) -> None:
        self.off = timedelta(0)
        self.is_synchronised = False
        self._config = config
        self._machine = Machine(
            wall=lambda: clock.wall() + self.off,
            is_synchronised=lambda: self.is_synchronised,
            has_rtc=lambda: False,
        )

    @contextmanager
    def running(self) -> Iterator[Daemon]:
        """From its start to its end; the loop is turned by hand."""
        settings = load(self._config)
        settings.state.folder.mkdir(exist_ok=True)
        path = settings.state.folder / DATABASE
        with closing(Store(path, settings.transmit.outbox)) as store:
            asked = Asked(threading.Event(), threading.Event())
            daemon = Daemon(self._config, settings, State(store, settings), asked, self._machine)
            try:
                yield daemon
            finally:
                daemon.stop()

    def turn_until_known(self, daemon: Daemon) -> None:
        """Turn the loop until somebody vouches for the time."""

        def is_known() -> bool:
            daemon._step()
            return not daemon._was_doubtful

        until(is_known, lambda: "the time was not known")


def shown(listener: Subscriber, n: int) -> list[tuple[int, str, str, int | None]]:
    """Sequence, kind and clock of each alert, and which one it corrects."""
    found = []
    for alert in alerts_heard(listener, n):
        said = alert["data"]["properties"]
        found.append((alert["sequence"], said["kind"], said["clock"], said.get("corrects")))
    return found


@pytest.mark.parametrize("off", [-YEARS, YEARS], ids=["twenty years behind", "twenty years ahead"])
def test_an_alert_before_the_first_fix_is_said_at_once_and_corrected_by_it(
    tmp_path: Path, broker: Broker, listener: Subscriber, line: SerialLine, off: timedelta
) -> None:
    config = write_config(
        tmp_path / "device", broker.url, gnss=gnss(line, time_file=str(tmp_path / "gnss-time"))
    )
    stepped = Stepped(config)
    stepped.off = off
    for day in (1, 2):
        put_look(tmp_path / "device" / "spool", day, STORY[day - 1])
    before = datetime.now(UTC)
    with stepped.running() as daemon:
        daemon._step()
        daemon._step()
        assert shown(listener, 1) == [(1, "arrival", "untrusted", None)]
        with speaking(line):
            stepped.turn_until_known(daemon)
        assert shown(listener, 2)[1:] == [(2, "arrival", "gnss", 1)]
    wrong, right = (datetime.fromisoformat(alert["recordedtime"]) for alert in alerts_heard(listener, 2))
    assert abs(wrong - right + -off) < timedelta(seconds=5)
    assert before - timedelta(seconds=5) < right < datetime.now(UTC) + timedelta(seconds=5)
    by_gnss = time_file.read(tmp_path / "gnss-time", Machine(), clock.boot_id())
    assert abs(by_gnss - clock.wall()) < timedelta(seconds=5)


def test_steps_of_the_clock_by_twenty_years_both_ways_keep_the_order(
    tmp_path: Path, broker: Broker, listener: Subscriber
) -> None:
    stepped = Stepped(write_config(tmp_path / "device", broker.url))
    with stepped.running() as daemon:
        for day, off in enumerate((timedelta(0), YEARS, -YEARS, YEARS, timedelta(0)), 1):
            stepped.off = off
            put_look(tmp_path / "device" / "spool", day, STORY[day - 1])
            daemon._step()
        heard = alerts_heard(listener, 4)
    assert [alert["sequence"] for alert in heard] == list(range(1, len(heard) + 1))
    assert sorted(alert["time"] for alert in heard) == [alert["time"] for alert in heard]
    assert len({alert["recordedtime"][:4] for alert in heard}) > 1


def test_a_clock_that_ntp_sets_later_corrects_what_was_said(
    tmp_path: Path, broker: Broker, listener: Subscriber
) -> None:
    stepped = Stepped(write_config(tmp_path / "device", broker.url))
    stepped.off = -YEARS
    for day in (1, 2):
        put_look(tmp_path / "device" / "spool", day, STORY[day - 1])
    with stepped.running() as daemon:
        daemon._step()
        daemon._step()
        stepped.off, stepped.is_synchronised = timedelta(0), True
        daemon._step()
        assert shown(listener, 2)[1:] == [(2, "arrival", "ntp", 1)]
