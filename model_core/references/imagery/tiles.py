"""Satellite images out of a folder of web-Mercator tiles."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pyproj
from affine import Affine

from model_core.errors import ImageryError
from model_core.references.imagery.resample import resample, sampling_grid
from model_core.references.terms import LOCAL_IMAGERY, terms_for_file
from model_core.types import ImageU8, LonLat, MaskArray, SatelliteImage, SourceTerms

TileKey = tuple[int, int, int]
RgbaTile = npt.NDArray[np.uint8]

_EXTENSIONS = r"\.(?:png|jpe?g|webp)"
_NUMBER = r"(0|[1-9]\d*)"
_FLAT_NAME = re.compile(rf"^(?:.*-)?{_NUMBER}-{_NUMBER}-{_NUMBER}{_EXTENSIONS}$", re.IGNORECASE)
_ROW_NAME = re.compile(rf"^{_NUMBER}{_EXTENSIONS}$", re.IGNORECASE)
_HALF_WORLD_M = 20037508.342789244
_MAX_ZOOM = 25
_CACHE_BYTES = 128 << 20


class TileFolderImagery:
    """North-up satellite images from tiles named ``{z}/{x}/{y}.png`` or ``*-{x}-{y}-{z}.png``.

    PNG, JPEG or WebP, 256 or 512 pixels, any zooms together: each place is read at the zoom that
    fits, gaps are filled from finer and then from coarser tiles. Rows count from the north (XYZ),
    or from the south (TMS) where the folder holds a ``tilemapresource.xml``. Ground resolution
    follows the true latitude. May be read from several threads.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.terms: SourceTerms = terms_for_file(LOCAL_IMAGERY, path)
        self._lock = threading.Lock()
        self._pyramid: _TilePyramid | None = None
        self._to_mercator = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)

    def open(self) -> None:
        """List the folder's tiles.

        Raises:
            ImageryError: There are none, or the first cannot be read.
        """
        with self._lock:
            self._open()

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
            grid = sampling_grid(center, footprint_m, self._to_mercator, pyramid.pixel_of_mercator)
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
        with self._lock:
            return self._open().bounds()

    def _open(self) -> _TilePyramid:
        if self._pyramid is None:
            self._pyramid = _TilePyramid(self.path)
        return self._pyramid


