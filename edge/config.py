"""The configuration file -> frozen settings; a fault names file, line, key, wanted and got.

The keys of the file are the fields of these classes and of those that the parts declare beside their code.
The environment is never read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from edge import shipped, yamltree
from edge.acquire.decode import DecodeSettings
from edge.acquire.gnss import GnssSettings
from edge.acquire.quality import QualitySettings
from edge.acquire.reference import ReferenceSettings
from edge.acquire.registration import RegistrationSettings
from edge.acquire.spool import SpoolSettings
from edge.conform import NOT_A_KEY, conform
from edge.detect.objects import DetectSettings
from edge.errors import ConfigFault
from edge.geo import GeoBounds, LngLat, Site, Zone, ZoneKind
from edge.monitor.budget import BudgetSettings
from edge.monitor.inventory import InventorySettings
from edge.monitor.quiet import QuietSettings
from edge.monitor.rules import AnyRule, ConvoyRule, IndicatorRule
from edge.transmit.command import CommandSettings
from edge.transmit.mqtt_settings import MqttSettings
from edge.transmit.outbox import OutboxSettings
from edge.transmit.satmodem_settings import SatmodemSettings
from edge.transmit.uplink import UplinkSettings
from edge.yamltree import Fault, Node

# One level of an MQTT topic and part of file names; cmd is where a device takes its commands.
Name = Annotated[
    str,
    Meta(
        pattern=r"^(?!cmd$)[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="letters, digits, dots, dashes and underscores, not cmd",
    ),
]
Lng = Annotated[float, Meta(ge=-180, le=180)]
Lat = Annotated[float, Meta(ge=-90, le=90)]
Position = tuple[Lng, Lat]


class DeviceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which device this is."""

    # Part of every topic and of every alert's id; never change it, receivers know the device by it.
    id: Name


class StateSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the device keeps what must survive a power cut."""

    # The inventory, the references, the outbox. On a disk that takes fsync seriously.
    folder: Path = Path("/var/lib/edge")
    # All of it together; the outbox gives way first, the least severe and oldest messages before others.
    max_bytes: Annotated[int, Meta(ge=50_000_000)] = 2_000_000_000


class ModelsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which models run: the path of a manifest, or shipped:NAME for one that came with the program."""

    objects: Path = msgspec.field(default_factory=lambda: shipped.model("objects"))
    # Compares the tile with the look before where an object seems to have come or gone; null: nothing does.
    change: Path | None = msgspec.field(default_factory=lambda: shipped.model("change"))


class BoundsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The ground of a site in degrees WGS84; west > east crosses the antimeridian."""

    west: Lng
    south: Lat
    east: Lng
    north: Lat

    def __post_init__(self) -> None:
        self.to_bounds()

    def to_bounds(self) -> GeoBounds:
        """The same as a value of the program."""
        return GeoBounds(self.west, self.south, self.east, self.north)


class ZoneSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A named part of a site: a polygon, or a line with a width."""

    kind: ZoneKind
    # Corners as [lng, lat], in order.
    polygon: Annotated[tuple[Position, ...], Meta(min_length=3)] | None = None
    # Points as [lng, lat] along the middle.
    line: Annotated[tuple[Position, ...], Meta(min_length=2)] | None = None
    # The whole width of a line, in metres.
    width_m: Annotated[float, Meta(gt=0)] | None = None

    def __post_init__(self) -> None:
        if (self.polygon is None) == (self.line is None):
            raise ValueError("expected either polygon or line, got both or neither")
        if (self.line is None) != (self.width_m is None):
            raise ValueError("expected width_m with a line and only there")

    def to_zone(self, name: str) -> Zone:
        """The same as a value of the program."""
        polygon = tuple(LngLat(*corner) for corner in self.polygon or ())
        if len(polygon) > 3 and polygon[0] == polygon[-1]:
            polygon = polygon[:-1]  # closed, as GeoJSON writes it
        line = tuple(LngLat(*point) for point in self.line or ())
        return Zone(name, self.kind, polygon, line, self.width_m or 0.0)


class SiteSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A place to watch."""

    bounds: BoundsSettings
    zones: Mapping[Name, ZoneSettings] = msgspec.field(default_factory=dict)
    rules: tuple[AnyRule, ...] = ()
    quality: QualitySettings = QualitySettings()
    registration: RegistrationSettings = RegistrationSettings()
    reference: ReferenceSettings = ReferenceSettings()
    inventory: InventorySettings = InventorySettings()
    # null tells every alert at once.
    budget: BudgetSettings | None = BudgetSettings()


class TransmitSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How messages leave; without a link they wait in the outbox."""

    mqtt: MqttSettings | None = None
    satmodem: SatmodemSettings | None = None
    outbox: OutboxSettings = OutboxSettings()
    uplink: UplinkSettings = UplinkSettings()
    commands: CommandSettings = CommandSettings()
    # True sends one observation record per tile and site, at QoS 0: for a desk that tunes rules.
    observations: bool = False


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """A whole configuration."""

    device: DeviceSettings
    spool: SpoolSettings
    state: StateSettings = StateSettings()
    decode: DecodeSettings = DecodeSettings()
    models: ModelsSettings = msgspec.field(default_factory=ModelsSettings)
    detect: DetectSettings = DetectSettings()
    sites: Annotated[Mapping[Name, SiteSettings], Meta(min_length=1)]
    quiet: QuietSettings = QuietSettings()
    transmit: TransmitSettings = TransmitSettings()
    # Without it the device has no place, and its time rests on NTP or a battery.
    gnss: GnssSettings | None = None
    # Of the file's bytes, in hex: alerts name the configuration they were made under.
    sha256: Annotated[str, Meta(extra={NOT_A_KEY: True})] = ""


