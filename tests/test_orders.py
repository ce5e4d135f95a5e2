"""Commands done: once, in order, whatever fails in between."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from edge.monitor.quiet import QuietSettings
from edge.opinions import Result
from edge.orders import MAX_ATTEMPTS, Moment, Orders, Powers
from edge.store import Store
from edge.transmit.command import TABLE, AnyCommand, EvidenceRequest, Reload, to_json
from edge.transmit.inbox import Received
from edge.transmit.link import Incoming
from edge.transmit.reception import CommandCounts, Reception
from tests.figures import Tell
from tests.transmit.commands import NOW, fuzzed, make_ping
from tests.transmit.make import open_store

TOPIC = "edge/v1/pier-7/reply"


class PowerCut(Exception):
    """The program ends here."""


def picture(_command: EvidenceRequest, _now: datetime) -> Result:
    return {}


class Device:
    """Orders over a store that can be opened again, as after a restart."""

    def __init__(
        self,
        folder: Path,
        *,
        facts: Callable[[], Mapping[str, object]] = dict,
        reload: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.store: Store = open_store(folder)
        self.counts = CommandCounts()
        self.orders = Orders(self.store, "pier-7", Powers(facts, picture, reload), self.counts)

    def hear(self, command: AnyCommand, *, is_repeat: bool = False) -> None:
        received = Received("mqtt", command.verb, to_json(command), is_repeat, TOPIC)
        assert self.store.inbox.put(received)

    def obey(self, now: datetime = NOW, *, is_trusted: bool = True) -> None:
        """All that waits."""
        while self.orders.take_next(Moment(now, is_trusted), QuietSettings()):
            pass

    def answers(self) -> list[dict[str, Any]]:
        return [json.loads(one.payload) for one in self.store.inbox.replies(0)]


def reasons(device: Device) -> list[str | None]:
    return [answer.get("reason") for answer in device.answers()]


def test_a_command_is_done_and_answered(tmp_path: Path) -> None:
    device = Device(tmp_path, facts=lambda: {"version": "1"})
    device.hear(make_ping())
    device.obey()
    assert device.answers() == [
        {"device": "pier-7", "id": "c-0123456789ab", "verb": "ping", "ok": True, "result": {"version": "1"}}
    ]
    assert device.counts.n_done == 1


def test_the_second_of_one_id_is_refused_in_one_go_and_after_a_restart(tmp_path: Path) -> None:
    device = Device(tmp_path)
    device.hear(make_ping())
    device.hear(make_ping())
    device.obey()
    again = Device(tmp_path)
    again.hear(make_ping())
    again.obey()
    assert reasons(again) == [None, "replayed", "replayed"]


def test_a_repeat_that_the_broker_sent_to_be_sure_is_not_answered_again(tmp_path: Path) -> None:
    device = Device(tmp_path)
    device.hear(make_ping())
    device.hear(make_ping(), is_repeat=True)
    device.obey()
    assert reasons(device) == [None]
    assert device.counts.refused() == {"replayed": 1}


@pytest.mark.parametrize(("is_trusted", "reason"), [(True, "from_the_future"), (False, None)])
def test_the_age_of_a_command_is_judged_by_what_the_clock_is_worth(
    tmp_path: Path, *, is_trusted: bool, reason: str | None
) -> None:
    device = Device(tmp_path)
    device.hear(make_ping(issued_at=NOW + timedelta(days=400)))
    device.obey(is_trusted=is_trusted)
    assert reasons(device) == [reason]


def test_an_expired_command_is_refused(tmp_path: Path) -> None:
    device = Device(tmp_path)
    device.hear(make_ping(expires_s=60))
    device.obey(NOW + timedelta(hours=1))
    assert reasons(device) == ["expired"]


def test_a_power_cut_in_the_middle_leaves_the_command_for_the_next_start(tmp_path: Path) -> None:
    def cut() -> Mapping[str, object]:
        raise PowerCut

    device = Device(tmp_path, facts=cut)
    device.hear(make_ping())
    with pytest.raises(PowerCut):
        device.obey()
    again = Device(tmp_path)
    again.obey()
    assert reasons(again) == [None]


def test_a_command_that_brings_the_device_down_is_given_up(tmp_path: Path) -> None:
    def cut() -> Mapping[str, object]:
        raise PowerCut

    Device(tmp_path).hear(make_ping())
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(PowerCut):
            Device(tmp_path, facts=cut).obey()
    device = Device(tmp_path, facts=cut)
    device.obey()
    assert reasons(device) == ["failed"]


def test_a_verb_of_an_earlier_release_is_refused_and_not_kept(tmp_path: Path) -> None:
    device = Device(tmp_path)
    device.store.inbox.put(Received("mqtt", "reboot", b"{}", reply_topic=TOPIC))
    device.obey()
    assert (reasons(device), device.store.inbox.next()) == (["unknown_verb"], None)


def test_a_faulty_configuration_is_told_to_who_asked_for_the_reload(tmp_path: Path) -> None:
    device = Device(tmp_path, reload=lambda: "edge.yaml:3: x" + "x" * 5000)
    device.hear(Reload(id="r-1", issued_at=NOW, expires_s=60))
    device.obey()
    [answer] = device.answers()
    assert (answer["reason"], len(answer["detail"])) == ("faulty_settings", 1000)


@pytest.mark.long
def test_a_hundred_thousand_fuzzed_commands_through_the_door_and_the_orders_leave_nothing_behind(
    tmp_path: Path, tell: Tell
) -> None:
    device = Device(tmp_path)
    # The disk is another test's business: this one is about what the commands do.
    device.store._database.rows("PRAGMA synchronous = OFF")
    door = Reception("pier-7", tuple(TABLE), device.store.inbox, device.counts)
    draw = random.Random(3)
    for n in range(100_000):
        verb, payload = fuzzed(draw)
        door.take(Incoming(f"edge/v1/pier-7/cmd/{verb}", payload, draw.random() < 0.05, reply_topic=TOPIC))
        if n % 7 == 0:
            device.obey(is_trusted=draw.random() < 0.5)
        for answer in door.answers():
            door.answered(answer)
    device.obey()
    used_bytes = device.store._database.used_bytes()
    tell(
        f"100,000 fuzzed commands at the door: {device.counts.n_done} done, the state has {used_bytes} bytes"
    )
    assert device.counts.n_done > 1000
    assert device.counts.n_ended == 100_000
    assert device.store.inbox.next() is None
    assert used_bytes < 1_000_000
