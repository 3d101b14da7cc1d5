"""Streets where no file has any: the middle of the gaps between blocks, or of paved surfaces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import shapely
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from model_core.types import FloatArray
from training.world.real.city import RealRoad
from training.world.streets import RoadKind

_NEIGHBOURS_M = 3.5
_EDGE_M = 14.0
_LEAST_HALF_M = 2.2
_LEAST_LENGTH_M = 25.0
_PRUNINGS = 4
_LONGEST_YARD_M, _STREET_HALF_M = 130.0, 6.5


def streets_between(buildings: Sequence[Polygon]) -> list[RealRoad]:
    """Return the streets in the gaps between blocks of buildings.

    Neighbours less than 7 m apart make one block, and what a block encloses, its yards, belongs
    to it. The streets run in the middle of what is left, out to 14 m from the outermost blocks.
    """
    grown = shapely.unary_union([b.buffer(_NEIGHBOURS_M, quad_segs=2) for b in buildings])
    closed = grown.buffer(-_NEIGHBOURS_M, quad_segs=2)
    blocks = shapely.unary_union([Polygon(p.exterior) for p in _parts(closed)])
    reach = shapely.concave_hull(blocks, ratio=0.15).buffer(_EDGE_M)
    return _dressed(reach.difference(blocks), _STREET_HALF_M)


def streets_along(paved: Sequence[Polygon]) -> list[RealRoad]:
    """Return the streets in the middle of paved surfaces."""
    joined = shapely.unary_union([p.buffer(0.6, join_style="mitre") for p in paved])
    return _dressed(joined.buffer(-0.4, join_style="mitre").simplify(0.2), 0.0)


def _parts(shape: BaseGeometry) -> list[Polygon]:
    parts = getattr(shape, "geoms", [shape])
    return [p for p in parts if isinstance(p, Polygon) and not p.is_empty]


def _dressed(area: BaseGeometry, dead_end_half_m: float) -> list[RealRoad]:
    """Return the middle lines of an area as streets as wide as it has room for.

    Dead ends with less room than ``dead_end_half_m`` on each side are left out.
    """
    edge = shapely.STRtree(_single_steps(shapely.get_parts(area.boundary)))
    roads = []
    for line in _middle_lines(area, edge, dead_end_half_m):
        room = _room_m(line, edge)
        width = float(np.clip(1.1 * room, 3.5, 11.0))
        pavement = float(np.clip(room - width / 2 - 0.3, 0.0, 3.5))
        kind: RoadKind = "main" if room > 11 else ("street" if room > 3.8 else "lane")
        points = _smooth(np.asarray(line.simplify(1.5).coords, np.float32))
        roads.append(RealRoad(points, kind, width, pavement))
    return roads


def _distance(shapes: np.ndarray, edge: shapely.STRtree) -> np.ndarray:
    """Return the distance (n,) of shapes to the nearest step of an edge, metres."""
    found, away = edge.query_nearest(shapes, return_distance=True, all_matches=False)
    out = np.full(len(shapes), np.inf)
    out[found[0]] = away
    return out


def _room_m(line: LineString, edge: shapely.STRtree) -> float:
    """Return the distance from a line to the edges beside it."""
    along = line.interpolate(np.arange(0, line.length, 4.0))
    return float(np.median(_distance(along, edge)))


def _smooth(points: FloatArray) -> FloatArray:
    """Return a line with its corners cut, its ends kept."""
    for _ in range(2):
        first, last = points[:-1], points[1:]
        cut = np.stack([0.75 * first + 0.25 * last, 0.25 * first + 0.75 * last], 1)
        points = np.concatenate([points[:1], cut.reshape(-1, 2), points[-1:]])
    return points


def _middle_lines(
    area: BaseGeometry, edge: shapely.STRtree, dead_end_half_m: float
) -> list[LineString]:
    """Return the middle lines of an area: edges of the Voronoi cells of points on its edge."""
    points = shapely.get_coordinates(shapely.segmentize(area.boundary, 3.0))
    cells = shapely.voronoi_polygons(shapely.MultiPoint(points), only_edges=True)
    edges = shapely.get_parts(shapely.get_parts(cells))
    edges = _single_steps(edges)
    shapely.prepare(area)
    inside = shapely.contains(area, edges)
    edges = edges[inside]
    lines = _merged(edges[_distance(edges, edge) > _LEAST_HALF_M])
    for _ in range(_PRUNINGS):
        met = Counter(end for line in lines for end in _ends(line))
        lines = _merged([line for line in lines if not _is_spur(line, met, edge, dead_end_half_m)])
    return [line for line in lines if line.length >= _LEAST_LENGTH_M / 2]


def _single_steps(lines: np.ndarray) -> np.ndarray:
    """Return every step of some lines as a line of its own."""
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    same = owner[1:] == owner[:-1]
    return np.asarray(shapely.linestrings(np.stack([xy[:-1][same], xy[1:][same]], 1)))


def _merged(lines: Sequence[LineString] | np.ndarray) -> list[LineString]:
    joined = shapely.line_merge(shapely.MultiLineString(list(lines)))
    return [p for p in getattr(joined, "geoms", [joined]) if len(p.coords) > 1]


def _ends(line: LineString) -> tuple[tuple[float, ...], tuple[float, ...]]:
    first, last = line.coords[0], line.coords[-1]
    return tuple(np.round(first, 3)), tuple(np.round(last, 3))


def _is_spur(
    line: LineString,
    met: Counter[tuple[float, ...]],
    edge: shapely.STRtree,
    dead_end_half_m: float,
) -> bool:
    """Return whether a dead end leads into a corner or, long and narrow, between back yards."""
    if line.length > _LONGEST_YARD_M or all(met[end] > 1 for end in _ends(line)):
        return False
    return line.length < _LEAST_LENGTH_M or _room_m(line, edge) < dead_end_half_m
