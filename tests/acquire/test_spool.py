from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge.acquire.arrivals import BATCH, ORPHAN_S
from edge.acquire.spool import CLAIMED, Claim, Spool, SpoolSettings
from edge.errors import StoreBroken, TileRefused
from tests.acquire.files import (
    Clock,
    drop,
    drop_named,
    in_done,
    in_quarantine,
    open_spool,
    reasons,
    waiting,
)

REFUSED = TileRefused("bad_gsd", "t.json: gsd: expected a number > 0, got -1")
PLENTY = 1_000_000_000


def claim_of(spool: Spool) -> Claim:
    claim = spool.next_claim()
    assert claim is not None
    return claim


def names(spool: Spool) -> list[str]:
    """Everything the spool hands out, each done at once, in order."""
    found = []
    while (claim := spool.next_claim()) is not None:
        found.append(claim.name)
        spool.done(claim)
    return found


def put(folder: Path, name: str, content: bytes = b"x") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_an_empty_spool_has_nothing(tmp_path: Path) -> None:
    spool = open_spool(tmp_path / "new" / "spool")
    assert spool.next_claim() is None
    assert spool.n_waiting == 0


def test_a_claim_is_the_image_with_its_sidecar_out_of_reach_of_its_sender(tmp_path: Path) -> None:
    drop(tmp_path)
    claim = claim_of(open_spool(tmp_path))
    assert claim.name == "t.jpg"
    assert claim.image == tmp_path / CLAIMED / "t.jpg"
    assert claim.sidecar == tmp_path / CLAIMED / "t.json"
    assert waiting(tmp_path) == []


