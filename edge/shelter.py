"""Opens the state, whatever the disk is like.

Damaged, it is set aside, and what can be read of it is saved: a new epoch begins, and with it the alerts'
sequence jumps ahead, so that no number comes twice. On a read-only disk memory serves while it is so.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge import soundness
from edge.acquire import reference
from edge.config import Settings
from edge.errors import RowsDamaged, StoreBroken, StoreCorrupt, StoreReadOnly
from edge.station import DATABASE, open_store
from edge.store import Store

log = logging.getLogger(__name__)

# Where memory is a folder; the one made in it is ours alone, or it is not used.
MEMORY = Path("/dev/shm")  # noqa: S108 - see _own_folder
# What may wait there: 150 alerts with two pictures each, or 10,000 without.
MEMORY_OUTBOX_BYTES = 16_000_000
# All of it; as on the disk, pictures that were sent and old looks give way first.
MEMORY_STATE_BYTES = 32_000_000

_LOGS = ("-wal", "-shm")
_LOOKED_AT = "looked-at.sqlite"
_ASIDE = "corrupt-"
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


@dataclass(frozen=True, slots=True)
class State:
    """An open state.

    settings   as configured, or with the folder in memory and its bounds
    in_memory  True if nothing of it outlives the device's power
    trouble    what the operator must know: why it is in memory, or what was found damaged; None: all is well
    """

    store: Store
    settings: Settings
    in_memory: bool = False
    trouble: str | None = None


def open_state(settings: Settings, damage: StoreCorrupt | None = None, memory: Path = MEMORY) -> State:
    """The state on the disk, or what can be had instead.

    Raises StoreBroken where neither the disk nor memory can be used, or where a later release wrote the file.

    damage  what was found while the file was in use
    memory  a folder that is held in memory
    """
    away = memory / f"edge-{settings.device.id}"
    try:
        require_writable(settings.state.folder)
        store, trouble = _opened(settings, damage)
    except StoreReadOnly as fault:
        log.error("state is read-only, going on in memory: %s", fault)
        return _in_memory(settings, away, str(fault))
    if _is_ours(away):
        _come_home(store, settings.state.folder, away)
    return State(store, settings, trouble=trouble)


def require_writable(folder: Path) -> None:
    """Raises StoreReadOnly where a folder takes no changes, StoreBroken where it is none."""
    probe = folder / ".writable"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        if error.errno == errno.ENOSPC:
            return
        kind = StoreReadOnly if error.errno in _READ_ONLY else StoreBroken
        raise kind(f"{folder}: expected a folder that can be written, got: {error.strerror}") from error


def is_writable(folder: Path) -> bool:
    """Whether a folder takes changes."""
    try:
        require_writable(folder)
    except StoreBroken:
        return False
    return True


def _opened(settings: Settings, damage: StoreCorrupt | None) -> tuple[Store, str | None]:
    file = settings.state.folder / DATABASE
    if not file.exists() and _fresh(file).exists():
        _fresh(file).rename(file)  # the power failed between the last two steps of a replacement
    try:
        if damage is not None and not isinstance(damage, RowsDamaged):
            raise damage
        return _sound(open_store(settings))
    except StoreCorrupt as found:
        return _replaced(settings, found)


def _sound(store: Store) -> tuple[Store, str | None]:
    """An open store without the rows that the disk gave back wrong, and what was found."""
    try:
        found = store.set_damaged_aside()
    except StoreBroken:
        store.close()
        raise
    if not found:
        return store, None
    trouble = f"rows damaged on the disk: {soundness.tell(found)}; set aside, edge doctor tells more"
    log.error("state was damaged: %s", trouble)
    return store, trouble


def _replaced(settings: Settings, damage: StoreCorrupt) -> tuple[Store, str]:
    """Save what can be read into a fresh file, and put that in the place of the damaged one."""
    folder = settings.state.folder
    file, fresh = folder / DATABASE, _fresh(folder / DATABASE)
    older = sorted(folder.glob(f"{_ASIDE}*"))
    _delete_store(fresh)
    store = Store(fresh, settings.transmit.outbox)
    n_rows = store.absorb(file, with_history=True)
    epoch = 1 + max([store.epoch, *(int(path.name.removeprefix(_ASIDE)) for path in older)])
    store.begin_epoch(epoch)
    store.close()
    aside = folder / f"{_ASIDE}{epoch}"
    aside.mkdir()
    for path in (*(Path(f"{file}{suffix}") for suffix in _LOGS), file):
        if path.exists():
            path.rename(aside / path.name)
    fresh.rename(file)
    for path in older:
        shutil.rmtree(path, ignore_errors=True)
    trouble = f"{damage}; set aside in {aside}, {n_rows} rows saved, epoch {epoch}"
    log.error("state was damaged: %s", trouble)
    return open_store(settings), trouble


def _fresh(file: Path) -> Path:
    return file.with_suffix(".fresh")


def _delete_store(file: Path) -> None:
    for path in (file, *(Path(f"{file}{suffix}") for suffix in _LOGS)):
        path.unlink(missing_ok=True)


def _in_memory(settings: Settings, away: Path, why: str) -> State:
    _own_folder(away)
    outbox = msgspec.structs.replace(
        settings.transmit.outbox, max_bytes=min(MEMORY_OUTBOX_BYTES, settings.transmit.outbox.max_bytes)
    )
    inner = msgspec.structs.replace(
        settings,
        state=msgspec.structs.replace(settings.state, folder=away, max_bytes=MEMORY_STATE_BYTES),
        transmit=msgspec.structs.replace(settings.transmit, outbox=outbox),
    )
    is_first = not (away / DATABASE).exists()
    store = open_store(inner)
    if is_first:
        _look_at_disk(store, settings.state.folder, away)
    return State(store, inner, in_memory=True, trouble=why)


def _look_at_disk(store: Store, folder: Path, away: Path) -> None:
    """Begin with what the disk still tells; large files are only pointed at."""
    file = folder / DATABASE
    if file.exists():
        store.absorb(_within_reach(file, away), with_history=False)
        store.lend()
    _delete_store(away / _LOOKED_AT)
    with suppress(OSError):
        (away / reference.FOLDER).mkdir()
        for path in (folder / reference.FOLDER).iterdir():
            (away / reference.FOLDER / path.name).symlink_to(path)


def _within_reach(file: Path, away: Path) -> Path:
    """A copy of a store's file, so that its log counts too; the file itself where it is too large."""
    files = [path for path in (file, Path(f"{file}{_LOGS[0]}")) if path.exists()]
    if sum(path.stat().st_size for path in files) > MEMORY_STATE_BYTES:
        return file
    for path in files:
        shutil.copyfile(path, away / path.name.replace(DATABASE, _LOOKED_AT))
    return away / _LOOKED_AT


def _come_home(store: Store, folder: Path, away: Path) -> None:
    """The disk takes changes again: what went on in memory is written to it."""
    n_rows = store.bring_home(away / DATABASE) if (away / DATABASE).exists() else 0
    (folder / reference.FOLDER).mkdir(exist_ok=True)
    for path in (away / reference.FOLDER).glob("*"):
        if not path.is_symlink():
            part = folder / reference.FOLDER / f".{path.name}"
            shutil.copyfile(path, part)
            part.replace(part.with_name(path.name))
    shutil.rmtree(away, ignore_errors=True)
    log.warning("state is on the disk again: folder=%s rows=%d", folder, n_rows)


def _own_folder(away: Path) -> None:
    """A folder that nobody else can look into, or have made for us to fall into."""
    with suppress(FileExistsError):
        away.mkdir(mode=0o700)
    if not _is_ours(away):
        raise StoreReadOnly(f"{away}: expected a folder of this user alone, got another one's")


def _is_ours(away: Path) -> bool:
    try:
        found = away.lstat()
    except FileNotFoundError:
        return False
    return away.is_dir() and not away.is_symlink() and found.st_uid == os.geteuid()
