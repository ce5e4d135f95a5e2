"""config/mosquitto as it ships: a certificate opens its own device's topics and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from edge.errors import LinkDown
from edge.transmit.command import Verb
from edge.transmit.home_assistant import discovery_topic
from edge.transmit.link import Incoming, Wake
from edge.transmit.mqtt import MqttLink, open_link
from edge.transmit.mqtt_settings import MqttSettings
from edge.transmit.sender import Sender
from edge.transmit.topics import Topics
from edge.transmit.uplink import Outgoing
from tests.figures import Tell
from tests.transmit.hardened_broker import Certificates, HardenedBroker
from tests.transmit.make import FAST, numbered, open_store
from tests.transmit.test_mqtt import acked
from tests.transmit.test_sender import until

ALERT = "edge/v1/pier-7/north-airfield/alert"
ALERT_ID = "7Q2M5K0C9T4E"
# A device id that Home Assistant cannot write as it is.
DOTTED = "pier.9"
Connect = Callable[..., MqttLink]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    certificates = Certificates(tmp_path_factory.mktemp("certificates"))
    certificates.client(DOTTED)
    return certificates


@pytest.fixture(scope="module")
def broker(certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HardenedBroker]:
    with started(HardenedBroker(tmp_path_factory.mktemp("broker"), certificates)) as broker:
        yield broker


@contextmanager
def started(broker: HardenedBroker) -> Iterator[HardenedBroker]:
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


@pytest.fixture
def wake() -> Iterator[Wake]:
    wake = Wake()
    yield wake
    wake.close()


@pytest.fixture
def connect(broker: HardenedBroker, certificates: Certificates, wake: Wake) -> Iterator[Connect]:
    links = []

    def connected(name: str, client_id: str | None = None, session_expiry_s: int = 0) -> MqttLink:
        settings = msgspec.structs.replace(
            broker.settings(certificates, name), session_expiry_s=session_expiry_s
        )
        links.append(open_link(settings, client_id or f"edge-{name}", wake))
        return links[-1]

    yield connected
    for link in links:
        link.abort()


def messages(link: MqttLink) -> Iterator[Incoming]:
    """What comes on the subscriptions, as it comes; fails where nothing comes any more."""
    silent_since = time.monotonic()
    while time.monotonic() < silent_since + 10:
        for message in link.step(0.5).messages:
            silent_since = time.monotonic()
            yield message
    raise AssertionError("expected a message, none came in 10 s")


def settled(link: MqttLink) -> None:
    """The broker has its subscriptions: it answers in order, what it denies too."""
    acked(link, Outgoing("nowhere", b""))


def next_message(link: MqttLink) -> Incoming:
    return next(messages(link))


def test_a_device_writes_its_own_topics_and_a_desk_reads_them(connect: Connect) -> None:
    desk = connect("desk")
    desk.subscribe(["edge/v1/+/+/alert"])
    settled(desk)
    assert acked(connect("pier-7"), Outgoing(ALERT, b"{}")) is None
    assert next_message(desk).topic == ALERT


@pytest.mark.parametrize(
    "topic",
    [ALERT, "edge/v1/pier-7/status", "edge/v1/pier-7/cmd/ack", "edge/v1/pier-7/ack", "$SYS/x", "other"],
)
def test_a_device_cannot_write_beside_its_own_topics(connect: Connect, topic: str) -> None:
    refusal = acked(connect("pier-8"), Outgoing(topic, b"forged"))
    assert refusal == "refused by the broker: Not authorized (135)"


@pytest.mark.parametrize("asked", ["#", "edge/v1/#", "edge/v1/pier-7/#", ALERT, "$share/x/edge/v1/#"])
def test_a_device_reads_its_own_commands_and_nothing_of_another(connect: Connect, asked: str) -> None:
    other = connect("pier-8")
    other.subscribe([asked])
    other.subscribe(["edge/v1/pier-8/cmd/#"])
    settled(other)
    device, desk = connect("pier-7"), connect("desk")
    acked(device, Outgoing(ALERT, b"{}"))
    acked(device, Outgoing("edge/v1/pier-7/status", b"online", is_retained=True))
    acked(desk, Outgoing("edge/v1/pier-7/cmd/ping", b"{}"))
    acked(desk, Outgoing("edge/v1/pier-8/cmd/ping", b"{}"))
    # Messages keep their order: had the others been let through, they would come first.
    assert next_message(other).topic == "edge/v1/pier-8/cmd/ping"


@pytest.mark.parametrize("device", ["pier-7", DOTTED])
def test_a_device_announces_itself_and_home_assistant_sees_it_and_its_health(
    connect: Connect, device: str
) -> None:
    home_assistant = connect("homeassistant")
    home_assistant.subscribe(["homeassistant/#", "edge/v1/#"])
    settled(home_assistant)
    topics = [discovery_topic(device), Topics(device).health]
    for topic in topics:
        assert acked(connect(device), Outgoing(topic, device.encode())) is None
    heard = messages(home_assistant)
    assert all(topic in (message.topic for message in heard) for topic in topics)
    assert acked(home_assistant, Outgoing("homeassistant/status", b"online")) is None


@pytest.mark.parametrize("device", ["pier-7", DOTTED])
@pytest.mark.parametrize("other", ["pier-8", "pier.8", "homeassistant", "desk", "archive"])
def test_nobody_else_announces_a_device_or_speaks_for_it(connect: Connect, device: str, other: str) -> None:
    for topic in (discovery_topic(device), Topics(device).health, Topics(device).alert("north-airfield")):
        refusal = acked(connect(other), Outgoing(topic, b"forged"))
        assert refusal == "refused by the broker: Not authorized (135)"


@pytest.mark.parametrize("asked", ["homeassistant/#", "homeassistant/device/+/config", "edge/v1/#"])
def test_a_device_does_not_read_what_another_announces(connect: Connect, asked: str) -> None:
    other = connect("pier-8")
    other.subscribe([asked])
    other.subscribe(["edge/v1/pier-8/cmd/#"])
    settled(other)
    acked(connect(DOTTED), Outgoing(discovery_topic(DOTTED), b"{}", is_retained=True))
    acked(connect("desk"), Outgoing("edge/v1/pier-8/cmd/ping", b"{}"))
    assert next_message(other).topic == "edge/v1/pier-8/cmd/ping"


def test_a_device_that_gives_the_id_of_another_does_not_get_its_session(connect: Connect) -> None:
    device, desk = connect("pier-7", session_expiry_s=3600), connect("desk")
    device.subscribe(["edge/v1/pier-7/cmd/#"])
    settled(device)
    device.close()
    acked(desk, Outgoing("edge/v1/pier-7/cmd/ping", b"for pier-7"))
    thief = connect("pier-8", "edge-pier-7", session_expiry_s=3600)
    thief.subscribe(["edge/v1/pier-8/cmd/#"])
    settled(thief)
    acked(desk, Outgoing("edge/v1/pier-8/cmd/ping", b"for pier-8"))
    assert next_message(thief).payload == b"for pier-8"
    assert next_message(connect("pier-7", session_expiry_s=3600)).payload == b"for pier-7"


def test_a_desk_gives_commands_and_cannot_speak_for_a_device(connect: Connect) -> None:
    desk = connect("desk")
    assert acked(desk, Outgoing("edge/v1/pier-7/cmd/ping", b"{}")) is None
    assert acked(desk, Outgoing(ALERT, b"forged")) == "refused by the broker: Not authorized (135)"


def test_an_archive_confirms_to_a_device_and_gives_no_commands(connect: Connect) -> None:
    device, archive = connect("pier-7"), connect("archive")
    device.subscribe(["edge/v1/pier-7/ack"])
    settled(device)
    assert acked(archive, Outgoing("edge/v1/pier-7/ack", b"receipt")) is None
    assert next_message(device).payload == b"receipt"
    refusal = acked(archive, Outgoing("edge/v1/pier-7/cmd/reload", b"{}"))
    assert refusal == "refused by the broker: Not authorized (135)"


def every_topic(device: str) -> list[str]:
    """All that a device writes to or listens to."""
    topics, site = Topics(device), "north-airfield"
    return [
        *(topics.status, topics.health, topics.ack, discovery_topic(device)),
        *(topics.alert(site), topics.open(site), topics.inventory(site), topics.observation(site)),
        *(topics.evidence(site, ALERT_ID, 0), topics.full_evidence(site, ALERT_ID, 0, "after")),
        *(topics.commands.replace("+", verb) for verb in Verb),
        f"edge/v1/{device}/reply/desk-1",
    ]


@pytest.mark.long
def test_a_certificate_opens_no_topic_of_another_device(connect: Connect, tell: Tell) -> None:
    topics, other, desk = every_topic("pier-7"), connect("pier-8"), connect("desk")
    refusals = [acked(other, Outgoing(topic, b"forged")) for topic in topics]
    for topic in topics:
        other.subscribe([topic])
    other.subscribe(["edge/v1/pier-8/cmd/#"])
    settled(other)
    device = connect("pier-7")
    own = [topic for topic in topics if acked(device, Outgoing(topic, b"mine")) is None]
    acked(desk, Outgoing("edge/v1/pier-8/cmd/ping", b"last"))
    heard = next_message(other)
    tell(
        f"the certificate of another device: {len(topics)} topics of this one, "
        f"{sum(refusal is not None for refusal in refusals)} refused to write, "
        f"{'none' if heard.payload == b'last' else heard.topic} of the {len(own)} written by it was read"
    )
    assert set(refusals) == {"refused by the broker: Not authorized (135)"}
    assert len(own) >= 10
    assert heard.payload == b"last"


def test_nobody_gets_in_without_a_certificate(
    broker: HardenedBroker, certificates: Certificates, wake: Wake
) -> None:
    settings = msgspec.structs.replace(
        broker.settings(certificates, "pier-7"), client_certificate=None, client_key=None
    )
    with pytest.raises(LinkDown):
        open_link(settings, "edge-pier-7", wake)


def test_nobody_gets_in_with_a_certificate_of_another_authority(
    broker: HardenedBroker, certificates: Certificates, tmp_path: Path, wake: Wake
) -> None:
    forger = Certificates(tmp_path / "forger")
    certificate, key = forger.client("pier-7")
    settings = msgspec.structs.replace(
        broker.settings(certificates, "pier-7"), client_certificate=certificate, client_key=key
    )
    with pytest.raises(LinkDown):
        open_link(settings, "edge-pier-7", wake)


def test_nobody_gets_in_with_a_certificate_that_was_revoked(tmp_path: Path, wake: Wake) -> None:
    own = Certificates(tmp_path / "own")
    own.client("pier-8")
    own.make("revoke", "pier-8")
    with started(HardenedBroker(tmp_path, own, with_revoked=True)) as broker:
        open_link(broker.settings(own, "pier-7"), "edge-pier-7", wake).close()
        with pytest.raises(LinkDown):
            open_link(broker.settings(own, "pier-8"), "edge-pier-8", wake)


def test_nobody_gets_in_without_tls(broker: HardenedBroker, wake: Wake) -> None:
    with pytest.raises(LinkDown):
        open_link(
            MqttSettings(url=f"mqtt://localhost:{broker.port}", connect_timeout_s=2), "edge-pier-7", wake
        )


def test_a_device_sends_through_it_and_leaves_stopped_behind(
    tmp_path: Path, broker: HardenedBroker, certificates: Certificates, connect: Connect
) -> None:
    store = open_store(tmp_path)
    store.commit(numbered(1))
    desk = connect("desk")
    desk.subscribe(["edge/v1/pier-7/#"])
    settings = broker.settings(certificates, "pier-7")
    sender = Sender("pier-7", settings, FAST, lambda: open_store(tmp_path).outbox)
    sender.start()
    heard = messages(desk)
    assert ALERT in (message.topic for message in heard)
    until(lambda: sender.statistics().n_delivered == 1)
    assert sender.stop(10)
    assert b"stopped" in (message.payload for message in heard)
    assert sender.statistics().refused == {}
