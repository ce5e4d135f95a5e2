"""CPU time per 1024-pixel JPEG tile against the floor: decode and raw ONNX Runtime over the same windows."""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import station, tiles
from benchmarks.table import Row
from edge import shipped

SIDE_PX = 1024
N_ROUNDS = 9
TILES_A_ROUND = 6


def rows(n_rounds: int = N_ROUNDS) -> list[Row]:
    """Each round asks floor, detection and daemon in turn: a busy moment of the machine meets all three."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        archive = tiles.rendered(SIDE_PX)
        images = [folder / f"{number}.jpg" for number in range(tiles.N_PICTURES)]
        for number, image in enumerate(images):
            image.write_bytes(archive.jpeg(number))
        askers = {
            "floor": stack.enter_context(worker("floor", archive.gsd_m, images)),
            "detection": stack.enter_context(worker("detect", archive.gsd_m, images)),
            "daemon": stack.enter_context(daemon(folder, archive)),
        }
        for ask in askers.values():
            ask(TILES_A_ROUND)
        rounds = [{part: ask(TILES_A_ROUND) for part, ask in askers.items()} for _ in range(n_rounds)]
    return _rows(rounds)


def _rows(rounds: list[dict[str, float]]) -> list[Row]:
    floor = statistics.median(one["floor"] for one in rounds) / TILES_A_ROUND
    found = [Row("CPU per tile, floor", f"{floor * 1000:.0f} ms", "")]
    for part, aim in (("detection", ""), ("daemon", "<= 1.25")):
        spent = statistics.median(one[part] for one in rounds) / TILES_A_ROUND
        ratio = statistics.median(one[part] / one["floor"] for one in rounds)
        found.append(Row(f"CPU per tile, {part}", f"{spent * 1000:.0f} ms, {ratio:.2f} of the floor", aim))
    return found


@contextlib.contextmanager
def worker(part: str, gsd_m: float, images: list[Path]) -> Iterator[Callable[[int], float]]:
    """A function that has n tiles worked on and returns the CPU seconds."""
    manifest = str(shipped.model("objects"))
    command = [sys.executable, "-m", "benchmarks.worker", part, manifest, str(gsd_m), *map(str, images)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        to_process, from_process = process.stdin, process.stdout
        assert to_process is not None
        assert from_process is not None

        def ask(n_tiles: int) -> float:
            print(n_tiles, file=to_process, flush=True)
            return float(from_process.readline())

        yield ask
        to_process.close()


@contextlib.contextmanager
def daemon(folder: Path, archive: tiles.Archive) -> Iterator[Callable[[int], float]]:
    """The same over the real daemon, with its broker, its disk and its alerts."""
    with station.broker(folder) as port:
        config = station.configure(folder, archive, port)
        with station.running(folder, config) as running:
            n_done = 0

            def ask(n_tiles: int) -> float:
                nonlocal n_done
                before_s = running.cpu_s()
                running.work_through(archive, n_done, n_tiles)
                n_done += n_tiles
                return running.cpu_s() - before_s

            yield ask
