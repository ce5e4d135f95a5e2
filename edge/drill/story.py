"""The truth over the whole length of a story: who stood where and when, how many, and the trend. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean, pstdev
from typing import Any

from edge.drill.catalogue import KINDS
from edge.drill.events import Moment
from edge.drill.render import Stage, View, position_of
from edge.drill.scenario import TrendTruth
from edge.drill.scene import Scene, SceneObject
from edge.drill.watch import site_of
from edge.geo import Site
from edge.monitor.kinds import USUAL, widest

ANYWHERE = "*"
# Deviations from the mean of the normal looks beyond which one look in a hundred lies; a deviation is at
# least one object, which may come or go at any place.
_FAR = 2.58

_Record = dict[str, Any]


def tracks_of(stage: Stage, moments: Sequence[Moment]) -> list[_Record]:
    """Every object of the story with its stays; a move begins another stay, an alteration another state."""
    tracks: dict[str, _Record] = {}
    site = site_of(stage.scene)
    for moment in moments:
        for thing in moment.present:
            label = KINDS[thing.kind].label
            track = tracks.setdefault(
                thing.object_id, {"id": thing.object_id, "label": label, "kind": thing.kind, "stays": []}
            )
            _extend(track["stays"], thing, moment.number, (stage.scene, site))
    return list(tracks.values())


def _extend(stays: list[_Record], thing: SceneObject, number: int, place_on: tuple[Scene, Site]) -> None:
    scene, site = place_on
    place = position_of(scene, thing.x_m, thing.y_m)
    where = {"lng": round(place.lng, 7), "lat": round(place.lat, 7)}
    if stays and stays[-1]["last_look"] == number - 1 and stays[-1] | where == stays[-1]:
        stays[-1]["last_look"] = number
    else:
        zones = list(site.zones_at(place))
        stays.append({"first_look": number, "last_look": number, **where, "zones": zones, "states": {}})
    states = stays[-1]["states"]
    if not states or list(states.values())[-1] != thing.state:
        states[str(number)] = thing.state


def counts_of(stage: Stage, views: Iterable[View]) -> list[dict[str, dict[str, int]]]:
    """For each look and label, how many stood in each zone and, under *, on the whole site; seen or not."""
    site = site_of(stage.scene)
    counts = []
    for view in views:
        found: dict[str, Counter[str]] = {label: Counter() for label in stage.scene.subjects}
        for one in view.placed:
            zones = site.zones_at(one.position)
            for label in {one.label, widest(one.label, USUAL)}:
                found.setdefault(label, Counter()).update((ANYWHERE, *zones))
        names = (ANYWHERE, *(zone.name for zone in site.zones))
        counts.append({label: {name: count[name] for name in names} for label, count in found.items()})
    return counts


def trend_of(trend: TrendTruth | None, counts: Sequence[dict[str, dict[str, int]]]) -> _Record | None:
    """The trend that the scenario names, and the first look whose true count shows it (or null)."""
    if trend is None:
        return None
    series = [look.get(trend.label, {}).get(ANYWHERE, 0) for look in counts]
    normal = series[: trend.from_look - 1]
    mean, deviation = fmean(normal), max(pstdev(normal), 1.0)
    sign = 1 if trend.direction == "up" else -1
    late = enumerate(series[trend.from_look - 1 :], trend.from_look)
    visible = next((number for number, count in late if sign * (count - mean) > _FAR * deviation), None)
    return {
        "label": trend.label,
        "direction": trend.direction,
        "from_look": trend.from_look,
        "visible_look": visible,
        "normal": round(mean, 2),
        "series": series,
    }
