"""A TLS handshake that fails says why in words that lead to the remedy, against a real Mosquitto."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.errors import LinkDown
from edge.transmit.link import Wake
from edge.transmit.mqtt import open_link
from edge.transmit.mqtt_settings import MqttSettings
from edge.transmit.tls_fault import meaning
from tests.broker import running_broker
from tests.transmit.certificates import Authority


@pytest.fixture
def wake() -> Iterator[Wake]:
    wake = Wake()
    yield wake
    wake.close()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def refusal(authority: Authority, folder: Path, wake: Wake, start: str, end: str) -> str:
    """What a device says to a broker whose certificate is valid from start to end."""
    certificate, key = authority.sign_from_to("broker", start, end)
    lines = [f"cafile {authority.certificate}", f"certfile {certificate}", f"keyfile {key}"]
    with running_broker(folder, ["allow_anonymous true", *lines]) as broker:
        settings = MqttSettings(url=f"mqtts://127.0.0.1:{broker.port}", ca_file=authority.certificate)
        with pytest.raises(LinkDown) as refused:
            open_link(settings, "edge-pier-7", wake)
    return str(refused.value)


def test_a_certificate_that_is_not_valid_yet_speaks_of_the_clock(
    tmp_path: Path, authority: Authority, wake: Wake
) -> None:
    said = refusal(authority, tmp_path, wake, "20480101000000Z", "20490101000000Z")
    expected = (
        "the broker's certificate is not valid yet by the device's clock, which says DATE: the clock is"
    )
    assert re.sub(r"\d{4}-\d\d-\d\d", "DATE", said) == f"TLS: {expected} behind, set it"


def test_a_certificate_that_has_expired_speaks_of_the_clock_too(
    tmp_path: Path, authority: Authority, wake: Wake
) -> None:
    said = refusal(authority, tmp_path, wake, "20200101000000Z", "20210101000000Z")
    expected = "the broker's certificate has expired by the device's clock, which says DATE: if that is today"
    assert re.sub(r"\d{4}-\d\d-\d\d", "DATE", said).startswith(f"TLS: {expected}")


def test_a_device_whose_own_certificate_expired_is_told_so_by_the_broker(
    tmp_path: Path, authority: Authority, wake: Wake
) -> None:
    certificate, key = authority.sign("broker")
    own, own_key = authority.sign_from_to("pier-7", "20200101000000Z", "20210101000000Z")
    lines = [f"cafile {authority.certificate}", f"certfile {certificate}", f"keyfile {key}"]
    open_to_some = ["allow_anonymous true", "require_certificate true", *lines]
    with running_broker(tmp_path, open_to_some) as broker:
        settings = MqttSettings(
            url=f"mqtts://127.0.0.1:{broker.port}",
            ca_file=authority.certificate,
            client_certificate=own,
            client_key=own_key,
        )
        with pytest.raises(LinkDown, match="the broker says that this device's certificate has expired"):
            open_link(settings, "edge-pier-7", wake)


def verify_error(code: int) -> ssl.SSLCertVerificationError:
    """As OpenSSL raises it."""
    error = ssl.SSLCertVerificationError("verify failed")
    error.verify_code, error.reason = code, "CERTIFICATE_VERIFY_FAILED"
    return error


def test_other_errors_speak_for_themselves() -> None:
    now = datetime(2026, 5, 1, tzinfo=UTC)
    for error in (OSError("no route"), verify_error(62)):
        assert meaning(error, now) is None


def test_a_long_outage_says_the_same_all_day() -> None:
    said = {meaning(verify_error(9), datetime(1970, 1, 1, hour, tzinfo=UTC)) for hour in range(24)}
    assert len(said) == 1
