"""One resampling from a georeferenced pixel grid to a north-up image in the tangent plane.

Sampling positions are exact at 25 control points of the footprint (geodesic from the place, then
the grid's own CRS) and a quadratic between them, which is off by far less than a hundredth of a
pixel over some hundred metres in any map projection. Only the window needed is read, from the
coarsest level of a pyramid that is still fine enough, and averaged over the pixel's area where it
is finer. Compared with warping a whole area once, the place's own true north is kept, pixels are
interpolated once only, memory does not grow with the area, and GDAL's block cache makes the
overlap of neighbouring places free.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, TypeVar

import cv2
import numpy as np
import numpy.typing as npt
import pyproj
from affine import Affine

from model_core.types import ImageU8, LonLat, MaskArray

FloatGrid = npt.NDArray[np.float64]

_CONTROL_POINTS = 5
_WINDOW_PAD_PX = 2
READ_BEYOND_PX = _WINDOW_PAD_PX + 1
"""How far beyond an image its source is read at most, in pixels of the level, for rounding too."""

_UNDERSAMPLING_BORNE = 0.15  # bilinear sampling is soft enough for pixels this much finer
MIN_VALID_SHARE = 0.2
_WGS84 = pyproj.Geod(ellps="WGS84")


class PixelLevel(Protocol):
    """One resolution of a pixel grid."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the level."""
        ...

    @property
    def scale(self) -> tuple[float, float]:
        """Columns and rows of the level per pixel of full resolution."""
        ...

    def read_window(
        self, row: int, column: int, rows: int, columns: int
    ) -> tuple[ImageU8, MaskArray | None] | None:
        """Return uint8 (rows, columns, 3) and the mask of valid pixels, None when all are.

        The window lies within the level. None instead of both: nothing is there.
        """
        ...


LevelT = TypeVar("LevelT", bound=PixelLevel)


