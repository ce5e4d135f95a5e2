"""The report: what it shows, that nothing in it is ever left unescaped, and that a real browser opens it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.geo import GeoBounds, LngLat, Site, Zone, ZoneKind
from edge.monitor.finding import Count, Finding, Kind, Phase
from edge.report import Picture, Report, ReportAlert, ReportLook, SitePicture, SiteReport, html
from edge.report.axes import count_marks, said_period, time_axis
from edge.report.badge import sign_of
from edge.report.card import pairs, picture_words
from edge.report.facts import RefusedFile, look_of, read_event
from edge.report.markup import element
from edge.report.thumbnail import MAX_SIDE_PX, site_picture
from edge.transmit.alert import Evidence, evidence_of, to_json
from tests.transmit.make import SEEN_AT, make_alert, make_blind, make_finding, make_look, make_object

BOUNDS = GeoBounds(27.0, 16.98, 27.006, 16.986)
APRON = Zone(
    "apron", ZoneKind.PARKING, (LngLat(27.001, 16.981), LngLat(27.005, 16.981), LngLat(27.003, 16.985))
)
SITE = Site("north-airfield", BOUNDS, (APRON,))
HOSTILE = "<script>alert('x')</script> \" onload=\"x"
VOID = {"br", "img", "meta"}


def jpeg(side_px: int = 32) -> bytes:
    pixels = np.random.default_rng(1).integers(0, 255, (side_px, side_px, 3), np.uint8)
    return cv2.imencode(".jpg", pixels)[1].tobytes()


def make_report_alert(
    finding: Finding | None = None, roles: Sequence[str] = ("before", "after")
) -> ReportAlert:
    evidence: tuple[Evidence, ...] = tuple(evidence_of(role, jpeg()) for role in roles)
    message = to_json(make_alert(finding, look=make_look(), evidence=evidence, sequence=1))
    return ReportAlert(read_event(message), tuple(Picture(one.role, one.jpeg) for one in evidence))


def seen(day: float, n: int = 9, label: str = "aircraft") -> ReportLook:
    at = SEEN_AT + timedelta(days=day)
    return ReportLook(at, f"tile-{day:g}", None, 0.97, {label: Count(n, n - 1, n + 1)})


def rejected(day: float, reason: str = "clouded") -> ReportLook:
    return ReportLook(SEEN_AT + timedelta(days=day), f"tile-{day:g}", reason)


def make_site(
    looks: Sequence[ReportLook] = (), alerts: Sequence[ReportAlert] = (), site: Site = SITE
) -> SiteReport:
    picture = SitePicture(jpeg(64), BOUNDS, SEEN_AT)
    return SiteReport(site, tuple(looks), tuple(alerts), picture)


def page(*sites: SiteReport, title: str = "Report", models: Mapping[str, str] | None = None) -> str:
    return html(Report(title, "edge 0.1.0", sites, models or {}))


def full_page() -> str:
    alerts = [
        make_report_alert(make_finding(kind=kind)) for kind in (Kind.ARRIVAL, Kind.DEPARTURE, Kind.MOVED)
    ]
    alerts.append(make_report_alert(make_blind(), roles=()))
    return page(make_site([seen(-2), seen(-1), rejected(-0.5), seen(0)], alerts))


class Checked(HTMLParser):
    """Fails where tags are not balanced; keeps attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data if "style" not in self.open else ""


def test_an_update_is_no_alert_of_its_own() -> None:
    finding = make_finding(kind=Kind.CONVOY)
    alerts = [make_report_alert(finding), make_report_alert(replace(finding, phase=Phase.UPDATE))]
    text = Checked(page(make_site([seen(0)], alerts))).text
    assert "1 alert" in text
    assert "convoy 1; 1 update" in text


def test_every_kind_of_alert_has_a_letter_of_its_own() -> None:
    letters = [sign_of(kind).letter for kind in Kind if kind is not Kind.DEVICE]
    assert len(set(letters)) == len(letters)
    assert "•" not in letters


