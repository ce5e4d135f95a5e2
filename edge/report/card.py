"""One alert as a card: what, when, how sure, where, the pictures, and the steps that led to it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from edge.monitor.finding import Count
from edge.report.axes import said_time
from edge.report.badge import badge, sign_of
from edge.report.facts import LookOf, Picture, ReportAlert, SiteReport
from edge.report.markup import NOTHING, Markup, element, joined, jpeg_uri
from edge.report.overview import positions
from edge.report.plot import anchor

# Positions of one alert that are written out; the overview shows all of them.
_MAX_POSITIONS = 6
# Steps of one alert that are shown: three objects with three looks each, and as many again.
_MAX_STEPS = 18
_SEVERITIES = frozenset({"minor", "moderate", "severe", "extreme"})


def card(site: SiteReport, number: int) -> Markup:
    """The card of the alert with this number, counted from 1."""
    alert = site.alerts[number - 1]
    is_wide = len(pairs(alert.pictures)) > 1
    return element(
        "article",
        element("header", *_head(alert, number)),
        element("h3", alert.event.data.properties.headline),
        element(
            "div", _facts(alert), _pictures(site, alert), class_="card-body wide" if is_wide else "card-body"
        ),
        _why(alert),
        id=anchor(site, number),
        class_="card",
    )


def _head(alert: ReportAlert, number: int) -> Iterator[Markup]:
    said = alert.event.data.properties
    severity = said.severity if said.severity in _SEVERITIES else "minor"
    yield badge(said.kind, number)
    phase = "" if said.phase == "new" else f", {said.phase}"
    yield element("strong", f"{sign_of(said.kind).words.replace('_', ' ')}{phase}", class_="kind")
    yield element("span", said.severity, class_=f"chip {severity}")
    if said.exercise:
        yield element("span", "exercise", class_="chip exercise")
    if said.late:
        yield element("span", "late", class_="chip")
    yield element("time", said_time(alert.event.time), datetime=alert.event.time.isoformat())


def _facts(alert: ReportAlert) -> Markup:
    rows = [element("dt", name) + element("dd", said) for name, said in _told(alert)]
    return element("dl", *rows, class_="facts")


def _told(alert: ReportAlert) -> Iterator[tuple[str, str]]:
    said = alert.event.data.properties
    yield "Confidence", _confidence(said.confidence)
    yield "Zone", said.zone or "whole site"
    if said.remaining is not None:
        yield "There now", f"{said.remaining.value} ({_interval(said.remaining)})"
    places = positions(alert)
    if places:
        lines = [f"{place.lng:.5f}, {place.lat:.5f}" for place in places[:_MAX_POSITIONS]]
        more = [f"and {len(places) - _MAX_POSITIONS} more"] if len(places) > _MAX_POSITIONS else []
        yield "Position (lng, lat)", joined(element("div", line) for line in (*lines, *more))
    if said.look is not None:
        yield "Look", _look(said.look)
    yield "Id", element("code", alert.event.id)


def _look(look: LookOf) -> str:
    residual = "" if look.residual_px is None else f", aligned to {look.residual_px:.1f} px"
    return f"{look.tile}: {look.usable_fraction:.0%} usable, {look.gsd_m:g} m/px{residual}"


def _interval(count: Count) -> str:
    return "certain" if count.low == count.high else f"90 % interval {count.low} to {count.high}"


def _confidence(confidence: float) -> Markup:
    share = min(1.0, max(0.0, confidence))
    fill = element("span", class_="fill", style=f"width:{share:.0%}")
    return element("span", fill, class_="meter", aria_hidden="true") + element("span", f"{confidence:.2f}")


def _pictures(site: SiteReport, alert: ReportAlert) -> Markup:
    """Before and after side by side, one row an object."""
    rows = [
        element("div", *(_figure(site, alert, one) for one in row), class_="pair")
        for row in pairs(alert.pictures)
    ]
    if alert.n_left_out:
        words = f"{alert.n_left_out} pictures left out to keep this page small"
        rows.append(element("p", words, class_="note"))
    return element("div", *rows, class_="pictures")


def pairs(pictures: Sequence[Picture]) -> list[list[Picture]]:
    """The pictures in rows: a row begins with a before, or with an after that has none."""
    rows: list[list[Picture]] = []
    for picture in pictures:
        if picture.role == "after" and rows and [one.role for one in rows[-1]] == ["before"]:
            rows[-1].append(picture)
        else:
            rows.append([picture])
    return rows


def _figure(site: SiteReport, alert: ReportAlert, picture: Picture) -> Markup:
    alt = f"{picture.role}: {alert.event.data.properties.headline}"
    image = element("img", src=jpeg_uri(picture.jpeg), alt=alt)
    role, words = element("b", picture.role.capitalize()), picture_words(site, alert, picture.role)
    return element("figure", image, element("figcaption", role, f" {words}"))


def picture_words(site: SiteReport, alert: ReportAlert, role: str) -> str:
    """When a picture was taken: an after at the look itself, a before at one that showed the place."""
    if role != "before":
        return said_time(alert.event.time)
    latest = _latest_before(site, alert)
    return "an earlier look" if latest is None else f"{said_time(latest)} or earlier"


def _latest_before(site: SiteReport, alert: ReportAlert) -> datetime | None:
    """The latest look that a before can come from; of something that left, one that still showed it."""
    said = alert.event.data.properties
    looks = [look.at for look in site.seen if look.at < alert.event.time]
    if said.kind == "departure" and said.objects:
        last_seen = max(one.last_seen for one in said.objects)
        looks = [at for at in looks if at <= last_seen]
    return max(looks, default=None)


def _why(alert: ReportAlert) -> Markup:
    """The steps as a table: a column for every key that occurs."""
    steps = alert.event.data.properties.why[:_MAX_STEPS]
    if not steps:
        return Markup()
    keys = list(dict.fromkeys(key for step in steps for key in step))
    head = element("tr", *(element("th", key.replace("_", " ")) for key in keys))
    rows = [element("tr", *(element("td", cell(step.get(key))) for key in keys)) for step in steps]
    n_more = len(alert.event.data.properties.why) - len(steps)
    more = element("p", f"and {n_more} more steps", class_="note") if n_more else Markup()
    table = element("table", element("thead", head), element("tbody", *rows), class_="why")
    return element("h4", "Why") + element("div", table, class_="scroll") + more


def cell(value: Any) -> str:
    """One value of a step, for a reader."""
    match value:
        case None:
            return NOTHING
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.3g}"
        case str():
            return _time_or_text(value)
        case _:
            return str(value)


def _time_or_text(text: str) -> str:
    try:
        at = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        return text
    return f"{at.day} {at:%b %H:%M}"
