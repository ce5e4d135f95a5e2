"""What lies in the inbox folder: which files are whole, in which order, and which will never become a tile.

It looks and says; it opens, moves and deletes nothing.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edge.acquire import tile_name
from edge.acquire.refusal import Refusal
from edge.acquire.regular_file import check_regular
from edge.acquire.shelf import is_plain
from edge.acquire.tile_name import IMAGE_SUFFIXES, SIDECAR_SUFFIX, is_image, sidecar_of, suffix_of
from edge.errors import TileRefused

# Left alone: a sender's file in the making (rsync and most others write to a hidden name first).
_UNFINISHED_SUFFIXES = frozenset({".part", ".tmp"})
# A sidecar may come long before its image over a poor link, but not for ever.
ORPHAN_S = 3600.0
# One look at 20,000 waiting files costs about 0.1 s of a fast core: it is spread over this many claims.
BATCH = 256


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it last was, and since when it has been like that (monotonic seconds)."""

    size: int
    mtime_ns: int
    inode: int
    since_s: float

    def is_like(self, status: os.stat_result) -> bool:
        """True if the file has not changed."""
        return (self.size, self.mtime_ns, self.inode) == (status.st_size, status.st_mtime_ns, status.st_ino)


@dataclass(frozen=True, slots=True)
class Arrived:
    """What one look found.

    whole     names of the first images that can be taken, in order
    refused   names of what will never become a tile, with the reason
    n_images  all images that wait, whole or not
    """

    whole: list[str]
    refused: list[tuple[str, TileRefused]]
    n_images: int


class Arrivals:
    """The inbox folder, looked at again and again."""

    def __init__(self, folder: Path, settle_s: float, ours: Collection[str]) -> None:
        """Look at a folder.

        settle_s  a file is whole when it did not change for so long
        ours      names in the folder that are not the sender's
        """
        self._folder = folder
        self._settle_s = settle_s
        self._ours = frozenset(ours)
        self._seen: dict[str, Seen] = {}
        self._left_alone: set[str] = set()

    def leave_alone(self, name: str) -> None:
        """Say nothing more of this name, until it is gone once."""
        self._left_alone.add(name)

    def is_unchanged(self, image: str) -> bool:
        """True if an image and its sidecar are as the last look saw them, there or not."""
        return self._is_like_before(image) and self._is_like_before(sidecar_of(image))

    def look(self, now_s: float) -> Arrived:
        """One look into the folder."""
        seen, refused = {}, []
        for name, status in self._present():
            try:
                check_regular(name, status)
            except TileRefused as refusal:
                refused.append((name, refusal))
            else:
                seen[name] = self._seen_now(name, status, now_s)
        self._seen = seen
        images = {name for name in seen if is_image(name)}
        refused += self._refused(now_s, {sidecar_of(name) for name in images})
        images.difference_update(name for name, _ in refused)
        whole = (name for name in images if self._is_whole(name, now_s))
        return Arrived(heapq.nsmallest(BATCH, whole, key=self._order), refused, len(images))

    def _present(self) -> Iterator[tuple[str, os.stat_result]]:
        """Everything in the folder that could concern us."""
        still_left_alone = set()
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name in self._left_alone:
                    still_left_alone.add(entry.name)
                elif not self._is_ignored(entry):
                    with suppress(FileNotFoundError):
                        yield entry.name, entry.stat(follow_symlinks=False)
        self._left_alone = still_left_alone

    def _is_ignored(self, entry: os.DirEntry[str]) -> bool:
        """What is hidden, ours, in the making, or a folder of other things."""
        name = entry.name
        if name.startswith(".") or name in self._ours or suffix_of(name) in _UNFINISHED_SUFFIXES:
            return True
        return entry.is_dir(follow_symlinks=False) and not is_image(name)

    def _seen_now(self, name: str, status: os.stat_result, now_s: float) -> Seen:
        before = self._seen.get(name)
        if before is not None and before.is_like(status):
            return before
        return Seen(status.st_size, status.st_mtime_ns, status.st_ino, now_s)

    def _is_like_before(self, name: str) -> bool:
        before = self._seen.get(name)
        try:
            status = (self._folder / name).lstat()
        except FileNotFoundError:
            return before is None
        return before is not None and before.is_like(status)

    def _refused(self, now_s: float, sidecars: Collection[str]) -> Iterator[tuple[str, TileRefused]]:
        """The regular files that will never become a tile, as far as their names tell."""
        for name, seen in self._seen.items():
            age_s = now_s - seen.since_s
            if age_s >= self._settle_s and (text := _fault(name, age_s, has_image=name in sidecars)):
                yield name, TileRefused(*text)

    def _is_whole(self, name: str, now_s: float) -> bool:
        """True if image and sidecar have settled; without a sidecar the image waits once more for it."""
        image, sidecar = self._seen[name], self._seen.get(sidecar_of(name))
        if sidecar is None:
            return now_s - image.since_s >= 2 * self._settle_s
        return now_s - max(image.since_s, sidecar.since_s) >= self._settle_s

    def _order(self, name: str) -> tuple[int, str]:
        """By the time in the name, else by the file's own; then by name."""
        with suppress(TileRefused):
            named = tile_name.parse(name.rpartition(".")[0])
            if named is not None:
                return int(named.acquired_at.timestamp()) * 1_000_000_000, name
        return self._seen[name].mtime_ns, name


def _fault(name: str, age_s: float, *, has_image: bool) -> tuple[Refusal, str] | None:
    """Why a settled file will never become a tile; None while it may."""
    suffix = suffix_of(name)
    if not is_plain(name):
        return Refusal.BAD_NAME, f"{name!a}: name: expected printable text of at most 200 bytes"
    if suffix == SIDECAR_SUFFIX and not has_image and age_s >= ORPHAN_S:
        return Refusal.NO_IMAGE, f"{name}: expected an image within {ORPHAN_S:g} s, got none"
    if suffix not in {SIDECAR_SUFFIX, *IMAGE_SUFFIXES}:
        expected = " ".join([*sorted(IMAGE_SUFFIXES), SIDECAR_SUFFIX])
        return Refusal.UNKNOWN_SUFFIX, f"{name}: suffix: expected one of {expected}"
    return None
