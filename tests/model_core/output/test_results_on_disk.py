"""What a user finds in the folder: opened as QGIS, a browser and a script would."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pyproj
import pytest
import rasterio
from PIL import Image
from shapely.geometry import Point

from model_core.errors import Cancelled, InputError, ShapeError
from model_core.output import (
    CANDIDATE_COLUMNS,
    Backdrop,
    wedge,
    write_geopackage,
    write_results,
)
from model_core.types import LonLat, Progress, SourceTerms

GEOD = pyproj.Geod(ellps="WGS84")


def write(folder: Path, run: Any, **changes: Any) -> Any:
    values = {
        "results": run.results,
        "photos": run.photos,
        "places": run.places,
        "area": run.area,
        "provenance": run.provenance,
        "truth": run.truth,
        **changes,
    }
    return write_results(folder, **values)


# ---------------------------------------------------------------- GeoPackage


def test_candidates_have_every_column_and_their_geometry(tmp_path: Path, run: Any) -> None:
    files = write(tmp_path / "new" / "folder", run)
    layer = pyogrio.read_dataframe(files.candidates, layer="candidates")
    assert layer.crs == "EPSG:4326"
    assert [c for c in layer.columns if c != "geometry"] == list(CANDIDATE_COLUMNS)
    assert len(layer) == 21
    assert set(layer.geom_type) == {"Point"}
    first = layer[(layer.photo == "north.jpg") & (layer["rank"] == 1)].iloc[0]
    assert first.geometry == Point(run.places[4].lonlat.lon, run.places[4].lonlat.lat)
    assert first.status == "proposed"
    assert first.place_id == "place-4"
    assert first.model_hash == "cd" * 32
    assert first.photo_sha256 == "ab" * 32
    assert first.software_version == "1.2.3"
    assert first.inliers == 40
    assert layer[["precision_m", "analyst", "decided_at"]].isna().all().all()
    assert first.street_view_date.isoformat().startswith("2019-05-05T01:30:00"), "in UTC"


def test_errors_stand_beside_candidates_only_where_the_truth_is_known(
    tmp_path: Path, run: Any
) -> None:
    layer = pyogrio.read_dataframe(write(tmp_path, run).candidates, layer="candidates")
    north = layer[layer.photo == "north.jpg"].sort_values("rank")
    assert north.error_m.iloc[0] == pytest.approx(0.0, abs=0.01)
    assert north.heading_error_deg.iloc[0] == pytest.approx(50.0)
    south = layer[layer.photo == "<b>&south.jpg"].sort_values("rank")
    assert south.error_m.iloc[0] == pytest.approx(134.2, abs=0.5)
    assert south.heading_error_deg.isna().all()
    assert layer[layer.photo == "abroad.jpg"].error_m.isna().all()


def test_layers_say_where_their_references_come_from(tmp_path: Path, run: Any) -> None:
    path = tmp_path / "candidates.gpkg"
    terms = SourceTerms("Some Views", "CC BY-SA 4.0", "(c) Some contributors")
    write_geopackage(path, run.results, replace(run.provenance, sources=(terms, terms)))
    for layer in ("candidates", "fields_of_view"):
        said = pyogrio.read_info(path, layer=layer)["layer_metadata"]
        assert said["ATTRIBUTION"] == "(c) Some contributors"
        assert said["SOURCES"] == "Some Views (CC BY-SA 4.0)"


def test_a_photo_from_elsewhere_says_so_on_each_candidate(tmp_path: Path, run: Any) -> None:
    layer = pyogrio.read_dataframe(write(tmp_path, run).candidates, layer="candidates")
    notes = layer[layer.photo == "abroad.jpg"].note
    assert notes.str.contains("not in this area").all()
    assert layer[layer.photo == "north.jpg"].note.isna().all()


def test_fields_of_view_are_wedges_to_true_north(tmp_path: Path, run: Any) -> None:
    layer = pyogrio.read_dataframe(write(tmp_path, run).candidates, layer="fields_of_view")
    assert layer.crs == "EPSG:4326"
    assert set(layer.geom_type) == {"Polygon"}
    assert len(layer) == 21
    assert layer.is_valid.all()
    first = layer[(layer.photo == "north.jpg") & (layer["rank"] == 1)].iloc[0]
    apex = run.places[4].lonlat
    seen_lon, seen_lat, _ = GEOD.fwd(apex.lon, apex.lat, first.heading_deg, 30.0)
    assert first.geometry.contains(Point(seen_lon, seen_lat))
    behind = GEOD.fwd(apex.lon, apex.lat, first.heading_deg + 40.0, 30.0)
    assert not first.geometry.contains(Point(behind[:2]))
    assert (layer.fov_deg == 60.0).all()


@pytest.mark.parametrize("lat", [0.0, 55.7, -78.0])
@pytest.mark.parametrize("fov_deg", [20.0, 90.0, 200.0, 360.0])
def test_a_wedge_has_its_radius_and_area_at_every_latitude(lat: float, fov_deg: float) -> None:
    apex = LonLat(13.2, lat)
    polygon = wedge(apex, 350.0, fov_deg)
    area_m2 = abs(GEOD.geometry_area_perimeter(polygon)[0])
    assert area_m2 == pytest.approx(np.pi * 40.0**2 * fov_deg / 360.0, rel=0.01)
    far = [GEOD.inv(apex.lon, apex.lat, x, y)[2] for x, y in polygon.exterior.coords]
    assert max(far) == pytest.approx(40.0, abs=0.01)
    assert polygon.is_valid


def test_nothing_found_still_gives_both_layers(tmp_path: Path, run: Any) -> None:
    files = write(tmp_path, run, results=[run.results[3]], truth=None)
    assert files.heat is None
    assert not (tmp_path / "heat.tif").exists()
    for name, kind in (("candidates", "Point"), ("fields_of_view", "Polygon")):
        info = pyogrio.read_info(files.candidates, layer=name)
        assert (info["features"], info["geometry_type"], info["crs"]) == (0, kind, "EPSG:4326")
    types = dict(
        zip(
            *(
                pyogrio.read_info(files.candidates, layer="candidates")[k]
                for k in ("fields", "ogr_types")
            ),
            strict=True,
        )
    )
    assert types["decided_at"] == "OFTDateTime"
    assert types["rank"] == "OFTInteger"
    assert types["note"] == "OFTString"
    assert files.map_picture.exists()
    assert "damaged" in files.page.read_text()


def test_no_photos_at_all_gives_empty_files(tmp_path: Path, run: Any) -> None:
    files = write(tmp_path, run, results=[], places=[], truth=None)
    assert json.loads(files.results.read_text())["photos"] == []


# ---------------------------------------------------------------- heat


def test_heat_sums_to_the_probability_of_being_in_the_area(tmp_path: Path, run: Any) -> None:
    files = write(tmp_path, run)
    with rasterio.open(files.heat) as raster:
        assert raster.count == 3
        assert raster.descriptions == ("north.jpg", "<b>&south.jpg", "abroad.jpg")
        assert raster.crs.to_epsg() == 32633
        assert raster.dtypes == ("float32",) * 3
        assert raster.compression.name == "deflate"
        assert raster.res == (5.0, 5.0)
        for band, inside in ((1, 0.9), (2, 0.8), (3, 0.03)):
            heat = raster.read(band)
            assert heat.min() >= 0.0
            assert heat.sum(dtype=np.float64) == pytest.approx(inside, abs=1e-4)
        hottest = np.unravel_index(raster.read(1).argmax(), raster.shape)
        x_m, y_m = raster.xy(*hottest)
        to_lonlat = pyproj.Transformer.from_crs(raster.crs, "EPSG:4326", always_xy=True)
        lon, lat = to_lonlat.transform(x_m, y_m)
        assert GEOD.inv(lon, lat, *vars(run.places[4].lonlat).values())[2] < 5.0
        bounds = raster.bounds
        assert raster.tags(1)["photo_sha256"] == "ab" * 32
    west, south, east, north = run.area.geometry.bounds
    x_m, y_m = pyproj.Transformer.from_crs("EPSG:4326", 32633, always_xy=True).transform(
        [west, east], [south, north]
    )
    assert bounds.left <= min(x_m)
    assert bounds.right >= max(x_m)
    assert bounds.bottom <= min(y_m)
    assert bounds.top >= max(y_m)


def test_heat_of_a_large_area_keeps_its_sum_and_its_size_in_bounds(
    tmp_path: Path, run: Any
) -> None:
    wide = type(run.area).from_bounds(13.0, 55.5, 13.6, 55.9)
    with rasterio.open(write(tmp_path, run, area=wide).heat) as raster:
        assert raster.width * raster.height < 1_100_000
        assert raster.read(1).sum(dtype=np.float64) == pytest.approx(0.9, abs=1e-4)


def test_results_of_another_gallery_are_refused(tmp_path: Path, run: Any) -> None:
    with pytest.raises(ShapeError, match="another gallery"):
        write(tmp_path, run, places=run.places[:-1])


# ---------------------------------------------------------------- pictures and page


def test_the_map_shows_candidates_truth_and_backdrop(tmp_path: Path, run: Any) -> None:
    ground = np.zeros((60, 60, 3), np.uint8)
    ground[:, :, 2] = 200
    west, south, east, north = run.area.geometry.bounds
    plain = np.asarray(Image.open(write(tmp_path, run).map_picture).convert("RGB"))
    files = write(tmp_path, run, backdrop=Backdrop(ground, west, south, east, north))
    drawn = np.asarray(Image.open(files.map_picture).convert("RGB")).astype(int)
    assert plain.shape == drawn.shape
    assert min(drawn.shape[:2]) > 500

    def amount(colour: tuple[int, int, int]) -> int:
        return int((np.abs(drawn - np.array(colour)).sum(axis=2) < 60).sum())

    assert amount((255, 109, 0)) > 200, "first candidates"
    assert amount((0, 200, 83)) > 200, "true positions"
    assert amount((198, 40, 40)) > 100, "the warning"
    assert (drawn[..., 2] > drawn[..., 0] + 100).mean() > 0.1, "the backdrop"


def test_more_photos_than_panels_are_counted_in_the_legend(tmp_path: Path, run: Any) -> None:
    many = [replace(run.results[3], path=Path(f"/photos/{n}.jpg")) for n in range(30)]
    files = write(tmp_path, run, results=many, truth=None)
    width, height = Image.open(files.map_picture).size
    assert height < 5 * width
    assert files.page.read_text().count("<article>") == 30


def test_the_page_of_very_many_photos_stays_one_that_opens(tmp_path: Path, run: Any) -> None:
    many = [replace(run.results[3], path=Path(f"/photos/{n}.jpg")) for n in range(130)]
    told: list[Progress] = []
    files = write(tmp_path, run, results=many, truth=None, progress=told.append)
    page = files.page.read_text()
    assert page.count("<article>") == 100
    assert "30 more photos are in candidates.gpkg and results.json" in page
    assert [(one.stage, one.total) for one in told[:1]] == [("write results", 100)]


def test_writing_is_stopped_when_asked_and_what_was_written_stays(tmp_path: Path, run: Any) -> None:
    with pytest.raises(Cancelled):
        write(tmp_path, run, on_failure=lambda *_: None, cancel=lambda: True)
    assert json.loads((tmp_path / "results.json").read_text())["photos"]
    assert (tmp_path / "candidates.gpkg").exists()
    assert not (tmp_path / "map.html").exists()
    assert not list(tmp_path.glob(".*"))


@pytest.mark.skipif(sys.platform == "win32", reason="only other systems read it as an archive")
def test_a_folder_named_with_an_exclamation_mark_takes_results(tmp_path: Path, run: Any) -> None:
    files = write(tmp_path / "!sorted" / "Wow! x", run)
    assert files.candidates.is_file()
    with sqlite3.connect(files.candidates) as layers:
        assert layers.execute("SELECT count(*) FROM candidates").fetchone() == (21,)


class Reader(HTMLParser):
    """Collects tags and text, and whatever a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.fetched: list[str] = []
        self.images = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "img", "br", "link"):
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href") and value:
                self.images += tag == "img"
                if not value.startswith("data:"):
                    self.fetched.append(value)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_stands_alone_and_says_everything(tmp_path: Path, run: Any) -> None:
    page = write(tmp_path, run).page.read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(page)
    text = " ".join(reader.text)
    assert reader.open == [], "every element is closed"
    assert reader.fetched == []
    assert reader.images == 6, "a thumbnail and a map for each photo that was answered"
    assert "<b>&south.jpg" in text, "names are shown, never run"
    assert "<b>&south" not in page
    assert "probably not in this area (elsewhere: 97%)" in text
    assert "broken.jpg: damaged" in text
    assert "the compass was ignored" in text
    assert "A. Surveyor" in text
    assert "cdcdcd" in text
    assert "2025-06-07T08:09:10+00:00" in text


