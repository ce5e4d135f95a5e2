"""A million bytes of noise, and of answers that are almost right, through the dialogue with the modem."""

from __future__ import annotations

import os
import random
import select
import threading
import tracemalloc
import tty
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from edge.transmit.packed import MAX_MESSAGE_BYTES, Refused, unpack
from edge.transmit.satmodem import SatModem
from edge.transmit.sbd import ModemDown, ModemState, holds_received, session_in, signal_in
from tests.figures import Tell
from tests.transmit.modem import KEY, settings_for

N_BYTES = 1_000_000

OK = b"\r\nOK\r\n"
RIGHT = {
    b"AT+CSQ": b"\r\n+CSQ:4\r\n" + OK,
    b"AT+SBDSX": b"\r\n+SBDSX: 0, 7, 1, 3, 0, 0\r\n" + OK,
    b"AT+SBDD": b"\r\n0\r\n" + OK,
    b"AT+SBDWB": b"\r\nREADY\r\n",
    b"\0": b"\r\n0\r\n" + OK,
    b"AT+SBDIX": b"\r\n+SBDIX: 0, 7, 1, 3, 5, 1\r\n" + OK,
    b"AT+SBDRB": b"\x00\x05hello\x02\x14",
    b"AT": OK,
}
"""What a modem would say, by how it is asked; the longer ones first."""


def answer(asked: bytes, dice: random.Random) -> bytes:
    """The right answer mostly, so that every step is reached; else noise, or answers with changed bytes."""
    chance = dice.random()
    if chance < 0.9:
        return next((right for start, right in RIGHT.items() if asked.startswith(start)), OK)
    if chance < 0.95:
        return dice.randbytes(dice.randrange(1, 6000))
    data = bytearray(b"".join(dice.choices([*RIGHT.values(), b"\r\nERROR\r\n", b"SBDRING\r\n"], k=60)))
    for _ in range(20):
        data[dice.randrange(len(data))] = dice.randrange(256)
    return bytes(data)


class Noise:
    """The other end of a pseudo-terminal: whatever it is told, it answers with noise."""

    def __init__(self, link: Path) -> None:
        self.n_bytes = 0
        self._dice = random.Random(7)
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        link.symlink_to(os.ttyname(self._slave))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        os.close(self._master)
        os.close(self._slave)

    def _serve(self) -> None:
        while not self._stop.is_set():
            readable, _, _ = select.select([self._master], [], [], 0.05)
            if readable:
                asked = os.read(self._master, 4096)
                # A full line is a device that does not read: it loses bytes, as a real one does.
                with suppress(BlockingIOError):
                    self.n_bytes += os.write(self._master, answer(asked, self._dice))


@contextmanager
def noise(folder: Path) -> Iterator[Noise]:
    with closing(Noise(folder / "modem")) as noisy:
        yield noisy


def talk(modem: SatModem) -> None:
    """Everything that a session says."""
    modem.holds_received()
    modem.signal()
    modem.clear_outgoing()
    modem.put(b"\0" * 48)
    modem.exchange()
    modem.received()
    modem.clear_received()


@pytest.mark.long
def test_a_million_bytes_of_noise_end_in_a_state_and_nothing_grows(tmp_path: Path, tell: Tell) -> None:
    settings = settings_for(tmp_path, answer_timeout_s=0.1, session_timeout_s=0.1)
    n_through, ends, sizes = 0, Counter[ModemState](), []
    tracemalloc.start()
    with noise(tmp_path) as noisy:
        while noisy.n_bytes < N_BYTES:
            try:
                with closing(SatModem(settings)) as modem:
                    talk(modem)
                    n_through += 1
            except ModemDown as down:
                ends[down.state] += 1
            sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    ended = {str(state): n for state, n in ends.items()}
    grown = sizes[-1] - sizes[len(sizes) // 2]
    tell(f"{noisy.n_bytes} bytes of modem noise: {n_through} sessions through, {ended}, {grown} bytes grown")
    assert n_through > 10
    assert {ModemState.GARBLED, ModemState.NO_ANSWER, ModemState.REFUSED} <= set(ends), ends
    assert grown < 100_000, (sizes[len(sizes) // 2], sizes[-1])


@pytest.mark.long
def test_a_million_bytes_that_are_no_message_and_no_line_are_refused(tell: Tell) -> None:
    dice, n_bytes = random.Random(7), 0
    while n_bytes < N_BYTES:
        message = dice.randbytes(dice.choice([48, 96, 336, dice.randrange(MAX_MESSAGE_BYTES + 1)]))
        # The first four bits are the version: half of the messages get beyond it.
        if message and dice.random() < 0.5:
            message = bytes([message[0] & 0x0F | 0x10]) + message[1:]
        assert all(isinstance(found, Refused) for found in unpack(message, {"pier-7": KEY}))
        for read in (session_in, signal_in, holds_received):
            read(message.decode("ascii", "replace"))
        n_bytes += len(message)
    tell(f"{n_bytes} bytes that are no packed alert and no line of a modem: all refused, no exception")
