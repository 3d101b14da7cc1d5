"""Fields of view as polygons on the ellipsoid."""

from __future__ import annotations

import math

from qgis.core import QgsDistanceArea, QgsGeometry, QgsPointXY

from .candidate import Candidate

RADIUS_M = 40.0
STEP_DEG = 5.0
FULL_TURN_DEG = 359.9


def view_wedge(
    lon: float, lat: float, heading_deg: float, fov_deg: float, radius_m: float = RADIUS_M
) -> QgsGeometry:
    """Return a field of view as a polygon in EPSG:4326; a circle for 360 degrees.

    Azimuths are true and distances geodesic on the ellipsoid of WGS 84.
    """
    ellipsoid = QgsDistanceArea()
    ellipsoid.setEllipsoid("WGS84")
    apex = QgsPointXY(lon, lat)
    span_deg = min(max(fov_deg, 1.0), 360.0)
    steps = max(2, math.ceil(span_deg / STEP_DEG))
    first_deg = heading_deg - span_deg / 2.0
    ring = [
        ellipsoid.computeSpheroidProject(
            apex, radius_m, math.radians(first_deg + span_deg * step / steps)
        )
        for step in range(steps + 1)
    ]
    if span_deg < FULL_TURN_DEG:
        ring = [apex, *ring, apex]
    else:
        ring[-1] = ring[0]
    return QgsGeometry.fromPolygonXY([ring])


def wedge_of(candidate: Candidate) -> QgsGeometry:
    """Return the field of view of a candidate."""
    return view_wedge(candidate.lon, candidate.lat, candidate.heading_deg, candidate.fov_deg)
