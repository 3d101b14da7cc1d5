"""Real files as geometry: exact metres and heights, boxes that cover, windows that repeat."""

import gzip
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from rasterio.transform import from_origin
from shapely.geometry import Point, Polygon
from shapely.ops import unary_union
from typer.testing import CliRunner

from model_core.errors import InputError
from training.cli import app
from training.world.ground_map import Ground
from training.world.ground_photo import photo_ground
from training.world.real.boxes import cover_with_boxes
from training.world.real.frame import local_crs
from training.world.real.held_out import TEST_PLACES
from training.world.real.prepare import prepare_geometry
from training.world.real.prepared import load_prepared, read_about
from training.world.real.read import read_real_city
from training.world.real.window import choose_window, real_geometry
from training.world.solids import FIRST_DATE, SECOND_DATE, BoxKind, Roof

LON, LAT = 12.5, 45.0
HALF_M = 70.0


def _lonlat(east_m: float, north_m: float) -> tuple[float, float]:
    """Metres on the WGS 84 ellipsoid around (LON, LAT), good to a centimetre at 200 m."""
    a, e2, lat = 6378137.0, 0.00669437999, math.radians(LAT)
    w = 1 - e2 * math.sin(lat) ** 2
    east = east_m / (a / math.sqrt(w) * math.cos(lat))
    return LON + math.degrees(east), LAT + math.degrees(north_m / (a * (1 - e2) / w**1.5))


class Drawing:
    """Ways drawn in metres, written as OSM XML or as an Overpass response."""

    def __init__(self) -> None:
        self.nodes: list[tuple[float, float]] = []
        self.ways: list[tuple[list[int], dict[str, str]]] = []
        self.relations: list[tuple[list[tuple[int, str]], dict[str, str]]] = []

    def way(self, points, closed=True, **tags) -> int:
        first = len(self.nodes) + 1
        self.nodes += points
        rows = list(range(first, first + len(points)))
        self.ways.append(
            (rows + rows[:1] * closed, {k.replace("_", ":"): v for k, v in tags.items()})
        )
        return len(self.ways)

    def house(self, x, y, width, depth, **tags) -> int:
        corners = [(x, y), (x + width, y), (x + width, y + depth), (x, y + depth)]
        return self.way(corners, **{"building": "yes", **tags})

    def osm(self) -> str:
        out = ["<osm version='0.6'>"]
        for k, at in enumerate(self.nodes):
            lon, lat = _lonlat(*at)
            out.append(f"<node id='{k + 1}' lon='{lon!r}' lat='{lat!r}'/>")
        for k, (rows, tags) in enumerate(self.ways):
            refs = "".join(f"<nd ref='{row}'/>" for row in rows)
            out.append(f"<way id='{k + 1}'>{refs}{_tags(tags)}</way>")
        for k, (members, tags) in enumerate(self.relations):
            refs = "".join(f"<member type='way' ref='{w}' role='{r}'/>" for w, r in members)
            out.append(f"<relation id='{k + 1}'>{refs}{_tags(tags)}</relation>")
        return "".join([*out, "</osm>"])

    def overpass(self) -> dict:
        places = [_lonlat(*at) for at in self.nodes]
        nodes = [
            {"type": "node", "id": k + 1, "lon": lon, "lat": lat}
            for k, (lon, lat) in enumerate(places)
        ]
        ways = [
            {"type": "way", "id": k + 1, "nodes": rows, "tags": tags}
            for k, (rows, tags) in enumerate(self.ways)
        ]
        return {"elements": nodes + ways}


def _tags(tags: dict[str, str]) -> str:
    return "".join(f"<tag k='{k}' v='{v}'/>" for k, v in tags.items())


@pytest.fixture(scope="module")
def town() -> Drawing:
    """Two streets that cross, three rows of houses, a pond, a courtyard building."""
    drawing = Drawing()
    drawing.way([(-150, 0), (0, 0), (150, 0)], closed=False, highway="residential", width="8")
    drawing.way([(0, -150), (0, 150)], closed=False, highway="tertiary")
    crossing = drawing.ways[0][0][1]
    drawing.ways[1][0].insert(1, crossing)
    for k, x in enumerate(range(-140, 140, 20)):
        if abs(x + 6) < 20:
            continue
        drawing.house(x, 12, 12, 9, height=str(6 + k % 3))
        drawing.house(x, -24, 12, 9)
    drawing.house(-60, 40, 30, 20, building_levels="4")
    drawing.way([(20, 40), (60, 40), (60, 60), (20, 60)], natural="water")
    outer = drawing.way([(20, -80), (60, -80), (60, -40), (20, -40)])
    inner = drawing.way([(30, -70), (50, -70), (50, -50), (30, -50)])
    members = [(outer, "outer"), (inner, "inner")]
    tags = {"type": "multipolygon", "building": "yes", "height": "21 m"}
    drawing.relations.append((members, tags))
    return drawing


