"""The layers of ``candidates.gpkg``: candidates as points, fields of view as wedges."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas
import pyogrio
import pyproj
from shapely.geometry import Point, Polygon

from model_core.files import readable, without_marks
from model_core.scoring import Truth, distance_m, heading_difference_deg, truth_for
from model_core.types import Candidate, LonLat, PhotoResult, SourceTerms

WEDGE_RADIUS_M = 40.0

_ELLIPSOID = pyproj.Geod(ellps="WGS84")
_TIME = "datetime64[ms, UTC]"
# The columns of the layer ``candidates``, in order, with their types.
CANDIDATE_COLUMNS: dict[str, str] = {
    "photo": "object",
    "rank": "int32",
    "score": "float64",
    "probability": "float64",
    "heading_deg": "float64",
    "heading_sigma_deg": "float64",
    "fov_deg": "float64",
    "place_id": "object",
    "street_view": "object",
    "street_view_date": _TIME,
    "street_view_source": "object",
    "street_view_id": "object",
    "imagery_source": "object",
    "inliers": "int32",
    "status": "object",
    "precision_m": "float64",
    "analyst": "object",
    "decided_at": _TIME,
    "note": "object",
    "photo_sha256": "object",
    "model_hash": "object",
    "software_version": "object",
    "error_m": "float64",
    "heading_error_deg": "float64",
}
VIEW_COLUMNS: dict[str, str] = {
    "photo": "object",
    "rank": "int32",
    "probability": "float64",
    "heading_deg": "float64",
    "heading_sigma_deg": "float64",
    "fov_deg": "float64",
    "place_id": "object",
    "photo_sha256": "object",
}


@dataclass(frozen=True)
class Provenance:
    """What the results were made with; ``created_at`` is passed in, never read from a clock.

    ``sources`` are the references' providers with their licences; ``settings`` anything else
    worth keeping, ready for JSON.
    """

    model_hash: str
    software_version: str
    created_at: datetime
    sources: tuple[SourceTerms, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


def write_geopackage(
    path: Path,
    results: Sequence[PhotoResult],
    provenance: Provenance,
    truth: Mapping[str, Truth] | None = None,
) -> None:
    """Write the layers ``candidates`` (points) and ``fields_of_view`` (wedges), EPSG:4326.

    Raises:
        OSError: The file cannot be written.
    """
    rows: list[dict[str, Any]] = []
    points: list[Point] = []
    wedges: list[Polygon] = []
    for result in results:
        for candidate in result.candidates:
            rows.append(candidate_columns(candidate, result, provenance, truth))
            points.append(Point(candidate.lonlat.lon, candidate.lonlat.lat))
            wedges.append(wedge(candidate.lonlat, candidate.heading_deg, candidate.fov_deg))
    try:
        credit = _credit(provenance)
        with without_marks(path) as plain:
            _write_layer(plain, "candidates", CANDIDATE_COLUMNS, rows, points, "Point", credit)
            _write_layer(plain, "fields_of_view", VIEW_COLUMNS, rows, wedges, "Polygon", credit)
    except pyogrio.errors.DataSourceError as err:
        raise OSError(str(err)) from err


def _write_layer(
    path: Path,
    layer: str,
    columns: Mapping[str, str],
    rows: Sequence[Mapping[str, Any]],
    geometry: Sequence[Point] | Sequence[Polygon],
    geometry_type: str,
    metadata: Mapping[str, str],
) -> None:
    frame = pandas.DataFrame(
        {
            name: pandas.Series([_stored(row[name]) for row in rows], dtype=kind)
            for name, kind in columns.items()
        }
    )
    layer_frame = geopandas.GeoDataFrame(frame, geometry=list(geometry), crs="EPSG:4326")
    pyogrio.write_dataframe(
        layer_frame,
        path,
        layer=layer,
        driver="GPKG",
        geometry_type=geometry_type,
        append=path.exists(),
        layer_metadata=dict(metadata),
    )


def _credit(provenance: Provenance) -> dict[str, str]:
    """Return what a layer says of where its references come from."""
    sources = provenance.sources
    said = {
        "ATTRIBUTION": "; ".join(dict.fromkeys(s.attribution for s in sources if s.attribution)),
        "SOURCES": "; ".join(dict.fromkeys(f"{s.provider} ({s.licence})" for s in sources)),
        "MODEL": provenance.model_hash,
        "SOFTWARE": provenance.software_version,
    }
    return {name: text for name, text in said.items() if text}


def _stored(value: Any) -> Any:
    """Return a value as a layer holds it: a time in UTC, which one without a zone is taken for."""
    if isinstance(value, str):
        return readable(value)
    if not isinstance(value, datetime):
        return value
    return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)


def candidate_columns(
    candidate: Candidate,
    result: PhotoResult,
    provenance: Provenance,
    truth: Mapping[str, Truth] | None = None,
) -> dict[str, Any]:
    """Return a candidate in the columns of the layer ``candidates``.

    What an analyst decides (precision, name, time) is empty: its status is ``proposed``.
    """
    known = truth_for(result.path, truth)
    error_m = heading_error_deg = None
    if known is not None:
        error_m = distance_m(candidate.lonlat, known.lonlat)
        if known.heading_deg is not None:
            heading_error_deg = heading_difference_deg(candidate.heading_deg, known.heading_deg)
    return {
        **{name: value for name, value in asdict(candidate).items() if name != "lonlat"},
        "status": "proposed",
        "precision_m": None,
        "analyst": None,
        "decided_at": None,
        "note": verdict(result) if result.not_in_area else None,
        "photo_sha256": result.photo_sha256,
        "model_hash": provenance.model_hash,
        "software_version": provenance.software_version,
        "error_m": error_m,
        "heading_error_deg": heading_error_deg,
    }


def verdict(result: PhotoResult) -> str:
    """Return in words whether the photo was taken in the area."""
    if result.error:
        return result.error
    elsewhere = f"{result.probability_elsewhere:.0%}"
    if result.not_in_area:
        return f"probably not in this area (elsewhere: {elsewhere})"
    return f"in this area (elsewhere: {elsewhere})"


def wedge(
    apex: LonLat, heading_deg: float, fov_deg: float, radius_m: float = WEDGE_RADIUS_M
) -> Polygon:
    """Return a field of view as a polygon in EPSG:4326; a circle for 360 degrees.

    Azimuths are true and distances geodesic, as in an azimuthal-equidistant plane at the apex.
    """
    span_deg = min(max(fov_deg, 1.0), 360.0)
    steps = max(2, math.ceil(span_deg / 5.0))
    azimuths = heading_deg + np.linspace(-span_deg / 2.0, span_deg / 2.0, steps + 1)
    if span_deg >= 359.9:
        azimuths = azimuths[:-1]
    count = len(azimuths)
    lon, lat, _ = _ELLIPSOID.fwd(
        np.full(count, apex.lon), np.full(count, apex.lat), azimuths, np.full(count, radius_m)
    )
    ring = list(zip(lon.tolist(), lat.tolist(), strict=True))
    return Polygon(ring if span_deg >= 359.9 else [(apex.lon, apex.lat), *ring])
