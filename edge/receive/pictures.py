"""Saves the evidence of alerts as files; a name from outside never leaves the folder."""

from __future__ import annotations

import re
from pathlib import Path


def save_picture(folder: Path, topic: str, jpeg: bytes) -> None:
    """Keep a picture as DEVICE/SITE/ALERT-N.jpg, whole or not at all; another topic is none."""
    match topic.split("/"):
        case [_, _, device_id, site_id, "evidence", alert_id, n]:
            name = f"{_file_name(alert_id)}-{_file_name(n)}.jpg"
            path = folder / _file_name(device_id) / _file_name(site_id) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".part")
            partial.write_bytes(jpeg)
            partial.replace(path)


def _file_name(level: str) -> str:
    return re.sub(r"[^\w-]", "_", level)
