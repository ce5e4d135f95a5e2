"""Each kind of bad file, through the real spool and decoder: refused with its reason, nothing else harmed."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.acquire import decode
from edge.acquire.spool import Spool
from edge.errors import TileRefused
from tests.acquire.files import (
    BBOX,
    NAMED,
    NOW,
    SETTINGS,
    SITE,
    drop,
    drop_named,
    encoded,
    in_quarantine,
    item,
    open_spool,
    png,
    reasons,
    waiting,
)

WEST, SOUTH, EAST, NORTH = BBOX
JPEG, PNG, TIFF = encoded(".jpg"), encoded(".png"), encoded(".tif")
# The end of the last scan is gone, the mark of the end is there: libjpeg fills the rest with grey.
GREY_TAIL = JPEG[: int(len(JPEG) * 0.7)] + b"\xff\xd9"
DEEP = b'{"id": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
SOUTH_NAMED = "south_20240601T100000Z.jpg"
OTHER = {"image": {"href": "https://host.example/a/other.jpg?x=1", "type": "image/jpeg"}}


def image(content: bytes, name: str = "t.jpg") -> Callable[[Path], object]:
    return lambda folder: drop(folder, image=content, sidecar=item(assets={}), name=name)


def sidecar(content: object) -> Callable[[Path], object]:
    return lambda folder: drop(folder, sidecar=content)


def named(name: str) -> Callable[[Path], object]:
    return lambda folder: drop_named(folder, name)


def bomb(folder: Path) -> Path:
    """30,000 x 30,000 pixels would take 2.7 GB."""
    path = drop(folder, image=png(30_000, 30_000, bytes(90_000_000)), sidecar=item(assets={}), name="t.png")
    assert path.stat().st_size < 110_000
    return path


def link_out(folder: Path) -> None:
    (folder / "t.jpg").symlink_to(drop_named(folder.parent, "outside.jpg"))


def linked_sidecar(folder: Path) -> None:
    (folder / "t.json").symlink_to("/etc/hostname")
    (folder / "t.jpg").write_bytes(JPEG)


def socket_file(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(folder / "t.jpg"))


def undecodable_name(folder: Path) -> None:
    Path(os.fsdecode(bytes(folder) + b"/\xff\xfe.jpg")).write_bytes(JPEG)


def huge(folder: Path) -> None:
    with drop_named(folder).open("r+b") as file:
        file.truncate(SETTINGS.max_file_bytes + 1)  # takes no disk


def unreadable(folder: Path) -> None:
    drop(folder).chmod(0)


# What is dropped, the name it has in quarantine, the reason beside it.
KINDS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "empty": (image(b""), "t.jpg", "empty"),
    "truncated JPEG": (image(JPEG[:-200]), "t.jpg", "truncated"),
    "JPEG with a grey tail": (image(GREY_TAIL), "t.jpg", "truncated"),
    "JPEG header alone": (image(JPEG[:20]), "t.jpg", "truncated"),
    "truncated PNG": (image(PNG[:-200], "t.png"), "t.png", "truncated"),
    "PNG without its end": (image(PNG[:-12], "t.png"), "t.png", "truncated"),
    "PNG with too few rows": (image(png(96, 64, bytes(289 * 20)), "t.png"), "t.png", "undecodable"),
    "PNG with a flipped bit": (image(PNG.replace(b"IDAT", b"IDAT\x01"), "t.png"), "t.png", "undecodable"),
    "PNG bomb": (bomb, "t.png", "too_many_pixels"),
    "PNG without pixels": (image(png(0, 0, b""), "t.png"), "t.png", "undecodable"),
    "truncated TIFF": (image(TIFF[: len(TIFF) // 2], "t.tif"), "t.tif", "truncated"),
    "PNG named JPEG": (image(PNG), "t.jpg", "not_an_image"),
    "text named JPEG": (image(b"not a picture\n"), "t.jpg", "not_an_image"),
    "more bytes than allowed": (huge, f"{NAMED}.jpg", "too_large"),
    "GSD NaN": (sidecar(item(gsd=float("nan"))), "t.jpg", "bad_gsd"),
    "GSD infinite": (sidecar(item(gsd=float("inf"))), "t.jpg", "bad_gsd"),
    "GSD negative": (sidecar(item(gsd=-0.5)), "t.jpg", "bad_gsd"),
    "GSD true": (sidecar(item(gsd=True)), "t.jpg", "bad_gsd"),
    "GSD unlike the bounds": (sidecar(item(gsd=5.0)), "t.jpg", "gsd_contradicts_bounds"),
    "sidecar for another image": (sidecar(item(assets=OTHER)), "t.jpg", "other_image"),
    "sidecar not JSON": (sidecar(b"datetime=now"), "t.jpg", "bad_sidecar"),
    "sidecar not UTF-8": (sidecar(b'{"id": "\xff\xfe"}'), "t.jpg", "bad_sidecar"),
    "sidecar a list": (sidecar([item()]), "t.jpg", "bad_sidecar"),
    "sidecar empty": (sidecar(b""), "t.jpg", "bad_sidecar"),
    "sidecar of 5 MB": (sidecar(b" " * 5_000_000), "t.jpg", "too_large"),
    "sidecar deeply nested": (sidecar(DEEP), "t.jpg", "bad_sidecar"),
    "sidecar a link": (linked_sidecar, "t.json", "not_a_file"),
    "bounds reversed": (sidecar(item(bbox=[EAST, SOUTH, WEST, NORTH])), "t.jpg", "bad_bounds"),
    "bounds upside down": (sidecar(item(bbox=[WEST, NORTH, EAST, SOUTH])), "t.jpg", "bad_bounds"),
    "latitude of 91": (sidecar(item(bbox=[WEST, 90.9, EAST, 91.0])), "t.jpg", "bad_bounds"),
    "bounds of text": (sidecar(item(bbox=["27", "0", "28", "1"])), "t.jpg", "bad_bounds"),
    "no bounds": (sidecar(item(bbox=...)), "t.jpg", "bad_bounds"),
    "no datetime": (sidecar(item(datetime=...)), "t.jpg", "bad_time"),
    "datetime null": (sidecar(item(datetime=None)), "t.jpg", "bad_time"),
    "datetime a number": (sidecar(item(datetime=1717236000)), "t.jpg", "bad_time"),
    "local time": (sidecar(item(datetime="2024-06-01T10:00:00")), "t.jpg", "bad_time"),
    "31 June": (sidecar(item(datetime="2024-06-31T10:00:00Z")), "t.jpg", "bad_time"),
    "before the calendar": (sidecar(item(datetime="0001-01-01T00:00:00+01:00")), "t.jpg", "bad_time"),
    "future date": (sidecar(item(datetime="2031-06-01T10:00:00Z")), "t.jpg", "future_time"),
    "cloud cover of 400 %": (sidecar(item(**{"eo:cloud_cover": 400})), "t.jpg", "bad_sidecar"),
    "id with a line break": (sidecar(item(id="a\nb")), "t.jpg", "bad_tile_id"),
    "id with a slash": (sidecar(item(id="../../etc/passwd")), "t.jpg", "bad_tile_id"),
    "id a number": (sidecar(item(id=7)), "t.jpg", "bad_tile_id"),
    "pipe": (lambda folder: os.mkfifo(folder / "t.jpg"), "t.jpg", "not_a_file"),
    "link out of the spool": (link_out, "t.jpg", "not_a_file"),
    "link to nothing": (lambda folder: (folder / "t.jpg").symlink_to("gone"), "t.jpg", "not_a_file"),
    "socket": (socket_file, "t.jpg", "not_a_file"),
    "folder named like an image": (lambda folder: (folder / "t.jpg").mkdir(), "t.jpg", "not_a_file"),
    "name with a line break": (named("a\nb.jpg"), "a%0Ab.jpg", "bad_name"),
    "name of no text": (undecodable_name, "%FF%FE.jpg", "bad_name"),
    "name too long to grow": (named("n" * 240 + ".jpg"), "n" * 200, "bad_name"),
    "unknown suffix": (lambda folder: (folder / "t.exe").write_bytes(b"MZ"), "t.exe", "unknown_suffix"),
    "no suffix": (lambda folder: (folder / "README").write_bytes(b"hello"), "README", "unknown_suffix"),
    "no sidecar and no time": (named("t.jpg"), "t.jpg", "no_sidecar"),
    "unknown site in the name": (named(SOUTH_NAMED), SOUTH_NAMED, "unknown_site"),
    "31 June in the name": (named("north_20240631T100000Z.jpg"), "north_20240631T100000Z.jpg", "bad_time"),
}  # fmt: skip

needs_rights = pytest.mark.skipif(os.geteuid() == 0, reason="root reads a file that nobody may read")


def read_all(spool: Spool) -> list[str]:
    """What the daemon does with every claim; the ids of the tiles that came out."""
    tile_ids = []
    while (claim := spool.next_claim()) is not None:
        try:
            tile = decode.read(claim.image, claim.sidecar, [SITE], SETTINGS, NOW)
        except TileRefused as refused:
            spool.quarantine(claim, refused)
        else:
            tile_ids.append(tile.tile_id)
            spool.done(claim)
    return tile_ids


@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_file_ends_in_quarantine_with_its_reason(tmp_path: Path, kind: str) -> None:
    make, name, reason = KINDS[kind]
    folder = tmp_path / "spool"
    folder.mkdir()
    make(folder)
    assert read_all(open_spool(folder)) == []
    assert name in in_quarantine(folder)
    assert reasons(folder)[name] == reason
    assert waiting(folder) == []


@needs_rights
def test_a_file_without_read_permission_is_refused_as_unreadable(tmp_path: Path) -> None:
    unreadable(tmp_path)
    read_all(open_spool(tmp_path))
    assert reasons(tmp_path) == {"t.jpg": "unreadable"}


def test_a_good_tile_after_all_the_bad_ones_is_served(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    spool = open_spool(folder)
    for make, _, _ in KINDS.values():
        make(folder)
        assert read_all(spool) == []
    drop(folder)
    assert read_all(spool) == ["t-1"]


def test_what_a_link_points_to_stays_where_it_is_and_is_not_copied(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    folder.mkdir()
    link_out(folder)
    read_all(open_spool(folder))
    assert (tmp_path / "outside.jpg").read_bytes() == JPEG
    assert (folder / "quarantine" / "t.jpg").is_symlink()
