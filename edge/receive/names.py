"""The names behind the numbers of packed alerts, from the devices' own configurations.

One folder holds, for each device, DEVICE.key and, better, DEVICE.yaml: a copy of its configuration.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edge import config
from edge.config import Settings
from edge.detect.model import read_manifest
from edge.errors import ConfigFault, ModelRefused
from edge.transmit.brief import name_number, site_number
from edge.transmit.device_key import read_key

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Directory:
    """What is known of one device.

    sites   by number
    words   zones and labels, by number
    """

    key: bytes = field(repr=False)
    sites: Mapping[int, str] = field(default_factory=dict)
    words: Mapping[int, str] = field(default_factory=dict)

    def site(self, number: int) -> str:
        """The site's name, or one made of its number: an alert is worth more than its name."""
        return self.sites.get(number, f"site-{number:08x}")

    def word(self, number: int | None) -> str | None:
        """The name of a zone or a label likewise."""
        return None if number is None else self.words.get(number, f"name-{number:04x}")


def read_devices(folder: Path) -> dict[str, Directory]:
    """Every device of a folder, by its id; a ConfigFault says what is wrong with one of its files."""
    keys = sorted(folder.glob("*.key"))
    if not keys:
        raise ConfigFault(f"{folder}: expected DEVICE.key for each device, got none")
    return {path.stem: _directory(path) for path in keys}


def _directory(key_file: Path) -> Directory:
    key, path = read_key(key_file), key_file.with_suffix(".yaml")
    if not path.exists():
        log.warning("names are not known: device=%s expected its configuration at %s", key_file.stem, path)
        return Directory(key)
    settings = config.load(path)
    if settings.device.id != key_file.stem:
        raise ConfigFault(f"{path}: device.id: expected {key_file.stem}, got {settings.device.id}")
    return Directory(
        key,
        {site_number(name): name for name in settings.sites},
        {name_number(word): word for word in _words(settings)},
    )


def _words(settings: Settings) -> Iterable[str]:
    for site in settings.sites.values():
        yield from site.zones
        yield from (rule.label for rule in site.rules if rule.label is not None)
    try:
        yield from read_manifest(settings.models.objects).labels
    except ModelRefused:
        return  # the device's own model need not be here: the labels of its rules are
