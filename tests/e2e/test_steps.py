"""The whole program under a system clock that jumps by twenty years (libfaketime), over TLS."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.broker import Subscriber, running_broker
from tests.e2e.archive import STORY, drop, write_archive, write_config
from tests.e2e.program import Daemon, alerts_heard, running
from tests.figures import Tell
from tests.transmit.certificates import Authority


class Clock:
    """The clock of one process: true time, moved by as much as stands in a file."""

    def __init__(self, folder: Path) -> None:
        found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        if not found:
            pytest.skip("libfaketime is not installed (Debian: libfaketime)")
        self._file = folder / "faketime"
        self.step("+0")
        self.variables = {
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            # As settimeofday(2) does: only the wall clock moves.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def step(self, by: str) -> None:
        """Move it, at once."""
        part = self._file.with_suffix(".part")
        part.write_text(by)
        part.replace(self._file)


def tile_is_done(daemon: Daemon, image: Path, n: int) -> None:
    drop(daemon.spool, image)
    daemon.wait_until_done(n)


@pytest.mark.long
def test_steps_of_the_clock_by_twenty_years_hang_nothing_and_are_named(tmp_path: Path, tell: Tell) -> None:
    authority, clock = Authority(tmp_path), Clock(tmp_path)
    images = write_archive(tmp_path / "tiles", STORY[:5])
    certificate, key = authority.sign("broker")
    lines = ["allow_anonymous true", f"cafile {authority.certificate}", f"certfile {certificate}"]
    with running_broker(tmp_path, [*lines, f"keyfile {key}"]) as broker:
        mqtt = {"url": f"mqtts://127.0.0.1:{broker.port}", "ca_file": str(authority.certificate)}
        transmit = {"mqtt": mqtt, "uplink": {"retry_max_s": 1.0}}
        config = write_config(tmp_path / "device", transmit=transmit)
        with running(config, clock.variables) as daemon:
            daemon.wait_for("link up")
            tile_is_done(daemon, images[0], 1)
            clock.step("+20y")
            tile_is_done(daemon, images[1], 2)
            broker.restart()
            daemon.wait_for("TLS: the broker's certificate has expired by the device's clock, which says 2")
            clock.step("-20y")
            daemon.wait_for("TLS: the broker's certificate is not valid yet by the device's clock")
            tile_is_done(daemon, images[2], 3)
            listener = Subscriber(broker, tmp_path, "#", "--cafile", str(authority.certificate))
            clock.step("+0")
            daemon.wait_for("link up", 2)
            tile_is_done(daemon, images[3], 4)
            tile_is_done(daemon, images[4], 5)
            heard = alerts_heard(listener, 3)
            listener.stop()
            assert daemon.stop() == 0
    faults = set(re.findall(r"reason=TLS: (the broker's certificate .*?), which says", daemon.log_text()))
    tell(f"clock stepped by 20 years both ways: {len(heard)} alerts in order; TLS said: {sorted(faults)}")
    sequences = [alert["sequence"] for alert in heard]
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
    assert sorted(alert["time"] for alert in heard) == [alert["time"] for alert in heard]
