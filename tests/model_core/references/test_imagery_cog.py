"""A remote GeoTIFF serves like a local copy of it, by the parts that are needed."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
import rasterio
from rasterio.transform import from_origin
from servers import base
from servers.cog import FileServer

from model_core.errors import InputError, ProviderError
from model_core.references.imagery import RasterImagery, open_imagery
from model_core.references.imagery.cog import SOURCES
from model_core.references.source import SourceContext, parse_source
from model_core.types import LonLat

CENTER = LonLat(15.0, 48.2)
EAST, NORTH = 500_000.0, 5_338_700.0


def open_cog(text, client, **keys):
    return SOURCES[0].open(parse_source(text), SourceContext(client, keys))


@pytest.fixture(scope="module")
def cog(tmp_path_factory):
    """A COG of noise, about 1 km wide, 0.5 m pixels, mask and overviews, some 9 MB."""
    path = tmp_path_factory.mktemp("cog") / "city.tif"
    pixels = np.random.default_rng(7).integers(1, 255, (3, 1800, 1800), np.uint8)
    profile = {
        "driver": "COG",
        "width": 1800,
        "height": 1800,
        "count": 3,
        "dtype": "uint8",
        "crs": "EPSG:32633",
        "transform": from_origin(EAST - 450, NORTH + 450, 0.5, 0.5),
        "compress": "deflate",
        "blocksize": 256,
        "nodata": 0,
    }
    pixels[:, :200, :200] = 0
    with rasterio.open(path, "w", **profile) as out:
        out.write(pixels)
    return path


@pytest.fixture(scope="module")
def places(cog):
    with rasterio.open(cog) as source:
        to_lonlat = pyproj.Transformer.from_crs(source.crs, "EPSG:4326", always_xy=True)
    return [
        LonLat(*to_lonlat.transform(EAST + east, NORTH + north))
        for east in (-400.0, -100.0, 0.0, 60.0)
        for north in (-30.0, 390.0)
    ]


def same(one, other):
    if one is None or other is None:
        return one is other
    return np.array_equal(one.image, other.image) and np.array_equal(one.valid, other.valid)


@pytest.mark.parametrize(("footprint_m", "size_px"), [(60.0, 128), (120.0, 64), (400.0, 100)])
def test_parts_give_the_images_of_the_whole_file(
    serve, make_client, cog, places, footprint_m, size_px
):
    server = serve(FileServer({"city.tif": cog}))
    online = open_cog(f"cog|url={server.url}/city.tif", make_client())
    local = RasterImagery(cog)
    assert online.prepare(places, footprint_m, size_px) == []
    server.forget()
    for place in places:
        assert same(
            online.read(place, footprint_m, size_px), local.read(place, footprint_m, size_px)
        )
    asked = [one.headers["Range"] for one in server.requests]
    assert len(asked) <= 3  # masks and the like; everything else was prepared


def test_only_what_is_needed_is_fetched_and_each_part_once(
    serve, make_client, cog, places, tmp_path
):
    server = serve(FileServer({"city.tif": cog}))
    client = make_client(tmp_path)
    online = open_cog(f"cog|url={server.url}/city.tif", client)
    assert online.plan(places[:1], 60.0, 128).requests > 0
    assert server.requests == []
    assert online.read(places[4], 60.0, 128) is not None
    asked = [one.headers["Range"] for one in server.requests]
    assert len(asked) == len(set(asked))
    assert client.count.bytes < cog.stat().st_size / 2
    server.forget()
    again = open_cog(f"cog|url={server.url}/city.tif", make_client(tmp_path, offline=True))
    assert again.read(places[4], 60.0, 128) is not None
    assert again.plan([places[4]], 60.0, 128).requests == 0
    assert server.requests == []


def test_real_rasters_read_the_same_from_a_server(shared_data, serve, make_client):
    for name in ("cog_rgb.tif", "cog_rgb_mask.tif", "cog_rgba.tif", "pix4d_alpha_nodata.tif"):
        path = shared_data / "rasters" / name
        with rasterio.open(path) as source:
            x, y = source.xy(source.height // 2, source.width // 2)
            to_lonlat = pyproj.Transformer.from_crs(source.crs, "EPSG:4326", always_xy=True)
        place = LonLat(*to_lonlat.transform(x, y))
        server = serve(FileServer({name: path}))
        online = open_cog(f"cog|url={server.url}/{name}", make_client())
        found = online.read(place, 30.0, 128)
        assert found is not None
        assert same(found, open_imagery(path).read(place, 30.0, 128))


def test_a_file_replaced_while_parts_of_it_are_kept_is_named(
    serve, make_client, cog, places, tmp_path
):
    server = serve(FileServer({"city.tif": cog}))
    text = f"cog|url={server.url}/city.tif"
    first = open_cog(text, make_client(tmp_path / "cache"))
    assert first.read(places[0], 60.0, 128) is not None
    other = tmp_path / "other.tif"
    other.write_bytes(cog.read_bytes() + b"\0" * 5)
    server.files["city.tif"] = other
    later = open_cog(text, make_client(tmp_path / "cache"))
    assert same(later.read(places[0], 60.0, 128), RasterImagery(cog).read(places[0], 60.0, 128))
    with pytest.raises(ProviderError, match=r"city\.tif has changed.*clear the cache"):
        later.read(places[-1], 60.0, 128)


def test_a_server_without_ranges_is_refused_in_words(serve, make_client, cog, places):
    server = serve(FileServer({"city.tif": cog}, with_ranges=False))
    online = open_cog(f"cog|url={server.url}/city.tif", make_client())
    with pytest.raises(ProviderError, match=r"whole file only.*download it"):
        online.prepare(places, 60.0, 128)


def test_a_missing_file_and_a_file_that_is_no_raster_are_named(
    serve, make_client, places, tmp_path
):
    (tmp_path / "page.tif").write_bytes(b"<!DOCTYPE html><html></html>")
    server = serve(FileServer({"page.tif": tmp_path / "page.tif"}))
    for name, said in (("none.tif", "no file at"), ("page.tif", "GeoTIFF")):
        online = open_cog(f"cog|url={server.url}/{name}", make_client(retries=1))
        with pytest.raises(ProviderError, match=said):
            online.read(places[0], 60.0, 128)


FAULTS = {
    "server error": base.SERVER_ERROR,
    "rate limit": base.rate_limit(),
    "truncated": base.TRUNCATED,
    "half": base.HALF,
    "reset": base.RESET,
    "timeout": base.LATE,
}


@pytest.mark.parametrize("kind", FAULTS)
def test_faults_on_the_way_are_survived_and_lasting_ones_named(
    serve, make_client, cog, places, tmp_path, kind
):
    server = serve(FileServer({"city.tif": cog}))
    local = RasterImagery(cog)
    server.fail(FAULTS[kind], times=2)
    client = make_client(tmp_path, read_timeout_s=base.PATIENCE_S)
    online = open_cog(f"cog|url={server.url}/city.tif", client)
    assert same(online.read(places[4], 60.0, 128), local.read(places[4], 60.0, 128))
    assert sum(client.count.failures.values()) == 2
    server.choose_fault = lambda request: FAULTS[kind]
    with pytest.raises(ProviderError, match=r"city\.tif"):
        online.read(places[0], 60.0, 128)
    server.choose_fault = None
    assert online.read(places[4], 60.0, 128) is not None


def test_a_saved_part_reads_like_the_remote_file(serve, make_client, cog, places, tmp_path):
    server = serve(FileServer({"city.tif": cog}))
    online = open_cog(f"cog|url={server.url}/city.tif|licence=CC0|attribution=City", make_client())
    for footprint_m, size_px in ((60.0, 128), (400.0, 100)):
        path = online.save(tmp_path / str(size_px), places, footprint_m, size_px)
        local = open_imagery(path)
        assert (local.terms.licence, local.terms.attribution) == ("CC0", "City")
        for place in places:
            assert same(
                local.read(place, footprint_m, size_px), online.read(place, footprint_m, size_px)
            )
    with pytest.raises(InputError, match="forbid storing"):
        open_cog(f"cog|url={server.url}/city.tif|cacheable=no", make_client()).save(
            tmp_path / "no", places, 60.0, 128
        )
    assert not (tmp_path / "no").exists()


def test_signed_addresses_stay_secret(serve, make_client, cog, places, tmp_path):
    server = serve(FileServer({"city.tif": cog}))
    client = make_client(tmp_path / "cache", retries=0)
    online = open_cog(f"cog|url={server.url}/city.tif?sv=2020&sig=aSecretSignature", client)
    assert online.read(places[4], 60.0, 128) is not None
    assert {one.query["sig"] for one in server.requests} == {"aSecretSignature"}
    server.choose_fault = lambda request: base.FORBIDDEN
    with pytest.raises(ProviderError) as failed:
        online.read(places[0], 60.0, 128)
    assert "aSecretSignature" not in str(failed.value)
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert kept
    assert not any(b"aSecretSignature" in path.read_bytes() for path in kept)
