"""A certificate authority for one test, made with openssl."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


class Authority:
    """Signs certificates into a folder: NAME.crt with its key NAME.key."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("openssl is not installed")
        self._folder = folder
        self.certificate = folder / "ca.crt"
        self._openssl(
            "req", "-x509", *_NEW_KEY, "ca.key", "-out", "ca.crt", "-subj", "/CN=test-ca", "-days", "2"
        )

    def sign(self, name: str, alternative: str = "IP:127.0.0.1") -> tuple[Path, Path]:
        """A certificate for a name, and its key."""
        request = ("req", *_NEW_KEY, f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        self._openssl(*request)
        (self._folder / f"{name}.ext").write_text(f"subjectAltName={alternative}\n")
        ca = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt", *ca)
        return self._folder / f"{name}.crt", self._folder / f"{name}.key"

    def sign_from_to(self, name: str, start: str, end: str) -> tuple[Path, Path]:
        """The same for 127.0.0.1, valid from one instant to another, each as YYYYMMDDHHMMSSZ."""
        request = ("req", *_NEW_KEY, f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        self._openssl(*request)
        (self._folder / "ca.conf").write_text(_CA_CONF)
        (self._folder / "index.txt").touch()
        (self._folder / f"{name}.ext").write_text("subjectAltName=IP:127.0.0.1\n")
        files = ("-cert", "ca.crt", "-keyfile", "ca.key", "-in", f"{name}.csr", "-out", f"{name}.crt")
        dates = ("-startdate", start, "-enddate", end)
        how = ("-batch", "-config", "ca.conf", "-notext", "-extfile", f"{name}.ext")
        self._openssl("ca", *how, *files, *dates)
        return self._folder / f"{name}.crt", self._folder / f"{name}.key"

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self._folder, check=True, capture_output=True)


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout")

# The least that `openssl ca` wants to know; `openssl x509` cannot be told when a certificate begins.
_CA_CONF = """\
[ca]
default_ca = this
[this]
new_certs_dir = .
database = index.txt
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
"""