@pytest.fixture(scope="module")
def town_file(town, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("town") / "town.osm.gz"
    path.write_bytes(gzip.compress(town.osm().encode()))
    return path


@pytest.fixture(scope="module")
def prepared(town_file, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("prepared") / "town"
    prepare_geometry([town_file], out)
    return out


@pytest.fixture(scope="module")
def geometry(prepared):
    return real_geometry(prepared, 3, HALF_M, traffic_sets=2)


def test_osm_buildings_come_in_metres_with_their_heights(town_file):
    city = read_real_city([town_file])
    sizes = [np.ptp(b.rings[0], axis=0) for b in city.buildings if b.height_m == 7.0]
    np.testing.assert_allclose(sizes, [[12.0, 9.0]] * len(sizes), atol=0.02)
    court = next(b for b in city.buildings if b.height_m == 21.0)
    area = Polygon(court.rings[0], court.rings[1:]).area
    assert len(court.rings) == 2
    assert area == pytest.approx(1600 - 400, abs=1.0)
    levels = [b.levels for b in city.buildings if b.levels]
    assert levels == [4]
    assert "ODbL" in city.licence


def test_parts_replace_their_outline_and_none_hangs_in_the_air(tmp_path):
    drawing = Drawing()
    drawing.house(0, 0, 40, 40, height="5")
    part = {"building": "no", "building_part": "yes"}
    drawing.house(0, 0, 40, 40, **part, height="1.5")
    drawing.house(2, 2, 36, 36, **part, height="12")
    drawing.house(15, 15, 10, 10, **part, height="60", min_height="12")
    drawing.house(38, 15, 30, 10, **part, height="15", min_height="12")
    path = tmp_path / "tower.osm"
    path.write_text(drawing.osm().replace("min:height", "min_height"))
    buildings = read_real_city([path]).buildings
    assert sorted(b.height_m for b in buildings) == [12.0, 60.0]
    assert len({b.owner for b in buildings}) == 1


def test_north_is_up_and_east_is_right(town_file):
    city = read_real_city([town_file])
    pond = next(c for c in city.covers if c.ground == Ground.WATER)
    court = next(b for b in city.buildings if b.height_m == 21.0)
    offset = pond.rings[0].mean(axis=0) - court.rings[0].mean(axis=0)
    np.testing.assert_allclose(offset, [0, 110], atol=0.05)


def test_streets_are_cut_where_they_meet_and_keep_their_width(town_file):
    roads = read_real_city([town_file]).roads
    assert len(roads) == 4
    assert {r.width_m for r in roads} == {8.0, 9.0}


def test_buildings_and_roads_may_come_from_two_overpass_responses(tmp_path):
    houses, streets = Drawing(), Drawing()
    for x in range(0, 100, 20):
        houses.house(x, 10, 10, 10)
    streets.way([(0, 0), (90, 0)], closed=False, highway="residential")
    one, two = tmp_path / "houses.json", tmp_path / "roads.json.gz"
    one.write_text(json.dumps(houses.overpass()))
    found = streets.overpass()
    for element in found["elements"]:
        element["id"] += 1000
        element["nodes"] = [row + 1000 for row in element.get("nodes", [])]
    two.write_bytes(gzip.compress(json.dumps(found).encode()))
    city = read_real_city([one, two])
    assert (len(city.buildings), len(city.roads)) == (5, 1)


def test_an_overpass_response_may_tell_the_ways_of_a_building_in_its_relation(tmp_path):
    """As ``out geom`` does: a ring of two ways around a courtyard, positions and no nodes."""
    lines = [
        ("outer", [(0, 0), (40, 0), (40, 30)]),
        ("outer", [(40, 30), (0, 30), (0, 0)]),
        ("inner", [(10, 10), (30, 10), (30, 20), (10, 20), (10, 10)]),
    ]
    members = []
    for number, (role, points) in enumerate(lines):
        places = [dict(zip(("lon", "lat"), _lonlat(*at), strict=True)) for at in points]
        members.append({"type": "way", "ref": number + 70, "role": role, "geometry": places})
    members[0]["geometry"].append(None)
    tags = {"type": "multipolygon", "building": "yes", "height": "21"}
    relation = {"type": "relation", "id": 1, "members": members, "tags": tags}
    path = tmp_path / "geom.json"
    path.write_text(json.dumps({"elements": [relation]}))
    (building,) = read_real_city([path]).buildings
    assert building.height_m == 21
    assert len(building.rings) == 2
    area = Polygon(building.rings[0], [building.rings[1]]).area
    assert area == pytest.approx(40 * 30 - 20 * 10, abs=1)


def _cityjson(kinds: list[str]) -> dict:
    """A 10 x 20 m block, 12.5 m high, in UTM 33 at its central meridian."""
    corners = [(x, y) for x, y in ((0, 0), (10000, 0), (10000, 20000), (0, 20000))]
    vertices = [[x, y, z] for z in (0, 12500) for x, y in corners]
    walls = [[[k, (k + 1) % 4, (k + 1) % 4 + 4, k + 4]] for k in range(4)]
    faces = [[[3, 2, 1, 0]], [[4, 5, 6, 7]], *walls]
    solid = {"type": "Solid", "lod": "1", "boundaries": [faces]}
    if kinds:
        solid["semantics"] = {
            "surfaces": [{"type": k} for k in kinds],
            "values": [[0, 1, *[2] * 4]],
        }
    return {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [0.001] * 3, "translate": [500000, 5000000, 3]},
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/32633"},
        "CityObjects": {"a": {"type": "Building", "geometry": [solid]}},
        "vertices": vertices,
    }


@pytest.mark.parametrize("kinds", [[], ["GroundSurface", "RoofSurface", "WallSurface"]])
def test_cityjson_footprints_and_measured_heights(tmp_path, kinds):
    path = tmp_path / "block.city.json"
    path.write_text(json.dumps(_cityjson(kinds)))
    (building,) = read_real_city([path]).buildings
    assert building.height_m == pytest.approx(12.5)
    np.testing.assert_allclose(np.ptp(building.rings[0], axis=0), [10, 20], atol=0.02)


def test_a_cityjson_without_coordinate_system_says_how_to_give_one(tmp_path):
    model = _cityjson([])
    model["metadata"] = {}
    path = tmp_path / "lost.json"
    path.write_text(json.dumps(model))
    with pytest.raises(InputError, match=r"lost\.json.*referenceSystem"):
        read_real_city([path])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("cut.osm", b"<osm><node id='1' lon='1'", "export it again"),
        ("cut.osm.gz", b"no gzip", "export it again"),
        ("cut.json", b"{", "download it again"),
        ("other.json", b'{"type": "FeatureCollection"}', "neither Overpass response nor CityJSON"),
        ("empty.osm", b"<osm/>", "no way with its nodes"),
        ("list.json", b"[]", "no JSON object"),
        ("some.xyz", b"", "cannot tell"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_next_step(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=name.replace(".", r"\.")) as caught:
        read_real_city([path])
    assert said in str(caught.value)


def test_a_file_without_buildings_is_refused(tmp_path):
    drawing = Drawing()
    drawing.way([(0, 0), (90, 0)], closed=False, highway="residential")
    path = tmp_path / "roads.osm"
    path.write_text(drawing.osm())
    with pytest.raises(InputError, match=r"roads\.osm: holds no building"):
        read_real_city([path])


_L_SHAPE = Polygon([(0, 0), (20, 0), (20, 8), (8, 8), (8, 18), (0, 18)])


def _turned(shape: Polygon, degrees: float) -> Polygon:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return Polygon([(c * x - s * y, s * x + c * y) for x, y in shape.exterior.coords])


def _union(cover):
    v = np.stack([-cover.axis[:, 1], cover.axis[:, 0]], 1) * cover.half[:, 1:]
    u = cover.axis * cover.half[:, :1]
    corners = np.stack([cover.center + t for t in (u + v, v - u, -u - v, u - v)], 1)
    return unary_union([Polygon(c) for c in corners])


@pytest.mark.parametrize("degrees", [0, 17, 45, 80])
def test_an_l_shaped_house_is_two_boxes_however_it_is_turned(degrees):
    cover = cover_with_boxes(_turned(_L_SHAPE, degrees))
    assert len(cover.half) == 2
    assert cover.iou > 0.99
    assert _union(cover).area == pytest.approx(_L_SHAPE.area, rel=0.01)
    assert (cover.half[:, 0] >= cover.half[:, 1]).all()


def test_a_courtyard_stays_open_and_a_round_tower_is_round_enough():
    court = Polygon(
        [(0, 0), (40, 0), (40, 30), (0, 30)], [[(10, 10), (30, 10), (30, 20), (10, 20)]]
    )
    cover = cover_with_boxes(court)
    assert cover.iou > 0.99
    assert not _union(cover).contains(Point(20, 15))
    assert cover_with_boxes(Point(0, 0).buffer(12)).iou > 0.85


def test_missing_heights_follow_the_neighbours_and_the_seed(prepared, town_file, tmp_path):
    city = load_prepared(prepared)
    counts = city.about.counts
    assert counts["filled_in"] == 12
    assert counts["with_levels"] == 1
    filled = city.box_height_m[(city.box_height_m != np.round(city.box_height_m))]
    assert len(filled) >= 12
    assert 4.0 < np.median(filled) < 9.5
    again = prepare_geometry([town_file], tmp_path / "again", seed=0)
    np.testing.assert_array_equal(again.box_height_m, city.box_height_m)
    other = prepare_geometry([town_file], tmp_path / "other", seed=1)
    assert (other.box_height_m != city.box_height_m).any()


def test_the_same_seed_gives_the_same_geometry(prepared, geometry):
    again = real_geometry(prepared, 3, HALF_M, traffic_sets=2)
    for name, column in vars(geometry.boxes).items():
        np.testing.assert_array_equal(column, getattr(again.boxes, name))
    np.testing.assert_array_equal(geometry.ground.cells, again.ground.cells)
    np.testing.assert_array_equal(geometry.rounds.center, again.rounds.center)


def test_windows_are_turned_and_mirrored_without_changing_sizes(prepared):
    city = load_prepared(prepared)
    windows = [choose_window(city, seed, HALF_M) for seed in range(12)]
    assert {w.mirrored for w in windows} == {True, False}
    assert np.ptp([w.turn_rad for w in windows]) > 2
    points = city.building_center
    apart = np.hypot(*(points[:1] - points).T)
    for window in windows:
        moved = window.apply(points)
        np.testing.assert_allclose(np.hypot(*(moved[:1] - moved).T), apart, atol=1e-3)
        assert abs(np.linalg.det(window.matrix())) == pytest.approx(1)


def test_buildings_keep_their_highest_point_whatever_their_roof(prepared):
    city = load_prepared(prepared)
    seen: set[int] = set()
    for seed in range(4):
        boxes = real_geometry(prepared, seed, HALF_M, traffic_sets=1).boxes
        center = choose_window(city, seed, HALF_M).apply(city.box_center)
        inside = np.flatnonzero(np.abs(center).max(axis=1) < HALF_M - 10)
        assert len(inside) > 5
        for k in inside:
            here = np.hypot(*(boxes.center - center[k]).T) < 1e-3
            here &= boxes.kind == BoxKind.BUILDING
            top = boxes.eave_m[here] + boxes.rise_m[here]
            assert np.abs(top - city.box_height_m[k]).min() < 1e-3
            seen |= set(boxes.roof[here].tolist())
    assert Roof.FLAT in seen
    assert seen & {Roof.GABLE, Roof.HIP}


def test_a_building_of_several_boxes_wears_one_facade(prepared):
    city = load_prepared(prepared)
    court = int(city.box_owner[city.box_height_m == 21.0][0])
    many = int((city.box_owner == court).sum())
    assert many == 4
    for seed in range(12):
        boxes = real_geometry(prepared, seed, HALF_M, traffic_sets=1).boxes
        row = (np.abs(boxes.eave_m + boxes.rise_m - 21.0) < 1e-3) & (boxes.kind == BoxKind.BUILDING)
        if row.any():
            assert row.sum() == many
            assert len(np.unique(boxes.owner[row])) == 1
            return
    pytest.fail("no window shows the courtyard building")


def test_streets_are_free_and_no_street_runs_through_a_house(geometry):
    points = np.concatenate(geometry.road_lines())
    points = points[np.abs(points).max(axis=1) < HALF_M - 5]
    assert len(points) > 20
    assert geometry.free(points).mean() > 0.9
    houses = geometry.boxes.kind == BoxKind.BUILDING
    under = geometry.ground.at(geometry.boxes.center[houses])
    assert np.isin(under, [Ground.ASPHALT, Ground.MARKING]).mean() < 0.03


def test_some_buildings_change_between_the_dates(prepared):
    changed, many = 0, 0
    for seed in range(8):
        boxes = real_geometry(prepared, seed, HALF_M, traffic_sets=1).boxes
        group = boxes.group[boxes.kind == BoxKind.BUILDING]
        changed += int(np.isin(group, [FIRST_DATE, SECOND_DATE]).sum())
        many += len(group)
    assert 0.03 < changed / many < 0.3


def test_streets_are_found_between_buildings_where_no_file_has_any(tmp_path):
    drawing = Drawing()
    for row in range(4):
        for x in range(0, 160, 13):
            drawing.house(x, row * 40, 12, 10)
            drawing.house(x, row * 40 + 14, 12, 10)
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(drawing.overpass()))
    city = prepare_geometry([path], tmp_path / "rows")
    assert city.about.counts["streets_derived"] == 1
    south = city.building_center[:, 1].min() - 5
    points = np.concatenate([city.road(k) for k in range(len(city.road_kind))])
    inside = points[(np.abs(points[:, 0]) < 60) & (np.abs(points[:, 1] - south - 72) < 70)]
    # Rows of houses are 24 m deep and 40 m apart: the streets' middles lie 8 m behind each row.
    from_street = (inside[:, 1] - south - 32 + 20) % 40 - 20
    assert len(inside) > 5
    assert np.abs(from_street).max() < 2
    geometry = real_geometry(tmp_path / "rows", 1, HALF_M, traffic_sets=1)
    assert geometry.free(np.concatenate(geometry.road_lines())).mean() > 0.8


def test_places_kept_for_tests_cannot_be_asked_for_training(tmp_path):
    model = _cityjson([])
    model["metadata"]["referenceSystem"] = "EPSG:28992"
    model["transform"]["translate"] = [84900, 447550, 0]
    path = tmp_path / "delft.json"
    path.write_text(json.dumps(model))
    prepare_geometry([path], tmp_path / "kept")
    assert read_about(tmp_path / "kept").split == "test"
    with pytest.raises(InputError, match="Delft is kept for test"):
        prepare_geometry([path], tmp_path / "asked", split="train")


@pytest.mark.parametrize(("east_m", "split"), [(12_000, "test"), (5_000, "train")])
def test_an_extract_that_reaches_a_test_place_tests_wherever_its_middle_is(
    tmp_path, monkeypatch, east_m, split
):
    """A house in the west and one in the east; a test place 15 km east of the first one."""
    drawing = Drawing()
    for x in (0, east_m):
        drawing.house(x, 0, 12, 9)
    path = tmp_path / "wide.osm"
    path.write_text(drawing.osm())
    monkeypatch.setitem(TEST_PLACES, "Faraway", _lonlat(15_000, 0))
    prepare_geometry([path], tmp_path / "wide")
    assert read_about(tmp_path / "wide").split == split
    if split == "test":
        with pytest.raises(InputError, match=r"Faraway is kept for test; .* end 4 km before it"):
            prepare_geometry([path], tmp_path / "asked", split="train")


def test_a_folder_that_was_not_prepared_says_how_to_prepare_it(tmp_path):
    with pytest.raises(InputError, match="python -m training geometry"):
        real_geometry(tmp_path, 1)


def test_a_broken_array_is_an_input_error(prepared, tmp_path):
    for path in prepared.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "box_half.npy").write_bytes(b"")
    with pytest.raises(InputError, match="broken"):
        load_prepared(tmp_path)


