"""`edge simulate-modem`: a satellite modem on a pseudo-terminal, to try a configuration without a sky."""

from __future__ import annotations

import argparse
import signal
import threading
from contextlib import closing
from pathlib import Path

from edge.drill.modem import Fault, SimulatedModem


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where it is plugged in, where messages go and what fails."""
    parser.add_argument(
        "port", type=Path, metavar="PORT", help="the path to plug it in at: transmit.satmodem.port"
    )
    parser.add_argument(
        "--sent", type=Path, default=Path("sbd"), metavar="DIR", help="what the device sends (default: sbd)"
    )
    parser.add_argument(
        "--to-device", type=Path, metavar="DIR", help="a folder of .sbd files: each reaches the device"
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        type=_faults,
        metavar="NAME[:N]",
        help=f"what the next N tries end in, in this order: {', '.join(Fault)}; then everything works",
    )


def run(arguments: argparse.Namespace) -> int:
    """Answer until interrupted; one line for each session."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    faults = [fault for several in arguments.fault for fault in several]
    modem = SimulatedModem(arguments.port, arguments.sent, to_device=arguments.to_device, faults=faults)
    with closing(modem):
        print(f"modem is plugged in: port={arguments.port} terminal={modem.port}", flush=True)
        n_told = 0
        while not stop.is_set():
            modem.serve()
            for status in modem.sessions[n_told:]:
                print(f"session: status={status}", flush=True)
            n_told = len(modem.sessions)
    return 0


def _faults(text: str) -> list[Fault]:
    name, _, times = text.partition(":")
    try:
        return [Fault(name)] * (int(times) if times else 1)
    except ValueError:
        expected = ", ".join(Fault)
        raise argparse.ArgumentTypeError(
            f"expected NAME or NAME:N, NAME one of {expected}; got {text!r}"
        ) from None
