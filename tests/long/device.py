"""A device in a process of its own, without the looking: it commits alerts and sends them until it is killed.

    python -m tests.long.device FOLDER URL FIRST N [PAUSE_S]

It says `committed` when the N alerts from FIRST on are in the outbox, and then goes on sending.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from edge.transmit.mqtt_settings import MqttSettings
from edge.transmit.sender import Sender
from edge.transmit.uplink import UplinkSettings
from tests.transmit.make import numbered, open_store


def main(folder: Path, url: str, first: int, n: int, pause_s: float = 0.0) -> None:
    """Run until killed."""
    uplink = UplinkSettings(retry_first_s=0.05, retry_max_s=0.2)
    settings = MqttSettings(url=url, keepalive_s=10)
    sender = Sender("pier-7", settings, uplink, lambda: open_store(folder).outbox)
    sender.start()
    store = open_store(folder)
    for number in range(first, first + n):
        store.commit(numbered(number))
        sender.wake()
        time.sleep(pause_s)
    sys.stdout.write("committed\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float((*sys.argv, "0")[5]))
