"""How to reach an MQTT broker: its address, and who we are to it. Secrets are named by file, never held."""

from __future__ import annotations

import contextlib
import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from edge.errors import LinkDown
from edge.transmit.receipt import ArchiveName

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_MAX_PASSWORD_BYTES = 65_535


class MqttSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A broker and the credentials for it."""

    # mqtt://HOST[:1883] or mqtts://HOST[:8883]; the host's name is checked against its certificate.
    url: str
    # The name to log in with, where the broker asks for one.
    username: str | None = None
    # A file that holds the password and nothing else; read anew on every connect.
    password_file: Path | None = None
    # The authority that signed the broker's certificate; without it, those the system trusts. mqtts only.
    ca_file: Path | None = None
    # This device's certificate and its key, both or neither. mqtts only.
    client_certificate: Path | None = None
    client_key: Path | None = None
    # Seconds of silence after which the other side is asked for a sign of life. A frozen broker, or a lost
    # link, is noticed after at most two of them.
    keepalive_s: Annotated[int, Meta(ge=2, le=3600)] = 60
    # Seconds that one connect may take; a satellite link needs several for TLS alone.
    connect_timeout_s: Annotated[float, Meta(gt=0, le=120)] = 15.0
    # Seconds for which the broker keeps what it owes us while we are away. MQTT 5 only.
    session_expiry_s: Annotated[int, Meta(ge=0, le=2_592_000)] = 3600
    # When an alert or a picture counts as delivered and leaves the outbox: puback is when the broker has
    # taken it, e2e when `edge archive` at the desk has stored it. Only e2e survives a broker that forgets.
    ack: Literal["puback", "e2e"] = "puback"
    # With e2e: seconds that the archive may take before a message is sent again, later ever more seldom.
    resend_after_s: Annotated[float, Meta(gt=0, le=3600)] = 60.0
    # With e2e: the archives (their --share) that must all have stored a message; [] is whichever there is.
    archives: tuple[ArchiveName, ...] = ()
    # True lets Home Assistant find the device: counts, last alert and picture, health.
    home_assistant: bool = False
    # Seconds for which the broker keeps an alert or a picture for a subscriber who is away; what is retained
    # does not expire. MQTT 5 only.
    message_expiry_s: Annotated[int, Meta(ge=60, le=31_536_000)] = 2_592_000

    def __post_init__(self) -> None:
        broker = self.broker
        if not broker.is_tls and (self.ca_file or self.client_certificate or self.client_key):
            raise ValueError("ca_file, client_certificate and client_key: expected only with an mqtts:// url")
        if (self.client_certificate is None) != (self.client_key is None):
            raise ValueError("client_certificate and client_key: expected both or neither")
        if self.password_file is not None and self.username is None:
            raise ValueError("password_file: expected a username beside it")
        if self.archives and self.ack != "e2e":
            raise ValueError("archives: expected only with ack: e2e")

    @property
    def broker(self) -> Broker:
        """The address in the url."""
        return _parse(self.url)


class Broker(msgspec.Struct, frozen=True):
    """Where a broker listens."""

    host: str
    port: int
    is_tls: bool

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def _parse(url: str) -> Broker:
    parts = urlsplit(url)
    # The url itself is not told: it may hold a password.
    if "@" in url:
        raise ValueError("url: expected no name and password in it; use username and password_file")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if parts.scheme not in ("mqtt", "mqtts") or not host or parts.path not in ("", "/") or parts.query:
        # What stands behind "?" may be a password too.
        got = re.split("[?#]", url)[0]
        more = " and more behind it" if got != url else ""
        raise ValueError(f"url: expected mqtt://HOST[:PORT] or mqtts://HOST[:PORT], got {got!r}{more}")
    is_tls = parts.scheme == "mqtts"
    return Broker(host, port or (8883 if is_tls else 1883), is_tls)


def read_password(settings: MqttSettings) -> str | None:
    """The password, without the line end that editors leave."""
    if settings.password_file is None:
        return None
    try:
        password = settings.password_file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise LinkDown(f"password_file: {settings.password_file}: {_cause(error)}") from None
    if (size := len(password.encode())) > _MAX_PASSWORD_BYTES:
        raise LinkDown(
            f"password_file: {settings.password_file}: "
            f"expected at most {_MAX_PASSWORD_BYTES} bytes, as MQTT carries, got {size}"
        )
    return password


class _TlsSocket(ssl.SSLSocket):
    """Closes itself when the handshake fails: paho forgets it and leaves it to the garbage collector.

    faults  what ended the connection later, which paho keeps to itself: TLS 1.3 refuses a client's
            certificate after the handshake (RFC 8446, section 4.4.2.4)
    """

    faults: ClassVar[list[ssl.SSLError]]

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """What came, decrypted."""
        with self._noting():
            return super().recv(buflen, flags)

    def send(self, data: ReadableBuffer, flags: int = 0) -> int:
        """Encrypt and send."""
        try:
            return super().send(data, flags)
        except (ssl.SSLEOFError, ConnectionError):
            # The other side hung up; why, it said before.
            with contextlib.suppress(OSError):
                self.recv(1)
            raise

    @contextlib.contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, ssl.SSLEOFError):
            raise
        except ssl.SSLError as error:
            self.faults.append(error)
            raise

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - the signature is ssl's
        """Agree on keys with the other side."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def tls_context(settings: MqttSettings, faults: list[ssl.SSLError]) -> ssl.SSLContext:
    """TLS 1.2 or later, the broker's chain and host name checked; files are read anew on every connect.

    faults  takes what ends a connection of this context after its handshake
    """
    named: object = settings.ca_file
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        context.sslsocket_class = type("_NotingTlsSocket", (_TlsSocket,), {"faults": faults})
        if settings.client_certificate is not None:
            named = f"{settings.client_certificate}, {settings.client_key}"
            context.load_cert_chain(settings.client_certificate, settings.client_key)
    except (OSError, ValueError) as error:
        raise LinkDown(f"TLS files: {named}: {_cause(error)}") from error
    return context


def _cause(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
