"""What lies beside local imagery: terms, a known offset, other rasters; and MBTiles."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import sys

import cv2
import numpy as np
import pyproj
import pytest
import rasterio
from rasterio.transform import from_origin
from rasterio.windows import Window
from servers.xyz import XyzServer

from model_core.errors import ImageryError, InputError
from model_core.references.area import LocalFrame
from model_core.references.imagery import ShiftedImagery, open_imagery
from model_core.references.imagery.web_tiles import SOURCES
from model_core.references.source import SourceContext, parse_source
from model_core.references.terms import (
    licence_allows_training,
    may_train,
    read_terms,
    terms_path,
    write_terms,
)
from model_core.types import LonLat, SourceTerms

PLACE = LonLat(15.0, 48.2)


@pytest.fixture
def raster(tmp_path):
    """A raster 200 m wide around a place, with a bright spot 10 m east and 5 m north of it."""
    frame = LocalFrame(PLACE)
    to_utm = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:32633", always_xy=True)
    x0, y0 = to_utm.transform(PLACE.lon, PLACE.lat)
    path = tmp_path / "city.tif"
    x = x0 - 100 + (np.arange(400) + 0.5) * 0.5
    y = y0 + 100 - (np.arange(400) + 0.5) * 0.5
    east, north = frame.to_xy(*to_utm.transform(*np.meshgrid(x, y), direction="INVERSE"))
    grey = 20 + 220 * np.exp(-((east - 10) ** 2 + (north - 5) ** 2) / 8)
    profile = {"driver": "GTiff", "width": 400, "height": 400, "count": 1, "dtype": "uint8"}
    transform = from_origin(x0 - 100, y0 + 100, 0.5, 0.5)
    with rasterio.open(path, "w", crs="EPSG:32633", transform=transform, **profile) as out:
        out.write(grey.astype(np.uint8), 1)
    return path


def spot_m(found, footprint_m):
    size = found.image.shape[0]
    metres = ((np.arange(size) + 0.5) / size - 0.5) * footprint_m
    weight = np.where(found.image[..., 0] > 40, found.image[..., 0] - 20.0, 0.0)
    east = (weight * metres[None, :]).sum() / weight.sum()
    north = (weight * -metres[:, None]).sum() / weight.sum()
    return float(east), float(north)


def test_a_known_offset_is_taken_back(raster):
    plain = open_imagery(raster).read(PLACE, 60.0, 240)
    assert spot_m(plain, 60.0) == pytest.approx((10.0, 5.0), abs=0.15)
    text = f"{raster}|offset_east_m=10|offset_north_m=5"
    corrected = open_imagery(type(raster)(text)).read(PLACE, 60.0, 240)
    assert spot_m(corrected, 60.0) == pytest.approx((0.0, 0.0), abs=0.15)
    assert corrected.center_lonlat == PLACE


def test_an_offset_noted_beside_a_raster_is_used(raster):
    noted = raster.with_name("city.tif.offset.json")
    noted.write_text(json.dumps({"offset_east_m": 10, "offset_north_m": 5}))
    found = open_imagery(raster).read(PLACE, 60.0, 240)
    assert spot_m(found, 60.0) == pytest.approx((0.0, 0.0), abs=0.15)
    noted.write_text("{}")
    with pytest.raises(InputError, match=r"offset\.json"):
        open_imagery(raster)


def test_options_after_a_path_are_checked(raster):
    path = type(raster)
    with pytest.raises(InputError, match="known are offset_east_m"):
        open_imagery(path(f"{raster}|offset=3"))
    with pytest.raises(InputError, match="number"):
        open_imagery(path(f"{raster}|offset_east_m=much"))
    with pytest.raises(ImageryError, match="no such raster"):
        open_imagery(path(f"{raster}.none|offset_east_m=1"))


def test_an_online_source_takes_the_offset_and_hands_it_to_its_copy(
    serve, make_client, raster, tmp_path
):
    def tile(zoom, x, y):
        noise = np.random.default_rng(x * 31 + y).integers(0, 255, (8, 8, 3), np.uint8)
        return cv2.imencode(".png", cv2.resize(noise, (256, 256)))[1].tobytes()

    x0, y0 = 141994, 90906  # the tile of the place at zoom 18
    tiles = {
        (18, x, y): tile(18, x, y) for x in range(x0 - 3, x0 + 4) for y in range(y0 - 3, y0 + 4)
    }
    server = serve(XyzServer(tiles))
    known = {one.name: one for one in SOURCES}["xyz"]

    def opened(more):
        text = f"xyz|url={server.template}|max_zoom=18{more}"
        return known.open(parse_source(text), SourceContext(make_client()))

    frame = LocalFrame(PLACE)
    seen_at = LonLat(*(float(one) for one in frame.to_lonlat(12.0, -7.0)))
    shifted = opened("|offset_east_m=12|offset_north_m=-7")
    found = shifted.read(PLACE, 50.0, 128)
    expected = opened("").read(seen_at, 50.0, 128)
    assert found.center_lonlat == PLACE
    assert np.abs(found.image.astype(int) - expected.image.astype(int)).max() <= 1
    assert shifted.plan([PLACE], 50.0, 128).requests == 0
    local = open_imagery(shifted.save(tmp_path / "copy", [PLACE], 50.0, 128))
    assert isinstance(local, ShiftedImagery)
    assert np.array_equal(local.read(PLACE, 50.0, 128).image, found.image)


def test_terms_beside_a_raster_are_its_own(raster):
    stated = SourceTerms("City of Krems", "CC BY-NC 4.0", "(c) Krems", trainable=False)
    write_terms(terms_path(raster), stated)
    assert terms_path(raster).name == "city.tif.terms.json"
    imagery = open_imagery(raster)
    assert imagery.terms == stated == read_terms(terms_path(raster))
    assert imagery.read(PLACE, 60.0, 64).terms == stated
    with pytest.raises(InputError, match=r"City of Krems.*CC BY-NC"):
        may_train(imagery.terms)


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("CC BY 4.0", True),
        ("CC-BY-SA-4.0", True),
        ("CC0", True),
        ("public domain", True),
        ("etalab-2.0", True),
        ("https://creativecommons.org/licenses/by/4.0/", True),
        ("Creative Commons Attribution 4.0", True),
        ("CC BY-NC 4.0", False),
        ("CC-BY-ND-4.0", False),
        ("https://creativecommons.org/licenses/by-nc/4.0/", False),
        ("Creative Commons Attribution NonCommercial", False),
        ("all rights reserved", False),
        ("", False),
    ],
)
def test_open_licences_are_told_from_others(licence, allowed):
    assert licence_allows_training(licence) is allowed


def test_mbtiles_are_read_as_a_raster(tmp_path):
    zoom, x0, y0 = 18, 141994, 90906
    path = tmp_path / "city.mbtiles"
    with sqlite3.connect(path) as table:
        table.execute("create table metadata (name text, value text)")
        table.execute(
            "create table tiles (zoom_level int, tile_column int, tile_row int, tile_data blob)"
        )
        corners = [
            (x / 2**zoom * 360 - 180, math.degrees(math.atan(math.sinh(math.pi * (1 - y / 2**17)))))
            for x, y in ((x0 - 2, y0 + 3), (x0 + 3, y0 - 2))
        ]
        bounds = ",".join(repr(value) for corner in corners for value in corner)
        for name, value in (
            ("name", "city"),
            ("format", "png"),
            ("bounds", bounds),
            ("minzoom", str(zoom)),
            ("maxzoom", str(zoom)),
            ("type", "baselayer"),
            ("version", "1"),
            ("description", "city"),
        ):
            table.execute("insert into metadata values (?, ?)", (name, value))
        for x in range(x0 - 2, x0 + 3):
            for y in range(y0 - 2, y0 + 3):
                noise = np.random.default_rng(x * 31 + y).integers(0, 255, (8, 8, 3), np.uint8)
                body = cv2.imencode(".png", cv2.resize(noise, (256, 256)))[1].tobytes()
                row = (1 << zoom) - 1 - y
                table.execute("insert into tiles values (?, ?, ?, ?)", (zoom, x, row, body))
                folder = tmp_path / "tiles" / str(zoom) / str(x)
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{y}.png").write_bytes(body)
    found = open_imagery(path).read(PLACE, 60.0, 128)
    same = open_imagery(tmp_path / "tiles").read(PLACE, 60.0, 128)
    assert found.valid.all()
    assert np.abs(found.image.astype(int) - same.image.astype(int)).max() <= 1


def test_a_folder_of_rasters_is_a_mosaic_with_the_first_on_top(raster, tmp_path):
    folder = tmp_path / "mosaic"
    folder.mkdir()
    with rasterio.open(raster) as source:
        profile, values = source.profile, source.read()
    with rasterio.open(folder / "1-left.tif", "w", **{**profile, "width": 200}) as out:
        out.write(np.full((1, 400, 200), 200, np.uint8))
    with rasterio.open(folder / "2-all.tif", "w", **profile) as out:
        out.write(values)
    write_terms(terms_path(folder / "2-all.tif"), SourceTerms("b", "CC BY 4.0", "(c) b"))
    found = open_imagery(folder).read(PLACE, 60.0, 240)
    assert found.valid.all()
    assert (found.image[:, :110] == 200).all()
    assert found.image[:, 130:].max() > 220
    assert found.image[-1, -1, 0] < 30
    assert "(c) b" in found.terms.attribution


@pytest.mark.skipif(sys.platform == "win32", reason="files are counted in /proc")
def test_a_folder_of_many_rasters_keeps_few_of_them_open(raster, tmp_path):
    """Squares of 25 m cut out of one raster read like it, and systems limit open files."""
    folder = tmp_path / "mosaic"
    folder.mkdir()
    with rasterio.open(raster) as source:
        for number in range(64):
            window = Window(number % 8 * 50, number // 8 * 50, 50, 50)
            profile = {**source.profile, "width": 50, "height": 50}
            profile["transform"] = source.window_transform(window)
            with rasterio.open(folder / f"{number:03d}.tif", "w", **profile) as out:
                out.write(source.read(window=window))
    before = len(os.listdir("/proc/self/fd"))
    mosaic, whole = open_imagery(folder), open_imagery(raster)
    for east_deg in (-0.0009, 0.0, 0.0009):
        place = LonLat(PLACE.lon + east_deg, PLACE.lat)
        one, other = (imagery.read(place, 20.0, 80) for imagery in (mosaic, whole))
        inner = one.valid & other.valid
        assert inner.mean() == pytest.approx(other.valid.mean(), abs=0.02)
        off = np.abs(one.image.astype(int) - other.image)[inner]
        assert (off <= 2).mean() > 0.9
    assert len(os.listdir("/proc/self/fd")) - before < 40
