"""Street views come from a folder's EXIF or from a table, one bad file costing itself alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import geopandas
import numpy as np
import pytest
from PIL import Image
from shapely.geometry import Point

from model_core.errors import Cancelled, StreetViewError
from model_core.photo import read_photo_metadata
from model_core.references.area import read_area
from model_core.references.collect import find_street_views
from model_core.references.street_view import (
    FolderStreetViews,
    local,
    read_view,
)
from model_core.types import Area, LonLat

GPS_IFD, EXIF_IFD = 0x8825, 0x8769
AREA = read_area("13.0,55.0,13.01,55.01")


def degrees_minutes_seconds(value: float) -> tuple[float, float, float]:
    value = abs(value)
    minutes = (value % 1) * 60
    return float(int(value)), float(int(minutes)), (minutes % 1) * 60


def write_photo(
    path: Path,
    lonlat: LonLat | None = None,
    heading_deg: float | None = None,
    size: tuple[int, int] = (640, 480),
    date: str | None = None,
    focal_35mm: int | None = None,
    north: str = "T",
) -> Path:
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8))
    exif = Image.Exif()
    if date:
        exif.get_ifd(EXIF_IFD)[0x9003] = date
    if focal_35mm:
        exif.get_ifd(EXIF_IFD)[0xA405] = focal_35mm
    if lonlat is not None:
        gps = exif.get_ifd(GPS_IFD)
        gps[1], gps[2] = "N" if lonlat.lat >= 0 else "S", degrees_minutes_seconds(lonlat.lat)
        gps[3], gps[4] = "E" if lonlat.lon >= 0 else "W", degrees_minutes_seconds(lonlat.lon)
        if heading_deg is not None:
            gps[16], gps[17] = north, heading_deg
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, exif=exif)
    return path


def by_name(views):
    return {view.path.name: view for view in views}


def test_folder_mixes_photos_and_panoramas_and_skips_what_cannot_serve(tmp_path):
    here = LonLat(13.005, 55.005)
    write_photo(tmp_path / "photo.jpg", here, 90.0, date="2021:05:06 10:00:00", focal_35mm=28)
    write_photo(tmp_path / "deep" / "pano.jpg", here, 10.0, size=(1024, 512))
    write_photo(tmp_path / "small_pano.jpg", here, size=(512, 256))
    write_photo(tmp_path / "nowhere.jpg")
    (tmp_path / "damaged.jpg").write_bytes(b"\xff\xd8\xff\xe0 damaged")
    (tmp_path / "notes.txt").write_text("no photo")
    source = FolderStreetViews(tmp_path)
    views = by_name(source.find(AREA, 0.0))
    assert set(views) == {"photo.jpg", "pano.jpg", "small_pano.jpg"}
    photo, pano = views["photo.jpg"], views["pano.jpg"]
    assert photo.projection == "perspective"
    assert photo.heading_deg == pytest.approx(90.0)
    assert 55 < photo.fov_deg < 75
    assert photo.captured_at.year == 2021
    assert (photo.lonlat.lon, photo.lonlat.lat) == pytest.approx((13.005, 55.005))
    assert (pano.projection, pano.fov_deg) == ("equirectangular", 360.0)
    assert views["small_pano.jpg"].projection == "equirectangular"
    assert views["small_pano.jpg"].heading_deg is None
    assert pano.view_id == f"{tmp_path.name}/deep/pano.jpg"
    assert pano.heading_sigma_deg < photo.heading_sigma_deg
    skipped = {name.split("/")[-1]: reason for name, reason in source.skipped.items()}
    assert set(skipped) == {"nowhere.jpg", "damaged.jpg"}
    assert "no position" in skipped["nowhere.jpg"]
    assert tmp_path.name in source.terms.provider


def test_a_compass_of_magnetic_north_is_trusted_less(tmp_path):
    here = LonLat(13.005, 55.005)
    for kind, size in (("photo", (640, 480)), ("pano", (1024, 512))):
        for north in "TM":
            path = tmp_path / f"{kind}_{north}.jpg"
            write_photo(path, here, 90.0, size=size, focal_35mm=28, north=north)
    listed = tmp_path / "views.csv"
    listed.write_text("path,lon,lat\npano_M.jpg,13.005,55.005\n")
    sigma = {
        name: view.heading_sigma_deg
        for name, view in by_name(FolderStreetViews(tmp_path).find(AREA, 0.0)).items()
    }
    for kind in ("photo", "pano"):
        true, magnetic = sigma[f"{kind}_T.jpg"], sigma[f"{kind}_M.jpg"]
        assert magnetic == pytest.approx(np.hypot(true, 15.0))
    (row,) = FolderStreetViews(listed).find(AREA, 0.0)
    assert row.heading_sigma_deg == sigma["pano_M.jpg"]


def test_wide_photo_is_a_panorama_unless_the_table_knows_better(tmp_path):
    write_photo(tmp_path / "wide.jpg", LonLat(13.0, 55.0), size=(1200, 600))
    (view,) = FolderStreetViews(tmp_path).views()
    assert view.projection == "equirectangular"
    (tmp_path / "t.csv").write_text("path,heading,fov\nwide.jpg,5,80\n")
    (view,) = FolderStreetViews(tmp_path / "t.csv").views()
    assert (view.projection, view.fov_deg) == ("perspective", 80.0)
    (tmp_path / "t.csv").write_text("path,projection\nwide.jpg,perspective\n")
    (view,) = FolderStreetViews(tmp_path / "t.csv").views()
    assert view.projection == "perspective"


def test_only_views_in_the_area_and_its_margin_are_found(tmp_path):
    write_photo(tmp_path / "inside.jpg", LonLat(13.002, 55.005))
    write_photo(tmp_path / "margin.jpg", LonLat(13.0105, 55.005))  # 32 m east of the area
    write_photo(tmp_path / "far.jpg", LonLat(13.02, 55.005))
    source = FolderStreetViews(tmp_path)
    assert set(by_name(source.find(AREA, 0.0))) == {"inside.jpg"}
    assert set(by_name(source.find(AREA, 30.0))) == {"inside.jpg"}
    assert set(by_name(source.find(AREA, 35.0))) == {"inside.jpg", "margin.jpg"}
    assert len(source.views()) == 3


def test_unusable_folders_and_tables_say_why(tmp_path):
    with pytest.raises(StreetViewError, match="no such folder or table"):
        FolderStreetViews(tmp_path / "absent").views()
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(StreetViewError, match="none of 0 images"):
        FolderStreetViews(empty).views()
    write_photo(tmp_path / "plain" / "a.jpg")
    with pytest.raises(StreetViewError, match=r"a\.jpg: .*no position"):
        FolderStreetViews(tmp_path / "plain").views()
    table = tmp_path / "table.csv"
    table.write_text("lon,lat\n13,55\n")
    with pytest.raises(StreetViewError, match="name one 'path'"):
        FolderStreetViews(table).views()
    table.write_text("path,lon,lat\n")
    with pytest.raises(StreetViewError, match="no rows"):
        FolderStreetViews(table).views()
    table.write_bytes(b"path,lon\n\xff\xfe\xfa,3\n")
    with pytest.raises(StreetViewError, match="UTF-8"):
        FolderStreetViews(table).views()


def write_table_photos(folder: Path) -> None:
    write_photo(folder / "images" / "a.jpg")
    write_photo(folder / "images" / "b.jpg", size=(1024, 512))
    write_photo(folder / "images" / "c.jpg", LonLat(13.003, 55.003), 45.0, focal_35mm=28)


ROWS = [
    {"path": "images/a.jpg", "lon": 13.001, "lat": 55.001, "heading_deg": 361.5, "fov_deg": 70.0},
    {"path": "images/b.jpg", "lon": 13.002, "lat": 55.002, "heading_deg": 20.0, "fov_deg": None},
    {"path": "images/c.jpg", "lon": None, "lat": None, "heading_deg": None, "fov_deg": None},
    {"path": "images/absent.jpg", "lon": 13.0, "lat": 55.0, "heading_deg": 0.0, "fov_deg": 60.0},
]


def check_rows(source: FolderStreetViews) -> None:
    views = by_name(source.views())
    assert set(views) == {"a.jpg", "b.jpg", "c.jpg"}
    assert views["a.jpg"].heading_deg == pytest.approx(1.5)
    assert (views["a.jpg"].projection, views["a.jpg"].fov_deg) == ("perspective", 70.0)
    assert (views["a.jpg"].lonlat.lon, views["a.jpg"].lonlat.lat) == pytest.approx((13.001, 55.001))
    assert (views["b.jpg"].projection, views["b.jpg"].fov_deg) == ("equirectangular", 360.0)
    assert len(source.skipped) == 1
    assert "absent.jpg" in next(iter(source.skipped.values()))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_table(tmp_path, delimiter):
    write_table_photos(tmp_path)
    columns = ["path", "lon", "lat", "heading_deg", "fov_deg", "captured_at"]
    lines = [delimiter.join(columns)]
    for row in ROWS:
        cells = ["" if row[name] is None else str(row[name]) for name in columns[:-1]]
        lines.append(delimiter.join([*cells, "2020-01-02T03:04:05Z"]))
    table = tmp_path / "views.csv"
    table.write_text("\ufeff" + "\n".join(lines), encoding="utf-8")
    source = FolderStreetViews(table)
    check_rows(source)
    views = by_name(source.views())
    assert views["a.jpg"].captured_at == datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert views["c.jpg"].heading_deg == pytest.approx(45.0)
    assert views["c.jpg"].fov_deg == pytest.approx(65.5, abs=8)
    assert views["c.jpg"].heading_sigma_deg > views["a.jpg"].heading_sigma_deg


@pytest.mark.parametrize("name", ["views.gpkg", "views.geojson"])
def test_point_layer_table(tmp_path, name):
    write_table_photos(tmp_path)
    frame = geopandas.GeoDataFrame(
        {
            "path": [row["path"] for row in ROWS],
            "heading_deg": [row["heading_deg"] for row in ROWS],
            "fov_deg": [row["fov_deg"] for row in ROWS],
        },
        geometry=[None if row["lon"] is None else Point(row["lon"], row["lat"]) for row in ROWS],
        crs="EPSG:4326",
    )
    if name.endswith("gpkg"):
        frame = frame.to_crs("EPSG:3006")
    frame.to_file(tmp_path / name)
    check_rows(FolderStreetViews(tmp_path / name))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-05-06", datetime(2021, 5, 6)),
        ("2021:05:06 07:08:09", datetime(2021, 5, 6, 7, 8, 9)),
        ("2021-05", datetime(2021, 5, 15)),
        ("1620284889000", datetime(2021, 5, 6, 7, 8, 9, tzinfo=UTC)),
        ("last summer", None),
        ("", None),
    ],
)
def test_dates_of_several_forms(tmp_path, text, expected):
    write_photo(tmp_path / "a.png")
    (tmp_path / "t.csv").write_text(f"path,long,lat,azimut,fov,datetime\na.png,1,2,3,60,{text}\n")
    (view,) = FolderStreetViews(tmp_path / "t.csv").views()
    assert view.captured_at == expected
    assert view.heading_deg == 3.0


def test_row_listed_twice_counts_once(tmp_path):
    write_photo(tmp_path / "a.jpg")
    (tmp_path / "t.csv").write_text("path,lon,lat\na.jpg,1,2\na.jpg,3,4\n")
    source = FolderStreetViews(tmp_path / "t.csv")
    assert [view.lonlat for view in source.views()] == [LonLat(1.0, 2.0)]
    assert "listed twice" in next(iter(source.skipped.values()))


def test_pixels_are_upright_and_missing_ones_are_a_street_view_error(tmp_path):
    write_photo(tmp_path / "a.jpg", LonLat(13.0, 55.0))
    (view,) = FolderStreetViews(tmp_path).views()
    assert read_view(view).image.shape == (480, 640, 3)
    assert max(read_view(view, max_side_px=160).image.shape[:2]) == 160
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(StreetViewError, match=r"a\.jpg"):
        read_view(view)


def test_real_panoramas_and_their_table_agree(shared_data):
    folder = shared_data / "panoramas" / "strasbourg"
    from_exif = by_name(FolderStreetViews(folder).views())
    table = FolderStreetViews(folder / "photos.csv")
    from_table = by_name(table.views())
    assert len(from_exif) == 13
    assert len(from_table) == 7
    for name, listed in from_table.items():
        tagged = from_exif[name]
        assert listed.projection == tagged.projection == "equirectangular"
        assert listed.heading_deg == pytest.approx(tagged.heading_deg, abs=1.0)
        assert listed.lonlat.lat == pytest.approx(tagged.lonlat.lat, abs=1e-5)
    view = from_table["stra_1_1.jpg"]
    assert read_view(view, max_side_px=1024).image.shape == (512, 1024, 3)


def test_real_phone_photos_have_positions_and_compasses(shared_data):
    source = FolderStreetViews(shared_data / "photos" / "lund")
    views = source.views()
    assert len(views) == 29
    assert not source.skipped
    assert all(view.heading_deg is not None for view in views)
    assert all(view.captured_at.year == 2014 for view in views)
    described = Image.open(views[0].path).getexif().get(0x010E)
    compass = json.loads(described)["MAPCompassHeading"]["TrueHeading"]
    assert views[0].heading_deg == pytest.approx(float(compass), abs=0.01)


def test_every_edge_case_photo_is_used_or_named(shared_data):
    source = FolderStreetViews(shared_data / "exif_edge")
    views = source.views()
    files = [p for p in (shared_data / "exif_edge").rglob("*") if p.suffix in (".jpg", ".jpeg")]
    assert len(views) + len(source.skipped) == len(files)
    assert all(reason for reason in source.skipped.values())


@pytest.mark.parametrize(
    ("listed", "known"), [("0", None), ("400", None), ("200", None), ("90", 90.0)]
)
def test_a_field_of_view_that_no_camera_has_is_unknown(tmp_path, listed, known):
    write_photo(tmp_path / "a.jpg", LonLat(13.0, 55.0))
    table = tmp_path / "t.csv"
    table.write_text(f"path,projection,heading,fov\na.jpg,perspective,5,{listed}\n")
    (view,) = FolderStreetViews(table).views()
    assert view.fov_deg == known


def test_files_are_read_once_until_they_change_and_cancel_is_heard(tmp_path, monkeypatch):
    for name in ("a.jpg", "b.jpg"):
        write_photo(tmp_path / name, LonLat(13.0, 55.0))
    read = []

    def counted(path):
        read.append(path.name)
        return read_photo_metadata(path)

    monkeypatch.setattr(local, "read_photo_metadata", counted)
    for _ in range(2):
        assert len(FolderStreetViews(tmp_path).views()) == 2
    assert sorted(read) == ["a.jpg", "b.jpg"]
    write_photo(tmp_path / "b.jpg", LonLat(13.0, 55.5), 90.0)
    assert FolderStreetViews(tmp_path).views()[1].lonlat.lat == pytest.approx(55.5)
    with pytest.raises(Cancelled):
        FolderStreetViews(tmp_path, lambda: True).views()


def test_terms_stated_with_a_folder_are_those_of_its_views(tmp_path):
    write_photo(tmp_path / "a.jpg", LonLat(13.0, 55.0))
    (tmp_path / "terms.json").write_text('{"provider": "City survey", "trainable": false}')
    (view,) = FolderStreetViews(tmp_path).views()
    assert (view.terms.provider, view.terms.trainable) == ("City survey", False)


@pytest.mark.parametrize(
    ("columns", "trainable"),
    [
        ({"licence": "CC BY-NC-ND 4.0"}, False),
        ({"licence": "CC BY-NC-ND 4.0", "trainable": "yes"}, True),
        ({"licence": "CC BY 4.0"}, True),
        ({"trainable": "no"}, False),
        ({"trainable": "0.0"}, False),
        ({"trainable": "1.0"}, True),
        ({"provider": "City of X", "licence": "NC"}, False),
        ({"attribution": "(c) me"}, True),
    ],
)
def test_a_row_that_forbids_training_is_heard_whatever_else_it_leaves_open(
    tmp_path, columns, trainable
):
    write_photo(tmp_path / "a.jpg")
    names, values = ",".join(columns), ",".join(columns.values())
    (tmp_path / "t.csv").write_text(f"path,lon,lat,{names}\na.jpg,1,2,{values}\n")
    source = FolderStreetViews(tmp_path / "t.csv")
    (view,) = source.views()
    assert view.terms.trainable == trainable
    assert view.terms.provider == columns.get("provider", source.terms.provider)
    if "licence" in columns:
        assert view.terms.licence == columns["licence"]


def test_files_of_one_name_in_folders_of_one_name_are_two_street_views(tmp_path):
    folders = [tmp_path / walk / "DCIM" for walk in ("walk1", "walk2")]
    for number, folder in enumerate(folders):
        folder.mkdir(parents=True)
        write_photo(folder / "IMG_0001.jpg", LonLat(13.0 + number * 1e-4, 55.0))
    sources = [FolderStreetViews(folder) for folder in folders]
    area = Area.from_bounds(12.99, 54.99, 13.01, 55.01)
    found = find_street_views(area, [*sources, sources[0]], 10.0).views
    assert [view.view_id for view in found] == [
        "DCIM/IMG_0001.jpg",
        "DCIM/IMG_0001.jpg~2",
        "DCIM/IMG_0001.jpg",
    ]
