"""The secret that one device shares with its desk: messages over links without TLS are signed with it."""

from __future__ import annotations

from pathlib import Path

from edge.errors import ConfigFault

# 128 bits; `openssl rand -hex 32` writes twice as many.
MIN_KEY_BYTES = 16


def read_key(path: Path) -> bytes:
    """The key in a file of hexadecimal digits; a ConfigFault says what is wrong, never what stands there."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise ConfigFault(f"{path}: expected a readable key file, got: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigFault(_not_a_key(path, "other characters")) from None
    try:
        key = bytes.fromhex(text)
    except ValueError:
        raise ConfigFault(_not_a_key(path, "other characters")) from None
    if len(key) < MIN_KEY_BYTES:
        raise ConfigFault(_not_a_key(path, f"{2 * len(key)}"))
    return key


def _not_a_key(path: Path, got: str) -> str:
    return f"{path}: expected {2 * MIN_KEY_BYTES} or more hexadecimal digits and nothing else, got {got}"
