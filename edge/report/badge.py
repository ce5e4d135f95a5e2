"""The sign of an alert: a letter, a shape and a colour for its kind; any one of them is enough. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.report.facts import ReportAlert
from edge.report.markup import Markup, element

_WIDTH_PX, _HEIGHT_PX = 40.0, 24.0


@dataclass(frozen=True, slots=True)
class Sign:
    """How a kind of alert is drawn.

    shape  its corners in [0, 1] across the width and height of a badge, or () for a rounded one
    """

    letter: str
    words: str
    colour: str
    shape: tuple[tuple[float, float], ...]


_BOX = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
_HEXAGON = ((0.2, 0.0), (0.8, 0.0), (1.0, 0.5), (0.8, 1.0), (0.2, 1.0), (0.0, 0.5))
_TAG = ((0.0, 0.0), (0.8, 0.0), (1.0, 0.5), (0.8, 1.0), (0.0, 1.0))
_SLANTED = ((0.18, 0.0), (1.0, 0.0), (0.82, 1.0), (0.0, 1.0))

# Dark enough for white letters: at least 4.5 to 1 (WCAG 2.2, criterion 1.4.3).
_SIGNS = {
    "arrival": Sign("A", "arrival", "#1a7f37", ()),
    "departure": Sign("D", "departure", "#b42318", _BOX),
    "moved": Sign("M", "moved", "#1f5fbf", _HEXAGON),
    "altered": Sign("X", "altered", "#7a3e9d", _HEXAGON),
    "count": Sign("C", "count", "#8a5a00", _TAG),
    "dwell": Sign("W", "dwell", "#5b6470", _SLANTED),
    "blind": Sign("B", "blind", "#24292f", _SLANTED),
    "convoy": Sign("V", "convoy", "#0b6b75", _TAG),
    "trend": Sign("T", "trend", "#9a3412", _HEXAGON),
    "ground_change": Sign("G", "ground change", "#5c4b1f", _BOX),
    "indicator": Sign("I", "indicator", "#8b1a5c", ()),
    "digest": Sign("L", "digest", "#44505c", _TAG),
}


def sign_of(kind: str) -> Sign:
    """The sign of a kind; kinds without one of their own share a grey box with a dot."""
    return _SIGNS.get(kind, Sign("•", kind, "#5b6470", _BOX))


def badge(kind: str, number: int) -> Markup:
    """The sign with the alert's number on the page."""
    return element(
        "svg",
        outline(sign_of(kind), 0.75, 0.75, _WIDTH_PX - 1.5, _HEIGHT_PX - 1.5),
        _letters(f"{sign_of(kind).letter}{number}", _WIDTH_PX / 2, _HEIGHT_PX / 2),
        class_="badge",
        viewBox=f"0 0 {_WIDTH_PX:g} {_HEIGHT_PX:g}",
        width=_WIDTH_PX,
        height=_HEIGHT_PX,
        aria_hidden="true",
    )


def outline(sign: Sign, left: float, top: float, width: float, height: float) -> Markup:
    """The shape of a sign, filled."""
    look: dict[str, str | float] = {"fill": sign.colour, "stroke": "#fff", "stroke_width": 1.5}
    if not sign.shape:
        return element("rect", x=left, y=top, width=width, height=height, rx=height / 2, **look)
    corners = " ".join(f"{left + x * width:.1f},{top + y * height:.1f}" for x, y in sign.shape)
    return element("polygon", points=corners, stroke_linejoin="round", **look)


def _letters(text: str, x: float, y: float) -> Markup:
    return element("text", text, x=x, y=y + 4.5, text_anchor="middle", class_="on-badge")


def legend(alerts: Sequence[ReportAlert]) -> Markup:
    """What the signs mean, of those that occur."""
    kinds = sorted({alert.event.data.properties.kind for alert in alerts})
    items = [element("li", _small(sign_of(kind)), sign_of(kind).words.replace("_", " ")) for kind in kinds]
    return element("ul", *items, class_="legend") if items else Markup()


def _small(sign: Sign) -> Markup:
    shape = outline(sign, 0.75, 0.75, 24.5, 16.5)
    letter = element("text", sign.letter, x=13, y=13.2, text_anchor="middle", class_="on-badge")
    return element("svg", shape, letter, viewBox="0 0 26 18", width=26, height=18, aria_hidden="true")
