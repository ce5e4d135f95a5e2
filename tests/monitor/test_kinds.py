"""Labels that are kinds of a wider one: one object stays one, whatever a look calls it."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from edge.monitor.inventory import InventorySettings, Recall
from edge.monitor.kinds import USUAL, elected, fused, is_a
from edge.monitor.rules import default_rules
from edge.monitor.track import Sighting
from tests.monitor.scenes import Watch, day, make_sight, seen

STAND_1 = (200.0, 200.0)
STAND_2 = (500.0, 500.0)
BOTH = Recall({"aircraft": 0.9, "helicopter": 0.4})
SIGHT = make_sight(day(1))


def called(label: str, score: float = 0.95, place: tuple[float, float] = STAND_1) -> Sighting:
    """What a look at day 1 calls so."""
    return replace(seen(SIGHT, *place, score=score), label=label)


def watched(*labels: str, settings: InventorySettings | None = None) -> tuple[Watch, int, int]:
    """A site on which one object is called so day after day; how many arrivals and departures that makes."""
    watch, n_arrived, n_departed = Watch(settings or InventorySettings()), 0, 0
    watch.show(SIGHT, [called("aircraft", place=STAND_2)], BOTH)
    for n, label in enumerate(labels, 2):
        delta = watch.show(make_sight(day(n)), [called(label), called("aircraft", place=STAND_2)], BOTH)
        n_arrived, n_departed = n_arrived + len(delta.arrived), n_departed + len(delta.departed)
    return watch, n_arrived, n_departed


def test_a_helicopter_is_an_aircraft_and_no_aircraft_is_a_helicopter() -> None:
    assert is_a("helicopter", "aircraft", USUAL)
    assert not is_a("aircraft", "helicopter", USUAL)


def test_a_rule_about_nothing_is_about_no_label() -> None:
    assert not is_a("aircraft", None, USUAL)


def test_an_object_that_is_called_now_one_now_the_other_comes_once_and_stays() -> None:
    watch, n_arrived, n_departed = watched("helicopter", "aircraft", "helicopter", "aircraft", "helicopter")
    assert (n_arrived, n_departed) == (1, 0)
    assert len(watch.inventory.present()) == 2


def test_an_object_is_called_what_most_of_its_looks_say() -> None:
    watch, _, _ = watched("helicopter", "aircraft", "helicopter", "helicopter")
    assert sorted(track.label for track in watch.inventory.present()) == ["aircraft", "helicopter"]


def test_a_sure_word_outweighs_a_doubtful_one() -> None:
    assert elected({"aircraft": 0.9, "helicopter": 1.1}, "aircraft") == "helicopter"
    assert elected({"aircraft": 0.9, "helicopter": 0.9}, "helicopter") == "helicopter"


def test_labels_that_are_kept_apart_are_two_objects() -> None:
    watch, n_arrived, _ = watched("helicopter", "aircraft", settings=InventorySettings(kinds={}))
    assert n_arrived == 2
    assert len(watch.inventory.present()) == 3


def test_one_spot_under_two_labels_is_one_detection_and_a_surer_one() -> None:
    (one,) = fused([called("helicopter", 0.4), called("aircraft", 0.5)], USUAL)
    assert one.label == "aircraft"
    assert one.score == pytest.approx(0.7)


def test_two_spots_under_two_labels_are_two_detections() -> None:
    sightings = [called("helicopter"), called("aircraft", place=STAND_2)]
    assert fused(sightings, USUAL) == sightings


def test_a_lorry_beside_an_aircraft_is_no_kind_of_it() -> None:
    sightings = [called("vehicle"), called("aircraft")]
    assert fused(sightings, USUAL) == sightings


def test_a_kind_of_a_kind_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="expected a label that is no kind of another"):
        msgspec.convert({"kinds": {"gyrocopter": "helicopter", "helicopter": "aircraft"}}, InventorySettings)


def test_without_a_configuration_a_helicopter_is_not_told_twice() -> None:
    assert [rule.label for rule in default_rules(("aircraft", "ship", "helicopter"))] == [
        "aircraft", "aircraft", "ship", "ship", None,
    ]  # fmt: skip
