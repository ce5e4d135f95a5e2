from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from edge.detect.manifest import Manifest, parse
from edge.errors import ModelRefused
from edge.fitting.bench import best, together
from edge.fitting.timing import Timing, timed
from tests.detect.make import manifest_values, write_model


def manifest(lost: float = 0.0, *, variants: bool = True) -> Manifest:
    """A model whose variant finds so much less of ships."""
    quality = {
        "aircraft": {"recall": 0.9, "false_alarms_per_km2": 0.5},
        "ship": {"recall": 0.9 - lost, "false_alarms_per_km2": 0.5},
    }
    entry = {"int8": {"file": "small.onnx", "sha256": "0" * 64, "quality": quality}}
    return parse(yaml.safe_dump(manifest_values(variants=entry if variants else {})), "m.yaml")


def timing(variant: str, threads: int, ms: float, cpu_ms: float | None = None, **changed: int) -> Timing:
    return Timing(
        variant=variant, threads=threads, n_windows=changed.get("n_windows", 10), ms_per_window=ms,
        cpu_ms_per_window=ms if cpu_ms is None else cpu_ms, ms_per_megapixel=4 * ms,
        peak_memory_bytes=changed.get("peak_memory_bytes", 90_000_000),
    )  # fmt: skip


def use(timings: list[Timing], said: Manifest | None = None) -> tuple[str, int, str]:
    found = best(timings, manifest() if said is None else said)
    return found.timing.variant, found.timing.threads, found.reason


def test_a_variant_that_takes_less_than_nine_tenths_is_used() -> None:
    assert use([timing("plain", 1, 100), timing("int8", 1, 60)]) == (
        "int8", 1, "int8 takes 0.60 of the CPU time of plain",
    )  # fmt: skip


def test_a_variant_that_is_hardly_faster_is_not() -> None:
    assert use([timing("plain", 1, 100), timing("int8", 1, 91)]) == (
        "plain", 1, "no variant takes 0.9 or less of the CPU time of plain",
    )  # fmt: skip


def test_a_fast_variant_that_misses_more_ships_is_not() -> None:
    assert use([timing("plain", 1, 100), timing("int8", 1, 10)], manifest(lost=0.03)) == (
        "plain", 1, "every variant finds more than 0.02 less of some label",
    )  # fmt: skip


def test_a_model_without_a_variant_is_measured_all_the_same() -> None:
    assert use([timing("plain", 1, 100)], manifest(variants=False)) == (
        "plain",
        1,
        "the model has no variant",
    )


def test_variants_are_compared_by_cpu_time_for_the_device_may_be_busy() -> None:
    variant, *_ = use([timing("plain", 1, 300, 100), timing("int8", 1, 400, 60)])
    assert variant == "int8"


@pytest.mark.parametrize(("ms", "threads"), [(75, 2), (76, 1)])
def test_a_second_thread_is_used_where_it_saves_a_quarter(ms: float, threads: int) -> None:
    found = use([timing("plain", 1, 100), timing("plain", 2, ms, 110)], manifest(variants=False))
    assert found[1] == threads
    assert f"two threads take {ms / 100:.2f} of the time of one" in found[2]


def test_on_a_busy_device_a_second_thread_is_not_judged() -> None:
    found = use([timing("plain", 1, 300, 100), timing("plain", 2, 100, 110)], manifest(variants=False))
    assert found[1] == 1
    assert "the device is busy, one thread takes 3.0 times its CPU time: measure again" in found[2]


def test_the_rounds_of_a_way_count_as_one() -> None:
    rounds = [
        timing("plain", 1, 100, peak_memory_bytes=5), timing("int8", 1, 60),
        timing("int8", 1, 70), timing("plain", 1, 120, peak_memory_bytes=7),
    ]  # fmt: skip
    plain, int8 = together(rounds)
    assert (plain.ms_per_window, plain.n_windows, plain.peak_memory_bytes) == (110, 20, 7)
    assert (int8.variant, int8.ms_per_window) == ("int8", 65)


def test_a_way_is_measured_in_a_process_of_its_own(tmp_path: Path) -> None:
    found = timed(write_model(tmp_path), "plain", 1, seconds=0.01)
    assert found.n_windows >= 5
    assert found.ms_per_megapixel == pytest.approx(found.ms_per_window / (128 * 128 / 1e6))
    assert 20e6 < found.peak_memory_bytes < 1e9


def test_a_way_that_cannot_be_measured_says_why(tmp_path: Path) -> None:
    path = write_model(tmp_path, sha256="0" * 64)
    with pytest.raises(ModelRefused, match=r"plain, 1 threads: expected to run, got: .*sha256: expected 000"):
        timed(path, "plain", 1, seconds=0.01)
