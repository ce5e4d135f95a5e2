"""The JSON Schemas (draft 2020-12) of every message, as files that integrators can take from the package."""

from __future__ import annotations

from importlib.resources import files

NAMES = ("ack", "alert", "health", "inventory", "open", "reply")


def schema_text(name: str) -> str:
    """The schema of one kind of message, one of NAMES, as JSON."""
    return files(__name__).joinpath(f"{name}-v1.json").read_text(encoding="utf-8")
