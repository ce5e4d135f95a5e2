"""`edge explain`: every kind of alert follows from what the device keeps, and what does not is named."""

from __future__ import annotations

import json
import shutil
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge import row_crc
from edge.errors import UnknownAlert
from edge.explain.explanation import Explanation, explain, the_alert
from edge.explain.text import as_json, as_text
from edge.store import Store
from edge.transmit.outbox import OutboxSettings
from tests.e2e.program import Daemon, run_edge
from tests.explain.airfield import RULES, watched_month

KINDS = {next(iter(rule)).removesuffix("_hours") for rule in RULES}


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Daemon:
    return watched_month(tmp_path_factory.mktemp("device"))


@pytest.fixture
def folder(month: Daemon, tmp_path: Path) -> Path:
    """A copy of its state that a test may spoil."""
    shutil.copytree(month.config.parent, tmp_path / "device")
    return tmp_path / "device"


def ids(month: Daemon, kind: str | None = None) -> list[str]:
    rows = month.rows("SELECT DISTINCT id, kind FROM alerts ORDER BY sequence")
    return [name for name, its in rows if kind in (None, its)]


def explained(folder: Path, alert_id: str) -> Explanation:
    with closing(Store(folder / "state" / "edge.sqlite", OutboxSettings())) as store:
        return explain(store, alert_id)


def differing(explanation: Explanation) -> list[str]:
    return [check.what for one in explanation.messages for check in one.checks if not check.agrees]


def change(folder: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / "state" / "edge.sqlite")) as connection:
        row_crc.teach(connection)
        connection.execute(sql, values)
        connection.commit()


def spoiled(folder: Path, select: str, update: str, spoil: Callable[[bytes], bytes], *values: object) -> None:
    """One body that was selected with its key, changed and put back."""
    with closing(sqlite3.connect(folder / "state" / "edge.sqlite")) as connection:
        row_crc.teach(connection)
        [(key, body), *_] = connection.execute(select, values).fetchall()
        connection.execute(update, (spoil(body), key))
        connection.commit()


ALERT = (
    "SELECT sequence, body FROM alerts WHERE id = ? ORDER BY sequence",
    "UPDATE alerts SET body = ? WHERE sequence = ?",
)
GROUNDS = (
    "SELECT sequence, grounds.body FROM grounds JOIN alerts USING (sequence) WHERE id = ? ORDER BY sequence",
    "UPDATE grounds SET body = ? WHERE sequence = ?",
)
LOOK = ("SELECT rowid, body FROM looks WHERE tile_id = ?", "UPDATE looks SET body = ? WHERE rowid = ?")


