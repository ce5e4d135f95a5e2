"""How soon a frozen broker, a dead device and a bad message are noticed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from edge.store import Commit
from edge.transmit.mqtt_settings import MqttSettings
from edge.transmit.outbox import Message, State
from tests.broker import Broker, running_broker
from tests.e2e.archive import write_config
from tests.e2e.program import running
from tests.figures import Tell
from tests.transmit.make import RECORDED_AT, numbered, open_store
from tests.transmit.test_sender import ALERT, killed_at_the_end, listening, sending, until

KEEPALIVE_S = 3


@pytest.mark.long
@pytest.mark.parametrize("is_busy", [False, True], ids=["idle", "with messages on their way"])
def test_a_frozen_broker_is_noticed_within_two_keepalives_and_2_s(
    tmp_path: Path, broker: Broker, tell: Tell, *, is_busy: bool
) -> None:
    store = open_store(tmp_path)
    settings = MqttSettings(url=broker.url, keepalive_s=KEEPALIVE_S, connect_timeout_s=1)
    took_s = []
    with sending(tmp_path, broker, settings=settings) as sender:
        for n in range(5):
            until(lambda: sender.statistics().is_connected)
            # Anywhere between two signs of life.
            time.sleep(0.7 * n)
            broker.pause()
            frozen_at = time.monotonic()
            if is_busy:
                store.commit(numbered(n))
                sender.wake()
            until(lambda: not sender.statistics().is_connected)
            took_s.append(time.monotonic() - frozen_at)
            broker.resume()
    tell(f"frozen broker noticed after {min(took_s):.1f} to {max(took_s):.1f} s, keepalive {KEEPALIVE_S} s")
    assert max(took_s) <= 2 * KEEPALIVE_S + 2


@pytest.mark.long
def test_the_will_is_seen_within_2_s_of_a_kill(tmp_path: Path, broker: Broker, tell: Tell) -> None:
    open_store(tmp_path)
    took_s = []
    with listening(broker, tmp_path, "edge/v1/pier-7/status") as subscriber:
        for turn in range(10):
            with killed_at_the_end(tmp_path, broker, 1000 * turn):
                subscriber.wait_for_payload(b"online")
            killed_at = time.monotonic()
            subscriber.wait_for_payload(b"offline")
            took_s.append(time.monotonic() - killed_at)
    tell(f"will seen {max(took_s):.2f} s after kill -9 at the latest of {len(took_s)}")
    assert max(took_s) <= 2.0


@pytest.mark.long
def test_a_clean_stop_of_the_daemon_says_stopped_and_never_offline(
    tmp_path: Path, broker: Broker, tell: Tell
) -> None:
    took_s = []
    with listening(broker, tmp_path, "edge/v1/pier-7/status") as subscriber:
        with running(write_config(tmp_path / "device", broker.url)) as daemon:
            for _ in range(5):
                subscriber.wait_for_payload(b"online")
                stopped_at = time.monotonic()
                assert daemon.stop() == 0
                subscriber.wait_for_payload(b"stopped")
                took_s.append(time.monotonic() - stopped_at)
                daemon.start()
            subscriber.wait_for_payload(b"online")
            assert daemon.stop() == 0
        subscriber.wait_for_payload(b"stopped")
        said = [payload for _, payload in subscriber.heard()]
    tell(f"clean stop: `stopped` heard {max(took_s):.2f} s after SIGTERM at the latest of {len(took_s)}")
    assert said == [b"online", b"stopped"] * 6


@pytest.mark.long
def test_an_alert_behind_oversize_and_denied_messages_comes_within_5_s(tmp_path: Path, tell: Tell) -> None:
    store = open_store(tmp_path)
    acl = tmp_path / "acl"
    acl.write_text("topic read #\ntopic write edge/v1/pier-7/#\n")
    lines = ["allow_anonymous true", "max_packet_size 20000", f"acl_file {acl}"]
    bad = [
        message
        for n in range(100)
        for message in (
            Message(f"edge/v1/pier-7/s/evidence/A/{n}", bytes(30_000)),
            Message(f"edge/v1/pier-8/s/evidence/A/{n}", b"denied"),
        )
    ]
    with (
        running_broker(tmp_path, lines) as broker,
        listening(broker, tmp_path) as subscriber,
        sending(tmp_path, broker) as sender,
    ):
        until(lambda: sender.statistics().is_connected)
        store.commit(Commit(done_at=RECORDED_AT, messages=bad))
        store.commit(numbered(1))
        committed_at = time.monotonic()
        sender.wake()
        subscriber.wait_for(1, ALERT)
        took_s = time.monotonic() - committed_at
        until(lambda: store.outbox.statistics().n_waiting == 0)
    tell(f"alert behind 100 oversize and 100 denied messages came after {took_s:.2f} s")
    assert took_s <= 5.0
    assert len(store.outbox.entries(State.DEAD)) == 200
    assert sender.statistics().refused == {"too_large": 100, "not_authorized": 100}
