"""No secret comes out: not in logs, on the wire, in an answer or the process list, whatever fails."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from edge.transmit.alert import to_json
from edge.transmit.brief import brief_of
from edge.transmit.packed import pack
from tests.broker import Broker, Subscriber, free_port, program, running_broker
from tests.cluster import Cluster, running_cluster
from tests.e2e.archive import STORY, E, drop, site, write_archive, write_config
from tests.e2e.program import Daemon, run_edge, running, until
from tests.transmit.certificates import Authority
from tests.transmit.make import make_alert

RULES = [{"arrival": "aircraft", "severity": "severe"}]
# A word of its own in each secret, so that a part of one is found too.
PASSWORD = f"mqtt-{secrets.token_hex(8)}"
WRONG_PASSWORD = f"wrong-{secrets.token_hex(8)}"
KEY = secrets.token_hex(32)
BAD_KEY = f"no-hex-{secrets.token_hex(16)}"
DATABASE_PASSWORD = f"base-{secrets.token_hex(8)}"
WRONG_DATABASE_PASSWORD = f"lost-{secrets.token_hex(8)}"


class Overheard:
    """Everything that came out, by where it did."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}

    def edge(self, *arguments: str | Path) -> str:
        """Run a command to its end, and take all that it said; that."""
        run = run_edge(*arguments)
        said = run.stdout + run.stderr
        assert "Traceback" not in said
        self._take(f"edge {' '.join(map(str, arguments))}", said)
        return said

    def processes(self) -> None:
        """Take what `ps` tells everybody, and what it tells this user of our own (`ps e`)."""
        for process in Path("/proc").glob("[0-9]*"):
            try:
                line = (process / "cmdline").read_bytes()
                ours = (process / "environ").read_bytes() if b"edge" in line else b""
            except OSError:
                continue  # it ended meanwhile, or is another user's
            self._take(f"ps {process.name}", (line + ours).decode(errors="replace"))

    def log(self, path: Path) -> None:
        """Take a whole file."""
        self._take(str(path), path.read_text(errors="replace"))

    def wire(self, subscriber: Subscriber) -> None:
        """Take every topic and payload so far."""
        for topic, payload in subscriber.heard():
            self._take(f"topic {topic}", payload.decode(errors="replace"))

    def _take(self, where: str, said: str) -> None:
        self.said[where] = f"{self.said.get(where, '')}\n{said}"

    def leaks(self, secret: str) -> list[str]:
        """Where a secret came out."""
        return [where for where, said in self.said.items() if secret in said]


@pytest.fixture
def overheard() -> Overheard:
    return Overheard()


def key_lines(key: Path) -> list[str]:
    """The lines of a private key, each a secret."""
    return [line for line in key.read_text().splitlines() if line and not line.startswith("-----")]


@contextmanager
def guarded_broker(folder: Path, authority: Authority) -> Iterator[tuple[Broker, int]]:
    """A broker that checks password and certificate on a second port; on the first anybody may listen."""
    certificate, key = authority.sign("broker")
    passwords, tls_port = folder / "passwords", free_port()
    passwords.touch()
    command = [program("mosquitto_passwd"), "-b", str(passwords), "pier-7", PASSWORD]
    subprocess.run(command, check=True, capture_output=True)
    lines = [
        *("allow_anonymous true", f"password_file {passwords}", f"listener {tls_port} 127.0.0.1"),
        *(f"cafile {authority.certificate}", f"certfile {certificate}", f"keyfile {key}"),
        "require_certificate true",
    ]
    with running_broker(folder, lines) as broker:
        yield broker, tls_port


def configured(folder: Path, authority: Authority, tls_port: int) -> Path:
    """A device with every secret that a configuration can name, and a modem that is not there."""
    certificate, key = authority.sign("pier-7")
    mqtt = {
        "url": f"mqtts://127.0.0.1:{tls_port}",
        "username": "pier-7",
        "password_file": "mqtt.password",
        "ca_file": str(authority.certificate),
        "client_certificate": str(certificate),
        "client_key": str(key),
        "home_assistant": True,
    }
    modem = {"port": str(folder / "no-modem"), "key_file": "device.key", "after_minutes": 0}
    transmit: dict[str, Any] = {"mqtt": mqtt, "satmodem": modem, "uplink": {"retry_max_s": 0.2}}
    config = write_config(folder / "device", sites={"field": site(rules=RULES)}, transmit=transmit)
    write_secret(config.with_name("mqtt.password"), f"{PASSWORD}\n")
    write_secret(config.with_name("device.key"), KEY)
    return config


def write_secret(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)


def client_options(config: Path, authority: Authority, folder: Path) -> list[str | Path]:
    """How a command at the desk is told the same credentials."""
    return [
        *("--username", "pier-7", "--password-file", config.with_name("mqtt.password")),
        *("--ca-file", authority.certificate),
        *("--client-certificate", folder / "pier-7.crt", "--client-key", folder / "pier-7.key"),
    ]


@contextmanager
def started(log: Path, *arguments: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """A command that runs until the end of the block."""
    command = [sys.executable, "-m", "edge", *map(str, arguments)]
    with log.open("ab") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)


