from __future__ import annotations

import msgspec
import pytest

from edge.transmit.mqtt_settings import Broker, MqttSettings


def read(**values: object) -> MqttSettings:
    return msgspec.convert(values, MqttSettings, dec_hook=lambda kind, text: kind(text))


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("mqtt://broker.lan", Broker("broker.lan", 1883, is_tls=False)),
        ("mqtts://broker.lan", Broker("broker.lan", 8883, is_tls=True)),
        ("mqtts://broker.lan:443/", Broker("broker.lan", 443, is_tls=True)),
        ("mqtt://[::1]:1884", Broker("::1", 1884, is_tls=False)),
    ],
)
def test_a_url_says_where_the_broker_listens(url: str, wanted: Broker) -> None:
    assert read(url=url).broker == wanted


@pytest.mark.parametrize(
    "url",
    [
        "broker.lan",
        "http://broker.lan",
        "mqtt://",
        "mqtt://b:70000",
        "mqtt://b/topic",
        "mqtt://b?x=1",
        "mqtt://b:0x",
    ],
)
def test_a_url_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"url: expected mqtt://HOST"):
        read(url=url)


def test_a_password_in_the_url_is_refused_without_telling_it() -> None:
    with pytest.raises(msgspec.ValidationError, match="use username and password_file") as told:
        read(url="mqtt://me:open-sesame@broker.lan")
    assert "sesame" not in str(told.value)


def test_certificates_without_tls_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="expected only with an mqtts:// url"):
        read(url="mqtt://b", ca_file="/ca.crt")


def test_a_certificate_without_its_key_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="client_certificate and client_key: expected both"):
        read(url="mqtts://b", client_certificate="/c.crt")


def test_a_password_without_a_name_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="password_file: expected a username beside it"):
        read(url="mqtt://b", password_file="/p")  # noqa: S106 - a path, not a password
