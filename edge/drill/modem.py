"""An Iridium SBD modem on a pseudo-terminal, with the sky and the gateway behind it, and with their faults.

What the device sends is written as files, as the operator of the satellites would mail them; files laid into
a folder reach the device with its next session.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import select
import time
import tty
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path

IMEI = "300234010000000"
MAX_TO_DEVICE_BYTES, MAX_FROM_DEVICE_BYTES = 270, 340

_READ_BYTES = 4096
_WRITE_FOR_S = 60.0


class Fault(StrEnum):
    """What may go wrong in one try, from +CSQ to the next +CSQ."""

    NO_SIGNAL = "no_signal"
    GARBAGE = "garbage"
    NO_READY = "no_ready"
    UNPLUGGED = "unplugged"
    STATUS_18 = "status_18"
    STATUS_32 = "status_32"
    SLOW = "slow"


class SimulatedModem:
    """Answers as a 9602 does; `serve` in a thread or in a process of its own."""

    def __init__(
        self,
        link: Path,
        sent: Path,
        *,
        to_device: Path | None = None,
        faults: Iterable[Fault] = (),
        slow_s: float = 8.0,
        unplugged_s: float = 3.0,
        seed: int = 7,
    ) -> None:
        """Plug it in.

        link         becomes a link to the pseudo-terminal; gone while the modem is unplugged
        sent         the folder for what the device sends
        to_device    a folder of .sbd files for the device, or None
        faults       one for each try, in this order; after them everything works
        slow_s       how long a slow session takes
        unplugged_s  how long it is gone
        """
        self._link = link
        self._sent = sent
        self._to_device = to_device
        self._slow_s, self._unplugged_s = slow_s, unplugged_s
        self._dice = random.Random(seed)
        self.faults = list(faults)
        self.fault: Fault | None = None
        self.sessions: list[int] = []
        self._momsn = 0
        self._to_be_sent, self._received = b"", b""
        self._has_echo = True
        self._held = bytearray()
        self._awaited: tuple[int, float] | None = None
        sent.mkdir(parents=True, exist_ok=True)
        self._plug_in()

    @property
    def port(self) -> str:
        """The pseudo-terminal itself; another one after it was unplugged."""
        return os.ttyname(self._slave)

    def serve(self, timeout_s: float = 0.2) -> None:
        """Answer what comes within the time."""
        readable, _, _ = select.select([self._master], [], [], timeout_s)
        if readable:
            self._held += os.read(self._master, _READ_BYTES)
        if self._awaited is not None:
            self._take_binary(*self._awaited)
        while self._awaited is None and (end := self._held.find(b"\r")) >= 0:
            line = bytes(self._held[: end + 1])
            del self._held[: end + 1]
            self._obey(line)

    def close(self) -> None:
        """Unplug it for good."""
        self._link.unlink(missing_ok=True)
        for number in (self._master, self._slave):
            with contextlib.suppress(OSError):
                os.close(number)

    def _plug_in(self) -> None:
        # The modem's end of the slave stays open, so that a device that closes it does not end the master.
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        temporary = self._link.with_name(f".{self._link.name}.part")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(self.port)
        temporary.replace(self._link)

    def _unplug(self) -> None:
        self.close()
        time.sleep(self._unplugged_s)
        # Power was gone too: nothing of what it held is left.
        self._to_be_sent, self._received, self._has_echo = b"", b"", True
        self._held.clear()
        self._plug_in()

    def _obey(self, line: bytes) -> None:
        command = line.decode("ascii", "replace").strip().upper()
        if self._has_echo:
            self._write(line)
        written = re.fullmatch(r"AT\+SBDWB=(\d{1,4})", command)
        if written:
            self._await_binary(int(written[1]))
            return
        match command:
            case "AT+CSQ" | "AT+CSQF":
                self._begin_try()
            case "AT+SBDIX":
                self._have_session()
            case "AT+SBDRB":
                length = len(self._received).to_bytes(2, "big")
                self._write(length + self._received + _checksum(self._received))
            case _:
                self._answer_at_once(command)

    def _answer_at_once(self, command: str) -> None:
        match command:
            case "AT" | "AT&K0" | "AT+SBDMTA=0":
                self._answer()
            case "ATE0" | "ATE1":
                self._has_echo = command == "ATE1"
                self._answer()
            case "AT+SBDD0":
                self._to_be_sent = b""
                self._answer("0")
            case "AT+SBDD1":
                self._received = b""
                self._answer("0")
            case "AT+SBDSX":
                flags = f"{int(bool(self._to_be_sent))}, {self._momsn}, {int(bool(self._received))}"
                self._answer(f"+SBDSX: {flags}, -1, 0, {len(self._waiting())}")
            case _:
                self._write(b"\r\nERROR\r\n")

    def _begin_try(self) -> None:
        self.fault = self.faults.pop(0) if self.faults else None
        if self.fault is Fault.GARBAGE:
            self._write(self._dice.randbytes(self._dice.randrange(20, 400)))
        else:
            self._answer(f"+CSQ:{0 if self.fault is Fault.NO_SIGNAL else 4}")

    def _await_binary(self, n_bytes: int) -> None:
        if self.fault is Fault.NO_READY:
            return
        if not 1 <= n_bytes <= MAX_FROM_DEVICE_BYTES:
            self._answer("3")
            return
        self._awaited = (n_bytes + 2, time.monotonic() + _WRITE_FOR_S)
        self._write(b"\r\nREADY\r\n")

    def _take_binary(self, n_bytes: int, deadline: float) -> None:
        if len(self._held) < n_bytes:
            if time.monotonic() > deadline:
                self._awaited = None
                self._answer("1")
            return
        data = bytes(self._held[:n_bytes])
        del self._held[:n_bytes]
        self._awaited = None
        is_whole = data[-2:] == _checksum(data[:-2])
        self._to_be_sent = data[:-2] if is_whole else b""
        self._answer("0" if is_whole else "2")

    def _have_session(self) -> None:
        match self.fault:
            case Fault.UNPLUGGED:
                self._unplug()
                return
            case Fault.SLOW:
                time.sleep(self._slow_s)
        status = {Fault.STATUS_18: 18, Fault.STATUS_32: 32}.get(self.fault, 0) if self.fault else 0
        self.sessions.append(status)
        momsn, received = self._momsn, b""
        if status == 0:
            received = self._next_received()
            self._keep_sent()
            self._momsn = (self._momsn + 1) % 65_536
        mt = f"{int(bool(received))}, 0, {len(received)}, {len(self._waiting())}"
        self._answer(f"+SBDIX: {status}, {momsn}, {mt}")

    def _keep_sent(self) -> None:
        if self._to_be_sent:
            path = self._sent / f"{IMEI}_{self._momsn:06}.sbd"
            partial = path.with_suffix(".part")
            partial.write_bytes(self._to_be_sent)
            partial.replace(path)

    def _next_received(self) -> bytes:
        waiting = self._waiting()
        if not waiting:
            return b""
        self._received = waiting[0].read_bytes()[:MAX_TO_DEVICE_BYTES]
        waiting[0].unlink()
        return self._received

    def _waiting(self) -> Sequence[Path]:
        return [] if self._to_device is None else sorted(self._to_device.glob("*.sbd"))

    def _answer(self, line: str | None = None) -> None:
        text = "\r\nOK\r\n" if line is None else f"\r\n{line}\r\n\r\nOK\r\n"
        self._write(text.encode("ascii"))

    def _write(self, data: bytes) -> None:
        if self.fault is Fault.SLOW:
            for byte in data:
                os.write(self._master, bytes([byte]))
                time.sleep(0.005)
        else:
            os.write(self._master, data)


def _checksum(payload: bytes) -> bytes:
    return (sum(payload) & 0xFFFF).to_bytes(2, "big")
