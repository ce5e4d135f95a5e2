"""One drawing over time: the count of each label with its interval, every look, every alert. Pure.

A drawing is 960 units wide; on a narrow screen the page scrolls it instead of shrinking its letters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, pairwise

from edge.monitor.finding import Count
from edge.report.axes import TimeAxis, count_marks, said_time, time_axis
from edge.report.badge import badge
from edge.report.facts import ReportLook, SiteReport
from edge.report.markup import Markup, element, joined

WIDTH_PX = 960.0
_LEFT_PX, _RIGHT_PX = 92.0, 940.0
# A count that alerts are about is drawn larger than one that is only there.
_PANEL_PX, _SMALL_PANEL_PX = 150.0, 76.0
_GAP_PX, _LOOKS_PX, _BADGE_PX = 48.0, 44.0, 27.0
_TOP_PX = 28.0
# Words under a mark of the looks need so much room to either side.
_WORDS_PX = 92.0


def drawing(site: SiteReport) -> Markup:
    """The counts, looks and alerts of a site over one time axis; nothing where there was no look."""
    instants = [look.at for look in site.looks] + [alert.event.time for alert in site.alerts]
    if not instants:
        return Markup()
    axis = time_axis(instants, _LEFT_PX, _RIGHT_PX)
    panels, top = [], _TOP_PX
    for label, height in _panels(site):
        panels.append(_count_panel(site.looks, label, axis, (top, top + height)))
        top += height + _GAP_PX
    looks = _look_strip(site.looks, axis, top)
    top += _LOOKS_PX + 28
    alerts, height = _alert_strip(site, axis, top)
    bottom = top + height
    return element(
        "svg",
        element("title", f"Counts, looks and alerts of {site.site.site_id} over time"),
        _unseen(site.looks, axis, _TOP_PX, bottom),
        _time_marks(axis, _TOP_PX, bottom),
        *panels,
        looks,
        alerts,
        viewBox=f"0 0 {WIDTH_PX:g} {bottom + 24:g}",
        role="img",
        class_="over-time",
    )


def labels(site: SiteReport) -> list[str]:
    """The labels that were ever counted, sorted."""
    return sorted({label for look in site.looks for label in look.counts})


def _panels(site: SiteReport) -> list[tuple[str, float]]:
    """Labels with the height of their panel, those that alerts are about first."""
    told = {alert.event.data.properties.label for alert in site.alerts}
    main = [label for label in labels(site) if label in told or not told]
    rest = [label for label in labels(site) if label not in main]
    return [(label, _PANEL_PX) for label in main] + [(label, _SMALL_PANEL_PX) for label in rest]


def _time_marks(axis: TimeAxis, top: float, bottom: float) -> Markup:
    return joined(
        element("line", x1=axis.x(at), x2=axis.x(at), y1=top, y2=bottom, class_="grid")
        + _text(axis.x(at), bottom + 17, text, text_anchor="middle")
        for at, text in axis.marks()
    )


def _unseen(looks: Sequence[ReportLook], axis: TimeAxis, top: float, bottom: float) -> Markup:
    """Grey where rejected looks leave a gap between two good ones, or before the first and after the last."""
    return joined(
        element(
            "rect",
            element("title", "nothing seen"),
            x=left, y=top, width=right - left, height=bottom - top, class_="unseen",
        )
        for left, right in _unseen_spans(looks, axis)
    )  # fmt: skip


def _unseen_spans(looks: Sequence[ReportLook], axis: TimeAxis) -> Iterator[tuple[float, float]]:
    for rejected, group in groupby(range(len(looks)), key=lambda n: looks[n].rejected is not None):
        if rejected:
            numbers = list(group)
            before, after = numbers[0] - 1, numbers[-1] + 1
            left = axis.x(looks[before].at) if before >= 0 else axis.left_px
            right = axis.x(looks[after].at) if after < len(looks) else axis.right_px
            yield left, right


def _count_panel(
    looks: Sequence[ReportLook], label: str, axis: TimeAxis, ends: tuple[float, float]
) -> Markup:
    """The count of one label: a line with the 90 % interval as a band, broken where nothing was seen.

    ends  the top and the bottom of the panel
    """
    top, bottom = ends
    most = max((look.counts[label].high for look in looks if label in look.counts), default=0)
    marks = count_marks(most, n_marks=round((bottom - top) / 30))

    def y(count: float) -> float:
        return bottom - (bottom - top) * count / marks[-1]

    grid = joined(
        element("line", x1=_LEFT_PX, x2=_RIGHT_PX, y1=y(mark), y2=y(mark), class_="grid" if mark else "axis")
        + _text(_LEFT_PX - 8, y(mark) + 4, str(mark), text_anchor="end")
        for mark in marks
    )
    runs = [list(run) for seen, run in groupby(looks, key=lambda look: look.rejected is None) if seen]
    title = _text(0, top - 14, label.replace("_", " "), class_="panel-title")
    return title + grid + joined(_run(run, label, axis, y) for run in runs)


def _run(looks: Sequence[ReportLook], label: str, axis: TimeAxis, y: Callable[[float], float]) -> Markup:
    """Looks without a gap between them."""
    points = [(axis.x(look.at), look.counts.get(label, Count(0, 0, 0)), look) for look in looks]
    upper = [(x, y(count.high)) for x, count, _ in points]
    lower = [(x, y(count.low)) for x, count, _ in points]
    middle = [(x, y(count.value)) for x, count, _ in points]
    whiskers = [
        element("line", x1=x, x2=x, y1=low, y2=high, class_="whisker")
        for (x, high), (_, low) in zip(upper, lower, strict=True)
    ]
    dots = [_dot(x, y(count.value), _count_words(look, count)) for x, count, look in points]
    band = element("polygon", points=_path([*upper, *reversed(lower)]), class_="band")
    return joined([band, *whiskers, element("polyline", points=_path(middle), class_="count"), *dots])


def _dot(x: float, y: float, title: str) -> Markup:
    return element("circle", element("title", title), cx=x, cy=y, r=4, class_="dot")


def _count_words(look: ReportLook, count: Count) -> str:
    return f"{said_time(look.at)}: {count.value} ({count.low} to {count.high})"


def _path(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _look_strip(looks: Sequence[ReportLook], axis: TimeAxis, top: float) -> Markup:
    """Each look as a bar as high as its usable share; a cross and the reason where it was rejected."""
    bottom = top + _LOOKS_PX
    worded = _with_room(looks, axis)
    parts = [
        _text(0, top + 14, "looks", class_="panel-title"),
        element("line", x1=_LEFT_PX, x2=_RIGHT_PX, y1=bottom, y2=bottom, class_="axis"),
    ]
    for look in looks:
        x = axis.x(look.at)
        parts.append(_seen(look, x, bottom) if look.rejected is None else _rejected(look, x, bottom))
        if look in worded:
            parts.append(_look_words(look, x, bottom + 15))
    return joined(parts)


def _look_words(look: ReportLook, x: float, y: float) -> Markup:
    if look.rejected is None:
        return _text(x, y, f"{look.usable_fraction:.0%}", text_anchor="middle", class_="small")
    return _text(x, y, look.rejected.replace("_", " "), text_anchor="middle", class_="small bad")


def _with_room(looks: Sequence[ReportLook], axis: TimeAxis) -> list[ReportLook]:
    """The looks that have room for words: all of them or, in a crowd, the rejected ones that stand alone."""
    if all(axis.x(after.at) - axis.x(before.at) >= _WORDS_PX for before, after in pairwise(looks)):
        return list(looks)
    alone: list[ReportLook] = []
    for look in looks:
        is_free = not alone or axis.x(look.at) - axis.x(alone[-1].at) >= _WORDS_PX
        if look.rejected is not None and is_free:
            alone.append(look)
    return alone


def _seen(look: ReportLook, x: float, bottom: float) -> Markup:
    height = max(2.0, look.usable_fraction * (_LOOKS_PX - 6))
    words = f"{said_time(look.at)}: {look.tile_id}, {look.usable_fraction:.0%} usable"
    return element(
        "rect", element("title", words), x=x - 5, y=bottom - height, width=10, height=height, class_="seen"
    )


def _rejected(look: ReportLook, x: float, bottom: float) -> Markup:
    y, words = bottom - 12, f"{said_time(look.at)}: {look.tile_id}, rejected: {look.rejected}"
    cross = f"M{x - 6:.1f} {y - 6:.1f}l12 12m0 -12l-12 12"
    return element("path", element("title", words), d=cross, class_="rejected")


def _alert_strip(site: SiteReport, axis: TimeAxis, top: float) -> tuple[Markup, float]:
    """The signs of the alerts, one below the other where they would overlap; and how high they stand."""
    if not site.alerts:
        return Markup(), 0.0
    ends: list[float] = []
    parts = [_text(0, top + 16, "alerts", class_="panel-title")]
    for number, alert in enumerate(site.alerts, 1):
        x = axis.x(alert.event.time) - 20
        row = next((n for n, end in enumerate(ends) if end <= x), len(ends))
        ends[row : row + 1] = [x + 42]
        sign = badge(alert.event.data.properties.kind, number)
        title = element("title", f"{said_time(alert.event.time)}: {alert.event.data.properties.headline}")
        move = f"translate({x:.1f} {top + row * _BADGE_PX:.1f})"
        parts.append(element("a", title, element("g", sign, transform=move), href=f"#{anchor(site, number)}"))
    return joined(parts), len(ends) * _BADGE_PX + 8


def anchor(site: SiteReport, number: int) -> str:
    """Where the card of an alert stands on the page: ids are not trusted with that."""
    return f"alert-{_of(site)}-{number}"


def _of(site: SiteReport) -> str:
    return site.site.site_id.encode().hex()


def _text(x: float, y: float, words: str, **attributes: str) -> Markup:
    return element("text", words, x=x, y=y, **attributes)