def test_json_holds_provenance_and_every_answer(tmp_path: Path, run: Any) -> None:
    written = json.loads(write(tmp_path, run).results.read_text(encoding="utf-8"))
    assert written["format"] == 1
    assert written["provenance"]["model_hash"] == "cd" * 32
    assert written["provenance"]["created_at"] == "2025-06-07T08:09:10+00:00"
    assert written["provenance"]["sources"][0]["licence"] == "CC BY 4.0"
    assert written["provenance"]["settings"] == {"device": "cpu", "weights": None}
    assert [photo["photo"] for photo in written["photos"]] == [
        "north.jpg",
        "<b>&south.jpg",
        "abroad.jpg",
        "broken.jpg",
    ]
    north, _, abroad, broken = written["photos"]
    assert north["candidates"][0]["rank"] == 1
    assert north["candidates"][0]["street_view_date"] == "2019-05-04T23:30:00-02:00"
    assert north["truth"]["lonlat"]["lon"] == pytest.approx(run.places[4].lonlat.lon)
    assert north["notes"] == [
        "time zone not given: the time was taken as UTC",
        "the compass was ignored",
    ]
    assert abroad["not_in_area"] is True
    assert (broken["error_code"], broken["camera"], broken["candidates"]) == (-32011, None, [])


# ---------------------------------------------------------------- whole or not there


