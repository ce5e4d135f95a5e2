"""A scene as data: the ground, what is built on it, and what stands where.

x_m runs east and y_m south from the north-west corner; heading_deg runs clockwise from north.
"""

from dataclasses import dataclass, field
from enum import StrEnum

Point = tuple[float, float]
Colour = tuple[float, float, float]


class Material(StrEnum):
    """What a surface is made of; it decides colour and texture."""

    GRASS = "grass"
    SOIL = "soil"
    ASPHALT = "asphalt"
    CONCRETE = "concrete"
    CROP = "crop"
    WATER = "water"


@dataclass(frozen=True, slots=True)
class Surface:
    """A piece of ground of one material; later surfaces lie over earlier ones."""

    outline: tuple[Point, ...]
    material: Material
    tone: float = 1.0
    slab_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Stripe:
    """Something thin on the ground: paint, a joint, rubber, a stain, a fence.

    opacity in [0, 1]; soft_m is the width of its blurred edge; dash_m is painted and left out, in turn
    """

    points: tuple[Point, ...]
    width_m: float
    colour: Colour
    opacity: float = 1.0
    soft_m: float = 0.0
    dash_m: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Building:
    """A block with a roof, ribbed along `rib_deg` where it is of sheet metal."""

    outline: tuple[Point, ...]
    height_m: float
    colour: Colour
    ribbed: bool = False


@dataclass(frozen=True, slots=True)
class Plant:
    """A tree or a bush."""

    x_m: float
    y_m: float
    radius_m: float


@dataclass(frozen=True, slots=True)
class Stand:
    """A place to park, with the heading of what parks there.

    quay_deg  where the quay lies from what is moored here, clockwise from north; its hull lies against x_m,
              y_m then. None: x_m, y_m is the middle of what stands here
    """

    x_m: float
    y_m: float
    heading_deg: float
    length_m: float
    quay_deg: float | None = None


@dataclass(frozen=True, slots=True)
class Area:
    """A part of a scene worth a rule; kind is a word of `edge.geo.ZoneKind`."""

    kind: str
    outline: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Road:
    """A way that is driven: its middle line, its width, and the traffic of an ordinary day.

    vehicles_per_km  on average at one look, in both directions, when the traffic is at its fullest
    """

    points: tuple[Point, ...]
    width_m: float
    vehicles_per_km: float = 0.0


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything of a scene that is the same at every look."""

    base: Material
    surfaces: tuple[Surface, ...] = ()
    stripes: tuple[Stripe, ...] = ()
    buildings: tuple[Building, ...] = ()
    plants: tuple[Plant, ...] = ()


@dataclass(frozen=True, slots=True)
class SceneObject:
    """One thing that can come, go, move or be altered.

    kind    a key of `catalogue.KINDS`, which gives its label and its size
    state   "whole", or what is open or missing, in the words of its kind
    """

    object_id: str
    kind: str
    x_m: float
    y_m: float
    heading_deg: float
    paint: str = "white"
    state: str = "whole"


@dataclass(frozen=True, slots=True)
class Scene:
    """A place with known ground; west and north are the degrees of its north-west corner.

    stands  where aircraft and other large things park and ships lie, by name
    slots   where cars and carts may stand; how many do is a matter of the day
    fixed   objects that stay at every look
    zones   parts worth a rule, by name
    roads   ways that are driven, by name
    subjects  labels of what such a place is watched for
    """

    site_id: str
    width_m: float
    height_m: float
    west: float
    north: float
    seed: int
    layout: Layout
    stands: dict[str, Stand]
    slots: tuple[Stand, ...] = ()
    fixed: tuple[SceneObject, ...] = ()
    zones: dict[str, Area] = field(default_factory=dict)
    roads: dict[str, Road] = field(default_factory=dict)
    subjects: tuple[str, ...] = ()
