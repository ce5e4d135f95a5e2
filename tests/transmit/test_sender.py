"""The sender against a real Mosquitto."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from edge.monitor.finding import Severity
from edge.store import Commit, Store
from edge.transmit.alert import evidence_of
from edge.transmit.mqtt_settings import MqttSettings
from edge.transmit.outbox import Message, State
from edge.transmit.sender import Sender
from edge.transmit.uplink import UplinkSettings
from tests.broker import Broker, Subscriber, running_broker
from tests.transmit.fake_broker import PUBLISH, FakeBroker, answers
from tests.transmit.make import FAST, RECORDED_AT, make_alert, numbered, open_store

ALERT = "/north-airfield/alert"


class Reachable(Protocol):
    @property
    def url(self) -> str: ...


@contextmanager
def sending(
    folder: Path,
    broker: Reachable,
    uplink: UplinkSettings = FAST,
    settings: MqttSettings | None = None,
    draw: Callable[[], float] = lambda: 0.5,
) -> Iterator[Sender]:
    settings = settings or MqttSettings(url=broker.url)
    sender = Sender("pier-7", settings, uplink, lambda: open_store(folder).outbox, draw)
    sender.start()
    try:
        yield sender
    finally:
        assert sender.stop(10)


@contextmanager
def listening(broker: Broker, folder: Path, topic: str = "#", *options: str) -> Iterator[Subscriber]:
    subscriber = Subscriber(broker, folder, topic, *options)
    try:
        yield subscriber
    finally:
        subscriber.stop()


def until(claim: Callable[[], bool], within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not claim():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


def sequences(heard: list[tuple[str, bytes]]) -> list[int]:
    return [json.loads(payload)["sequence"] for _, payload in heard]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running_broker(tmp_path) as broker:
        yield broker


def test_a_committed_alert_is_heard_and_leaves_the_outbox(
    tmp_path: Path, store: Store, broker: Broker
) -> None:
    with listening(broker, tmp_path) as subscriber, sending(tmp_path, broker) as sender:
        store.commit(numbered(1))
        sender.wake()
        [(topic, payload)] = subscriber.wait_for(1, ALERT)
        until(lambda: store.outbox.statistics().n_waiting == 0)
    assert topic == "edge/v1/pier-7/north-airfield/alert"
    assert payload == store.open_alerts("north-airfield")[0].body


def test_pictures_go_on_their_own_topics_after_the_alert(
    tmp_path: Path, store: Store, broker: Broker
) -> None:
    pictures = (evidence_of("before", b"one"), evidence_of("after", b"two"))
    alert = make_alert(evidence=pictures)
    store.commit(Commit(done_at=RECORDED_AT, alerts=[alert]))
    store.tell_open("pier-7", RECORDED_AT)
    with listening(broker, tmp_path, "edge/v1/+/+/+/#") as subscriber, sending(tmp_path, broker):
        heard = [(topic.split("/", 4)[4], payload) for topic, payload in subscriber.wait_for(4)]
    assert [topic for topic, _ in heard] == [
        *("open", "alert"),
        *(f"evidence/{alert.alert_id}/0", f"evidence/{alert.alert_id}/1"),
    ]
    assert [payload for _, payload in heard[2:]] == [b"one", b"two"]


def test_every_connect_begins_with_online_open_inventory_health(
    tmp_path: Path, store: Store, broker: Broker
) -> None:
    store.outbox.set_retained("edge/v1/pier-7/health", b"{}")
    store.outbox.set_retained("edge/v1/pier-7/north-airfield/inventory", b"{}")
    store.commit(numbered(1))
    store.tell_open("pier-7", RECORDED_AT)
    with sending(tmp_path, broker):
        until(lambda: store.outbox.statistics().n_waiting == 0)
    with listening(broker, tmp_path, "#", "-R") as subscriber, sending(tmp_path, broker):
        heard = subscriber.wait_for(4)
    assert [topic.rpartition("/")[2] for topic, _ in heard[:4]] == ["status", "open", "inventory", "health"]


def test_a_late_joiner_sees_the_state_of_the_device(tmp_path: Path, store: Store, broker: Broker) -> None:
    store.commit(numbered(1))
    store.tell_open("pier-7", RECORDED_AT)
    with sending(tmp_path, broker):
        until(lambda: store.outbox.statistics().n_waiting == 0 and not store.outbox.retained(only_dirty=True))
        with listening(broker, tmp_path) as subscriber:
            heard = dict(subscriber.wait_for(2))
    assert heard["edge/v1/pier-7/status"] == b"online"
    assert len(json.loads(heard["edge/v1/pier-7/north-airfield/open"])["features"]) == 1


def test_alerts_made_while_the_broker_was_dead_arrive_afterwards_in_order_once(
    tmp_path: Path, store: Store, broker: Broker
) -> None:
    # The sender asks for its next wait when it has lost the broker; it gets it when somebody listens again.
    somebody_listens = threading.Event()
    with sending(tmp_path, broker, draw=lambda: float(somebody_listens.wait(20))) as sender:
        until(lambda: sender.statistics().is_connected)
        broker.kill()
        for n in range(50):
            store.commit(numbered(n))
            sender.wake()
        broker.start()
        with listening(broker, tmp_path) as subscriber:
            somebody_listens.set()
            subscriber.wait_for(50, ALERT)
            until(lambda: store.outbox.statistics().n_waiting == 0)
            heard = sequences(subscriber.heard(ALERT))
    assert heard == list(range(1, 51))


def test_a_broker_that_comes_back_is_found_again(tmp_path: Path, store: Store, broker: Broker) -> None:
    with sending(tmp_path, broker) as sender:
        until(lambda: sender.statistics().is_connected)
        for n in range(5):
            broker.kill()
            store.commit(numbered(n))
            broker.start()
            until(lambda: store.outbox.statistics().n_waiting == 0)
    assert sender.statistics().n_delivered == 5


def test_a_start_without_a_broker_waits_for_it(tmp_path: Path, store: Store) -> None:
    broker = Broker(tmp_path)
    store.commit(numbered(1))
    with sending(tmp_path, broker) as sender:
        until(lambda: sender.statistics().fault is not None)
        broker.start()
        until(lambda: store.outbox.statistics().n_waiting == 0)
    broker.kill()


SENDING_PROCESS = """
import sys, pathlib, time
from edge.transmit.mqtt_settings import MqttSettings
from edge.transmit.sender import Sender
from tests.transmit.fake_broker import PUBLISH, FakeBroker, answers
from tests.transmit.make import FAST, numbered, open_store
folder, url, first = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
sender = Sender("pier-7", MqttSettings(url=url), FAST, lambda: open_store(folder).outbox)
sender.start()
store = open_store(folder)
for n in range(first, first + 200):
    store.commit(numbered(n))
    sender.wake()
