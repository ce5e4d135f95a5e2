"""An alert whose time was doubtful, said again with the right one. Pure.

What was said is never changed, in the queue or elsewhere: the correction is a message of its own under the
same id, with a sequence of its own, that names the one it corrects. So nothing has to be caught on its way
out, and a receiver that got both, in whatever order, has the right one last by sequence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from edge.monitor.finding import Phase, Severity


@dataclass(frozen=True, slots=True)
class Correction:
    """The message, and what the queue must know of it."""

    phase: Phase
    severity: Severity
    recorded_at: datetime
    body: bytes = field(repr=False)


def corrected(
    body: bytes, *, error: timedelta, clock: str, late_after: timedelta, sequence: int
) -> Correction:
    """The same alert, made by a clock that is right.

    body        as it was sent
    error       by which the clock that made it was behind
    clock       what the time rests on now
    late_after  age of a tile from which its alerts are late
    sequence    of the new message
    """
    event = msgspec.json.decode(body)
    properties = event["data"]["properties"]
    recorded_at = datetime.fromisoformat(event["recordedtime"]) + error
    # A story that was new is known by now; one that ended has still ended.
    phase = Phase.UPDATE if properties["phase"] == Phase.NEW else Phase(properties["phase"])
    properties |= {
        "phase": phase,
        "late": recorded_at - datetime.fromisoformat(event["time"]) > late_after,
        "clock": clock,
        "corrects": event["sequence"],
    }
    event |= {"recordedtime": recorded_at, "sequence": sequence}
    return Correction(phase, Severity(properties["severity"]), recorded_at, msgspec.json.encode(event))
