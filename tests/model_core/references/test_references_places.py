"""Places lie along roads, on a grid or at street views, the same ones every time."""

from __future__ import annotations

import gzip
import math
import sys
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from shapely.geometry import LineString, MultiLineString, Point, Polygon

from model_core.config import PlaceConfig
from model_core.errors import AreaError, ConfigError, InputError
from model_core.references.area import LocalFrame, read_area
from model_core.references.places import MAX_PLACES, lay_places
from model_core.references.terms import LOCAL_STREET_VIEWS
from model_core.types import Area, LonLat, StreetView

CENTER = LonLat(13.19, 55.70)
FRAME = LocalFrame(CENTER)
NO_GRID = PlaceConfig(spacing_m=15.0, grid="never")


def square(side_m: float) -> Area:
    half = side_m / 2
    corners = [(-half, -half), (half, -half), (half, half), (-half, half)]
    return Area(shapely.transform(Polygon(corners), to_lonlat))


def to_lonlat(points: np.ndarray) -> np.ndarray:
    return np.column_stack(FRAME.to_lonlat(points[:, 0], points[:, 1]))


def write_roads(path, lines_m, crs="EPSG:4326", **options):
    lines = [shapely.transform(line, to_lonlat) for line in lines_m]
    frame = geopandas.GeoDataFrame(geometry=lines, crs="EPSG:4326").to_crs(crs)
    frame.to_file(path, **options)
    return path


def positions(places) -> np.ndarray:
    lon = [place.lonlat.lon for place in places]
    lat = [place.lonlat.lat for place in places]
    return np.column_stack(FRAME.to_xy(lon, lat))


def nearest_other(points: np.ndarray) -> np.ndarray:
    geometries = shapely.points(points)
    _, far = shapely.STRtree(geometries).query_nearest(
        geometries, exclusive=True, return_distance=True, all_matches=False
    )
    return far


@pytest.mark.parametrize(
    ("name", "crs"),
    [("roads.gpkg", "EPSG:3006"), ("roads.shp", "EPSG:32633"), ("roads.geojson", "EPSG:4326")],
)
def test_places_run_evenly_through_a_road_cut_into_pieces(tmp_path, name, crs):
    pieces = [LineString([(x, 0), (x + 7, 0)]) for x in range(-140, 140, 7)]
    roads = write_roads(tmp_path / name, pieces, crs)
    places = lay_places(square(210.0), roads, NO_GRID)
    points = positions(places)
    assert {place.kind for place in places} == {"road"}
    assert np.abs(points[:, 1]).max() < 0.01
    steps = np.diff(np.sort(points[:, 0]))
    assert len(places) == 15
    np.testing.assert_allclose(steps, 15.0, atol=0.02)


def test_junction_has_one_place_and_every_road_is_covered(tmp_path):
    cross = [
        LineString([(-100, 0), (0, 0)]),
        LineString([(0, 0), (100, 0)]),
        LineString([(0, -100), (0, 0), (0, 100)]),
        MultiLineString([[(-100, 50), (100, 55)], [(20, -90), (90, -20)]]),
    ]
    roads = write_roads(tmp_path / "cross.gpkg", cross)
    points = positions(lay_places(square(400.0), roads, NO_GRID))
    assert (np.hypot(*points.T) < 7.4).sum() == 1
    assert nearest_other(points).min() > 7.4
    along = shapely.line_interpolate_point(
        np.array(cross, dtype=object)[:, None], np.linspace(0, 1, 41), normalized=True
    )
    reach = shapely.distance(along.ravel(), shapely.MultiPoint(points))
    assert reach.max() <= 15.0


def test_lanes_side_by_side_share_their_places(tmp_path):
    lanes = [LineString([(-150, y), (150, y)]) for y in (0.0, 4.0)]
    one = lay_places(square(400.0), write_roads(tmp_path / "one.gpkg", lanes[:1]), NO_GRID)
    two = lay_places(square(400.0), write_roads(tmp_path / "two.gpkg", lanes), NO_GRID)
    assert len(two) == len(one)


