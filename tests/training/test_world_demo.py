"""The shipped demo: files as other programs write them, where the invented city has them."""

import csv
import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import ExifTags, Image
from pyproj import Transformer

from model_core.references.area import LocalFrame
from model_core.types import LonLat
from training.world.area import AREA_HALF_M, ORIGIN, area_places, place_views, render_photos
from training.world.area_files import write_geotiff, write_panorama, write_photo
from training.world.demo import demo_plan

TAKEN = datetime(2024, 1, 1, 12, 0, 0)


@pytest.fixture(scope="module")
def demo(repository: Path) -> Path:
    return repository / "resources" / "demo"


@pytest.fixture(scope="module")
def truth(demo: Path) -> list[dict[str, str]]:
    with (demo / "truth.csv").open() as source:
        return list(csv.DictReader(source))


def test_the_demo_is_small(demo):
    assert sum(path.stat().st_size for path in demo.rglob("*")) < 6_000_000


def test_photos_know_their_lens_and_nothing_of_their_place(demo, truth):
    photos = sorted((demo / "photos").iterdir())
    assert [path.name for path in photos] == sorted(row["file"] for row in truth)
    for path in photos:
        with Image.open(path) as image:
            exif = image.getexif()
            assert not exif.get_ifd(ExifTags.IFD.GPSInfo)
            assert "xmp" not in image.info
            lens = exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLengthIn35mmFilm]
            width, height = image.size
        row = next(row for row in truth if row["file"] == path.name)
        fov = 2 * np.degrees(np.arctan(43.2666 / 2 / lens * width / np.hypot(width, height)))
        assert float(row["fov_deg"]) == pytest.approx(fov, abs=0.1)
        assert 40 <= fov <= 110


def test_some_photos_have_a_street_view_near_and_some_have_none(truth):
    near = [row["near_street_view"] for row in truth]
    assert near.count("true") >= 8
    assert near.count("false") >= 4


def test_street_views_know_where_they_look(demo):
    views = sorted((demo / "street_views").iterdir())
    assert len(views) >= 40
    with Image.open(views[0]) as image:
        gps = image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
        assert image.size[0] == 2 * image.size[1]
        assert gps[ExifTags.GPS.GPSImgDirectionRef] == "T"
        packet = image.info["xmp"].decode()
    heading = float(gps[ExifTags.GPS.GPSImgDirection])
    assert f'GPano:PoseHeadingDegrees="{heading:.2f}"' in packet
    assert 'GPano:ProjectionType="equirectangular"' in packet


def test_the_roads_lie_on_the_asphalt_of_the_imagery(demo):
    """Grey under the roads, coloured or bright beside them: the georeference holds."""
    lines = json.loads((demo / "roads.geojson").read_text())["features"]
    points = np.concatenate([np.array(line["geometry"]["coordinates"]) for line in lines])
    to_utm = Transformer.from_crs("EPSG:4326", "EPSG:32633", always_xy=True)
    east, north = to_utm.transform(points[:, 0], points[:, 1])
    with rasterio.open(demo / "imagery.tif") as source:
        assert source.crs.to_epsg() == 32633
        pixels = source.read().astype(float)
        inverse = ~source.transform

    def colorfulness(dx: float, dy: float) -> float:
        x, y = np.asarray(east) + dx, np.asarray(north) + dy
        col = (inverse.a * x + inverse.b * y + inverse.c).astype(int)
        row = (inverse.d * x + inverse.e * y + inverse.f).astype(int)
        inside = (col >= 0) & (row >= 0) & (col < 1280) & (row < 1280)
        seen = pixels[:, row[inside], col[inside]]
        return float(np.median(seen.max(0) - seen.min(0)))

    here = colorfulness(0, 0)
    assert all(
        here < 0.7 * colorfulness(dx, dy) for dx, dy in [(16, 0), (-16, 0), (0, 16), (0, -16)]
    )


def test_the_area_holds_places_and_views():
    city = demo_plan().build_city()
    places = area_places(city)
    views = place_views(demo_plan(), city)
    assert len(places) >= 80
    assert 0.5 < len(views) / len(places) < 0.7
    assert max(np.abs(place.xy).max() for place in places) < AREA_HALF_M


def test_the_shipped_photos_are_what_the_command_renders(demo, truth, tmp_path):
    render_photos(demo_plan(), tmp_path, 1, 0)
    with (tmp_path / "truth.csv").open() as source:
        assert next(csv.DictReader(source)) == truth[0]
    name = Path("photos") / "photo_01.jpg"
    with Image.open(demo / name) as shipped, Image.open(tmp_path / name) as fresh:
        gap = np.abs(np.asarray(shipped, float) - np.asarray(fresh, float))
    assert gap.mean() < 3


def test_fresh_photos_come_again_and_are_not_those_shipped(demo, truth, tmp_path):
    for name in "ab":
        render_photos(demo_plan(), tmp_path / name, 1, 5)
    photo = Path("photos") / "photo_01.jpg"
    a, b, shipped = ((f / photo).read_bytes() for f in (tmp_path / "a", tmp_path / "b", demo))
    assert a == b
    assert a != shipped
    with (tmp_path / "a" / "truth.csv").open() as source:
        assert next(csv.DictReader(source)) != truth[0]


def test_a_geotiff_turns_true_north_into_the_grid(tmp_path):
    """A mark due north of the origin lies west or east of it by the grid's convergence."""
    image = np.zeros((480, 480, 3), np.uint8)
    image[40:44, 238:242] = 255
    frame = LocalFrame(ORIGIN)
    path = tmp_path / "grid.tif"
    write_geotiff(path, image, frame, ORIGIN, 110.0, 0.5, quality=95)
    with rasterio.open(path) as source:
        row, col = np.argwhere(source.read(1) > 128).mean(0)
        east, north = source.xy(row, col)
        to_degrees = Transformer.from_crs(source.crs, "EPSG:4326", always_xy=True)
    x, y = frame.to_xy(*(np.array([v]) for v in to_degrees.transform(east, north)))
    assert abs(float(x[0])) < 0.5
    assert float(y[0]) == pytest.approx(99.0, abs=0.5)


def test_a_panorama_is_read_back_where_it_was_taken(tmp_path):
    image = np.full((64, 128, 3), 90, np.uint8)
    path = tmp_path / "view.jpg"
    write_panorama(path, image, LonLat(-13.5, -46.25), 361.5, TAKEN, 80)
    with Image.open(path) as read:
        gps = read.getexif().get_ifd(ExifTags.IFD.GPSInfo)
    degrees = [float(part) for part in gps[ExifTags.GPS.GPSLatitude]]
    assert gps[ExifTags.GPS.GPSLatitudeRef] == "S"
    assert degrees[0] + degrees[1] / 60 + degrees[2] / 3600 == pytest.approx(46.25, abs=1e-8)
    assert float(gps[ExifTags.GPS.GPSImgDirection]) == pytest.approx(1.5)


def test_a_photo_is_written_without_a_place(tmp_path):
    path = tmp_path / "photo.jpg"
    write_photo(path, np.full((60, 80, 3), 90, np.uint8), 27, TAKEN, 80)
    with Image.open(path) as read:
        assert not read.getexif().get_ifd(ExifTags.IFD.GPSInfo)
