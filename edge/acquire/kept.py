"""Tiles kept to compare later looks with: plain files named by their SHA-256, the newest also in memory."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from edge.acquire.tile import Rgb

_PART = ".part"
# Five tiles of 1024 pixels; a larger tile than all of this is decoded again when it is asked for.
FRESH_BYTES = 16 * 1024 * 1024


class KeptTiles:
    """A folder of tile files. A tile costs no second copy where the file system has hard links."""

    def __init__(self, folder: Path) -> None:
        """Use the folder, making it where it is missing."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, image: Path, sha256: str) -> None:
        """Keep this file under its hash; kept already is fine."""
        kept = self._folder / sha256
        if kept.exists():
            return
        part = kept.with_suffix(_PART)
        part.unlink(missing_ok=True)
        try:
            os.link(image, part)
        except OSError:  # another file system, or one without hard links
            shutil.copyfile(image, part)
        part.replace(kept)

    def path(self, sha256: str) -> Path | None:
        """The kept file, or None where it is not kept any more."""
        kept = self._folder / sha256
        return kept if kept.exists() else None

    def sweep(self, needed: Collection[str]) -> None:
        """Delete what no site needs any more."""
        for file in self._folder.iterdir():
            if file.name not in needed:
                with suppress(FileNotFoundError):
                    file.unlink()


class FreshPixels:
    """The pixels of the newest tiles, which the next looks are compared with: decoded once, not twice."""

    def __init__(self) -> None:
        self._by_sha256: dict[str, Rgb] = {}

    def add(self, sha256: str, pixels: Rgb) -> None:
        """Remember the pixels of the newest tile, in place of the oldest where there is no room."""
        self._by_sha256[sha256] = pixels
        while sum(one.nbytes for one in self._by_sha256.values()) > FRESH_BYTES:
            del self._by_sha256[next(iter(self._by_sha256))]

    def of(self, sha256: str) -> Rgb | None:
        """The pixels of a tile, or None where they are no longer in memory."""
        return self._by_sha256.get(sha256)

    def only(self, needed: Collection[str]) -> None:
        """Forget what no site compares its next look with."""
        self._by_sha256 = {key: pixels for key, pixels in self._by_sha256.items() if key in needed}
