"""The first directory of a TIFF or BigTIFF file: size, bands, where its image data ends. Pure.

A file that is too short raises struct.error, one that no sender means ValueError.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

# TIFF 6.0, section 2, and BigTIFF: the types of whole numbers, as struct letters.
_WHOLE_NUMBERS = {1: "B", 3: "H", 4: "I", 16: "Q"}

_WIDTH, _HEIGHT = 256, 257
_STRIP_OFFSETS, _STRIP_BYTES = 273, 279
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_BYTES = 322, 323, 324, 325
_EXTRA_SAMPLES, _ALPHAS = 338, {1, 2}
_GEO_KEYS = 34735
_WANTED = frozenset({
    _WIDTH, _HEIGHT, _STRIP_OFFSETS, _STRIP_BYTES, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_BYTES,
    _EXTRA_SAMPLES, _GEO_KEYS,
})  # fmt: skip

# A directory has some 20 entries, the longest lists one strip a row. Before the first value is read.
_MAX_ENTRIES, _MAX_VALUES = 1000, 100_000


@dataclass(frozen=True, slots=True)
class TiffHeader:
    """What the directory says.

    n_pixels  of the image, or of one of its inner tiles where that is larger: a decoder takes memory for both
    data_end  the byte behind the last strip or inner tile
    """

    width_px: int
    height_px: int
    n_pixels: int
    data_end: int
    has_alpha: bool
    is_georeferenced: bool


Tags = Mapping[int, Sequence[int]]


def parse(content: bytes) -> TiffHeader:
    """The header of a file that starts with one of MAGICS."""
    tags = _tags(content)
    tiled = _TILE_OFFSETS in tags
    offsets, sizes = (_TILE_OFFSETS, _TILE_BYTES) if tiled else (_STRIP_OFFSETS, _STRIP_BYTES)
    ends = [start + size for start, size in zip(tags.get(offsets, ()), tags.get(sizes, ()), strict=False)]
    width, height = _first(tags, _WIDTH), _first(tags, _HEIGHT)
    return TiffHeader(
        width_px=width,
        height_px=height,
        n_pixels=max(width * height, _first(tags, _TILE_WIDTH) * _first(tags, _TILE_HEIGHT)),
        data_end=max(ends, default=0),
        has_alpha=bool(_ALPHAS.intersection(tags.get(_EXTRA_SAMPLES, ()))),
        is_georeferenced=_GEO_KEYS in tags,
    )


def _first(tags: Tags, tag: int) -> int:
    return next(iter(tags.get(tag, ())), 0)


def _tags(content: bytes) -> Tags:
    """The wanted tags of the first directory."""
    order = "<" if content.startswith(b"II") else ">"
    is_big = content[2:4] in {b"+\0", b"\0+"}
    start, count_kind, entry_bytes, word = (8, "Q", 20, "Q") if is_big else (4, "H", 12, "I")
    (directory,) = struct.unpack_from(order + word, content, start)
    (n_entries,) = struct.unpack_from(order + count_kind, content, directory)
    if n_entries > _MAX_ENTRIES:
        raise ValueError(f"a directory of {n_entries} entries")
    first = directory + struct.calcsize(order + count_kind)
    tags = {}
    for at in range(first, first + n_entries * entry_bytes, entry_bytes):
        (tag,) = struct.unpack_from(order + "H", content, at)
        if tag in _WANTED:
            tags[tag] = _values(content, at + 2, order, word)
    return tags


def _values(content: bytes, at: int, order: str, word: str) -> tuple[int, ...]:
    """The values of an entry from its type on: in the entry itself where they fit, else where it points."""
    kind, n_values = struct.unpack_from(order + "H" + word, content, at)
    if kind not in _WHOLE_NUMBERS or n_values > _MAX_VALUES:
        raise ValueError(f"an entry of {n_values} values of type {kind}")
    values, place = f"{order}{n_values}{_WHOLE_NUMBERS[kind]}", at + struct.calcsize(order + "H" + word)
    if struct.calcsize(values) > struct.calcsize(order + word):
        (place,) = struct.unpack_from(order + word, content, place)
    return struct.unpack_from(values, content, place)
