"""A state that is damaged, or on a disk that takes no changes: the work goes on, and says so."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from edge.config import Settings
from edge.errors import StoreBroken, StoreCorrupt
from edge.monitor.finding import Severity
from edge.shelter import State, is_writable, open_state
from edge.station import DATABASE
from edge.store import EPOCH_LENGTH, Commit, Store
from edge.transmit.outbox import Lane
from tests.disk import Disk, mounted
from tests.settings import make_settings
from tests.transmit.make import RECORDED_AT, make_tile, numbered

N = 300


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    folder = tmp_path / "memory"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_settings(tmp_path)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with mounted(tmp_path / "disk", 32) as disk:
        yield disk


def on(disk: Disk, settings: Settings) -> Settings:
    return msgspec.structs.replace(
        settings, state=msgspec.structs.replace(settings.state, folder=disk.folder / "state")
    )


def waiting(store: Store) -> list[str]:
    rows = [row for lane in Lane for row in store.outbox.waiting(0, 10_000, lane)]
    return [msgspec.json.decode(row.payload)["id"] for row in rows]


def fill(settings: Settings, memory: Path, n: int = N) -> list[str]:
    """Commit alerts and close in good order; the ids of what waits."""
    with closing(open_state(settings, memory=memory).store) as store:
        store.commit(Commit(RECORDED_AT, tile=make_tile(), site_states={"quarry": b"tracks"}))
        for i in range(n):
            store.commit(numbered(i))
        return waiting(store)


def damage(file: Path, n_pages: int, seed: int) -> None:
    """Overwrite some pages behind the first, which holds the schema."""
    dice, size = random.Random(seed), file.stat().st_size
    with file.open("r+b") as raw:
        for page in dice.sample(range(2, size // 4096), n_pages):
            raw.seek(page * 4096)
            raw.write(dice.randbytes(4096))


def reopened(settings: Settings, memory: Path) -> State:
    return open_state(settings, StoreCorrupt("found in use"), memory)


def test_a_sound_state_is_opened_as_it_is(settings: Settings, memory: Path) -> None:
    ids = fill(settings, memory)
    state = open_state(settings, memory=memory)
    assert (state.in_memory, state.trouble, state.store.epoch) == (False, None, 0)
    assert waiting(state.store) == ids


def test_a_file_that_is_no_database_is_set_aside_and_a_new_epoch_begins(
    settings: Settings, memory: Path
) -> None:
    (settings.state.folder / DATABASE).write_bytes(random.Random(1).randbytes(100_000))
    state = open_state(settings, memory=memory)
    assert "file is not a database" in (state.trouble or "")
    assert state.store.epoch == 1
    assert (settings.state.folder / "corrupt-1" / DATABASE).stat().st_size == 100_000


def test_what_can_be_read_of_a_damaged_state_is_saved(settings: Settings, memory: Path) -> None:
    ids = fill(settings, memory)
    damage(settings.state.folder / DATABASE, 3, seed=2)
    store = reopened(settings, memory).store
    saved = waiting(store)
    assert set(saved) <= set(ids)
    assert len(saved) > 0.9 * N
    assert saved == [one for one in ids if one in set(saved)]
    assert store.seen(make_tile().sha256)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_damaged_the_work_goes_on(settings: Settings, memory: Path, seed: int) -> None:
    fill(settings, memory, 60)
    n_pages = (settings.state.folder / DATABASE).stat().st_size // 4096
    damage(settings.state.folder / DATABASE, n_pages // 2, seed)
    store = reopened(settings, memory).store
    assert store.commit(numbered(10**6))
    assert len(waiting(store)) >= 1


def test_an_undamaged_state_loses_nothing_by_being_replaced(settings: Settings, memory: Path) -> None:
    ids = fill(settings, memory)
    store = reopened(settings, memory).store
    assert waiting(store) == ids
    assert store.site_state("quarry") == b"tracks"


def test_the_sequence_of_alerts_never_goes_back_over_a_new_epoch(settings: Settings, memory: Path) -> None:
    for epoch in (1, 2):
        (settings.state.folder / DATABASE).write_bytes(b"no database" * 1000)
        with closing(open_state(settings, memory=memory).store) as store:
            store.commit(numbered(epoch))
            [alert] = store.open_alerts("north-airfield")
            assert alert.sequence == epoch * EPOCH_LENGTH + 1


def test_only_the_newest_damaged_state_is_kept(settings: Settings, memory: Path) -> None:
    for _ in range(3):
        (settings.state.folder / DATABASE).write_bytes(b"no database" * 1000)
        open_state(settings, memory=memory).store.close()
    assert [path.name for path in settings.state.folder.glob("corrupt-*")] == ["corrupt-3"]


def test_a_replacement_cut_short_between_its_last_two_steps_is_finished(
    settings: Settings, memory: Path
) -> None:
    ids = fill(settings, memory)
    file = settings.state.folder / DATABASE
    file.rename(file.with_suffix(".fresh"))
    assert waiting(open_state(settings, memory=memory).store) == ids


def test_a_state_of_a_later_release_is_left_alone(settings: Settings, memory: Path) -> None:
    fill(settings, memory, 1)
    with closing(sqlite3.connect(settings.state.folder / DATABASE)) as other:
        other.execute("CREATE TABLE of_a_later_release (one INTEGER)")
        other.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreBroken, match="a later release"):
        open_state(settings, memory=memory)


def test_on_a_read_only_disk_the_work_goes_on_in_memory_with_what_the_disk_tells(
    disk: Disk, settings: Settings, memory: Path
) -> None:
    settings = on(disk, settings)
    ids = fill(settings, memory)
    disk.make_read_only()
    state = open_state(settings, memory=memory)
    assert state.in_memory
    assert "Read-only file system" in (state.trouble or "")
    assert waiting(state.store) == ids
    assert state.store.site_state("quarry") == b"tracks"
    assert state.store.commit(numbered(N))


def test_a_disk_that_became_read_only_after_a_power_cut_is_read_too(
    disk: Disk, settings: Settings, memory: Path
) -> None:
    with closing(open_state(settings, memory=memory).store) as store:
        for n in range(N):
            store.commit(numbered(n))
        (disk.folder / "state").mkdir()
        for name in (DATABASE, f"{DATABASE}-wal"):
            shutil.copy(settings.state.folder / name, disk.folder / "state")
    disk.make_read_only()
    assert len(waiting(open_state(on(disk, settings), memory=memory).store)) == N


def test_what_may_wait_in_memory_is_bounded(disk: Disk, settings: Settings, memory: Path) -> None:
    settings = on(disk, settings)
    disk.make_read_only()
    state = open_state(settings, memory=memory)
    assert state.settings.transmit.outbox.max_bytes == 16_000_000
    assert state.settings.state.max_bytes == 32_000_000


def test_a_process_that_ends_finds_its_memory_again(disk: Disk, settings: Settings, memory: Path) -> None:
    settings = on(disk, settings)
    disk.make_read_only()
    with closing(open_state(settings, memory=memory).store) as store:
        store.commit(numbered(1))
    assert len(waiting(open_state(settings, memory=memory).store)) == 1


def test_what_went_on_in_memory_comes_home_when_the_disk_can_be_written(
    disk: Disk, settings: Settings, memory: Path
) -> None:
    settings = on(disk, settings)
    ids = fill(settings, memory)
    disk.make_read_only()
    with closing(open_state(settings, memory=memory).store) as away:
        away.outbox.settle(away.outbox.waiting(0, N - 10))
        away.commit(numbered(N))
        still_there = waiting(away)
    disk.make_writable()
    state = open_state(settings, memory=memory)
    assert not state.in_memory
    assert waiting(state.store) == still_there
    assert still_there[:10] == ids[-10:]
    assert list(memory.iterdir()) == []


def test_alerts_made_after_coming_home_go_on_counting(disk: Disk, settings: Settings, memory: Path) -> None:
    settings = on(disk, settings)
    fill(settings, memory, 5)
    disk.make_read_only()
    with closing(open_state(settings, memory=memory).store) as away:
        away.commit(numbered(10**6))
    disk.make_writable()
    with closing(open_state(settings, memory=memory).store) as store:
        store.commit(numbered(10**6 + 1))
        assert [alert.sequence for alert in store.open_alerts("north-airfield")] == list(range(1, 8))


def test_a_folder_in_memory_that_another_user_laid_out_is_not_used(
    disk: Disk, settings: Settings, memory: Path, tmp_path: Path
) -> None:
    settings = on(disk, settings)
    disk.make_read_only()
    (memory / "edge-pier-7").symlink_to(tmp_path)
    with pytest.raises(StoreBroken, match="expected a folder of this user alone"):
        open_state(settings, memory=memory)


def test_a_folder_that_is_none_is_told(settings: Settings, memory: Path) -> None:
    settings.state.folder.rmdir()
    settings.state.folder.write_text("a file where a folder should be")
    assert not is_writable(settings.state.folder)
    with pytest.raises(StoreBroken, match="expected a folder that can be written"):
        open_state(settings, memory=memory)


def test_severe_alerts_are_severe_again_after_a_replacement(settings: Settings, memory: Path) -> None:
    with closing(open_state(settings, memory=memory).store) as store:
        store.commit(numbered(1, Severity.SEVERE))
    assert len(reopened(settings, memory).store.outbox.waiting(0, 10, Lane.URGENT)) == 1
