from __future__ import annotations

import re

import pytest
import yaml

from edge.conform import keys
from edge.detect.graph import Layout
from edge.detect.manifest import Manifest, parse
from edge.errors import ModelRefused
from tests.detect.make import manifest_values

GOOD = manifest_values()
THREE_NUMBERS = ["a number in [-1000, 1000]"] * 3


def refused(text: str) -> str:
    with pytest.raises(ModelRefused) as refusal:
        parse(text, "m.yaml")
    return str(refusal.value)


def fault_in(text: str) -> str:
    """The one fault, without its file and line."""
    return re.sub(r"\Am.yaml:\d+: ", "", refused(text))


def changed(**values: object) -> str:
    return yaml.safe_dump({**GOOD, **values})


def nested(section: str, **values: object) -> str:
    inner = GOOD[section]
    assert isinstance(inner, dict)
    return changed(**{section: {**inner, **values}})


def test_a_good_manifest_is_read_with_every_key() -> None:
    manifest = parse(yaml.safe_dump(GOOD), "m.yaml")
    assert (manifest.name, manifest.labels, manifest.input.width) == ("blobs-1", ("aircraft", "ship"), 128)
    assert manifest.quality["ship"].recall == 0.9


@pytest.mark.parametrize("key", GOOD)
def test_a_missing_key_is_named(key: str) -> None:
    text = yaml.safe_dump({name: value for name, value in GOOD.items() if name != key})
    assert re.fullmatch(f"{key}: expected .*, got nothing", fault_in(text))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (changed(labels=[]), "labels: expected at least 1 entries, got 0"),
        (changed(labels=["A b"]), 'labels[0]: expected a word in snake_case, got "A b"'),
        (changed(labels="aircraft"), 'labels: expected a list, got "aircraft"'),
        (
            changed(labels=["ship", "aircraft", "ship"]),
            "labels: expected each once, got ship, aircraft, ship",
        ),
        (changed(kind="masks"), 'kind: expected one of objects, change, got "masks"'),
        (changed(name="two words"), 'name: expected a name without spaces, got "two words"'),
        (changed(sha256="ABC"), 'sha256: expected 64 digits of lower-case hex, got "ABC"'),
        (changed(max_object_px=0), "max_object_px: expected a whole number >= 1, got 0"),
        (changed(max_object_px=128), "max_object_px: expected less than the side of a window, got 128"),
        (changed(input=None), "input: expected a mapping, got nothing"),
        (changed(colour="rgb"), f"colour: expected one of {', '.join(keys(Manifest))}, got colour"),
        (nested("input", width="wide"), 'input.width: expected a whole number in [32, 4096], got "wide"'),
        (nested("input", dtype="float16"), 'input.dtype: expected one of uint8, float32, got "float16"'),
        (
            nested("output", layout="yolo"),
            f'output.layout: expected one of {", ".join(Layout)}, got "yolo"',
        ),
        (
            nested("output", layout="yolov8"),
            "output: expected rows with yolov8, got boxes, scores",
        ),
        (
            nested("output", rows="rows"),
            "output: expected boxes, scores with boxes_scores, got boxes, scores, rows",
        ),
        (
            nested("output", activation="sigmoid"),
            "output: activation: expected none with boxes_scores, got sigmoid",
        ),
        (nested("input", after="later"), "input: after, cached: expected neither with objects, got later"),
        (nested("input", size="image"), "input: expected each name once, got image, image"),
        (
            nested("input", mean=[0.5, 0.5, 0.5]),
            "input: mean, std: expected them with float32 only, got them with uint8",
        ),
        (
            nested("input", mean=[0.5]),
            f"input.mean: expected a list of 3: {', '.join(THREE_NUMBERS)}, got a list of 1",
        ),
        (
            changed(variants={"plain": {"file": "a.onnx", "sha256": "0" * 64}}),
            'variants: expected as a name a word in snake_case, not plain, got "plain"',
        ),
        (
            changed(variants={"int8": {"file": "../a.onnx", "sha256": "0" * 64}}),
            'variants.int8.file: expected the name of a file beside this one, got "../a.onnx"',
        ),
        (
            changed(variants={"int8": {"file": "a.onnx", "sha256": "0" * 64, "thresholds": {}}}),
            "variants.int8.thresholds: expected one for each of aircraft, ship, got none",
        ),
        (nested("gsd_m", min=0.6), "gsd_m: expected min <= working <= max, got 0.6, 0.5, 2"),
        (nested("gsd_m", min=float("nan")), 'gsd_m.min: expected a number > 0 and <= 1000, got ".nan"'),
        (
            nested("gsd_m", by_label={"car": 0.4}),
            "gsd_m: by_label: expected one of aircraft, ship, got car",
        ),
        (
            nested("gsd_m", by_label={"ship": 0.2}),
            "gsd_m: by_label.ship: expected what the model serves, 0.3 to 2, got 0.2",
        ),
        (
            nested("gsd_m", by_label={"ship": -1}),
            "gsd_m.by_label.ship: expected a number > 0 and <= 1000, got -1",
        ),
        (nested("thresholds", ship=1.5), "thresholds.ship: expected a number in [0, 1], got 1.5"),
        (changed(thresholds={"ship": 0.4}), "thresholds: expected one for each of aircraft, ship, got ship"),
        (changed(quality={}), "quality: expected one for each of aircraft, ship, got none"),
        ("", "expected a mapping, got an empty file"),
        ("- 1", "expected a mapping, got a list of 1"),
        (f"name: a\n{changed()}", "expected name once, got it again; it stands in line 1 too"),
    ],
)
def test_a_fault_is_told_with_its_key_what_was_expected_and_what_came(text: str, fault: str) -> None:
    assert fault_in(text) == fault


@pytest.mark.parametrize(
    "name", ["../weights.onnx", "/etc/weights.onnx", "sub/weights.onnx", "..", "", ".hidden"]
)
def test_weights_lie_beside_their_manifest_and_nowhere_else(name: str) -> None:
    assert fault_in(changed(file=name)) == f'file: expected the name of a file beside this one, got "{name}"'


def test_all_faults_are_told_at_once_each_with_its_line() -> None:
    lines = refused(changed(name="", kind="", max_object_px=-1)).splitlines()
    told = [line.split(": ")[:2] for line in lines]
    assert told == [["m.yaml:13", "kind"], ["m.yaml:17", "max_object_px"], ["m.yaml:18", "name"]]


def test_a_contradiction_is_told_with_its_line() -> None:
    assert refused(nested("gsd_m", working=3.0)).startswith("m.yaml:2: gsd_m: expected min <= working <= max")
