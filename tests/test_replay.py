"""`edge replay`: the same archive twice gives the same bytes, and it says what became of every file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.archive import STORY, write_archive, write_config
from tests.e2e.program import run_edge

AIRPORT = Path(__file__).resolve().parents[2] / "shared" / "data" / "airports" / "airport-07-a"


def replay_twice(folder: Path, *options: str | Path) -> list[list[bytes]]:
    """Observations and alerts of two runs over one archive."""
    results = []
    for run in ("first", "second"):
        files = [folder / f"{run}-{what}.jsonl" for what in ("observations", "alerts")]
        arguments = ("replay", folder / "tiles", "--observations", files[0], "--alerts", files[1], *options)
        assert run_edge(*arguments).returncode == 0
        results.append([file.read_bytes() for file in files])
    return results


def test_two_replays_of_an_archive_give_the_same_bytes(tmp_path: Path) -> None:
    write_archive(tmp_path / "tiles", STORY[:4])
    first, second = replay_twice(tmp_path, "-c", write_config(tmp_path / "device"))
    assert first == second
    assert all(first)


def test_a_replay_without_an_alerts_file_prints_json_lines_and_nothing_else(tmp_path: Path) -> None:
    write_archive(tmp_path / "tiles", STORY[:2])
    run = run_edge("replay", tmp_path / "tiles", "-c", write_config(tmp_path / "device"))
    alerts = [json.loads(line) for line in run.stdout.splitlines()]
    assert [alert["type"] for alert in alerts] == ["edge.alert.arrival.v1"]
    assert "2 looked" in run.stderr


def test_a_file_that_is_no_tile_is_named_and_the_others_are_replayed(tmp_path: Path) -> None:
    write_archive(tmp_path / "tiles", STORY[:1])
    (tmp_path / "tiles" / "bad.png").write_bytes(b"no image")
    run = run_edge("replay", tmp_path / "tiles", "-c", write_config(tmp_path / "device"))
    assert run.returncode == 0
    assert "bad.png" in run.stderr
    assert "1 looked" in run.stderr


def test_the_same_bytes_a_second_time_are_left_out(tmp_path: Path) -> None:
    [image] = write_archive(tmp_path / "tiles", STORY[:1])
    (tmp_path / "tiles" / "again").mkdir()
    for path in (image, image.with_suffix(".json")):
        (tmp_path / "tiles" / "again" / path.name).write_bytes(path.read_bytes())
    run = run_edge("replay", tmp_path / "tiles", "-c", write_config(tmp_path / "device"))
    assert "1 looked, 1 repeated" in run.stderr


def test_a_folder_without_tiles_is_a_failure(tmp_path: Path) -> None:
    run = run_edge("replay", tmp_path)
    assert (run.returncode, run.stdout) == (1, "")
    assert "no tiles found" in run.stderr


@pytest.mark.long
@pytest.mark.skipif(
    not AIRPORT.is_dir(), reason=f"the airports are not here: {AIRPORT.parent.name} is missing"
)
def test_an_airport_where_no_aircraft_came_or_went_has_no_arrival_and_no_departure(tmp_path: Path) -> None:
    records = tmp_path / "observations.jsonl"
    run = run_edge("replay", AIRPORT, "--observations", records, "--alerts", tmp_path / "alerts.jsonl")
    assert run.returncode == 0, run.stderr
    passes = [json.loads(line) for line in records.read_text().splitlines()]
    # The truth of the archive knows aircraft only; cars drive in any minute.
    found = [one for kind in ("arrived", "departed") for one in passes[4]["delta"][kind]]
    assert [one for one in found if one["label"] == "aircraft"] == []
