"""The candidate area, and the plane in metres that it is worked in."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from model_core.errors import AreaError, InputError
from model_core.references.vector import VectorSource, read_geometries, single_parts
from model_core.types import Area, LonLat

MetresArray = npt.NDArray[np.float64]

_NUMBER = r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*"
_FOUR_NUMBERS = re.compile(rf"^{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER}$")
_IN_TWO_RUNS = "search an area across the 180th meridian in two runs, one on either side"


class LocalFrame:
    """A plane in metres, tangent at ``origin``: x east, y north, true north up at the origin.

    Azimuthal equidistant on the WGS 84 ellipsoid: distances and azimuths from the origin are
    exact; 10 km away distances across are short by less than 1 in a million.
    """

    def __init__(self, origin: LonLat) -> None:
        self.origin = origin
        plane = pyproj.CRS.from_dict(
            {
                "proj": "aeqd",
                "lon_0": origin.lon,
                "lat_0": origin.lat,
                "datum": "WGS84",
                "units": "m",
            }
        )
        self._to_plane = pyproj.Transformer.from_crs("EPSG:4326", plane, always_xy=True)

    def to_xy(self, lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[MetresArray, MetresArray]:
        """Return metres east and north of the origin, float64 arrays of the inputs' shape."""
        x_m, y_m = self._to_plane.transform(
            np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
        )
        return np.asarray(x_m), np.asarray(y_m)

    def to_lonlat(self, x_m: npt.ArrayLike, y_m: npt.ArrayLike) -> tuple[MetresArray, MetresArray]:
        """Return longitudes and latitudes in degrees, float64 arrays of the inputs' shape."""
        lon, lat = self._to_plane.transform(
            np.asarray(x_m, dtype=np.float64),
            np.asarray(y_m, dtype=np.float64),
            direction="INVERSE",
        )
        return np.asarray(lon), np.asarray(lat)

    def project(self, geometry: BaseGeometry) -> BaseGeometry:
        """Return an EPSG:4326 geometry in this plane, vertex by vertex."""

        def move(coordinates: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            return np.column_stack(self.to_xy(coordinates[:, 0], coordinates[:, 1]))

        return shapely.transform(geometry, move)


def read_area(path_or_bbox: str) -> Area:
    """Return the candidate area that a text names.

    Args:
        path_or_bbox: ``"west,south,east,north"`` in degrees, or the path of any vector file with
            polygons (``file|layername=...`` names a layer); all its polygons together.

    Raises:
        AreaError: Nothing usable: no such file, no polygons, numbers out of range, zero size.
    """
    text = path_or_bbox.strip()
    if _FOUR_NUMBERS.match(text):
        return _area_of_bounds(text)
    if not VectorSource.parse(text).path.exists():
        raise AreaError(
            f"{text!r} is neither west,south,east,north in degrees nor a file that exists; "
            'give for example "13.18,55.70,13.20,55.72" or a vector file with a polygon'
        )
    try:
        polygons = read_geometries(text, "polygon")
    except InputError as err:
        raise AreaError(f"the area cannot be read: {err}") from err
    return _area_of_polygons(polygons, Path(text).name)


def _area_of_bounds(text: str) -> Area:
    west, south, east, north = (float(number) for number in text.split(","))
    if not (-180.0 <= west <= 180.0 and -180.0 <= east <= 180.0):
        raise AreaError(f"area {text!r}: longitudes lie in -180 to 180; the order is w,s,e,n")
    if not (-90.0 <= south <= 90.0 and -90.0 <= north <= 90.0):
        raise AreaError(f"area {text!r}: latitudes lie in -90 to 90; the order is w,s,e,n")
    if west >= east or south >= north:
        raise AreaError(
            f"area {text!r} is empty: west must be less than east and south less than north; "
            + _IN_TWO_RUNS
        )
    _check_width(west, east, f"area {text!r}")
    return Area.from_bounds(west, south, east, north)


def _area_of_polygons(polygons: list[BaseGeometry], name: str) -> Area:
    repaired = single_parts(
        [shapely.make_valid(p) for p in polygons if not shapely.is_empty(p)], "polygon"
    )
    if not repaired:
        raise AreaError(f"{name}: holds no polygon; draw the candidate area as a polygon")
    geometry = shapely.union_all(np.asarray(repaired, dtype=object))
    bounds = np.asarray(geometry.bounds)
    if geometry.is_empty or not geometry.area > 0.0 or not np.all(np.isfinite(bounds)):
        raise AreaError(f"{name}: its polygons enclose nothing; draw the area again")
    if np.any(np.abs(bounds) > (180.0, 90.0, 180.0, 90.0)):
        raise AreaError(
            f"{name}: its coordinates are no longitudes and latitudes; "
            "assign the right coordinate reference system"
        )
    _check_width(float(bounds[0]), float(bounds[2]), name)
    return Area(geometry)


def _check_width(west: float, east: float, name: str) -> None:
    """Refuse what reaches halfway around the Earth: its centre would lie on the other side."""
    if east - west > 180.0:
        raise AreaError(
            f"{name}: reaches from longitude {west:g} to {east:g}, more than 180 degrees; "
            + _IN_TWO_RUNS
        )
