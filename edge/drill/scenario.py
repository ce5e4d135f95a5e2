"""What happens when, as YAML says it: settings of the right types, whether they make sense or not. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from edge.errors import ConfigFault

Fraction = Annotated[float, Meta(ge=0, le=1)]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
SEASONS = ("summer", "autumn", "snow")


class ScenarioFault(ConfigFault):
    """A scenario asks for something that cannot be rendered: whoever wrote it must edit it."""


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """An object and the stand it takes."""

    # Its own; it may leave and come back under it.
    id: Name
    # A word of the catalogue: airliner_wide, container_ship, ...
    kind: str
    # A stand of the scene: N1 on the apron, Q1 at the quay, L1 in the lay-by, ...
    stand: str
    paint: str = "white"
    # whole, or what is open, missing or stacked: nose_open, rotor_off, under_way, two_high, ...
    state: str = "whole"


class CloudSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A cloud of its own over an object that is present, or so that its shadow falls on one."""

    # Give one of the two.
    over: str | None = None
    shadow_over: str | None = None
    radius_m: Annotated[float, Meta(gt=0)] = 60.0

    def __post_init__(self) -> None:
        if (self.over is None) == (self.shadow_over is None):
            raise ValueError("expected either over or shadow_over, got both or neither")

    @property
    def target(self) -> str:
        """The object it is about."""
        return self.over or self.shadow_over or ""


class ColumnSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Vehicles that drive one behind the other, at one look; give it again, further on, at the next."""

    # The same at each look at which it is seen.
    id: Name
    road: str
    n_vehicles: Annotated[int, Meta(ge=1, le=60)]
    # Where its first vehicle is: metres along the road from where the road enters the picture.
    at_m: Annotated[float, Meta(ge=0)]
    # From the middle of one vehicle to the middle of the next; the seed varies it by a tenth.
    spacing_m: Annotated[float, Meta(ge=12, le=200)] = 28.0
    toward: Literal["end", "start"] = "end"
    kinds: Annotated[tuple[str, ...], Meta(min_length=1)] = ("military_truck",)
    paint: str = "olive"


class QueueSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Vehicles that stand bumper to bumper on a road, at one look: no column."""

    id: Name
    road: str
    n_vehicles: Annotated[int, Meta(ge=1, le=60)]
    # Where its first vehicle stands: metres along the road from where the road enters the picture.
    at_m: Annotated[float, Meta(ge=0)]
    toward: Literal["end", "start"] = "end"


class LookSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One look, and what happened since the look before; what is not said follows from the seed."""

    at: datetime
    arrive: tuple[Arrival, ...] = ()
    depart: tuple[str, ...] = ()
    # Object to stand, and object to state.
    move: dict[str, str] = {}
    alter: dict[str, str] = {}
    columns: tuple[ColumnSettings, ...] = ()
    queues: tuple[QueueSettings, ...] = ()
    haze_fraction: Fraction = 0.05
    cloud_fraction: Fraction = 0.0
    clouds: tuple[CloudSettings, ...] = ()
    season: Literal["summer", "autumn", "snow"] | None = None
    # How far the tile lies off the first one; the seed says it otherwise.
    shift_px: tuple[float, float] | None = None
    rotation_deg: Annotated[float, Meta(ge=-2, le=2)] | None = None
    blur_px: Annotated[float, Meta(ge=0, le=4)] | None = None
    noise_fraction: Annotated[float, Meta(ge=0, le=0.2)] | None = None
    # How full car parks and roads are.
    traffic_fraction: Fraction = 0.5


class TrendTruth(msgspec.Struct, frozen=True, kw_only=True):
    """What the whole story is about, for the truth: a count that rises or falls from a look on."""

    label: str
    direction: Literal["up", "down"]
    # The first look, counted from 1, at which it is no longer a normal day.
    from_look: Annotated[int, Meta(ge=2)]


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One site: a scene and its looks, in order of time."""

    looks: Annotated[tuple[LookSettings, ...], Meta(min_length=1)]
    present: tuple[Arrival, ...] = ()
    scene: Literal["airfield", "harbour", "road"] = "airfield"
    site: Name = "demo-airfield"
    gsd_m: Annotated[float, Meta(ge=0.3, le=2.0)] = 0.6
    size_m: Annotated[float, Meta(ge=200, le=1400)] = 614.4
    # Of the whole site; the date says it otherwise, and never any snow.
    season: Literal["summer", "autumn", "snow"] | None = None
    trend: TrendTruth | None = None
    seed: Annotated[int, Meta(ge=0, lt=1_000_000)] = 1
    west: Annotated[float, Meta(ge=-180, lt=180)] = 27.0
    north: Annotated[float, Meta(ge=-80, le=80)] = 17.0
    # True: the seed decides too which stand of its size a name means, and how exactly a thing stands on it.
    shuffled: bool = False


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario of one or several sites, under one title."""

    sites: Annotated[tuple[Scenario, ...], Meta(min_length=1)]
    title: str = ""
