"""Satellite images of places, north up, from local rasters and tiles and from online sources."""

from __future__ import annotations

from pathlib import Path

from model_core.errors import ImageryError, InputError
from model_core.references.imagery.base import ImagerySource, OnlineImagery
from model_core.references.imagery.mosaic import MosaicImagery, is_mosaic
from model_core.references.imagery.raster import RasterImagery
from model_core.references.imagery.shifted import ShiftedImagery, read_offset
from model_core.references.imagery.stated import OFFSET_OPTIONS
from model_core.references.imagery.tiles import TileFolderImagery
from model_core.references.source import parse_source

__all__ = [
    "ImagerySource",
    "MosaicImagery",
    "OnlineImagery",
    "RasterImagery",
    "ShiftedImagery",
    "TileFolderImagery",
    "open_imagery",
]


def open_imagery(path: Path) -> ImagerySource:
    """Return the source of satellite images that a local path is: a raster or a folder.

    Args:
        path: A raster that rasterio reads, a folder of web-Mercator tiles named
            ``{z}/{x}/{y}.png`` or ``*-{x}-{y}-{z}.png``, or a folder of rasters, of which the
            first by name lies on top. ``|offset_east_m=3|offset_north_m=-1`` may follow: metres by
            which the imagery shows things too far east and north.

    Raises:
        ImageryError: There is no such path, or it can serve as neither; the message says why.
        InputError: What follows the path, or lies beside it, cannot be read.
    """
    offset = (0.0, 0.0)
    if not path.exists() and "|" in str(path):
        text = parse_source(str(path))
        path = Path(text.name)
        unknown = sorted(text.options.keys() - OFFSET_OPTIONS.keys())
        if unknown:
            raise InputError(
                f"{path}: option {unknown[0]} is unknown; known are {', '.join(OFFSET_OPTIONS)}"
            )
        offset = text.number("offset_east_m", 0.0), text.number("offset_north_m", 0.0)
    if not path.exists():
        raise ImageryError(f"{path}: there is no such raster or folder; check the path")
    imagery = _open(path)
    if offset == (0.0, 0.0):
        offset = read_offset(path)
    return imagery if offset == (0.0, 0.0) else ShiftedImagery(imagery, *offset)


def _open(path: Path) -> ImagerySource:
    if path.is_file():
        raster = RasterImagery(path)
        raster.open()
        return raster
    folder: MosaicImagery | TileFolderImagery
    try:
        folder = MosaicImagery(path) if is_mosaic(path) else TileFolderImagery(path)
        folder.open()
    except OSError as err:
        raise ImageryError(f"{path}: cannot be read ({err}); check its permissions") from err
    return folder
