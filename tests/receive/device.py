"""A device in a process of its own: commits numbered alerts with a picture each, and sends them with `e2e`.

python -m tests.receive.device FOLDER BROKER-URL FIRST LAST
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from edge.store import Commit
from edge.transmit.alert import evidence_of
from edge.transmit.mqtt_settings import MqttSettings
from edge.transmit.sender import Sender
from tests.transmit.make import FAST, RECORDED_AT, make_alert, make_finding, open_store

RESEND_AFTER_S = 0.5
PAUSE_S = 0.02


def numbered(n: int) -> Commit:
    """The n-th of many alerts, with one picture."""
    picture = evidence_of("after", b"jpeg %d " % n * 100)
    alert = make_alert(make_finding(opened_by=f"tile-{n}"), evidence=(picture,))
    return Commit(done_at=RECORDED_AT, alerts=[alert])


def sender(folder: Path, url: str, archives: tuple[str, ...] = ()) -> Sender:
    """What carries the outbox of a folder end to end."""
    settings = MqttSettings(url=url, ack="e2e", resend_after_s=RESEND_AFTER_S, archives=archives)
    return Sender("pier-7", settings, FAST, lambda: open_store(folder).outbox)


def main() -> None:
    """Commit and send until killed."""
    folder, url = Path(sys.argv[1]), sys.argv[2]
    running = sender(folder, url)
    running.start()
    store = open_store(folder)
    for n in range(int(sys.argv[3]), int(sys.argv[4])):
        store.commit(numbered(n))
        running.wake()
        # Without a pause this loop holds the database nearly always, and the sender never gets it.
        time.sleep(PAUSE_S)
    while running.is_alive:
        time.sleep(1)


if __name__ == "__main__":
    main()
