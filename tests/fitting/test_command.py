"""`edge models` as its users run it."""

from __future__ import annotations

import json
from pathlib import Path

from edge.cli import BAD_CONFIG, FAILED, OK
from tests.detect.layouts_make import dressed
from tests.detect.make import write_model
from tests.detect.test_choice import two_ways
from tests.e2e.archive import write_config
from tests.e2e.program import run_edge

GSD = ("--gsd", "0.3", "0.5", "2")


def test_without_an_action_the_shipped_models_are_listed_with_their_cards() -> None:
    run = run_edge("models")
    assert (run.returncode, run.stderr) == (OK, "")
    assert "labels    aircraft, ship, vehicle, storage_tank" in run.stdout
    assert "objects.md" in run.stdout


def test_a_named_model_is_listed_as_json(tmp_path: Path) -> None:
    run = run_edge("models", "list", "--json", write_model(tmp_path))
    row = json.loads(run.stdout)
    assert (row["name"], row["window_px"], row["card"]) == ("blobs-1", [128, 128], None)
    assert row["weights"] == {"plain": (tmp_path / "blobs.onnx").stat().st_size}


def test_a_model_that_is_not_what_its_manifest_says_ends_verify_with_1(tmp_path: Path) -> None:
    run = run_edge("models", "verify", write_model(tmp_path, sha256="0" * 64))
    assert run.returncode == FAILED
    assert run.stdout.startswith("FAIL  blobs-1 (plain): ")


def test_an_own_file_is_added_and_verified(tmp_path: Path) -> None:
    (tmp_path / "own.onnx").write_bytes(dressed("yolov8").SerializeToString())
    run = run_edge("models", "add", tmp_path / "own.onnx", *GSD, "--labels", "aircraft,ship")
    assert (run.returncode, run.stdout) == (OK, f"{tmp_path / 'own.yaml'}\n")
    assert "layout yolov8" in run.stderr
    assert run_edge("models", "verify", tmp_path / "own.onnx").returncode == OK


def test_what_is_missing_is_asked_for_only_on_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "own.onnx").write_bytes(dressed("yolov8").SerializeToString())
    run = run_edge("models", "add", tmp_path / "own.onnx", *GSD)
    assert run.returncode == FAILED
    assert "edge models: " in run.stderr
    assert "expected --labels: its labels in the order of its scores" in run.stderr


def test_every_way_is_measured_and_the_choice_kept_for_the_daemon(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    (tmp_path / "own").mkdir()
    model = two_ways(tmp_path / "own")
    run = run_edge("models", "bench", "--json", "--seconds", "0.02", "--write", "-c", config, model)
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    assert {row["variant"] for row in rows} == {"plain", "int8"}
    [used] = [row for row in rows if row["use"]]
    [kept] = json.loads((tmp_path / "state" / "models.json").read_text()).values()
    assert (kept["variant"], kept["threads"]) == (used["variant"], used["threads"])


def test_a_choice_is_kept_only_where_there_is_a_configuration(tmp_path: Path) -> None:
    run = run_edge("models", "bench", "--write", "-c", tmp_path / "none.yaml", write_model(tmp_path))
    assert run.returncode == BAD_CONFIG
