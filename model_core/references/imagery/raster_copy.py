"""The part of a raster that places need, written as a GeoTIFF of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from model_core.errors import ImageryError
from model_core.files import make_folder, replacing
from model_core.references.imagery.raster import LevelWindow, RasterImagery, RasterLevel
from model_core.references.terms import terms_path, write_terms
from model_core.types import LonLat

_BLOCK_PX = 256
_RGBA = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)


def save_raster(
    imagery: RasterImagery,
    path: Path,
    centers: Sequence[LonLat],
    footprint_m: float,
    size_px: int,
) -> Path:
    """Write what images at the places are read from: the same pixels, lossless, rest left empty.

    Returns:
        ``path``, beside which the terms are written.

    Raises:
        ImageryError: The raster has no pixels at any of the places, or they cannot be written.
        InputError: The folder cannot be written.
    """
    needed = imagery.windows(centers, footprint_m, size_px)
    if not needed:
        raise ImageryError(f"{imagery.file.name}: has no imagery there; nothing is saved")
    level = max((one for one, _ in needed), key=lambda one: max(one.scale))
    windows = [_at_level(window, one, level) for one, window in needed]
    row0, column0 = min(one[0] for one in windows), min(one[1] for one in windows)
    rows = max(one[0] + one[2] for one in windows) - row0
    columns = max(one[1] + one[3] for one in windows) - column0
    make_folder(path.parent)
    captured_at = imagery.captured_at

    def write(full: DatasetReader) -> None:
        profile = _profile(full, level, (row0, column0), (rows, columns))
        with rasterio.open(unfinished, "w", **profile) as copy:
            copy.colorinterp = _RGBA
            for block in _blocks(windows, row0, column0):
                _copy_block(level, copy, block, (row0, column0), (rows, columns))
            if captured_at is not None:
                copy.update_tags(ns="IMAGERY", ACQUISITIONDATETIME=captured_at.isoformat())

    try:
        with replacing(path) as unfinished:
            imagery.using(write)
    except RasterioError as err:
        raise imagery.file.failure() or ImageryError(
            f"{path}: the part of {imagery.file.name} cannot be written there ({err})"
        ) from err
    write_terms(terms_path(path), imagery.terms)
    return path


def _profile(
    full: DatasetReader, level: RasterLevel, origin: tuple[int, int], shape: tuple[int, int]
) -> dict[str, Any]:
    """Return what the copy is made as: RGBA in the raster's own grid, empty blocks left out."""
    scale = Affine.scale(1.0 / level.scale[0], 1.0 / level.scale[1])
    return {
        "driver": "GTiff",
        "width": shape[1],
        "height": shape[0],
        "count": 4,
        "dtype": "uint8",
        "crs": full.crs,
        "transform": full.transform * scale * Affine.translation(origin[1], origin[0]),
        "photometric": "RGB",
        "compress": "deflate",
        "tiled": True,
        "blockxsize": _BLOCK_PX,
        "blockysize": _BLOCK_PX,
        "sparse_ok": True,
        "bigtiff": "if_safer",
    }


def _at_level(window: LevelWindow, seen: RasterLevel, level: RasterLevel) -> LevelWindow:
    """Return a window of one level in the pixels of another one."""
    if seen is level:
        return window
    row, column, rows, columns = window
    across, down = (level.scale[axis] / seen.scale[axis] for axis in (0, 1))
    top, left = int(row * down), int(column * across)
    bottom = min(level.shape[0], int((row + rows) * down) + 1)
    right = min(level.shape[1], int((column + columns) * across) + 1)
    return top, left, bottom - top, right - left


def _blocks(windows: Sequence[LevelWindow], row0: int, column0: int) -> list[tuple[int, int]]:
    """Return the rows and columns of the copy's blocks that the windows touch."""
    found: set[tuple[int, int]] = set()
    for row, column, rows, columns in windows:
        for y in range((row - row0) // _BLOCK_PX, (row - row0 + rows - 1) // _BLOCK_PX + 1):
            left, right = column - column0, column - column0 + columns - 1
            found.update((y, x) for x in range(left // _BLOCK_PX, right // _BLOCK_PX + 1))
    return sorted(found)


def _copy_block(
    level: RasterLevel,
    copy: rasterio.io.DatasetWriter,
    block: tuple[int, int],
    origin: tuple[int, int],
    shape: tuple[int, int],
) -> None:
    row, column = block[0] * _BLOCK_PX, block[1] * _BLOCK_PX
    rows, columns = min(_BLOCK_PX, shape[0] - row), min(_BLOCK_PX, shape[1] - column)
    pixels, mask = level.read_window(origin[0] + row, origin[1] + column, rows, columns)
    alpha = np.full((rows, columns), 255, np.uint8)
    if mask is not None:
        alpha[~mask] = 0
    values = np.concatenate([np.moveaxis(pixels, 2, 0), alpha[None]])
    copy.write(values, window=Window(column, row, columns, rows))
