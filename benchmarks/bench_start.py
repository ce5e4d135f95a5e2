"""Time from the start of `edge run` to its READY, against the bare imports that nobody can avoid."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import station, tiles
from benchmarks.table import Row

IMPORTS = "import numpy, cv2, onnxruntime, paho.mqtt.client, sqlite3"
N_ROUNDS = 9
SIDE_PX = 320


def rows(n_rounds: int = N_ROUNDS) -> list[Row]:
    """The two in turn; the first round warms the disk and does not count."""
    with tempfile.TemporaryDirectory() as name, station.broker(Path(name)) as port:
        config = station.configure(Path(name), tiles.rendered(SIDE_PX), port)
        rounds = [(_imports_s(), _start_s(Path(name), config)) for _ in range(n_rounds + 1)][1:]
    bare_s, start_s = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratio = statistics.median(start / bare for bare, start in rounds)
    return [
        Row("Bare imports", f"{bare_s:.2f} s", ""),
        Row("Start to READY", f"{start_s:.2f} s, {ratio:.2f} of the bare imports", "<= 2"),
    ]


def _imports_s() -> float:
    start_s = time.perf_counter()
    subprocess.run([sys.executable, "-c", IMPORTS], check=True)
    return time.perf_counter() - start_s


def _start_s(folder: Path, config: Path) -> float:
    start_s = time.perf_counter()
    with station.running(folder, config):
        return time.perf_counter() - start_s
