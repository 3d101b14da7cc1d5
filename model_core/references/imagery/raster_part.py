"""The part of a local raster that lies on some ground: the same raster, empty elsewhere.

Grid, bands, values, mask and overviews stay those of the source, so that an image reads the same
from both. Blocks off the ground are not written and take no room. The overviews' own pixels follow
in ``.ovr``, ``.ovr.ovr`` and so on: made anew, they could differ from those of the source.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
import rasterio
import shapely
import shapely.affinity
from affine import Affine
from rasterio.dtypes import in_dtype_range
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader, DatasetWriter
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from model_core.errors import ImageryError
from model_core.files import replacing
from model_core.references.imagery.bands import measure_stretch, note_stretch, plan_bands
from model_core.references.imagery.resample import READ_BEYOND_PX

_BLOCK_PX = 512
_INDEX_BYTES = 16
"""What a GeoTIFF notes of a block, written or not: offset and length."""

_RGB = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)


@dataclass(frozen=True)
class RasterPart:
    """Blocks of a local raster: those of full resolution, then those of each overview."""

    path: Path
    windows: tuple[tuple[Window, ...], ...]

    @property
    def block_count(self) -> int:
        """How many blocks it has; none where the raster lies elsewhere."""
        return sum(len(found) for found in self.windows)

    def files(self, target: Path) -> list[Path]:
        """Return the files that the part becomes, in the order of ``windows``."""
        return [
            target.with_name(target.name + number * ".ovr") for number in range(len(self.windows))
        ]

    def save(self, target: Path, step: Callable[[int], None]) -> list[ImageryError]:
        """Write the part as a tiled GeoTIFF, lossless, and return which blocks could not be read.

        Such blocks stay empty. The file of full resolution takes its place last.

        Args:
            target: The file, in a folder that is there; its overviews lie beside it.
            step: Told how many blocks are done, before each; what it raises ends the writing.

        Raises:
            InputError: A file cannot be written.
        """
        failures: list[ImageryError] = []
        done = 0
        with rasterio.open(self.path) as full, rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
            mask_band = _mask_band(full)
            for number, path in reversed(list(enumerate(self.files(target)))):
                with (
                    replacing(path) as unfinished,
                    _open_level(self.path, number) as level,
                    rasterio.open(unfinished, "w", **_profile(full, level)) as copy,
                ):
                    _describe(full, copy)
                    for window in self.windows[number]:
                        step(done)
                        done += 1
                        failures += _copy_block(level, copy, window, mask_band)
        step(done)
        return failures


def find_part(path: Path, ground: BaseGeometry) -> RasterPart | None:
    """Return the part of a raster on some ground, None where the raster as it is takes less room.

    None, too, where control points alone say where the raster lies.

    Args:
        path: The raster.
        ground: A polygon in EPSG:4326.
    """
    with rasterio.open(path) as full:
        if full.crs is None:
            return None
        region = _in_pixels(ground, full)
        windows = []
        size_bytes = 0.0
        has_mask = _mask_band(full) is not None
        pixel_bytes = sum(np.dtype(dtype).itemsize for dtype in full.dtypes) + has_mask / 8
        for number in range(len(full.overviews(1)) + 1):
            with _open_level(path, number) as level:
                windows.append(_windows_on(region, full.shape, level.shape))
                blocks = math.prod(math.ceil(side / _BLOCK_PX) for side in level.shape)
            size_bytes += sum(one.width * one.height for one in windows[-1]) * pixel_bytes
            size_bytes += blocks * _INDEX_BYTES * (1 + has_mask)
        part = RasterPart(path, tuple(windows))
        whole_bytes = sum(file.stat().st_size for file in map(Path, full.files) if file.is_file())
        return part if part.block_count == 0 or size_bytes < whole_bytes else None


def _open_level(path: Path, number: int) -> DatasetReader:
    return rasterio.open(path, **({"overview_level": number - 1} if number else {}))


def _in_pixels(ground: BaseGeometry, dataset: DatasetReader) -> BaseGeometry:
    """Return ground in a raster's columns and rows; empty where its CRS cannot express it."""
    to_crs = pyproj.Transformer.from_crs("EPSG:4326", dataset.crs, always_xy=True)
    a, b, c, d, e, f = (~dataset.transform)[:6]

    def move(lonlat: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        x, y = to_crs.transform(lonlat[:, 0], lonlat[:, 1])
        return np.column_stack([a * x + b * y + c, d * x + e * y + f])

    region = shapely.transform(ground, move)
    return region if np.isfinite(shapely.get_coordinates(region)).all() else shapely.Polygon()


def _windows_on(
    region: BaseGeometry, full_shape: tuple[int, int], shape: tuple[int, int]
) -> tuple[Window, ...]:
    """Return the blocks of a level that a region of full-resolution pixels touches, row by row."""
    rows, columns = shape
    scale = Affine.scale(columns / full_shape[1], rows / full_shape[0])
    scaled = shapely.affinity.affine_transform(region, scale.to_shapely())
    within = scaled.buffer(READ_BEYOND_PX).intersection(shapely.box(0, 0, columns, rows))
    if not within.area > 0.0:
        return ()
    left, top, right, bottom = within.bounds
    x, y = (
        axis.ravel()
        for axis in np.meshgrid(
            np.arange(math.floor(left / _BLOCK_PX), math.ceil(right / _BLOCK_PX)) * _BLOCK_PX,
            np.arange(math.floor(top / _BLOCK_PX), math.ceil(bottom / _BLOCK_PX)) * _BLOCK_PX,
        )
    )
    shapely.prepare(within)
    touched = shapely.intersects(within, shapely.box(x, y, x + _BLOCK_PX, y + _BLOCK_PX))
    return tuple(
        Window(column, row, min(_BLOCK_PX, columns - column), min(_BLOCK_PX, rows - row))
        for column, row in zip(x[touched].tolist(), y[touched].tolist(), strict=True)
    )


def _mask_band(dataset: DatasetReader) -> int | None:
    """Return the band whose mask tells which pixels are there, None where alpha or nodata does."""
    band = plan_bands(dataset.name, dataset).colours[0]
    flags = dataset.mask_flag_enums[band - 1]
    return None if MaskFlags.alpha in flags or MaskFlags.nodata in flags else band


def _profile(full: DatasetReader, level: DatasetReader) -> dict[str, Any]:
    """Return what a level's copy is made as: what is never written takes no room in it."""
    dtype = full.dtypes[0]
    is_palette = full.colorinterp[0] == ColorInterp.palette
    colours = "rgb" if full.colorinterp[:3] == _RGB else "minisblack"
    is_marked = full.nodata is not None and in_dtype_range(full.nodata, dtype)
    return {
        "driver": "GTiff",
        "width": level.width,
        "height": level.height,
        "count": full.count,
        "dtype": dtype,
        "crs": full.crs,
        "transform": level.transform,
        "nodata": full.nodata if is_marked else None,
        "photometric": "palette" if is_palette else colours,
        "interleave": "pixel",
        "compress": "deflate",
        "predictor": 3 if np.dtype(dtype).kind == "f" else 2,
        "tiled": True,
        "blockxsize": _BLOCK_PX,
        "blockysize": _BLOCK_PX,
        "sparse_ok": True,
        "bigtiff": "if_safer",
    }


def _describe(full: DatasetReader, copy: DatasetWriter) -> None:
    """Give a copy what the source says of its bands, its date and its black and white points."""
    if full.colorinterp[0] == ColorInterp.palette:
        copy.write_colormap(1, full.colormap(1))
    copy.colorinterp = full.colorinterp
    copy.descriptions = full.descriptions
    copy.scales, copy.offsets = full.scales, full.offsets
    copy.update_tags(**full.tags())
    copy.update_tags(ns="IMAGERY", **full.tags(ns="IMAGERY"))
    note_stretch(copy, measure_stretch(full, plan_bands(full.name, full)))


def _copy_block(
    level: DatasetReader, copy: DatasetWriter, window: Window, mask_band: int | None
) -> list[ImageryError]:
    """Copy a block, or return why it cannot be read."""
    try:
        values = level.read(window=window)
        mask = None if mask_band is None else level.read_masks(mask_band, window=window)
    except RasterioError as err:
        x, y = level.xy(window.row_off + window.height / 2, window.col_off + window.width / 2)
        return [
            ImageryError(
                f"{level.name}: its pixels near {x:.1f}, {y:.1f} cannot be read ({err}); the file "
                "seems damaged, export it again"
            )
        ]
    copy.write(values, window=window)
    if mask is not None:
        copy.write_mask(mask >= 128, window=window)
    return []
