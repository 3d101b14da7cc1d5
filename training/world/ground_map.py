"""Maps of the ground from above: what covers it, what is taken, in north-up cells."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import cv2
import numpy as np
import numpy.typing as npt

from model_core.types import FloatArray, ImageU8
from training.world.streets import Road

_SHIFT = 4


class Ground(IntEnum):
    """What covers the ground."""

    GRASS = 0
    SOIL = 1
    ASPHALT = 2
    PAVEMENT = 3
    PARKING = 4
    PAVING = 5
    WATER = 6
    MARKING = 7
    GRAVEL = 8
    BUILT = 9


class GroundMap:
    """A north-up raster over the square of ``half_m`` around the city's centre."""

    def __init__(self, half_m: float, cell_m: float) -> None:
        """Make a map of zeros."""
        self.half_m = half_m
        self.cell_m = cell_m
        size = round(2 * half_m / cell_m)
        self.cells: ImageU8 = np.zeros((size, size), np.uint8)

    def pixels(self, points: npt.ArrayLike) -> npt.NDArray[np.int32]:
        """Return points (metres east, north) as fixed-point columns and rows for drawing."""
        xy = np.asarray(points, np.float64)
        col = (xy[..., 0] + self.half_m) / self.cell_m - 0.5
        row = (self.half_m - xy[..., 1]) / self.cell_m - 0.5
        scaled = np.stack([col, row], -1) * (1 << _SHIFT)
        return np.round(np.clip(scaled, -1e6, 1e6)).astype(np.int32)

    def polygon(self, corners: npt.ArrayLike, value: int) -> None:
        """Fill a convex polygon."""
        cv2.fillConvexPoly(self.cells, self.pixels(corners), int(value), cv2.LINE_8, _SHIFT)

    def area(self, rings: Sequence[npt.ArrayLike], value: int) -> None:
        """Fill any polygon: its outline and its holes."""
        pixels = [self.pixels(ring) for ring in rings]
        cv2.fillPoly(self.cells, pixels, int(value), cv2.LINE_8, _SHIFT)

    def line(self, points: npt.ArrayLike, width_m: float, value: int) -> None:
        """Draw a line of a width in metres."""
        thickness = max(1, round(width_m / self.cell_m))
        pts = [self.pixels(points)]
        cv2.polylines(self.cells, pts, False, int(value), thickness, cv2.LINE_8, _SHIFT)

    def disc(self, center: npt.ArrayLike, radius_m: float, value: int) -> None:
        """Fill a disc."""
        col, row = (int(v) for v in self.pixels(center))
        radius = round(radius_m / self.cell_m * (1 << _SHIFT))
        cv2.circle(self.cells, (col, row), radius, int(value), -1, cv2.LINE_8, _SHIFT)

    def at(self, points: FloatArray) -> ImageU8:
        """Return the cells under points (n, 2); points outside count as the nearest cell."""
        last = len(self.cells) - 1
        col = np.clip((points[:, 0] + self.half_m) / self.cell_m, 0, last).astype(np.int64)
        row = np.clip((self.half_m - points[:, 1]) / self.cell_m, 0, last).astype(np.int64)
        return np.asarray(self.cells[row, col])

    def covered(self, corners: FloatArray, values: Sequence[int]) -> float:
        """Return the share of a convex polygon whose cells hold one of the values."""
        size = len(self.cells)
        px = self.pixels(corners)
        low = np.clip((px.min(0) >> _SHIFT) - 1, 0, size - 1)
        high = np.clip((px.max(0) >> _SHIFT) + 2, 1, size)
        if (high <= low).any():
            return 1.0
        window = self.cells[low[1] : high[1], low[0] : high[0]]
        mask = np.zeros(window.shape, np.uint8)
        cv2.fillConvexPoly(mask, px - (low << _SHIFT), 1, cv2.LINE_8, _SHIFT)
        total = int(mask.sum())
        if total == 0:
            return 1.0
        taken = np.zeros(window.shape, np.bool_)
        for value in values:
            taken |= window == value
        return float((taken & (mask > 0)).sum()) / total


def offset_line(points: FloatArray, offset_m: float) -> FloatArray:
    """Return a line moved to its left by a distance in metres."""
    along = np.gradient(points, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    left = np.stack([-along[:, 1], along[:, 0]], 1)
    return np.asarray(points + left * offset_m, np.float32)


def draw_streets(ground: GroundMap, roads: Sequence[Road]) -> None:
    """Draw pavements, carriageways, lane markings and zebra crossings."""
    for road in roads:
        ground.line(road.points, 2 * road.half_m, Ground.PAVEMENT)
    for road in roads:
        ground.line(road.points, road.width_m, Ground.ASPHALT)
    for road in roads:
        if road.marked:
            _draw_markings(ground, road)
    _clear_crossings(ground, roads)
    for road in roads:
        if road.marked:
            _draw_zebra(ground, road)


def _draw_markings(ground: GroundMap, road: Road) -> None:
    offsets = [0.0] if road.width_m < 11 else [-road.width_m / 4, 0.0, road.width_m / 4]
    for offset in offsets:
        line = offset_line(road.points, offset)
        if offset == 0.0 and road.kind == "main":
            ground.line(line, 0.25, Ground.MARKING)
            continue
        for k in range(0, len(line) - 1, 2):
            ground.line(line[k : k + 2], 0.2, Ground.MARKING)


def _clear_crossings(ground: GroundMap, roads: Sequence[Road]) -> None:
    """Paint junctions over, so that no lane marking runs through them."""
    for road in roads:
        for end in (road.points[0], road.points[-1]):
            ground.disc(end, road.width_m / 2 + 1.0, Ground.ASPHALT)


def _draw_zebra(ground: GroundMap, road: Road) -> None:
    points = road.points
    if len(points) < 14:
        return
    for here, ahead in ((points[3], points[4]), (points[-4], points[-5])):
        along = (ahead - here) / max(float(np.linalg.norm(ahead - here)), 1e-6)
        left = np.array([-along[1], along[0]])
        for across in np.arange(-road.width_m / 2 + 0.5, road.width_m / 2 - 0.3, 1.0):
            middle = here + left * across
            ground.line(np.stack([middle - along * 1.5, middle + along * 1.5]), 0.5, Ground.MARKING)
