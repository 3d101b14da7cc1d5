"""Satellite images of places, north up, from local rasters and tile folders."""

from __future__ import annotations

from pathlib import Path

from model_core.errors import ImageryError
from model_core.references.imagery.base import ImagerySource
from model_core.references.imagery.raster import RasterImagery
from model_core.references.imagery.tiles import TileFolderImagery

__all__ = ["ImagerySource", "RasterImagery", "TileFolderImagery", "open_imagery"]


def open_imagery(path: Path) -> ImagerySource:
    """Return the source of satellite images that a local path is: a raster or a tile folder.

    Args:
        path: A raster that rasterio reads, or a folder of web-Mercator tiles named
            ``{z}/{x}/{y}.png`` or ``*-{x}-{y}-{z}.png``.

    Raises:
        ImageryError: There is no such path, or it can serve as neither; the message says why.
    """
    if not path.exists():
        raise ImageryError(f"{path}: there is no such raster or folder; check the path")
    if path.is_dir():
        tiles = TileFolderImagery(path)
        tiles.open()
        return tiles
    raster = RasterImagery(path)
    raster.open()
    return raster
