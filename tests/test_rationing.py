"""The alarm budget in the whole program: the field spends as a replay does, and what is held back is kept."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edge import budget_check
from edge.config import load
from edge.doctor import Verdict
from edge.explain.explanation import explain
from edge.health import BudgetHealth
from edge.station import open_store
from tests.e2e.archive import STORY, drop, site, write_archive, write_config
from tests.e2e.program import Daemon, replayed, running

RULES = ({"arrival": "aircraft"}, {"departure": "aircraft"}, {"count": "aircraft", "at_least": 3})
SENT = "SELECT body FROM alerts WHERE sequence NOT IN held ORDER BY sequence"


def write_tight_config(folder: Path, **budget: Any) -> Path:
    tight = {**site(rules=RULES), "budget": {"alerts_per_week": 3, **budget}}
    return write_config(folder, sites={"field": tight})


def keys(bodies: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    return [(one["id"], one["data"]["properties"]["phase"], one["sequence"]) for one in bodies]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Daemon:
    """Twelve looks through a daemon that was killed in the middle of them."""
    folder = tmp_path_factory.mktemp("device")
    images = write_archive(folder / "tiles", STORY)
    with running(write_tight_config(folder)) as program:
        for n, image in enumerate(images, 1):
            if n == 7:
                program.kill()
                program.start()
            drop(program.spool, image)
            program.wait_until_done(n)
        assert program.stop() == 0
    return program


def test_the_field_tells_what_a_replay_tells_over_a_restart_too(daemon: Daemon) -> None:
    told = [json.loads(body) for (body,) in daemon.rows(SENT)]
    assert keys(told) == keys(replayed(daemon.config, daemon.config.parent / "tiles"))
    assert "digest" in {one["data"]["properties"]["kind"] for one in told}


def test_what_is_held_back_is_kept_and_not_sent(daemon: Daemon) -> None:
    held = daemon.rows("SELECT sequence, is_open FROM alerts WHERE sequence IN held")
    sent = daemon.rows("SELECT payload FROM outbox WHERE topic LIKE '%/alert'")
    sequences = {json.loads(payload)["sequence"] for (payload,) in sent}
    assert held
    assert not {sequence for sequence, _ in held} & sequences
    assert {is_open for _, is_open in held} == {0}


def test_a_digest_lists_alerts_that_the_device_keeps(daemon: Daemon) -> None:
    digests = [json.loads(body) for (body,) in daemon.rows("SELECT body FROM alerts WHERE kind = 'digest'")]
    listed = {line["alert"] for one in digests for line in one["data"]["properties"]["why"][1:]}
    kept = {name for (name,) in daemon.rows("SELECT id FROM alerts WHERE sequence IN held")}
    assert listed
    assert listed <= kept


def test_the_doctor_says_how_much_of_the_budget_is_used(daemon: Daemon) -> None:
    [check] = budget_check.examine(load(daemon.config))
    assert check.name == "alarm budget of field"
    assert "of 3 alerts used within seven days" in check.found


def test_the_doctor_has_nothing_to_say_of_budgets_before_the_first_start(tmp_path: Path) -> None:
    assert list(budget_check.examine(load(write_tight_config(tmp_path)))) == []


def test_the_doctor_warns_of_a_site_that_finds_more_than_it_may_tell() -> None:
    due_at = datetime(2026, 3, 5, 6, tzinfo=UTC)
    check = budget_check.of_budget("field", BudgetHealth(28, 28, 5, 9, due_at))
    assert check.verdict is Verdict.WARN
    assert "5 held back for the digest of 2026-03-05T06:00Z" in check.found


def test_without_a_budget_every_alert_is_told(tmp_path: Path) -> None:
    write_archive(tmp_path / "tiles", STORY)
    free = write_config(tmp_path / "free", sites={"field": {**site(rules=RULES), "budget": None}})
    told = replayed(free, tmp_path / "tiles")
    tight = replayed(write_tight_config(tmp_path / "tight"), tmp_path / "tiles")
    assert len(told) > len(tight)
    assert "digest" not in {one["data"]["properties"]["kind"] for one in told}


def test_what_was_held_back_and_the_digest_of_it_are_explained(daemon: Daemon) -> None:
    with closing(open_store(load(daemon.config))) as store:
        for (alert_id,) in daemon.rows("SELECT DISTINCT id FROM alerts"):
            explanation = explain(store, alert_id)
            assert explanation.agrees
            assert all(one.checks for one in explanation.messages)