def _write_photo(path: Path, center: tuple[float, float]) -> None:
    """West half red, east half green, 200 m around the centre at 1 m."""
    pixels = np.zeros((3, 400, 400), np.uint8)
    pixels[0, :, :200], pixels[1, :, 200:] = 200, 120
    transform = from_origin(-200, 200, 1, 1)
    with rasterio.open(
        path, "w", "GTiff", 400, 400, 3, local_crs(center), transform, "uint8"
    ) as file:
        file.write(pixels)


def test_an_orthophoto_turns_with_the_window_and_is_only_light_and_dark_below(town_file, tmp_path):
    center = read_real_city([town_file]).center_lonlat
    raster = tmp_path / "photo.tif"
    _write_photo(raster, center)
    prepare_geometry([town_file], tmp_path / "town", raster)
    window = choose_window(load_prepared(tmp_path / "town"), 3, HALF_M)
    geometry = real_geometry(tmp_path / "town", 3, HALF_M, traffic_sets=1)
    photo = geometry.ground_photo
    assert photo is not None
    spots = np.array([[-40.0, 10.0], [-90.0, 0.0], [40.0, -20.0], [90.0, 30.0]], np.float32)
    seen = window.apply(spots)
    inside = np.abs(seen).max(axis=1) < HALF_M - 1
    assert inside.any()
    row = ((HALF_M - seen[inside, 1]) / 0.25).astype(int)
    col = ((seen[inside, 0] + HALF_M) / 0.25).astype(int)
    assert ((photo[row, col, 0] > 100) == (spots[inside, 0] < 0)).all()
    below = photo_ground(photo, 0.25, torch.device("cpu"))
    assert below is not None
    assert below.tone.shape == photo.shape[:2]
    from_above = below.over(torch.full(photo.shape, 0.5))
    np.testing.assert_allclose(from_above[row, col], photo[row, col] / 255, atol=1e-5)
    assert 0.6 < float(below.tone.min()) < float(below.tone.max()) < 1.5


