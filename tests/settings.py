"""Builders of configurations: a text that is right, and settings made from it."""

from __future__ import annotations

from pathlib import Path

from edge.config import Settings, parse

TEXT = """\
device: {id: pier-7}
spool: {folder: spool}
state: {folder: state}
sites:
  quarry:
    bounds: {west: 0.010, south: 0.010, east: 0.030, north: 0.025}
    zones:
      yard: {kind: yard, polygon: [[0.012, 0.012], [0.020, 0.012], [0.020, 0.020]]}
    rules:
      - {arrival: aircraft, zone: yard}
transmit:
  mqtt: {url: "mqtt://127.0.0.1:1"}
"""


def with_line(start: str, line: str) -> str:
    """TEXT with the line that begins so replaced."""
    lines = [line if old.strip().startswith(start) else old for old in TEXT.splitlines()]
    return "\n".join(lines) + "\n"


def make_settings(folder: Path, text: str = TEXT) -> Settings:
    """Settings whose folders exist below a folder."""
    for name in ("spool", "state"):
        (folder / name).mkdir(exist_ok=True)
    settings, faults = parse(text, folder)
    assert settings is not None, faults
    return settings