def kept_otherwise(spoil: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    """What changes the grounds of an alert."""

    def change(body: bytes) -> bytes:
        plain = msgspec.msgpack.decode(zlib.decompress(body))
        spoil(plain)
        return zlib.compress(msgspec.msgpack.encode(plain))

    return change


def test_every_kind_of_rule_has_told_something(month: Daemon) -> None:
    assert {kind for (kind,) in month.rows("SELECT DISTINCT kind FROM alerts")} == KINDS


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_was_told_follows_from_what_is_kept(month: Daemon, kind: str) -> None:
    for alert_id in ids(month, kind):
        explanation = explained(month.config.parent, alert_id)
        assert differing(explanation) == []
        assert explanation.agrees
        assert all(one.checks and not one.missing for one in explanation.messages)


def test_the_same_alert_is_explained_in_the_same_bytes(month: Daemon) -> None:
    for alert_id in ids(month):
        first, second = (as_json(explained(month.config.parent, alert_id)) for _ in range(2))
        assert first == second


def test_a_departure_tells_each_look_and_what_it_moved(month: Daemon) -> None:
    [alert_id, *_] = ids(month, "departure")
    message = explained(month.config.parent, alert_id).messages[0]
    last = message.chains[0].steps[-1]
    assert last.look.score is None
    assert last.miss == pytest.approx(2 * 0.1 * (1 - last.look.strength) + 0.02, abs=1e-4)  # type: ignore[operator]
    assert last.by_sight == pytest.approx(-3.23, abs=0.01)
    assert last.in_ledger
    assert message.levels[0].is_passed


def test_a_score_that_the_ledger_does_not_have_is_named(month: Daemon, folder: Path) -> None:
    [alert_id, *_] = ids(month, "arrival")
    tile = explained(month.config.parent, alert_id).messages[0].chains[0].steps[0].look.tile_id

    def lower(body: bytes) -> bytes:
        record = json.loads(body)
        for one in record["detections"]:
            one["score"] -= 0.1
        return json.dumps(record).encode()

    spoiled(folder, *LOOK, lower, tile)
    explanation = explained(folder, alert_id)
    assert not explanation.agrees
    assert "not so in the ledger" in as_text(explanation)


def test_a_look_that_the_disk_gave_back_otherwise_is_missing(month: Daemon, folder: Path) -> None:
    [alert_id, *_] = ids(month, "arrival")
    tile = explained(month.config.parent, alert_id).messages[0].chains[0].steps[0].look.tile_id
    spoiled(folder, *LOOK, lambda body: body[:-9], tile)
    explanation = explained(folder, alert_id)
    assert explanation.agrees
    assert "its look is not in the ledger (any more)" in explanation.messages[0].missing


def surer(body: bytes) -> bytes:
    alert = json.loads(body)
    alert["data"]["properties"]["confidence"] = 0.999
    return json.dumps(alert).encode()


def test_a_confidence_that_does_not_follow_is_named(month: Daemon, folder: Path) -> None:
    [alert_id, *_] = ids(month, "arrival")
    spoiled(folder, *ALERT, surer, alert_id)
    assert differing(explained(folder, alert_id)) == ["confidence"]


def test_a_presence_that_does_not_follow_from_its_looks_is_named(month: Daemon, folder: Path) -> None:
    [alert_id, *_] = ids(month, "departure")

    def fainter(plain: dict[str, Any]) -> None:
        for track in plain["scene"]["tracks"]:
            track["history"][-1]["log_odds"] = -1.0

    spoiled(folder, *GROUNDS, kept_otherwise(fainter), alert_id)
    explanation = explained(folder, alert_id)
    assert {chain.agrees for chain in explanation.messages[0].chains} == {False}
    assert "(kept -1.000)" in as_text(explanation)


def test_a_rule_that_does_not_come_true_again_is_named(month: Daemon, folder: Path) -> None:
    [alert_id] = ids(month, "count")

    def stricter(plain: dict[str, Any]) -> None:
        plain["rule"]["at_most"] = 1

    spoiled(folder, *GROUNDS, kept_otherwise(stricter), alert_id)
    assert differing(explained(folder, alert_id)) == ["the rule comes true"]


def test_a_blindness_that_the_ledger_does_not_know_of_is_named(month: Daemon, folder: Path) -> None:
    [alert_id] = ids(month, "blind")
    change(
        folder,
        "INSERT INTO looks SELECT site_id, '2026-03-10T08:30:00.000000+00:00', 'late', "
        "CAST(replace(replace(body, 'day-09', 'late'), '2026-03-09T', '2026-03-10T') AS BLOB) "
        "FROM looks WHERE tile_id = 'day-09'",
    )
    assert "the rule comes true" in differing(explained(folder, alert_id))


def test_an_alert_whose_grounds_gave_way_says_so_and_shows_what_is_left(month: Daemon, folder: Path) -> None:
    [alert_id, *_] = ids(month, "arrival")
    change(folder, "DELETE FROM grounds")
    message = explained(folder, alert_id).messages[0]
    assert message.checks == ()
    assert message.missing[0].startswith("what it was decided on is not kept")
    assert message.coverage is not None


def test_an_id_may_be_given_by_its_beginning_in_small_letters(month: Daemon) -> None:
    [alert_id, *_] = ids(month)
    run = run_edge("explain", alert_id[:5].lower(), "-c", month.config)
    assert (run.returncode, run.stdout.split()[0]) == (0, alert_id)


def test_json_tells_each_figure_with_what_follows(month: Daemon) -> None:
    [alert_id, *_] = ids(month, "departure")
    run = run_edge("explain", alert_id, "-c", month.config, "--json")
    told = json.loads(run.stdout)
    assert (told["alert"], told["agrees"]) == (alert_id, True)
    assert all(check["told"] == check["derived"] for check in told["messages"][0]["checks"])
    assert told["messages"][0]["rule"]["departure"] == "aircraft"


def test_an_alert_that_differs_is_a_failure_of_the_command(month: Daemon, folder: Path) -> None:
    [alert_id, *_] = ids(month, "arrival")
    spoiled(folder, *ALERT, surer, alert_id)
    run = run_edge("explain", alert_id, "-c", folder / "edge.yaml")
    assert run.returncode == 1
    assert "DIFFERS  confidence: told 0.999, follows 0.8" in run.stdout


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with closing(Store(folder / "state" / "edge.sqlite", OutboxSettings())) as opened:
        yield opened


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("123", "123: expected 4 to 12 characters of an alert's id"),
        ("LOUD", "LOUD: expected 4 to 12 characters of an alert's id"),
        ("0000000000000", "0000000000000: expected 4 to 12 characters"),
        ("00000000", "00000000: expected an alert that this device keeps, got none that begins so"),
    ],
)
def test_an_id_that_means_nothing_is_refused(store: Store, text: str, said: str) -> None:
    with pytest.raises(UnknownAlert) as refused:
        the_alert(store, text)
    assert str(refused.value).startswith(said)


def test_a_beginning_of_several_ids_names_them(folder: Path, month: Daemon) -> None:
    first, second, *_ = ids(month)
    change(folder, "UPDATE alerts SET id = 'AAAA11111111' WHERE id = ?", first)
    change(folder, "UPDATE alerts SET id = 'AAAA22222222' WHERE id = ?", second)
    run = run_edge("explain", "AAAA", "-c", folder / "edge.yaml")
    assert run.returncode == 1
    assert "AAAA: expected one alert, got 2 that begin so:" in run.stderr
    assert "  AAAA22222222  " in run.stderr


def test_where_the_daemon_has_not_run_that_is_said(tmp_path: Path, month: Daemon) -> None:
    config = tmp_path / "edge.yaml"
    shutil.copy(month.config, config)
    for name in ("blobs.yaml", "blobs.onnx"):
        shutil.copy(month.config.parent / name, tmp_path)
    run = run_edge("explain", "AAAA", "-c", config)
    assert run.returncode == 1
    assert "it has not run here yet" in run.stderr
