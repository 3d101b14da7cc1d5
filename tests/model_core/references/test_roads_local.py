"""Roads of a file: any line layer, with the terms of what it is."""

from __future__ import annotations

import geopandas
import pytest
from shapely.geometry import LineString

from model_core.errors import InputError
from model_core.references.roads import OnlineRoads, RoadFile
from model_core.references.vector import read_geometries
from model_core.types import Area

AREA = Area.from_bounds(13.19, 55.70, 13.20, 55.71)


def test_lines_that_reach_into_the_area_are_read(tmp_path) -> None:
    path = tmp_path / "roads.gpkg"
    inside = LineString([(13.0, 55.705), (13.3, 55.705)])
    outside = LineString([(14.0, 55.705), (14.3, 55.705)])
    geopandas.GeoDataFrame(geometry=[inside, outside], crs="EPSG:4326").to_file(path)
    roads = RoadFile(path)
    assert roads.read(AREA) == [inside]
    assert roads.terms.provider == "local roads roads.gpkg"
    assert not isinstance(roads, OnlineRoads)


def test_an_extract_names_openstreetmap(shared_data) -> None:
    roads = RoadFile(shared_data / "city" / "krems.osm.gz")
    assert "OpenStreetMap" in roads.terms.attribution
    assert roads.terms.licence == "ODbL 1.0"
    assert roads.read(Area.from_bounds(15.5, 48.3, 15.7, 48.5))


def test_a_missing_file_is_named(tmp_path) -> None:
    with pytest.raises(InputError, match=r"none\.gpkg"):
        RoadFile(tmp_path / "none.gpkg").read(AREA)


@pytest.mark.parametrize("suffix", ["shp", "fgb", "gpkg", "geojson"])
def test_a_filter_of_qgis_keeps_its_lines_in_every_format(tmp_path, suffix: str) -> None:
    path = tmp_path / f"roads.{suffix}"
    wide, narrow = (LineString([(13.0, lat), (13.3, lat)]) for lat in (55.704, 55.706))
    table = {"kind": ["a", "b"], "geometry": [wide, narrow]}
    geopandas.GeoDataFrame(table, crs="EPSG:4326").to_file(path)
    found = read_geometries(f"{path}|subset=\"kind\" = 'a'", "line", AREA.geometry.bounds)
    assert found == [wide]
