"""Which weights of a model this device runs, and on how many threads, as `edge models bench --write` found.

One small file in the state folder. Without it, or without a word in it on the model at hand, the plain
weights run on one thread: nothing is guessed from the kind of board.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from edge.detect.manifest import PLAIN, ChangeModel, Manifest, Model
from edge.detect.model import load, load_change, read_manifest
from edge.errors import StoreBroken

log = logging.getLogger(__name__)

FILE = "models.json"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What was found the better way to run one model."""

    # Of the model, for the reader of the file; it is found by its hash.
    name: str
    variant: str = PLAIN
    threads: Annotated[int, Meta(ge=1, le=64)] = 1
    measured_at: datetime | None = None
    # Median of what was measured, for the reader of the file.
    ms_per_window: float | None = None


def choice_of(folder: Path, manifest: Manifest) -> Choice:
    """How a model is to be run here; plain on one thread where that was never measured.

    folder  of the state
    """
    default = Choice(name=manifest.name)
    found = _read(folder / FILE).get(manifest.sha256, default)
    if found.variant not in manifest.names:
        log.warning("chosen variant is gone, plain runs: model=%s variant=%s", manifest.name, found.variant)
        return default
    return found


def load_chosen(manifest_path: Path, folder: Path) -> Model:
    """The object model behind a manifest, run as was found best on this device."""
    choice = choice_of(folder, read_manifest(manifest_path))
    log.info("model is loaded: model=%s variant=%s threads=%d", choice.name, choice.variant, choice.threads)
    return load(manifest_path, threads=choice.threads, variant=choice.variant)


def load_change_chosen(manifest_path: Path, folder: Path) -> ChangeModel:
    """The same for a change model."""
    choice = choice_of(folder, read_manifest(manifest_path))
    log.info("model is loaded: model=%s variant=%s threads=%d", choice.name, choice.variant, choice.threads)
    return load_change(manifest_path, threads=choice.threads, variant=choice.variant)


def record(folder: Path, manifest: Manifest, choice: Choice) -> Path:
    """Keep a choice beside those of other models; returns the file. After a power cut it is old or new."""
    path = folder / FILE
    choices = {**_read(path), manifest.sha256: choice}
    part = path.with_suffix(".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(choices)))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise StoreBroken(f"{path}: expected to be writable, got: {error.strerror}") from error
    return path


def _read(path: Path) -> Mapping[str, Choice]:
    """What was chosen, by the hash of the plain weights; a damaged file costs speed and no more."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Choice])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        log.warning("choice of models cannot be read, plain runs: file=%s error=%s", path, error)
        return {}
