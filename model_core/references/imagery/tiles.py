"""Satellite images out of a folder of web-Mercator tiles."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from functools import cached_property
from itertools import compress
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from model_core.errors import ImageryError
from model_core.references.imagery.pyramid import (
    HALF_WORLD_M,
    TO_MERCATOR,
    RgbaTile,
    TileKey,
    TilePyramid,
    decode_tile,
    is_blank,
)
from model_core.references.imagery.resample import READ_BEYOND_PX, resample, sampling_grid
from model_core.references.terms import LOCAL_IMAGERY, stated_terms
from model_core.types import LonLat, SatelliteImage, SourceTerms

_EXTENSIONS = r"\.(?:png|jpe?g|webp)"
_NUMBER = r"(0|[1-9]\d*)"
_FLAT_NAME = re.compile(rf"^(?:.*-)?{_NUMBER}-{_NUMBER}-{_NUMBER}{_EXTENSIONS}$", re.IGNORECASE)
_ROW_NAME = re.compile(rf"^{_NUMBER}{_EXTENSIONS}$", re.IGNORECASE)
_MAX_ZOOM = 25


class TileFolderImagery:
    """North-up satellite images from tiles named ``{z}/{x}/{y}.png`` or ``*-{x}-{y}-{z}.png``.

    PNG, JPEG or WebP, 256 or 512 pixels, any zooms together: each place is read at the zoom that
    fits, gaps are filled from finer and then from coarser tiles. Rows count from the north (XYZ),
    or from the south (TMS) where the folder holds a ``tilemapresource.xml``. Ground resolution
    follows the true latitude. A ``terms.json`` says what may be done with the tiles. May be read
    from several threads.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._pyramid: TilePyramid | None = None

    @cached_property
    def terms(self) -> SourceTerms:
        """What may be done with the tiles: the folder's own ``terms.json``, or the user's own."""
        return stated_terms(LOCAL_IMAGERY, self.path)

    def open(self) -> None:
        """List the folder's tiles and read their terms.

        Raises:
            ImageryError: There are none, or the first cannot be read.
            InputError: The terms are damaged.
        """
        with self._lock:
            self._open()
        _ = self.terms

    def read(self, center: LonLat, footprint_m: float, size_px: int) -> SatelliteImage | None:
        """Return the image centred on a place, or None where there are (almost) no tiles.

        Args:
            center: The place.
            footprint_m: Ground width in metres, in the plane tangent at the place.
            size_px: Width and height of the image.

        Raises:
            ImageryError: The folder holds no tiles, or a tile is damaged.
        """
        with self._lock:
            pyramid = self._open()
            grid = sampling_grid(center, footprint_m, TO_MERCATOR, pyramid.pixel_of_mercator)
            found = resample(pyramid.levels, grid, size_px)
        if found is None:
            return None
        image, valid = found
        return SatelliteImage(image, valid, footprint_m, center, self.terms)

    def bounds(self) -> tuple[float, float, float, float]:
        """Return west, south, east and north of the tiles' common rectangle, in degrees.

        Raises:
            ImageryError: There are no tiles.
        """
        return _bounds(dict(_list_tiles(self.path)))

    def files_off(self, ground: BaseGeometry) -> set[Path]:
        """Return the tiles that reads on some ground do without.

        One tile of each zoom is needed wherever it lies: the zooms there are decide what is read.

        Args:
            ground: A polygon in EPSG:4326.

        Raises:
            ImageryError: There are no tiles.
        """
        tile_px = self._open().tile_px
        region = shapely.transform(ground, _to_mercator)
        files: dict[int, dict[TileKey, Path]] = {}
        for key, path in _list_tiles(self.path):
            files.setdefault(key[0], {})[key] = path
        unneeded: set[Path] = set()
        for zoom, found in files.items():
            side = 2.0 * HALF_WORLD_M / (1 << zoom)
            near = region.buffer(READ_BEYOND_PX * side / tile_px)
            shapely.prepare(near)
            column, row = np.array([key[1:] for key in found]).T
            west, north = column * side - HALF_WORLD_M, HALF_WORLD_M - row * side
            is_needed = shapely.intersects(
                near, shapely.box(west, north - side, west + side, north)
            )
            is_needed[0] = True
            unneeded.update(compress(found.values(), ~is_needed))
        return unneeded

    def _open(self) -> TilePyramid:
        if self._pyramid is None:
            self._pyramid = TilePyramid(_TileFolder(self.path))
        return self._pyramid


