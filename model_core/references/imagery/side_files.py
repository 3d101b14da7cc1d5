"""The files beside a raster that say something of its pixels."""

from __future__ import annotations

import re
from pathlib import Path

_WORLD_FILE = re.compile(r"\.([a-z0-9]{2,4}w|wld|prj|hdr|rrd|ovr|msk|tab|rpb|imd)", re.IGNORECASE)
_HOLDS_ITS_GEOREFERENCE = (".tif", ".tiff", ".gpkg", ".mbtiles", ".vrt")


def is_part_of(raster: Path, file: Path) -> bool:
    """Return whether a file beside a raster is read with it; statistics of its colours are not.

    QGIS writes ``city.tif.aux.xml`` when it stretches colours. Beside a raster that holds no
    georeference itself such a file may hold it.
    """
    if file.name.startswith(f"{raster.name}."):
        is_statistics = file.name.endswith(".aux.xml")
        return not (is_statistics and raster.suffix.lower() in _HOLDS_ITS_GEOREFERENCE)
    return file.stem == raster.stem and _WORLD_FILE.fullmatch(file.suffix) is not None
