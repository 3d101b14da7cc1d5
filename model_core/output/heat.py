"""The heat raster: how probable each cell of the area is, one band a photo.

Every place's probability is spread over its surroundings as a Gaussian, since a place stands for
the ground around it; a band sums to the probability that the photo was taken at any place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pyproj
import rasterio
from rasterio.transform import from_origin

from model_core.errors import ShapeError
from model_core.files import readable
from model_core.types import Area, FloatArray, LonLat, PhotoResult, Place

CELL_M = 5.0
SPREAD_M = 10.0
MAX_CELLS = 1_000_000


@dataclass(frozen=True)
class HeatGrid:
    """The cells of a heat raster in a projected plane; ``west_m`` and ``north_m`` are its corner.

    ``columns`` and ``rows`` are the cells of the places, float, from the corner.
    """

    crs: str
    west_m: float
    north_m: float
    cell_m: float
    shape: tuple[int, int]
    columns: npt.NDArray[np.float64]
    rows: npt.NDArray[np.float64]


def plane_of(center: LonLat) -> str:
    """Return the UTM zone of a point, or the polar plane beyond 84 degrees, as "EPSG:n"."""
    if center.lat >= 84.0:
        return "EPSG:5041"
    if center.lat <= -80.0:
        return "EPSG:5042"
    zone = int((center.lon + 180.0) // 6.0) % 60 + 1
    return f"EPSG:{(32600 if center.lat >= 0.0 else 32700) + zone}"


def lay_grid(places: Sequence[Place], area: Area) -> HeatGrid:
    """Return the grid that holds the area and all places, with room for their spread."""
    crs = plane_of(area.center_lonlat)
    to_plane = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    lon = np.array([place.lonlat.lon for place in places], dtype=np.float64)
    lat = np.array([place.lonlat.lat for place in places], dtype=np.float64)
    x_m, y_m = (np.asarray(axis) for axis in to_plane.transform(lon, lat))
    west_deg, south_deg, east_deg, north_deg = area.geometry.bounds
    west, south, east, north = to_plane.transform_bounds(west_deg, south_deg, east_deg, north_deg)
    room_m = 3.0 * SPREAD_M
    west = min(west, float(x_m.min(initial=math.inf)) - room_m)
    east = max(east, float(x_m.max(initial=-math.inf)) + room_m)
    south = min(south, float(y_m.min(initial=math.inf)) - room_m)
    north = max(north, float(y_m.max(initial=-math.inf)) + room_m)
    cell_m = max(CELL_M, math.sqrt((east - west) * (north - south) / MAX_CELLS))
    west, north = math.floor(west / cell_m) * cell_m, math.ceil(north / cell_m) * cell_m
    shape = (
        max(1, math.ceil((north - south) / cell_m)),
        max(1, math.ceil((east - west) / cell_m)),
    )
    columns, rows = (x_m - west) / cell_m, (north - y_m) / cell_m
    return HeatGrid(crs, west, north, cell_m, shape, columns, rows)


def spread(probability: FloatArray, grid: HeatGrid) -> FloatArray:
    """Return a photo's heat, float32 (rows, columns) of the grid, summing to the input's sum.

    Args:
        probability: (N,), one value a place.
        grid: As ``lay_grid`` gives it for the same places.

    Raises:
        ShapeError: Not as many values as places.
    """
    if probability.shape != grid.columns.shape:
        raise ShapeError(
            f"{probability.shape[0]} probabilities for {grid.columns.shape[0]} places: "
            "the results belong to another gallery"
        )
    heat: npt.NDArray[np.float64] = np.zeros(grid.shape, np.float64)
    row = np.clip(grid.rows.astype(np.int64), 0, grid.shape[0] - 1)
    column = np.clip(grid.columns.astype(np.int64), 0, grid.shape[1] - 1)
    np.add.at(heat, (row, column), probability.astype(np.float64))
    sigma = SPREAD_M / grid.cell_m
    if sigma >= 0.3:
        size = 2 * math.ceil(3.0 * sigma) + 1
        blurred = cv2.GaussianBlur(heat, (size, size), sigma, borderType=cv2.BORDER_CONSTANT)
        heat = np.asarray(blurred, np.float64)
    total = float(heat.sum())
    if total > 0.0:
        heat *= float(probability.sum(dtype=np.float64)) / total
    return heat.astype(np.float32)


def write_heat(
    path: Path, results: Sequence[PhotoResult], places: Sequence[Place], area: Area
) -> None:
    """Write the heat of every photo that has one, a band each, named after the photo.

    Raises:
        OSError: The file cannot be written.
        ShapeError: A result belongs to another gallery.
    """
    heated = [(r, r.place_probability) for r in results if r.place_probability is not None]
    grid = lay_grid(places, area)
    try:
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            width=grid.shape[1],
            height=grid.shape[0],
            count=len(heated),
            dtype="float32",
            crs=grid.crs,
            transform=from_origin(grid.west_m, grid.north_m, grid.cell_m, grid.cell_m),
            compress="deflate",
            predictor=3,
            tiled=True,
            interleave="band",
            BIGTIFF="IF_SAFER",
        ) as raster:
            raster.update_tags(content="probability per cell; a band sums to 1 - elsewhere")
            for band, (result, probability) in enumerate(heated, start=1):
                raster.write(spread(probability, grid), band)
                raster.set_band_description(band, readable(result.path.name))
                raster.update_tags(
                    band,
                    photo_sha256=result.photo_sha256,
                    probability_elsewhere=f"{result.probability_elsewhere:.6f}",
                )
    except rasterio.errors.RasterioIOError as err:
        raise OSError(str(err)) from err
