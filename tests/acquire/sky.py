"""A GNSS receiver for tests: its sentences, and one that speaks them into a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge.acquire.nmea import checksum
from edge.geo import LngLat

HERE = LngLat(27.00312, -16.98421)
NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def sentence(body: str) -> bytes:
    """A line with its checksum."""
    return f"${body}*{checksum(body.encode()):02X}\r\n".encode()


def rmc(at: datetime = NOW, place: LngLat | None = HERE, mode: str = "A", talker: str = "GP") -> bytes:
    """The recommended minimum; without a place a receiver says V."""
    status = "V" if place is None else "A"
    fields = (
        f"{talker}RMC",
        f"{at:%H%M%S}.00",
        status,
        *_place(place),
        "0.1",
        "",
        f"{at:%d%m%y}",
        "",
        "",
        mode,
    )
    return sentence(",".join(fields))


def gga(
    at: datetime = NOW,
    place: LngLat | None = HERE,
    quality: int = 1,
    hdop: float = 0.9,
    n_satellites: int = 8,
) -> bytes:
    """The position and how good it is."""
    fields = ("GNGGA", f"{at:%H%M%S}.00", *_place(place), f"{quality if place else 0}", f"{n_satellites:02}")
    return sentence(",".join((*fields, f"{hdop}", "545.4", "M", "46.9", "M", "", "")))


def zda(at: datetime = NOW) -> bytes:
    """Date and time."""
    return sentence(f"GLZDA,{at:%H%M%S}.00,{at:%d,%m,%Y},00,00")


def seconds(n: int, at: datetime = NOW, place: LngLat = HERE) -> list[tuple[datetime, bytes]]:
    """What a receiver that stands still says in each of n seconds."""
    moments = [at + timedelta(seconds=second) for second in range(n)]
    return [(moment, rmc(moment, place) + gga(moment, place)) for moment in moments]


def _place(place: LngLat | None) -> tuple[str, str, str, str]:
    if place is None:
        return "", "", "", ""
    north_south, east_west = "S" if place.lat < 0 else "N", "W" if place.lng < 0 else "E"
    return _angle(place.lat, 2), north_south, _angle(place.lng, 3), east_west


def _angle(degrees: float, n_digits: int) -> str:
    whole, minutes = divmod(abs(degrees) * 60, 60)
    return f"{int(whole):0{n_digits}}{minutes:08.5f}"


class SerialLine:
    """A pseudo-terminal under a path of its own, which can be unplugged and plugged in again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fds: tuple[int, ...] = ()
        self.plug()

    def plug(self) -> None:
        """Make the port."""
        self._fds = pty.openpty()
        tty.setraw(self._fds[1])
        self.path.symlink_to(os.ttyname(self._fds[1]))

    def unplug(self) -> None:
        """Pull the cable: the port vanishes, and who has it open gets an error."""
        self.path.unlink(missing_ok=True)
        for fd in self._fds:
            os.close(fd)
        self._fds = ()

    def say(self, data: bytes) -> None:
        """What the receiver sends."""
        os.write(self._fds[0], data)


def under_the_sky() -> bytes:
    """What a receiver that sees the sky says now."""
    now = datetime.now(UTC)
    return rmc(now) + gga(now)


def indoors() -> bytes:
    """What one says that sees no satellite."""
    now = datetime.now(UTC)
    return rmc(now, None) + gga(now, None)


@contextmanager
def speaking(line: SerialLine, words: Callable[[], bytes] = under_the_sky) -> Iterator[None]:
    """A receiver that says something ten times a second, as some do."""
    stop = threading.Event()

    def speak() -> None:
        while not stop.wait(0.1):
            line.say(words())

    thread = threading.Thread(target=speak)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
