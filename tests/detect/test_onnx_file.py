from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.detect.model import load
from edge.detect.onnx_file import metadata, opset
from edge.errors import ModelRefused
from tests.detect.layouts_make import tell
from tests.detect.make import blob_model, write_model


def of_opset(version: int) -> onnx.ModelProto:
    model = blob_model()
    model.opset_import[0].version = version
    return model


@pytest.mark.parametrize("version", [7, 18, 300])
def test_the_opset_is_read_from_the_file(version: int) -> None:
    assert opset(of_opset(version).SerializeToString()) == version


def test_the_opset_of_another_domain_is_not_taken_for_it() -> None:
    model = blob_model()
    model.opset_import.insert(0, onnx.helper.make_opsetid("com.microsoft", 1))
    assert opset(model.SerializeToString()) == 18


def test_the_metadata_are_read_from_the_file() -> None:
    told = {"names": "{0: 'plane', 1: 'ship'}", "stride": "32", "author": "Ü"}
    assert metadata(tell(blob_model(), **told).SerializeToString()) == told


def test_a_file_without_metadata_has_none() -> None:
    assert metadata(blob_model().SerializeToString()) == {}


@given(st.binary(max_size=200))
def test_any_bytes_are_read_to_their_end(data: bytes) -> None:
    assert opset(data) >= 0
    assert isinstance(metadata(data), dict)


@pytest.mark.parametrize(
    ("version", "fault"),
    [
        (5, "opset: expected 11 or later, got 5"),
        (999, "opset: expected at most [0-9]+, which this .*, got 999"),
    ],
)
def test_a_model_of_an_opset_that_does_not_fit_is_refused(version: int, fault: str, tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match=rf"blobs\.onnx: {fault}"):
        load(write_model(tmp_path, of_opset(version)))
