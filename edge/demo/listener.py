"""The demo's subscriber: prints the alerts as `edge watch` does, and keeps everything that comes."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TextIO

import msgspec

from edge.errors import LinkDown
from edge.receive.feed import Feed
from edge.report.facts import Event, read_event
from edge.transmit.link import Incoming, Wake
from edge.transmit.mqtt import MqttLink, open_link
from edge.transmit.mqtt_settings import MqttSettings
from edge.transmit.topics import PREFIX

_STEP_S = 0.5


@dataclass(frozen=True, slots=True)
class HeardAlert:
    """An alert and when it came, by the monotonic clock."""

    event: Event
    at_s: float

    @property
    def tile_id(self) -> str | None:
        """The tile behind it, or None where none is (blind)."""
        look = self.event.data.properties.look
        return None if look is None else look.tile


@dataclass(slots=True)
class Heard:
    """Everything that came so far.

    observations  by tile
    pictures      by SHA-256 in hex, as the alerts name them
    """

    status: str = ""
    alerts: list[HeardAlert] = field(default_factory=list)
    observations: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    inventories: list[Mapping[str, Any]] = field(default_factory=list)
    pictures: dict[str, bytes] = field(default_factory=dict)

    def take(self, incoming: Incoming, at_s: float) -> None:
        """Put a message where it belongs."""
        match incoming.topic.split("/"):
            case [_, _, _, "status"]:
                self.status = incoming.payload.decode()
            case [_, _, _, _, "alert"]:
                self.alerts.append(HeardAlert(read_event(incoming.payload), at_s))
            case [_, _, _, _, "observation"]:
                record = msgspec.json.decode(incoming.payload)
                self.observations[record["tile"]] = record
            case [_, _, _, _, "inventory"]:
                self.inventories.append(msgspec.json.decode(incoming.payload))
            case [_, _, _, _, "evidence", _, _]:
                self.pictures[hashlib.sha256(incoming.payload).hexdigest()] = incoming.payload

    def events_of(self, tile_id: str) -> list[Event]:
        """The alerts that a tile led to, in the order of the device."""
        events = [alert.event for alert in self.alerts if alert.tile_id == tile_id]
        return sorted(events, key=lambda event: event.sequence)

    def has_all_of(self, tile_id: str) -> bool:
        """True once the record of a tile and the pictures of its alerts came; alerts go out before both."""
        named = [one for event in self.events_of(tile_id) for one in event.data.properties.evidence]
        return tile_id in self.observations and all(one.sha256 in self.pictures for one in named)

    def n_pictures(self) -> int:
        """Different pictures that came with the hash that an alert names."""
        named = {one.sha256 for alert in self.alerts for one in alert.event.data.properties.evidence}
        return len(named & self.pictures.keys())


class Listener:
    """A client of its own, in a thread; use it as a context manager."""

    def __init__(self, url: str, out: TextIO) -> None:
        """Connect and subscribe to everything.

        out  takes the alerts, as lines
        """
        self.heard = Heard()
        self._out = out
        self._feed = Feed(json_lines=False)
        self._changed = threading.Condition()
        self._lost: str | None = None
        self._wake = Wake()
        self._link = self._connected(url)
        self._thread = threading.Thread(target=self._listen, name="demo-listener", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._wake.cancel()
        self._thread.join()
        self._link.abort()
        self._wake.close()

    def wait_for(self, is_there: Callable[[Heard], bool], within_s: float) -> bool:
        """Wait until what was heard fulfils a condition; False where it does not in that time.

        Raises LinkDown where the broker is gone.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._lost is not None or is_there(self.heard), within_s)
            if self._lost is not None:
                raise LinkDown(f"demo: subscriber: {self._lost}")
            return is_there(self.heard)

    def _connected(self, url: str) -> MqttLink:
        link = open_link(MqttSettings(url=url), f"edge-demo-{secrets.token_hex(4)}", self._wake)
        link.subscribe([f"{PREFIX}/#"])
        return link

    def _listen(self) -> None:
        try:
            while not self._wake.is_cancelled:
                for incoming in self._link.step(_STEP_S).messages:
                    self._take(incoming)
        except (LinkDown, ValueError) as lost:
            with self._changed:
                self._lost = str(lost)
                self._changed.notify_all()

    def _take(self, incoming: Incoming) -> None:
        at_s = time.monotonic()
        for line in self._feed.lines(incoming):
            self._out.write(f"  | {line}\n")
        self._out.flush()
        with self._changed:
            self.heard.take(incoming, at_s)
            self._changed.notify_all()