class _TileFolder:
    """The tiles of a folder."""

    def __init__(self, folder: Path) -> None:
        self.files = dict(_list_tiles(folder))
        if not self.files:
            raise ImageryError(
                f"{folder}: holds no tiles named {{z}}/{{x}}/{{y}}.png or *-{{x}}-{{y}}-{{z}}.png; "
                "give a raster file or a folder of tiles"
            )
        self.with_content = _with_ancestors(self.files)
        self.zooms = (0, max(zoom for zoom, _, _ in self.files))
        self.tile_px = _first_readable(self.files).shape[0]

    def pixels(self, key: TileKey) -> RgbaTile | None:
        if key not in self.files:
            return None
        pixels = _decode(self.files[key])
        return None if is_blank(pixels) else pixels

    def has_content(self, key: TileKey) -> bool:
        return key in self.with_content


def _to_mercator(lonlat: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.column_stack(TO_MERCATOR.transform(lonlat[:, 0], lonlat[:, 1]))


def _bounds(files: dict[TileKey, Path]) -> tuple[float, float, float, float]:
    if not files:
        raise ImageryError("a folder without tiles has no bounds; give a folder of tiles")
    edges = []
    for zoom, x, y in files:
        side = 2.0 * HALF_WORLD_M / (1 << zoom)
        edges.append((x * side, -(y + 1) * side, (x + 1) * side, -y * side))
    low = np.min(np.asarray(edges)[:, :2], axis=0)
    high = np.max(np.asarray(edges)[:, 2:], axis=0)
    to_lonlat = pyproj.Transformer.from_crs("EPSG:3857", "EPSG:4326", always_xy=True)
    west, south = to_lonlat.transform(low[0] - HALF_WORLD_M, low[1] + HALF_WORLD_M)
    east, north = to_lonlat.transform(high[0] - HALF_WORLD_M, high[1] + HALF_WORLD_M)
    return float(west), float(south), float(east), float(north)


def _list_tiles(folder: Path) -> Iterator[tuple[TileKey, Path]]:
    from_south = (folder / "tilemapresource.xml").exists()
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name.isdigit():
            yield from _list_zoom(int(path.name), path, from_south)
            continue
        named = _FLAT_NAME.match(path.name)
        if named:
            x, y, zoom = (int(number) for number in named.groups())
            yield from _checked(zoom, x, y, path, from_south)


def _list_zoom(zoom: int, folder: Path, from_south: bool) -> Iterator[tuple[TileKey, Path]]:
    for column in sorted(folder.iterdir()):
        if not (column.is_dir() and column.name.isdigit()):
            continue
        for path in sorted(column.iterdir()):
            named = _ROW_NAME.match(path.name)
            if named:
                yield from _checked(zoom, int(column.name), int(named[1]), path, from_south)


def _checked(
    zoom: int, x: int, y: int, path: Path, from_south: bool
) -> Iterator[tuple[TileKey, Path]]:
    """Yield the tile if its numbers exist at its zoom; dates and the like in names do not."""
    if zoom <= _MAX_ZOOM and x < (1 << zoom) and y < (1 << zoom):
        yield (zoom, x, (1 << zoom) - 1 - y if from_south else y), path


def _with_ancestors(keys: dict[TileKey, Path]) -> set[TileKey]:
    found = set(keys)
    for zoom, x, y in keys:
        while zoom > 0:
            zoom, x, y = zoom - 1, x >> 1, y >> 1
            if (zoom, x, y) in found and (zoom, x, y) not in keys:
                break
            found.add((zoom, x, y))
    return found


def _decode(path: Path) -> RgbaTile:
    try:
        pixels = decode_tile(path.read_bytes())
    except OSError as err:
        raise ImageryError(f"{path}: this tile cannot be read ({err}); fetch it again") from err
    if pixels is None:
        raise ImageryError(f"{path}: this tile is no readable image; fetch it again or delete it")
    return pixels


def _first_readable(files: dict[TileKey, Path]) -> RgbaTile:
    """Return a tile that can be decoded; the first one's error where none of ten can."""
    errors = []
    for path in list(files.values())[:10]:
        try:
            return _decode(path)
        except ImageryError as err:
            errors.append(err)
    raise errors[0]
