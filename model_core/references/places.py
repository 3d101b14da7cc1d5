"""Candidate places: along roads, on a grid, or where the street views were taken."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from model_core.config import PlaceConfig
from model_core.errors import AreaError, ConfigError
from model_core.references.area import LocalFrame
from model_core.references.vector import read_geometries, single_parts
from model_core.types import (
    Area,
    CancelCheck,
    LonLat,
    Place,
    StreetView,
    never_cancelled,
    until_cancelled,
)

PlaceKind = Literal["road", "grid", "street_view"]
PointArray = npt.NDArray[np.float64]

MAX_PLACES = 2_000_000
STREET_VIEW_MERGE_M = 1.0

_ORDER_CELL_M = 256.0
_GRID_CHUNK_NODES = 1_000_000
_MAX_GRID_NODES = 100 * MAX_PLACES


@dataclass(frozen=True)
class _Laid:
    """Points of one kind in the area's plane, float64 (N, 2) metres, the most wanted first."""

    kind: PlaceKind
    points: PointArray
    merge_m: float


def lay_places(
    area: Area,
    roads: Path | Sequence[BaseGeometry] | None,
    config: PlaceConfig,
    street_views: Sequence[StreetView] = (),
    cancel: CancelCheck = never_cancelled,
) -> list[Place]:
    """Return the area's candidate places, in an order and with ids that depend on input alone.

    Along roads the places are at most ``spacing_m`` apart, evenly between junctions and ends; of
    places nearer than half of that (junctions, lanes side by side) the first stays. A grid is
    laid where there are no roads, and beside them in small areas or when asked for. With neither,
    the places are where the street views were taken. Rows near each other lie near each other.

    Args:
        area: Where to look.
        roads: A vector file of lines in any CRS (``file|layername=...`` names a layer), the lines
            themselves in EPSG:4326, or None.
        config: Spacings and when a grid is laid.
        street_views: Used when ``config.grid`` is "never" and there are no roads.
        cancel: Asked at every place.

    Raises:
        AreaError: There is no place, or there would be more than ``MAX_PLACES``.
        ConfigError: A spacing is not positive.
        InputError: The roads cannot be read.
        Cancelled: The user asked to stop.
    """
    if config.spacing_m <= 0.0 or config.grid_spacing_m <= 0.0:
        raise ConfigError("spacing_m and grid_spacing_m must be greater than 0 metres")
    frame = LocalFrame(area.center_lonlat)
    area_km2 = frame.project(area.geometry).area / 1e6
    lines = [] if roads is None else _roads_in_area(area, roads, frame)
    laid = [_Laid("road", _along_lines(lines, config.spacing_m), config.spacing_m / 2.0)]
    if _wants_grid(config, bool(lines), area_km2):
        points = _on_grid(area, frame, config.grid_spacing_m)
        laid.append(_Laid("grid", points, config.spacing_m / 2.0))
    elif not lines:
        points = _at_street_views(area, frame, street_views)
        laid.append(_Laid("street_view", points, STREET_VIEW_MERGE_M))
    places = _merged_places(laid, frame, cancel)
    if not places:
        raise AreaError(
            "the area holds no place: no road, no street view, and no grid was asked for; "
            'give roads or street views that reach into it, or set grid to "always"'
        )
    return places


def _wants_grid(config: PlaceConfig, has_roads: bool, area_km2: float) -> bool:
    if config.grid == "auto":
        return not has_roads or area_km2 <= config.grid_auto_max_km2
    return config.grid == "always"


def _roads_in_area(
    area: Area, roads: Path | Sequence[BaseGeometry], frame: LocalFrame
) -> list[BaseGeometry]:
    """Return the merged lines within the area, in its plane, the longest first."""
    west, south, east, north = area.geometry.bounds
    if isinstance(roads, Path):
        found = read_geometries(str(roads), "line", (west, south, east, north))
    else:
        found = single_parts(list(roads), "line")
    clipped = shapely.intersection(np.asarray(found, dtype=object), area.geometry)
    inside = single_parts(list(clipped), "line")
    if not inside:
        return []
    flat = frame.project(cast(BaseGeometry, shapely.multilinestrings(inside)))
    merged = [line for line in single_parts([shapely.line_merge(flat)], "line") if line.length > 0]
    return sorted(merged, key=lambda line: (-round(line.length, 3), line.bounds))


def _along_lines(lines: list[BaseGeometry], spacing_m: float) -> PointArray:
    if not lines:
        return np.empty((0, 2))
    array = np.asarray(lines, dtype=object)
    steps = np.maximum(1, np.ceil(shapely.length(array) / spacing_m - 1e-6)).astype(np.int64)
    _refuse_too_many(int(steps.sum()), "along its roads")
    line_of_point = np.repeat(np.arange(len(lines)), steps + 1)
    starts = np.cumsum(steps + 1) - (steps + 1)
    step_of_point = np.arange(len(line_of_point)) - starts[line_of_point]
    fractions = step_of_point / steps[line_of_point]
    points = shapely.line_interpolate_point(array[line_of_point], fractions, normalized=True)
    return shapely.get_coordinates(points)