@dataclass(frozen=True)
class SamplingGrid:
    """Where the pixels of a north-up image lie in a grid, as a quadratic of its axes.

    Column and row, both edge-based (0 is the first pixel's outer edge), are ``coefficients @
    [1, u, v, u^2, u v, v^2]`` with u east and v south in [-1, 1] over the footprint.
    """

    coefficients: FloatGrid

    @property
    def is_finite(self) -> bool:
        """Whether the place can be expressed in the grid's CRS at all."""
        return bool(np.all(np.isfinite(self.coefficients)))

    def px_per_footprint(self) -> float:
        """Return how many grid pixels the footprint is wide, along its longer axis."""
        return float(2.0 * np.linalg.svd(self.coefficients[:, 1:3], compute_uv=False)[0])

    def bounds(self) -> tuple[float, float, float, float]:
        """Return the least and greatest column, then the least and greatest row."""
        reach = np.abs(self.coefficients[:, 1:]).sum(axis=1)
        low = self.coefficients[:, 0] - reach
        high = self.coefficients[:, 0] + reach
        return float(low[0]), float(high[0]), float(low[1]), float(high[1])

    def positions(
        self, size_px: int, offset: tuple[float, float], scale: tuple[float, float]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return the sampling columns and rows of an image, each float32 (S, S).

        Args:
            size_px: S.
            offset: Column and row of the window's outer corner, in pixels of the level read.
            scale: Columns and rows of the level per full-resolution pixel.
        """
        u = (2.0 * np.arange(size_px) + 1.0) / size_px - 1.0
        maps = []
        for axis in (0, 1):
            c = self.coefficients[axis] * scale[axis]
            along = (c[0] - offset[axis] - 0.5) + c[1] * u + c[3] * u * u
            down = c[2] * u + c[5] * u * u
            position = np.add.outer(down.astype(np.float32), along.astype(np.float32))
            if abs(c[4]) > 1e-3:
                position += np.outer((u * c[4]).astype(np.float32), u.astype(np.float32))
            maps.append(position)
        return maps[0], maps[1]


def sampling_grid(
    center: LonLat,
    footprint_m: float,
    to_grid_crs: pyproj.Transformer,
    pixel_of_crs: Affine,
) -> SamplingGrid:
    """Return where a place's north-up image lies in a georeferenced pixel grid.

    Args:
        center: The place.
        footprint_m: Ground width of the image.
        to_grid_crs: From longitude and latitude (in this order) to the grid's CRS.
        pixel_of_crs: From the grid's CRS to edge-based column and row.
    """
    u, v, fit = _control_points()
    reach = footprint_m / 2.0
    count = len(u)
    lon, lat, _ = _WGS84.fwd(
        np.full(count, center.lon),
        np.full(count, center.lat),
        np.degrees(np.arctan2(u, -v)),
        np.hypot(u, v) * reach,
    )
    x, y = to_grid_crs.transform(lon, lat)
    a, b, c, d, e, f = pixel_of_crs[:6]
    x, y = np.asarray(x), np.asarray(y)
    return SamplingGrid(np.stack([a * x + b * y + c, d * x + e * y + f]) @ fit)


@lru_cache(maxsize=1)
def _control_points() -> tuple[FloatGrid, FloatGrid, FloatGrid]:
    """Return u and v of the control points, and the matrix from values to coefficients."""
    axis = np.linspace(-1.0, 1.0, _CONTROL_POINTS)
    u, v = (a.ravel() for a in np.meshgrid(axis, axis))
    design = np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], axis=1)
    return u, v, np.linalg.pinv(design).T


def choose_window(
    levels: Sequence[LevelT], grid: SamplingGrid, size_px: int
) -> tuple[LevelT, tuple[int, int, int, int], bool] | None:
    """Return the level an image is read from, and what is read of it.

    That is the coarsest level which is still fine enough; the window is row, column, rows and
    columns, and the last value says whether no sample falls off the level. None where the image
    lies outside.

    Args:
        levels: The pyramid, full resolution first.
        grid: From the image to full-resolution pixels.
        size_px: Width and height of the image.
    """
    if not grid.is_finite:
        return None
    ratio = grid.px_per_footprint() / size_px
    fine_enough = [one for one in levels if max(one.scale) * ratio >= 1.0]
    level = min(fine_enough or levels[:1], key=lambda one: max(one.scale))
    window, is_inside = _window(grid, level.scale, level.shape)
    if window[2] <= 0 or window[3] <= 0:
        return None
    return level, window, is_inside


def resample(
    levels: Sequence[PixelLevel],
    grid: SamplingGrid,
    size_px: int,
    min_valid_share: float = MIN_VALID_SHARE,
) -> tuple[ImageU8, MaskArray] | None:
    """Return the image uint8 (S, S, 3) and its mask bool (S, S), or None.

    None means that less than ``min_valid_share`` of the image has pixels, or none; a raster's very
    corner has more than ``MIN_VALID_SHARE``.

    Args:
        levels: The pyramid, full resolution first.
        grid: From the image to full-resolution pixels.
        size_px: S.
        min_valid_share: See there.
    """
    chosen = choose_window(levels, grid, size_px)
    if chosen is None:
        return None
    level, (row, column, height, width), is_inside = chosen
    read = level.read_window(row, column, height, width)
    if read is None:
        return None
    ratio = grid.px_per_footprint() / size_px
    oversampling = max(1, math.ceil(ratio * max(level.scale) - _UNDERSAMPLING_BORNE))
    maps = grid.positions(size_px * oversampling, (column, row), level.scale)
    pixels, mask = read
    if mask is None and is_inside:
        image = _averaged(np.asarray(cv2.remap(pixels, *maps, cv2.INTER_LINEAR), np.uint8), size_px)
        return image, np.ones((size_px, size_px), dtype=bool)
    return _resample_masked(pixels, mask, maps, size_px, min_valid_share)


def _window(
    grid: SamplingGrid, scale: tuple[float, float], shape: tuple[int, int]
) -> tuple[tuple[int, int, int, int], bool]:
    """Return row, column, rows, columns to read, and whether no sample falls off the grid."""
    left, right, top, bottom = grid.bounds()
    left, right = left * scale[0], right * scale[0]
    top, bottom = top * scale[1], bottom * scale[1]
    rows, columns = shape
    column0 = max(0, math.floor(left) - _WINDOW_PAD_PX)
    row0 = max(0, math.floor(top) - _WINDOW_PAD_PX)
    column1 = min(columns, math.ceil(right) + _WINDOW_PAD_PX)
    row1 = min(rows, math.ceil(bottom) + _WINDOW_PAD_PX)
    is_inside = left >= 0.5 and top >= 0.5 and right <= columns - 0.5 and bottom <= rows - 0.5
    return (row0, column0, row1 - row0, column1 - column0), is_inside


def _resample_masked(
    pixels: ImageU8,
    mask: MaskArray | None,
    maps: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]],
    size_px: int,
    min_valid_share: float,
) -> tuple[ImageU8, MaskArray] | None:
    """Return image and mask when colours may mix with valid neighbours only."""
    alpha = np.full(pixels.shape[:2], 255, dtype=np.uint8)
    if mask is not None:
        alpha[~mask] = 0
        pixels = pixels & alpha[..., None]
    stacked = cv2.merge([*cv2.split(pixels), alpha])
    sampled = cv2.remap(
        stacked, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(0, 0, 0, 0)
    )
    averaged = _averaged(np.asarray(sampled, np.uint8), size_px)
    valid = averaged[..., 3] >= 128
    if valid.mean() < min_valid_share or not valid.any():
        return None
    image = np.ascontiguousarray(averaged[..., :3])
    image[~valid] = 0
    on_edge = valid & (averaged[..., 3] < 255)
    weight = averaged[on_edge][:, 3:].astype(np.float32) / 255.0
    image[on_edge] = np.clip(image[on_edge] / weight + 0.5, 0.0, 255.0).astype(np.uint8)
    return image, valid


def _averaged(image: ImageU8, size_px: int) -> ImageU8:
    if image.shape[0] == size_px:
        return image
    return np.asarray(cv2.resize(image, (size_px, size_px), interpolation=cv2.INTER_AREA), np.uint8)