def test_every_tag_is_balanced() -> None:
    assert Checked(full_page()).tags.count("article") == 4


def test_nothing_is_fetched_from_elsewhere() -> None:
    links = [value or "" for name, value in Checked(full_page()).attributes if name in {"src", "href"}]
    assert links
    assert all(link.startswith(("#", "data:image/jpeg;base64,")) for link in links)
    assert not re.search(r"https?://|url\(|@import", full_page())


def test_no_script_is_in_the_page() -> None:
    assert "script" not in Checked(full_page()).tags


def test_hostile_text_is_shown_and_never_acts() -> None:
    finding = replace(make_finding(), headline=HOSTILE, zone=HOSTILE, why=({HOSTILE: HOSTILE},))
    look = ReportLook(SEEN_AT, HOSTILE, None, 1.0, {HOSTILE: Count(1, 1, 1)})
    hostile = make_site(
        [look, rejected(1, HOSTILE)], [make_report_alert(finding)], replace(SITE, site_id=HOSTILE)
    )
    parsed = Checked(page(hostile, make_site(), title=HOSTILE, models={HOSTILE: HOSTILE}))
    assert "script" not in parsed.tags
    assert not {name for name, _ in parsed.attributes if name.startswith("on")}
    assert parsed.text.count(HOSTILE) >= 8


def test_every_alert_has_a_card_that_its_links_lead_to() -> None:
    attributes = Checked(full_page()).attributes
    ids = {value for name, value in attributes if name == "id"}
    targets = {(value or "")[1:] for name, value in attributes if name == "href"}
    assert len([one for one in ids if (one or "").startswith("alert-")]) == 4
    assert targets <= ids


def test_every_look_is_in_the_table_with_its_reason() -> None:
    looks = [seen(0), rejected(1, "too_dark"), seen(2)]
    text = Checked(page(make_site(looks))).text
    assert all(look.tile_id in text for look in looks)
    assert "rejected: too dark" in text


def test_the_model_and_its_hash_are_told() -> None:
    assert (
        "aircraft-1 sha256:abab"
        in Checked(page(make_site(), models={"objects": "aircraft-1 sha256:abab"})).text
    )


def test_refused_files_are_told() -> None:
    refused = (RefusedFile("bad.png", "bad_image", "bad.png: expected a PNG"),)
    text = Checked(html(Report("r", "edge", (make_site(),), refused=refused, n_refused=3))).text
    assert "3 files refused" in text
    assert "expected a PNG" in text
    assert "and 2 more" in text


@pytest.mark.parametrize(
    "looks",
    [[], [seen(0)], [rejected(0)], [rejected(0), rejected(1)], [seen(0), rejected(1), seen(2)]],
    ids=["none", "one", "one rejected", "all rejected", "a gap"],
)
def test_a_page_can_be_made_of_any_looks(looks: list[ReportLook]) -> None:
    assert Checked(page(make_site(looks))).tags.count("section") == 1


def test_the_band_is_broken_where_nothing_was_seen() -> None:
    whole = page(make_site([seen(0), seen(1), seen(2)]))
    broken = page(make_site([seen(0), rejected(1), seen(2)]))
    assert whole.count('class="band"') == 1
    assert broken.count('class="band"') == 2
    assert broken.count('class="unseen"') == 1


def test_a_label_that_stands_nowhere_at_a_look_counts_none() -> None:
    text = Checked(page(make_site([seen(0, label="ship"), seen(1)]))).text
    assert "ship" in text


def test_an_alert_without_a_place_has_a_card_and_no_mark() -> None:
    text = page(make_site([seen(0)], [make_report_alert(make_blind(), roles=())]))
    assert text.count('class="mark"') == 0
    assert text.count("<article") == 1


def test_badges_at_one_place_do_not_cover_each_other() -> None:
    alerts = [make_report_alert(make_finding(objects=(make_object(27.003, 16.983),))) for _ in range(4)]
    margins = re.findall(r"margin:(-?\d+px 0 0 -?\d+px)", page(make_site([seen(0)], alerts)))
    assert len(set(margins)) == 4


