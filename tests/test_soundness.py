"""Storage that gives back other bits than it was given: the start goes on, and says what it left out."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from edge import soundness
from edge.clock import Clock, Reading
from edge.config import Settings, to_site
from edge.database import Database
from edge.doctor import Verdict, check_state
from edge.errors import RowsDamaged, StoreCorrupt
from edge.geo import LngLat
from edge.monitor import state as site_state
from edge.monitor.finding import Kind, Severity
from edge.monitor.quiet import QuietPlace, Snooze
from edge.monitor.state import SiteState
from edge.shelter import State, open_state
from edge.station import DATABASE
from edge.store import KEEP_DAYS, MIGRATIONS, Commit, LookRecord, Store
from edge.transmit.command import Ping
from edge.transmit.inbox import Received
from edge.transmit.outbox import Lane
from tests.figures import Tell
from tests.settings import make_settings
from tests.transmit.make import RECORDED_AT, make_alert, make_finding, make_tile, numbered

SITE = "quarry"
N_FLIPS = 300


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_settings(tmp_path)


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    folder = tmp_path / "memory"
    folder.mkdir()
    return folder


@pytest.fixture
def file(settings: Settings, memory: Path) -> Path:
    """The file of a state with rows in every table, whole: nothing is left in its log."""
    with closing(open_state(settings, memory=memory).store) as store:
        fill(store, settings)
    file = settings.state.folder / DATABASE
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file


def site_bytes(settings: Settings, n_looks: int) -> bytes:
    """A state that can be told from others by its number of looks."""
    empty = SiteState.empty(to_site(SITE, settings.sites[SITE]))
    return site_state.to_bytes(replace(empty, n_looks=n_looks))


def fill(store: Store, settings: Settings) -> None:
    """Put something into every table that the start reads."""
    for n in (1, 2):
        store.commit(Commit(RECORDED_AT, site_states={SITE: site_bytes(settings, n)}))
    untimed = replace(make_alert(make_finding(opened_by="untimed")), clock=Clock.UNTRUSTED)
    store.commit(Commit(RECORDED_AT, tile=make_tile(), alerts=[untimed], retained={"edge/v1/x": b"kept"}))
    for n in range(10):
        store.commit(numbered(n, Severity.SEVERE if n % 3 == 0 else Severity.MODERATE))
    store.note_known_time(RECORDED_AT)
    until_at = RECORDED_AT + timedelta(days=3)
    with store.transaction():
        store.quiet.add_places(
            SITE, [QuietPlace("A1", Kind.ARRIVAL, "aircraft", LngLat(0.015, 0.015), 20.0, until_at)]
        )
        store.quiet.put_snooze(SITE, Snooze("A2", "arrival:aircraft", until_at, is_feedback=False))
        store.quiet.ack("A3", RECORDED_AT)
        store.inbox.remember(Ping(id="ping-1", issued_at=RECORDED_AT, expires_s=60), None)
    store.inbox.put(Received("mqtt", "ping", b"{}", reply_topic="edge/v1/pier-7/reply"))
    store.modem_ledger.carry([1])
    store.modem_ledger.spend(RECORDED_AT.date(), 50)


def use(state: State) -> SiteState:
    """What the daemon does with a state at its start and with its next tile; the state of the site."""
    store, site = state.store, to_site(SITE, state.settings.sites[SITE])
    blob = store.site_state(SITE)
    found = SiteState.empty(site) if blob is None else site_state.from_bytes(blob, site)
    store.quiet.at(SITE)
    store.outbox.retained(only_dirty=False)
    for lane in Lane:
        store.outbox.waiting(0, 100, lane)
    store.outbox.statistics()
    store.outbox.entries()
    store.modem_ledger.waiting(Severity.SEVERE, 10)
    store.modem_ledger.spent_bytes(RECORDED_AT.date())
    store.inbox.next()
    store.inbox.replies(0)
    store.inbox.is_replay(Ping(id="ping-2", issued_at=RECORDED_AT, expires_s=60))
    store.known_time()
    store.correct("pier-7", Reading(RECORDED_AT, Clock.GNSS, 0.0), timedelta(hours=6))
    store.quiet.subject(make_alert().alert_id)
    store.commit(replace(numbered(10**6), site_states={SITE: site_state.to_bytes(found)}))
    store.sweep(RECORDED_AT, 10**9)
    return found


def flip(file: Path, at: int, bit: int) -> None:
    with file.open("r+b") as raw:
        raw.seek(at)
        [byte] = raw.read(1)
        raw.seek(at)
        raw.write(bytes([byte ^ 1 << bit]))


def spoil(file: Path, table: str) -> None:
    """Let one row of a table not match its CRC any more, as if a bit of either had flipped."""
    with closing(sqlite3.connect(file)) as connection, connection:
        [crc] = connection.execute(f"SELECT min(crc32) FROM {table}").fetchone()  # noqa: S608 - ours
        connection.execute(f"UPDATE {table} SET crc32 = crc32 + 1 WHERE crc32 = ?", (crc,))  # noqa: S608 - ours


def spoil_bytes(file: Path, found: bytes) -> None:
    """Flip one bit of these bytes, at the last place where they stand in the file."""
    at = file.read_bytes().rindex(found)
    flip(file, at + len(found) // 2, 3)


def test_a_sound_state_has_nothing_set_aside(file: Path, settings: Settings, memory: Path) -> None:
    with closing(open_state(settings, memory=memory).store) as store:
        assert (store.n_set_aside, store.set_damaged_aside()) == (0, {})
        store.require_sound()
    assert check_state(file).verdict is Verdict.OK


@pytest.mark.parametrize("table", [table.name for table in soundness.CHECKED])
def test_a_row_that_is_not_what_was_written_is_set_aside_and_the_start_goes_on(
    file: Path, settings: Settings, memory: Path, table: str
) -> None:
    spoil(file, table)
    assert check_state(file).verdict is Verdict.WARN
    state = open_state(settings, memory=memory)
    with closing(state.store):
        assert f"rows damaged on the disk: {table} 1" in (state.trouble or "")
        assert state.store.n_set_aside == 1
        use(state)
    assert f"rows were set aside: {table} 1" in check_state(file).found


def test_a_flipped_bit_in_the_state_of_a_site_costs_its_newest_look(
    file: Path, settings: Settings, memory: Path
) -> None:
    spoil_bytes(file, site_bytes(settings, 2))
    state = open_state(settings, memory=memory)
    with closing(state.store):
        assert "site_state 1" in (state.trouble or "")
        assert use(state).n_looks == 1


def test_a_site_of_which_nothing_is_left_begins_anew(file: Path, settings: Settings, memory: Path) -> None:
    for n in (1, 2):
        spoil_bytes(file, site_bytes(settings, n))
    state = open_state(settings, memory=memory)
    with closing(state.store):
        assert "site_state 2" in (state.trouble or "")
        assert use(state).n_looks == 0


def test_a_row_that_was_set_aside_can_be_looked_at(file: Path, settings: Settings, memory: Path) -> None:
    spoil(file, "snoozes")
    open_state(settings, memory=memory).store.close()
    with closing(sqlite3.connect(file)) as connection:
        [(name, reason, row)] = connection.execute("SELECT table_name, reason, row FROM damaged")
    assert (name, reason) == ("snoozes", "damaged on the disk: its CRC does not match")
    assert row.startswith(b"('quarry', 'arrival:aircraft', 0, 'A2', '2024-")


def test_damaged_counters_begin_a_new_epoch_so_that_no_sequence_comes_twice(
    file: Path, settings: Settings, memory: Path
) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE counters SET crc32 = 0 WHERE name = 'sequence'")
    with closing(open_state(settings, memory=memory).store) as store:
        assert store.epoch == 1
        store.commit(numbered(99))
        assert store.open_alerts("north-airfield")[-1].sequence == 10_000_001


def test_used_ids_that_are_damaged_do_not_let_a_replay_in(
    file: Path, settings: Settings, memory: Path
) -> None:
    spoil(file, "command_ids")
    with closing(open_state(settings, memory=memory).store) as store:
        replay = Ping(id="ping-1", issued_at=RECORDED_AT - timedelta(seconds=60), expires_s=60)
        assert store.inbox.is_replay(replay)


def test_damage_found_in_use_is_told_from_a_fault_of_the_program(
    file: Path, settings: Settings, memory: Path
) -> None:
    with closing(open_state(settings, memory=memory).store) as store:
        spoil(file, "quiet_places")
        with pytest.raises(RowsDamaged, match="quiet_places: 1 rows do not match"):
            store.require_sound()


def test_an_alert_that_waits_is_saved_where_the_word_of_its_state_was_damaged(
    file: Path, settings: Settings, memory: Path
) -> None:
    n_waiting = file.read_bytes().count(b"waiting")
    assert n_waiting > 10
    spoil_bytes(file, b"waitingedge/v1/pier-7/north-airfield/alert"[:7])
    state = open_state(settings, memory=memory)
    with closing(state.store) as store:
        waiting = [row for lane in Lane for row in store.outbox.waiting(0, 100, lane)]
        assert len(waiting) == 11


def test_the_state_of_an_older_release_gets_its_crcs(tmp_path: Path, settings: Settings) -> None:
    old = tmp_path / "old.sqlite"
    Database(old, MIGRATIONS[: MIGRATIONS.index(soundness.SCHEMA)]).close()
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute("INSERT INTO site_state VALUES (?, ?)", (SITE, b"tracks"))
        connection.execute("INSERT INTO acks VALUES ('A1', '2024-12-13T09:00:00+00:00')")
    with closing(Store(old, settings.transmit.outbox)) as store:
        assert store.set_damaged_aside() == {}
        assert (store.site_state(SITE), store.quiet.is_acked("A1")) == (b"tracks", True)


def test_a_line_of_the_ledger_that_is_no_instant_any_more_stops_no_sweep(
    file: Path, settings: Settings, memory: Path
) -> None:
    with closing(open_state(settings, memory=memory).store) as store:
        looks = [LookRecord(SITE, f"tile-{n}", RECORDED_AT + timedelta(days=n), b"{}") for n in range(3)]
        store.commit(Commit(RECORDED_AT, looks=looks))
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("UPDATE looks SET seen_at = '9' || seen_at WHERE tile_id = 'tile-2'")
        store.sweep(RECORDED_AT + timedelta(days=KEEP_DAYS + 30), 10**9)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM looks").fetchone() == (3,)


@pytest.mark.parametrize("damaged", [b"CREATE TABLE looks", b"CREATE INDEX alerts_by_id", b"acks_made"])
def test_a_damaged_schema_costs_only_what_it_spoke_of(
    file: Path, settings: Settings, memory: Path, damaged: bytes
) -> None:
    spoil_bytes(file, damaged)
    with closing(open_state(settings, memory=memory).store) as store:
        assert store.epoch == 1
        assert len([row for lane in Lane for row in store.outbox.waiting(0, 100, lane)]) == 11


def flips(file: Path, settings: Settings, memory: Path, *, seed: int, n: int) -> list[str]:
    """Flip n bits, each in a fresh copy of the file, and use what is there then; what each start said."""
    dice, whole, told = random.Random(seed), file.read_bytes(), []
    for _ in range(n):
        shutil.rmtree(file.parent)
        file.parent.mkdir()
        file.write_bytes(whole)
        flip(file, dice.randrange(len(whole)), dice.randrange(8))
        told.append(started_and_used(settings, memory))
    return told


def started_and_used(settings: Settings, memory: Path) -> str:
    """As the daemon does it: what is found damaged in use is opened anew."""
    state = open_state(settings, memory=memory)
    try:
        use(state)
    except StoreCorrupt as damage:
        state.store.close()
        state = open_state(settings, damage, memory)
        use(state)
    state.store.close()
    return state.trouble or ""


def test_whatever_bit_flips_the_start_goes_on(file: Path, settings: Settings, memory: Path) -> None:
    told = flips(file, settings, memory, seed=7, n=N_FLIPS)
    assert any("rows damaged" in one for one in told)


@pytest.mark.long
def test_whatever_of_many_bits_flips_the_start_goes_on(
    file: Path, settings: Settings, memory: Path, tell: Tell
) -> None:
    found = flips(file, settings, memory, seed=8, n=5000)
    tell(f"{len(found)} starts after a flipped bit: all went on, {sum(map(bool, found))} told of damage")


def test_whatever_bit_of_the_first_page_flips_the_start_goes_on(
    file: Path, settings: Settings, memory: Path
) -> None:
    whole = file.read_bytes()
    for at in range(100):
        file.write_bytes(whole)
        flip(file, at, at % 8)
        started_and_used(settings, memory)
