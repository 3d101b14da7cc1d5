"""Web-Mercator tiles, wherever they are kept, as one pixel grid of the world per zoom.

A tile that is missing, or says "no data" by showing nothing, is made from its relatives: finer
tiles first, coarser ones under them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt
import pyproj
from affine import Affine

from model_core.errors import ProviderError
from model_core.types import ImageU8, MaskArray

TileKey = tuple[int, int, int]
"""Zoom, column from the west, row from the north."""

RgbaTile = npt.NDArray[np.uint8]

HALF_WORLD_M = 20037508.342789244
_DARKEST_CONTENT, _LIGHTEST_CONTENT = 4, 200
_CACHE_BYTES = 64 << 20

TO_MERCATOR = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)


class TileStore(Protocol):
    """Where tiles come from; asked from several threads."""

    @property
    def tile_px(self) -> int:
        """Width and height of the tiles."""
        ...

    @property
    def zooms(self) -> tuple[int, int]:
        """Least and greatest zoom."""
        ...

    def pixels(self, key: TileKey) -> RgbaTile | None:
        """Return a tile's pixels, None where it is missing or shows nothing.

        Raises:
            ImageryError: A local tile is damaged.
            ProviderError: An online one cannot be had.
        """
        ...

    def has_content(self, key: TileKey) -> bool:
        """Return whether there is a tile here, or as far as is known anywhere below."""
        ...


class TilePyramid:
    """The tiles of a store, and what is made from their relatives where they are missing.

    ``failures`` collects why tiles could not be had since it was last emptied; such a tile has no
    pixels.
    """

    def __init__(self, store: TileStore) -> None:
        self.store = store
        self.tile_px = store.tile_px
        self.min_zoom, self.max_zoom = store.zooms
        self.failures: list[ProviderError] = []
        kept = max(64, _CACHE_BYTES // (4 * self.tile_px**2))
        self._own = _RecentTiles(kept)
        self._made = _RecentTiles(kept)
        self.levels = tuple(
            TileLevel(self, zoom) for zoom in range(self.max_zoom, self.min_zoom - 1, -1)
        )
        metres_per_px = 2.0 * HALF_WORLD_M / (self.tile_px << self.max_zoom)
        self.pixel_of_mercator = ~Affine(
            metres_per_px, 0.0, -HALF_WORLD_M, 0.0, -metres_per_px, HALF_WORLD_M
        )

    def is_at_hand(self, key: TileKey) -> bool:
        """Return whether a tile is in memory, or known to be missing."""
        return key in self._own

    def own(self, key: TileKey) -> RgbaTile | None:
        """Return a tile as the store has it, at the size of all tiles; safe in threads."""
        return self._own.get(key, self._fitted)

    def tile(self, key: TileKey) -> RgbaTile | None:
        """Return the pixels of a tile, RGBA, made from its relatives where it is missing."""
        pixels = self.own(key)
        return self._made.get(key, self._from_relatives) if pixels is None else pixels

    def coarser(self, key: TileKey) -> TileKey | None:
        """Return the tile above, None where there is none or it is outside the zooms."""
        zoom, x, y = key
        return (zoom - 1, x >> 1, y >> 1) if zoom > self.min_zoom else None

    def finer(self, key: TileKey) -> tuple[TileKey, ...]:
        """Return the four tiles below: both of the upper row, then both of the lower."""
        zoom, x, y = key
        if zoom >= self.max_zoom:
            return ()
        return tuple((zoom + 1, 2 * x + right, 2 * y + down) for down in (0, 1) for right in (0, 1))

    def ancestors(self, key: TileKey) -> list[TileKey]:
        """Return the coarser tiles that could still lend a pixel, the nearest first."""
        found = []
        above = self.coarser(key)
        while above is not None and self.tile_px >> (key[0] - above[0]) >= 1:
            found.append(above)
            above = self.coarser(above)
        return found

    def _fitted(self, key: TileKey) -> RgbaTile | None:
        pixels = self.store.pixels(key)
        if pixels is None or pixels.shape[:2] == (self.tile_px, self.tile_px):
            return pixels
        return _resized(pixels, self.tile_px)

    def _from_relatives(self, key: TileKey) -> RgbaTile | None:
        made = self._from_ancestor(key)
        half = self.tile_px // 2
        for index, child_key in enumerate(self.finer(key)):
            child = self.tile(child_key) if self.store.has_content(child_key) else None
            if child is None:
                continue
            if made is None:
                made = np.zeros((self.tile_px, self.tile_px, 4), np.uint8)
            down, right = divmod(index, 2)
            quarter = made[down * half :, right * half :][:half, :half]
            shrunk = _resized(child, half)
            opaque = shrunk[..., 3] >= 128
            quarter[opaque] = shrunk[opaque]
        return made

    def _from_ancestor(self, key: TileKey) -> RgbaTile | None:
        zoom, x, y = key
        for ancestor in self.ancestors(key):
            pixels = self.own(ancestor)
            if pixels is None:
                continue
            up = zoom - ancestor[0]
            side = self.tile_px >> up
            row, column = (y % (1 << up)) * side, (x % (1 << up)) * side
            return _resized(pixels[row : row + side, column : column + side], self.tile_px)
        return None


@dataclass(frozen=True)
class TileLevel:
    """All tiles of a zoom as one grid of pixels."""

    pyramid: TilePyramid
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

    def keys(self, window: tuple[int, int, int, int]) -> list[TileKey]:
        """Return the tiles that a window of row, column, rows and columns touches."""
        row, column, rows, columns = window
        side = self.pyramid.tile_px
        return [
            (self.zoom, x, y)
            for y in range(row // side, (row + rows - 1) // side + 1)
            for x in range(column // side, (column + columns - 1) // side + 1)
        ]

    def read_window(
        self, row: int, column: int, rows: int, columns: int
    ) -> tuple[ImageU8, MaskArray | None] | None:
        """Return uint8 (rows, columns, 3) and the mask of valid pixels; None without any tile."""
        side = self.pyramid.tile_px
        mosaic = np.zeros((rows, columns, 4), dtype=np.uint8)
        for key in self.keys((row, column, rows, columns)):
            try:
                tile = self.pyramid.tile(key)
            except ProviderError as err:
                self.pyramid.failures.append(err)
                continue
            if tile is None:
                continue
            top, left = key[2] * side - row, key[1] * side - column
            part = tile[max(0, -top) : rows - top, max(0, -left) : columns - left]
            mosaic[max(0, top) :, max(0, left) :][: part.shape[0], : part.shape[1]] = part
        mask = mosaic[..., 3] >= 128
        if not mask.any():
            return None
        return np.ascontiguousarray(mosaic[..., :3]), None if mask.all() else mask


class _RecentTiles:
    """The tiles used last; None stands for a tile that is not there."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._tiles: OrderedDict[TileKey, RgbaTile | None] = OrderedDict()
        self._lock = threading.Lock()

    def __contains__(self, key: TileKey) -> bool:
        with self._lock:
            return key in self._tiles

    def get(self, key: TileKey, make: Callable[[TileKey], RgbaTile | None]) -> RgbaTile | None:
        """Return a tile, made where it is not kept."""
        with self._lock:
            if key in self._tiles:
                self._tiles.move_to_end(key)
                return self._tiles[key]
        pixels = make(key)
        with self._lock:
            self._tiles[key] = pixels
            if len(self._tiles) > self._most:
                self._tiles.popitem(last=False)
        return pixels


