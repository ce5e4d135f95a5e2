"""Tiles kept for the "before" picture of a later alert: plain files named by their SHA-256."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

_PART = ".part"


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
