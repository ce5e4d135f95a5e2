"""The broker of config/mosquitto, on a free port, with certificates made by the script beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from edge import shipped
from edge.transmit.mqtt_settings import MqttSettings
from tests.broker import Broker

CONFIG = shipped.folder("config") / "mosquitto"
INSTALLED_IN = "/etc/mosquitto/edge"


class Certificates:
    """A folder of certificates, made as the script makes them for anybody."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("openssl is not installed")
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.make("ca")

    def make(self, *arguments: str) -> None:
        """Run the script."""
        subprocess.run(
            ["sh", str(CONFIG / "certificates.sh"), *arguments],
            cwd=self.folder,
            check=True,
            capture_output=True,
        )

    def client(self, name: str) -> tuple[Path, Path]:
        """The certificate and the key of a device or a desk."""
        certificate, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        if not certificate.exists():
            self.make("client", name)
        return certificate, key


class HardenedBroker(Broker):
    """The shipped files as they are, but for the folder, the port, and the user where the tests are root."""

    def __init__(self, folder: Path, certificates: Certificates, *, with_revoked: bool = False) -> None:
        super().__init__(folder)
        certificates.make("broker", "localhost")
        for name in ("crt", "key"):
            shutil.copy(certificates.folder / f"localhost.{name}", folder / f"broker.{name}")
        shutil.copy(certificates.folder / "ca.crt", folder)
        blocks = [path.read_text() for path in sorted(certificates.folder.glob("*.acl"))]
        (folder / "acl").write_text("".join([(CONFIG / "acl").read_text(), *blocks]))
        text = (CONFIG / "edge.conf").read_text()
        if with_revoked:
            shutil.copy(certificates.folder / "revoked.crl", folder)
            text = text.replace("#crlfile", "crlfile")
        text = text.replace(INSTALLED_IN, str(folder)).replace(
            "listener 8883", f"listener {self.port} localhost"
        )
        # What Debian's mosquitto.conf says beside it; the test's folder is root's own where root runs it.
        beside = ["user root"] if os.geteuid() == 0 else []
        self._config.write_text("\n".join([*beside, f"persistence_location {folder}/", text]))

    def settings(self, certificates: Certificates, name: str) -> MqttSettings:
        """How a device or a desk connects."""
        certificate, key = certificates.client(name)
        return MqttSettings(
            url=f"mqtts://localhost:{self.port}",
            ca_file=certificates.folder / "ca.crt",
            client_certificate=certificate,
            client_key=key,
        )
