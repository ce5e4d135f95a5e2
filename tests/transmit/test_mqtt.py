"""The link against a real Mosquitto: who may connect, and how a refusal is told."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from edge.errors import LinkDown, PayloadRefused
from edge.transmit.link import Incoming, Wake, Will
from edge.transmit.mqtt import MqttLink, open_link
from edge.transmit.mqtt_settings import MqttSettings
from edge.transmit.uplink import Outgoing
from tests.broker import Broker, Subscriber, free_port, program, running_broker
from tests.transmit.certificates import Authority
from tests.transmit.fake_broker import CONNECT, SUBSCRIBE, FakeBroker, answers


@pytest.fixture
def wake() -> Iterator[Wake]:
    wake = Wake()
    yield wake
    wake.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def tls_broker(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    certificate, key = authority.sign("broker")
    lines = [
        "allow_anonymous true",
        *(f"cafile {authority.certificate}", f"certfile {certificate}", f"keyfile {key}"),
        "require_certificate true",
    ]
    with running_broker(tmp_path_factory.mktemp("tls"), lines) as broker:
        yield broker


@pytest.fixture(scope="module")
def password_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    folder = tmp_path_factory.mktemp("password")
    passwords = folder / "passwords"
    subprocess.run(
        [program("mosquitto_passwd"), "-b", "-c", str(passwords), "pier-7", "open-sesame"], check=True
    )
    with running_broker(folder, ["allow_anonymous false", f"password_file {passwords}"]) as broker:
        yield broker


def acked(link: MqttLink, outgoing: Outgoing) -> str | None:
    number = link.publish(outgoing)
    while True:
        for ack in link.step(1.0).acks:
            if ack.number == number:
                return ack.reason


def tls_settings(broker: Broker, authority: Authority, name: str) -> MqttSettings:
    certificate, key = authority.sign(name)
    return MqttSettings(
        url=f"mqtts://127.0.0.1:{broker.port}",
        ca_file=authority.certificate,
        client_certificate=certificate,
        client_key=key,
    )


def test_a_device_with_a_certificate_gets_through(
    tls_broker: Broker, authority: Authority, wake: Wake
) -> None:
    link = open_link(tls_settings(tls_broker, authority, "pier-7"), "edge-pier-7", wake)
    assert acked(link, Outgoing("t", bytes(100_000))) is None
    link.close()


def test_a_device_without_a_certificate_is_turned_away(
    tls_broker: Broker, authority: Authority, wake: Wake
) -> None:
    settings = MqttSettings(url=f"mqtts://127.0.0.1:{tls_broker.port}", ca_file=authority.certificate)
    with pytest.raises(LinkDown):
        open_link(settings, "edge-pier-7", wake)


def test_a_broker_signed_by_nobody_we_know_is_refused(tls_broker: Broker, wake: Wake) -> None:
    settings = MqttSettings(url=f"mqtts://127.0.0.1:{tls_broker.port}")
    with pytest.raises(LinkDown, match="certificate verify failed"):
        open_link(settings, "edge-pier-7", wake)


def test_a_broker_with_another_name_in_its_certificate_is_refused(
    tls_broker: Broker, authority: Authority, wake: Wake
) -> None:
    settings = MqttSettings(url=f"mqtts://localhost:{tls_broker.port}", ca_file=authority.certificate)
    with pytest.raises(LinkDown, match="Hostname mismatch"):
        open_link(settings, "edge-pier-7", wake)


def test_a_name_and_password_from_a_file_get_through(
    password_broker: Broker, wake: Wake, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("open-sesame\n")
    settings = MqttSettings(url=password_broker.url, username="pier-7", password_file=tmp_path / "password")
    open_link(settings, "edge-pier-7", wake).close()


def test_a_wrong_password_is_told_without_telling_it(
    password_broker: Broker, wake: Wake, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("wrong-sesame")
    settings = MqttSettings(url=password_broker.url, username="pier-7", password_file=tmp_path / "password")
    with pytest.raises(LinkDown, match=r"refused by 127\.0\.0\.1:\d+: Not authorized") as told:
        open_link(settings, "edge-pier-7", wake)
    assert "sesame" not in str(told.value) + repr(settings)


def test_a_password_file_that_is_missing_is_named(wake: Wake) -> None:
    settings = MqttSettings(url="mqtt://127.0.0.1:1", username="u", password_file=Path("/nowhere/password"))
    with pytest.raises(LinkDown, match="password_file: /nowhere/password: No such file or directory"):
        open_link(settings, "edge-pier-7", wake)


def test_a_certificate_file_that_is_missing_is_named(wake: Wake) -> None:
    settings = MqttSettings(url="mqtts://127.0.0.1:1", ca_file=Path("/nowhere/ca.crt"))
    with pytest.raises(LinkDown, match=r"TLS files: /nowhere/ca\.crt: No such file or directory"):
        open_link(settings, "edge-pier-7", wake)


def test_nobody_at_home_is_a_link_that_is_down(wake: Wake) -> None:
    with pytest.raises(LinkDown, match="Connection refused"):
        open_link(MqttSettings(url=f"mqtt://127.0.0.1:{free_port()}"), "edge-pier-7", wake)


def test_a_denied_subscription_ends_the_link_with_the_reason(wake: Wake) -> None:
    def denies(kind: int, body: bytes) -> list[bytes | None]:
        return [b"\x90\x04" + body[:2] + b"\x00\x87"] if kind == SUBSCRIBE else [b"\x20\x03\x00\x00\x00"]

    with FakeBroker(denies) as broker:
        link = open_link(MqttSettings(url=broker.url), "edge-pier-7", wake)
        link.subscribe(["edge/v1/#"])
        with pytest.raises(LinkDown, match="subscription refused by the broker: Not authorized"):
            acked(link, Outgoing("t", b"x"))


def test_nothing_is_published_on_a_link_that_is_lost(tmp_path: Path, wake: Wake) -> None:
    with running_broker(tmp_path) as broker:
        link = open_link(MqttSettings(url=broker.url), "edge-pier-7", wake)
        broker.kill()
        with pytest.raises(LinkDown, match="connection lost"):
            acked(link, Outgoing("t", b"x"))
    with pytest.raises(LinkDown, match="connection lost"):
        link.publish(Outgoing("t", b"x"))


def test_a_payload_above_the_limit_of_mqtt_itself_is_refused(tmp_path: Path, wake: Wake) -> None:
    with running_broker(tmp_path, ["allow_anonymous true", "max_packet_size 100"]) as broker:
        link = open_link(MqttSettings(url=broker.url), "edge-pier-7", wake)
        with pytest.raises(PayloadRefused, match="too large: the broker takes 100 bytes, this needs 112"):
            link.publish(Outgoing("t", bytes(99)))
        link.close()


def test_a_broker_that_keeps_nothing_is_used_all_the_same(tmp_path: Path, wake: Wake) -> None:
    will = Will("edge/v1/pier-7/status", b"offline")
    with running_broker(tmp_path, ["allow_anonymous true", "retain_available false"]) as broker:
        subscriber = Subscriber(broker, tmp_path)
        link = open_link(MqttSettings(url=broker.url), "edge-pier-7", wake, will)
        assert not link.retains
        assert acked(link, Outgoing(will.topic, b"online", is_retained=True)) is None
        link.abort()
        subscriber.wait_for_payload(b"offline", will.topic)
        subscriber.stop()


def test_a_broker_without_acknowledgements_is_said_so(tmp_path: Path, wake: Wake) -> None:
    will = Will("edge/v1/pier-7/status", b"offline")
    with (
        running_broker(tmp_path, ["allow_anonymous true", "max_qos 0"]) as broker,
        pytest.raises(LinkDown, match="QoS not supported"),
    ):
        open_link(MqttSettings(url=broker.url), "edge-pier-7", wake, will)


def test_an_old_version_carries_messages_too(tmp_path: Path, wake: Wake) -> None:
    with running_broker(tmp_path) as broker:
        link = MqttLink(MqttSettings(url=broker.url), "edge-pier-7", wake, None, MQTTProtocolVersion.MQTTv311)
        assert acked(link, Outgoing("t", b"x")) is None
        link.close()


def test_a_wake_ends_the_wait_of_another_thread(tmp_path: Path, wake: Wake) -> None:
    with running_broker(tmp_path) as broker:
        link = open_link(MqttSettings(url=broker.url), "edge-pier-7", wake)
        wake.set()
        wake.set()
        assert (link.step(60.0).is_woken, link.step(0.0).is_woken) == (True, False)
        link.close()


def knows_only_3_1_1(*to_version_5: bytes | None) -> Callable[[int, bytes], Iterable[bytes | None]]:
    """A broker that answers a CONNECT of version 5 so, and takes one of 3.1.1 (protocol level 4)."""

    def answer(kind: int, body: bytes) -> Iterable[bytes | None]:
        if kind != CONNECT:
            return []
        return [b"\x20\x02\x00\x00"] if body[6] == 4 else to_version_5

    return answer


@pytest.mark.parametrize(
    "to_version_5",
    [(b"\x20\x02\x00\x01", None), (None,), ()],
    ids=["refuses it as 3.1.1 does", "hangs up", "says nothing"],
)
def test_a_broker_that_does_not_know_version_5_is_reached_by_3_1_1(
    wake: Wake, to_version_5: tuple[bytes | None, ...]
) -> None:
    with FakeBroker(knows_only_3_1_1(*to_version_5)) as broker:
        link = open_link(MqttSettings(url=broker.url, connect_timeout_s=2.0), "edge-pier-7", wake)
        assert not link.is_v5
        link.close()


TOPIC = "edge/v1/pier-7/cmd/+"


def heard(link: MqttLink) -> Incoming:
    """The next message."""
    while not (messages := link.step(1.0).messages):
        pass
    return messages[0]


def subscribed(link: MqttLink, broker: Broker) -> MqttLink:
    """The link once the broker has its subscription."""
    n_before = broker.log_text().count("Sending SUBACK")
    link.listen(TOPIC)
    while broker.log_text().count("Sending SUBACK") == n_before:
        link.step(0.1)
    link.step(0.1)
    return link


def say(broker: Broker, text: str, *options: str) -> None:
    command = [program("mosquitto_pub"), "-p", str(broker.port), "-V", "5", "-q", "1", *options]
    subprocess.run([*command, "-t", TOPIC.replace("+", "ping"), "-m", text], check=True)


def test_what_was_handed_out_and_not_kept_comes_again(tmp_path: Path, wake: Wake) -> None:
    with running_broker(tmp_path) as broker:
        settings = MqttSettings(url=broker.url)
        first = subscribed(open_link(settings, "edge-pier-7", wake), broker)
        say(broker, "1")
        assert not heard(first).is_repeat
        first.abort()  # the power fails before the taker has written it down
        again = open_link(settings, "edge-pier-7", wake)
        message = heard(again)
        assert (message.payload, message.is_repeat) == (b"1", True)
        again.step(0.1)
        again.close()
        last = open_link(settings, "edge-pier-7", wake)
        say(broker, "2")
        assert heard(last).payload == b"2"
        last.close()


def test_a_message_tells_where_its_answer_goes_and_whether_it_was_retained(
    tmp_path: Path, wake: Wake
) -> None:
    with running_broker(tmp_path) as broker:
        link = subscribed(open_link(MqttSettings(url=broker.url), "edge-pier-7", wake), broker)
        asks = ("-D", "publish", "response-topic", "reply/1", "-D", "publish", "correlation-data", "7")
        say(broker, "1", "-r", *asks)
        message = heard(link)
        assert (message.reply_topic, message.correlation, message.is_retained) == ("reply/1", b"7", True)
        link.close()


def test_the_size_of_an_answer_counts_its_correlation_data(tmp_path: Path, wake: Wake) -> None:
    with running_broker(tmp_path, ["allow_anonymous true", "max_packet_size 300"]) as broker:
        link = open_link(MqttSettings(url=broker.url), "edge-pier-7", wake)
        for n_bytes in range(1, 257):
            outgoing = Outgoing("t", bytes(300 - 13 - n_bytes), correlation=bytes(n_bytes))
            if link._packet_bytes(outgoing) <= 300:
                assert acked(link, outgoing) is None
        with pytest.raises(PayloadRefused):
            link.publish(Outgoing("t", bytes(100), correlation=bytes(250)))
        link.close()


def test_a_refused_subscription_for_commands_leaves_the_link_up(wake: Wake) -> None:
    def answer(kind: int, body: bytes) -> Iterable[bytes | None]:
        if kind == SUBSCRIBE:
            return [b"\x90\x04" + body[:2] + b"\x00\x87"]
        return answers()(kind, body)

    with FakeBroker(answer) as broker:
        link = open_link(MqttSettings(url=broker.url), "edge-pier-7", wake)
        link.listen(TOPIC)
        while link.subscription_fault is None:
            link.step(0.1)
        assert "Not authorized" in link.subscription_fault
        assert acked(link, Outgoing("t", b"1")) is None
        link.abort()
