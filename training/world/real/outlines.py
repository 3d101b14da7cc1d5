"""Outlines as plain arrays of points and as shapely polygons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from shapely.geometry import GeometryCollection, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from model_core.types import FloatArray

LEAST_AREA_M2 = 4.0


def polygons_of(shape: BaseGeometry) -> list[Polygon]:
    """Return a shape's valid polygons of at least 4 m2."""
    whole = shape if shape.is_valid else shape.buffer(0)
    if isinstance(whole, (MultiPolygon, GeometryCollection)):
        return [p for part in whole.geoms for p in polygons_of(part)]
    return [whole] if isinstance(whole, Polygon) and whole.area >= LEAST_AREA_M2 else []


def rings_of(polygon: Polygon) -> tuple[FloatArray, ...]:
    """Return a polygon's outline and holes, (n, 2) each, the first point not repeated."""
    rings = (polygon.exterior, *polygon.interiors)
    return tuple(np.asarray(ring.coords, np.float32)[:-1, :2] for ring in rings)


def polygon_of(rings: Sequence[FloatArray]) -> Polygon:
    """Return the polygon of an outline and its holes, made valid."""
    polygon = Polygon(rings[0], list(rings[1:]))
    if polygon.is_valid:
        return polygon
    return max(polygons_of(polygon.buffer(0)), key=lambda p: float(p.area), default=Polygon())