def test_an_earlier_run_is_replaced_and_nothing_unfinished_left(tmp_path: Path, run: Any) -> None:
    write(tmp_path, run)
    files = write(tmp_path, run, results=run.results[:1])
    assert len(pyogrio.read_dataframe(files.candidates, layer="candidates")) == 7
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "candidates.gpkg",
        "heat.tif",
        "map.html",
        "map.png",
        "results.json",
    ]


def test_a_failing_run_keeps_the_earlier_file(tmp_path: Path, run: Any) -> None:
    files = write(tmp_path, run)
    before = files.heat.read_bytes()
    with pytest.raises(ShapeError):
        write(tmp_path, run, places=run.places[:-1])
    assert files.heat.read_bytes() == before
    assert not [path for path in tmp_path.iterdir() if "partial" in path.name]


def test_a_folder_that_cannot_be_made_gives_one_error(tmp_path: Path, run: Any) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match=r"file.*choose another folder"):
        write(tmp_path / "file" / "out", run)


def test_a_file_that_cannot_be_replaced_gives_one_error(tmp_path: Path, run: Any) -> None:
    (tmp_path / "candidates.gpkg").mkdir()
    (tmp_path / "candidates.gpkg" / "x").write_text("x")
    with pytest.raises(InputError, match=r"candidates\.gpkg.*close it"):
        write(tmp_path, run)
    assert sorted(os.listdir(tmp_path)) == ["candidates.gpkg", "results.json"]