class _TilePyramid:
    """The tiles of a folder as one pixel grid of the world per zoom."""

    def __init__(self, folder: Path) -> None:
        self.files = dict(_list_tiles(folder))
        if not self.files:
            raise ImageryError(
                f"{folder}: holds no tiles named {{z}}/{{x}}/{{y}}.png or *-{{x}}-{{y}}-{{z}}.png; "
                "give a raster file or a folder of tiles"
            )
        self.with_content = _with_ancestors(self.files)
        self.max_zoom = max(zoom for zoom, _, _ in self.files)
        self.tile_px = _first_readable(self.files).shape[0]
        self._cached_tiles = max(16, _CACHE_BYTES // (4 * self.tile_px**2))
        self.levels = tuple(_TileLevel(self, zoom) for zoom in range(self.max_zoom, -1, -1))
        metres_per_px = 2.0 * _HALF_WORLD_M / (self.tile_px << self.max_zoom)
        self.pixel_of_mercator = ~Affine(
            metres_per_px, 0.0, -_HALF_WORLD_M, 0.0, -metres_per_px, _HALF_WORLD_M
        )
        self._cache: OrderedDict[TileKey, RgbaTile | None] = OrderedDict()

    def tile(self, key: TileKey) -> RgbaTile | None:
        """Return the pixels of a tile, RGBA, made from its relatives where it is missing."""
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        if key in self.files:
            pixels: RgbaTile | None = self._fitted(_decode(self.files[key]))
        else:
            pixels = self._from_relatives(key)
        self._cache[key] = pixels
        if len(self._cache) > self._cached_tiles:
            self._cache.popitem(last=False)
        return pixels

    def bounds(self) -> tuple[float, float, float, float]:
        """Return west, south, east and north of all tiles, in degrees."""
        edges = []
        for zoom, x, y in self.files:
            side = 2.0 * _HALF_WORLD_M / (1 << zoom)
            edges.append((x * side, -(y + 1) * side, (x + 1) * side, -y * side))
        low = np.min(np.asarray(edges)[:, :2], axis=0)
        high = np.max(np.asarray(edges)[:, 2:], axis=0)
        to_lonlat = pyproj.Transformer.from_crs("EPSG:3857", "EPSG:4326", always_xy=True)
        west, south = to_lonlat.transform(low[0] - _HALF_WORLD_M, low[1] + _HALF_WORLD_M)
        east, north = to_lonlat.transform(high[0] - _HALF_WORLD_M, high[1] + _HALF_WORLD_M)
        return float(west), float(south), float(east), float(north)

    def _fitted(self, pixels: RgbaTile) -> RgbaTile:
        if pixels.shape[:2] == (self.tile_px, self.tile_px):
            return pixels
        return _resized(pixels, self.tile_px)

    def _from_relatives(self, key: TileKey) -> RgbaTile | None:
        base = self._from_parent(key)
        if key not in self.with_content:
            return base
        made = np.zeros((self.tile_px, self.tile_px, 4), np.uint8) if base is None else base.copy()
        zoom, x, y = key
        half = self.tile_px // 2
        for down in (0, 1):
            for right in (0, 1):
                child_key = (zoom + 1, 2 * x + right, 2 * y + down)
                child = self.tile(child_key) if child_key in self.with_content else None
                if child is None:
                    continue
                quarter = made[down * half :, right * half :][:half, :half]
                shrunk = _resized(child, half)
                opaque = shrunk[..., 3] >= 128
                quarter[opaque] = shrunk[opaque]
        return made

    def _from_parent(self, key: TileKey) -> RgbaTile | None:
        zoom, x, y = key
        for up in range(1, zoom + 1):
            ancestor = (zoom - up, x >> up, y >> up)
            if ancestor not in self.files:
                continue
            pixels = self.tile(ancestor)
            side = self.tile_px >> up
            if pixels is None or side < 1:
                return None
            row, column = (y % (1 << up)) * side, (x % (1 << up)) * side
            return _resized(pixels[row : row + side, column : column + side], self.tile_px)
        return None


@dataclass(frozen=True)
class _TileLevel:
    pyramid: _TilePyramid
    zoom: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the world at this zoom."""
        side = self.pyramid.tile_px << self.zoom
        return side, side

    @property
    def scale(self) -> tuple[float, float]:
        """Columns and rows per pixel of the finest zoom."""
        scale = 0.5 ** (self.pyramid.max_zoom - self.zoom)
        return scale, scale

    def read_window(
        self, row: int, column: int, rows: int, columns: int
    ) -> tuple[ImageU8, MaskArray | None] | None:
        """Return uint8 (rows, columns, 3) and the mask of valid pixels; None without any tile."""
        side = self.pyramid.tile_px
        mosaic = np.zeros((rows, columns, 4), dtype=np.uint8)
        for y in range(row // side, (row + rows - 1) // side + 1):
            for x in range(column // side, (column + columns - 1) // side + 1):
                tile = self.pyramid.tile((self.zoom, x, y))
                if tile is None:
                    continue
                top, left = y * side - row, x * side - column
                part = tile[max(0, -top) : rows - top, max(0, -left) : columns - left]
                mosaic[max(0, top) :, max(0, left) :][: part.shape[0], : part.shape[1]] = part
        mask = mosaic[..., 3] >= 128
        if not mask.any():
            return None
        return np.ascontiguousarray(mosaic[..., :3]), None if mask.all() else mask


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
        data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
        pixels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if len(data) else None
    except (OSError, cv2.error) as err:
        raise ImageryError(f"{path}: this tile cannot be read ({err}); fetch it again") from err
    if pixels is None:
        raise ImageryError(f"{path}: this tile is no readable image; fetch it again or delete it")
    if pixels.dtype == np.uint16:
        pixels = np.asarray(pixels // 256, dtype=np.uint8)
    if pixels.ndim == 2:
        rgba = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGBA)
    elif pixels.shape[2] == 3:
        rgba = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGBA)
    else:
        rgba = cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA)
    return np.asarray(rgba, dtype=np.uint8)


def _first_readable(files: dict[TileKey, Path]) -> RgbaTile:
    """Return a tile that can be decoded; the first one's error where none of ten can."""
    errors = []
    for path in list(files.values())[:10]:
        try:
            return _decode(path)
        except ImageryError as err:
            errors.append(err)
    raise errors[0]


def _resized(pixels: RgbaTile, side: int) -> RgbaTile:
    method = cv2.INTER_AREA if side < pixels.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (side, side), interpolation=method), dtype=np.uint8)
