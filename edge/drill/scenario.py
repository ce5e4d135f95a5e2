"""What happens when, as YAML says it: settings of the right types, whether they make sense or not."""

import re
from datetime import datetime
from importlib import resources
from typing import Annotated, Any

import msgspec
import yaml

from edge.errors import ConfigFault

Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
BUILT_IN = ("airfield-days",)


class ScenarioFault(ConfigFault):
    """A scenario asks for something that cannot be rendered: whoever wrote it must edit it."""


class Arrival(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An object and the stand it takes."""

    id: str
    kind: str
    stand: str
    paint: str = "white"
    state: str = "whole"


class CloudSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A cloud over an object that is present."""

    over: str
    radius_m: Annotated[float, msgspec.Meta(gt=0)] = 60.0


class LookSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One look, and what happened since the look before; what is not said follows from the seed."""

    at: datetime
    arrive: tuple[Arrival, ...] = ()
    depart: tuple[str, ...] = ()
    move: dict[str, str] = {}
    alter: dict[str, str] = {}
    haze_fraction: Fraction = 0.05
    cloud_fraction: Fraction = 0.0
    clouds: tuple[CloudSettings, ...] = ()
    shift_px: tuple[float, float] | None = None
    rotation_deg: Annotated[float, msgspec.Meta(ge=-2, le=2)] | None = None
    traffic_fraction: Fraction = 0.5


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A scene and its looks, in order of time."""

    looks: Annotated[tuple[LookSettings, ...], msgspec.Meta(min_length=1)]
    present: tuple[Arrival, ...] = ()
    scene: str = "airfield"
    site: str = "demo-airfield"
    gsd_m: Annotated[float, msgspec.Meta(ge=0.3, le=2)] = 0.6
    size_m: Annotated[float, msgspec.Meta(ge=200, le=1400)] = 614.4
    seed: int = 1
    west: Annotated[float, msgspec.Meta(ge=-180, lt=180)] = 27.0
    north: Annotated[float, msgspec.Meta(ge=-80, le=80)] = 17.0


def built_in(name: str) -> Scenario:
    """A scenario that ships with the package."""
    if name not in BUILT_IN:
        raise ScenarioFault(f"scenario: expected one of {', '.join(BUILT_IN)}, got {name}")
    text = resources.files("edge.drill").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    return parse(text, name)


def parse(text: str, name: str) -> Scenario:
    """Read a scenario; `name` stands in the messages."""
    try:
        raw = yaml.load(text, Loader=_Strict)  # noqa: S506 - a SafeLoader that also refuses duplicate keys
        scenario = msgspec.convert(raw, Scenario, strict=True)
    except yaml.YAMLError as error:
        raise ScenarioFault(f"{name}: expected YAML, got: {error}") from error
    except msgspec.ValidationError as error:
        raise ScenarioFault(_message(name, str(error))) from error
    return scenario


def _message(name: str, text: str) -> str:
    """The words of msgspec in our order: where, which key, expected, got."""
    said, _, path = text.partition(" - at `")
    key = re.sub(r"\[(\d+|\.\.\.)\]", r".\1", path.rstrip("`").removeprefix("$")).strip(".")
    said = re.sub(r"^Expected ", "expected ", said).replace("`", "")
    unknown = re.search(r"unknown field (\S+)", said)
    missing = re.search(r"missing required field (\S+)", said)
    if unknown:
        return f"{name}: {'.'.join(filter(None, (key, unknown[1])))}: expected a known key, got {unknown[1]}"
    if missing:
        return f"{name}: {'.'.join(filter(None, (key, missing[1])))}: expected a value, got nothing"
    return f"{name}: {key + ': ' if key else ''}{said}"


class _Strict(yaml.SafeLoader):
    """Safe YAML in which a key stands once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - the signature is PyYAML's
        """Refuse a key that was there before."""
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key} stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)
