"""A link over pyserial to an Iridium SBD modem: one object is one opening of the port.

Nothing but ModemDown leaves here, whatever comes out of the port: bytes that make no sense end in a state.
"""

from __future__ import annotations

import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

import serial

from edge.transmit import sbd
from edge.transmit.satmodem_settings import SatmodemSettings
from edge.transmit.sbd import ModemDown, ModemState, Session

# How long one read may wait: a stop is noticed within it.
_SLICE_S = 0.2
# A modem that was just powered or is in the middle of something may miss the first word.
_N_GREETINGS = 3
# The answers of this modem are short; more is noise, which must not fill the memory nor last for ever.
_MAX_ANSWER_BYTES = 4096
# What may come without being asked for.
_UNASKED = frozenset({"SBDRING"})

_WRITE_STATUS = {
    "1": "the modem waited too long for the message",
    "2": "the checksum did not match: bytes are lost on the line",
    "3": "the modem refused the size of the message",
}

Answer = TypeVar("Answer")

# All that pyserial was seen to raise on a port that vanishes.
_PORT_ERRORS = (OSError, termios.error, ValueError, TypeError)


class SatModem:
    """A modem that answers; used by one thread."""

    def __init__(self, settings: SatmodemSettings, is_stopping: Callable[[], bool] = lambda: False) -> None:
        """Open the port and agree on how to talk.

        is_stopping  asked while waiting; True ends the wait with ModemDown
        """
        self._settings = settings
        self._is_stopping = is_stopping
        self._held = bytearray()
        with _guarded():
            self._port = serial.Serial(
                str(settings.port),
                settings.baud,
                timeout=_SLICE_S,
                write_timeout=settings.answer_timeout_s,
                exclusive=True,
            )
        try:
            self._greet()
        except ModemDown:
            self.close()
            raise

    def close(self) -> None:
        """Give the port back."""
        with suppress(*_PORT_ERRORS):
            self._port.close()

    def signal(self) -> int:
        """Bars from 0 to 5; 0 is no satellite in sight."""
        return self._wanted("AT+CSQ", sbd.signal_in)

    def holds_received(self) -> bool:
        """True if a message to the device lies in the modem, from an earlier session."""
        return self._wanted("AT+SBDSX", sbd.holds_received)

    def put(self, payload: bytes) -> None:
        """Lay a message into the modem; it goes with the next session."""
        self._write(f"AT+SBDWB={len(payload)}\r".encode("ascii"))
        answer = self._await(lambda line: line if line in {"READY", *_WRITE_STATUS} else None, "READY")
        if answer == "READY":
            self._write(payload + sbd.checksum(payload))
            answer = self._await(lambda line: line if line in {"0", *_WRITE_STATUS} else None, "0")
        if answer != "0":
            raise ModemDown(ModemState.REFUSED, _WRITE_STATUS[answer])
        self._await(_ok, "OK")

    def clear_outgoing(self) -> None:
        """Forget what was laid in: a session must not send it again."""
        self._ask("AT+SBDD0")

    def clear_received(self) -> None:
        """Forget the message to the device; who calls it has written the message down."""
        self._ask("AT+SBDD1")

    def exchange(self) -> Session:
        """One session with the satellites: sends what was laid in, and takes what waits for the device."""
        return self._wanted("AT+SBDIX", sbd.session_in, self._settings.session_timeout_s)

    def received(self) -> bytes:
        """The message to the device that lies in the modem."""
        self._write(b"AT+SBDRB\r")
        deadline = self._deadline(self._settings.answer_timeout_s)
        n_bytes = int.from_bytes(self._exactly(2, deadline), "big")
        if n_bytes > sbd.MAX_TO_DEVICE_BYTES:
            limit = sbd.MAX_TO_DEVICE_BYTES
            raise ModemDown(ModemState.GARBLED, f"AT+SBDRB: expected at most {limit} bytes, got {n_bytes}")
        payload = self._exactly(n_bytes, deadline)
        if self._exactly(2, deadline) != sbd.checksum(payload):
            raise ModemDown(ModemState.GARBLED, "AT+SBDRB: the checksum does not match")
        self._drain()
        return payload

    def _greet(self) -> None:
        """Wake it, then: no echo, no flow control (three wires), no ring alerts."""
        for n_left in reversed(range(_N_GREETINGS)):
            try:
                self._ask("AT")
                break
            except ModemDown as down:
                if not n_left or down.state is ModemState.NO_PORT:
                    raise
        self._ask("ATE0")
        self._ask("AT&K0")
        self._ask("AT+SBDMTA=0")

    def _ask(self, command: str) -> None:
        """Say something that is answered by OK."""
        self._write(f"{command}\r".encode("ascii"))
        self._await(_ok, "OK")

    def _wanted(
        self, command: str, found_in: Callable[[str], Answer | None], timeout_s: float | None = None
    ) -> Answer:
        """What one line of the answer says, with the OK behind it."""
        self._write(f"{command}\r".encode("ascii"))
        found = self._await(found_in, command.removeprefix("AT"), timeout_s)
        self._await(_ok, "OK")
        return found

    def _await(
        self, found_in: Callable[[str], Answer | None], wanted: str, timeout_s: float | None = None
    ) -> Answer:
        """The first line that says what is wanted; others are noise, and too much of it is a fault."""
        deadline = self._deadline(self._settings.answer_timeout_s if timeout_s is None else timeout_s)
        n_noise_bytes = 0
        while (line := self._line(deadline, wanted, n_noise_bytes)) is not None:
            found = found_in(line)
            if found is not None:
                return found
            if line == "ERROR":
                raise ModemDown(ModemState.REFUSED, f"expected {wanted}, the modem answered ERROR")
            if line and line not in _UNASKED and not line.startswith("AT"):
                n_noise_bytes += len(line)
        kind = ModemState.GARBLED if n_noise_bytes else ModemState.NO_ANSWER
        got = f"{n_noise_bytes} bytes of something else" if n_noise_bytes else "nothing"
        raise ModemDown(kind, f"expected {wanted}, got {got}")

    def _line(self, deadline: float, wanted: str, n_noise_bytes: int) -> str | None:
        """The next line without its end, or None where none came in time."""
        while (end := self._held.find(b"\n")) < 0:
            if len(self._held) + n_noise_bytes > _MAX_ANSWER_BYTES:
                raise ModemDown(
                    ModemState.GARBLED, f"expected {wanted}, got more than {_MAX_ANSWER_BYTES} bytes"
                )
            if not self._fill(deadline):
                return None
        line = self._held[:end].decode("ascii", "replace").strip()
        del self._held[: end + 1]
        return line

    def _exactly(self, n_bytes: int, deadline: float) -> bytes:
        while len(self._held) < n_bytes:
            if not self._fill(deadline):
                raise ModemDown(
                    ModemState.NO_ANSWER, f"AT+SBDRB: expected {n_bytes} bytes, got {len(self._held)}"
                )
        taken = bytes(self._held[:n_bytes])
        del self._held[:n_bytes]
        return taken

    def _fill(self, deadline: float) -> bool:
        """Read what is there, waiting until some is; False where the time is over."""
        while time.monotonic() < deadline:
            if self._is_stopping():
                raise ModemDown(ModemState.STANDBY, "stopped while waiting for the modem")
            with _guarded():
                found = self._port.read(max(1, min(self._port.in_waiting, _MAX_ANSWER_BYTES)))
            if found:
                self._held += found
                return True
        return False

    def _write(self, data: bytes) -> None:
        """Send it; what came before was no answer to it."""
        self._held.clear()
        with _guarded():
            self._port.reset_input_buffer()
            self._port.write(data)

    def _drain(self) -> None:
        """Wait until nothing more comes: some firmware ends a binary answer with OK, some does not."""
        deadline = self._deadline(self._settings.answer_timeout_s)
        while self._fill(min(deadline, self._deadline(_SLICE_S))):
            self._held.clear()

    def _deadline(self, timeout_s: float) -> float:
        return time.monotonic() + timeout_s


def _ok(line: str) -> bool | None:
    return True if line == "OK" else None


@contextmanager
def _guarded() -> Iterator[None]:
    try:
        yield
    except _PORT_ERRORS as error:
        raise ModemDown(ModemState.NO_PORT, _cause(error)) from error


def _cause(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return " ".join(text.split())
