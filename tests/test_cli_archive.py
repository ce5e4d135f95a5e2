"""`edge archive` as it is called: what it lists, and what it refuses."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from edge.cli import main
from edge.monitor.finding import Severity
from edge.receive.archive_store import open_sqlite
from edge.receive.record import record_of
from edge.transmit.alert import Alert, to_json
from edge.transmit.link import Incoming
from tests.transmit.make import RECORDED_AT, make_alert, make_finding

BASE = "edge/v1/pier-7/north-airfield"


def stored(folder: Path, *made: Alert, picture: bytes = b"jpeg") -> str:
    """An archive with these alerts, one picture each."""
    path = folder / "archive.sqlite"
    with closing(open_sqlite(path)) as store:
        for one in made:
            messages = [
                Incoming(f"{BASE}/alert", to_json(one), is_retained=False),
                Incoming(f"{BASE}/evidence/{one.alert_id}/0", picture, is_retained=False),
            ]
            store.put([record_of(message) for message in messages], RECORDED_AT)
    return str(path)


def test_a_list_shows_alerts_as_a_watch_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = stored(tmp_path, make_alert(sequence=4211))
    assert main(["archive", "--database", database, "--list"]) == 0
    assert capsys.readouterr().out.startswith(
        "2024-12-13T08:30:00Z  MODERATE  north-airfield  1 aircraft left apron; 8 to 10 remain\n"
    )


def test_a_list_in_json_gives_the_alerts_as_they_came(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = make_alert(sequence=1)
    assert main(["archive", "--database", stored(tmp_path, made), "--list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(to_json(made))


def test_a_list_by_severity_shows_the_graver_ones_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = [
        make_alert(make_finding(opened_by=severity, severity=severity), sequence=n)
        for n, severity in enumerate(Severity)
    ]
    database = stored(tmp_path, *made)
    main(["archive", "--database", database, "--list", "--json", "--severity", "severe"])
    shown = [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()]
    assert shown == [one.alert_id for one in made[2:]]


def test_a_list_can_save_its_pictures(tmp_path: Path) -> None:
    made = make_alert(sequence=1)
    database = stored(tmp_path, made)
    main(["archive", "--database", database, "--list", "--pictures", str(tmp_path / "out")])
    picture = tmp_path / "out" / "pier-7" / "north-airfield" / f"{made.alert_id}-0.jpg"
    assert picture.read_bytes() == b"jpeg"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--database", "x.sqlite"], 2, "BROKER-URL: expected mqtt://HOST[:PORT]"),
        (["http://b", "--database", "x.sqlite"], 78, "url: expected mqtt://HOST[:PORT]"),
        (["mqtt://b", "--database", "x.sqlite", "--share", "a/b"], 78, "--share: expected a printable name"),
        (["mqtt://b", "--database", "postgresql://u:secret@h/d"], 78, "--database: expected no password"),
        (["mqtt://b", "--database", "postgresql://h/d?password=secret"], 78, "use ?passfile=FILE"),
        (["mqtt://b", "--database", "missing/x.sqlite"], 1, "unable to open database file"),
        (["--database", "missing.sqlite", "--list"], 1, "expected a file that `edge archive` made"),
    ],
)
def test_what_is_wrong_is_said(
    arguments: list[str],
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["archive", *arguments]) == code
    error = capsys.readouterr().err
    assert said in error
    assert "secret" not in error


@pytest.mark.parametrize(
    "option",
    [["--since", "2024-12-13T08:30:00"], ["--since", "today"], ["--keep-days", "0"], ["--kind", "x"]],
)
def test_a_wrong_option_is_wrong_usage(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["archive", "--database", "x.sqlite", "--list", *option])
    assert option[0] in capsys.readouterr().err
