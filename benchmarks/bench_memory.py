"""Peak memory of the daemon, and how much it grows over thousands of tiles."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import station, tiles
from benchmarks.table import Row

# The peak is taken over full tiles. What grows does so per tile, whatever its size: small ones save hours.
FULL_PX, SMALL_PX = 1024, 320
N_FULL = 50
N_SETTLING = 300
N_GROWTH = 2000
BATCH = 20


def rows(n_growth: int = N_GROWTH) -> list[Row]:
    """Two runs: full tiles for the peak, small ones for the growth."""
    peak, *_ = _measured(FULL_PX, 0, N_FULL)
    _, before, after = _measured(SMALL_PX, N_SETTLING, n_growth)
    grown = (after - before) / 1e6 * 10_000 / n_growth
    return [
        Row(f"Peak memory, {N_FULL} tiles of {FULL_PX} px", f"{peak / 1e6:.0f} MB", "<= 180 MB"),
        Row(f"Growth over 10,000 tiles, measured over {n_growth}", f"{grown:.1f} MB", "<= 5 MB"),
    ]


def _measured(side_px: int, n_settling: int, n_tiles: int) -> tuple[int, int, int]:
    """Bytes at the peak, after the settling tiles and at the end."""
    with tempfile.TemporaryDirectory() as name, station.broker(Path(name)) as port:
        archive = tiles.rendered(side_px)
        config = station.configure(Path(name), archive, port)
        with station.running(Path(name), config) as running:
            _work_through(running, archive, 0, n_settling)
            before = running.memory_bytes("VmRSS")
            _work_through(running, archive, n_settling, n_tiles)
            return running.memory_bytes("VmHWM"), before, running.memory_bytes("VmRSS")


def _work_through(running: station.Station, archive: tiles.Archive, first: int, n_tiles: int) -> None:
    for number in range(first, first + n_tiles, BATCH):
        running.work_through(archive, number, min(BATCH, first + n_tiles - number))
