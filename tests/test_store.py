from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.errors import StoreBroken
from edge.monitor.finding import Phase
from edge.store import KEEP_DAYS, MIGRATIONS, NEWS_DAYS, Commit, LookRecord, Store
from edge.transmit.alert import evidence_of
from edge.transmit.outbox import Message
from edge.transmit.state import MAX_OPEN
from tests.transmit.make import (
    RECORDED_AT,
    SEEN_AT,
    make_alert,
    make_finding,
    make_tile,
    numbered,
    open_store,
)

SITE = "north-airfield"


def topics_waiting(store: Store) -> list[str]:
    return [entry.topic for entry in store.outbox.entries()]


def make_looks(n: int, n_bytes: int = 100) -> list[LookRecord]:
    return [LookRecord(SITE, f"t-{day}", SEEN_AT + timedelta(days=day), bytes(n_bytes)) for day in range(n)]


def test_a_tile_is_seen_once_it_is_committed(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    before = store.seen("11" * 32)
    store.commit(Commit(done_at=RECORDED_AT, tile=make_tile()))
    assert (before, store.seen("11" * 32)) == (False, True)


def test_what_was_committed_is_there_after_a_restart(tmp_path: Path) -> None:
    open_store(tmp_path).commit(Commit(done_at=RECORDED_AT, site_states={SITE: b"tracks"}))
    assert open_store(tmp_path).site_state(SITE) == b"tracks"


def test_a_site_has_no_state_before_its_first_tile(tmp_path: Path) -> None:
    assert open_store(tmp_path).site_state(SITE) is None


def test_the_same_tile_twice_is_committed_once_and_says_so(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    outcome = Commit(done_at=RECORDED_AT, tile=make_tile(), alerts=[make_alert()])
    assert (store.commit(outcome), store.commit(outcome)) == (True, False)
    assert topics_waiting(store) == ["edge/v1/pier-7/north-airfield/alert"]


def test_a_commit_that_fails_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    bad = replace(make_alert(), device_id="no/name")
    outcome = Commit(
        done_at=RECORDED_AT, tile=make_tile(), site_states={SITE: b"new"}, alerts=[make_alert(), bad]
    )
    with pytest.raises(ValueError, match="device id"):
        store.commit(outcome)
    assert (store.seen("11" * 32), store.site_state(SITE), store.outbox.entries()) == (False, None, [])


def test_alerts_are_numbered_in_order_from_one_and_across_restarts(tmp_path: Path) -> None:
    open_store(tmp_path).commit(numbered(1))
    store = open_store(tmp_path)
    store.commit(numbered(2))
    assert [json.loads(stored.body)["sequence"] for stored in store.open_alerts(SITE)] == [1, 2]


def test_a_number_is_not_used_twice_even_when_all_alerts_were_swept(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.commit(numbered(1))
    with sqlite3.connect(tmp_path / "edge.sqlite") as other:
        other.execute("DELETE FROM alerts")
    other.close()
    store.commit(numbered(2))
    assert [stored.sequence for stored in store.open_alerts(SITE)] == [2]


def test_the_words_of_all_alerts_go_before_the_first_picture(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    pictures = (evidence_of("before", b"1"), evidence_of("after", b"2"))
    store.commit(
        Commit(done_at=RECORDED_AT, alerts=[make_alert(evidence=pictures), make_alert(evidence=pictures)])
    )
    assert [topic.split("/")[4] for topic in topics_waiting(store)] == ["alert"] * 2 + ["evidence"] * 4


def test_an_ended_story_is_no_longer_open(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.commit(Commit(done_at=RECORDED_AT, alerts=[make_alert()]))
    store.commit(Commit(done_at=RECORDED_AT, alerts=[make_alert(make_finding(phase=Phase.END))]))
    assert store.open_alerts(SITE) == []


def test_an_updated_story_is_open_once(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.commit(Commit(done_at=RECORDED_AT, alerts=[make_alert()]))
    store.commit(Commit(done_at=RECORDED_AT, alerts=[make_alert(make_finding(phase=Phase.UPDATE))]))
    assert [stored.sequence for stored in store.open_alerts(SITE)] == [2]


def test_every_message_of_a_story_can_be_read_again(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    alert = make_alert()
    store.commit(Commit(done_at=RECORDED_AT, alerts=[alert]))
    store.commit(Commit(done_at=RECORDED_AT, alerts=[make_alert(make_finding(phase=Phase.END))]))
    assert [stored.sequence for stored in store.alert(alert.alert_id)] == [1, 2]


def test_the_open_alerts_are_published_after_each_alert(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.commit(numbered(1))
    assert store.tell_open("pier-7", RECORDED_AT)
    store.commit(numbered(2))
    assert store.tell_open("pier-7", RECORDED_AT)
    assert not store.tell_open("pier-7", RECORDED_AT)
    [found] = store.outbox.retained(only_dirty=True)
    assert found.topic == "edge/v1/pier-7/north-airfield/open"
    assert len(json.loads(found.payload)["features"]) == 2


def test_open_alerts_that_a_power_cut_left_untold_are_told_at_the_next_start(tmp_path: Path) -> None:
    open_store(tmp_path).commit(numbered(1))
    store = open_store(tmp_path)
    assert store.tell_open("pier-7", RECORDED_AT)
    assert not open_store(tmp_path).tell_open("pier-7", RECORDED_AT)


def test_an_arrival_is_no_longer_open_when_the_news_have_moved_on(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    later_at = SEEN_AT + timedelta(days=NEWS_DAYS, hours=1)
    later = make_alert(replace(make_finding(opened_by="t-9"), seen_at=later_at))
    store.commit(Commit(done_at=RECORDED_AT, alerts=[make_alert()]))
    store.commit(Commit(done_at=RECORDED_AT, alerts=[later]))
    store.tell_open("pier-7", RECORDED_AT)
    assert [stored.alert_id for stored in store.open_alerts(SITE)] == [later.alert_id]


def test_the_oldest_of_too_many_open_alerts_are_counted_and_not_told(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    alerts = [make_alert(make_finding(opened_by=str(n))) for n in range(MAX_OPEN + 2)]
    store.commit(Commit(done_at=RECORDED_AT, alerts=alerts))
    store.tell_open("pier-7", RECORDED_AT)
    told = json.loads(store.outbox.retained(only_dirty=True)[0].payload)
    assert (told["omitted"], told["features"][0]["properties"]["sequence"]) == (2, 3)


def test_the_pictures_of_an_alert_are_kept_with_it(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    pictures = (evidence_of("before", b"1"), evidence_of("after", b"2"))
    store.commit(Commit(done_at=RECORDED_AT, alerts=[make_alert(evidence=pictures)]))
    assert tuple(store.evidence(1)) == pictures


def test_the_ledger_gives_the_looks_since_an_instant_in_order(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    looks = make_looks(3)
    store.commit(Commit(done_at=RECORDED_AT, looks=looks[::-1]))
    assert store.looks(SITE, SEEN_AT + timedelta(days=1)) == looks[1:]


def test_observations_are_queued_as_given(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.commit(
        Commit(done_at=RECORDED_AT, messages=[Message("edge/v1/pier-7/s/observation", b"{}", qos=0)])
    )
    assert topics_waiting(store) == ["edge/v1/pier-7/s/observation"]


def test_two_threads_write_with_a_connection_each(tmp_path: Path) -> None:
    def write(first: int) -> None:
        store = open_store(tmp_path)
        for n in range(first, first + 20):
            store.commit(numbered(n))
        store.close()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(write, (0, 100)))
    sequences = [stored.sequence for stored in open_store(tmp_path).open_alerts(SITE)]
    assert sequences == list(range(1, 41))


def test_a_process_killed_while_committing_leaves_whole_commits_only(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib, itertools\n"
        "from tests.transmit.make import numbered, make_tile, open_store\n"
        "from dataclasses import replace\n"
        "store = open_store(pathlib.Path(sys.argv[1]))\n"
        "for n in itertools.count():\n"
        "    store.commit(replace(numbered(n), tile=make_tile(f'{n:064x}')))\n"
        "    print(n, flush=True)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    with child:
        assert child.stdout is not None
        for line in child.stdout:
            if int(line) == 30:
                child.send_signal(signal.SIGKILL)
                break
        n_told = 31 + len(child.stdout.readlines())
    store = open_store(tmp_path)
    n_done = sum(store.seen(f"{n:064x}") for n in range(n_told + 1))
    assert n_done >= n_told
    assert len(store.open_alerts(SITE)) == len(store.outbox.entries()) == n_done


def test_looks_older_than_the_newest_by_too_much_are_swept(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    looks = make_looks(KEEP_DAYS + 3, 1)
    store.commit(Commit(done_at=RECORDED_AT, looks=looks))
    store.sweep(looks[-1].seen_at, 10**9)
    assert store.looks(SITE, SEEN_AT)[0] == looks[2]


def test_a_clock_that_jumped_ahead_sweeps_nothing(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.commit(Commit(done_at=RECORDED_AT, looks=make_looks(3)))
    assert store.sweep(datetime(2044, 1, 1, tzinfo=UTC), 10**9) == 0


def test_a_file_that_is_too_large_gives_up_its_oldest_looks_and_shrinks(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.commit(Commit(done_at=RECORDED_AT, looks=make_looks(350, 10_000)))
    store.sweep(SEEN_AT, 2_000_000)
    left = store.looks(SITE, SEEN_AT)
    store.close()
    assert 0 < len(left) < 350
    assert left[-1].tile_id == "t-349"
    assert (tmp_path / "edge.sqlite").stat().st_size <= 2_000_000


def test_pictures_are_given_up_before_the_ledger(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    picture = (evidence_of("before", bytes(40_000)),)
    for n in range(10):
        alert = make_alert(make_finding(opened_by=str(n)), evidence=picture)
        store.commit(Commit(done_at=RECORDED_AT, alerts=[alert], looks=make_looks(3)))
    store.outbox.drop([entry.seq for entry in store.outbox.entries()])
    store.sweep(SEEN_AT, 200_000)
    assert (store.evidence(10), len(store.looks(SITE, SEEN_AT))) == ([], 3)


def test_what_waits_to_be_sent_is_never_swept(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.commit(numbered(1))
    store.sweep(SEEN_AT, 0)
    assert len(store.outbox.entries()) == 1


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "edge.sqlite").write_bytes(b"not a database, but long enough to look at" * 40)
    with pytest.raises(StoreBroken, match=r"edge\.sqlite: file is not a database"):
        open_store(tmp_path)


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreBroken, match=r"gone/edge\.sqlite: unable to open database file"):
        open_store(tmp_path / "gone")


def test_a_file_of_a_later_release_is_refused_and_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "edge.sqlite") as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(StoreBroken, match=f"expected at most {len(MIGRATIONS)}, got 99: a later release"):
        open_store(tmp_path)


@pytest.mark.parametrize(
    ("pragma", "wanted"),
    [("journal_mode", "wal"), ("synchronous", 2), ("secure_delete", 0), ("auto_vacuum", 2)],
)
def test_the_file_is_set_up_to_outlive_power_cuts_and_full_disks(
    tmp_path: Path, pragma: str, wanted: object
) -> None:
    assert open_store(tmp_path)._database.rows(f"PRAGMA {pragma}") == [(wanted,)]
