"""Lines and polygons out of any vector file that GDAL reads, as EPSG:4326 geometries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyogrio
import pyproj
import shapely
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj.exceptions import ProjError
from shapely.geometry.base import BaseGeometry

from model_core.errors import InputError
from model_core.files import without_marks

GeometryKind = Literal["line", "polygon"]
Bounds = tuple[float, float, float, float]

_LAYER_WORDS: dict[GeometryKind, tuple[str, ...]] = {
    "line": ("line", "curve", "unknown", "collection"),
    "polygon": ("polygon", "surface", "unknown", "collection"),
}
_TYPE_IDS: dict[GeometryKind, tuple[int, ...]] = {
    "line": (shapely.GeometryType.LINESTRING, shapely.GeometryType.LINEARRING),
    "polygon": (shapely.GeometryType.POLYGON,),
}
NOT_WALKED = (
    "abandoned",
    "bus_stop",
    "construction",
    "no",
    "planned",
    "platform",
    "proposed",
    "raceway",
    "razed",
)


@dataclass(frozen=True)
class VectorSource:
    """A vector file, and the layer and filter named with it in QGIS's way.

    ``file.gpkg|layername=roads|subset=width > 3`` names both. ``readable`` is where pyogrio reads
    the file, if that is elsewhere.
    """

    path: Path
    layer: str | None = None
    where: str | None = None
    readable: Path | None = None

    @classmethod
    def parse(cls, text: str) -> VectorSource:
        """Return the file, layer and filter of a path or of a QGIS layer source."""
        name, *options = text.split("|")
        named = dict(option.split("=", 1) for option in options if "=" in option)
        return cls(Path(name).expanduser(), named.get("layername"), named.get("subset"))

    @property
    def gdal_path(self) -> str:
        """The path as GDAL wants it; gzipped files are read through its virtual file system."""
        path = self.readable or self.path
        if path.suffix.lower() == ".gz":
            return f"/vsigzip/{path.absolute()}"
        return str(path)

    @property
    def is_osm(self) -> bool:
        """Whether the file is an OpenStreetMap extract, whose lines are of every kind."""
        name = self.path.name.lower().removesuffix(".gz")
        return name.endswith((".osm", ".pbf", ".osm.xml"))


def read_geometries(
    source: str | Path, kind: GeometryKind, bounds: Bounds | None = None
) -> list[BaseGeometry]:
    """Return the single lines or polygons of a vector file, in EPSG:4326, in file order.

    Every layer that can hold the kind is read unless one is named. Of an OpenStreetMap extract
    only ways that people walk, ride or drive on are lines.

    Args:
        source: Path of the file, or a QGIS layer source (``file|layername=...``).
        kind: What to keep; multi-part geometries are taken apart, heights dropped.
        bounds: West, south, east, north in degrees; what lies outside need not be read.

    Raises:
        InputError: The file is not there, is no vector file, or its CRS is unknown.
    """
    vector = VectorSource.parse(str(source))
    if not vector.path.exists():
        raise InputError(f"{vector.path}: there is no such file; check the path")
    try:
        with without_marks(vector.path) as readable:
            vector = replace(vector, readable=readable)
            layers = _layers_of_kind(vector, kind)
            read = [_read_layer(vector, layer, kind, bounds) for layer in layers]
    except (DataSourceError, DataLayerError, ProjError, ValueError, shapely.GEOSException) as err:
        raise InputError(
            f"{vector.path}: cannot be read as a vector file ({err}); "
            "give a GeoPackage, GeoJSON, Shapefile, KML or .osm file, unpacked"
        ) from err
    return [geometry for geometries in read for geometry in geometries]


def single_parts(geometries: Sequence[BaseGeometry], kind: GeometryKind) -> list[BaseGeometry]:
    """Return the single lines or polygons within any geometries, empty ones left out."""
    array = np.asarray(geometries, dtype=object)
    while np.any(shapely.get_type_id(array) > shapely.GeometryType.POLYGON):
        array = shapely.get_parts(array)
    wanted = np.isin(shapely.get_type_id(array), _TYPE_IDS[kind]) & ~shapely.is_empty(array)
    return list(shapely.force_2d(array[wanted]))


def _layers_of_kind(vector: VectorSource, kind: GeometryKind) -> list[str]:
    listed = pyogrio.list_layers(vector.gdal_path)
    names = [str(name) for name, _ in listed]
    if vector.layer is not None:
        if vector.layer not in names:
            raise InputError(
                f"{vector.path}: there is no layer {vector.layer!r}; it holds {', '.join(names)}"
            )
        return [vector.layer]
    if vector.is_osm and kind == "line":
        return ["lines"]
    words = _LAYER_WORDS[kind]
    return [
        str(name)
        for name, geometry_type in listed
        if geometry_type is not None and any(word in geometry_type.lower() for word in words)
    ]


def _read_layer(
    vector: VectorSource, layer: str, kind: GeometryKind, bounds: Bounds | None
) -> list[BaseGeometry]:
    where = vector.where
    if where is None and vector.is_osm and kind == "line":
        values = ", ".join(f"'{value}'" for value in NOT_WALKED)
        where = f"highway IS NOT NULL AND highway NOT IN ({values})"
    crs = _layer_crs(vector, layer)
    _, _, wkb, _ = pyogrio.raw.read(
        vector.gdal_path,
        layer=layer,
        # Some formats lose what a filter reads where no attribute is asked for.
        columns=None if vector.where else [],
        where=where,
        bbox=_bounds_in_crs(bounds, crs),
        force_2d=True,
    )
    if wkb is None or len(wkb) == 0:
        return []
    geometries = shapely.from_wkb(wkb, on_invalid="ignore")
    parts = single_parts([g for g in geometries if g is not None], kind)
    if crs.equals(pyproj.CRS.from_epsg(4326), ignore_axis_order=True):
        return parts
    to_lonlat = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)

    def project(coordinates: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        lon, lat = to_lonlat.transform(coordinates[:, 0], coordinates[:, 1])
        return np.column_stack([lon, lat])

    if not parts:
        return []
    moved = shapely.transform(np.asarray(parts, dtype=object), project)
    return list(moved[np.isfinite(shapely.bounds(moved)).all(axis=1)])


def _layer_crs(vector: VectorSource, layer: str) -> pyproj.CRS:
    info = pyogrio.read_info(vector.gdal_path, layer=layer, force_total_bounds=True)
    if info["crs"]:
        return pyproj.CRS.from_user_input(info["crs"])
    bounds = info.get("total_bounds")
    if bounds is not None and np.all(np.abs(bounds) <= (180.0, 90.0, 180.0, 90.0)):
        return pyproj.CRS.from_epsg(4326)
    raise InputError(
        f"{vector.path}: layer {layer!r} has no coordinate reference system; "
        "assign one (in QGIS: Assign projection) and save it again"
    )


def _bounds_in_crs(bounds: Bounds | None, crs: pyproj.CRS) -> Bounds | None:
    if bounds is None:
        return None
    transformer = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    west, south, east, north = transformer.transform_bounds(*bounds)
    found = (float(west), float(south), float(east), float(north))
    return found if np.all(np.isfinite(found)) else None
