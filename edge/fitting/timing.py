"""What one way to run a model costs: `python -m edge.fitting.timing MANIFEST`, in a process of its own.

Of its own, because memory once taken is not given back and would be counted for whatever comes next.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from edge.detect.manifest import PLAIN, Manifest
from edge.detect.model import load, load_change, read_manifest
from edge.errors import EdgeError, ModelRefused

_N_WARM = 2
_MIN_WINDOWS = 5


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured of one way to run a model."""

    variant: str
    threads: int
    n_windows: int
    # Medians: by the clock on the wall, and of CPU over all threads.
    ms_per_window: float
    cpu_ms_per_window: float
    ms_per_megapixel: float
    # The most that the process ever held, Python and the runtime included.
    peak_memory_bytes: int


def timed(manifest_path: Path, variant: str, threads: int, seconds: float) -> Timing:
    """Measure in a process of its own; ModelRefused with its words where that fails."""
    command = [sys.executable, "-m", "edge.fitting.timing", str(manifest_path)]
    options = ["--variant", variant, "--threads", str(threads), "--seconds", str(seconds)]
    run = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    if run.returncode:
        last = (run.stderr.strip() or f"the process ended with {run.returncode}").splitlines()[-1]
        raise ModelRefused(f"{manifest_path}: {variant}, {threads} threads: expected to run, got: {last}")
    return msgspec.json.decode(run.stdout, type=Timing)


def main() -> int:
    """Measure here, print the timing as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--variant", default=PLAIN)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    try:
        timing = _measured(arguments.manifest, arguments.variant, arguments.threads, arguments.seconds)
    except EdgeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(msgspec.json.encode(timing).decode())
    return 0


def _measured(manifest_path: Path, variant: str, threads: int, seconds: float) -> Timing:
    manifest = read_manifest(manifest_path)
    look = _looker(manifest_path, manifest, variant, threads)
    for _ in range(_N_WARM):
        look()
    walls: list[float] = []
    cpus: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(walls) < _MIN_WINDOWS:
        wall, cpu = time.perf_counter(), time.process_time()
        look()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    ms = 1000 * float(np.median(walls))
    return Timing(
        variant=variant,
        threads=threads,
        n_windows=len(walls),
        ms_per_window=ms,
        cpu_ms_per_window=1000 * float(np.median(cpus)),
        ms_per_megapixel=1e6 * ms / (manifest.input.width * manifest.input.height),
        peak_memory_bytes=_peak_memory_bytes(),
    )


def _looker(manifest_path: Path, manifest: Manifest, variant: str, threads: int) -> Callable[[], object]:
    """One inference a call, on the same noise: what a convolution costs does not depend on the image."""
    shape = (2, manifest.input.height, manifest.input.width, 3)
    first, second = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    if manifest.kind == "change":
        return partial(load_change(manifest_path, threads=threads, variant=variant).infer, first, second)
    return partial(load(manifest_path, threads=threads, variant=variant).infer, first)


def _peak_memory_bytes() -> int:
    """The high-water mark of this process; getrusage would count what its parent held before it began."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    sys.exit(main())
