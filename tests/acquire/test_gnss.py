"""A receiver on a real pseudo-terminal: what is known of it, whatever happens to the line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from edge import clock
from edge.acquire.gnss import FRESH_S, Ear, GnssSettings, Receiver, Receiving, Reception, listen
from edge.acquire.plausible import N_TO_BELIEVE
from edge.clock import BUILT_AFTER
from tests.acquire.sky import HERE, NOW, SerialLine, gga, rmc, seconds, speaking
from tests.e2e.program import until

SECOND = timedelta(seconds=1)


@pytest.fixture
def line(tmp_path: Path) -> Iterator[SerialLine]:
    plugged = SerialLine(tmp_path / "ttyGNSS")
    yield plugged
    plugged.unplug()


@pytest.fixture
def receiver(line: SerialLine) -> Iterator[Receiver]:
    settings = GnssSettings(port=line.path)
    started = Receiver(settings, not_before=BUILT_AFTER, ticks=clock.ticks, retry_s=0.05)
    started.start()
    yield started
    started.stop()


def speak_until(line: SerialLine, is_so: Callable[[], bool]) -> None:
    """Let the receiver say the time that it is until something is so."""
    with speaking(line):
        until(is_so, lambda: "what the receiver said was not heard")


def test_a_fix_is_heard_over_a_serial_line(line: SerialLine, receiver: Receiver) -> None:
    speak_until(line, lambda: receiver.receiving.reception is Reception.FIX)
    heard = receiver.receiving.heard
    assert heard is not None
    assert abs((clock.wall() - heard.fix.at).total_seconds()) < 60


def test_a_receiver_that_was_unplugged_is_heard_again_when_it_comes_back(
    line: SerialLine, receiver: Receiver
) -> None:
    speak_until(line, lambda: receiver.receiving.heard is not None)
    line.unplug()
    until(lambda: receiver.receiving.fault is not None, lambda: "expected a fault")
    before = receiver.receiving.heard
    line.plug()
    until(lambda: receiver.receiving.fault is None, lambda: str(receiver.receiving.fault))
    speak_until(line, lambda: receiver.receiving.heard != before)


def test_a_port_that_is_not_there_is_closed_and_says_why(tmp_path: Path) -> None:
    told = listen(GnssSettings(port=tmp_path / "none"), 0.1, not_before=BUILT_AFTER, ticks=clock.ticks)
    assert told.reception is Reception.CLOSED
    assert "No such file" in str(told.fault)


def test_a_port_that_somebody_else_reads_is_closed(line: SerialLine, receiver: Receiver) -> None:
    speak_until(line, lambda: receiver.receiving.heard is not None)
    told = listen(GnssSettings(port=line.path), 0.1, not_before=BUILT_AFTER, ticks=clock.ticks)
    assert "exclusively lock" in str(told.fault)


def test_a_file_that_is_no_port_is_closed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(rmc())
    told = listen(GnssSettings(port=tmp_path / "file"), 0.1, not_before=BUILT_AFTER, ticks=clock.ticks)
    assert told.reception is Reception.CLOSED


def heard(*pieces: tuple[float, bytes], at_s: float) -> Receiving:
    """How a receiver is at a moment, after it said this at those."""
    ear = Ear(GnssSettings(port=Path("/dev/null")), BUILT_AFTER)
    for ticks_s, data in pieces:
        ear.hear(data, ticks_s)
    return ear.receiving(at_s)


def spoken(n: int) -> list[tuple[float, bytes]]:
    return [(float(second), data) for second, (_, data) in enumerate(seconds(n))]


def test_a_line_on_which_nothing_comes_is_silent() -> None:
    assert heard((0.0, b""), at_s=1.0).reception is Reception.SILENT


def test_bytes_at_the_wrong_rate_are_garbled() -> None:
    assert heard((0.0, b"\xf8\x00\x1c$\xe0\n" * 20), at_s=1.0).reception is Reception.GARBLED


def test_a_receiver_that_sees_no_sky_has_no_fix() -> None:
    assert heard((0.0, rmc(place=None) + gga(place=None)), at_s=1.0).reception is Reception.NO_FIX


def test_the_first_fixes_are_not_believed_yet() -> None:
    assert heard(*spoken(N_TO_BELIEVE - 1), at_s=2.0).reception is Reception.NO_FIX


def test_fixes_that_agree_are_a_fix() -> None:
    told = heard(*spoken(N_TO_BELIEVE), at_s=3.0)
    assert told.reception is Reception.FIX
    assert told.heard is not None
    assert told.heard.fix.at == NOW + (N_TO_BELIEVE - 1) * SECOND


def test_a_fix_that_was_long_ago_is_still_told_but_is_none_now() -> None:
    told = heard(*spoken(N_TO_BELIEVE), at_s=N_TO_BELIEVE + FRESH_S)
    assert told.reception is Reception.SILENT
    assert told.heard is not None


def test_fixes_that_are_refused_are_counted_and_said() -> None:
    told = heard(*((float(n), rmc(NOW + n * SECOND, HERE, mode="S")) for n in range(5)), at_s=5.0)
    assert (told.reception, told.n_refused) == (Reception.IMPLAUSIBLE, {"made_up": 5})
