"""A durable alert reaches a subscriber hardly later than the least that is as durable."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import bench_durable
from tests.broker import program
from tests.figures import Tell


@pytest.mark.long
def test_a_durable_alert_takes_at_most_1_5_times_a_raw_commit_and_publish(tmp_path: Path, tell: Tell) -> None:
    program("mosquitto")
    found = bench_durable.measure(tmp_path)
    tell(
        f"durable alert to subscriber: {1000 * found.edge_s:.2f} ms, {found.ratio:.2f} times "
        f"SQLite FULL and paho QoS 1 ({1000 * found.least_s:.2f} ms)"
    )
    assert found.ratio <= bench_durable.AIM