time.sleep(60)
"""


@contextmanager
def killed_at_the_end(folder: Path, broker: Broker, first: int) -> Iterator[None]:
    """A process that commits and sends, and is killed where the block ends."""
    command = [sys.executable, "-c", SENDING_PROCESS, str(folder), broker.url, str(first)]
    with subprocess.Popen(command) as child:
        yield
        child.send_signal(signal.SIGKILL)


def test_a_sender_killed_again_and_again_loses_nothing_and_repeats_only_what_folds(
    tmp_path: Path, store: Store, broker: Broker
) -> None:
    with listening(broker, tmp_path, "edge/v1/+/+/alert") as subscriber:
        for turn in range(4):
            with killed_at_the_end(tmp_path, broker, 1000 * turn):
                subscriber.wait_for(len(subscriber.heard()) + 30 + 7 * turn)
        with sending(tmp_path, broker):
            until(lambda: store.outbox.statistics().n_waiting == 0)
        n_committed = len(store.open_alerts("north-airfield"))
        until(lambda: len(set(sequences(subscriber.heard()))) == n_committed)
        heard = sequences(subscriber.heard())
    assert sorted(set(heard)) == list(range(1, n_committed + 1))
    assert len(heard) - n_committed <= 4 * 2 * FAST.window


def test_the_will_is_seen_when_the_device_dies(tmp_path: Path, broker: Broker) -> None:
    with listening(broker, tmp_path, "edge/v1/pier-7/status") as subscriber:
        with killed_at_the_end(tmp_path, broker, 0):
            subscriber.wait_for_payload(b"online")
        subscriber.wait_for_payload(b"offline")


def test_a_clean_stop_says_stopped_and_not_offline(tmp_path: Path, store: Store, broker: Broker) -> None:
    with listening(broker, tmp_path, "edge/v1/pier-7/status") as subscriber:
        with sending(tmp_path, broker) as sender:
            until(lambda: sender.statistics().is_connected)
        subscriber.wait_for_payload(b"stopped")
        until(lambda: "disconnected" in broker.log_text())
        assert [payload for _, payload in subscriber.heard()] == [b"online", b"stopped"]


def test_a_message_too_large_for_the_broker_is_put_aside_and_the_rest_goes(
    tmp_path: Path, store: Store
) -> None:
    big = Message("edge/v1/pier-7/s/evidence/A/0", bytes(30_000))
    with running_broker(tmp_path, ["allow_anonymous true", "max_packet_size 20000"]) as broker:
        store.commit(Commit(done_at=RECORDED_AT, messages=[big]))
        store.commit(numbered(1))
        with listening(broker, tmp_path) as subscriber, sending(tmp_path, broker) as sender:
            subscriber.wait_for(1, ALERT)
            until(lambda: store.outbox.statistics().n_waiting == 0)
    [dead] = store.outbox.entries(State.DEAD)
    assert dead.reason == "too large: the broker takes 20000 bytes, this needs 30043"
    assert sender.statistics().n_refused == 1


@pytest.mark.parametrize(("n_payload", "is_taken"), [(19_957, True), (19_958, False)])
def test_the_size_of_a_packet_is_known_to_the_byte(
    tmp_path: Path, store: Store, n_payload: int, is_taken: bool
) -> None:
    edge = Message("edge/v1/pier-7/s/evidence/A/0", bytes(n_payload))
    with running_broker(tmp_path, ["allow_anonymous true", "max_packet_size 20000"]) as broker:
        store.commit(Commit(done_at=RECORDED_AT, messages=[edge]))
        with sending(tmp_path, broker):
            until(lambda: store.outbox.statistics().n_waiting == 0)
    assert store.outbox.statistics().n_dead == (0 if is_taken else 1)


def test_a_denied_message_is_put_aside_and_the_rest_goes(tmp_path: Path, store: Store) -> None:
    acl = tmp_path / "acl"
    acl.write_text("topic read #\ntopic write edge/v1/pier-7/+/alert\ntopic write edge/v1/pier-7/status\n")
    store.commit(Commit(done_at=RECORDED_AT, messages=[Message("edge/v1/pier-8/s/alert", b"{}")]))
    store.commit(numbered(1))
    store.tell_open("pier-7", RECORDED_AT)
    with (
        running_broker(tmp_path, ["allow_anonymous true", f"acl_file {acl}"]) as broker,
        listening(broker, tmp_path) as subscriber,
        sending(tmp_path, broker) as sender,
    ):
        subscriber.wait_for(1, ALERT)
        until(lambda: store.outbox.statistics().n_waiting == 0)
        # The retained `open` is denied too: it is counted, and not tried for ever.
        until(lambda: sender.statistics().n_refused == 2)
    assert [entry.reason for entry in store.outbox.entries()] == [
        "refused by the broker: Not authorized (135)"
    ]
    assert sender.statistics().refused == {"not_authorized": 2}
    assert sender.statistics().n_delivered == 1


def test_a_frozen_broker_is_noticed_and_used_again_when_it_thaws(
    tmp_path: Path, store: Store, broker: Broker
) -> None:
    settings = MqttSettings(url=broker.url, keepalive_s=2, connect_timeout_s=1)
    with sending(tmp_path, broker, settings=settings) as sender:
        until(lambda: sender.statistics().is_connected)
        broker.pause()
        store.commit(numbered(1))
        sender.wake()
        until(lambda: not sender.statistics().is_connected, within_s=30)
        broker.resume()
        until(lambda: store.outbox.statistics().n_waiting == 0)


def test_a_dead_message_put_back_by_another_process_is_sent(
    tmp_path: Path, store: Store, broker: Broker
) -> None:
    store.commit(numbered(1))
    store.outbox.refuse(1, "denied once")
    with listening(broker, tmp_path) as subscriber, sending(tmp_path, broker) as sender:
        until(lambda: sender.statistics().is_connected)
        store.outbox.retry()
        subscriber.wait_for(1, ALERT)


def test_a_stop_while_the_broker_is_away_is_quick(tmp_path: Path) -> None:
    with sending(tmp_path, Broker(tmp_path), UplinkSettings(retry_first_s=60)) as sender:
        until(lambda: sender.statistics().fault is not None)
        assert sender.stop(3)


def test_a_stop_while_a_mute_broker_is_asked_is_quick(tmp_path: Path, broker: Broker) -> None:
    broker.pause()
    with sending(tmp_path, broker) as sender:
        time.sleep(0.1)
        assert sender.stop(3)


def test_a_state_that_cannot_be_opened_is_told_and_tried_again(tmp_path: Path, broker: Broker) -> None:
    folder = tmp_path / "later"
    with sending(folder, broker) as sender:
        until(lambda: "unable to open database file" in (sender.statistics().fault or ""))
        folder.mkdir()
        until(lambda: sender.statistics().is_connected)


def test_a_fault_is_logged_once_in_a_long_outage(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    waits = iter(range(10**9))
    with sending(tmp_path, Broker(tmp_path), draw=lambda: 0.1 * bool(next(waits))):
        until(lambda: next(waits) > 10)
    assert caplog.text.count("link down: link=mqtt") == 1


def test_an_old_broker_gets_mqtt_3(tmp_path: Path, store: Store) -> None:
    store.commit(numbered(1))
    with FakeBroker(answers(version=4)) as broker, sending(tmp_path, broker):
        until(lambda: store.outbox.statistics().n_waiting == 0)


def test_observations_do_not_wait_for_answers_that_never_come(
    tmp_path: Path, store: Store, broker: Broker
) -> None:
    observations = [Message("edge/v1/pier-7/s/observation", b"%d" % n, qos=0) for n in range(200)]
    store.commit(Commit(done_at=RECORDED_AT, messages=observations))
    with listening(broker, tmp_path, "edge/v1/+/+/observation") as subscriber, sending(tmp_path, broker):
        heard = [int(payload) for _, payload in subscriber.wait_for(200, within_s=5)]
    assert heard == list(range(200))


def test_a_message_that_mqtt_cannot_carry_is_put_aside_and_the_rest_goes(
    tmp_path: Path, store: Store, broker: Broker
) -> None:
    store.commit(Commit(done_at=RECORDED_AT, messages=[Message("edge/+", b"")]))
    store.commit(numbered(1))
    with sending(tmp_path, broker):
        until(lambda: store.outbox.statistics().n_waiting == 0)
    [dead] = store.outbox.entries()
    assert dead.reason == "no message of MQTT: Publish topic cannot contain wildcards."


def test_a_message_that_ends_every_connection_is_put_aside_and_the_rest_goes(
    tmp_path: Path, store: Store
) -> None:
    store.commit(Commit(done_at=RECORDED_AT, messages=[Message("edge/v1/pier-7/s/poison", b"{}")]))
    store.commit(numbered(1))
    with FakeBroker(answers(hangs_up_on=b"poison")) as broker, sending(tmp_path, broker):
        until(lambda: store.outbox.statistics().n_waiting == 0)
    [dead] = store.outbox.entries()
    assert dead.reason == "the connection broke 5 times while this was sent"


def test_those_behind_a_message_that_ends_every_connection_do_not_wait_until_it_is_given_up(
    tmp_path: Path, store: Store
) -> None:
    store.commit(Commit(done_at=RECORDED_AT, messages=[Message("edge/v1/pier-7/s/poison", b"{}")]))
    for n in range(30):
        store.commit(numbered(n))
    patient = UplinkSettings(retry_first_s=0.05, retry_max_s=0.2, max_attempts=10**6)
    with FakeBroker(answers(hangs_up_on=b"poison")) as broker, sending(tmp_path, broker, patient):
        until(lambda: store.outbox.statistics().n_waiting == 1)
    [entry] = store.outbox.entries()
    assert (entry.topic, entry.state) == ("edge/v1/pier-7/s/poison", State.WAITING)


def test_a_severe_alert_overtakes_what_waits(tmp_path: Path, store: Store, broker: Broker) -> None:
    for n in range(3):
        store.commit(numbered(n))
    store.commit(numbered(3, Severity.SEVERE))
    with listening(broker, tmp_path) as subscriber, sending(tmp_path, broker):
        assert sequences(subscriber.wait_for(4, ALERT)) == [4, 1, 2, 3]


def test_a_severe_alert_overtakes_what_was_fetched_already(tmp_path: Path, store: Store) -> None:
    for n in range(20):
        store.commit(numbered(n))
    heard: list[int] = []
    has_first, may_go_on = threading.Event(), threading.Event()
    take = answers()

    def answer(kind: int, body: bytes) -> Iterable[bytes | None]:
        if kind == PUBLISH and b"/alert" in body:
            heard.append(json.loads(body[body.index(b"{") :])["sequence"])
            has_first.set()
            may_go_on.wait(20)
        return take(kind, body)

    one_at_a_time = UplinkSettings(retry_first_s=0.05, window_bytes=1024)
    with FakeBroker(answer) as broker, sending(tmp_path, broker, one_at_a_time) as sender:
        assert has_first.wait(20)
        store.commit(numbered(20, Severity.EXTREME))
        sender.wake()
        may_go_on.set()
        until(lambda: store.outbox.statistics().n_waiting == 0)
    assert heard[:3] == [1, 21, 2]


def test_what_a_broker_of_3_1_1_takes_is_not_counted_as_delivered(tmp_path: Path, store: Store) -> None:
    store.commit(numbered(1))
    with FakeBroker(answers(version=4)) as broker, sending(tmp_path, broker) as sender:
        until(lambda: sender.statistics().n_unconfirmed == 1)
    assert (sender.statistics().mqtt, sender.statistics().n_delivered) == ("3.1.1", 0)


def test_reasons_are_counted_by_their_names(tmp_path: Path, store: Store) -> None:
    for n in range(3):
        store.commit(numbered(n))
    with FakeBroker(answers(n_over_quota=1)) as broker, sending(tmp_path, broker) as sender:
        until(lambda: store.outbox.statistics().n_waiting == 0)
    assert sender.statistics().lost == {"quota_exceeded": 1}


def test_a_broker_that_is_out_of_quota_gets_everything_later(tmp_path: Path, store: Store) -> None:
    for n in range(30):
        store.commit(numbered(n))
    soon = UplinkSettings(retry_first_s=0.01, retry_max_s=0.01, max_attempts=2)
    with FakeBroker(answers(n_over_quota=3)) as broker, sending(tmp_path, broker, soon):
        until(lambda: store.outbox.statistics().n_waiting == 0)
    assert store.outbox.entries() == []


def test_a_broker_that_takes_one_at_a_time_is_sent_one_at_a_time(tmp_path: Path, store: Store) -> None:
    for n in range(10):
        store.commit(numbered(n))
    with FakeBroker(answers(receive_maximum=1)) as broker, sending(tmp_path, broker):
        until(lambda: store.outbox.statistics().n_waiting == 0)
    assert broker.n_at_once == 1


def test_a_broker_that_talks_nonsense_is_only_a_link_that_is_down(tmp_path: Path, store: Store) -> None:
    store.commit(numbered(1))
    dice = random.Random(7)
    nonsense = [bytes(dice.choices(range(256), k=dice.randrange(1, 40))) for _ in range(400)]
    # Half of them come after a good CONNACK.
    talks = iter([b"\x20\x03\x00\x00\x00" * (n % 2) + line for n, line in enumerate(nonsense)])
    with (
        FakeBroker(lambda _kind, _packet: [next(talks, b""), None]) as broker,
        sending(
            tmp_path, broker, UplinkSettings(retry_first_s=0.001, retry_max_s=0.001, max_attempts=10**6)
        ) as sender,
    ):
        until(lambda: next(talks, None) is None)
        assert sender.is_alive
    assert store.outbox.statistics().n_waiting == 1
