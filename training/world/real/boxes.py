"""Footprints as a few boxes along their own axis: the only solids that the renderer knows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import Polygon

from model_core.types import FloatArray

MOST_BOXES = 8
_FEW_BELOW_M2 = ((40.0, 2), (120.0, 4))
_GOOD_IOU = 0.95
_MOST_LINES = 15
_LEAST_SIDE_M = 0.8


@dataclass(frozen=True)
class BoxCover:
    """Boxes that cover one footprint, one a row.

    ``center`` and ``axis`` (k, 2), ``half`` (k, 2) with the longer side first; ``iou`` says how
    much of footprint and boxes together they share.
    """

    center: FloatArray
    axis: FloatArray
    half: FloatArray
    iou: float


def cover_with_boxes(polygon: Polygon) -> BoxCover:
    """Return the boxes that cover a footprint best, all turned like one of its walls.

    The corners of the footprint cut its bounding box into cells; those more than half full are
    covered, the largest rectangle first. Rectangles may overlap, as the arms of an L do. Small
    footprints get few boxes: a view counts only the nearest dozen in each direction.
    """
    most = next((few for area, few in _FEW_BELOW_M2 if polygon.area < area), MOST_BOXES)
    first, *others = _wall_directions(polygon)
    best = _cover_turned(polygon, first, most)
    for turn in others:
        if best.iou > _GOOD_IOU:
            break
        best = max(best, _cover_turned(polygon, turn, most), key=lambda found: found.iou)
    return best


def _wall_directions(polygon: Polygon) -> list[float]:
    """Return up to three directions of walls, radians below a quarter turn, longest first."""
    ring = np.asarray(polygon.exterior.coords)
    step = np.diff(ring, axis=0)
    length = np.hypot(step[:, 0], step[:, 1])
    turn = np.arctan2(step[:, 1], step[:, 0]) % (np.pi / 2)
    left = length.copy()
    out: list[float] = []
    while not out or (len(out) < 3 and left.max() > 0.04 * length.sum()):
        apart = np.abs(turn[:, None] - turn[None])
        near = np.minimum(apart, np.pi / 2 - apart) < np.radians(4)
        weight = near @ left
        k = int(np.argmax(np.round(weight, 4)))
        off = (turn[near[k]] - turn[k] + np.pi / 4) % (np.pi / 2) - np.pi / 4
        share = left[near[k]]
        out.append(float(turn[k] + (off * share).sum() / share.sum()))
        left[near[k]] = 0
    return out


def _cover_turned(polygon: Polygon, turn: float, most: int) -> BoxCover:
    along = np.array([np.cos(turn), np.sin(turn)])
    middle = np.asarray(polygon.centroid.coords[0])
    matrix = np.array([along, [-along[1], along[0]]])

    flat = shapely.transform(polygon, lambda xy: (xy - middle) @ matrix.T)
    points = shapely.get_coordinates(flat.simplify(0.25))
    x, y = _lines(points[:, 0]), _lines(points[:, 1])
    rows, cols = len(y) - 1, len(x) - 1
    cells = shapely.box(
        np.tile(x[:-1], rows), np.repeat(y[:-1], cols), np.tile(x[1:], rows), np.repeat(y[1:], cols)
    )
    size = np.outer(np.diff(y), np.diff(x))
    inside = shapely.area(shapely.intersection(flat, cells)).reshape(rows, cols)
    chosen = _largest_rectangles(inside > 0.5 * size, inside, size, most)
    if not chosen:
        chosen = [(0, rows, 0, cols)]
    edges = np.array([[x[c0], y[r0], x[c1], y[r1]] for r0, r1, c0, c1 in chosen])
    union = shapely.union_all(shapely.box(*edges.T))
    iou = float(flat.intersection(union).area / flat.union(union).area)
    return _as_boxes(edges, middle, matrix, iou)


def _as_boxes(
    edges: npt.NDArray[np.float64],
    middle: npt.NDArray[np.float64],
    matrix: npt.NDArray[np.float64],
    iou: float,
) -> BoxCover:
    half = (edges[:, 2:] - edges[:, :2]) / 2
    center = (edges[:, 2:] + edges[:, :2]) / 2 @ matrix + middle
    deep = half[:, 1] > half[:, 0]
    axis = np.where(deep[:, None], matrix[1], matrix[0])
    half = np.where(deep[:, None], half[:, ::-1], half)
    single = [np.asarray(a, np.float32) for a in (center, axis, half)]
    return BoxCover(single[0], single[1], single[2], iou)


def _lines(at: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return where a footprint is cut along one axis: at its corners, close ones as one."""
    low, high = float(at.min()), float(at.max())
    if high - low < 2 * _LEAST_SIDE_M:
        return np.array([low, max(high, low + 0.2)])
    apart = max(_LEAST_SIDE_M, 0.03 * (high - low))
    inner = np.sort(at[(at > low + apart) & (at < high - apart)])
    groups = np.split(inner, np.flatnonzero(np.diff(inner) > apart / 2) + 1)
    middles = [float(g.mean()) for g in groups if len(g)]
    if len(middles) + 2 > _MOST_LINES or any(np.ptp(g) > 2 * apart for g in groups if len(g)):
        return np.linspace(low, high, _MOST_LINES)
    return np.array([low, *middles, high])


def _largest_rectangles(
    full: npt.NDArray[np.bool_],
    inside: npt.NDArray[np.float64],
    size: npt.NDArray[np.float64],
    most: int,
) -> list[tuple[int, int, int, int]]:
    """Return rectangles of full cells (first and last row and column), most new area first."""
    rows, cols = full.shape
    r0, r1 = np.triu_indices(rows + 1, 1)
    c0, c1 = np.triu_indices(cols + 1, 1)
    cells = np.outer(r1 - r0, c1 - c0)

    def sums(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        table = np.zeros((rows + 1, cols + 1))
        table[1:, 1:] = values.cumsum(0).cumsum(1)
        band = table[r1] - table[r0]
        return np.asarray(band[:, c1] - band[:, c0])

    whole = sums(full.astype(np.float64)) > cells - 0.5
    open_ = np.where(full, size, 0.0)
    least = max(3.0, 0.03 * float(inside.sum()))
    out: list[tuple[int, int, int, int]] = []
    while len(out) < most:
        gain = np.where(whole, sums(open_), 0.0)
        at = int(np.argmax(np.round(gain, 4)))
        i, j = divmod(at, gain.shape[1])
        if (gain[i, j] < least and out) or gain[i, j] <= 0:
            break
        out.append((int(r0[i]), int(r1[i]), int(c0[j]), int(c1[j])))
        open_[r0[i] : r1[i], c0[j] : c1[j]] = 0
    return out
