"""The ground under a GeoTIFF, by its own georeference. Needs the extra `geo`.

The one file that imports rasterio, and only when a GeoTIFF comes: it costs 0.25 s and 50 MB.
"""

from __future__ import annotations

from pathlib import Path

from edge.acquire.refusal import Refusal
from edge.errors import TileRefused
from edge.geo import GeoBounds

_WGS84 = "EPSG:4326"


def bounds_of(image: Path) -> GeoBounds:
    """The bounds of a north-up GeoTIFF, in degrees."""
    try:
        import rasterio  # noqa: PLC0415 - an extra
        from rasterio.warp import transform_bounds  # noqa: PLC0415
    except ImportError:
        raise TileRefused(
            Refusal.NEEDS_GEO,
            f"{image.name}: expected a sidecar, or the extra that reads a GeoTIFF's own georeference "
            "(pip install 'edge-monitor[geo]'), got neither",
        ) from None
    try:
        # GTiff alone: GDAL opens VRT under any name, XML that names other files. No file beside it either.
        alone = rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR")
        with alone, rasterio.open(image, driver="GTiff") as dataset:
            transform = dataset.transform
            if dataset.crs is None or transform.b or transform.d or transform.a <= 0 or transform.e >= 0:
                raise _refusal(image, "a north-up georeference", f"{dataset.crs} {tuple(transform)[:6]}")
            return GeoBounds(*transform_bounds(dataset.crs, _WGS84, *dataset.bounds))
    except (rasterio.errors.RasterioError, ValueError) as error:
        raise _refusal(image, "a readable georeference", str(error)) from None


def _refusal(image: Path, expected: str, got: str) -> TileRefused:
    return TileRefused(Refusal.BAD_GEOREFERENCE, f"{image.name}: expected {expected}, got {got}")
