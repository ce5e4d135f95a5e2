"""The commands: their exit codes, and what goes to standard output and what to standard error."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import cv2
import pytest

from edge import __version__
from edge.cli import BAD_CONFIG, COMMANDS, FAILED, OK, USAGE
from edge.config import load
from edge.monitor.finding import Severity
from edge.station import open_store
from edge.store import Commit
from edge.transmit.outbox import Message
from tests.detect.make import image, write_model
from tests.e2e.archive import write_config
from tests.e2e.program import run_edge
from tests.settings import with_line
from tests.transmit.make import make_alert

AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


def test_the_version_is_said() -> None:
    run = run_edge("--version")
    assert (run.returncode, run.stdout) == (OK, f"edge {__version__}\n")


def test_the_help_names_every_command() -> None:
    run = run_edge("--help")
    assert run.returncode == OK
    listed = {line.split()[0] for line in run.stdout.splitlines() if line.startswith("    ")}
    assert set(COMMANDS) <= listed


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_its_arguments(name: str) -> None:
    run = run_edge(name, "--help")
    assert (run.returncode, run.stderr) == (OK, "")
    assert f"usage: edge {name}" in run.stdout


@pytest.mark.parametrize("arguments", [(), ("fly",), ("detect",), ("run", "--fast")], ids=" ".join)
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...]) -> None:
    run = run_edge(*arguments)
    assert (run.returncode, run.stdout) == (USAGE, "")
    assert "usage: edge" in run.stderr


@pytest.mark.parametrize("name", ["run", "doctor", "outbox"])
def test_a_wrong_configuration_ends_with_78(tmp_path: Path, name: str) -> None:
    run = run_edge(name, "-c", tmp_path / "none.yaml")
    assert run.returncode == BAD_CONFIG
    assert f"{tmp_path}/none.yaml:1" in run.stderr
    assert "Traceback" not in run.stderr


def test_check_prints_every_fault_with_its_line(tmp_path: Path) -> None:
    config = tmp_path / "edge.yaml"
    lines = with_line("bounds", "    bounds: {west: 500, south: 0.010, east: 0.030, north: 0.025}")
    config.write_text(
        lines.replace("{arrival: aircraft, zone: yard}", "{arrival: aircraft, zone: yart}") + "x: 1\n"
    )
    run = run_edge("check", "-c", config)
    assert run.returncode == BAD_CONFIG
    assert [line.split(": ")[0] for line in run.stdout.splitlines()] == [f"{config}:{n}" for n in (6, 13)]


def test_check_says_the_faults_as_json_too(tmp_path: Path) -> None:
    config = tmp_path / "edge.yaml"
    config.write_text("device: {id: a/b}\n")
    run = run_edge("check", "--json", "-c", config)
    faults = [json.loads(line) for line in run.stdout.splitlines()]
    assert {fault["kind"] for fault in faults} == {"fault"}
    assert "device.id" in {fault["path"] for fault in faults}


def test_check_accepts_what_is_right(tmp_path: Path) -> None:
    run = run_edge("check", "-c", write_config(tmp_path, "mqtt://127.0.0.1:1"))
    assert run.returncode == OK
    assert "the configuration is right" in run.stderr


def test_what_init_writes_passes_check(tmp_path: Path) -> None:
    assert run_edge("init", tmp_path).returncode == OK
    assert run_edge("check", "-c", tmp_path / "edge.yaml").returncode == OK


def test_init_never_writes_over_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "edge.yaml").write_text("mine")
    run = run_edge("init", tmp_path)
    assert run.returncode == FAILED
    assert (tmp_path / "edge.yaml").read_text() == "mine"


def queued(folder: Path) -> Path:
    """The configuration of a device with two messages that wait."""
    config = write_config(folder)
    store = open_store(load(config))
    topic = "edge/v1/pier-7/field/alert"
    messages = [Message(topic, b"{}", alert_id=f"A{n}", severity=Severity.SEVERE) for n in (1, 2)]
    store.commit(Commit(AT, messages=messages))
    store.close()
    return config


def test_outbox_lists_what_waits_as_json_lines(tmp_path: Path) -> None:
    run = run_edge("outbox", "list", "--json", "-c", queued(tmp_path))
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    assert [(row["seq"], row["state"], row["alert_id"]) for row in rows] == [
        (1, "waiting", "A1"),
        (2, "waiting", "A2"),
    ]


def test_outbox_drops_a_row(tmp_path: Path) -> None:
    config = queued(tmp_path)
    assert run_edge("outbox", "drop", "1", "-c", config).returncode == OK
    left = run_edge("outbox", "--json", "-c", config).stdout.splitlines()
    assert [json.loads(line)["seq"] for line in left] == [2]


def test_outbox_says_where_the_daemon_has_not_run_yet(tmp_path: Path) -> None:
    run = run_edge("outbox", "-c", write_config(tmp_path))
    assert run.returncode == FAILED
    assert "it has not run here yet" in run.stderr


def images(folder: Path, n: int) -> list[Path]:
    """Files with one red square each."""
    paths = [folder / f"{number}.png" for number in range(n)]
    for path in paths:
        cv2.imwrite(str(path), image(256, 256, (40, 60, 64, 84))[..., ::-1])
    return paths


def test_detect_prints_one_json_object_an_image(tmp_path: Path) -> None:
    paths = images(tmp_path, 2)
    run = run_edge("detect", "--model", write_model(tmp_path), "--gsd", "0.5", *paths)
    records = [json.loads(line) for line in run.stdout.splitlines()]
    assert run.returncode == OK
    assert [record["image"] for record in records] == [str(path) for path in paths]
    assert [found["box"] for found in records[0]["detections"]] == [[40.0, 60.0, 64.0, 84.0]]


def test_detect_refuses_a_gsd_that_the_model_does_not_serve(tmp_path: Path) -> None:
    run = run_edge("detect", "--model", write_model(tmp_path), "--gsd", "5", *images(tmp_path, 1))
    assert (run.returncode, run.stdout) == (FAILED, "")
    assert "gsd_m: blobs-1 serves 0.3 to 2, got 5" in run.stderr


def test_detect_says_which_image_cannot_be_read(tmp_path: Path) -> None:
    run = run_edge("detect", "--model", write_model(tmp_path), tmp_path / "none.png")
    assert run.returncode == FAILED
    assert "none.png" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_reader_that_has_enough_ends_detect_in_silence(tmp_path: Path) -> None:
    paths = images(tmp_path, 20)
    command = [
        sys.executable,
        "-m",
        "edge",
        "detect",
        "--model",
        str(write_model(tmp_path)),
        *map(str, paths),
    ]
    detect = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert detect.stdout is not None
    assert detect.stderr is not None
    first = detect.stdout.readline()
    detect.stdout.close()
    said = detect.stderr.read()
    detect.stderr.close()
    assert (detect.wait(), said) == (OK, b"")
    assert json.loads(first)["image"] == str(paths[0])


@pytest.mark.parametrize(
    "arguments",
    [(), ("7Q2M5K0C9T4E",), ("7Q2M5K0C9T4E", "maybe"), ("--list", "7Q2M5K0C9T4E", "true")],
    ids=str,
)
def test_feedback_wants_an_alert_and_a_verdict_or_the_list(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    run = run_edge("feedback", *arguments, "-c", write_config(tmp_path))
    assert (run.returncode, run.stdout) == (USAGE, "")
    assert "edge feedback" in run.stderr


def told(config: Path) -> str:
    """An alert in the state of a device; its id."""
    alert = make_alert()
    with closing(open_store(load(config))) as store:
        store.commit(Commit(done_at=AT, alerts=[alert]))
    return alert.alert_id


def test_feedback_is_listed_until_it_is_lifted(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    alert_id = told(config)
    assert run_edge("feedback", alert_id, "false", "-c", config).returncode == OK
    listed = run_edge("feedback", "--list", "-c", config).stdout
    assert f"{alert_id}  false    north-airfield  aircraft within 50 m of 16.98421 27.00312" in listed
    [line] = run_edge("feedback", "--list", "--json", "-c", config).stdout.splitlines()
    assert (json.loads(line)["alert_id"], json.loads(line)["why"]) == (alert_id, "false")
    lifted = run_edge("feedback", alert_id, "true", "-c", config)
    assert "lifted_places=1" in lifted.stdout
    assert run_edge("feedback", "--list", "-c", config).stdout == ""


def test_feedback_on_an_alert_that_is_not_known_fails_and_says_so(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    told(config)
    run = run_edge("feedback", "0" * 12, "false", "-c", config)
    assert (run.returncode, run.stdout) == (FAILED, "")
    assert "unknown_alert" in run.stderr
