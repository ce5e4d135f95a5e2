"""Who is present, and where: arrivals, departures, moves and alterations; refuses what cannot be. Pure."""

from __future__ import annotations

from dataclasses import replace
from math import cos, radians, sin

from edge.drill.catalogue import KINDS, Kind
from edge.drill.noise import generator
from edge.drill.scenario import Arrival, LookSettings
from edge.drill.scene import Scene, SceneObject, Stand

Path = tuple[str | int, ...]
# Between a hull and its quay: the fenders.
_FENDER_M = 1.4
# A little of an aircraft may stand over the end of its stand.
_TOO_LONG = 1.08


class Impossible(Exception):
    """A step of a scenario that cannot happen; path names its key in the file."""

    def __init__(self, path: Path, text: str) -> None:
        """Say what was expected and what came."""
        super().__init__(text)
        self.path, self.text = path, text


def one_of(value: str, allowed: tuple[str, ...], path: Path) -> str:
    """The value, where it is allowed."""
    if value not in allowed:
        raise Impossible(path, f"expected one of {', '.join(allowed) or 'nothing'}, got {value}")
    return value


class Cast:
    """The objects of a story as the looks go by.

    shuffled  True: stands of one size change places by the scene's seed, and things stand on them a little
              to the side and a little turned
    """

    def __init__(self, scene: Scene, *, shuffled: bool) -> None:
        """Begin with nobody there."""
        self._scene = scene
        self._shuffled = shuffled
        self._stands = _shuffled_stands(scene) if shuffled else scene.stands
        self._things: dict[str, SceneObject] = {}
        self._taken: dict[str, str] = {}

    @property
    def present(self) -> tuple[SceneObject, ...]:
        """Everyone, in the order of arrival."""
        return tuple(self._things.values())

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of everyone."""
        return tuple(self._things)

    def thing(self, object_id: str) -> SceneObject:
        """One of those who are present."""
        return self._things[object_id]

    def after(self, settings: LookSettings, where: Path) -> None:
        """What happened before one look: first who leaves, then who moves, changes and comes."""
        for index, object_id in enumerate(settings.depart):
            one_of(object_id, self.ids, (*where, "depart", index))
            del self._things[object_id], self._taken[object_id]
        for object_id, stand in settings.move.items():
            self._move(object_id, stand, (*where, "move", object_id))
        for object_id, state in settings.alter.items():
            path = (*where, "alter", object_id)
            thing = self._things[one_of(object_id, self.ids, path)]
            self._things[object_id] = replace(thing, state=one_of(state, KINDS[thing.kind].states, path))
        for index, arrival in enumerate(settings.arrive):
            self.arrive(arrival, (*where, "arrive", index))

    def arrive(self, arrival: Arrival, where: Path) -> None:
        """One more."""
        if arrival.id in self._things:
            raise Impossible((*where, "id"), f"expected an id that is not present, got {arrival.id}")
        kind = KINDS[one_of(arrival.kind, tuple(KINDS), (*where, "kind"))]
        paint = one_of(arrival.paint, kind.paints, (*where, "paint"))
        state = one_of(arrival.state, kind.states, (*where, "state"))
        self._put(
            SceneObject(arrival.id, arrival.kind, 0.0, 0.0, 0.0, paint, state),
            arrival.stand,
            (*where, "stand"),
        )

    def _move(self, object_id: str, stand: str, path: Path) -> None:
        thing = self._things[one_of(object_id, self.ids, path)]
        self._put(thing, stand, path)

    def _put(self, thing: SceneObject, name: str, path: Path) -> None:
        free = tuple(stand for stand in self._stands if stand not in self._taken.values())
        stand = self._stands[one_of(name, free, path)]
        kind = KINDS[thing.kind]
        if kind.length_m > _TOO_LONG * stand.length_m:
            wanted = f"a stand of at least {kind.length_m:g} m for {thing.kind}"
            raise Impossible(path, f"expected {wanted}, got {name} of {stand.length_m:g} m")
        self._taken[thing.object_id] = name
        self._things[thing.object_id] = self._standing(thing, stand, kind, name)

    def _standing(self, thing: SceneObject, stand: Stand, kind: Kind, name: str) -> SceneObject:
        x, y, heading = stand.x_m, stand.y_m, stand.heading_deg
        if stand.quay_deg is not None:
            angle, out_m = radians(stand.quay_deg), kind.width_m / 2 + _FENDER_M
            x, y = x - out_m * sin(angle), y + out_m * cos(angle)
        if self._shuffled:
            rng = generator(self._scene.seed, "place", thing.object_id, name)
            free_m = 0.25 * max(0.0, stand.length_m - kind.length_m)
            along_m = float(rng.uniform(-1, 1)) * min(8.0, 0.5 + free_m)
            angle = radians(heading)
            x, y = x + along_m * sin(angle), y - along_m * cos(angle)
            heading += float(rng.normal(0, 0.3 if stand.quay_deg is not None else 1.6))
        return replace(thing, x_m=x, y_m=y, heading_deg=heading % 360)


def _shuffled_stands(scene: Scene) -> dict[str, Stand]:
    """Each name at a place of the same size, berths among berths."""
    groups: dict[tuple[float, bool], list[str]] = {}
    for name, stand in scene.stands.items():
        groups.setdefault((stand.length_m, stand.quay_deg is None), []).append(name)
    places: dict[str, Stand] = {}
    for names in groups.values():
        order = generator(scene.seed, "stands", names[0]).permutation(len(names))
        places |= {name: scene.stands[names[index]] for name, index in zip(names, order, strict=True)}
    return {name: places[name] for name in scene.stands}
