"""A simulated modem that serves in a thread for the length of a block."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from edge.drill.modem import Fault, SimulatedModem
from edge.transmit.satmodem_settings import SatmodemSettings

KEY = bytes(range(32))


@contextmanager
def plugged_in(
    folder: Path, *faults: Fault, is_mute: bool = False, kind: type[SimulatedModem] = SimulatedModem
) -> Iterator[SimulatedModem]:
    """A modem at folder/modem; what it sends lands in folder/sbd, what it is to receive lies in folder/mt."""
    (folder / "mt").mkdir(exist_ok=True)
    modem = kind(
        folder / "modem", folder / "sbd", to_device=folder / "mt", faults=faults, slow_s=0.5, unplugged_s=0.5
    )
    stop = threading.Event()

    def serve() -> None:
        while not stop.wait(0.5 if is_mute else 0):
            if not is_mute:
                modem.serve(0.05)

    thread = threading.Thread(target=serve)
    thread.start()
    with closing(modem):
        try:
            yield modem
        finally:
            stop.set()
            thread.join()


def settings_for(folder: Path, **changed: object) -> SatmodemSettings:
    """Settings for that modem, its key beside it; the modem is used at once."""
    key_file = folder / "device.key"
    key_file.write_text(KEY.hex() + "\n", encoding="ascii")
    values = {"after_minutes": 0.0, "answer_timeout_s": 2.0, "session_timeout_s": 10.0, **changed}
    return SatmodemSettings(port=folder / "modem", key_file=key_file, **values)  # type: ignore[arg-type]


def messages(folder: Path) -> Iterable[bytes]:
    """What arrived at the far side, in order."""
    return [path.read_bytes() for path in sorted((folder / "sbd").glob("*.sbd"))]