def test_closed_loop_is_covered_all_around(tmp_path):
    angles = np.linspace(0, 2 * math.pi, 61)
    loop = LineString(np.column_stack([60 * np.cos(angles), 60 * np.sin(angles)]))
    roads = write_roads(tmp_path / "loop.gpkg", [loop])
    points = positions(lay_places(square(400.0), roads, NO_GRID))
    assert len(points) == math.ceil(loop.length / 15.0)
    bearings = np.sort(np.degrees(np.arctan2(points[:, 0], points[:, 1])) % 360)
    gaps = np.diff(np.append(bearings, bearings[0] + 360))
    assert np.radians(gaps.max()) * 60 <= 15.1


def test_small_area_gets_a_grid_beside_the_roads_and_a_large_one_does_not(tmp_path):
    roads = write_roads(tmp_path / "roads.gpkg", [LineString([(-2000, 3), (2000, 3)])])
    small = lay_places(square(300.0), roads, PlaceConfig())
    assert {place.kind for place in small} == {"road", "grid"}
    points = positions(small)
    assert nearest_other(points).min() > 7.4
    assert np.abs(points).max() <= 150.01
    large = lay_places(square(900.0), roads, PlaceConfig())
    assert {place.kind for place in large} == {"road"}
    assert any(
        p.kind == "grid" for p in lay_places(square(900.0), roads, PlaceConfig(grid="always"))
    )


def test_grid_is_regular_and_stays_inside():
    config = PlaceConfig(grid_spacing_m=20.0)
    area = Area(shapely.transform(Point(0, 0).buffer(150.0), to_lonlat))
    places = lay_places(area, None, config)
    points = positions(places)
    assert {place.kind for place in places} == {"grid"}
    assert np.hypot(*points.T).max() <= 150.5
    assert len(places) == pytest.approx(math.pi * 150**2 / 20**2, rel=0.05)
    np.testing.assert_allclose(nearest_other(points), 20.0, atol=0.01)


def test_area_smaller_than_the_grid_still_has_a_place():
    places = lay_places(square(2.0), None, PlaceConfig())
    assert len(places) == 1
    assert np.hypot(*positions(places)[0]) < 1.5


def test_roads_outside_the_area_leave_the_grid(tmp_path):
    roads = write_roads(tmp_path / "far.gpkg", [LineString([(5000, 0), (6000, 0)])])
    assert {p.kind for p in lay_places(square(900.0), roads, PlaceConfig())} == {"grid"}
    with pytest.raises(AreaError, match="no place"):
        lay_places(square(900.0), roads, NO_GRID)


def view(name: str, x_m: float, y_m: float) -> StreetView:
    lon, lat = FRAME.to_lonlat(x_m, y_m)
    return StreetView(
        view_id=name,
        path=Path(__file__),
        lonlat=LonLat(float(lon), float(lat)),
        projection="perspective",
        heading_deg=None,
        fov_deg=None,
        terms=LOCAL_STREET_VIEWS,
    )


def test_street_views_are_places_where_nothing_else_is():
    views = [view("b", 10, 10), view("a", 0, 0), view("c", 10.3, 10), view("d", 900, 0)]
    places = lay_places(square(300.0), None, NO_GRID, views)
    assert [place.kind for place in places] == ["street_view", "street_view"]
    found = {tuple(np.round(point, 2)) for point in positions(places)}
    assert found == {(0.0, 0.0), (10.0, 10.0)}
    with pytest.raises(AreaError, match="no place"):
        lay_places(square(300.0), None, NO_GRID)


def test_order_and_ids_do_not_depend_on_the_order_of_the_file(tmp_path):
    rng = np.random.default_rng(5)
    lines = [LineString(rng.uniform(-600, 600, (3, 2))) for _ in range(25)]
    forward = write_roads(tmp_path / "forward.gpkg", lines)
    shuffled = write_roads(tmp_path / "shuffled.gpkg", lines[::-1])
    config = PlaceConfig(grid="always", grid_spacing_m=60.0)
    first = lay_places(square(1000.0), forward, config)
    assert first == lay_places(square(1000.0), forward, config)
    assert first == lay_places(square(1000.0), shuffled, config)
    assert [place.index for place in first] == list(range(len(first)))
    assert len({place.place_id for place in first}) == len(first)


def test_neighbouring_rows_are_neighbours_on_the_ground():
    points = positions(lay_places(square(3000.0), None, PlaceConfig(grid_spacing_m=30.0)))
    steps = np.hypot(*np.diff(points, axis=0).T)
    assert np.median(steps) <= 31.0
    blocks = [np.ptp(points[i : i + 64], axis=0).max() for i in range(0, len(points) - 64, 64)]
    assert np.median(blocks) < 600.0


