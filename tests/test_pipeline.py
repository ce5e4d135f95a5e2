"""One tile through every step, with a model that finds what there is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import pytest

from edge.acquire.quality import QualitySettings
from edge.acquire.reference import ReferenceSettings
from edge.acquire.registration import Reference, RegistrationSettings
from edge.acquire.tile import Rgb, Tile
from edge.detect.manifest import Model
from edge.detect.model import Models, load
from edge.detect.objects import DetectSettings
from edge.geo import Site
from edge.monitor.finding import Kind
from edge.monitor.inventory import InventorySettings
from edge.monitor.quiet import NOTHING, Quiet, QuietPlace, Snooze
from edge.monitor.rules import ArrivalRule, BlindRule, DepartureRule
from edge.monitor.state import SiteState
from edge.pipeline import Known, SiteOutcome, Tools, WatchedSite, process
from tests.detect.make import write_model
from tests.e2e.archive import FIRST_AT, GSD_M, OBJECT_PX, A, B, Place, bounds_of, picture

WATCHED = WatchedSite(
    Site("field", bounds_of()),
    (ArrivalRule(arrival="aircraft"), DepartureRule(departure="aircraft"), BlindRule(blind_hours=72)),
    QualitySettings(),
    RegistrationSettings(),
    ReferenceSettings(),
    InventorySettings(),
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load(write_model(tmp_path_factory.mktemp("model"), max_object_px=OBJECT_PX + 8))


class Line:
    """A site on its way through several tiles."""

    def __init__(self, model: Model) -> None:
        self.state = SiteState.empty(WATCHED.site)
        self.reference: Reference | None = None
        self.kept: dict[str, Rgb] = {}
        self.quiet = NOTHING
        self.tools = Tools(Models(model), DetectSettings(), self.kept.get)

    def take(self, tile: Tile) -> SiteOutcome:
        (outcome,) = process(tile, [Known(WATCHED, self.state, self.reference, self.quiet)], self.tools)
        self.state = outcome.state
        self.reference = outcome.reference or self.reference
        self.kept[tile.sha256] = tile.pixels
        return outcome

    def show(self, day: int, *places: Place) -> SiteOutcome:
        return self.take(tile_of(day, picture(places, day)))


def tile_of(day: float, pixels: Rgb, gsd_m: float = GSD_M) -> Tile:
    return Tile(f"day-{day}", pixels, bounds_of(), gsd_m, seen_on(day), f"{day}" * 8)


def seen_on(day: float) -> datetime:
    return FIRST_AT + timedelta(days=day - 1)


def kinds(outcome: SiteOutcome) -> Sequence[str]:
    return [told.finding.kind for told in outcome.told]


def test_an_arrival_is_shown_before_and_after(model: Model) -> None:
    line = Line(model)
    line.show(1, A)
    outcome = line.show(2, A, B)
    assert kinds(outcome) == ["arrival"]
    assert [shown.role for shown in outcome.told[0].evidence] == ["before", "after"]


def test_without_the_earlier_tile_an_alert_shows_what_there_is(model: Model) -> None:
    line = Line(model)
    line.show(1, A)
    line.kept.clear()
    assert [shown.role for shown in line.show(2, A, B).told[0].evidence] == ["after"]


def test_a_source_that_repeats_one_picture_under_new_times_is_found_out(model: Model) -> None:
    line = Line(model)
    pixels = picture((A,), 1)
    line.take(tile_of(1, pixels))
    assert line.take(tile_of(2, pixels)).reject == "frozen"


def test_pictures_that_nobody_can_use_make_the_site_blind_with_the_reason(model: Model) -> None:
    line = Line(model)
    line.show(1, A)
    dark = np.zeros((512, 512, 3), np.uint8) + 2
    assert line.take(tile_of(2, dark)).reject is not None
    outcome = line.take(tile_of(5, dark + 1))
    assert kinds(outcome) == ["blind"]
    assert outcome.told[0].finding.why[0]["reason"] == line.state.last_reject


def test_blindness_ends_with_the_next_usable_look(model: Model) -> None:
    line = Line(model)
    line.show(1, A)
    line.take(tile_of(5, np.zeros((512, 512, 3), np.uint8) + 2))
    outcome = line.show(6, A)
    assert [told.finding.phase for told in outcome.told] == ["end"]


def test_a_tile_too_coarse_for_the_model_is_refused_with_the_range(model: Model) -> None:
    coarse = tile_of(1, picture((A,), 1)[::8, ::8].copy(), gsd_m=GSD_M * 8)
    outcome = Line(model).take(coarse)
    assert outcome.reject == "gsd_too_coarse"
    assert "expected" in str(outcome.record["detail"])


def test_a_tile_that_is_refused_changes_no_inventory(model: Model) -> None:
    line = Line(model)
    line.show(1, A)
    before = line.state.inventory
    line.take(tile_of(2, np.full((512, 512, 3), 255, np.uint8)))
    assert line.state.inventory == before


def test_an_object_cut_by_the_edge_of_the_data_begins_no_track(model: Model) -> None:
    line = Line(model)
    pixels = picture((A,), 1)
    pixels[:, : A[0] + OBJECT_PX // 2] = 0
    line.take(tile_of(1, pixels))
    assert line.state.inventory.tracks == ()


def test_the_first_look_makes_the_reference_and_the_next_one_keeps_it(model: Model) -> None:
    line = Line(model)
    assert line.show(1, A).reference is not None
    assert line.show(2, A).reference is None


def test_what_is_kept_quiet_is_counted_and_not_told(model: Model) -> None:
    line = Line(model)
    line.show(1, A)
    (found,) = line.show(2, A, B).told[0].finding.objects
    line.quiet = Quiet(
        (QuietPlace("7Q2M5K0C9T4E", Kind.ARRIVAL, found.label, found.position, found.length_m, seen_on(30)),)
    )
    outcome = line.show(3, A)
    assert (kinds(outcome), outcome.n_hidden) == ([], 1)


def test_blindness_that_is_snoozed_is_told_when_the_snooze_is_over(model: Model) -> None:
    line = Line(model)
    line.show(1, A)
    line.quiet = Quiet(snoozes=(Snooze("7Q2M5K0C9T4E", None, seen_on(7)),))
    dark = np.zeros((512, 512, 3), np.uint8) + 2
    assert kinds(line.take(tile_of(5, dark))) == []
    assert kinds(line.take(tile_of(8, dark + 1))) == ["blind"]
