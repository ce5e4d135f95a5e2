from __future__ import annotations

from pathlib import Path

import pytest

from edge.detect.choice import FILE, Choice, choice_of, load_chosen, record
from edge.detect.manifest import Manifest
from edge.detect.model import read_manifest
from tests.detect.make import blob_model, manifest_values, write_manifest


def two_ways(folder: Path) -> Path:
    """A model with a variant of other bytes."""
    plain = blob_model()
    variant = blob_model()
    variant.doc_string = "other bytes"
    values = manifest_values(plain.SerializeToString())
    other = manifest_values(variant.SerializeToString())
    (folder / "blobs.onnx").write_bytes(plain.SerializeToString())
    (folder / "blobs-int8.onnx").write_bytes(variant.SerializeToString())
    entry = {
        "file": "blobs-int8.onnx",
        "sha256": other["sha256"],
        "quality": {label: {"recall": 0.85, "false_alarms_per_km2": 0.5} for label in ("aircraft", "ship")},
    }
    return write_manifest(folder, {**values, "variants": {"int8": entry}})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return two_ways(tmp_path)


@pytest.fixture
def manifest(path: Path) -> Manifest:
    return read_manifest(path)


def chosen(name: str = "blobs-1", variant: str = "int8", threads: int = 2) -> Choice:
    return Choice(name=name, variant=variant, threads=threads)


def test_without_a_measurement_the_plain_weights_run_on_one_thread(path: Path, tmp_path: Path) -> None:
    manifest = read_manifest(path)
    assert choice_of(tmp_path / "state", manifest) == Choice(name="blobs-1", variant="plain", threads=1)
    assert load_chosen(path, tmp_path / "state").sha256 == manifest.sha256


def test_what_was_chosen_runs_with_the_figures_of_its_variant(path: Path, tmp_path: Path) -> None:
    manifest = read_manifest(path)
    record(tmp_path / "state", manifest, chosen())
    model = load_chosen(path, tmp_path / "state")
    assert model.sha256 == manifest.variants["int8"].sha256
    assert model.manifest.quality["ship"].recall == 0.85
    assert model.manifest.thresholds == manifest.thresholds


def test_a_choice_for_one_model_says_nothing_on_another(manifest: Manifest, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    other = read_manifest(write_manifest(folder, manifest_values(b"another")))
    record(tmp_path, manifest, chosen())
    record(tmp_path, other, chosen("other", "plain", 1))
    assert choice_of(tmp_path, manifest) == chosen()
    assert choice_of(tmp_path, other).name == "other"


def test_a_variant_that_is_gone_is_not_missed(
    manifest: Manifest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    record(tmp_path, manifest, chosen(variant="fp8"))
    assert choice_of(tmp_path, manifest).variant == "plain"
    assert "chosen variant is gone, plain runs: model=blobs-1 variant=fp8" in caplog.text


@pytest.mark.parametrize("text", ["", "{", "[]", '{"x": 1}', '{"x": {"name": "a", "threads": 0}}'])
def test_a_damaged_choice_costs_speed_and_no_more(
    text: str, manifest: Manifest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE).write_text(text)
    assert choice_of(tmp_path, manifest).variant == "plain"
    assert f"file={tmp_path / FILE}" in caplog.text
    record(tmp_path, manifest, chosen())
    assert choice_of(tmp_path, manifest) == chosen()
