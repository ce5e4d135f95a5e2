"""The demo: the whole chain in one real run, and its judgement of itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge import config
from edge.demo import words
from edge.demo.broker import NoBroker, chosen
from edge.demo.listener import Heard
from edge.demo.process import DemoFailed, running
from edge.demo.stagecraft import config_text, site_of, sky
from edge.demo.verdict import Happening, Verdict, happened, verdict
from edge.drill.events import moments
from edge.drill.library import built_in
from edge.geo import Grid, LngLat, moved_by
from edge.transmit.alert import evidence_of, to_json
from edge.transmit.link import Incoming
from tests.broker import program
from tests.drill.make import make_stage
from tests.transmit.make import make_alert, make_look

HERE = LngLat(27.002, 16.997)


def event(number: int = 1, kind: str = "arrival", east_m: float = 0.0) -> Happening:
    return Happening(number, kind, moved_by(HERE, east_m, 0.0))


def heard(*messages: tuple[str, bytes]) -> Heard:
    found = Heard()
    for last, payload in messages:
        found.take(Incoming(f"edge/v1/demo/{last}", payload, is_retained=False), 0.0)
    return found


def test_the_demo_shows_the_whole_chain_and_writes_its_report(tmp_path: Path) -> None:
    program("mosquitto")
    command = [sys.executable, "-m", "edge", "demo", "--out", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("\nday ") == 8
    assert "arrived at apron" in run.stdout
    assert "demo is stopped" in run.stdout
    assert "<article" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_what_was_told_at_its_look_or_later_is_found() -> None:
    told = [event(3, east_m=10), event(4, "departure")]
    assert verdict([event(3), event(3, "departure")], told) == Verdict(
        (event(3), event(3, "departure")), (), ()
    )


def test_what_was_told_too_early_too_far_away_or_as_another_kind_is_false() -> None:
    told = [event(2), event(3, east_m=40), event(3, "departure")]
    result = verdict([event(3)], told)
    assert result.missed == (event(3),)
    assert result.false == tuple(told)


def test_one_happening_is_found_once() -> None:
    assert verdict([event()], [event(), event()]).false == (event(),)


def test_only_happenings_in_the_zone_are_asked_for() -> None:
    stage = make_stage(size_m=614.4)
    inside, outside = [400.0, 400.0, 440.0, 440.0], [10.0, 1000.0, 20.0, 1010.0]
    truth = {
        "passes": [
            {"arrived": None, "departed": None},
            {"arrived": [inside, outside], "departed": [inside]},
        ]
    }
    found = happened(truth, Grid(stage.bounds, 1024, 1024), site_of(stage).zones[0])
    assert [(one.number, one.kind) for one in found] == [(2, "arrival"), (2, "departure")]


def test_the_configuration_of_the_demo_has_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "edge.yaml"
    (tmp_path / "spool").mkdir()
    path.write_text(config_text(site_of(make_stage()), tmp_path, "mqtt://127.0.0.1:1"), encoding="utf-8")
    assert config.faults(path) == []


def test_the_air_of_each_day_is_told() -> None:
    said = [sky(moment) for moment in moments(built_in("airfield-days"))]
    assert said == ["clear", "clear", "clear", "clear", "haze", "overcast", "a cloud", "clear"]


def test_a_rejected_look_is_told_with_its_reason() -> None:
    moment = next(moments(built_in("airfield-days")))
    line = words.day_line(moment, {"rejected": "too_dark", "counts": {}}, [])
    assert line == "day 1   1 Dec 08:30  clear     -> look rejected: too dark"


def test_the_summary_names_what_was_missed_and_what_was_false() -> None:
    result = Verdict((event(3),), (event(4, "departure"),), (event(5),))
    text = "\n".join(words.summary(result, [{"rejected": None}, {"rejected": "clouded"}], [], 0, [1.0, 3.0]))
    assert "1 of 2 (missed: departure on day 4)" in text
    assert "1 (told: arrival on day 5)" in text
    assert "1 of use, 1 rejected: clouded" in text
    assert "2.0 s from tile dropped to alert received (median), 3.0 s at most" in text


def test_a_look_is_complete_only_with_the_pictures_of_its_alerts() -> None:
    shown = evidence_of("after", b"jpeg")
    alert = make_alert(look=make_look(), evidence=(shown,), sequence=1)
    tile = make_look().tile
    messages = [("s/alert", to_json(alert)), ("s/observation", b'{"tile": "%s"}' % tile.encode())]
    assert not heard(*messages).has_all_of(tile)
    assert heard(*messages, ("s/evidence/ID/0", shown.jpeg)).has_all_of(tile)


def test_a_picture_that_no_alert_names_is_not_counted() -> None:
    assert heard(("s/evidence/ID/0", b"another")).n_pictures() == 0


def test_without_a_broker_the_demo_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(NoBroker) as refused:
        chosen(None, tmp_path, 1883, has_amqtt=False)
    assert str(refused.value) == (
        "demo: broker: expected mosquitto or amqtt, got neither; "
        "install one: `sudo apt-get install mosquitto` or `pip install 'edge-monitor[demo]'`"
    )


def test_mosquitto_is_taken_before_amqtt(tmp_path: Path) -> None:
    assert chosen("/usr/sbin/mosquitto", tmp_path, 1883, has_amqtt=True)[0] == "mosquitto"
    assert chosen(None, tmp_path, 1883, has_amqtt=True)[0] == "amqtt"


def test_a_program_that_ended_is_told_with_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('no such model'); raise SystemExit(78)"]
    with running("daemon", command, tmp_path / "log") as one:
        one.wait()
        with pytest.raises(DemoFailed, match=r"(?s)daemon: ended with exit code 78.*no such model"):
            one.check()


def test_a_program_ends_with_its_block(tmp_path: Path) -> None:
    with running("sleeper", [sys.executable, "-c", "import time; time.sleep(60)"], tmp_path / "log") as one:
        one.check()
    with pytest.raises(DemoFailed):
        one.check()