def load(path: Path) -> Settings:
    """The settings in a file, or a ConfigFault with everything that is wrong with it, one fault a line."""
    settings, found = read(path)
    if settings is None:
        raise ConfigFault("\n".join(fault.said_of(str(path)) for fault in found))
    return settings


def faults(path: Path) -> list[Fault]:
    """Everything that is wrong with a file, in the order of its lines; empty where it can be loaded."""
    return read(path)[1]


def read(path: Path) -> tuple[Settings | None, list[Fault]]:
    """The settings in a file, or None and its faults in the order of their lines."""
    try:
        content = path.read_bytes()
        text = content.decode()
    except OSError as error:
        return None, [Fault(1, "", f"expected a readable file, got: {error.strerror}")]
    except UnicodeDecodeError as error:
        return None, [Fault(1, "", f"expected UTF-8 text, got {error.reason} at byte {error.start}")]
    settings, found = parse(text, path.resolve().parent)
    if settings is None:
        return None, found
    return msgspec.structs.replace(settings, sha256=hashlib.sha256(content).hexdigest()), []


def parse(text: str, folder: Path) -> tuple[Settings | None, list[Fault]]:
    """The settings in a text, or None and its faults.

    folder  relative paths in the text start here
    """
    tree, found = yamltree.parse(text)
    settings = None
    if tree is not None:
        settings, unlike = conform(tree, Settings, path_of=_path_from(folder))
        found += unlike
        if settings is not None:
            found += _contradictions(settings, tree)
    return (None if found else settings), sorted(found, key=lambda fault: fault.line)


def to_site(name: str, settings: SiteSettings) -> Site:
    """The ground and the zones of a site as values of the program."""
    zones = tuple(zone.to_zone(zone_name) for zone_name, zone in settings.zones.items())
    return Site(name, settings.bounds.to_bounds(), zones)


def _contradictions(settings: Settings, tree: Node) -> Iterator[Fault]:
    """Where keys that are each well formed do not agree with each other."""
    for name, site in settings.sites.items():
        seen: set[str] = set()
        for i, rule in enumerate(site.rules):
            where = f"sites.{name}.rules[{i}]"
            line = _line_of(tree, "sites", name, "rules", i)
            if rule.zone is not None and rule.zone not in site.zones:
                zones = ", ".join(site.zones) or "a zone of the site, and it has none"
                yield Fault(line, f"{where}.zone", f"expected one of {zones}, got {rule.zone}")
            yield from (Fault(line, f"{where}.{key}", text) for key, text in _unfit(rule, name, settings))
            if rule.rule_id in seen:
                yield Fault(line, where, f"expected each rule once, got {rule.rule_id} again")
            seen.add(rule.rule_id)


def _unfit(rule: AnyRule, site: str, settings: Settings) -> Iterator[tuple[str, str]]:
    """Key and text of what a rule asks of zones and sites that they are not."""
    zones = settings.sites[site].zones
    zone = zones.get(rule.zone or "")
    is_road = zone is None or (zone.kind is ZoneKind.ROAD and zone.line is not None)
    if isinstance(rule, ConvoyRule) and zone is not None and not is_road:
        shape = "a line" if zone.line else "a polygon"
        yield "zone", f"expected a road drawn as a line, got {zone.kind} as {shape}"
    if isinstance(rule, IndicatorRule):
        for i, sign in enumerate(rule.of):
            of = sign.site or site
            if of not in settings.sites:
                yield f"of[{i}].site", f"expected one of {', '.join(settings.sites)}, got {of}"
            elif sign.zone is not None and sign.zone not in settings.sites[of].zones:
                names = ", ".join(settings.sites[of].zones) or f"a zone of {of}, and it has none"
                yield f"of[{i}].zone", f"expected one of {names}, got {sign.zone}"


def _line_of(tree: Node, *keys: str | int) -> int:
    """Where a value stands that the settings were made from."""
    node = tree
    for key in keys:
        node = node.child(key)
    return node.line


def _path_from(folder: Path) -> Callable[[str], Path]:
    def path_of(text: str) -> Path:
        kind, colon, name = text.partition(":")
        return shipped.model(name) if colon and kind == "shipped" else folder / text

    return path_of
