"""Which weights, on how many threads: measured on this device, decided by the rules at the top."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from edge.detect.manifest import PLAIN, Manifest
from edge.fitting.timing import Timing, timed

# A variant is worth leaving the plain weights for if it takes at most this share of their CPU time on one
# thread; what differs less lies within what two runs of the same differ by. CPU time, because it hardly
# depends on what else the device is doing.
WORTH_A_VARIANT = 0.9
# And if it finds at most this much less of any label, by the figures of the manifest.
MAX_RECALL_LOST = 0.02
# A second thread is worth its heat and what it takes from other programs if it saves a quarter of the time
# by the clock on the wall.
WORTH_A_THREAD = 0.75
# That clock tells nothing about threads where one thread waits so long for its CPU: the device is busy.
MAX_WALL_PER_CPU = 1.5
# Every way is measured twice, the second time in the opposite order, so that a board that warms up and slows
# down is not held against whatever came last.
N_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Best:
    """The way to take, and why."""

    timing: Timing
    reason: str


def ways(manifest: Manifest) -> list[tuple[str, int]]:
    """Each variant on one thread, and on two where the device has them."""
    n_cores = len(os.sched_getaffinity(0))
    return [(name, threads) for name in manifest.names for threads in (1, 2) if threads <= n_cores]


def measure(manifest_path: Path, manifest: Manifest, seconds: float) -> Iterator[Timing]:
    """Every way in turn, and all of them again from the last to the first."""
    order = ways(manifest)
    for number in range(N_ROUNDS):
        for variant, threads in order[:: 1 if number % 2 == 0 else -1]:
            yield timed(manifest_path, variant, threads, seconds / N_ROUNDS)


def together(timings: Sequence[Timing]) -> list[Timing]:
    """The rounds of each way as one: the mean of their times, the most memory; in the order they came."""
    by_way: dict[tuple[str, int], list[Timing]] = {}
    for timing in timings:
        by_way.setdefault((timing.variant, timing.threads), []).append(timing)
    return [_mean(rounds) for rounds in by_way.values()]


def _mean(rounds: Sequence[Timing]) -> Timing:
    def mean(key: str) -> float:
        return float(np.mean([getattr(one, key) for one in rounds]))

    return msgspec.structs.replace(
        rounds[0],
        n_windows=sum(one.n_windows for one in rounds),
        ms_per_window=mean("ms_per_window"),
        cpu_ms_per_window=mean("cpu_ms_per_window"),
        ms_per_megapixel=mean("ms_per_megapixel"),
        peak_memory_bytes=max(one.peak_memory_bytes for one in rounds),
    )


def best(timings: Sequence[Timing], manifest: Manifest) -> Best:
    """The way to take: the rules at the top of this file."""
    alone = {one.variant: one for one in timings if one.threads == 1}
    plain = alone[PLAIN]
    good = [one for one in alone.values() if _recall_lost(manifest, one.variant) <= MAX_RECALL_LOST]
    fastest = min(good, key=lambda one: one.cpu_ms_per_window)
    share = fastest.cpu_ms_per_window / plain.cpu_ms_per_window
    chosen = fastest if share <= WORTH_A_VARIANT else plain
    reason = _why_variant(chosen, share, len(alone), len(good))
    pair = next((one for one in timings if one.variant == chosen.variant and one.threads == 2), None)
    if pair is None:
        return Best(chosen, reason)
    is_worth_it, why = _second_thread(chosen, pair)
    return Best(pair if is_worth_it else chosen, f"{reason}; {why}")


def _second_thread(one: Timing, pair: Timing) -> tuple[bool, str]:
    """Whether to take it, and why."""
    waits = one.ms_per_window / one.cpu_ms_per_window
    if waits > MAX_WALL_PER_CPU:
        return False, (
            f"the device is busy, one thread takes {waits:.1f} times its CPU time: "
            "measure again when nothing else runs to learn what a second thread is worth"
        )
    share = pair.ms_per_window / one.ms_per_window
    is_worth_it = share <= WORTH_A_THREAD
    word = "at most" if is_worth_it else "more than"
    return is_worth_it, f"two threads take {share:.2f} of the time of one, {word} {WORTH_A_THREAD:g}"


def _why_variant(chosen: Timing, share: float, n_measured: int, n_good: int) -> str:
    if n_measured == 1:
        return "the model has no variant"
    if chosen.variant != PLAIN:
        return f"{chosen.variant} takes {share:.2f} of the CPU time of plain"
    if n_good == 1:
        return f"every variant finds more than {MAX_RECALL_LOST:g} less of some label"
    return f"no variant takes {WORTH_A_VARIANT:g} or less of the CPU time of plain"


def _recall_lost(manifest: Manifest, variant: str) -> float:
    """The most that a variant loses of any label."""
    figures = manifest.of(variant).quality
    return max(said.recall - figures[label].recall for label, said in manifest.quality.items())
