"""From what comes over MQTT to what a person, or a program, reads in a terminal. Pure.

Everything here was written by somebody else: it is checked before it is shown, and no control character of
theirs reaches the terminal.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from edge.monitor.finding import Severity
from edge.transmit.link import Incoming

# Repeats come within a reconnect; 10,000 alerts are years of one device.
_REMEMBERED = 10_000

K = TypeVar("K")


class _Geometry(msgspec.Struct):
    coordinates: list[tuple[float, float]]


class _Properties(msgspec.Struct):
    phase: str
    kind: str
    severity: str
    headline: str
    confidence: float
    exercise: bool
    late: bool = False
    time: str = ""
    sequence: int = 0


class _Feature(msgspec.Struct):
    id: str
    geometry: _Geometry | None
    properties: _Properties


class _Event(msgspec.Struct):
    time: str
    sequence: int
    data: _Feature
    via: str | None = None


class _Open(msgspec.Struct):
    features: list[_Feature]


@dataclass(frozen=True, slots=True)
class Shown:
    """One alert, as far as it is shown.

    via  the link that a shortened copy came by, or None for the whole alert
    """

    device_id: str
    site_id: str
    time: str
    sequence: int
    feature: _Feature
    via: str | None = None

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What two copies of one message have in common."""
        return self.device_id, self.feature.id, self.feature.properties.phase, self.sequence


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts are shown.

    kinds         only these; empty for all
    min_severity  this one and graver ones; None for all
    """

    kinds: frozenset[str] = frozenset()
    min_severity: Severity | None = None

    @property
    def is_everything(self) -> bool:
        """True if nothing is left out."""
        return not self.kinds and self.min_severity is None

    def takes(self, kind: str, severity: str) -> bool:
        """True if an alert is shown; one of a severity that a later release added always is."""
        if self.kinds and kind not in self.kinds:
            return False
        if self.min_severity is None or severity not in set(Severity):
            return True
        return Severity(severity).rank >= self.min_severity.rank


EVERYTHING = Wanted()


class Feed:
    """Turns messages into lines, each alert once."""

    def __init__(self, *, json_lines: bool, wanted: Wanted = EVERYTHING) -> None:
        self._json_lines = json_lines
        self._wanted = wanted
        self._told: OrderedDict[tuple[str, str, str, int], None] = OrderedDict()
        self._told_short: OrderedDict[tuple[str, str, str, int], None] = OrderedDict()
        self._shown: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._status: dict[str, str] = {}

    def lines(self, incoming: Incoming) -> list[str]:
        """What to print for one message; nothing for a repeat.

        A ValueError says that the message is not what its topic promises.
        """
        try:
            return self._lines(incoming)
        except RecursionError:
            raise ValueError("expected a message, got JSON that is nested too deeply") from None

    def _lines(self, incoming: Incoming) -> list[str]:
        match incoming.topic.split("/"):
            case [_, _, device_id, "status"]:
                return self._status_lines(device_id, incoming.payload.decode())
            case [_, _, device_id, site_id, "alert"]:
                event = msgspec.json.decode(incoming.payload, type=_Event)
                shown = Shown(device_id, site_id, event.time, event.sequence, event.data, event.via)
                return self._alert_lines(shown, incoming.payload)
            # The copy that the broker kept serves a late joiner; later ones repeat what came as an alert.
            case [_, _, device_id, site_id, "open"] if incoming.is_retained and not self._json_lines:
                opened = msgspec.json.decode(incoming.payload or b'{"features":[]}', type=_Open)
                return [line for one in opened.features for line in self._open_lines(device_id, site_id, one)]
            case _:
                return []

    def wants_picture(self, topic: str) -> bool:
        """True if evidence on this topic belongs to what is shown; the alert comes before its pictures."""
        match topic.split("/"):
            case [_, _, device_id, _, "evidence", alert_id, _]:
                return self._wanted.is_everything or (device_id, alert_id) in self._shown
            case _:
                return False

    def _status_lines(self, device_id: str, status: str) -> list[str]:
        if self._status.get(device_id) == status:
            return []
        self._status[device_id] = status
        if self._json_lines:
            return [msgspec.json.encode({"device": device_id, "status": status}).decode()]
        return [printable(f"{device_id} is {status}")]

    def _alert_lines(self, shown: Shown, payload: bytes) -> list[str]:
        if self._is_left_out(shown):
            return []
        if self._json_lines:
            return [msgspec.json.encode(msgspec.json.decode(payload)).decode()]
        return alert_lines(shown)

    def _open_lines(self, device_id: str, site_id: str, feature: _Feature) -> list[str]:
        shown = Shown(device_id, site_id, feature.properties.time, feature.properties.sequence, feature)
        return [] if self._is_left_out(shown) else alert_lines(shown)

    def _is_left_out(self, shown: Shown) -> bool:
        """True for a repeat, and for what is not wanted."""
        said = shown.feature.properties
        if not self._wanted.takes(said.kind, said.severity):
            return True
        _remember(self._shown, (shown.device_id, shown.feature.id))
        if shown.via is not None:
            # The whole alert that follows is news once more; a shortened copy behind it is none.
            return shown.key in self._told or _remember(self._told_short, shown.key)
        return _remember(self._told, shown.key)


def _remember(seen: OrderedDict[K, None], key: K) -> bool:
    """Note a key; True if it was there. The oldest are forgotten."""
    was_there = key in seen
    seen[key] = None
    if len(seen) > _REMEMBERED:
        seen.popitem(last=False)
    return was_there


def alert_lines(shown: Shown) -> list[str]:
    """Two lines: when, how severe, where and what; then what one needs to judge it and to find it again."""
    said = shown.feature.properties
    facts = [
        f"{said.kind} {said.phase}",
        f"confidence {said.confidence:.2f}",
        *_position(shown.feature.geometry),
        f"{shown.device_id} #{shown.sequence}",
        shown.feature.id,
        *(["LATE"] if said.late else []),
    ]
    exercise = "EXERCISE  " if said.exercise else ""
    return [
        printable(f"{shown.time}  {exercise}{said.severity.upper():8}  {shown.site_id}  {said.headline}"),
        printable(f"    {'  '.join(facts)}"),
    ]


def _position(geometry: _Geometry | None) -> list[str]:
    if geometry is None or not geometry.coordinates:
        return []
    lng, lat = geometry.coordinates[0]
    more = f" and {len(geometry.coordinates) - 1} more" if len(geometry.coordinates) > 1 else ""
    return [f"{abs(lat):.5f} {'S' if lat < 0 else 'N'} {abs(lng):.5f} {'W' if lng < 0 else 'E'}{more}"]


def printable(text: str) -> str:
    """The text with every character that a terminal would act on made visible."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