def _on_grid(area: Area, frame: LocalFrame, spacing_m: float) -> PointArray:
    """Return the nodes of a grid through the frame's origin that lie within the area."""
    parts = single_parts([area.geometry], "polygon")
    flat = [frame.project(part) for part in parts]
    _refuse_too_many(int(sum(part.area for part in flat) / spacing_m**2), "on its grid")
    nodes = sum(_node_count(part.bounds, spacing_m) for part in flat)
    if nodes > _MAX_GRID_NODES:
        raise AreaError(
            "the area spreads too far for a grid; give roads, or split it into several areas"
        )
    found = [
        _nodes_within(part, flat_part.bounds, frame, spacing_m)
        for part, flat_part in zip(parts, flat, strict=True)
    ]
    for number, part in enumerate(flat):
        if not len(found[number]):  # a yard between the nodes
            found[number] = shapely.get_coordinates(part.representative_point())
    return np.unique(np.concatenate(found), axis=0)


def _node_count(bounds: tuple[float, float, float, float], spacing_m: float) -> int:
    west, south, east, north = bounds
    return (math.ceil((east - west) / spacing_m) + 1) * (math.ceil((north - south) / spacing_m) + 1)


def _nodes_within(
    part: BaseGeometry,
    bounds: tuple[float, float, float, float],
    frame: LocalFrame,
    spacing_m: float,
) -> PointArray:
    west, south, east, north = bounds
    columns = np.arange(math.ceil(west / spacing_m), math.floor(east / spacing_m) + 1) * spacing_m
    rows = np.arange(math.ceil(south / spacing_m), math.floor(north / spacing_m) + 1) * spacing_m
    chunk_rows = max(1, _GRID_CHUNK_NODES // max(1, len(columns)))
    shapely.prepare(part)
    found = [np.empty((0, 2))]
    for start in range(0, len(rows), chunk_rows):
        x_m, y_m = (a.ravel() for a in np.meshgrid(columns, rows[start : start + chunk_rows]))
        inside = shapely.contains_xy(part, *frame.to_lonlat(x_m, y_m))
        found.append(np.column_stack([x_m[inside], y_m[inside]]))
    return np.concatenate(found)


def _at_street_views(
    area: Area, frame: LocalFrame, street_views: Sequence[StreetView]
) -> PointArray:
    ordered = sorted(street_views, key=lambda view: view.view_id)
    lon = np.array([view.lonlat.lon for view in ordered], dtype=np.float64)
    lat = np.array([view.lonlat.lat for view in ordered], dtype=np.float64)
    inside = shapely.intersects_xy(area.geometry, lon, lat)
    return np.column_stack(frame.to_xy(lon[inside], lat[inside]))


def _refuse_too_many(estimate: int, where: str) -> None:
    if estimate > MAX_PLACES:
        raise AreaError(
            f"the area would hold about {estimate:,} places {where}, more than {MAX_PLACES:,}; "
            "make it smaller or the spacing wider"
        )


def _merged_places(laid: list[_Laid], frame: LocalFrame, cancel: CancelCheck) -> list[Place]:
    points = np.concatenate([one.points for one in laid])
    kinds = np.repeat(np.arange(len(laid)), [len(one.points) for one in laid])
    merge_m = np.array([one.merge_m for one in laid])[kinds]
    kept = _first_of_near(points, merge_m)
    points, kinds = points[kept], kinds[kept]
    order = _order_by_neighbourhood(points)
    points, kinds = points[order], kinds[order]
    lon, lat = frame.to_lonlat(points[:, 0], points[:, 1])
    counts = [0] * len(laid)
    places = []
    found = zip(kinds.tolist(), lon.tolist(), lat.tolist(), strict=True)
    for index, (kind, lon_deg, lat_deg) in enumerate(until_cancelled(found, cancel)):
        name = laid[kind].kind
        place_id = f"{name}-{counts[kind]:06d}"
        counts[kind] += 1
        lonlat = LonLat(round(lon_deg, 9), round(lat_deg, 9))
        places.append(Place(index, place_id, lonlat, name))
    return places


def _first_of_near(points: PointArray, merge_m: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return bool (N,): which points stay when each gives way to a kept one nearer before it."""
    kept = np.ones(len(points), dtype=bool)
    if len(points) == 0:
        return kept
    geometries = np.asarray(shapely.points(points), dtype=object)
    tree = shapely.STRtree(geometries)
    later, earlier = tree.query(geometries, predicate="dwithin", distance=merge_m * (1 - 1e-9))
    conflict = earlier < later
    later, earlier = later[conflict], earlier[conflict]
    order = np.lexsort((earlier, later))
    for point, rival in zip(later[order].tolist(), earlier[order].tolist(), strict=True):
        if kept[rival]:
            kept[point] = False
    return kept


def _order_by_neighbourhood(points: PointArray) -> npt.NDArray[np.int64]:
    """Return the row order along a Z curve of cells, so that imagery is read in blocks."""
    cells = np.floor(points / _ORDER_CELL_M).astype(np.int64)
    cells -= cells.min(axis=0, initial=0)
    code = _spread_bits(cells[:, 0]) | (_spread_bits(cells[:, 1]) << 1)
    return np.argsort(code, kind="stable")


def _spread_bits(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return 16-bit numbers with a zero bit between every two of their bits."""
    spread = values & 0xFFFF
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        spread = (spread | (spread << shift)) & mask
    return spread