def break_one_after_the_other(daemon: Daemon, config: Path, key: Path, broker: Broker) -> None:
    """Every fault of a secret that a running daemon may meet, each until it is said in the log."""
    password, whole = config.with_name("mqtt.password"), key.read_text()
    faults = [
        (password, WRONG_PASSWORD, "Not authorized"),
        (password, "\udcff" + WRONG_PASSWORD, "password_file"),
        (password, WRONG_PASSWORD * 5000, "at most 65535 bytes"),
        (key, "\n".join(["-----BEGIN PRIVATE KEY-----", *key_lines(key)[:1]]), "TLS files"),
        (key, WRONG_PASSWORD, "TLS files"),
    ]
    for path, text, said in faults:
        before = path.read_bytes()
        path.write_bytes(text.encode(errors="surrogateescape"))
        n_before = daemon.log_text().count(said)
        broker.restart()
        daemon.wait_for(said, n_before + 1)
        path.write_bytes(before)
    assert key.read_text() == whole
    assert "Traceback" not in daemon.log_text()


def test_no_secret_of_a_device_comes_out_whatever_fails(tmp_path: Path, overheard: Overheard) -> None:
    authority = Authority(tmp_path)
    with ExitStack() as running_now:
        broker, tls_port = running_now.enter_context(guarded_broker(tmp_path, authority))
        config = configured(tmp_path, authority, tls_port)
        subscriber = Subscriber(broker, tmp_path)
        running_now.callback(subscriber.stop)
        daemon = running_now.enter_context(running(config, verbose=True))
        first, second, third = write_archive(tmp_path / "tiles", [*STORY[:2], (*STORY[1], E)])
        for image in (first, second):
            drop(daemon.spool, image)
        subscriber.wait_for(1, "/alert")
        overheard.processes()
        for arguments in commands_of_a_device(config):
            overheard.edge(*arguments)
        break_one_after_the_other(daemon, config, tmp_path / "pier-7.key", broker)
        broker.stop()
        drop(daemon.spool, third)
        daemon.wait_for("satellite modem cannot send")
        config.with_name("device.key").write_text(BAD_KEY)
        daemon.wait_for("hexadecimal digits")
        overheard.edge("doctor", "-c", config)
        overheard.processes()
        daemon.stop()
        overheard.log(config.parent / "daemon.log")
        overheard.log(tmp_path / "mosquitto.log")
        overheard.wire(subscriber)
    for secret in (PASSWORD, WRONG_PASSWORD, KEY, BAD_KEY, *key_lines(tmp_path / "pier-7.key")):
        assert not overheard.leaks(secret)
    assert any("/health" in where for where in overheard.said)
    assert any("homeassistant" in where for where in overheard.said)


def commands_of_a_device(config: Path) -> Iterator[list[str | Path]]:
    """What an operator may type at a device, each as talkative as it can be."""
    c: list[str | Path] = ["-v", "-c", config]
    yield ["check", *c]
    yield ["check", "--json", "--online", *c]
    yield ["doctor", *c]
    yield ["doctor", "--json", *c]
    yield ["outbox", "list", *c]
    yield ["feedback", "--list", *c]
    yield ["replay", config.parent.parent / "tiles", "--report", config.parent / "report", *c]


def test_no_secret_of_a_desk_comes_out_whatever_fails(tmp_path: Path, overheard: Overheard) -> None:
    authority = Authority(tmp_path)
    with ExitStack() as running_now:
        broker, tls_port = running_now.enter_context(guarded_broker(tmp_path, authority))
        config = configured(tmp_path, authority, tls_port)
        url, credentials = f"mqtts://127.0.0.1:{tls_port}", client_options(config, authority, tmp_path)
        database = tmp_path / "archive.sqlite"
        logs = [tmp_path / "watch.log", tmp_path / "archive.log"]
        running_now.enter_context(started(logs[0], "watch", "-v", url, "--json", *credentials))
        running_now.enter_context(
            started(logs[1], "archive", "-v", url, "--database", database, *credentials)
        )
        until(lambda: broker.log_text().count("Sending SUBACK") >= len(logs), broker.log_text)
        overheard.processes()
        devices = known_devices(tmp_path)
        relay = ["relay", "-v", url, "--devices", devices, "--folder", messages(tmp_path), *credentials]
        overheard.edge(*relay)
        config.with_name("mqtt.password").write_text(WRONG_PASSWORD)
        broker.restart()
        overheard.edge(*relay)
        (devices / "pier-7.key").write_text(BAD_KEY)
        overheard.edge(*relay)
        time.sleep(1.0)
        for log in logs:
            overheard.log(log)
    for secret in (PASSWORD, WRONG_PASSWORD, KEY, BAD_KEY, *key_lines(tmp_path / "pier-7.key")):
        assert not overheard.leaks(secret)


def known_devices(folder: Path) -> Path:
    devices = folder / "devices"
    devices.mkdir()
    (devices / "pier-7.key").write_text(KEY)
    return devices


