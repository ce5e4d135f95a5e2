"""A message of an alert, read again from the store."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import unquote

import msgspec

from edge.monitor.finding import Kind, Phase
from edge.store import StoredAlert
from edge.tell import EXERCISE


class Properties(msgspec.Struct, frozen=True):
    """What of a message is explained."""

    phase: Phase
    kind: Kind
    label: str | None
    zone: str | None
    severity: str
    headline: str
    confidence: float
    exercise: bool
    count: int
    remaining: dict[str, int] | None
    objects: tuple[dict[str, object], ...]
    look: dict[str, object] | None
    why: tuple[dict[str, object], ...]
    models: dict[str, str]
    config: str | None
    corrects: int | None = None

    @property
    def bare_headline(self) -> str:
        """Without what marks a drill or a repeat."""
        text = self.headline.removeprefix(f"{EXERCISE}: ")
        return text.rpartition("; ")[0] if self._is_repeat else text

    @property
    def bare_why(self) -> list[dict[str, object]]:
        """Without the step that counts the repeats."""
        return list(self.why[1:] if self._is_repeat else self.why)

    @property
    def _is_repeat(self) -> bool:
        return bool(self.why) and self.why[0].keys() == {"times", "since"}


class _Data(msgspec.Struct, frozen=True):
    properties: Properties


class Event(msgspec.Struct, frozen=True):
    """One message."""

    id: str
    source: str
    time: datetime
    data: _Data

    @property
    def device_id(self) -> str:
        """Who said it."""
        return unquote(self.source.split("/")[1])


def event_of(stored: StoredAlert) -> Event:
    """The message as it was made."""
    return msgspec.json.decode(stored.body, type=Event)