def decode_tile(data: bytes) -> RgbaTile | None:
    """Return uint8 (S, S, 4) RGBA of an encoded image, None where it cannot be decoded."""
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if data else None
    except cv2.error:
        return None
    if pixels is None:
        return None
    if pixels.dtype == np.uint16:
        pixels = np.asarray(pixels // 256, dtype=np.uint8)
    if pixels.ndim == 2:
        rgba = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGBA)
    elif pixels.shape[2] == 3:
        rgba = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGBA)
    else:
        rgba = cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA)
    return np.asarray(rgba, dtype=np.uint8)


def is_blank(pixels: RgbaTile) -> bool:
    """Return whether a tile stands for "no data": transparent, or all black, white or light grey.

    Other uniform tiles may be open water or the like, and are kept.
    """
    first = pixels[0, 0]
    if not first[3] and not pixels[..., 3].any():
        return True
    value = int(first[0])
    is_neutral = int(first[:3].max()) - int(first[:3].min()) <= 2
    if not is_neutral or _DARKEST_CONTENT < value < _LIGHTEST_CONTENT:
        return False
    return bool((pixels == first).all())


def _resized(pixels: RgbaTile, side: int) -> RgbaTile:
    method = cv2.INTER_AREA if side < pixels.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (side, side), interpolation=method), dtype=np.uint8)
