"""The inbox folder: take whole files one at a time, keep or delete what is done, set aside what is refused.

Senders drop files into the folder itself. Inside it .claimed, done and quarantine are ours: a claimed file
lies in .claimed until it is done or quarantined: whatever ends this program, the next start takes it again.
Nothing but a regular file is ever opened, and no link is followed.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from edge.acquire.arrivals import Arrivals
from edge.acquire.regular_file import check_regular, open_regular
from edge.acquire.shelf import Shelf
from edge.acquire.tile_name import SIDECAR_SUFFIX, is_image, sidecar_of
from edge.errors import StoreBroken, TileRefused

log = logging.getLogger(__name__)

CLAIMED, DONE, QUARANTINE = ".claimed", "done", "quarantine"

# No tile is so large (decode refuses far smaller ones): beyond it a file is not even read for its hash.
_MAX_BYTES = 1_000_000_000
# What the owner of one file, or a mount on it, can refuse; anything else is wrong with the disk.
_OF_ONE_FILE = frozenset({errno.EPERM, errno.EACCES, errno.EBUSY, errno.EXDEV})


class SpoolSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where tiles come in, and what becomes of their files."""

    # Senders drop images and sidecars here; one file system, and writable for this program.
    folder: Path
    # A file is whole when it did not change for so long; an image without a sidecar waits once more for it.
    # A sender that renames into place needs none; 2 s bridges the gaps of scp and FTP on a poor link.
    settle_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 2.0
    # Files that are done are kept up to this many bytes, the oldest go first; 0 deletes each when it is done.
    keep_done_bytes: Annotated[int, msgspec.Meta(ge=0)] = 0
    # The same for refused files: enough for some hundred tiles to be looked at. A file larger than all of it
    # is deleted at once, only its reason stays.
    keep_quarantine_bytes: Annotated[int, msgspec.Meta(ge=0)] = 200_000_000


@dataclass(frozen=True, slots=True)
class Claim:
    """A file taken for work.

    image    inside the folder of claimed files, under the name that its sender gave
    sidecar  beside it, or None
    name     of the image
    sha256   of the image's bytes, in hex
    """

    image: Path
    sidecar: Path | None
    name: str
    sha256: str


class Spool:
    """The inbox folder. One thread, one claim at a time; a disk that fails raises StoreBroken."""

    def __init__(self, settings: SpoolSettings, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Use the folder, making it and ours inside it where they are missing.

        monotonic  seconds of a clock that never jumps
        """
        self._folder = settings.folder
        self._monotonic = monotonic
        self._claimed = self._folder / CLAIMED
        self._arrivals = Arrivals(self._folder, settings.settle_s, ours=(CLAIMED, DONE, QUARANTINE))
        self._batch: deque[str] = deque()
        self._n_waiting = 0
        with self._translated():
            self._claimed.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._done = Shelf(self._folder / DONE, settings.keep_done_bytes)
            self._quarantine = Shelf(self._folder / QUARANTINE, settings.keep_quarantine_bytes)

    @property
    def n_waiting(self) -> int:
        """Images that wait in the folder, as of the last look into it."""
        return self._n_waiting

    def next_claim(self) -> Claim | None:
        """The next image in the order of time, or None for now; the same one again until it is done."""
        with self._translated():
            while (image := self._left_over() or self._taken()) is not None:
                sidecar = self._claimed / sidecar_of(image.name)
                found = sidecar if os.path.lexists(sidecar) else None
                try:
                    return _claim(image, found)
                except TileRefused as refused:
                    self._refuse([image, sidecar], refused)
        return None

    def done(self, claim: Claim) -> None:
        """The tile is worked in: keep its files or delete them."""
        with self._translated():
            self._done.put([claim.image, self._claimed / sidecar_of(claim.name)])

    def quarantine(self, claim: Claim, refused: TileRefused) -> None:
        """The file is no tile: set it aside with the reason beside it."""
        with self._translated():
            self._quarantine.put([claim.image, self._claimed / sidecar_of(claim.name)], str(refused))

    def _left_over(self) -> Path | None:
        """The image of a claim that has not ended."""
        self._claimed.mkdir(mode=0o700, exist_ok=True)  # a person may have tidied it away
        names = sorted(path.name for path in self._claimed.iterdir())
        images = [name for name in names if is_image(name)]
        if images:
            return self._claimed / images[0]
        for name in names:
            if name.endswith(SIDECAR_SUFFIX):
                self._return_sidecar(name)
        return None

    def _return_sidecar(self, name: str) -> None:
        """A sidecar alone: the end came before its image was taken, or after its image was done."""
        path, back = self._claimed / name, self._folder / name
        waits = any(is_image(one.name) and sidecar_of(one.name) == name for one in self._folder.iterdir())
        if waits and not os.path.lexists(back):
            path.rename(back)
        else:
            self._done.put([path])

    def _taken(self) -> Path | None:
        """The next whole image, moved to the claimed files with its sidecar."""
        if not self._batch:
            self._look()
        while self._batch:
            name = self._batch.popleft()
            if self._arrivals.is_unchanged(name) and self._move(name):
                self._n_waiting -= 1
                return self._claimed / name
        return None

    def _look(self) -> None:
        arrived = self._arrivals.look(self._monotonic())
        for name, refused in arrived.refused:
            with self._only_this(name):
                self._refuse([self._folder / name], refused)
        self._batch.extend(arrived.whole)
        self._n_waiting = arrived.n_images

    def _move(self, name: str) -> bool:
        """Sidecar first, image last: an image among the claimed files has all that it came with."""
        sidecar = sidecar_of(name)
        with self._only_this(name), suppress(FileNotFoundError):
            with suppress(FileNotFoundError):
                (self._folder / sidecar).rename(self._claimed / sidecar)
            (self._folder / name).rename(self._claimed / name)
            _sync(self._claimed)
            _sync(self._folder)
            return True
        return False

    def _refuse(self, paths: list[Path], refused: TileRefused) -> None:
        """Into quarantine before anyone saw it as a claim: renamed, not opened."""
        log.warning("file quarantined: name=%a reason=%s", paths[0].name, refused.reason)
        self._quarantine.put(paths, str(refused))

    @contextmanager
    def _only_this(self, name: str) -> Iterator[None]:
        """One file that cannot be moved does not stop the others."""
        try:
            yield
        except OSError as error:
            if error.errno not in _OF_ONE_FILE:
                raise
            self._arrivals.leave_alone(name)
            log.error("file cannot be moved out of the spool: name=%a error=%s", name, error.strerror)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            text = f"expected a disk that can be written, got: {error}"
            raise StoreBroken(f"spool {self._folder}: {text}") from error


def _claim(image: Path, sidecar: Path | None) -> Claim:
    if sidecar is not None:
        check_regular(sidecar.name, sidecar.lstat())
    with open_regular(image, _MAX_BYTES, follow_links=False) as file:
        return Claim(image, sidecar, image.name, hashlib.file_digest(file, "sha256").hexdigest())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
