"""What a configuration allows but its writer hardly meant; `edge check` says it, nothing stops for it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.acquire import reference
from edge.config import Settings, SiteSettings, to_site
from edge.detect.manifest import Manifest
from edge.detect.model import read_manifest
from edge.errors import ModelRefused
from edge.monitor.rules import AnyRule, GroundChangeRule, IndicatorRule, Sign

# A site is looked at as one image at its reference's ground sample distance: 20 km are 40,000 at 0.5 m.
LARGE_SITE_M = 20_000.0
SMALL_SITE_M = 50.0
# Of a label that is found less often than this, a rule tells more of the model than of the place.
MIN_RECALL = 0.5


@dataclass(frozen=True, slots=True)
class Doubt:
    """One thing to think about.

    path  the key, dotted
    text  what was expected and what was found
    """

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


def doubts(settings: Settings) -> list[Doubt]:
    """Everything doubtful; reads the files and folders that the settings name, but opens no connection."""
    manifest = _manifest(settings)
    return [
        *_folder_doubts(settings),
        *_model_doubts(settings),
        *(doubt for name, site in settings.sites.items() for doubt in _site_doubts(name, site, manifest)),
        *_sign_doubts(settings),
        *_ground_doubts(settings),
        *_reference_doubts(settings),
        *_transmit_doubts(settings),
    ]


def _folder_doubts(settings: Settings) -> Iterator[Doubt]:
    for path, folder in (("spool.folder", settings.spool.folder), ("state.folder", settings.state.folder)):
        if not folder.is_dir():
            yield Doubt(path, f"expected a folder, found none at {folder}")
        elif not os.access(folder, os.W_OK | os.X_OK):
            yield Doubt(path, f"expected a folder that this user may write to, {folder} is not")
    if settings.transmit.outbox.max_bytes > settings.state.max_bytes:
        yield Doubt(
            "transmit.outbox.max_bytes", "expected less than state.max_bytes, which holds the outbox too"
        )


def _manifest(settings: Settings) -> Manifest | None:
    """What the model says of itself, or None where that cannot be known."""
    try:
        return read_manifest(settings.models.objects)
    except ModelRefused:
        return None


def _reference_doubts(settings: Settings) -> Iterator[Doubt]:
    for name in settings.sites:
        path = reference.path_of(settings.state.folder / reference.FOLDER, name)
        if not path.is_file():
            yield Doubt(f"sites.{name}", f"no reference yet at {path}: the first usable look makes it")


def _model_doubts(settings: Settings) -> Iterator[Doubt]:
    try:
        manifest = read_manifest(settings.models.objects)
    except ModelRefused as error:
        yield from (Doubt("models.objects", line) for line in str(error).splitlines())
        return
    weights = settings.models.objects.parent / manifest.file
    try:
        sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    except OSError as error:
        yield Doubt("models.objects", f"expected the weights at {weights}, got: {error.strerror}")
        return
    if sha256 != manifest.sha256:
        yield Doubt("models.objects", f"{weights}: expected sha256 {manifest.sha256}, got {sha256}")


def _site_doubts(name: str, site: SiteSettings, manifest: Manifest | None) -> Iterator[Doubt]:
    path = f"sites.{name}"
    if not site.rules:
        yield Doubt(f"{path}.rules", "expected at least one rule, got none: this site will never alert")
    yield from _zone_doubts(path, name, site)
    width_m, height_m = site.bounds.to_bounds().size_m
    if max(width_m, height_m) > LARGE_SITE_M or min(width_m, height_m) < SMALL_SITE_M:
        limits = f"{SMALL_SITE_M:.0f} to {LARGE_SITE_M:.0f} m"
        yield Doubt(f"{path}.bounds", f"expected {limits} a side, got {width_m:.0f} x {height_m:.0f} m")
    for i, rule in enumerate(site.rules):
        if manifest is not None and rule.label is not None:
            yield from _label_doubts(f"{path}.rules[{i}]", rule.label, manifest)


def _ground_doubts(settings: Settings) -> Iterator[Doubt]:
    """Only the change model sees ground that changed."""
    for name, site in settings.sites.items():
        for i, rule in enumerate(site.rules):
            if isinstance(rule, GroundChangeRule) and settings.models.change is None:
                where = f"sites.{name}.rules[{i}].ground_change"
                yield Doubt(where, "expected a model at models.change, got null: this rule will never alert")


def _sign_doubts(settings: Settings) -> Iterator[Doubt]:
    """An indicator only hears what rules say: a sign that none of them makes will never be seen."""
    for name, site in settings.sites.items():
        for i, rule in enumerate(site.rules):
            for j, sign in enumerate(rule.of if isinstance(rule, IndicatorRule) else ()):
                makers = settings.sites[sign.site or name].rules
                if not any(_makes(maker, sign) for maker in makers):
                    where = f"sites.{name}.rules[{i}].of[{j}]"
                    yield Doubt(
                        where, f"expected a rule of {sign.site or name} that makes it, got none: {sign}"
                    )


def _makes(rule: AnyRule, sign: Sign) -> bool:
    fits = sign.label in (None, rule.label) and sign.zone in (None, rule.zone)
    return rule.kind is sign.kind and fits


def _label_doubts(path: str, label: str, manifest: Manifest) -> Iterator[Doubt]:
    if label not in manifest.labels:
        yield Doubt(path, f"expected one of {', '.join(sorted(manifest.labels))}, got {label}")
    elif label in manifest.quality and manifest.quality[label].recall < MIN_RECALL:
        recall = manifest.quality[label].recall
        yield Doubt(
            path, f"{manifest.name} finds a share of {recall:g} of all {label}: this rule will miss most"
        )


def _zone_doubts(path: str, name: str, site: SiteSettings) -> Iterator[Doubt]:
    used = {rule.zone for rule in site.rules}
    for zone in to_site(name, site).zones:
        outside = [point for point in zone.polygon + zone.line if not site.bounds.to_bounds().contains(point)]
        if outside:
            got = f"{outside[0].lng:g}, {outside[0].lat:g}"
            yield Doubt(
                f"{path}.zones.{zone.name}", f"expected positions inside the site's bounds, got {got}"
            )
        if zone.name not in used:
            yield Doubt(
                f"{path}.zones.{zone.name}", "expected a rule that names it, got none: it is only counted"
            )


def _transmit_doubts(settings: Settings) -> Iterator[Doubt]:
    mqtt, satmodem = settings.transmit.mqtt, settings.transmit.satmodem
    if satmodem is not None:
        yield from _file_doubts("transmit.satmodem.key_file", satmodem.key_file, is_secret=True)
    if mqtt is None and satmodem is None:
        yield Doubt("transmit", "expected a link such as mqtt, got none: alerts stay in the outbox")
    if mqtt is None:
        return
    path = "transmit.mqtt"
    for key in ("password_file", "ca_file", "client_certificate", "client_key"):
        if named := getattr(mqtt, key):
            yield from _file_doubts(f"{path}.{key}", named, is_secret=key in {"password_file", "client_key"})
    is_local = mqtt.broker.host in {"localhost", "127.0.0.1", "::1"}
    if mqtt.password_file and not mqtt.broker.is_tls and not is_local:
        yield Doubt(f"{path}.url", "expected mqtts:// where a password is sent over a network, got mqtt://")


def _file_doubts(path: str, file: Path, *, is_secret: bool) -> Iterator[Doubt]:
    try:
        mode = file.stat().st_mode
    except OSError as error:
        yield Doubt(path, f"expected a file at {file}, got: {error.strerror}")
        return
    if not os.access(file, os.R_OK):
        yield Doubt(path, f"expected a file that this user may read, {file} is not")
    if is_secret and mode & (stat.S_IROTH | stat.S_IWOTH):
        yield Doubt(path, f"expected a secret file, everybody may read {file}: chmod o-rwx")