def test_the_same_bytes_have_the_same_hash_under_any_name(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    hashes = set()
    for name in ("a.jpg", "b.jpg"):
        put(tmp_path, name)
        claim = claim_of(spool)
        hashes.add(claim.sha256)
        spool.done(claim)
    assert hashes == {"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}


def test_a_file_is_taken_when_it_did_not_change_for_the_settle_time(tmp_path: Path) -> None:
    clock = Clock()
    spool = open_spool(tmp_path, clock)
    drop(tmp_path)
    assert spool.next_claim() is None
    clock.passes(1.9)
    assert spool.next_claim() is None
    clock.passes(0.1)
    assert claim_of(spool).name == "t.jpg"


def test_a_file_that_grows_is_waited_for(tmp_path: Path) -> None:
    clock = Clock()
    spool = open_spool(tmp_path, clock)
    image = drop(tmp_path, image=b"half")
    spool.next_claim()
    clock.passes(2)
    image.write_bytes(b"half and more")
    assert spool.next_claim() is None
    clock.passes(2)
    assert claim_of(spool).image.read_bytes() == b"half and more"


def test_a_sidecar_that_grows_is_waited_for(tmp_path: Path) -> None:
    clock = Clock()
    spool = open_spool(tmp_path, clock)
    drop(tmp_path, sidecar=b"{")
    spool.next_claim()
    clock.passes(2)
    drop(tmp_path, sidecar=b"{}")
    assert spool.next_claim() is None


def test_an_image_alone_waits_once_more_for_its_sidecar(tmp_path: Path) -> None:
    clock = Clock()
    spool = open_spool(tmp_path, clock)
    put(tmp_path, "t.jpg")
    spool.next_claim()
    clock.passes(3.9)
    assert spool.next_claim() is None
    clock.passes(0.1)
    assert claim_of(spool).sidecar is None


def test_a_sidecar_that_comes_while_its_image_waits_goes_with_it(tmp_path: Path) -> None:
    clock = Clock()
    spool = open_spool(tmp_path, clock)
    put(tmp_path, "t.jpg")
    spool.next_claim()
    clock.passes(3)
    put(tmp_path, "t.json")
    assert spool.next_claim() is None
    clock.passes(2)
    assert claim_of(spool).sidecar is not None


def test_an_image_that_changes_between_the_look_and_the_claim_is_not_taken(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    put(tmp_path, "a.jpg")
    later = put(tmp_path, "b.jpg")
    spool.done(claim_of(spool))
    later.write_bytes(b"longer")
    assert spool.next_claim() is None
    assert claim_of(spool).image.read_bytes() == b"longer"


def test_an_image_that_vanishes_is_forgotten(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    put(tmp_path, "a.jpg")
    later = put(tmp_path, "b.jpg")
    spool.done(claim_of(spool))
    later.unlink()
    assert spool.next_claim() is None


@pytest.mark.parametrize("name", [".hidden.jpg", "t.jpg.part", "t.jpg.tmp", ".t.jpg.Ab12"])
def test_a_file_in_the_making_is_left_alone(tmp_path: Path, name: str) -> None:
    clock = Clock()
    spool = open_spool(tmp_path, clock)
    put(tmp_path, name)
    spool.next_claim()
    clock.passes(100_000)
    assert spool.next_claim() is None
    assert waiting(tmp_path) == [name]


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    assert open_spool(tmp_path).next_claim() is None
    assert waiting(tmp_path) == ["lost+found"]


def test_a_sidecar_without_an_image_is_refused_after_an_hour(tmp_path: Path) -> None:
    clock = Clock()
    spool = open_spool(tmp_path, clock)
    put(tmp_path, "t.json")
    spool.next_claim()
    clock.passes(ORPHAN_S - 1)
    assert spool.next_claim() is None
    assert in_quarantine(tmp_path) == []
    clock.passes(1)
    assert spool.next_claim() is None
    assert reasons(tmp_path) == {"t.json": "no_image"}


def test_the_order_is_that_of_the_times_in_the_names_then_of_the_names(tmp_path: Path) -> None:
    for name in ("b_20240601T100000Z.jpg", "a_20240601T100000Z.jpg", "z_20240531T100000Z.jpg"):
        put(tmp_path, name)
    expected = ["z_20240531T100000Z.jpg", "a_20240601T100000Z.jpg", "b_20240601T100000Z.jpg"]
    assert names(open_spool(tmp_path)) == expected


def test_without_a_time_in_the_name_the_time_of_the_file_counts(tmp_path: Path) -> None:
    for name, at_s in (("a.jpg", 300), ("b.jpg", 100), ("c.jpg", 200)):
        os.utime(put(tmp_path, name), (at_s, at_s))
    assert names(open_spool(tmp_path)) == ["b.jpg", "c.jpg", "a.jpg"]


def test_more_files_than_one_look_takes_come_once_each_and_in_order(tmp_path: Path) -> None:
    clock = Clock()
    spool = open_spool(tmp_path, clock)
    dropped = [f"n_20240601T{i // 60:02d}{i % 60:02d}00Z.jpg" for i in range(2 * BATCH + 3)]
    for name in reversed(dropped):
        put(tmp_path, name)
    assert spool.next_claim() is None
    clock.passes(4)
    assert names(spool) == dropped


def test_what_waits_is_counted(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    for name in ("a.jpg", "b.jpg", "b.json", "c.png"):
        put(tmp_path, name)
    claim_of(spool)
    assert spool.n_waiting == 2


def test_a_done_tile_is_deleted_unless_something_is_to_be_kept(tmp_path: Path) -> None:
    drop(tmp_path)
    assert names(open_spool(tmp_path)) == ["t.jpg"]
    assert in_done(tmp_path) == []
    assert list((tmp_path / CLAIMED).iterdir()) == []


def test_a_done_tile_is_kept_with_its_sidecar(tmp_path: Path) -> None:
    drop(tmp_path)
    names(open_spool(tmp_path, keep_done_bytes=PLENTY))
    assert in_done(tmp_path) == ["t.jpg", "t.json"]


def test_a_quarantined_tile_has_its_reason_in_one_line_beside_it(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    drop(tmp_path)
    spool.quarantine(claim_of(spool), TileRefused("bad_gsd", "a\nb"))
    assert in_quarantine(tmp_path) == ["t.jpg", "t.jpg.reason.txt", "t.json"]
    assert (tmp_path / "quarantine" / "t.jpg.reason.txt").read_text() == "bad_gsd: a\\nb\n"


def test_a_name_that_is_taken_gets_a_number_and_nothing_is_overwritten(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, keep_quarantine_bytes=PLENTY)
    for content in (b"first", b"second", b"third", b"fourth"):
        drop(tmp_path, image=content)
        spool.quarantine(claim_of(spool), REFUSED)
    kept = {path.name: path.read_bytes() for path in (tmp_path / "quarantine").glob("*.jpg")}
    assert kept == {"t.jpg": b"first", "t.2.jpg": b"second", "t.3.jpg": b"third", "t.4.jpg": b"fourth"}
    assert "t.4.json" in in_quarantine(tmp_path)
    assert "t.4.jpg.reason.txt" in in_quarantine(tmp_path)


def test_a_file_named_like_a_reason_does_not_become_one(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    put(tmp_path, "t.jpg.reason.txt", b"mine")
    assert spool.next_claim() is None
    drop(tmp_path)
    spool.quarantine(claim_of(spool), REFUSED)
    assert (tmp_path / "quarantine" / "t.jpg.reason.txt").read_bytes() == b"mine"
    assert (tmp_path / "quarantine" / "t.2.jpg.reason.txt").read_text().startswith("bad_gsd")


def test_the_oldest_quarantined_files_go_first(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, keep_quarantine_bytes=4 * 4096)
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        put(tmp_path, name)
        spool.quarantine(claim_of(spool), REFUSED)
    assert in_quarantine(tmp_path) == ["b.jpg", "b.jpg.reason.txt", "c.jpg", "c.jpg.reason.txt"]


def test_retention_counts_what_earlier_runs_left(tmp_path: Path) -> None:
    first = open_spool(tmp_path, keep_done_bytes=PLENTY)
    for name in ("a.jpg", "b.jpg"):
        put(tmp_path, name)
    names(first)
    open_spool(tmp_path, keep_done_bytes=4096)
    assert in_done(tmp_path) == ["b.jpg"]


def test_a_file_larger_than_all_that_is_kept_leaves_only_its_reason(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, keep_quarantine_bytes=3 * 4096)
    put(tmp_path, "a.jpg")
    spool.quarantine(claim_of(spool), REFUSED)
    put(tmp_path, "b.jpg", bytes(100_000))
    spool.quarantine(claim_of(spool), REFUSED)
    assert in_quarantine(tmp_path) == ["a.jpg", "a.jpg.reason.txt", "b.jpg.reason.txt"]


def test_a_folder_in_quarantine_is_never_deleted(tmp_path: Path) -> None:
    (tmp_path / "t.jpg").mkdir()
    put(tmp_path / "t.jpg", "inside", bytes(100_000))
    assert open_spool(tmp_path, keep_quarantine_bytes=4096).next_claim() is None
    assert (tmp_path / "quarantine" / "t.jpg" / "inside").exists()


def test_the_same_claim_comes_again_until_it_is_done(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    drop(tmp_path)
    put(tmp_path, "u.jpg")
    assert claim_of(spool) == claim_of(spool)


def test_a_claim_that_a_power_cut_ended_is_taken_again(tmp_path: Path) -> None:
    drop(tmp_path)
    before = claim_of(open_spool(tmp_path))
    assert claim_of(open_spool(tmp_path, Clock())) == before


def test_a_sidecar_claimed_before_a_power_cut_goes_back_to_its_image(tmp_path: Path) -> None:
    drop(tmp_path)
    open_spool(tmp_path)
    (tmp_path / "t.json").rename(tmp_path / CLAIMED / "t.json")
    assert claim_of(open_spool(tmp_path)).sidecar is not None


def test_a_sidecar_whose_image_was_done_before_a_power_cut_is_done_too(tmp_path: Path) -> None:
    drop(tmp_path)
    claim_of(open_spool(tmp_path)).image.unlink()
    assert open_spool(tmp_path).next_claim() is None
    assert waiting(tmp_path) == []
    assert list((tmp_path / CLAIMED).iterdir()) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from edge.acquire.spool import Spool, SpoolSettings
spool = Spool(SpoolSettings(folder=Path(sys.argv[1]), settle_s=0.0))
for _ in range(3):
    claim = spool.next_claim()
    print(claim.name, flush=True)
    spool.done(claim)
print(spool.next_claim().name, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_killed_in_the_middle_no_tile_is_lost_and_none_comes_twice(tmp_path: Path) -> None:
    dropped = [drop_named(tmp_path, f"n_20240601T10{i:02d}00Z.jpg").name for i in range(6)]
    killed = subprocess.run([sys.executable, "-c", KILLED, tmp_path], stdout=subprocess.PIPE, check=False)
    assert killed.returncode == -signal.SIGKILL
    handed_out = killed.stdout.decode().split()
    assert handed_out == dropped[:4]
    assert names(open_spool(tmp_path)) == dropped[3:]


def test_a_disk_that_fails_is_said_and_the_claim_stays(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, keep_done_bytes=PLENTY)
    drop(tmp_path)
    claim = claim_of(spool)
    (tmp_path / "done").rmdir()
    put(tmp_path, "done")
    with pytest.raises(StoreBroken, match=r"^spool .*: expected a disk that can be written, got: "):
        spool.done(claim)
    assert claim_of(spool) == claim


def test_folders_of_ours_that_a_person_deleted_are_made_again(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, keep_done_bytes=PLENTY)
    for name in (CLAIMED, "done", "quarantine"):
        (tmp_path / name).rmdir()
    drop(tmp_path)
    assert names(spool) == ["t.jpg"]
    assert in_done(tmp_path) == ["t.jpg", "t.json"]


def test_a_spool_that_is_a_file_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(StoreBroken, match="spool"):
        Spool(SpoolSettings(folder=put(tmp_path, "file")))
