from __future__ import annotations

import hashlib
from pathlib import Path

from edge.fitting.verify import verify
from tests.detect.make import blob_model, manifest_values, write_manifest, write_model


def test_a_sound_model_is_told_with_hash_opset_labels_and_what_it_saw(tmp_path: Path) -> None:
    [one] = verify(write_model(tmp_path))
    assert one.ok
    assert "opset 18, aircraft, ship; dry run: " in one.found
    assert hashlib.sha256(blob_model().SerializeToString()).hexdigest()[:12] in one.found


def test_every_variant_is_looked_at_and_the_wrong_one_named(tmp_path: Path) -> None:
    weights = blob_model().SerializeToString()
    (tmp_path / "blobs.onnx").write_bytes(weights)
    (tmp_path / "small.onnx").write_bytes(b"something else")
    entry = {"file": "small.onnx", "sha256": "0" * 64}
    plain, small = verify(write_manifest(tmp_path, manifest_values(weights, variants={"int8": entry})))
    assert (plain.ok, small.ok, small.variant) == (True, False, "int8")
    assert "small.onnx: sha256: expected 000" in small.found


def test_a_manifest_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    [one] = verify(tmp_path / "none.yaml")
    assert (one.ok, one.name) == (False, str(tmp_path / "none.yaml"))
    assert "expected a readable file, got No such file or directory" in one.found