def messages(folder: Path) -> Path:
    """What came over the satellite: one signed with the key, one with another."""
    sbd = folder / "sbd"
    sbd.mkdir()
    brief = brief_of(to_json(make_alert(sequence=1)))
    (sbd / "right.sbd").write_bytes(pack(brief, bytes.fromhex(KEY)))
    (sbd / "forged.sbd").write_bytes(pack(brief, bytes(32)))
    return sbd


def with_password(cluster: Cluster, folder: Path) -> None:
    """From here on the server asks for a password."""
    psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed (extra archive)")
    with psycopg.connect(cluster.url, autocommit=True) as connection:
        connection.execute(f"ALTER USER edge PASSWORD '{DATABASE_PASSWORD}'")
    cluster.ask_for_passwords()
    write_secret(folder / "right.pgpass", f"*:*:*:*:{DATABASE_PASSWORD}")
    write_secret(folder / "wrong.pgpass", f"*:*:*:*:{WRONG_DATABASE_PASSWORD}")


def test_no_password_of_the_archives_database_comes_out_whatever_fails(
    tmp_path: Path, overheard: Overheard
) -> None:
    with running_cluster() as cluster, running_broker(tmp_path) as broker:
        with_password(cluster, tmp_path)
        archive = ["archive", "-v", broker.url, "--database"]
        log = tmp_path / "archive.log"
        with started(log, *archive, f"{cluster.url}?passfile={tmp_path}/right.pgpass"):
            until(lambda: "archiving" in log.read_text(), log.read_text)
            overheard.processes()
            cluster.stop()
            cluster.start()
        overheard.log(log)
        refused = overheard.edge(*archive, f"{cluster.url}?passfile={tmp_path}/wrong.pgpass")
        assert "password authentication failed" in refused
        overheard.edge(
            *archive, f"postgresql://edge@127.0.0.1:{free_port()}/x?passfile={tmp_path}/right.pgpass"
        )
    for secret in (DATABASE_PASSWORD, WRONG_DATABASE_PASSWORD):
        assert not overheard.leaks(secret)


@pytest.mark.parametrize(
    "database",
    [
        "postgresql://edge:{}@127.0.0.1:1/edge",
        "postgresql://edge:{}@[broken/edge",
        "postgresql://edge:{}@127.0.0.1:port/edge",
        "postgresql://edge@127.0.0.1:1/edge?password={}",
        "postgresql://edge@127.0.0.1:1/edge?sslpassword={}",
        "postgresql://edge@127.0.0.1:1/edge?user=x&pass%77ord={}",
        "host=127.0.0.1 port=1 user=edge password={}",
    ],
)
def test_a_password_in_the_archives_url_is_refused_and_not_told(overheard: Overheard, database: str) -> None:
    said = overheard.edge(
        "archive", "-v", "mqtt://127.0.0.1:1", "--database", database.format(DATABASE_PASSWORD)
    )
    assert "expected no password in it; use ?passfile=FILE" in said
    assert DATABASE_PASSWORD not in said


@pytest.mark.parametrize("url", ["mqtt://u:{}@127.0.0.1", "mqtts://{}@h:x", "mqtt://h/?password={}", "{}@h"])
@pytest.mark.parametrize("command", ["watch", "relay", "archive"])
def test_a_password_in_a_brokers_url_is_refused_and_not_told(
    tmp_path: Path, overheard: Overheard, command: str, url: str
) -> None:
    more: dict[str, list[str | Path]] = {
        "relay": ["--devices", known_devices(tmp_path)],
        "archive": ["--database", tmp_path / "archive.sqlite"],
    }
    said = overheard.edge(command, "-v", url.format(PASSWORD), *more.get(command, []))
    assert "url: expected" in said
    assert PASSWORD not in said


@pytest.mark.parametrize(
    "line",
    [
        'mqtt: {{url: "mqtt://pier-7:{}@127.0.0.1"}}',
        'mqtt: {{url: "mqtt://127.0.0.1/?password={}"}}',
        'mqtt: {{url: "mqtt://127.0.0.1", username: pier-7, password: {}}}',
        'mqtt: {{url: "mqtt://127.0.0.1", password: [{}]}}',
        'mqtt: {{url: "mqtt://127.0.0.1", password_file: {{{}: 1}}}}',
        "mqtt: {{password: *{}}}",
        "mqtt: {{password: !{} x}}",
        'mqtt: {{password: "{}',
        "mqtt: {{url: {}: {}}}",
        "satmodem: {{port: /dev/ttyUSB0, key: {}}}",
    ],
)
def test_a_secret_in_the_configuration_itself_is_refused_and_not_told(
    tmp_path: Path, overheard: Overheard, line: str
) -> None:
    config = write_config(tmp_path / "device")
    text = config.read_text().replace("transmit: {}", f"transmit:\n  {line.format(PASSWORD, PASSWORD)}")
    assert PASSWORD in text
    config.write_text(text)
    for command in ("check", "run"):
        overheard.edge(command, "-c", config)
    overheard.edge("check", "--json", "-c", config)
    assert not overheard.leaks(PASSWORD)