def test_an_orthophoto_of_another_place_is_refused(town_file, tmp_path):
    raster = tmp_path / "elsewhere.tif"
    _write_photo(raster, (LON + 1, LAT))
    with pytest.raises(InputError, match=r"elsewhere\.tif shows none of the city"):
        prepare_geometry([town_file], tmp_path / "town", raster)


def test_an_orthophoto_keeps_its_terms_and_is_not_trained_on_against_them(town_file, tmp_path):
    raster = tmp_path / "photo.tif"
    _write_photo(raster, read_real_city([town_file]).center_lonlat)
    prepare_geometry([town_file], tmp_path / "own", raster)
    about = read_about(tmp_path / "own")
    assert about.source == "town.osm.gz, local imagery photo.tif"
    assert about.licence.endswith("ground photo: the user's own")
    terms = {"provider": "Survey", "licence": "CC BY 4.0", "attribution": "(c) Survey"}
    stated = tmp_path / "photo.tif.terms.json"
    stated.write_text(json.dumps(terms))
    prepare_geometry([town_file], tmp_path / "open", raster)
    about = read_about(tmp_path / "open")
    assert about.source == "town.osm.gz, Survey"
    assert about.licence.endswith("OpenStreetMap contributors; ground photo: CC BY 4.0, (c) Survey")
    stated.write_text(json.dumps({**terms, "licence": "all rights reserved", "trainable": False}))
    with pytest.raises(
        InputError, match=r"Survey: its terms \(all rights reserved\) forbid training"
    ):
        prepare_geometry([town_file], tmp_path / "strict", raster)
    assert not (tmp_path / "strict").exists()
    prepare_geometry([town_file], tmp_path / "strict", raster, split="test")
    assert read_about(tmp_path / "strict").licence.endswith(
        "ground photo: all rights reserved, (c) Survey, not to be trained on"
    )


def test_the_command_prints_what_it_found_and_the_licence(town_file, tmp_path):
    out = tmp_path / "town"
    result = CliRunner().invoke(app, ["geometry", "--from", str(town_file), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "ODbL" in result.output
    assert "filled in: 12" in result.output
    assert (out / "city.json").is_file()
    missing = ["geometry", "--from", str(tmp_path / "no.osm"), "--out", str(tmp_path / "b")]
    assert CliRunner().invoke(app, missing).exit_code == 2


def test_a_window_is_made_where_no_geographic_library_is_installed(prepared, repository):
    code = (
        "import sys\n"
        "for name in ('pyproj','shapely','geopandas','osmnx','rasterio','defusedxml'):\n"
        "    sys.modules[name] = None\n"
        "from pathlib import Path\n"
        "from training.world.real.window import real_geometry\n"
        f"print(len(real_geometry(Path({str(prepared)!r}), 3, {HALF_M}, 1).boxes))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) > 20
