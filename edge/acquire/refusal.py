"""Why a file in the spool cannot become a tile: the closed list of reasons. Pure."""

from __future__ import annotations

from enum import StrEnum


class Refusal(StrEnum):
    """The reason of a TileRefused; the value is what the sender and the operator read."""

    # The file
    NOT_A_FILE = "not_a_file"  # a folder, a link, a pipe, a socket, a device
    BAD_NAME = "bad_name"  # a line break, bytes that are no text, longer than a file name may become
    UNKNOWN_SUFFIX = "unknown_suffix"
    UNREADABLE = "unreadable"
    EMPTY = "empty"
    TOO_LARGE = "too_large"  # in bytes
    # The image
    NOT_AN_IMAGE = "not_an_image"  # not what its suffix says
    TOO_MANY_PIXELS = "too_many_pixels"
    TRUNCATED = "truncated"
    UNDECODABLE = "undecodable"
    # The sidecar
    NO_SIDECAR = "no_sidecar"  # and no other source of place and time
    NO_IMAGE = "no_image"  # a sidecar alone
    BAD_SIDECAR = "bad_sidecar"
    OTHER_IMAGE = "other_image"  # the sidecar describes another file
    # What was said of the tile
    BAD_TILE_ID = "bad_tile_id"
    BAD_BOUNDS = "bad_bounds"
    BAD_GSD = "bad_gsd"
    GSD_CONTRADICTS_BOUNDS = "gsd_contradicts_bounds"
    BAD_TIME = "bad_time"
    FUTURE_TIME = "future_time"
    UNKNOWN_SITE = "unknown_site"
    BAD_GEOREFERENCE = "bad_georeference"
    NEEDS_GEO = "needs_geo"  # a GeoTIFF, and the extra that reads it is not installed
    # Ours
    INTERNAL_ERROR = "internal_error"  # a fault of this program: the log has the traceback
