"""An area comes from four numbers or any polygon file; a local plane has true north up."""

from __future__ import annotations

import geopandas
import numpy as np
import pyproj
import pytest
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from model_core.errors import AreaError
from model_core.references.area import LocalFrame, read_area
from model_core.types import LonLat

SQUARE = box(13.18, 55.70, 13.20, 55.71)


def write(path, geometries, crs="EPSG:4326", **options):
    geopandas.GeoDataFrame(geometry=list(geometries), crs=crs).to_file(path, **options)
    return path


@pytest.mark.parametrize("text", ["13.18,55.70,13.20,55.71", " 13.18, 55.7 ,13.2, 5.571e1 "])
def test_four_numbers_are_an_area(text):
    assert read_area(text).geometry.equals(SQUARE)


def test_negative_numbers_are_an_area():
    area = read_area("-46.64,-23.56,-46.63,-.5")
    assert area.geometry.bounds == (-46.64, -23.56, -46.63, -0.5)


@pytest.mark.parametrize(
    "text",
    [
        "13.2,55.7,13.18,55.71",
        "13.18,55.71,13.20,55.70",
        "13.18,55.70,13.18,55.71",
        "55.70,13.18,355.71,13.20",
        "13.18,-95,13.2,55",
        "1,2,3",
        "a,b,c,d",
        "",
        "no_such_file.gpkg",
        "170,10,-170,20",
    ],
)
def test_unusable_text_is_an_area_error(text):
    with pytest.raises(AreaError):
        read_area(text)


@pytest.mark.parametrize("name", ["area.gpkg", "area.geojson", "area.shp"])
def test_polygons_of_a_file_in_any_crs_are_united(tmp_path, name):
    crs = "EPSG:4326" if name.endswith("geojson") else "EPSG:3006"
    parts = geopandas.GeoSeries(
        [box(13.18, 55.70, 13.195, 55.71), box(13.19, 55.70, 13.20, 55.71)], crs="EPSG:4326"
    ).to_crs(crs)
    path = write(tmp_path / name, parts, crs)
    area = read_area(str(path))
    assert area.geometry.symmetric_difference(SQUARE).area < 1e-3 * SQUARE.area


def test_named_layer_and_filter_are_used(tmp_path):
    path = tmp_path / "two.gpkg"
    write(path, [SQUARE], layer="here")
    write(path, [box(0, 0, 1, 1)], layer="elsewhere")
    assert read_area(f"{path}|layername=here").geometry.equals(SQUARE)
    with pytest.raises(AreaError, match="here, elsewhere"):
        read_area(f"{path}|layername=nowhere")
    frame = geopandas.GeoDataFrame({"n": [1, 2]}, geometry=[SQUARE, box(0, 0, 1, 1)], crs=4326)
    frame.to_file(tmp_path / "filtered.gpkg")
    assert read_area(f"{tmp_path / 'filtered.gpkg'}|subset=n = 1").geometry.equals(SQUARE)


def test_self_crossing_polygon_is_repaired(tmp_path):
    bow_tie = Polygon([(13.18, 55.70), (13.20, 55.71), (13.20, 55.70), (13.18, 55.71)])
    area = read_area(str(write(tmp_path / "bow.gpkg", [bow_tie])))
    assert area.geometry.is_valid
    assert area.geometry.area == pytest.approx(SQUARE.area / 2, rel=1e-6)


@pytest.mark.parametrize(
    "geometries",
    [
        [],
        [Point(13.19, 55.7)],
        [LineString([(13.18, 55.7), (13.2, 55.71)])],
        [Polygon()],
        [Polygon([(13.18, 55.7), (13.19, 55.7), (13.2, 55.7)])],
    ],
)
def test_file_without_area_is_refused_by_name(tmp_path, geometries):
    path = write(tmp_path / "nothing.gpkg", geometries, geometry_type=None)
    with pytest.raises(AreaError, match=r"nothing\.gpkg"):
        read_area(str(path))


def test_file_without_crs_is_degrees_or_refused(tmp_path):
    path = write(tmp_path / "degrees.gpkg", [SQUARE], crs=None)
    assert read_area(str(path)).geometry.equals(SQUARE)
    metres = write(tmp_path / "metres.gpkg", [box(4e5, 6e6, 4.01e5, 6.001e6)], crs=None)
    with pytest.raises(AreaError, match=r"metres\.gpkg.*no coordinate reference system"):
        read_area(str(metres))


def test_file_that_is_no_vector_file_is_refused_by_name(tmp_path):
    path = tmp_path / "broken.gpkg"
    path.write_bytes(b"broken" * 100)
    with pytest.raises(AreaError, match=r"broken\.gpkg"):
        read_area(str(path))


def test_several_separate_polygons_stay_one_area(tmp_path):
    both = MultiPolygon([box(13.0, 55.0, 13.01, 55.01), box(13.05, 55.0, 13.06, 55.01)])
    area = read_area(str(write(tmp_path / "two.geojson", [both])))
    assert len(area.geometry.geoms) == 2


def test_an_area_on_both_sides_of_the_180th_meridian_is_refused_with_the_next_step(tmp_path):
    parts = [box(179.9, -17.0, 180.0, -16.9), box(-180.0, -17.0, -179.9, -16.9)]
    path = write(tmp_path / "fiji.geojson", [MultiPolygon(parts)])
    for text in (str(path), "-179.9,-17,179.9,-16.9", "179.9,-17,-179.9,-16.9"):
        with pytest.raises(AreaError, match="two runs, one on either side"):
            read_area(text)
    for part in parts:
        west, south, east, north = part.bounds
        assert read_area(f"{west},{south},{east},{north}").geometry.equals(part)


@pytest.mark.parametrize("origin", [LonLat(13.19, 55.7), LonLat(-46.6, -23.5), LonLat(25.0, 78.2)])
def test_local_plane_measures_metres_from_true_north(origin):
    frame = LocalFrame(origin)
    geod = pyproj.Geod(ellps="WGS84")
    azimuths = np.arange(0.0, 360.0, 30.0)
    lon, lat, _ = geod.fwd([origin.lon] * 12, [origin.lat] * 12, azimuths, [400.0] * 12)
    x, y = frame.to_xy(lon, lat)
    np.testing.assert_allclose(x, 400 * np.sin(np.radians(azimuths)), atol=1e-3)
    np.testing.assert_allclose(y, 400 * np.cos(np.radians(azimuths)), atol=1e-3)
    back_lon, back_lat = frame.to_lonlat(x, y)
    np.testing.assert_allclose(back_lon, lon, atol=1e-9)
    np.testing.assert_allclose(back_lat, lat, atol=1e-9)