def test_a_file_that_cannot_be_replaced_costs_itself_where_failures_are_told(
    tmp_path: Path, run: Any
) -> None:
    (tmp_path / "candidates.gpkg").mkdir()
    (tmp_path / "candidates.gpkg" / "x").write_text("x")
    told: list[tuple[Path, Exception]] = []
    files = write(tmp_path, run, on_failure=lambda *failure: told.append(failure))
    ((path, error),) = told
    assert path.name == "candidates.gpkg"
    assert "close it" in str(error)
    assert files.candidates is None
    for written in (files.results, files.heat, files.map_picture, files.page):
        assert written.is_file()


def test_the_geopackage_is_sound(tmp_path: Path, run: Any) -> None:
    with sqlite3.connect(write(tmp_path, run).candidates) as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
        assert database.execute("select count(*) from gpkg_contents").fetchone() == (2,)


@pytest.mark.parametrize("shape", [(10, 10), (10, 10, 4)])
def test_a_backdrop_that_is_no_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError):
        Backdrop(np.zeros(shape, np.uint8), 0.0, 0.0, 1.0, 1.0)
    with pytest.raises(ShapeError):
        Backdrop(np.zeros((4, 4, 3), np.uint8), 1.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize("name", ["x$_$y.jpg", "caf\udce9.jpg"])
def test_an_odd_file_name_costs_no_other_photo_its_results(
    tmp_path: Path, run: Any, name: str
) -> None:
    odd = replace(run.results[0], path=Path("/photos") / name)
    files = write(tmp_path, run, results=(odd, *run.results[1:]))
    layer = pyogrio.read_dataframe(files.candidates, layer="candidates")
    assert len(layer) == 21
    document = json.loads(files.results.read_text(encoding="utf-8"))
    assert document["photos"][0]["photo"] == name
    assert name.split(".")[0][:3] in files.page.read_text(encoding="utf-8")
    with Image.open(files.map_picture) as picture:
        assert picture.size[0] > 500
