"""The dialogue with a modem on a real pseudo-terminal."""

from __future__ import annotations

import os
import tty
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from edge.drill.modem import Fault, SimulatedModem
from edge.transmit.satmodem import SatModem
from edge.transmit.sbd import ModemDown, ModemState
from tests.transmit.modem import messages, plugged_in, settings_for


@contextmanager
def talking(folder: Path, *faults: Fault) -> Iterator[tuple[SatModem, SimulatedModem]]:
    with plugged_in(folder, *faults) as simulated, closing(SatModem(settings_for(folder))) as modem:
        yield modem, simulated


def test_a_message_arrives_byte_for_byte(tmp_path: Path) -> None:
    payload = bytes(range(256)) + b"\r\nOK\r\n"
    with talking(tmp_path) as (modem, _):
        assert modem.signal() == 4
        modem.put(payload)
        session = modem.exchange()
    assert session.is_sent
    assert messages(tmp_path) == [payload]


@pytest.mark.parametrize("n_bytes", [1, 340])
def test_the_smallest_and_the_largest_message_go(tmp_path: Path, n_bytes: int) -> None:
    with talking(tmp_path) as (modem, _):
        modem.put(b"\xff" * n_bytes)
        assert modem.exchange().is_sent
    assert messages(tmp_path) == [b"\xff" * n_bytes]


def test_a_message_too_large_for_the_modem_is_said_so(tmp_path: Path) -> None:
    with talking(tmp_path) as (modem, _), pytest.raises(ModemDown) as down:
        modem.put(bytes(341))
    assert down.value.state is ModemState.REFUSED
    assert "the modem refused the size" in str(down.value)


def test_what_was_sent_once_does_not_go_again(tmp_path: Path) -> None:
    with talking(tmp_path) as (modem, _):
        modem.put(b"once")
        modem.exchange()
        modem.clear_outgoing()
        modem.exchange()
    assert messages(tmp_path) == [b"once"]


@pytest.mark.parametrize("payload", [b"\0", bytes(range(14, 256)), b"OK\r\n" * 60])
def test_a_message_to_the_device_comes_byte_for_byte(tmp_path: Path, payload: bytes) -> None:
    (tmp_path / "mt").mkdir()
    (tmp_path / "mt" / "1.sbd").write_bytes(payload)
    with talking(tmp_path) as (modem, _):
        session = modem.exchange()
        assert (session.is_received, session.n_bytes, session.n_queued) == (True, len(payload), 0)
        assert modem.received() == payload
        # Until it is cleared it can be read again: a power cut loses nothing that was not written down.
        assert modem.holds_received()
        modem.clear_received()
        assert not modem.holds_received()


@pytest.mark.parametrize(("fault", "status"), [(Fault.STATUS_18, 18), (Fault.STATUS_32, 32)])
def test_a_status_beyond_4_is_not_sent(tmp_path: Path, fault: Fault, status: int) -> None:
    with talking(tmp_path, fault) as (modem, _):
        modem.signal()
        modem.put(b"x")
        session = modem.exchange()
    assert (session.is_sent, session.status) == (False, status)
    assert messages(tmp_path) == []


def test_a_slow_modem_is_waited_for(tmp_path: Path) -> None:
    with talking(tmp_path, Fault.SLOW) as (modem, _):
        assert modem.signal() == 4
        modem.put(b"slow")
        assert modem.exchange().is_sent


def test_noise_instead_of_an_answer_is_garbled(tmp_path: Path) -> None:
    with talking(tmp_path, Fault.GARBAGE) as (modem, _), pytest.raises(ModemDown) as down:
        modem.signal()
    assert down.value.state is ModemState.GARBLED


def test_a_modem_that_never_says_ready_does_not_answer(tmp_path: Path) -> None:
    with talking(tmp_path, Fault.NO_READY) as (modem, _):
        modem.signal()
        with pytest.raises(ModemDown) as down:
            modem.put(b"x")
    assert str(down.value) == "no_answer: expected READY, got nothing"


def test_a_modem_pulled_out_in_a_session_is_no_port(tmp_path: Path) -> None:
    with talking(tmp_path, Fault.UNPLUGGED) as (modem, _):
        modem.signal()
        with pytest.raises(ModemDown) as down:
            modem.exchange()
    assert down.value.state is ModemState.NO_PORT


def test_a_port_that_is_not_there_is_said_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(ModemDown) as down:
        SatModem(settings_for(tmp_path))
    assert down.value.state is ModemState.NO_PORT
    assert str(tmp_path / "modem") in str(down.value)


def test_a_port_that_another_program_uses_is_left_alone(tmp_path: Path) -> None:
    with talking(tmp_path), pytest.raises(ModemDown) as down:
        SatModem(settings_for(tmp_path))
    assert down.value.state is ModemState.NO_PORT
    assert "exclusively lock" in str(down.value)


def test_a_port_on_which_nobody_answers_says_so(tmp_path: Path) -> None:
    with plugged_in(tmp_path, is_mute=True), pytest.raises(ModemDown) as down:
        SatModem(settings_for(tmp_path, answer_timeout_s=0.1))
    assert str(down.value) == "no_answer: expected OK, got nothing"


def test_a_wait_for_the_modem_ends_when_the_program_stops(tmp_path: Path) -> None:
    with plugged_in(tmp_path, is_mute=True), pytest.raises(ModemDown, match="stopped while waiting"):
        SatModem(settings_for(tmp_path, answer_timeout_s=60.0), lambda: True)


def test_endless_noise_ends_before_the_time_does(tmp_path: Path) -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    (tmp_path / "modem").symlink_to(os.ttyname(slave))
    with pytest.raises(ModemDown) as down:
        _listen_to_noise(tmp_path, master)
    os.close(master)
    os.close(slave)
    assert "got more than 4096 bytes" in str(down.value)


def _listen_to_noise(folder: Path, master: int) -> None:
    settings = settings_for(folder, answer_timeout_s=30.0)

    def make_noise() -> bool:
        os.write(master, b"\xaa" * 512)
        return False

    SatModem(settings, make_noise)