def test_area_with_too_many_places_is_refused_before_any_is_laid():
    with pytest.raises(AreaError, match=rf"{MAX_PLACES:,}.*smaller or the spacing wider"):
        lay_places(read_area("10,50,14,54"), None, PlaceConfig())


@pytest.mark.parametrize("config", [PlaceConfig(spacing_m=0), PlaceConfig(grid_spacing_m=-1)])
def test_spacing_has_to_be_positive(config):
    with pytest.raises(ConfigError, match="greater than 0"):
        lay_places(square(100.0), None, config)


def test_unreadable_roads_are_named(tmp_path):
    broken = tmp_path / "broken.geojson"
    broken.write_text("{]")
    with pytest.raises(InputError, match=r"broken\.geojson"):
        lay_places(square(100.0), broken, PlaceConfig())
    with pytest.raises(InputError, match=r"absent\.gpkg"):
        lay_places(square(100.0), tmp_path / "absent.gpkg", PlaceConfig())


OSM = """<?xml version="1.0"?>
<osm version="0.6"><bounds minlat="55.69" minlon="13.18" maxlat="55.71" maxlon="13.20"/>
<node id="1" lat="55.700" lon="13.187"/><node id="2" lat="55.700" lon="13.193"/>
<node id="3" lat="55.701" lon="13.187"/><node id="4" lat="55.701" lon="13.193"/>
<node id="5" lat="55.699" lon="13.187"/><node id="6" lat="55.699" lon="13.193"/>
<way id="11"><nd ref="1"/><nd ref="2"/><tag k="highway" v="footway"/></way>
<way id="12"><nd ref="3"/><nd ref="4"/><tag k="waterway" v="stream"/></way>
<way id="13"><nd ref="5"/><nd ref="6"/><tag k="highway" v="proposed"/></way></osm>"""


@pytest.mark.parametrize("name", ["small.osm", "small.osm.gz"])
def test_of_openstreetmap_only_ways_to_walk_or_drive_count(tmp_path, name):
    path = tmp_path / name
    data = OSM.encode()
    path.write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    points = positions(lay_places(square(1000.0), path, NO_GRID))
    assert np.abs(points[:, 1]).max() < 0.1
    assert len(points) == math.ceil(376.6 / 15) + 1


def test_real_streets_are_covered(shared_data):
    area = read_area("15.590,48.405,15.605,48.415")
    places = lay_places(area, shared_data / "city" / "krems.osm.gz", PlaceConfig())
    lon = [p.lonlat.lon for p in places]
    lat = [p.lonlat.lat for p in places]
    assert shapely.dwithin(area.geometry, shapely.points(lon, lat), 1e-8).all()
    frame = LocalFrame(area.center_lonlat)
    far = nearest_other(np.column_stack(frame.to_xy(lon, lat)))
    assert far.min() > 7.49
    assert np.median(far) > 10.0
    assert len(places) > 500


def test_every_part_of_an_area_has_a_place_however_small_it_is() -> None:
    yards = [shapely.box(200 + 61 * n, 7, 215 + 61 * n, 22) for n in range(10)]
    parts = [shapely.box(-60, -60, 60, 60), *yards]
    area = Area(shapely.transform(shapely.multipolygons(parts), to_lonlat))
    places = lay_places(area, None, PlaceConfig())
    laid = [Point(*FRAME.to_xy(place.lonlat.lon, place.lonlat.lat)) for place in places]
    assert all(any(part.buffer(0.1).covers(point) for point in laid) for part in parts)


@pytest.mark.skipif(sys.platform == "win32", reason="only other systems read it as an archive")
@pytest.mark.parametrize("name", ["!sorted/roads.gpkg", "roads!.shp", "Wow! x/a!b.geojson"])
def test_a_path_with_an_exclamation_mark_is_no_archive(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    plain = tmp_path / f"plain{path.suffix}"
    write_roads(plain, [LineString([(-100, 0), (100, 0)])])
    for file in tmp_path.glob("plain.*"):
        file.rename(path.with_suffix(file.suffix))
    assert len(lay_places(square(120.0), path, NO_GRID)) == 9
