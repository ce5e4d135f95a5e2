"""A broker that misbehaves on purpose, as no configuration of Mosquitto can."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Self

CONNECT, PUBLISH, SUBSCRIBE = 1, 3, 8

Answer = Callable[[int, bytes], Iterable[bytes | None]]
"""From the type and the body of a packet to what is sent back; None hangs up."""


class FakeBroker:
    """Listens on a free loopback port and answers each packet as it is told."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self.n_at_once = 0

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                try:
                    self._talk(connection)
                except OSError:
                    continue

    def _talk(self, connection: socket.socket) -> None:
        heard = b""
        while data := connection.recv(65_536):
            heard += data
            packets = list(_packets(heard))
            heard = heard[sum(length for _, _, length in packets) :]
            self.n_at_once = max(self.n_at_once, sum(kind == PUBLISH for kind, _, _ in packets))
            for kind, body, _ in packets:
                for reply in self._answer(kind, body):
                    if reply is None:
                        return
                    connection.sendall(reply)


def _packets(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Type, body and whole length of each complete packet."""
    while len(data) >= 2:
        length, head = 0, 1
        while head < len(data) and data[head] & 128:
            head += 1
        if head >= len(data):
            return
        for digit in reversed(data[1 : head + 1]):
            length = length * 128 + (digit & 127)
        end = head + 1 + length
        if len(data) < end:
            return
        yield data[0] >> 4, data[head + 1 : end], end
        data = data[end:]


def answers(
    *,
    version: int = 5,
    hangs_up_on: bytes | None = None,
    n_over_quota: int = 0,
    receive_maximum: int | None = None,
) -> Answer:
    """A broker that takes everything, with one fault."""
    quota = iter([151] * n_over_quota)

    def answer(kind: int, body: bytes) -> Iterable[bytes | None]:
        if kind == CONNECT:
            return _connack(body[6], version, receive_maximum)
        if kind != PUBLISH:
            return []
        if hangs_up_on is not None and hangs_up_on in body:
            return [None]
        end = 2 + int.from_bytes(body[:2], "big")
        number = body[end : end + 2]
        reason = next(quota, 0)
        return [b"\x40\x03" + number + bytes([reason]) if reason else b"\x40\x02" + number]

    return answer


def _connack(asked: int, version: int, receive_maximum: int | None) -> list[bytes | None]:
    if asked != version:
        return [b"\x20\x02\x00\x01", None]
    if version == 4:
        return [b"\x20\x02\x00\x00"]
    properties = b"" if receive_maximum is None else b"\x21" + receive_maximum.to_bytes(2, "big")
    body = b"\x00\x00" + bytes([len(properties)]) + properties
    return [b"\x20" + bytes([len(body)]) + body]
