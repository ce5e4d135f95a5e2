"""A year of daily looks through `edge replay`, against the raw model over the same windows."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from benchmarks import station, tiles
from benchmarks.bench_tile import worker
from benchmarks.table import Row

SIDE_PX = 1024
N_LOOKS = 365
EVERY = timedelta(days=1)
# The replay is configured as the daemon; it sends nothing, so nobody need listen there.
NO_BROKER_PORT = 1


def rows(n_looks: int = N_LOOKS) -> list[Row]:
    """The floor takes half its turns before the replay and half after it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = tiles.rendered(SIDE_PX)
        images = [folder / f"{number}.jpg" for number in range(tiles.N_PICTURES)]
        for number, image in enumerate(images):
            image.write_bytes(archive.jpeg(number))
        with worker("floor", archive.gsd_m, images) as floor:
            floor(tiles.N_PICTURES)
            before_s = floor(n_looks // 2)
            spent_s = _replayed(folder, archive, n_looks)
            floor_s = before_s + floor(n_looks - n_looks // 2)
    return [
        Row(f"{n_looks} daily looks, decoded and raw ONNX Runtime", f"{floor_s:.1f} s of CPU", ""),
        Row(
            f"{n_looks} daily looks through edge replay",
            f"{spent_s:.1f} s of CPU, {spent_s / floor_s:.2f} of that",
            "the time of its models",
        ),
    ]


def _replayed(folder: Path, archive: tiles.Archive, n_looks: int) -> float:
    """CPU seconds of `edge replay` over an archive, its start included; every tile must be a look."""
    kept = folder / "archive"
    kept.mkdir()
    for number in range(n_looks):
        archive.write(kept, number, EVERY)
    config = station.configure(folder, archive, NO_BROKER_PORT)
    command = [sys.executable, "-m", "edge", "replay", str(kept), "-c", str(config)]
    with (folder / "alerts.jsonl").open("wb") as alerts, (folder / "said").open("wb+") as said:
        process = subprocess.Popen(command, stdout=alerts, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        last = said.read().decode().splitlines()[-1:]
    if process.returncode or f"{n_looks} looked" not in "".join(last):
        raise RuntimeError(f"edge replay: expected {n_looks} looks, got {last}")
    return used.ru_utime + used.ru_stime
