"""Roads out of a file: any line layer, or an OpenStreetMap extract."""

from __future__ import annotations

from pathlib import Path

from shapely.geometry.base import BaseGeometry

from model_core.references.terms import stated_terms
from model_core.references.vector import VectorSource, read_geometries
from model_core.types import Area, SourceTerms

LOCAL_ROADS = SourceTerms(provider="local roads")
OPENSTREETMAP_EXTRACT = SourceTerms(
    provider="OpenStreetMap extract",
    licence="ODbL 1.0",
    attribution="OpenStreetMap contributors",
)


class RoadFile:
    """The roads of a vector file.

    Args:
        path: Of the file, or a QGIS layer source (``file|layername=...``).

    Raises:
        InputError: Terms are stated beside the file but cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        vector = VectorSource.parse(str(path))
        kind = OPENSTREETMAP_EXTRACT if vector.is_osm else LOCAL_ROADS
        self.terms: SourceTerms = stated_terms(kind, vector.path)

    def read(self, area: Area) -> list[BaseGeometry]:
        """Return the lines whose bounds reach into the area's, in EPSG:4326.

        Raises:
            InputError: The file cannot be read.
        """
        west, south, east, north = area.geometry.bounds
        return read_geometries(str(self.path), "line", (west, south, east, north))
