"""A site from above with its zones and the places of its alerts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from edge.geo import Grid, LngLat, Zone
from edge.report.axes import said_time
from edge.report.badge import badge, sign_of
from edge.report.facts import ReportAlert, SiteReport
from edge.report.markup import Markup, element, joined, jpeg_uri
from edge.report.plot import anchor

# Positions on the picture in thousandths of its sides.
_SIDE = 1000
# Where a badge may stand from the place it marks, in pixels of the page: the first that is free is taken.
_OFFSETS_PX = (
    *((8, -30), (8, 8), (-48, -30), (-48, 8)),
    *((-20, -46), (-20, 24), (30, -11), (-70, -11)),
    *((30, -56), (-70, -56), (30, 34), (-70, 34)),
)
_BADGE_PX = (40, 24)
# The picture is about so wide on a page; on a narrower one badges may touch.
_PAGE_PX = 640.0


def overview(site: SiteReport) -> Markup:
    """The picture with everything on it; nothing where no look was clear."""
    if site.picture is None:
        return Markup()
    picture = site.picture
    grid = Grid(picture.bounds, _SIDE, _SIDE)
    alt = f"{site.site.site_id} from above"
    caption = f"Seen {said_time(picture.at)}. North is up. Each sign links to its alert."
    return element(
        "figure",
        element(
            "div",
            element("img", src=jpeg_uri(picture.jpeg), alt=alt),
            _zones(site.site.zones, grid),
            *_marks(site, grid),
            class_="overview",
        ),
        element("figcaption", caption),
    )


def _zones(zones: Iterable[Zone], grid: Grid) -> Markup:
    """The outlines, stretched with the picture; their names are elements of the page and stay upright."""
    shapes = [_zone(zone, grid) for zone in zones]
    drawn = element(
        "svg",
        *shapes,
        viewBox=f"0 0 {_SIDE} {_SIDE}",
        preserveAspectRatio="none",
        class_="zones",
        aria_hidden="true",
    )
    return drawn + joined(_zone_name(zone, grid) for zone in zones)


def _zone(zone: Zone, grid: Grid) -> Markup:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in _places(zone.polygon or zone.line, grid))
    name = "polygon" if zone.polygon else "polyline"
    return element(name, points=points, vector_effect="non-scaling-stroke")


def _zone_name(zone: Zone, grid: Grid) -> Markup:
    """At the corner that is furthest up."""
    x, y = min(_places(zone.polygon or zone.line, grid), key=lambda place: place[1])
    inside = min(max(x, 0.0), _SIDE * 0.85), min(max(y, 0.0), _SIDE * 0.95)
    return element("span", zone.name, class_="zone-name", style=_at(*inside))


def _places(positions: Iterable[LngLat], grid: Grid) -> list[tuple[float, float]]:
    return [grid.to_pixel(position) for position in positions]


def _at(x: float, y: float) -> str:
    return f"left:{x / _SIDE:.2%};top:{y / _SIDE:.2%}"


def _marks(site: SiteReport, grid: Grid) -> Iterator[Markup]:
    """A ring at every object and a badge at the first of each alert."""
    taken: list[tuple[float, float]] = []
    for number, alert in enumerate(site.alerts, 1):
        kind = alert.event.data.properties.kind
        places = [place for place in _places(positions(alert), grid) if _is_inside(place)]
        for n, (x, y) in enumerate(places):
            yield element("span", class_="ring", style=f"{_at(x, y)};border-color:{sign_of(kind).colour}")
            if n == 0:
                yield _mark(site, number, _at(x, y), _free_offset((x, y), taken))


def _mark(site: SiteReport, number: int, at: str, offset_px: tuple[int, int]) -> Markup:
    """The badge of an alert beside its place, with a link to its card."""
    said = site.alerts[number - 1].event.data.properties
    return element(
        "a",
        badge(said.kind, number),
        class_="mark",
        href=f"#{anchor(site, number)}",
        title=said.headline,
        style=f"{at};margin:{offset_px[1]}px 0 0 {offset_px[0]}px",
    )


def positions(alert: ReportAlert) -> tuple[LngLat, ...]:
    """Where the objects of an alert stand, of those that are places on the globe."""
    geometry = alert.event.data.geometry
    found = () if geometry is None else geometry.coordinates
    return tuple(LngLat(lng, lat) for lng, lat in found if -180 <= lng <= 180 and -90 <= lat <= 90)


def _is_inside(place: tuple[float, float]) -> bool:
    return all(0 <= value <= _SIDE for value in place)


def _free_offset(place: tuple[float, float], taken: list[tuple[float, float]]) -> tuple[int, int]:
    """The first offset at which no other badge stands; it is taken from now on."""
    x, y = (value / _SIDE * _PAGE_PX for value in place)
    width, height = _BADGE_PX
    chosen = _OFFSETS_PX[0]
    for right, down in _OFFSETS_PX:
        corner = x + right, y + down
        fits = 0 <= corner[0] <= _PAGE_PX - width and 0 <= corner[1] <= _PAGE_PX - height
        if fits and not any(abs(corner[0] - a) < width and abs(corner[1] - b) < height for a, b in taken):
            chosen = right, down
            break
    taken.append((x + chosen[0], y + chosen[1]))
    return chosen
