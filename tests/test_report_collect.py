"""The collector of a replay's report: what it keeps of each step, and what it leaves out."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from edge.acquire.quality import QualitySettings
from edge.acquire.reference import ReferenceSettings
from edge.acquire.registration import RegistrationSettings
from edge.acquire.tile import Tile
from edge.errors import TileRefused
from edge.geo import GeoBounds, Site
from edge.monitor.inventory import InventorySettings
from edge.monitor.state import SiteState
from edge.pipeline import SiteOutcome, WatchedSite
from edge.replay import ArchivedTile, Step
from edge.report.collect import MAX_REFUSED, Collector
from edge.report.facts import Report
from edge.transmit.alert import Alert, evidence_of
from tests.transmit.make import SEEN_AT, make_alert, make_look

SITE = Site("north-airfield", GeoBounds(27.0, 16.98, 27.0003, 16.9803))
WATCHED = {
    SITE.site_id: WatchedSite(
        SITE, (), QualitySettings(), RegistrationSettings(), ReferenceSettings(), InventorySettings()
    )
}


def step(
    day: int, usable_fraction: float = 1.0, reject: str | None = None, alerts: tuple[Alert, ...] = ()
) -> Step:
    at = SEEN_AT + timedelta(days=day)
    tile = Tile(f"tile-{day}", np.full((64, 64, 3), day, np.uint8), SITE.bounds, 0.51, at, "0" * 64)
    record: dict[str, object] = {"tile": tile.tile_id, "time": at, "rejected": reject}
    record |= {"usable_fraction": usable_fraction, "counts": {}}
    outcome = SiteOutcome(SITE.site_id, SiteState.empty(SITE), reject, record, ())
    return Step(archived(day), None, tile, (outcome,), alerts)


def archived(day: int) -> ArchivedTile:
    return ArchivedTile(Path(f"{day}.jpg"), None, SEEN_AT + timedelta(days=day))


def report_of(*steps: Step, max_picture_bytes: int = 1000) -> Report:
    collector = Collector(WATCHED, max_picture_bytes=max_picture_bytes)
    for one in steps:
        collector.add(one)
    return collector.report("title", made_by="edge", models={})


def pictured_at(report: Report) -> datetime:
    picture = report.sites[0].picture
    assert picture is not None
    return picture.at


def test_every_look_is_kept_in_order() -> None:
    looks = report_of(step(0), step(1, 0.0, "clouded"), step(2)).sites[0].looks
    assert [(look.tile_id, look.rejected) for look in looks] == [
        ("tile-0", None), ("tile-1", "clouded"), ("tile-2", None),
    ]  # fmt: skip


def test_the_picture_of_a_site_is_its_latest_clear_look() -> None:
    assert pictured_at(report_of(step(0), step(1), step(2, 0.5))) == SEEN_AT + timedelta(days=1)


def test_without_a_clear_look_the_clearest_gives_the_picture() -> None:
    assert pictured_at(report_of(step(0, 0.3), step(1, 0.6), step(2, 0.4))) == SEEN_AT + timedelta(days=1)


def test_a_rejected_look_gives_no_picture() -> None:
    assert report_of(step(0, 0.0, "clouded")).sites[0].picture is None


def test_an_alert_keeps_its_pictures_while_there_is_room() -> None:
    shown = (evidence_of("after", b"x" * 600),)
    alerts = tuple(make_alert(look=make_look(), evidence=shown, sequence=n) for n in (1, 2))
    kept = report_of(step(0, alerts=alerts)).sites[0].alerts
    assert [(len(one.pictures), one.n_left_out) for one in kept] == [(1, 0), (0, 1)]


def test_refused_files_are_counted_and_the_first_are_named() -> None:
    refused = [Step(archived(day), TileRefused("bad_image", "why")) for day in range(MAX_REFUSED + 5)]
    report = report_of(*refused)
    assert report.n_refused == MAX_REFUSED + 5
    assert len(report.refused) == MAX_REFUSED
    assert report.sites == ()
