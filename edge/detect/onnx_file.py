"""What an ONNX file says of itself without being run: the opset and the metadata of its exporter. Pure.

ONNX is protobuf; of the outermost message three fields are read and the rest is stepped over, so that the
device needs no `onnx` package. Field numbers: onnx/onnx.proto, ModelProto.
"""

from __future__ import annotations

from collections.abc import Iterator

# What ONNX Runtime has been tested with for years; older graphs are worth a new export.
MIN_OPSET = 11

_OPSET_IMPORT, _METADATA = 8, 14
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_OFFICIAL_DOMAINS = ("", "ai.onnx")


def opset(data: bytes) -> int:
    """The version of the official operators that a model wants; 0 where the file does not say so."""
    for number, value in _fields(data):
        if number == _OPSET_IMPORT and isinstance(value, bytes):
            entry = dict(_fields(value))
            domain, version = entry.get(1, b""), entry.get(2, 0)
            if isinstance(domain, bytes) and domain.decode(errors="replace") in _OFFICIAL_DOMAINS:
                return version if isinstance(version, int) else 0
    return 0


def metadata(data: bytes) -> dict[str, str]:
    """What the exporter wrote beside the graph, by key."""
    pairs = [dict(_fields(value)) for number, value in _fields(data)
             if number == _METADATA and isinstance(value, bytes)]  # fmt: skip
    return {_text(pair.get(1)): _text(pair.get(2)) for pair in pairs}


def _text(value: bytes | int | None) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else ""


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Number and value of each field of a message, until it ends or makes no sense."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, value
        elif kind == _BYTES:
            length, at = _varint(data, at)
            yield number, data[at : at + length]
            at += length
        elif kind in {_FIXED64, _FIXED32}:
            at += 8 if kind == _FIXED64 else 4
        else:
            return


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and where the next thing starts."""
    value, shift = 0, 0
    while at < len(data):
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80 or shift > 63:
            break
    return value, at
