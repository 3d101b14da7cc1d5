"""An orthophoto laid into a city's plane."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.transform import from_origin
from rasterio.vrt import WarpedVRT

from model_core.errors import InputError
from model_core.types import FloatArray, ImageU8
from training.world.real.frame import local_crs
from training.world.real.prepared import GroundPhoto

LEAST_CELL_M = 0.25
MOST_PIXELS = 8192
_PERCENTILES = (1.0, 99.0)


def read_ground_photo(
    path: Path, center_lonlat: tuple[float, float], low: FloatArray, high: FloatArray
) -> GroundPhoto:
    """Return a raster between two corners (east, north metres) of a city's plane.

    Where the raster ends, the photo is black, which the renderer takes for no photo.

    Raises:
        InputError: The raster cannot be read, has no position, or lies elsewhere.
    """
    span = np.asarray(high, np.float64) - low
    cell = max(LEAST_CELL_M, float(span.max()) / MOST_PIXELS)
    wide, tall = (int(np.ceil(s / cell)) for s in span)
    transform = from_origin(float(low[0]), float(high[1]), cell, cell)
    try:
        with rasterio.open(path) as raster:
            if raster.crs is None:
                raise InputError(f"{path} has no coordinate system; georeference it first")
            frame = {"crs": local_crs(center_lonlat).to_wkt(), "transform": transform}
            with WarpedVRT(
                raster, width=wide, height=tall, resampling=Resampling.average,
                add_alpha=raster.nodata is None and not _has_alpha(raster), **frame,
            ) as warped:  # fmt: skip
                bands = [1, 2, 3] if raster.count >= 3 else [1, 1, 1]
                values, seen = warped.read(bands), warped.dataset_mask() > 0
    except (RasterioError, OSError) as error:
        raise InputError(f"{path}: no readable raster ({error}); give a GeoTIFF") from error
    if not seen.any():
        raise InputError(f"{path} shows none of the city; give a raster of the same place")
    return GroundPhoto(_as_bytes(values, seen), cell, float(low[0]), float(high[1]))


def _has_alpha(raster: rasterio.DatasetReader) -> bool:
    return "alpha" in [c.name for c in raster.colorinterp]


def _as_bytes(values: np.ndarray, seen: np.ndarray) -> ImageU8:
    """Return bands (3, H, W) as pixels (H, W, 3), stretched if they hold more than bytes."""
    pixels = np.moveaxis(values, 0, -1)
    if pixels.dtype != np.uint8:
        low, high = np.percentile(pixels[seen], _PERCENTILES)
        scaled = (pixels.astype(np.float32) - low) / max(float(high - low), 1e-6)
        pixels = np.clip(scaled * 255, 0, 255)
    shown = np.maximum(pixels.astype(np.uint8), 1)
    return np.ascontiguousarray(np.where(seen[..., None], shown, 0).astype(np.uint8))
