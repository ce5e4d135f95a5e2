"""What a PNG, JPEG or TIFF file says of itself, and whether all of it is there, read from its bytes. Pure.

A decoder believes these numbers and takes memory for them: they are read here first, by few and plain lines.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass

from edge.acquire import tiff_header
from edge.acquire.refusal import Refusal
from edge.acquire.tile_name import suffix_of
from edge.errors import TileRefused

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_JPEG_MAGIC = b"\xff\xd8\xff"

_FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF"}

# ITU T.81, table B.1. A start of frame carries the size; C4, C8 and CC lie in its range and are none.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_START_OF_SCAN, _JPEG_END = 0xDA, 0xD9
# Inside a scan FF 00 is data, FF D0 to FF D7 restart it, FF FF fills.
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What an image file says of itself.

    format            PNG, JPEG or TIFF
    n_pixels          that a decoder takes memory for at once, at least width times height
    has_alpha         true if the last band says which pixels carry data
    is_georeferenced  true for a TIFF with the tags of GeoTIFF
    """

    format: str
    width_px: int
    height_px: int
    n_pixels: int
    has_alpha: bool = False
    is_georeferenced: bool = False


def parse(content: bytes, name: str) -> ImageHeader:
    """The header of a whole image file.

    name  of the file, for messages; its suffix, if it is one of an image, must agree with the content
    """
    if not content:
        raise TileRefused(Refusal.EMPTY, f"{name}: expected an image, got 0 bytes")
    found, expected = format_of(content), _FORMATS.get(suffix_of(name))
    if found is None or expected not in {None, found}:
        wanted, got = expected or "JPEG, PNG or TIFF", found or f"bytes {content[:8].hex(' ')} ..."
        raise TileRefused(Refusal.NOT_AN_IMAGE, f"{name}: expected {wanted}, got {got}")
    try:
        return _PARSERS[found](content)
    except (struct.error, IndexError):
        raise _truncated(name, "the file to its end", f"{len(content)} bytes") from None
    except ValueError as error:
        raise TileRefused(Refusal.UNDECODABLE, f"{name}: expected a sound {found}, got {error}") from None
    except _Short as short:
        raise _truncated(name, short.expected, short.got) from None


def format_of(content: bytes) -> str | None:
    """PNG, JPEG, TIFF, or None."""
    if content.startswith(_PNG_MAGIC):
        return "PNG"
    if content.startswith(_JPEG_MAGIC):
        return "JPEG"
    return "TIFF" if content.startswith(tiff_header.MAGICS) else None


class _Short(Exception):
    """A part of the file is missing; never leaves this file."""

    def __init__(self, expected: str, got: str) -> None:
        super().__init__(expected, got)
        self.expected, self.got = expected, got


def _truncated(name: str, expected: str, got: str) -> TileRefused:
    return TileRefused(Refusal.TRUNCATED, f"{name}: expected {expected}, got {got}")


def _png(content: bytes) -> ImageHeader:
    """PNG (ISO/IEC 15948): IHDR first, every chunk whole, IEND last."""
    width, height, _, colour = struct.unpack_from(">IIBB", content, 16)
    view = memoryview(content)
    has_alpha, at, kind = colour in {4, 6}, len(_PNG_MAGIC), b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", content, at)
        end = at + 12 + length
        if end > len(content):
            raise _Short(f"chunk {ascii(kind)[2:-1]} up to byte {end}", f"{len(content)} bytes")
        (checksum,) = struct.unpack_from(">I", content, end - 4)
        if kind == b"IDAT" and zlib.crc32(view[at + 4 : end - 4]) != checksum:
            raise ValueError(f"image data unlike its checksum at byte {at}")
        has_alpha |= kind == b"tRNS"
        at = end
    return ImageHeader("PNG", width, height, width * height, has_alpha=has_alpha)


def _jpeg(content: bytes) -> ImageHeader:
    """JPEG (ITU T.81): the frame's size, then scan by scan up to the end of the image."""
    size, at = None, 2
    while True:
        at, marker = _jpeg_marker(content, at)
        if marker == _JPEG_END:
            break
        (length,) = struct.unpack_from(">H", content, at)
        if marker in _JPEG_FRAMES:
            size = struct.unpack_from(">HH", content, at + 3)
        at += length
        if marker == _JPEG_START_OF_SCAN:
            following = _JPEG_MARKER.search(content, at)
            if following is None:
                raise _Short("the mark FF D9 at its end", f"{len(content)} bytes without")
            at = following.start()
    if size is None:
        raise _Short("a frame header", "none")
    height, width = size
    return ImageHeader("JPEG", width, height, width * height)


def _jpeg_marker(content: bytes, at: int) -> tuple[int, int]:
    """The place behind a marker, and its second byte."""
    if content[at] != 0xFF:
        raise _Short(f"a marker at byte {at}", f"{content[at]:02x}")
    while content[at] == 0xFF:
        at += 1
    return at + 1, content[at]


def _tiff(content: bytes) -> ImageHeader:
    """TIFF 6.0 and BigTIFF: the first image of the file."""
    tags = tiff_header.parse(content)
    if tags.data_end > len(content):
        raise _Short(f"image data up to byte {tags.data_end}", f"{len(content)} bytes")
    return ImageHeader(
        "TIFF", tags.width_px, tags.height_px, tags.n_pixels, tags.has_alpha, tags.is_georeferenced
    )


_PARSERS = {"PNG": _png, "JPEG": _jpeg, "TIFF": _tiff}