def test_pictures_left_out_are_said() -> None:
    alert = replace(make_report_alert(roles=()), n_left_out=2)
    assert "2 pictures left out" in Checked(page(make_site([seen(0)], [alert]))).text


def test_a_before_stands_beside_its_after() -> None:
    roles = ["before", "after", "after", "before", "after"]
    rows = pairs([Picture(role, b"") for role in roles])
    assert [[one.role for one in row] for row in rows] == [
        ["before", "after"],
        ["after"],
        ["before", "after"],
    ]


def test_the_before_of_a_departure_is_no_later_than_the_last_sight_of_it() -> None:
    # make_object was last seen a day before the alert; the look of half a day before shows it no more.
    site = make_site([seen(-2), seen(-1), seen(-0.5), seen(0)])
    words = picture_words(site, make_report_alert(make_finding(kind=Kind.DEPARTURE)), "before")
    assert words == "12 Dec 2024, 08:30 UTC or earlier"


def test_a_picture_of_a_site_is_cut_to_its_ground_and_reduced() -> None:
    pixels = np.zeros((2400, 2400, 3), np.uint8)
    half = GeoBounds(27.0, 16.98, 27.003, 16.986)
    picture = site_picture(pixels, BOUNDS, half, SEEN_AT)
    assert picture is not None
    image = cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape == (MAX_SIDE_PX, MAX_SIDE_PX // 2, 3)
    assert picture.bounds.east == pytest.approx(half.east)


def test_an_image_of_other_ground_gives_no_picture() -> None:
    elsewhere = GeoBounds(10.0, 10.0, 10.1, 10.1)
    assert site_picture(np.zeros((8, 8, 3), np.uint8), BOUNDS, elsewhere, SEEN_AT) is None


def test_a_record_from_the_wire_becomes_a_look() -> None:
    record: dict[str, object] = {"tile": "t", "time": "2024-12-13T08:30:00Z", "rejected": None}
    record |= {"usable_fraction": 0.9, "counts": {"aircraft": {"value": 3, "low": 2, "high": 5}}}
    assert look_of(record) == ReportLook(SEEN_AT, "t", None, 0.9, {"aircraft": Count(3, 2, 5)})


@pytest.mark.parametrize("span", [timedelta(0), timedelta(hours=5), timedelta(days=9), timedelta(days=4000)])
def test_an_axis_has_some_marks_and_not_too_many(span: timedelta) -> None:
    marks = time_axis([SEEN_AT, SEEN_AT + span], 0.0, 900.0).marks()
    assert 1 <= len(marks) <= 9


@pytest.mark.parametrize("most", [0, 1, 7, 10, 99, 12345])
def test_count_marks_reach_the_largest_count(most: int) -> None:
    marks = count_marks(most)
    assert marks[0] == 0
    assert marks[-1] >= max(most, 1)
    assert len(marks) <= 8


def test_a_period_over_new_year_names_both_years() -> None:
    first, last = datetime(2024, 12, 31, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
    assert said_period(first, last) == "31 Dec 2024 to 1 Jan 2025"


def test_text_in_an_element_is_escaped_and_an_element_is_not() -> None:
    assert element("p", "<", element("b", "&"), title='"') == '<p title="&quot;">&lt;<b>&amp;</b></p>'


def test_a_real_browser_opens_the_page_without_complaint(tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed (Debian: chromium)")
    (tmp_path / "page.html").write_text(full_page(), encoding="utf-8")
    shot = tmp_path / "shot.png"
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-sync",
    ]
    flags += ["--disable-background-networking", "--disable-component-update", "--enable-logging=stderr"]
    flags += [f"--user-data-dir={tmp_path / 'profile'}", f"--screenshot={shot}", "--window-size=1200,1600"]
    command = [chromium, *flags, (tmp_path / "page.html").as_uri()]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert not [line for line in run.stderr.splitlines() if "CONSOLE" in line]
    image = cv2.imread(str(shot))
    assert image is not None
    assert image.shape[:2] == (1600, 1200)
    assert image.std() > 10
