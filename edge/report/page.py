"""The report as one HTML page that needs nothing else: no script, font or picture from elsewhere. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from edge.report.axes import said_period, said_time
from edge.report.badge import badge, legend
from edge.report.card import card
from edge.report.facts import Report, ReportAlert, ReportLook, SiteReport
from edge.report.markup import NOTHING, Markup, element
from edge.report.overview import overview
from edge.report.plot import anchor, drawing, labels
from edge.report.style import CSS

# Should anything hostile get into the page all the same, the browser neither runs nor fetches it.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
# A longer table of looks starts folded.
_MAX_OPEN_LOOKS = 40
# Beside the picture stand so many alerts; all of them have a card below.
_MAX_TOLD = 10


def html(report: Report) -> str:
    """The whole page."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("title", report.title),
        element("style", CSS),
    )
    body = element(
        "body",
        element("header", *_top(report), class_="top"),
        element("main", *_sites(report), *_refused(report)),
        element("footer", f"Made by {report.made_by}. Times are UTC; positions are WGS84."),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _top(report: Report) -> Iterator[Markup]:
    yield element("h1", report.title)
    looks = [look for site in report.sites for look in site.looks]
    alerts = [alert for site in report.sites for alert in site.alerts]
    n_seen = sum(look.rejected is None for look in looks)
    facts = [
        (_n(len(report.sites), "site"), ", ".join(site.site.site_id for site in report.sites[:3])),
        (_n(len(looks), "look"), _period(looks)),
        (f"{n_seen} of use", _reasons(looks)),
        (_n(_n_begun(alerts), "alert"), _told_words(alerts)),
    ]
    yield element("ul", *(element("li", element("b", big), element("span", small)) for big, small in facts))
    models = [f"{task}: {name}" for task, name in sorted(report.models.items())]
    yield element("p", *(element("span", model) for model in models), class_="models")
    if len(report.sites) > 1:
        links = (element("a", _site_words(site), href=f"#{_id(site)}") for site in report.sites)
        yield element("nav", element("ol", *(element("li", link) for link in links)))


def _n(n: int, word: str) -> str:
    return f"{n} {word}" if n == 1 else f"{n} {word}s"


def _period(looks: Iterable[ReportLook]) -> str:
    instants = [look.at for look in looks]
    return said_period(min(instants), max(instants)) if instants else "none came"


def _reasons(looks: Iterable[ReportLook]) -> str:
    tally = _tally(look.rejected for look in looks if look.rejected is not None)
    return f"rejected: {tally}" if tally else "none rejected"


def _tally(words: Iterable[str]) -> str:
    return ", ".join(f"{word.replace('_', ' ')} {n}" for word, n in Counter(words).most_common())


def _n_begun(alerts: Sequence[ReportAlert]) -> int:
    """How many stories: their updates and ends are no alerts of their own."""
    return len({alert.event.id for alert in alerts})


def _told_words(alerts: Sequence[ReportAlert]) -> str:
    """How many of each kind began, and how many updates and ends came after."""
    kinds = {alert.event.id: alert.event.data.properties.kind for alert in alerts}
    words, n_more = _tally(kinds.values()), len(alerts) - len(kinds)
    return f"{words}; {_n(n_more, 'update')}" if n_more else words


def _sites(report: Report) -> Iterator[Markup]:
    alone = len(report.sites) == 1
    yield from (_site(site, alone=alone) for site in report.sites)


def _id(site: SiteReport) -> str:
    return f"site-{site.site.site_id.encode().hex()}"


def _site_words(site: SiteReport) -> str:
    return f"{site.site.site_id}: {_n(len(site.looks), 'look')}, {_n(_n_begun(site.alerts), 'alert')}"


def _site(site: SiteReport, *, alone: bool) -> Markup:
    none = element("p", "No alerts in this time.", class_="note")
    cards = [card(site, number) for number in range(1, len(site.alerts) + 1)]
    return element(
        "section",
        Markup() if alone else element("h2", site.site.site_id),
        element("div", overview(site), _situation(site), class_="situation"),
        element("h2" if alone else "h3", "Over time"),
        _over_time(site),
        element("h2" if alone else "h3", "Alerts"),
        *(cards or [none]),
        _looks(site),
        id=_id(site),
    )


def _situation(site: SiteReport) -> Markup:
    """Beside the picture: what stands there at the end, and what the signs mean."""
    last = site.seen[-1] if site.seen else None
    parts = [element("h2", "Last seen", class_="small-title")]
    if last is None:
        parts.append(element("p", "No look was of use: nothing is known.", class_="note"))
    else:
        parts.append(element("p", said_time(last.at)))
        parts += [_standing(label, last) for label in labels(site)]
    if site.alerts:
        parts += [element("h2", "Alerts", class_="small-title"), _told(site), legend(site.alerts)]
    return element("div", *parts, class_="beside")


def _told(site: SiteReport) -> Markup:
    """The newest alerts in a line or two each, in the order of time."""
    first = max(1, len(site.alerts) - _MAX_TOLD + 1)
    lines = [_told_line(site, number) for number in range(first, len(site.alerts) + 1)]
    more = element("p", f"{first - 1} earlier ones stand below", class_="note") if first > 1 else Markup()
    return more + element("ol", *lines, class_="told")


def _told_line(site: SiteReport, number: int) -> Markup:
    event = site.alerts[number - 1].event
    said = element("span", event.data.properties.headline) + element(
        "small", f"{event.time.day} {event.time:%b %H:%M}"
    )
    link = element(
        "a", badge(event.data.properties.kind, number), element("span", said), href=f"#{anchor(site, number)}"
    )
    return element("li", link)


def _standing(label: str, look: ReportLook) -> Markup:
    count = look.counts.get(label)
    value = "0" if count is None else str(count.value)
    interval = ""
    if count is not None and count.low != count.high:
        interval = f"{count.low} to {count.high} (90 %)"
    words = element("span", label.replace("_", " ")) + element("small", interval)
    return element("p", element("b", value), words, class_="standing")


def _over_time(site: SiteReport) -> Markup:
    if not site.looks:
        return element("p", "No looks in this time.", class_="note")
    words = (
        "Dots are counts at a look, the band is their 90 % interval. Bars are looks, as high as the share of "
        "the site that was clearly seen; a cross is a look that was rejected, grey a time with none of use."
    )
    return element("figure", element("div", drawing(site), class_="scroll"), element("figcaption", words))


def _looks(site: SiteReport) -> Markup:
    """Every look in a table."""
    named = labels(site)
    heads = ["Time", "Tile", "Result", "Usable", *(label.replace("_", " ") for label in named)]
    rows = [element("tr", *(element("td", said) for said in _look_row(look, named))) for look in site.looks]
    head = element("thead", element("tr", *(element("th", text) for text in heads)))
    table = element("table", head, element("tbody", *rows), class_="looks")
    return element(
        "details",
        element("summary", f"All {len(site.looks)} looks"),
        element("div", table, class_="scroll"),
        open=len(site.looks) <= _MAX_OPEN_LOOKS,
    )


def _look_row(look: ReportLook, named: Iterable[str]) -> list[str]:
    result = "seen" if look.rejected is None else f"rejected: {look.rejected.replace('_', ' ')}"
    usable = NOTHING if look.rejected is not None else f"{look.usable_fraction:.0%}"
    return [said_time(look.at), look.tile_id, result, usable, *(_count_cell(look, label) for label in named)]


def _count_cell(look: ReportLook, label: str) -> str:
    count = look.counts.get(label)
    if count is None:
        return NOTHING if look.rejected is not None else "0"
    return f"{count.value}" if count.low == count.high else f"{count.value} ({count.low} to {count.high})"


def _refused(report: Report) -> Iterator[Markup]:
    if not report.n_refused:
        return
    rows = [
        element("tr", *(element("td", said) for said in (file.name, file.reason, file.detail)))
        for file in report.refused
    ]
    head = element("thead", element("tr", *(element("th", text) for text in ("File", "Reason", "Detail"))))
    n_more = report.n_refused - len(report.refused)
    more = element("p", f"and {n_more} more", class_="note") if n_more else Markup()
    table = element("table", head, element("tbody", *rows), class_="looks")
    words = f"{_n(report.n_refused, 'file')} refused"
    yield element("section", element("h2", words), element("div", table, class_="scroll"), more)
